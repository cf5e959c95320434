"""The Windows program: the same bytes each time, and nothing in it that is not the pinned one."""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.util
import io
import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def tool() -> Any:
    loader = importlib.machinery.SourceFileLoader("build_windows", str(ROOT / "tools" / "build-windows"))
    spec = importlib.util.spec_from_loader("build_windows", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    loader.exec_module(module)
    sys.dont_write_bytecode = before
    return module


def fill(folder: Path, names: list[str], moment: int) -> Path:
    for name in names:
        path = folder / "program" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
        os.utime(path, (moment, moment))
    return folder / "program"


def test_an_archive_does_not_tell_when_or_where_it_was_made(tool: Any, tmp_path: Path) -> None:
    names = ["b/two.py", "a.txt", "b/один.py"]
    first = tool.archive(fill(tmp_path / "here", names, 1_000_000_000), 1_790_000_000)
    second = tool.archive(fill(tmp_path / "elsewhere", names[::-1], 1_500_000_000), 1_790_000_000)
    assert first == second
    assert tool.archive(tmp_path / "here" / "program", 1_790_000_002) != first


def test_the_launcher_is_distlibs_and_starts_what_lies_beside_it(tool: Any) -> None:
    data = tool.tomli.loads((ROOT / "tools" / "windows.toml").read_text(encoding="utf-8"))["launcher"]
    made = tool.launcher(data, 1_790_000_000)
    assert made.startswith(b"MZ")
    assert b"#!<launcher_dir>\\python\\python.exe -I\r\n" in made
    with zipfile.ZipFile(io.BytesIO(made)) as script:
        assert script.namelist() == ["__main__.py"]
    with pytest.raises(SystemExit, match="not the pinned one"):
        tool.launcher({**data, "sha256": "0" * 64}, 1_790_000_000)


def test_what_installers_leave_is_tidied_and_the_record_follows(tool: Any, tmp_path: Path) -> None:
    info = tmp_path / "Lib" / "site-packages" / "x-1.dist-info"
    cache = info.parent / "x" / "__pycache__"
    cache.mkdir(parents=True)
    info.mkdir()
    (cache / "x.pyc").write_bytes(b"made on this machine")
    (info / "direct_url.json").write_text('{"url": "file:///somewhere"}')
    for name in ("tool", "uv.exe"):
        (info.parent / "bin" / name).parent.mkdir(exist_ok=True)
        (info.parent / "bin" / name).write_text("#!/where/it/was/made/python")
    (info / "METADATA").write_text("Name: x\n")
    (info / "RECORD").write_text(
        "x-1.dist-info/METADATA,,\nx-1.dist-info/direct_url.json,,\nx-1.dist-info/RECORD,,\n"
    )
    tool._tidy(tmp_path)
    assert (info / "RECORD").read_text() == "x-1.dist-info/METADATA,,\nx-1.dist-info/RECORD,,\n"
    assert [path.name for path in (info.parent / "bin").iterdir()] == ["uv.exe"]
    assert not cache.exists()
    assert not (info / "direct_url.json").exists()


def test_the_pinned_launcher_is_the_one_that_is_installed() -> None:
    import distlib

    data = (ROOT / "tools" / "windows.toml").read_text(encoding="utf-8")
    program = (Path(distlib.__file__).parent / "t64.exe").read_bytes()
    assert hashlib.sha256(program).hexdigest() in data
