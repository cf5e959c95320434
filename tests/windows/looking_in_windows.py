"""Runs in a Windows CPython: what a look at a folder finds and starts there. Arguments: src, an empty folder."""

import os
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])

from sdsetup.errors import SdsetupError
from sdsetup.execute.folders import inside
from sdsetup.machine.real import RealMachine
from sdsetup.probe import gather

BASE = Path(sys.argv[2])


def planted(*parts: str) -> Path:
    path = BASE.joinpath(*parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"MZ")
    return path


def main() -> None:
    folder = BASE / "D"
    inner, outer = planted("D", "venv", "Scripts", "git.exe"), planted("bin", "git.exe")
    planted("git.exe")
    planted("bin", "python3.10.exe")
    planted("D", "venv", "Scripts", "python.exe")
    planted("home", "python.exe")
    for name in ("webui.py", "launch.py", "modules\\x.py"):
        planted("D", *name.split("\\"))
    (folder / "venv" / "pyvenv.cfg").write_text(f"home = {BASE}\\home\nversion = 3.10.6\n")
    os.chdir(BASE)
    path = ";".join([".", "", "bin", str(BASE), str(inner.parent), f'"{outer.parent}"', os.environ["PATH"]])
    machine = RealMachine({**os.environ, "PATH": path})
    looking = machine.looking_at(BASE / "d")
    print(
        machine.which("git") == str(inner),
        looking.which("git") == str(outer),
        machine.which("python3.10") is not None,
    )
    print(
        looking.run([str(inner).upper()], timeout=5).problem,
        looking.run(["cmd", "/c", "cd"], timeout=30).out.strip(),
    )
    print(machine.foreign_owner(folder), machine.foreign_owner(BASE / "absent"))
    there = gather(machine, folder, subjects=["installation"]).installation
    print(there.environment_python, there.environment_broken)
    (BASE / "home" / "python.exe").unlink()
    print(gather(machine, folder, subjects=["installation"]).installation.environment_broken is not None)
    for name in (
        "\\x",
        "\\\\server\\share\\x",
        "C:x",
        "nul",
        "x.",
        "a:b",
        "xx:stream",
        ".GIT/x",
        "..\\x",
        "good/name",
    ):
        try:
            print(inside(name, folder).relative_to(folder).as_posix())
        except SdsetupError as error:
            print(error.code)


if __name__ == "__main__":
    main()
