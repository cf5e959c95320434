"""`python -m sdsetup`, and the console script."""

from __future__ import annotations

import sys

from sdsetup import __version__
from sdsetup.cli.streams import lasting, open_closed_ones


def main() -> None:
    """Run the command line and exit with its code."""
    open_closed_ones()
    # Answered before anything is imported: the launcher asks for it at every start.
    if sys.argv[1:] == ["--version"]:
        out, _ = lasting()
        print(f"sdsetup {__version__}", flush=True)  # noqa: T201 - the one answer that needs no screen
        sys.exit(out.lost is not None)
    from sdsetup.cli.app import run

    sys.exit(run(sys.argv[1:]))


def program() -> None:
    """The same as the Windows program: sdsetup.exe of the zip, or from winget or scoop."""
    from sdsetup.cli.windows_program import name_commands, read_before_closing

    name_commands(sys.argv[0])
    try:
        main()
    finally:
        read_before_closing()


if __name__ == "__main__":
    main()
