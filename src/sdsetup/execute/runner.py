"""Carries out a plan, one step at a time, remembering after each."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, Protocol

from sdsetup.errors import SdsetupError, file_problem
from sdsetup.execute.context import Context, Outcome
from sdsetup.execute.own_files import load_corrections, load_journal
from sdsetup.execute.steps.perform import perform
from sdsetup.storage import write_json
from sdsetup.text import Text
from sdsetup.values.corrections import Correction, Corrections, apply_corrections
from sdsetup.values.corrections import to_json as learned_to_json
from sdsetup.values.events import Event
from sdsetup.values.flags import names_of
from sdsetup.values.journal import Entry, Journal, to_json
from sdsetup.values.plan import BuildEnvironment, CloneWebUI, Plan, Step, WriteLauncher, step_keys

_log = logging.getLogger("sdsetup.runner")
# Steps after which an installation is another one than before.
_SETTLING = (CloneWebUI, BuildEnvironment, WriteLauncher)


class Remembering(Protocol):
    """Keeps the state to go back to (`execute.undo`)."""

    def changing(self, context: Context, /) -> None: ...
    def changed_nothing(self, context: Context, /) -> None: ...
    def keep_staged(self, context: Context, /) -> None: ...


class Runner:
    """One run of one plan.

        Runner(plan, context, card=...).run()

    The journal is read when the run starts (the caller holds the folder's lock) and written after
    every step, so a run that is killed at any moment loses at most the step it was in. `card` is
    what corrections of this run hang on (see `values.corrections`); `undo` is told of each step that makes the
    installation another one.
    """

    def __init__(
        self,
        plan: Plan,
        context: Context,
        *,
        card: str | None = None,
        undo: Remembering | None = None,
    ) -> None:
        self._undo = undo
        self._steps = list(plan.steps)
        self._context = context
        self._journal = load_journal(context.state)
        learned = load_corrections(context.state)
        self._learned = learned if learned.card == card else Corrections(card=card)
        self._results: dict[str, Mapping[str, Any]] = {
            step.id: self._journal.result(step.id) for step in plan.steps if step.state == "done"
        }

    def run(self) -> Mapping[str, Mapping[str, Any]]:
        """Do what is to be done; the results of all steps, finished ones included.

        Raises:
            SdsetupError: the first step that failed; what was finished before it is remembered.
        """
        for position in range(len(self._steps)):
            step = self._steps[position]
            if step.state == "done":
                self._tell(Event(kind="skipped", step=step.id, text=step.because))
            else:
                self._do(step)
        return self._results

    def _do(self, step: Step) -> None:
        began = time.monotonic()
        self._remember(self._journal.without(step.id))
        self._tell(Event(kind="started", step=step.id, text=step.title))
        _log.info("step %s: %r", step.id, step.action)
        context = replace(self._context, step=step.id)
        settling = self._undo if isinstance(step.action, _SETTLING) else None
        if settling:
            settling.changing(context)
        try:
            outcome = perform(step.action, context, self._results, tuple(self._steps))
        except (SdsetupError, OSError) as error:
            if settling:
                settling.changed_nothing(context)
            problem = error if isinstance(error, SdsetupError) else file_problem(error, self._context.dir)
            for name in problem.redo:
                self._remember(self._journal.without(name))
            self._tell(Event(kind="failed", step=step.id, text=problem.message, seconds=time.monotonic() - began))
            if problem is error:
                raise
            raise problem from error
        except BaseException:
            self._tell(Event(kind="failed", step=step.id, text=Text("stopped"), seconds=time.monotonic() - began))
            raise
        for correction in outcome.corrections:
            self.learn(correction)
        self._finish(step, outcome, time.monotonic() - began)

    def _finish(self, step: Step, outcome: Outcome, seconds: float) -> None:
        self._results[step.id] = outcome.result
        if self._undo and isinstance(step.action, _SETTLING):
            self._undo.keep_staged(self._context)
        # Keys are taken from the steps as they are now: a lesson may have changed what they say.
        key = step_keys(tuple(self._steps))[step.id]
        at = datetime.now(timezone.utc).isoformat(timespec="seconds")
        self._remember(self._journal.having(step.id, Entry(key=key, finished_at=at, result=outcome.result)))
        _log.info("step %s finished in %.1f s: %r", step.id, seconds, outcome.result)
        self._tell(Event(kind="finished", step=step.id, text=outcome.summary, seconds=seconds))

    def learn(self, correction: Correction) -> None:
        """Keep a correction, and let the steps say what was really done, so that the next plan agrees."""
        self._learned = self._learned.plus(correction)
        write_json(self._context.state / "learned.json", learned_to_json(self._learned))
        before = step_keys(tuple(self._steps))
        dropped = names_of(correction.drop_flags)
        for position, step in enumerate(self._steps):
            action = step.action
            if isinstance(action, WriteLauncher):
                action = replace(
                    action,
                    flags=apply_corrections(action.flags, [correction]),
                    drop_flags=tuple(dict.fromkeys((*action.drop_flags, *dropped))),
                )
            elif isinstance(action, BuildEnvironment) and correction.torch is not None:
                action = replace(action, torch=correction.torch)
            self._steps[position] = replace(step, action=action)
        self._rekey(before)

    def _rekey(self, before: Mapping[str, str]) -> None:
        """Entries written earlier in this run keep being true under the steps' new keys."""
        after = step_keys(tuple(self._steps))
        journal = self._journal
        for name, key in before.items():
            entry = journal.entries.get(name)
            if entry is not None and entry.key == key:
                journal = journal.having(name, replace(entry, key=after[name]))
        self._remember(journal)

    def _remember(self, journal: Journal) -> None:
        self._journal = journal
        # Before the checkout exists there is no folder of ours yet, and nothing worth remembering.
        if self._context.dir.is_dir() and (journal.entries or self._context.state.is_dir()):
            try:
                write_json(self._context.state / "journal.json", to_json(journal))
            except OSError as error:
                raise SdsetupError(
                    Text("The record of finished steps can't be written"),
                    where=self._context.state / "journal.json",
                    why=str(error),
                    hint=Text(
                        "Free up disk space or give your account write access to the folder, then run "
                        "the same command again."
                    ),
                    code="journal-unwritable",
                ) from error

    def _tell(self, event: Event) -> None:
        self._context.listen(event)
