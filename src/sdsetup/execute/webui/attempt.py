"""One attempt: a web UI that is starting, its model, one picture, and what was seen on the way."""

from __future__ import annotations

import time
from dataclasses import replace

from sdsetup.catalog.failures import FailureBook
from sdsetup.decide.diagnosis import Diagnosis, notes_in
from sdsetup.decide.picture import Attempt, PngError, decode_png, judge
from sdsetup.decide.picture.attempts import Outcome
from sdsetup.execute.context import Context
from sdsetup.execute.webui.api import Answer, call, peak_vram
from sdsetup.execute.webui.painting import Patience, await_model, blamed, first_picture, hear_out, paint, wanted
from sdsetup.execute.webui.process import WebUI
from sdsetup.storage import write_atomically
from sdsetup.text import Text
from sdsetup.values.facts import Vendor
from sdsetup.values.plan import ProvePicture

_PROMPT = "a cat on a window sill, morning light, watercolor"
_KEPT = 20  # pictures


class PictureAttempt:
    """One start, one picture; `run` gathers what is seen on the way."""

    def __init__(
        self,
        web: WebUI,
        action: ProvePicture,
        context: Context,
        book: FailureBook,
        patience: Patience,
        port: int,
        vendors: tuple[Vendor, ...] | None,
    ) -> None:
        self._web = web
        self._action = action
        self._context = context
        self._book = book
        self._patience = patience
        self._port = port
        self._vendors = vendors

    def run(self, flags: tuple[str, ...]) -> Attempt:
        web = self._web
        seen = Attempt(flags=flags, outcome="failed", log=str(web.log.path) if web.log.path else None)
        if not web.until(lambda state: state.ready, self._patience.start):
            return self._ended(seen)
        seen = replace(seen, start_seconds=round(web.seconds, 1))
        self._context.note(Text("The web UI started in {seconds:.0f} s. Loading the model.", seconds=web.seconds))
        await_model(web, self._patience)
        seen = replace(seen, model_seconds=web.state.model_seconds, model_class=web.state.model_class)
        if web.over or web.state.model == "failed":
            return self._ended(seen)
        self._context.note(Text("Creating the test image."))
        began = time.monotonic()
        answer = self._painted()
        if answer is None or not answer.ok:
            return self._refused(seen, answer)
        return self._judged(replace(seen, picture_seconds=round(time.monotonic() - began, 2)), answer)

    def _painted(self) -> Answer | None:
        action = self._action
        body = wanted(
            prompt=_PROMPT, seed=action.seed, steps=action.steps, width=action.width, height=action.height
        )
        return paint(self._web, self._port, body, self._patience.picture)

    def _judged(self, seen: Attempt, answer: Answer) -> Attempt:
        content = first_picture(answer.value)
        seen = self._measured(seen)
        try:
            verdict: Outcome = judge(decode_png(content))
        except PngError as error:
            self._web.log.note(f"the image can't be read: {error}")
            return replace(seen, outcome="failed", diagnosis=self._diagnosis())
        folder = self._context.state / "proof"
        path = folder / f"picture-{time.strftime('%Y%m%d-%H%M%S')}-{verdict}.png"
        write_atomically(path, content)
        for old in sorted(folder.glob("picture-*.png"))[:-_KEPT]:
            old.unlink(missing_ok=True)
        self._web.step(0.1)
        repaired = any(note.id == "vae-repaired" for note in notes_in(self._web.log.lines, self._book))
        return replace(seen, outcome=verdict, picture=str(path), nan_repaired=repaired)

    def _measured(self, seen: Attempt) -> Attempt:
        memory = call("GET", self._port, "/sdapi/v1/memory", seconds=30)
        vram, ram = peak_vram(memory.value), self._web.measure()
        if vram is not None:
            return replace(seen, peak_bytes=vram, memory="vram")
        return replace(seen, peak_bytes=ram, memory="ram" if ram is not None else None)

    def _refused(self, seen: Attempt, answer: Answer | None) -> Attempt:
        """No picture: the web UI said why, or died, or took too long."""
        if not self._web.over and answer is None:
            return replace(seen, outcome="slow")
        hear_out(self._web, answer)
        if answer is not None and not self._web.over:
            return self._blamed(seen, "failed")
        return self._ended(seen)

    def _ended(self, seen: Attempt) -> Attempt:
        """It ended, or its model did not load, or the time was over."""
        if self._web.over:
            return self._blamed(seen, "died")
        if self._web.state.model == "failed":
            return self._blamed(seen, "failed")
        return replace(seen, outcome="slow", diagnosis=self._diagnosis())

    def _blamed(self, seen: Attempt, outcome: Outcome) -> Attempt:
        found = self._diagnosis()
        return replace(seen, outcome=blamed(found, outcome), diagnosis=found)

    def _diagnosis(self) -> Diagnosis | None:
        return self._web.diagnose(self._book, self._vendors)
