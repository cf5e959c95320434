"""After pictures that failed for want of memory or precision: one step down, if the user likes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdsetup.decide.picture import Attempt, next_change
from sdsetup.launchfile import flag, grouped
from sdsetup.show.questions import ask_yes
from sdsetup.text import Text
from sdsetup.values.corrections import Correction
from sdsetup.workflows.corrections import keep
from sdsetup.workflows.session import Session

if TYPE_CHECKING:
    from sdsetup.catalog.failures import FailureBook
    from sdsetup.decide.startup import LaunchPlan
    from sdsetup.execute.context import Context


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
        because = str(change.outcome)
        correction = Correction(because=because, add_flags=(change.rung.flag,), drop_flags=change.rung.drops)
        for path in keep(session, context, correction):
            screen.line(Text("{mark} Changed {path}", mark=screen.mark("ok"), path=path), "ok")
