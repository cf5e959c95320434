"""Runs inside the Windows Python: one fetch after another, a line of ASCII for each.

download_in_windows.py SRC SITE_PACKAGES URL SIZE SHA256 FOLDER
"""

import sys

sys.path.insert(0, sys.argv[1])
sys.path.append(sys.argv[2])  # pure Python only: filelock, urllib3 and truststore

from pathlib import Path
from threading import Thread

from sdsetup.decide.plan import FetchFile, Source
from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.download import DownloadOptions, fetch
from sdsetup.machine.real import RealMachine

URL, SIZE, SHA256 = sys.argv[3], int(sys.argv[4]), sys.argv[5]
BASE = Path(sys.argv[6])
NAME = "models/Stable-diffusion/\u043c\u043e\u0434\u0435\u043b\u044c [x] (1).safetensors"


def get(save_as: str = NAME, path: str = "/file", *, look: bool = False) -> None:
    file = FetchFile(name="m", save_as=save_as, size=SIZE, sha256=SHA256, sources=(Source(url=URL + path),))
    context = Context(dir=BASE, tools=BASE / "t", cache=BASE / "c", machine=RealMachine())
    options = DownloadOptions(first_pause=0.1, margin_bytes=0, look_for_copies=look, smallest_copy=0)
    try:
        fetched = fetch(file, context, options=options)
    except SdsetupError as error:
        print(f"error {error.code}", flush=True)
    else:
        reused = " reused" if fetched.reused_from else ""
        print(f"ok {fetched.transferred_bytes} {fetched.resumed_from}{reused}", flush=True)


def main() -> None:
    target = BASE / NAME
    get()  # over a line that breaks twice
    get()  # is there
    target.write_bytes(b"<html>")
    target.chmod(0o444)
    get()  # over a read-only, damaged file
    print(ascii(sorted(path.name for path in target.parent.iterdir())), flush=True)
    get("elsewhere/copy.safetensors", look=True)  # a hard link to the first
    (BASE / "folder.bin").mkdir()
    for impossible in ("folder.bin", "CON/x.bin", "a:b", "C:/x.bin", "..\\x.bin"):
        get(impossible)
    runs = [Thread(target=get, args=("two/x.bin",)) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()


if __name__ == "__main__":
    main()
