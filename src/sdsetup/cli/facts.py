"""Reads the facts of a reported machine."""

from __future__ import annotations

from pathlib import Path

from sdsetup.decide.facts import Facts
from sdsetup.errors import SdsetupError
from sdsetup.text import Text


def read_facts(path: Path) -> Facts:
    """The facts in a file made by `report` or `doctor --json`.

    Raises:
        SdsetupError: `facts-unreadable`, or `facts-invalid` for a file that holds no facts.
    """
    import json

    from sdsetup.decide.machine_json import facts_from_json

    try:
        return facts_from_json(json.loads(path.read_text(encoding="utf-8-sig")))
    except (OSError, ValueError, RecursionError) as error:
        raise SdsetupError(
            Text("The facts cannot be read"),
            where=path,
            why=Text("{error}", error=error),
            code="facts-unreadable",
            hint=Text("Give a file made by `sdsetup report --out FILE` or by `sdsetup doctor --json`."),
        ) from error
