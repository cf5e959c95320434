"""The list of installations: what commands have worked on, newest first, damaged and missing parts included."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from sdsetup.machine.real import RealMachine
from sdsetup.workflows import registry


def webui(folder: Path) -> Path:
    (folder / "modules").mkdir(parents=True)
    for name in ("webui.py", "launch.py"):
        (folder / name).touch()
    return folder


def names(machine: RealMachine) -> list[str]:
    return [Path(entry.dir).name for entry in registry.known(machine)]


def test_the_one_used_last_comes_first_and_what_is_gone_is_left_out(tmp_path: Path) -> None:
    machine = RealMachine()
    assert registry.known(machine) == ()
    one, two = webui(tmp_path / "one"), webui(tmp_path / "two")
    registry.note(machine, one)
    registry.note(machine, two)
    registry.note(machine, one, pictured=True)
    found = {Path(entry.dir).name: entry for entry in registry.known(machine)}
    assert found["one"].last_picture is not None
    assert found["one"].last_start is not None
    assert found["two"].last_start is None
    (two / "webui.py").unlink()
    assert names(machine) == ["one"]
    assert len(registry.remembered(machine)) == 2
    registry.forget(machine, two)
    assert len(registry.remembered(machine)) == 1


def test_a_damaged_list_is_a_lost_memory_and_no_error(tmp_path: Path) -> None:
    machine = RealMachine()
    path = Path(os.environ["SDSETUP_DATA_DIR"]) / "installations.json"
    path.parent.mkdir(parents=True)
    for text in ("", "[1, 2", "[]", '{"schema": "sdsetup.installations/1", "installations": [3, {"dir": 4}]}'):
        path.write_text(text)
        assert registry.known(machine) == ()
        registry.note(machine, webui(tmp_path / f"new-{len(text)}"))
        assert names(machine) == [f"new-{len(text)}"]


def test_many_at_once_lose_no_entry(tmp_path: Path) -> None:
    machine = RealMachine()
    folders = [webui(tmp_path / f"number-{n}") for n in range(8)]
    threads = [threading.Thread(target=registry.note, args=(machine, folder)) for folder in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(names(machine)) == {folder.name for folder in folders}


def test_a_data_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    Path(os.environ["SDSETUP_DATA_DIR"]).write_text("a file in its place")
    machine = RealMachine()
    registry.note(machine, webui(tmp_path / "one"))
    registry.forget(machine, tmp_path / "one")
    assert registry.known(machine) == ()
