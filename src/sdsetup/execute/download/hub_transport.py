"""The hub's client on our own connections: the same certificates, proxies, judge of addresses and sentences."""

from __future__ import annotations

import httpx2

from sdsetup.execute.download import transport
from sdsetup.execute.download.opening import judged
from sdsetup.machine import Machine

_LARGEST = 4 * 2**20  # bytes of an answer that are read: what the hub says about a file is short
_SECONDS = (8.0, 30.0)  # for each address of its name, for the answer
_OURS = {"host", "accept-encoding", "connection", "content-length", "transfer-encoding"}


def client(machine: Machine) -> httpx2.Client:
    """What `huggingface_hub.set_client_factory` wants. Its requests raise BrokenError where there is no answer."""
    return httpx2.Client(transport=_Transport(machine), trust_env=False, timeout=None)


class _Transport(httpx2.BaseTransport):
    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if "/resolve/" not in request.url.path:
            # Once a day it asks the hub about programs around it. Nobody asked for that, and it may be far away.
            raise httpx2.ConnectError("disabled", request=request)
        if self._machine.env.get("HF_HUB_OFFLINE", "").strip().upper() in ("1", "ON", "YES", "TRUE"):
            raise httpx2.ConnectError("HF_HUB_OFFLINE is set", request=request)
        reply = transport.ask(
            judged(str(request.url)),
            self._machine,
            connect_timeout=_SECONDS[0],
            read_timeout=_SECONDS[1],
            headers={name: value for name, value in request.headers.items() if name.lower() not in _OURS},
            method=request.method,
        )
        try:
            content = b""
            while len(content) < _LARGEST and (more := reply.read(2**16, at_once=False, unpack=False)):
                content += more
        finally:
            reply.close()
        # What was read is all there is: its length on the line may have been another.
        headers = [(name, value) for name, value in reply.headers.items() if name != "transfer-encoding"]
        return httpx2.Response(reply.status, headers=headers, content=content if request.method != "HEAD" else b"")
