"""A web UI without a usable repository, such as an unpacked archive, becomes one; what was changed stays."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from sdsetup.execute.context import Context
from sdsetup.execute.folders import conflicts, set_aside
from sdsetup.text import Text

_EDITS = 20  # files; where more differ it is another version, not a user's edits


def adopt(stage: Path, target: Path, context: Context, own: Sequence[str]) -> None:
    """Let no file of `target` stand against the staged checkout of the web UI.

    A few files that differ are the user's edits and stay, as local changes of the new repository. Where many
    differ it is another version: each goes to `.sdsetup/former/webui-files`, the staged one takes its place. An
    emptied file is nobody's edit. `own` files stay in any case.
    """
    different = [name for name in conflicts(stage, target) if name.split("/")[0] not in (*own, ".git")]
    empty = [name for name in different if _is_empty(target / name)]
    edits = [name for name in different if name not in empty]
    for name in empty:
        (target / name).unlink()
    if len(edits) <= _EDITS:
        for name in edits:
            shutil.copy2(target / name, stage / name)
        if edits:
            context.tell(Text("Your changes are kept: {names}", names=", ".join(edits[:5])))
        return
    former = context.state / "former" / "webui-files"
    for name in edits:
        set_aside(target / name, (former / name).parent)
    context.tell(
        Text.plural(
            "{count} file was from another version and is kept in {former}",
            "{count} files were from another version and are kept in {former}",
            count=len(edits),
            former=former,
        )
    )


def _is_empty(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.stat().st_size == 0
