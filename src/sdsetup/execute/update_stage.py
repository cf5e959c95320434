"""Another version of the web UI, made and proved beside the one that is there, then put into its place.

Until it is proved nothing of the installation changes but the objects in its git repository: the new version lies
whole in `.sdsetup/update`, with an environment of its own, and is tried with the models, extensions and flags of
the installation.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from sdsetup.decide.refusals import local_changes
from sdsetup.errors import SdsetupError
from sdsetup.execute import git
from sdsetup.execute.context import Context
from sdsetup.execute.folders import file_problems, inside, remove_tree
from sdsetup.execute.git.program import GitFailedError
from sdsetup.execute.steps import webui_checkout
from sdsetup.execute.webui.launch_plan import plan_from_file
from sdsetup.launchfile import FILE_NAMES, LaunchFile, flag, grouped
from sdsetup.storage import replace
from sdsetup.text import Text
from sdsetup.values.layout import STAGE_FOLDER, state_folder
from sdsetup.values.plan import CloneWebUI

_TEXT_ENCODER = "openai"  # the web UI looks for these files in the folder in which it is started


@dataclass(frozen=True, kw_only=True)
class OwnEdits:
    """Tracked files that the user changed or deleted, relative to the installation."""

    changed: tuple[str, ...]
    deleted: tuple[str, ...]


def stage_of(folder: Path) -> Path:
    """Where the new version of an installation is made."""
    return state_folder(folder) / STAGE_FOLDER


def prepare(action: CloneWebUI, context: Context, present: str) -> OwnEdits:
    """Bring the wanted commit into the repository, and see that no file of the user's is in its way.

    Raises:
        SdsetupError: `local-changes` naming the files; git's own cause. Nothing is changed.
    """
    git.refuse_foreign(context, context.dir)
    try:
        webui_checkout.bring(action, context)
    except GitFailedError as failed:
        raise SdsetupError(
            Text("This version of the web UI could not be downloaded"),
            where=action.urls[0],
            why=failed.cause.why,
            hint=failed.cause.hint,
            code=failed.cause.code,
        ) from failed
    status = git.ask(context, context.dir, "status", "--porcelain", "-z", "--untracked-files=no", "--no-renames")
    differing = git.ask(
        context, context.dir, "diff-tree", "-r", "-z", "--name-status", "--no-renames", present, action.commit
    )
    if status is None or differing is None:
        raise local_changes(str(context.dir), present, ("files that Git could not list",))
    # `ask` strips its answer, so the first entry may have lost the blank before its letter.
    entries = [entry.lstrip().partition(" ") for entry in status.split("\0") if entry.strip()]
    own = {name.lstrip(): how for how, _blank, name in entries}
    parts = differing.split("\0")
    upstream = dict(zip(parts[1::2], parts[0::2], strict=False))
    in_the_way = [name for name in own if name in upstream]
    in_the_way += [name for name, how in upstream.items() if how == "A" and os.path.lexists(context.dir / name)]
    if in_the_way:
        raise local_changes(str(context.dir), present, tuple(in_the_way))
    deleted = tuple(name for name in own if not os.path.lexists(context.dir / name))
    return OwnEdits(changed=tuple(name for name in own if name not in deleted), deleted=deleted)


def clear_stage(context: Context, *, unless: str | None = None) -> None:
    """Remove the stage, `unless` it is at this commit: then the work goes on. Test images and logs are kept in the
    installation's own folders."""
    stage = stage_of(context.dir)
    if not os.path.lexists(stage) or (unless is not None and git.commit_of(context, stage) == unless):
        return
    with file_problems(stage, Text("Leftovers of an update could not be removed")):
        for kind, pattern in (("proof", "picture-*.png"), ("logs", "webui-*.log")):
            for path in sorted((state_folder(stage) / kind).glob(pattern)):
                (context.state / kind).mkdir(exist_ok=True)
                replace(path, kept_path(context, path))
        remove_tree(stage)


def kept_path(context: Context, path: Path) -> Path:
    """Where a test image or log of the stage lies after the stage was cleared."""
    return context.state / path.parent.name / path.name


def with_own_edits(context: Context, edits: OwnEdits) -> None:
    """Give the stage the user's edits and text encoder files, so that what is proved is what will run."""
    stage = stage_of(context.dir)
    with file_problems(stage, Text("Your changed files could not be copied")):
        for name in edits.changed:
            target = inside(name, stage)
            if name not in FILE_NAMES.values() and (context.dir / name).is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(context.dir / name, target)
        for name in edits.deleted:
            inside(name, stage).unlink(missing_ok=True)
        if (context.dir / _TEXT_ENCODER).is_dir() and not (stage / _TEXT_ENCODER).exists():
            shutil.copytree(context.dir / _TEXT_ENCODER, stage / _TEXT_ENCODER)


def flags_for_the_stage(context: Context) -> tuple[tuple[str, ...], LaunchFile]:
    """The user's flags and variables as a start in the stage needs them: models, extensions and settings are those
    of the installation, and a path in it is a whole one.

    Raises:
        SdsetupError: the launch file cannot be read.
    """
    plan, seen = plan_from_file(context)
    flags = []
    data = False
    for one in grouped(plan.flags):
        values = [_whole(context.dir, value) for value in one.values]
        data = data or one.name == "--data-dir"
        flags.append(flag(one.name, *values))
    if not data:
        flags.append(flag("--data-dir", str(context.dir)))
    return tuple(flags), seen


def _whole(folder: Path, value: str) -> str:
    return str(folder / value) if value and (folder / value).exists() else value
