"""Runs inside the Windows Python: a step back while another program holds a file, a line of ASCII for each.

undo_in_windows.py SRC FOLDER
"""

import os
import sys

sys.path.insert(0, sys.argv[1])

from pathlib import Path

from sdsetup.errors import SdsetupError
from sdsetup.execute import undo
from sdsetup.execute.context import Context
from sdsetup.execute.environment.places import exchange
from sdsetup.machine.real import RealMachine
from sdsetup.storage import write_json

BASE = Path(sys.argv[2])


def environment(venv: Path, name: str, made: int) -> None:
    venv.mkdir(parents=True)
    (venv / "name.txt").write_text(name)
    (venv / "pyvenv.cfg").write_text("home = C:\\Python310\n")
    os.utime(venv / "pyvenv.cfg", (made, made))


def installation(folder: Path) -> Context:
    context = Context(dir=folder, tools=BASE / "t", cache=BASE / "c", machine=RealMachine())
    environment(folder / "venv", "old", 1000)
    (folder / "webui-user.bat").write_text("old")
    write_json(context.state / "machine.json", {"schema": "sdsetup.machine/1", "card": "old"})
    undo.stage(context)
    environment(context.state / "partial" / "venv", "new", 2000)
    exchange(context.state / "partial" / "venv", context)
    (folder / "webui-user.bat").write_text("new")
    undo.keep_staged(context)
    write_json(context.state / "machine.json", {"schema": "sdsetup.machine/1", "card": "new"})
    return context


def step_back(context: Context) -> None:
    try:
        said = str(undo.bring_back(context).machine.card)
    except SdsetupError as error:
        said = f"error {error.code}"
    files = (context.dir / "webui-user.bat", context.dir / "venv" / "name.txt")
    print(said, *(file.read_text() for file in files), flush=True)


def main() -> None:
    held = {"launch": "webui-user.bat", "record": ".sdsetup/machine.json", "environment": "venv/name.txt"}
    for name, file in held.items():
        context = installation(BASE / name)
        with (context.dir / file).open("rb"):  # as a virus scanner: without the right to delete it
            step_back(context)
        step_back(context)


main()
