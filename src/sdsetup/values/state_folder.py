"""Our own folder inside an installation: journal, record, logs, proofs, what was set aside."""

from __future__ import annotations

from pathlib import Path

STATE_FOLDER = ".sdsetup"


def state_folder(installation: Path) -> Path:
    """Where it is, or will be."""
    return installation / STATE_FOLDER
