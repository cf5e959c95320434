"""Rich's console, for text that others wrote."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from sdsetup.text import harmless


class HarmlessConsole(Console):
    """Draws bars and tables, and writes out whatever in them would steer the terminal. Rich's own steering goes
    in segments marked as such and is let through."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(harmless(segment.text, lines=True), segment.style)
