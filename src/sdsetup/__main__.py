"""`python -m sdsetup`, and the console script."""

from __future__ import annotations

import sys

from sdsetup import __version__


def main() -> None:
    """Run the command line and exit with its code."""
    # Answered before anything is imported: the launcher asks for it at every start.
    if sys.argv[1:] == ["--version"]:
        print(f"sdsetup {__version__}")  # noqa: T201 - the one answer that needs no screen
        return
    from sdsetup.cli.app import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
