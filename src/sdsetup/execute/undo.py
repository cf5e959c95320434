"""Steps back: code, environment and settings as they were before a change of an installation.

A step back is prepared beside what is there, and begins when its `plan.json` is written: from then on every move
can be done again, so that a run that is cut off at any moment is finished by the next one. An update is put into
place by the same moves. The newest point lies in `undo`, older ones in `undo.past`.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from sdsetup.catalog.models import MODEL_FOLDER
from sdsetup.errors import SdsetupError
from sdsetup.execute import git
from sdsetup.execute.context import Context
from sdsetup.execute.environment.places import exchange, former, identity, is_environment
from sdsetup.execute.folders import file_problems, remove_tree, set_aside
from sdsetup.execute.kept import size_of
from sdsetup.execute.launch_file import back_up, written_through
from sdsetup.execute.steps import webui_checkout
from sdsetup.execute.webui.running import refuse_running
from sdsetup.launchfile import FILE_NAMES
from sdsetup.storage import read_json, replace, write_atomically, write_json
from sdsetup.text import Text
from sdsetup.values.install_record import from_json
from sdsetup.values.undo_point import Point

SCHEMA = "sdsetup.undo/1"
GOING_SCHEMA = "sdsetup.undo-going/1"
KEPT_POINTS = 20
_OURS = ("machine.json", "journal.json", "learned.json")
_MODELS = (".safetensors", ".ckpt")


def stage(context: Context, reason: str = "install", detail: str = "") -> None:
    """Copy the present state aside, before anything is changed; the former point stays until `keep_staged`.

    `reason`: what is about to happen ("install", "settings", "update"); `detail` tells more ("v1.10.1").

    Only a finished installation has a state worth going back to. What an earlier run staged stays where that run
    was cut off in the middle of a change: it is the state before the change, the present one is not.
    """
    place = _staged(context)
    with _remembering(context):
        if _cut_off(context, place):
            return
        remove_tree(place)
        if (context.state / "machine.json").is_file():
            _copy_state(context, place, reason, detail)


def changing(context: Context) -> None:
    """The context's step is about to change the installation: what was staged is the state before it."""
    with _remembering(context):
        if _staged(context).is_dir():
            write_atomically(_staged(context) / "changing", context.step.encode())


def changed_nothing(context: Context) -> None:
    """The step that was to change the installation failed and left it as it was."""
    with contextlib.suppress(OSError):  # the error of that step is the one to be told
        (_staged(context) / "changing").unlink(missing_ok=True)


def keep_staged(context: Context) -> None:
    """The state that was staged is what one step back leads to, from now on; again does nothing."""
    with _remembering(context):
        if _said(_staged(context)) is not None:
            _to_the_past(context)
            replace(_staged(context), _place(context))
            (_place(context) / "changing").unlink(missing_ok=True)  # last: killed before, it is staged still


def point(context: Context, number: int = 1) -> Point | None:
    """What can be gone back to, the newest as number 1; None when there is nothing. A step that was cut off comes
    first, whatever the number."""
    if _begun(context) is not None:
        return _read(context, _going(context) / "forward", number)
    places = _places(context)
    return _read(context, places[number - 1], number) if 0 < number <= len(places) else None


def points(context: Context) -> tuple[Point, ...]:
    """Everything that can be gone back to, the newest first; numbers count from 1."""
    found = (_read(context, place, number) for number, place in enumerate(_places(context), 1))
    return tuple(one for one in found if one is not None)


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
            Text("There is nothing to go back to"),
            where=context.dir,
            why=Text("no change of this installation is remembered"),
            hint=Text("Launch files are kept with their date beside them: webui-user.*.bak"),
            code="nothing-to-undo",
        )
    with file_problems(context.state, Text("Undo could not start")):
        if _begun(context) is None:
            refuse_running(context)
            _prepare(context, _places(context)[number - 1])
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
    with file_problems(context.state, Text("The update could not be put into place")):
        going = _going(context)
        remove_tree(going)
        _copy_state(context, going / "back", "update", detail)
        forward = going / "forward"
        _copy_state(context, forward, "update", detail)
        for name in (*_OURS, *FILE_NAMES.values()):
            (forward / name).unlink(missing_ok=True)
        for name, value in ours.items():
            write_json(forward / name, value)
        kept = venv if venv.parent == context.state / "former" else set_aside(venv, context.state / "former")
        write_json(forward / "point.json", {**(_said(forward) or {}), "environment": identity(kept)})
        _begin(context, environment=identity(kept), commit=commit, branch=branch, chosen=None)
    finish(context)


def finish(context: Context) -> bool:
    """Finish a step back that was cut off; False where there is none.

    Raises:
        SdsetupError: as `bring_back`.
    """
    said = _begun(context)
    if said is None:
        return False
    with file_problems(context.dir, Text("The change is not finished yet")):
        _bring_code(context, said)
        _bring_environment(context, said)
        forward = _going(context) / "forward"
        for name in _OURS:
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
    going = _going(context)
    remove_tree(going)  # begun by a run that had changed nothing yet
    shutil.copytree(place, going / "forward")
    _copy_state(context, going / "back", "undo", "")
    then = _said(going / "forward") or {}
    wanted = then.get("environment")
    if wanted is not None and is_environment(context.dir / "venv", str(wanted)):
        wanted = None
    if wanted is not None and former(context, str(wanted)) is None:
        raise SdsetupError(
            Text("The former Python environment is no longer there"),
            where=context.state / "former",
            why=Text("it was removed"),
            hint=Text("Run sdsetup install: it makes the environment for this card again."),
            code="environment-gone",
        )
    _begin(context, environment=wanted, commit=then.get("commit"), branch=then.get("branch"), chosen=place.name)


def _begin(context: Context, *, environment: Any, commit: Any, branch: Any, chosen: str | None) -> None:
    """From here on the way leads forward only. `chosen`: the name of the point that is gone to, None for a
    version that was not there before."""
    here, stands_on = _code(context)
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
    write_json(_going(context) / "plan.json", plan)


def _code(context: Context) -> tuple[str | None, str | None]:
    """The commit that is checked out, and its branch."""
    if not (context.dir / ".git").exists():
        return None, None
    try:
        commit = git.commit_of(context, context.dir)
        branch = git.ask(context, context.dir, "symbolic-ref", "--quiet", "--short", "HEAD")
    except SdsetupError:
        return None, None  # without git no code is moved
    return commit, branch


def _bring_code(context: Context, said: Mapping[str, Any]) -> None:
    """Check the wanted commit out. Where that is not possible nothing has been changed, and the step ends."""
    wanted = said.get("commit")
    if not isinstance(wanted, str):
        return
    here, _branch = _code(context)
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
                Text("The former Python environment is no longer there"),
                where=context.state / "former",
                why=Text("it was removed while a step back was under way"),
                hint=Text("Run sdsetup install: it makes the environment for this card again."),
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
    going, chosen = _going(context), said.get("chosen", _place(context).name)
    if (going / "back").is_dir():
        if chosen == _place(context).name:
            remove_tree(_place(context))
        else:
            if chosen is not None:
                remove_tree(_past(context) / chosen)
            _to_the_past(context)
        replace(going / "back", _place(context))
    remove_tree(_staged(context))
    _forget(context)


def _forget(context: Context) -> None:
    """One rename ends it: what is half removed must not be taken for a step back under way."""
    done = _going(context).with_name("undo.done")
    remove_tree(done)
    replace(_going(context), done)
    with contextlib.suppress(OSError):  # copies of ours, removed the next time
        remove_tree(done)


def _to_the_past(context: Context) -> None:
    """Keep the newest point as an older one; there is none in its place then. The oldest are forgotten: the
    environments that they name stay in `former`, for the user to keep or to delete."""
    past = _past(context)
    if _said(_place(context)) is not None:
        numbers = [int(path.name) for path in _numbered(past)]
        past.mkdir(exist_ok=True)
        replace(_place(context), past / f"{max(numbers, default=0) + 1:04d}")
    remove_tree(_place(context))
    for old in _numbered(past)[: -(KEPT_POINTS - 1)]:
        remove_tree(old)


def _numbered(past: Path) -> list[Path]:
    return sorted(path for path in past.glob("[0-9]*") if path.name.isdecimal())


def _places(context: Context) -> list[Path]:
    """The folders of all points, the newest first."""
    found = [_place(context), *reversed(_numbered(_past(context)))]
    return [place for place in found if _said(place) is not None]


def _read(context: Context, place: Path, number: int) -> Point | None:
    said, machine = _said(place), from_json(read_json(place / "machine.json"))
    if said is None or machine is None:
        return None
    wanted, venv = said.get("environment"), context.dir / "venv"
    elsewhere = wanted is not None and not is_environment(venv, str(wanted))
    kept = former(context, str(wanted)) if elsewhere else None
    commit, models = said.get("commit"), said.get("models")
    return Point(
        number=number,
        at=str(said.get("at")),
        reason=str(said.get("reason") or "install"),
        detail=str(said.get("detail") or ""),
        machine=machine,
        environment=elsewhere,
        environment_gone=elsewhere and kept is None,
        commit=commit if isinstance(commit, str) else None,
        code=isinstance(commit, str) and commit != _code(context)[0],
        bytes=size_of(place) + (0 if kept is None else size_of(kept)),
        models_since=() if not isinstance(models, list) else _models(context, without=models),
    )


def _models(context: Context, *, without: Sequence[Any] = ()) -> tuple[str, ...]:
    folder = context.dir / MODEL_FOLDER
    names = sorted(path.name for path in folder.glob("*") if path.suffix.lower() in _MODELS)
    return tuple(name for name in names if name not in without)


def _copy_state(context: Context, place: Path, reason: str, detail: str) -> None:
    """Copy what a step back changes; `point.json`, written last, makes it a point."""
    place.mkdir(parents=True)
    for name in _OURS:
        if (context.state / name).is_file():
            shutil.copy2(context.state / name, place / name)
    for name in FILE_NAMES.values():
        if (context.dir / name).is_file():
            shutil.copy2(context.dir / name, place / name)
    at = datetime.now(timezone.utc).isoformat(timespec="seconds")
    commit, branch = _code(context)
    said = {
        "schema": SCHEMA,
        "at": at,
        "reason": reason,
        "detail": detail,
        "environment": identity(context.dir / "venv"),
        "commit": commit,
        "branch": branch,
        "models": list(_models(context)),
    }
    write_json(place / "point.json", said)


def _put(source: Path, target: Path, *, keeping: bool = False) -> None:
    """Restore one file. A launch file that was not there before stays. `keeping`: the
    present one may hold the person's own edits, and is kept with its date beside it."""
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


def _cut_off(context: Context, place: Path) -> bool:
    """Whether an earlier run may have changed what was staged here, and was killed before it could say so."""
    said = _said(place)
    if said is None or not (place / "changing").is_file():
        return False
    step = (place / "changing").read_text(encoding="utf-8", errors="replace")
    if step == "environment":  # hours of downloads come before the one moment in which it is exchanged
        return identity(context.dir / "venv") != said.get("environment")
    return step.startswith("launcher:")


def _said(place: Path) -> Mapping[str, Any] | None:
    """What a point says of itself; None where it is not whole."""
    said = read_json(place / "point.json")
    return said if isinstance(said, dict) and said.get("schema") == SCHEMA else None


def _begun(context: Context) -> Mapping[str, Any] | None:
    said = read_json(_going(context) / "plan.json")
    return said if isinstance(said, dict) and said.get("schema") == GOING_SCHEMA else None


def _remembering(context: Context) -> contextlib.AbstractContextManager[None]:
    return file_problems(context.state, Text("The state to go back to could not be written"))


def _place(context: Context) -> Path:
    return context.state / "undo"


def _past(context: Context) -> Path:
    return context.state / "undo.past"


def _staged(context: Context) -> Path:
    return context.state / "undo.new"


def _going(context: Context) -> Path:
    return context.state / "undo.going"
