"""The web UI's own config.json, changed only where a user asked for it, with a dated backup."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sdsetup.errors import SdsetupError
from sdsetup.execute.folders import file_problems
from sdsetup.execute.launch_file import back_up, written_through
from sdsetup.machine.launch_files import read_launch_file
from sdsetup.storage import write_atomically
from sdsetup.text import Text


def set_disabled(settings: Path, names: tuple[str, ...], *, off: bool) -> Path | None:
    """Switch extensions off (or on again) in config.json; the backup, None where the file said so already.

    Every other setting keeps its value and its place.

    Raises:
        SdsetupError: `settings-unreadable`, `launch-file-unreadable`; the cause when it could not be written.
    """
    content = read_launch_file(settings)
    said = _settings(settings, content)
    listed = said.get("disabled_extensions")
    before = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    after = [name for name in before if off or name not in names]
    after += [name for name in names if off and name not in after]
    if after == before:
        return None
    said["disabled_extensions"] = after
    with file_problems(settings, Text("The web UI's settings could not be written")):
        backup = back_up(settings, content)
        # As the web UI writes it (modules/options.py, v1.10.1).
        text = json.dumps(said, indent=4, ensure_ascii=False)
        write_atomically(written_through(settings), text.encode("utf-8", "surrogatepass"))
    return backup


def _settings(path: Path, content: bytes | None) -> dict[str, Any]:
    if content is None:
        return {}
    try:
        said = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise SdsetupError(
            Text("The web UI's settings can't be read"),
            where=path,
            why=Text("the file is empty, incomplete, or not JSON"),
            hint=Text("Rename the file. The web UI then starts with its default settings and creates a new one."),
            code="settings-unreadable",
        )
    return said
