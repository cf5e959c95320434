"""A moving display that printed lines do not disturb."""

from __future__ import annotations

import threading

from rich.console import Console
from rich.progress import Progress, ProgressColumn

_FRAME = 0.1  # seconds


class Bars(Progress):
    """Rich's progress, drawn in turns; it vanishes in the end.

    Rich draws from a thread of its own, and a line printed in that very moment lands on a bar, or a bar
    stays where a line should be. Here whoever draws holds `turn`: the thread, and those who print.

        with bars.turn:
            bars.remove_task(task)
            screen.line(...)
    """

    def __init__(self, *columns: ProgressColumn, console: Console) -> None:
        super().__init__(*columns, console=console, transient=True, auto_refresh=False)
        self.turn = threading.RLock()
        self._over = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="bars", daemon=True)

    def start(self) -> None:
        super().start()
        self._ticker.start()

    def stop(self) -> None:
        self._over.set()
        if self._ticker.is_alive():
            self._ticker.join()
        super().stop()

    def _tick(self) -> None:
        while not self._over.wait(_FRAME):
            with self.turn:
                self.refresh()
