"""The proof: the web UI, started as its launch file would, makes one small picture.

Where half precision or the card's memory fails, the next rung of a ladder is tried, and what worked
is handed back.
Nothing outside `D/.sdsetup` is written.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sdsetup.catalog.failures import FailureBook
from sdsetup.decide.diagnosis import Diagnosis
from sdsetup.decide.picture import (
    Attempt,
    Change,
    Proof,
    as_arguments,
    changed_flags,
    next_change,
    proof_arguments,
    proof_of,
)
from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.webui.api import free_port
from sdsetup.execute.webui.attempt import PictureAttempt
from sdsetup.execute.webui.launch_plan import planned
from sdsetup.execute.webui.painting import PORTS, STOPPING, Patience, own_settings
from sdsetup.execute.webui.process import start
from sdsetup.launchfile import LaunchFile
from sdsetup.text import Text
from sdsetup.values.facts import Vendor
from sdsetup.values.plan import ProvePicture

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
    changes: list[Change] = []
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
