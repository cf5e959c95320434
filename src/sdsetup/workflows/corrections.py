"""What a picture taught: kept in the launch file and in the memory that the next plan is made from, or offered as
one step down after pictures that failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sdsetup.catalog.failures import FailureBook
from sdsetup.decide.picture import Attempt, next_change
from sdsetup.decide.startup import LaunchPlan
from sdsetup.decide.tuning.engine import tune
from sdsetup.execute import launch_file
from sdsetup.execute.context import Context
from sdsetup.execute.lock import folder_lock
from sdsetup.execute.own_files import load_corrections, load_journal, set_damaged_aside
from sdsetup.launchfile import FILE_NAMES, Kind, flag, grouped
from sdsetup.show.questions import ask_yes
from sdsetup.storage import write_json
from sdsetup.text import Text
from sdsetup.values.corrections import Correction, Corrections, card_name, to_json
from sdsetup.values.flags import names_of
from sdsetup.values.plan import WriteLauncher
from sdsetup.workflows.inspect import TUNING_SUBJECTS, inspect
from sdsetup.workflows.session import Session


def keep(session: Session, context: Context, correction: Correction) -> list[Path]:
    """Write the lesson into the launch file and remember it for this card; the files that changed.

    Raises:
        SdsetupError: the launch file cannot be changed; nothing is remembered then.
    """
    with folder_lock(context.dir, context.cache, waiting=session.screen.line):
        for said in set_damaged_aside(context.state):
            session.screen.line(said, "warn")
        changed = _write(context, correction)
        _remember(session, context, correction)
    return changed


def offer(
    session: Session, context: Context, plan: LaunchPlan, outcome: Any, model_class: Any, book: FailureBook
) -> None:
    """Name the next setting and, where somebody can answer, write it into the launch file on a yes."""
    flags = tuple(flag(one.name, *one.values) for one in grouped(plan.flags))
    change = next_change([Attempt(flags=flags, outcome=outcome, model_class=model_class)], book)
    screen = session.screen
    if change is None:
        screen.line(Text("No lighter setting is left. Create smaller images, or fewer at a time."))
        return
    screen.line(
        Text(
            "{outcome} Adding {flag} may fix this, but images may take longer.",
            outcome=change.outcome,
            flag=change.rung.flag,
        )
    )
    if not screen.interactive:
        screen.line(Text("Test it and keep what works: sdsetup verify"))
        return
    if ask_yes(screen, Text("Add {flag} to the launch file?", flag=change.rung.flag)):
        because = change.outcome
        correction = Correction(because=because, add_flags=(change.rung.flag,), drop_flags=change.rung.drops)
        for path in keep(session, context, correction):
            screen.line(Text("{mark} Changed {path}", mark=screen.mark("ok"), path=path), "ok")


def _write(context: Context, correction: Correction) -> list[Path]:
    own: Kind = "bat" if context.machine.family == "windows" else "sh"
    written = load_journal(context.state).entries
    kinds: list[Kind] = [own]
    for kind in ("bat", "sh"):
        if kind != own and f"launcher:{kind}" in written:
            kinds.append(kind)
    page = context.machine.windows().oem_code_page
    changed = []
    for kind in kinds:
        action = WriteLauncher(
            kind=kind,
            flags=correction.add_flags,
            env=(),
            drop_flags=names_of(correction.drop_flags),
            encoding=f"cp{page}" if kind == "bat" and page else None,
        )
        if launch_file.write(action, context)["changed"]:
            changed.append(context.dir / FILE_NAMES[kind])
    return changed


def _remember(session: Session, context: Context, correction: Correction) -> None:
    facts = inspect(session, context.dir, subjects=TUNING_SUBJECTS)
    card = card_name(tune(facts, session.catalog.rules()).gpu)
    learned = load_corrections(context.state)
    if learned.card != card:
        learned = Corrections(card=card)
    write_json(context.state / "learned.json", to_json(learned.plus(correction)))
