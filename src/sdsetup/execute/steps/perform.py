"""One arm for each kind of step."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sdsetup.execute import environment, launch_file
from sdsetup.execute.context import Context, Outcome
from sdsetup.execute.folders import file_problems, inside, set_aside
from sdsetup.execute.steps import mingit, proofs, python, tokenizer, webui_check, webui_checkout
from sdsetup.text import Text
from sdsetup.values.plan import (
    Action,
    BringGit,
    BringPython,
    BuildEnvironment,
    CheckWebUI,
    CloneRepository,
    CloneWebUI,
    FetchFile,
    FetchFiles,
    ProvePicture,
    ProveTorch,
    SetAside,
    Step,
    WriteLauncher,
    no_arm,
)


def perform(
    action: Action, context: Context, results: Mapping[str, Mapping[str, Any]], steps: tuple[Step, ...]
) -> Outcome:
    """Carry out one action.

    Raises:
        SdsetupError: what went wrong, for the user.
    """
    match action:
        case BringPython():
            return Outcome(result=python.bring(action, context))
        case BringGit():
            return Outcome(result=mingit.bring(action, context))
        case CloneWebUI():
            return Outcome(result=webui_checkout.place(action, context))
        case CloneRepository():
            return Outcome(result=webui_checkout.clone_repository(action, context))
        case FetchFile():
            return _fetch(action, context)
        case FetchFiles():
            return Outcome(result=tokenizer.place(action, context))
        case BuildEnvironment():
            with_python = replace(action, python=action.python or str(results["python"]["python"]))
            return Outcome(result=environment.build(with_python, context))
        case WriteLauncher():
            return Outcome(result=launch_file.write(action, context))
        case SetAside():
            return _set_aside(action, context)
        case CheckWebUI():
            return Outcome(result=webui_check.check(action, context))
        case ProveTorch():
            return proofs.torch(action, context, results, steps)
        case ProvePicture():
            return proofs.picture(action, context, steps)
        case _:
            return no_arm(action)


def _fetch(action: FetchFile, context: Context) -> Outcome:

    from sdsetup.execute.download import fetch

    fetched = fetch(action, context)
    result = {
        "path": str(fetched.path),
        "sha256": action.sha256,
        "transferred": fetched.transferred_bytes,
        "resumed_from": fetched.resumed_from,
        "source": fetched.source,
        "reused_from": str(fetched.reused_from) if fetched.reused_from else None,
    }
    return Outcome(result=result)


def _set_aside(action: SetAside, context: Context) -> Outcome:
    place = inside(action.path, context.dir)
    with file_problems(place, Text("A damaged file could not be renamed")):
        kept = str(set_aside(place, context.state / "former")) if os.path.lexists(place) else None
    summary = Text("kept as {kept}", kept=kept) if kept is not None else None
    return Outcome(result={"kept": kept}, summary=summary)
