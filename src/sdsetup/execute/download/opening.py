"""From an address to an open body: redirects followed within bounds, the token only where it belongs."""

from __future__ import annotations

import email.utils
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sdsetup.decide.resume import Answer, linked, read_answer
from sdsetup.execute.download.message import Body, Head, body_of, read_head, send_request
from sdsetup.execute.download.options import BrokenError, DownloadOptions
from sdsetup.execute.download.wire import Address, connect, parse, proxy_for
from sdsetup.text import Text

if TYPE_CHECKING:
    from sdsetup.execute.download.wire import Line

_log = logging.getLogger("sdsetup.download")
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(kw_only=True)
class Opened:
    """An answer whose body has not been read yet. Close it whatever happens."""

    answer: Answer
    etag: str | None
    address: Address
    line: Line
    head: Head

    def body(self, *, unpack: bool, tick: Callable[[], None]) -> Body:
        return body_of(self.line, self.head, unpack=unpack, tick=tick)

    def close(self) -> None:
        self.line.close()


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


def open_source(ask: Ask, env: Mapping[str, str], options: DownloadOptions, beat: Callable[[], None]) -> Opened:
    """Ask, following redirects. One that announces another file (the hub's X-Linked headers) is returned
    instead of followed.

    Raises:
        BrokenError: no answer, or an answer nobody may follow (permanent).
    """
    first = address = parse(ask.url)
    linked_size: int | None = None
    linked_sha256: str | None = None
    for _hop in range(options.redirects + 1):
        own = ask if address.origin == first.origin else replace(ask, token=None)
        line, head = _ask(address, own, env, options, beat)
        said_size, said_sha256 = linked(head.headers)
        linked_size, linked_sha256 = linked_size or said_size, linked_sha256 or said_sha256
        another = linked_size not in (None, ask.size) or linked_sha256 not in (None, ask.sha256)
        if another or head.status not in _REDIRECTS or "location" not in head.headers:
            answer = read_answer(head.status, head.headers, redirected=address.origin != first.origin)
            answer = replace(
                answer,
                linked_size=linked_size,
                linked_sha256=linked_sha256,
                wait=_seconds(head.headers.get("retry-after"), head.headers.get("date")),
            )
            return Opened(answer=answer, etag=head.headers.get("etag"), address=address, line=line, head=head)
        line.close()
        address = _next(address, head.headers["location"])
    raise BrokenError(Text("the server sends us in circles"), "redirect-loop", permanent=True)


def _next(address: Address, location: str) -> Address:
    try:
        following = parse(location, f"{address.scheme}://{address.netloc}{address.target}")
    except BrokenError as error:
        raise BrokenError(
            Text("the server sends us to a place we do not follow to: {why}", why=error.why),
            "redirect-refused",
            permanent=True,
        ) from error
    if address.scheme == "https" and following.scheme != "https":
        raise BrokenError(
            Text("the server sends us from https to an unencrypted address"), "redirect-refused", permanent=True
        )
    return following


def _ask(
    address: Address, ask: Ask, env: Mapping[str, str], options: DownloadOptions, beat: Callable[[], None]
) -> tuple[Line, Head]:
    line = connect(address, env, timeout=options.connect_timeout, tick=options.stall_seconds / 4)
    try:
        absolute = address.scheme == "http" and proxy_for(address, env) is not None
        try:
            send_request(line, address, start=ask.start, end=ask.end, token=ask.token, absolute=absolute)
        except OSError as error:
            raise BrokenError(Text("the connection broke before the answer"), "connection-broken") from error
        head = read_head(line, options.answer_timeout, beat)
    except BaseException:
        line.close()
        raise
    _log.info("%s from byte %d: HTTP %d", address.plain, ask.start, head.status)
    return line, head


def _seconds(retry_after: str | None, date: str | None) -> float | None:
    """Retry-After in seconds. A date is measured against the server's own clock, ours may be wrong."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isdecimal():
        return float(text)
    until = email.utils.parsedate_tz(text)
    if until is None:
        return None
    now = email.utils.parsedate_tz(date) if date else None
    start = email.utils.mktime_tz(now) if now else time.time()
    return max(0.0, email.utils.mktime_tz(until) - start)
