"""From an address to an open body: redirects followed within bounds, the token only where it belongs."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from sdsetup.catalog.addresses import Address, AddressError, parse_address
from sdsetup.decide.download import ResponseHead, linked, read_answer
from sdsetup.execute.download import transport
from sdsetup.execute.download.options import DownloadOptions
from sdsetup.execute.download.transport import Reply
from sdsetup.machine import Machine
from sdsetup.machine.web_errors import BrokenError
from sdsetup.text import Text

_REDIRECTS = (301, 302, 303, 307, 308)
_YEAR = 365 * 86_400.0


@dataclass(kw_only=True)
class Opened:
    """An answer whose body has not been read yet. Close it whatever happens."""

    answer: ResponseHead
    address: Address
    reply: Reply

    @property
    def etag(self) -> str | None:
        return self.reply.headers.get("etag")


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What is asked for: bytes from `start` on (up to `end`, exclusive; None: to the end) of a file of this
    size and hash. The token goes to the origin of `url` and to no other."""

    url: str
    start: int
    end: int | None
    size: int
    sha256: str
    token: str | None = None


def open_source(ask: Ask, machine: Machine, options: DownloadOptions, asking: Callable[[], None]) -> Opened:
    """Ask, following redirects. One that announces another file (the hub's X-Linked headers) is returned
    instead of followed. `asking` is called before each question.

    Raises:
        BrokenError: no answer, or an answer nobody may follow (permanent).
    """
    first = address = judged(ask.url)
    linked_size: int | None = None
    linked_sha256: str | None = None
    for _hop in range(options.redirects + 1):
        own = ask if address.origin == first.origin else replace(ask, token=None)
        asking()
        reply = _ask(address, own, machine, options)
        said_size, said_sha256 = linked(reply.headers)
        linked_size, linked_sha256 = linked_size or said_size, linked_sha256 or said_sha256
        another = linked_size not in (None, ask.size) or linked_sha256 not in (None, ask.sha256)
        if another or reply.status not in _REDIRECTS or "location" not in reply.headers:
            answer = read_answer(reply.status, reply.headers, redirected=address.origin != first.origin)
            answer = replace(
                answer,
                linked_size=linked_size,
                linked_sha256=linked_sha256,
                wait=seconds_to_wait(reply.headers.get("retry-after"), reply.headers.get("date")),
            )
            return Opened(answer=answer, address=address, reply=reply)
        reply.close()
        address = _next(address, reply.headers["location"])
    raise BrokenError(Text("the server redirects in a loop"), "redirect-loop", permanent=True)


def judged(url: str) -> Address:
    """An address that we may go to.

    Raises:
        BrokenError: permanent: `bad-address`, `not-encrypted`.
    """
    try:
        return parse_address(url)
    except AddressError as error:
        raise BrokenError(error.why, error.code, permanent=True) from error


def _next(address: Address, location: str) -> Address:
    try:
        following = parse_address(location, address.url)
    except AddressError as error:
        raise BrokenError(
            Text("the server redirects to an address that can't be used: {why}", why=error.why),
            "redirect-refused",
            permanent=True,
        ) from error
    if address.scheme == "https" and following.scheme != "https":
        raise BrokenError(
            Text("the server redirects from https to an unencrypted address"), "redirect-refused", permanent=True
        )
    return following


def _ask(address: Address, ask: Ask, machine: Machine, options: DownloadOptions) -> Reply:
    headers = {}
    if ask.start or ask.end is not None:
        headers["Range"] = f"bytes={ask.start}-{'' if ask.end is None else ask.end - 1}"
    if ask.token:
        headers["Authorization"] = f"Bearer {ask.token}"
    return transport.ask(
        address,
        machine,
        connect_timeout=options.connect_timeout,
        read_timeout=max(options.answer_timeout, options.stall_seconds),
        headers=headers,
    )


def seconds_to_wait(retry_after: str | None, date: str | None) -> float | None:
    """Retry-After in seconds, a year at most. A date is measured against the server's own clock, ours may be
    wrong. None where it says nothing that can be read."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdecimal():
        return min(float(text), _YEAR) if len(text) < 10 else _YEAR
    until = _moment(text)
    if until is None:
        return None
    now = _moment(date) if date else None
    return min(max(0.0, until - (time.time() if now is None else now)), _YEAR)


def _moment(text: str) -> float | None:
    """An HTTP date as seconds since 1970; None for what is none (years of five digits are none)."""
    try:
        parts = email.utils.parsedate_tz(text[:100])
        return None if parts is None else float(email.utils.mktime_tz(parts))
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
