"""After pictures that failed for want of memory or precision: one step down, if the person likes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdsetup.cli.session import Session
from sdsetup.text import Text

if TYPE_CHECKING:
    from sdsetup.decide.profiles.failures import FailureBook
    from sdsetup.decide.startup import LaunchPlan
    from sdsetup.execute.context import Context


def offer(
    session: Session, context: Context, plan: LaunchPlan, outcome: Any, model_class: Any, book: FailureBook
) -> None:
    """Name the next setting and, where somebody can answer, write it into the launch file on a yes."""
    from sdsetup.cli.lessons import keep
    from sdsetup.decide.launcher import flag, grouped
    from sdsetup.decide.learned import Lesson
    from sdsetup.decide.picture import Attempt, next_change

    flags = tuple(flag(one.name, *one.values) for one in grouped(plan.flags))
    change = next_change([Attempt(flags=flags, outcome=outcome, model_class=model_class)], book)
    screen = session.screen
    if change is None:
        screen.line(Text("No lighter setting is left: make smaller pictures, or fewer at a time."))
        return
    screen.line(
        Text(
            "A picture was {how}. With {flag} it may work next time, somewhat slower.",
            how=change.outcome,
            flag=change.rung.flag,
        )
    )
    if not screen.interactive:
        screen.line(Text("`sdsetup verify` tries it and keeps what works."))
        return
    from sdsetup.show.questions import ask_yes

    if ask_yes(screen, Text("Put {flag} into the launch file?", flag=change.rung.flag)):
        because = f"A picture was {change.outcome} without it."
        lesson = Lesson(because=because, add_flags=(change.rung.flag,), drop_flags=change.rung.drops)
        for path in keep(session, context, lesson):
            screen.line(Text("{mark} {path} is changed.", mark=screen.mark("ok"), path=path), "ok")
