"""Keeps what a picture taught: in the launch file, and in the memory that the next plan is made from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sdsetup.cli.session import Session

if TYPE_CHECKING:
    from sdsetup.decide.facts import Facts, Vendor
    from sdsetup.decide.learned import Lesson
    from sdsetup.execute.context import Context


def context_of(session: Session, folder: Path) -> Context:
    """Where and with what a command works on an installation; notes go to the screen."""
    from sdsetup.decide.events import Event
    from sdsetup.execute.context import Context
    from sdsetup.storage import cache_folder, data_folder

    def told(event: Event) -> None:
        if event.kind == "note" and event.text is not None and not session.quiet:
            session.screen.line(event.text, "quiet", indent=2)

    env = session.machine.env
    return Context(
        dir=folder,
        tools=data_folder(env) / "tools",
        cache=cache_folder(env),
        machine=session.machine,
        profiles=session.profiles,
        listen=told,
    )


def cards(session: Session, folder: Path) -> Facts:
    """The graphics cards, and what the installation was made for."""
    from dataclasses import replace

    from sdsetup.execute.own_files import load_machine
    from sdsetup.probe import gather

    facts = gather(session.machine, folder, subjects=("system", "gpus"))
    return replace(facts, recorded=load_machine(folder / ".sdsetup"))


def vendors(facts: Facts) -> tuple[Vendor, ...] | None:
    """The makers of the cards; None where they could not be asked."""
    return None if "gpus" in facts.unknown else tuple(dict.fromkeys(gpu.vendor for gpu in facts.gpus))


def keep(session: Session, context: Context, lesson: Lesson) -> list[Path]:
    """Write the lesson into the launch file and remember it for this card; the files that changed.

    Raises:
        SdsetupError: the launch file cannot be changed; nothing is remembered then.
    """
    from sdsetup.execute.lock import folder_lock
    from sdsetup.execute.own_files import set_damaged_aside

    with folder_lock(context.dir, context.cache, waiting=session.screen.line):
        for said in set_damaged_aside(context.state):
            session.screen.line(said, "warn")
        changed = _write(context, lesson)
        _remember(session, context, lesson)
    return changed


def _write(context: Context, lesson: Lesson) -> list[Path]:
    from sdsetup.decide.launcher import FILE_NAMES, Kind
    from sdsetup.decide.plan import WriteLauncher
    from sdsetup.execute import launch_file
    from sdsetup.execute.own_files import load_journal

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
            flags=lesson.add_flags,
            env=(),
            drop_flags=tuple(flag.split(" ", 1)[0] for flag in lesson.drop_flags),
            encoding=f"cp{page}" if kind == "bat" and page else None,
        )
        if launch_file.write(action, context)["changed"]:
            changed.append(context.dir / FILE_NAMES[kind])
    return changed


def _remember(session: Session, context: Context, lesson: Lesson) -> None:
    from sdsetup.cli.knowledge import tuned
    from sdsetup.cli.tuning import SUBJECTS
    from sdsetup.decide.learned import Learned, card_name, to_json
    from sdsetup.execute.own_files import load_learned
    from sdsetup.probe import gather
    from sdsetup.storage import write_json

    facts = gather(session.machine, context.dir, subjects=SUBJECTS)
    card = card_name(tuned(session.profiles, facts, "current").gpu)
    learned = load_learned(context.state)
    if learned.card != card:
        learned = Learned(card=card)
    write_json(context.state / "learned.json", to_json(learned.plus(lesson)))
