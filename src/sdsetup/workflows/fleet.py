"""`sdsetup fleet summary`: the doctor's answers of many PCs in one table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from sdsetup.decide.fleet import FleetRow, by_need, row_of, unreadable
from sdsetup.errors import EXIT_DONE, EXIT_EXPECTED, UsageError
from sdsetup.show.document import print_document
from sdsetup.show.fleet import fleet_json, show_fleet
from sdsetup.storage import LONGEST_OWN
from sdsetup.text import Text
from sdsetup.workflows.session import Session


def run_summary(session: Session, files: Sequence[Path]) -> int:
    """The whole of `sdsetup fleet summary`; 1 where a PC has a problem or its file cannot be read.

    A folder stands for the .json files in it. A PC is called by the name of its file.

    Raises:
        UsageError: `fleet-no-files`.
    """
    paths = [path for given in files for path in (sorted(given.glob("*.json")) if given.is_dir() else [given])]
    if not paths:
        raise UsageError(
            Text("No files to summarize"),
            hint=Text(
                "Save the output of `sdsetup doctor --json` on each PC as NAME.json, then pass these files or"
                " their folder."
            ),
            code="fleet-no-files",
        )
    rows = by_need(_row(path) for path in paths)
    if session.json:
        print_document(fleet_json(rows))
    else:
        show_fleet(rows, session.screen)
    return EXIT_EXPECTED if any(row.verdict in ("problem", "unreadable") for row in rows) else EXIT_DONE


def _row(path: Path) -> FleetRow:
    name = path.name.removesuffix(".json")
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_OWN)
        # PowerShell's `>` writes UTF-16 with a mark.
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        return row_of(name, json.loads(text))
    except OSError as error:
        return unreadable(name, Text("it can't be read ({why})", why=error.strerror or str(error)))
    except (ValueError, RecursionError):
        return unreadable(name, Text("it is not JSON"))
