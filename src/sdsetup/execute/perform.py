"""One arm for each kind of step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn

from sdsetup.decide.plan import (
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
    Step,
    WriteLauncher,
)
from sdsetup.execute.context import Context
from sdsetup.execute.outcome import Outcome


def perform(
    action: Action, context: Context, results: Mapping[str, Mapping[str, Any]], steps: tuple[Step, ...]
) -> Outcome:
    """Carry out one action. Each room's module is imported only when its turn comes.

    Raises:
        SdsetupError: what went wrong, for the person.
    """
    match action:
        case BringPython():
            from sdsetup.execute import python

            return Outcome(result=python.bring(action, context))
        case BringGit():
            from sdsetup.execute import mingit

            return Outcome(result=mingit.bring(action, context))
        case CloneWebUI():
            from sdsetup.execute import checkout

            return Outcome(result=checkout.place(action, context))
        case CloneRepository():
            from sdsetup.execute import repositories

            return Outcome(result=repositories.clone(action, context))
        case FetchFile():
            return _fetch(action, context)
        case FetchFiles():
            from sdsetup.execute import tokenizer

            return Outcome(result=tokenizer.place(action, context))
        case BuildEnvironment():
            from sdsetup.execute import environment

            with_python = replace(action, python=action.python or str(results["python"]["python"]))
            return Outcome(result=environment.build(with_python, context))
        case WriteLauncher():
            from sdsetup.execute import launch_file

            return Outcome(result=launch_file.write(action, context))
        case CheckWebUI():
            from sdsetup.execute import webui_check

            return Outcome(result=webui_check.check(action, context))
        case ProveTorch():
            from sdsetup.execute import proofs

            return proofs.torch(action, context, results, steps)
        case ProvePicture():
            from sdsetup.execute import proofs

            return proofs.picture(action, context, steps)
        case _:
            return _never(action)


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


def _never(action: NoReturn) -> NoReturn:
    raise AssertionError(f"no arm for {action!r}")
