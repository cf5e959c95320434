"""Pictures from a web UI that runs: wait for its model, ask for one, and what its log says when there is none."""

from __future__ import annotations

import base64
import binascii
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdsetup.decide.diagnosis import Diagnosis
from sdsetup.decide.picture.attempts import Outcome
from sdsetup.decide.startup import Startup
from sdsetup.execute.context import Context
from sdsetup.execute.webui.api import ApiAnswer, call
from sdsetup.execute.webui.launch_plan import settings_file
from sdsetup.execute.webui.process import WebUI
from sdsetup.storage import read_json, write_json

STOPPING = 5.0  # seconds; the web UI needs 1 to 3
PORTS = 3  # another program may take the port that was free a moment ago
_LAST_WORDS = 10.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long each part may take at most, in seconds: generous, for a slow disk and a slow processor."""

    start: float = 1200.0
    model: float = 1200.0
    unannounced: float = 60.0  # a model that is not mentioned by then is loaded by asking for a picture
    picture: float = 3600.0


def await_model(web: WebUI, patience: Patience) -> None:
    """Read on until the model is loaded, or failed, or nothing is heard of it in time."""

    def announced(state: Startup) -> bool:
        return state.model != "waiting"

    if web.until(announced, patience.unannounced):
        web.until(lambda state: state.model in ("loaded", "failed"), patience.model)


def wanted(*, prompt: str, seed: int, steps: int, width: int, height: int) -> dict[str, Any]:
    """What txt2img is asked for: one picture (points), sent back and kept nowhere."""
    return {
        "prompt": prompt,
        "seed": seed,
        "steps": steps,
        "width": width,
        "height": height,
        "sampler_name": "Euler",
        "send_images": True,
        "save_images": False,
    }


def paint(web: WebUI, port: int, body: Mapping[str, Any], seconds: float) -> ApiAnswer | None:
    """The answer to txt2img; None when the time (seconds) was over. Meanwhile the web UI's output is read on."""
    answers: list[ApiAnswer] = []

    def ask() -> None:
        limit = seconds + 60  # the deadline below is the one that counts
        answers.append(call("POST", port, "/sdapi/v1/txt2img", body, seconds=limit))

    asking = threading.Thread(target=ask, daemon=True, name="txt2img")
    asking.start()
    deadline = time.monotonic() + seconds
    while asking.is_alive() and not web.over and time.monotonic() < deadline:
        web.step()
    asking.join(2)
    return answers[0] if answers else None


def first_picture(answer: Mapping[str, Any]) -> bytes:
    """The PNG in an answer; empty where there is none."""
    images = answer.get("images")
    first = images[0] if isinstance(images, list) and images and isinstance(images[0], str) else ""
    try:
        return base64.b64decode(first.partition(",")[2] or first)
    except (binascii.Error, ValueError):
        return b""


def hear_out(web: WebUI, answer: ApiAnswer | None) -> None:
    """After a refusal: read what the web UI still says, and note what it answered."""
    if answer is not None and not answer.status:
        web.until(lambda _state: False, _LAST_WORDS)  # a connection that broke: it is about to end
    while web.step(0.3):
        pass
    if answer is not None and not web.over:
        web.log.note(f"the web UI answered {answer.status}: {answer.problem}")


def blamed(found: Diagnosis | None, otherwise: Outcome) -> Outcome:
    """The outcome that a diagnosis speaks of."""
    act = found.fix.act if found else None
    if act == "less-memory":
        return "out-of-memory"
    if found is not None and act == "more-precision":
        return "nan-vae" if found.id == "nan-vae" else "nan-unet"
    return otherwise


def own_settings(context: Context, arguments: tuple[str, ...], folder: Path) -> Path:
    """A copy of the user's settings for this run: pictures as PNG, no browser, and theirs stay untouched."""
    settings = read_json(settings_file(context, arguments))
    mine = {"samples_format": "png", "auto_launch_browser": "Disable", "live_previews_enable": False}
    path = folder / "config.json"
    write_json(path, {**(settings if isinstance(settings, dict) else {}), **mine})
    return path
