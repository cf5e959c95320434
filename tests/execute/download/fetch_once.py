"""One fetch in a process of its own, to be killed: fetch_once.py URL SIZE SHA256 FOLDER [--eager]."""

import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "src"))

from sdsetup.decide.plan import FetchFile, Source
from sdsetup.execute.context import Context
from sdsetup.execute.download import DownloadOptions, fetch
from sdsetup.machine.real import RealMachine


def main() -> None:
    url, size, sha256, folder = sys.argv[1:5]
    base = Path(folder)
    file = FetchFile(
        name="the model", save_as="models/model.bin", size=int(size), sha256=sha256, sources=(Source(url=url),)
    )
    context = Context(dir=base / "D", tools=base / "tools", cache=base / "cache", machine=RealMachine())
    options = DownloadOptions(
        look_for_copies=False,
        margin_bytes=0,
        first_pause=0.05,
        mark_bytes=2**20,
    )
    if "--eager" in sys.argv:
        options = replace(
            options, trial_after=0.3, trial_seconds=0.3, trial_worth=1, piece_least=50_000, piece_most=50_000
        )
    print("begun", flush=True)
    fetched = fetch(file, context, options=options)
    print(f"done {fetched.transferred_bytes} {fetched.resumed_from}", flush=True)


if __name__ == "__main__":
    main()
