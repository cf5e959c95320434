"""The test image on a screen: what is going on, what came out; and the same for programs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn

from sdsetup.decide.diagnosis import Diagnosis
from sdsetup.decide.picture import Attempt, Proof
from sdsetup.show.diagnosis import show_diagnosis
from sdsetup.show.errors import show_error
from sdsetup.show.launch import Elapsed
from sdsetup.show.screen import Screen
from sdsetup.show.words import duration, gib, room_for, say
from sdsetup.text import Text, message
from sdsetup.values.events import Event
from sdsetup.values.plan import ProvePicture

if TYPE_CHECKING:
    from sdsetup.errors import SdsetupError

SCHEMA = "sdsetup.verify/1"
_IMAGE, _TIME, _MEMORY, _CHANGED = _LABELS = (
    message("image:"),
    message("time:"),
    message("memory:"),
    message("changed:"),
)


class VerifyScreen:
    """Listens to the notes of the proof: the one at hand moves, those before it stay with their time."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._note: Text | None = None
        self._since = time.monotonic()
        self._task: TaskID | None = None
        self._bar: Progress | None = None
        if screen.console.is_terminal and not screen.quiet:
            spinner = SpinnerColumn("dots" if screen.can_show("⠋") else "line", style="default")
            text = TextColumn("{task.description}", markup=False)
            self._bar = Progress(spinner, text, Elapsed(), console=screen.console, transient=True)

    def __enter__(self) -> VerifyScreen:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            if kind is None:
                self._passed()
            self._bar.stop()

    def listen(self, event: Event) -> None:
        if event.kind != "note" or event.text is None or self._screen.quiet:
            return
        if self._bar is None:
            self._screen.line(event.text, indent=2)
            return
        self._passed()
        self._note, self._since = event.text, time.monotonic()
        self._task = self._bar.add_task(say(event.text), total=None)

    def _passed(self) -> None:
        if self._bar is None or self._task is None or self._note is None:
            return
        self._bar.remove_task(self._task)
        self._task = None
        took = time.monotonic() - self._since
        text = Text("{note}  {took}", note=self._note, took=duration(took)) if took >= 1 else self._note
        self._screen.line(text, "quiet", indent=2)


def show_proof(proof: Proof, action: ProvePicture, changed: Sequence[Path], screen: Screen) -> None:
    """What works, how long it took, and what has changed."""
    kept, room = proof.kept, room_for(_LABELS)
    screen.line(Text("{mark} The web UI works", mark=screen.mark("ok")), "ok")
    screen.field(_IMAGE, kept.picture or "?", room=room)
    times = [
        Text(
            "{took} for {w} x {h}, {n} steps",
            took=_took(kept.picture_seconds),
            w=action.width,
            h=action.height,
            n=action.steps,
        )
    ]
    if kept.start_seconds is not None:
        times.append(Text("start {took}", took=_took(kept.start_seconds)))
    if kept.model_seconds is not None:
        times.append(Text("model {took}", took=_took(kept.model_seconds)))
    screen.field(_TIME, "; ".join(map(say, times)), room=room)
    if kept.peak_bytes is not None:
        peak = gib(kept.peak_bytes)
        said = (
            Text("up to {size} of video memory", size=peak)
            if kept.memory == "vram"
            else Text("up to {size} of system memory", size=peak)
        )
        screen.field(_MEMORY, said, room=room)
    for reason in proof.reasons:
        screen.field(_CHANGED, reason.because, room=room)
    for path in changed:
        screen.line(Text("Saved in the launch file: {path}", path=path), indent=2)


def show_no_proof(
    error: SdsetupError, attempts: Sequence[Attempt], found: Diagnosis | None, screen: Screen
) -> None:
    """What was tried without success, and the fix."""
    if len(attempts) > 1:
        screen.line(Text("Tried:"))
        for attempt in attempts:
            flags = " ".join(attempt.flags) or message("no flags")
            screen.line(Text("{outcome}: {flags}", outcome=attempt.outcome, flags=flags), indent=2)
    if found is None:
        show_error(error, None, screen)
        return
    screen.line(Text("{mark} {message}", mark=screen.mark("fail"), message=error.message), "fail")
    log = attempts[-1].log
    show_diagnosis(found, Path(log) if log else None, screen)


def proof_json(folder: Path, proof: Proof, changed: Sequence[Path]) -> dict[str, Any]:
    files = [str(path) for path in changed]
    return {
        "schema": SCHEMA,
        "ok": True,
        "dir": str(folder),
        **proof.result(),
        "launch_files": files,
        "problem": None,
    }


def no_proof_json(folder: Path, error: SdsetupError, attempts: Sequence[Attempt]) -> dict[str, Any]:
    problem = {
        "code": error.code,
        "text": str(error.message),
        "where": error.where,
        "why": None if error.why is None else str(error.why),
        "fix": None if error.hint is None else str(error.hint),
    }
    tried = [attempt.to_json() for attempt in attempts]
    return {"schema": SCHEMA, "ok": False, "dir": str(folder), "attempts": tried, "problem": problem}


def _took(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    return say(Text("{seconds:.1f} s", seconds=seconds)) if seconds < 10 else duration(seconds)
