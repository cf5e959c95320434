"""The moves of a step back and of an update: prepared beside what is there, finished when they were cut off."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.environment.places import exchange, former, identity, is_environment
from sdsetup.execute.folders import file_problems, remove_tree, set_aside
from sdsetup.execute.launch_file import back_up, written_through
from sdsetup.execute.steps import webui_checkout
from sdsetup.execute.undo.points import (
    GOING_SCHEMA,
    OURS,
    all_places,
    begun,
    code_of,
    copy_state,
    newest,
    older,
    point,
    said_in,
    staged,
    to_the_past,
    under_way,
)
from sdsetup.execute.webui.process import refuse_running
from sdsetup.launchfile import FILE_NAMES
from sdsetup.storage import replace, write_atomically, write_json
from sdsetup.text import Text
from sdsetup.values.undo_point import Point


def bring_back(context: Context, number: int = 1) -> Point:
    """Exchange the present state with a remembered one: a second step back undoes the first.

    One that was cut off is finished instead. Should a program hold the environment, nothing is changed.

    Raises:
        SdsetupError: `nothing-to-undo`; `environment-gone` when the former environment is no longer
            there; `environment-in-use`, `webui-running`; `local-changes` where a file that the user changed is in
            the way of the former code; the cause when a file could not be written.
    """
    back = point(context, number)
    if back is None:
        raise SdsetupError(
            Text("Nothing to undo"),
            where=context.dir,
            why=Text("no changes are recorded for this installation"),
            hint=Text("Backups of the launch file are next to it, with their date: webui-user.*.bak"),
            code="nothing-to-undo",
        )
    with file_problems(context.state, Text("Undo could not start")):
        if begun(context) is None:
            refuse_running(context)
            _prepare(context, all_places(context)[number - 1])
    finish(context)
    return back


def go_on_to(
    context: Context, *, commit: str, branch: str | None, venv: Path, ours: Mapping[str, Any], detail: str
) -> None:
    """Put another version into place that was made and proved beside this one.

    Its commit is in the repository already, `venv` is its environment, `ours` are our records of it (file name ->
    JSON). What was there becomes the newest point. Killed anywhere, `finish` ends it.

    Raises:
        SdsetupError: as `bring_back`; nothing is changed then.
    """
    refuse_running(context)
    with file_problems(context.state, Text("The update could not be applied")):
        going = under_way(context)
        remove_tree(going)
        copy_state(context, going / "back", "update", detail)
        forward = going / "forward"
        copy_state(context, forward, "update", detail)
        for name in (*OURS, *FILE_NAMES.values()):
            (forward / name).unlink(missing_ok=True)
        for name, value in ours.items():
            write_json(forward / name, value)
        kept = venv if venv.parent == context.state / "former" else set_aside(venv, context.state / "former")
        write_json(forward / "point.json", {**(said_in(forward) or {}), "environment": identity(kept)})
        _begin(context, environment=identity(kept), commit=commit, branch=branch, chosen=None)
    finish(context)


def interrupted(context: Context) -> bool:
    """Whether a step back or an update was cut off while it was put into place, so that `finish` has work."""
    return begun(context) is not None


def finish(context: Context) -> bool:
    """Finish a step back that was cut off; False where there is none.

    Raises:
        SdsetupError: as `bring_back`.
    """
    said = begun(context)
    if said is None:
        return False
    with file_problems(context.dir, Text("The change is not finished yet")):
        _bring_code(context, said)
        _bring_environment(context, said)
        forward = under_way(context) / "forward"
        for name in OURS:
            if (forward / name).is_file():
                _put(forward / name, context.state / name)
            else:  # what was learned since would decide the next plan
                (context.state / name).unlink(missing_ok=True)
        for name in FILE_NAMES.values():
            _put(forward / name, context.dir / name, keeping=True)
        _change_points(context, said)
    return True


def _prepare(context: Context, place: Path) -> None:
    """Everything that the step back needs, in a folder of its own; its plan comes last."""
    going = under_way(context)
    remove_tree(going)  # begun by a run that had changed nothing yet
    shutil.copytree(place, going / "forward")
    copy_state(context, going / "back", "undo", "")
    then = said_in(going / "forward") or {}
    wanted = then.get("environment")
    if wanted is not None and is_environment(context.dir / "venv", str(wanted)):
        wanted = None
    if wanted is not None and former(context, str(wanted)) is None:
        raise SdsetupError(
            Text("The previous Python environment no longer exists"),
            where=context.state / "former",
            why=Text("it was removed"),
            hint=Text("Create the environment for this graphics card again: sdsetup install"),
            code="environment-gone",
        )
    _begin(context, environment=wanted, commit=then.get("commit"), branch=then.get("branch"), chosen=place.name)


def _begin(context: Context, *, environment: Any, commit: Any, branch: Any, chosen: str | None) -> None:
    """From here on the way leads forward only. `chosen`: the name of the point that is gone to, None for a
    version that was not there before."""
    here, stands_on = code_of(context)
    plan = {
        "schema": GOING_SCHEMA,
        "environment": environment,
        "present": identity(context.dir / "venv"),
        "commit": None if commit == here else commit,
        "branch": branch,
        "present_commit": here,
        "present_branch": stands_on,
        "chosen": chosen,
    }
    write_json(under_way(context) / "plan.json", plan)


def _bring_code(context: Context, said: Mapping[str, Any]) -> None:
    """Check the wanted commit out. Where that is not possible nothing has been changed, and the step ends."""
    wanted = said.get("commit")
    if not isinstance(wanted, str):
        return
    here, _branch = code_of(context)
    if here == wanted:
        return
    try:
        webui_checkout.stand_on(context, wanted, said.get("branch"), former=str(here))
    except SdsetupError:
        _forget(context)
        raise


def _bring_environment(context: Context, said: Mapping[str, Any]) -> None:
    """Put the wanted environment into its place, unless it is there already. Where that is not possible the
    present one is in its place, and the step back has not begun."""
    wanted, present, venv = said.get("environment"), said.get("present"), context.dir / "venv"
    if wanted is None or is_environment(venv, str(wanted)):
        return
    source = former(context, str(wanted))
    try:
        if source is None:
            raise SdsetupError(
                Text("The previous Python environment no longer exists"),
                where=context.state / "former",
                why=Text("it was removed while the undo was running"),
                hint=Text("Create the environment for this graphics card again: sdsetup install"),
                code="environment-gone",
            )
        exchange(source, context)
    except SdsetupError:
        kept = None if present is None or venv.exists() else former(context, str(present))
        if kept is not None:
            exchange(kept, context)
        here = said.get("present_commit")
        if isinstance(said.get("commit"), str) and isinstance(here, str):
            webui_checkout.stand_on(context, here, said.get("present_branch"), former=str(said["commit"]))
        _forget(context)
        raise


def _change_points(context: Context, said: Mapping[str, Any]) -> None:
    """The state that was left is what the next step back leads to; the one that was gone to is the present."""
    going, chosen = under_way(context), said.get("chosen", newest(context).name)
    if (going / "back").is_dir():
        if chosen == newest(context).name:
            remove_tree(newest(context))
        elif chosen is None:
            to_the_past(context)
        else:
            remove_tree(older(context) / chosen)
            to_the_past(context, chosen=chosen)
        replace(going / "back", newest(context))
    remove_tree(staged(context))
    _forget(context)


def _forget(context: Context) -> None:
    """One rename ends it: what is half removed must not be taken for a step back under way."""
    done = under_way(context).with_name("undo.done")
    remove_tree(done)
    replace(under_way(context), done)
    with contextlib.suppress(OSError):  # copies of ours, removed the next time
        remove_tree(done)


def _put(source: Path, target: Path, *, keeping: bool = False) -> None:
    """Restore one file. A launch file that was not there before stays. `keeping`: the
    present one may hold the user's own edits, and is kept with its date beside it."""
    if not source.is_file():
        return
    content = source.read_bytes()
    if target.is_file() and target.read_bytes() == content:
        return
    if keeping and target.is_file():
        back_up(target, target.read_bytes())
    place = written_through(target)
    write_atomically(place, content)
    place.chmod(source.stat().st_mode & 0o7777)
