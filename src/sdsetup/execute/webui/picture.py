"""The proof: the web UI, started as its launch file would, makes one small picture.

Where half precision or the card's memory fails, the next rung of a ladder is tried, and what worked
is handed back.
Nothing outside `D/.sdsetup` is written.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace

from sdsetup.catalog.failures import FailureBook
from sdsetup.decide.diagnosis import Diagnosis, notes_in
from sdsetup.decide.picture import (
    Attempt,
    FlagChange,
    PngError,
    Proof,
    as_arguments,
    changed_flags,
    decode_png,
    judge,
    next_change,
    proof_arguments,
    proof_of,
)
from sdsetup.decide.picture.attempts import Outcome
from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.webui.api import ApiAnswer, call, free_port, peak_vram
from sdsetup.execute.webui.launch_plan import planned
from sdsetup.execute.webui.painting import (
    PORTS,
    STOPPING,
    Patience,
    await_model,
    blamed,
    first_picture,
    hear_out,
    own_settings,
    paint,
    wanted,
)
from sdsetup.execute.webui.process import WebUI, start
from sdsetup.launchfile import LaunchFile
from sdsetup.storage import write_atomically
from sdsetup.text import Text
from sdsetup.values.facts import Vendor
from sdsetup.values.plan import ProvePicture

_PROMPT = "a cat on a window sill, morning light, watercolor"
_KEPT = 20  # pictures
_log = logging.getLogger("sdsetup.picture")


class PictureError(SdsetupError):
    """No picture could be made. `attempts` tells what was tried, `diagnosis` why the last one failed, if known."""

    def __init__(
        self,
        message: Text,
        *,
        code: str,
        hint: Text,
        attempts: tuple[Attempt, ...],
        why: Text | None = None,
        where: object = None,
    ) -> None:
        super().__init__(message, code=code, hint=hint, why=why, where=where)
        self.attempts = attempts
        self.diagnosis: Diagnosis | None = attempts[-1].diagnosis if attempts else None


def prove(
    action: ProvePicture,
    context: Context,
    *,
    flags: Sequence[str],
    seen: LaunchFile,
    book: FailureBook,
    patience: Patience | None = None,
    vendors: tuple[Vendor, ...] | None = None,
) -> Proof:
    """Make the picture, with other flags where these do not do.

    `flags`: as the launch file has them, one string per flag, value included. `seen`: all else that it says.
    `vendors`: the makers of the cards, for a better diagnosis; None where they are not known.

    Raises:
        PictureError: `picture-black`, `picture-failed`, `picture-slow`, `webui-died`, `out-of-memory`.
        SdsetupError: `webui-missing`, `environment-missing`, `webui-not-startable`.
    """
    patience = patience or Patience()
    attempts: list[Attempt] = []
    changes: list[FlagChange] = []
    tried = tuple(flags)
    while True:
        attempts.append(_attempt(action, context, tried, seen, book, patience, vendors))
        _log.info("attempt %d: %s", len(attempts), attempts[-1])
        change = next_change(attempts, book)
        if change is None:
            break
        tried = changed_flags(tried, change.rung)
        changes.append(change)
        context.note(Text("{outcome} Trying again with {flag}.", outcome=change.outcome, flag=change.rung.flag))
    proof = proof_of(attempts, changes)
    if proof is None:
        raise _no_picture(tuple(attempts))
    return proof


def _attempt(
    action: ProvePicture,
    context: Context,
    flags: tuple[str, ...],
    seen: LaunchFile,
    book: FailureBook,
    patience: Patience,
    vendors: tuple[Vendor, ...] | None,
) -> Attempt:
    arguments = as_arguments(flags)
    settings = own_settings(context, arguments, context.state / "proof")
    for _ in range(PORTS):
        port = free_port()
        wanted = proof_arguments(arguments, port=port, settings=str(settings))
        plan = planned(context, wanted, seen)
        context.note(Text("Starting the web UI for a test image."))
        with start(plan, context) as web:
            attempt = PictureAttempt(web, action, context, book, patience, port, vendors).run(flags)
            web.stop(STOPPING)
        if attempt.diagnosis is None or attempt.diagnosis.id != "port-taken":
            break
    return attempt


def _no_picture(attempts: tuple[Attempt, ...]) -> PictureError:
    last = attempts[-1]
    found = last.diagnosis
    if last.outcome in ("black", "constant"):
        return PictureError(
            Text("The test image is black")
            if last.outcome == "black"
            else Text("The test image is a single color"),
            code="picture-black",
            why=Text("more precision did not help, so the cause is the model file, its VAE, or xformers"),
            hint=Text("Check the model files, or try another model: sdsetup model check"),
            where=last.picture,
            attempts=attempts,
        )
    messages = {
        "out-of-memory": (Text("Not enough video memory for the test image"), "out-of-memory"),
        "slow": (Text("The web UI took too long"), "picture-slow"),
        "died": (Text("The web UI ended before the image was finished"), "webui-died"),
    }
    message, code = messages.get(
        last.outcome, (Text("The web UI could not create the test image"), "picture-failed")
    )
    hint = found.fix.text if found else Text("See the end of the log, or create a support report: sdsetup report")
    if found and found.fix.command:
        hint = Text("{text} Command: {command}", text=found.fix.text, command=found.fix.command)
    return PictureError(
        message, code=code, why=found.cause if found else None, hint=hint, where=last.log, attempts=attempts
    )


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

    def _painted(self) -> ApiAnswer | None:
        action = self._action
        body = wanted(
            prompt=_PROMPT, seed=action.seed, steps=action.steps, width=action.width, height=action.height
        )
        return paint(self._web, self._port, body, self._patience.picture)

    def _judged(self, seen: Attempt, answer: ApiAnswer) -> Attempt:
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

    def _refused(self, seen: Attempt, answer: ApiAnswer | None) -> Attempt:
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
