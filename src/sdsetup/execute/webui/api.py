"""Calls to the web UI's API on this computer: straight to the port, past every proxy."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_HOST = "127.0.0.1"
_LARGEST = 64 * 2**20  # bytes; a picture of 512 x 512 has 0.7 MB in base64


@dataclass(frozen=True, kw_only=True)
class ApiAnswer:
    """`status` 0: nobody answered, `text` says why. `value` is the JSON object, {} where there is none.
    `seconds`: from the call to the last byte."""

    status: int
    value: Mapping[str, Any]
    text: str = ""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return self.status == 200

    @property
    def problem(self) -> str:
        """What the web UI says went wrong, in one line: "OutOfMemoryError: CUDA out of memory. ..."."""
        kind, said = self.value.get("error"), self.value.get("errors") or self.value.get("detail")
        return " ".join(f"{kind}: {said}".split()) if kind else self.text


def call(method: str, port: int, path: str, body: Mapping[str, Any] | None = None, *, seconds: float) -> ApiAnswer:
    """One call; never raises for what the other side does. `seconds` limits each wait for bytes."""
    import requests
    from urllib3.exceptions import HTTPError

    from sdsetup.machine.web_session import session

    began = time.monotonic()
    try:
        with (
            session() as talk,
            talk.request(
                method,
                f"http://{_HOST}:{port}{path}",
                json=body,
                timeout=seconds,
                stream=True,
                allow_redirects=False,
            ) as reply,
        ):
            raw = reply.raw.read(_LARGEST, decode_content=True)
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        return ApiAnswer(status=0, value={}, text=f"{type(error).__name__}: {error}")
    took = time.monotonic() - began
    try:
        value = json.loads(raw)
    except ValueError:
        value = None
    text = raw[:500].decode("utf-8", "replace")
    return ApiAnswer(
        status=reply.status_code, value=value if isinstance(value, dict) else {}, text=text, seconds=took
    )


def free_port() -> int:
    """A port of this computer that nobody listens on now."""
    with socket.socket() as one:
        one.bind((_HOST, 0))
        port: int = one.getsockname()[1]
        return port


def peak_vram(memory: Mapping[str, Any]) -> int | None:
    """Bytes that torch held on the card at most, from what /sdapi/v1/memory answers; None without a card."""
    cuda = memory.get("cuda")
    reserved = cuda.get("reserved") if isinstance(cuda, dict) else None
    peak = reserved.get("peak") if isinstance(reserved, dict) else None
    return int(peak) if isinstance(peak, (int, float)) and not isinstance(peak, bool) else None
