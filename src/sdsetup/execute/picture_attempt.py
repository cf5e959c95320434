"""One attempt: a web UI that is starting, its model, one picture, and what was seen on the way."""

from __future__ import annotations

import base64
import binascii
import threading
import time
from dataclasses import dataclass, replace
from typing import Any

from sdsetup.decide.diagnosis import Diagnosis, notes_in
from sdsetup.decide.facts import Vendor
from sdsetup.decide.picture import Attempt, PngError, decode_png, judge
from sdsetup.decide.picture.attempts import Outcome
from sdsetup.decide.plan import ProvePicture
from sdsetup.decide.profiles.failures import FailureBook
from sdsetup.decide.startup import Startup
from sdsetup.execute.context import Context
from sdsetup.execute.webui import WebUI
from sdsetup.execute.webui_api import Answer, call, peak_vram
from sdsetup.storage import write_atomically
from sdsetup.text import Text

_PROMPT = "a cat on a window sill, morning light, watercolour"
_LAST_WORDS = 10.0  # seconds
_KEPT = 20  # pictures


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long each part may take at most, in seconds: generous, for a slow disk and a slow processor."""

    start: float = 1200.0
    model: float = 1200.0
    unannounced: float = 60.0  # a model that is not mentioned by then is loaded by asking for a picture
    picture: float = 3600.0


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
        self._context.note(
            Text("The web UI is up after {seconds:.0f} s; waiting for its model.", seconds=web.seconds)
        )
        self._await_model()
        seen = replace(seen, model_seconds=web.state.model_seconds, model_class=web.state.model_class)
        if web.over or web.state.model == "failed":
            return self._ended(seen)
        self._context.note(Text("Making the picture."))
        began = time.monotonic()
        answer = self._painted()
        if answer is None or not answer.ok:
            return self._refused(seen, answer)
        return self._judged(replace(seen, picture_seconds=round(time.monotonic() - began, 2)), answer)

    def _await_model(self) -> None:
        def announced(state: Startup) -> bool:
            return state.model != "waiting"

        if self._web.until(announced, self._patience.unannounced):
            self._web.until(lambda state: state.model in ("loaded", "failed"), self._patience.model)

    def _painted(self) -> Answer | None:
        """The answer to txt2img; None when the time was over. Meanwhile the web UI's output is read on."""
        body = {
            "prompt": _PROMPT,
            "seed": self._action.seed,
            "steps": self._action.steps,
            "width": self._action.width,
            "height": self._action.height,
            "sampler_name": "Euler",
            "send_images": True,
            "save_images": False,
        }
        answers: list[Answer] = []

        def ask() -> None:
            limit = self._patience.picture + 60  # the deadline below is the one that counts
            answers.append(call("POST", self._port, "/sdapi/v1/txt2img", body, seconds=limit))

        asking = threading.Thread(target=ask, daemon=True, name="txt2img")
        asking.start()
        deadline = time.monotonic() + self._patience.picture
        while asking.is_alive() and not self._web.over and time.monotonic() < deadline:
            self._web.step()
        asking.join(2)
        return answers[0] if answers else None

    def _judged(self, seen: Attempt, answer: Answer) -> Attempt:
        content = _first_picture(answer.value)
        seen = self._measured(seen)
        try:
            verdict: Outcome = judge(decode_png(content))
        except PngError as error:
            self._web.log.note(f"the picture cannot be read: {error}")
            return replace(seen, outcome="failed", diagnosis=self._diagnosis())
        folder = self._context.state / "proof"
        path = folder / f"picture-{time.strftime('%Y%m%d-%H%M%S')}-{verdict}.png"
        write_atomically(path, content)
        for old in sorted(folder.glob("picture-*.png"))[:-_KEPT]:
            old.unlink(missing_ok=True)
        self._web.step(0.1)
        repaired = any(note.id == "vae-repaired" for note in notes_in(self._web.log.lines, self._book.failures))
        return replace(seen, outcome=verdict, picture=str(path), nan_repaired=repaired)

    def _measured(self, seen: Attempt) -> Attempt:
        memory = call("GET", self._port, "/sdapi/v1/memory", seconds=30)
        vram, ram = peak_vram(memory.value), self._web.measure()
        if vram is not None:
            return replace(seen, peak_bytes=vram, memory="vram")
        return replace(seen, peak_bytes=ram, memory="ram" if ram is not None else None)

    def _refused(self, seen: Attempt, answer: Answer | None) -> Attempt:
        """No picture: the web UI said why, or died, or took too long."""
        if answer is not None and not answer.status:
            self._web.until(lambda _state: False, _LAST_WORDS)  # a connection that broke: it is about to end
        if not self._web.over and answer is None:
            return replace(seen, outcome="slow")
        while self._web.step(0.3):
            pass
        if answer is not None and not self._web.over:
            self._web.log.note(f"the answer was {answer.status}: {answer.problem}")
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
        act = found.cure.act if found else None
        if act == "less-memory":
            outcome = "out-of-memory"
        elif act == "more-precision" and found is not None:
            outcome = "nan-vae" if found.id == "nan-vae" else "nan-unet"
        return replace(seen, outcome=outcome, diagnosis=found)

    def _diagnosis(self) -> Diagnosis | None:
        return self._web.diagnose(self._book, self._vendors)


def _first_picture(answer: Any) -> bytes:
    images = answer.get("images") if isinstance(answer, dict) else None
    first = images[0] if isinstance(images, list) and images and isinstance(images[0], str) else ""
    try:
        return base64.b64decode(first.partition(",")[2] or first)
    except (binascii.Error, ValueError):
        return b""
