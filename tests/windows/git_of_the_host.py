"""A git.exe for the bench that is this machine's own git: the repositories are real, the paths are translated.

It shows how sdsetup starts git on Windows and what it does with the answers. What it does not show is how Git for
Windows itself treats Windows' files (long paths, line ends, locked files).
"""

import os
import re
import subprocess
import sys
import tempfile
import time

PREFIX = os.environ["WINEPREFIX"]
SCRIPT = """
cd "$1"; said=$2; shift 2
git "$@" <"$said.in" >"$said.out" 2>"$said.err"
echo $? >"$said.part"; mv "$said.part" "$said.rc"
"""


def of_host(path: str) -> str:
    drive, rest = path[0].lower(), path[2:].replace("\\", "/")
    return (f"{PREFIX}/drive_c" if drive == "c" else "") + rest


def translated(word: str) -> str:
    found = re.fullmatch(r"(--[\w-]+=|[\w.]+=)?([A-Za-z]:[\\/].*)", word, re.DOTALL)
    return (found[1] or "") + of_host(found[2]) if found else word


def of_windows(text: bytes) -> bytes:
    return text.replace(f"{PREFIX}/drive_c".encode(), b"C:")


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        said = os.path.join(folder, "git")
        words = [of_host(os.getcwd()), of_host(said), *(translated(word) for word in sys.argv[1:])]
        with open(said + ".in", "wb") as file:
            file.write(sys.stdin.buffer.read() if sys.stdin and not sys.stdin.isatty() else b"")
        subprocess.run(["start", "/unix", "/bin/sh", "-c", SCRIPT, "git", *words], check=True)
        while not os.path.exists(said + ".rc"):
            time.sleep(0.02)
        for name, stream in (("out", sys.stdout), ("err", sys.stderr)):
            with open(f"{said}.{name}", "rb") as file:
                stream.buffer.write(of_windows(file.read()))
            stream.flush()
        with open(said + ".rc") as file:
            return int(file.read())


if __name__ == "__main__":
    sys.exit(main())
