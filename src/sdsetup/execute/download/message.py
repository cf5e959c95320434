"""HTTP/1.1 as far as a download needs it: one GET, the head of its answer, the body into our buffers."""

from __future__ import annotations

import contextlib
import http.client
import io
import re
import select
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sdsetup import __version__
from sdsetup.execute.download.options import BrokenError
from sdsetup.execute.download.wire import Address
from sdsetup.text import Text

if TYPE_CHECKING:
    from sdsetup.execute.download.wire import Line

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: |\r|\n)")
_LONGEST_HEAD = 64 * 1024
_MOMENT = 0.02


@dataclass(frozen=True, kw_only=True)
class Head:
    """Status and headers (names in lower case), and the first bytes of the body that came with them."""

    status: int
    headers: Mapping[str, str]
    rest: bytes = b""


def send_request(
    line: Line, address: Address, *, start: int, end: int | None, token: str | None, absolute: bool
) -> None:
    """Ask for the file from byte `start` on, up to `end` (exclusive; None: to its end).

    `absolute`: through a proxy without a tunnel.
    """
    target = f"{address.scheme}://{address.netloc}{address.target}" if absolute else address.target
    lines = [
        f"GET {target} HTTP/1.1",
        f"Host: {address.netloc}",
        f"User-Agent: sdsetup/{__version__}",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Connection: close",
    ]
    if start or end is not None:
        lines.append(f"Range: bytes={start}-{'' if end is None else end - 1}")
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if any("\r" in text or "\n" in text for text in lines):
        raise BrokenError(Text("the address holds a line break"), "bad-address", permanent=True)
    line.sendall("\r\n".join([*lines, "", ""]).encode("latin-1", "replace"))


def read_head(line: Line, timeout: float, beat: Callable[[], None] = lambda: None) -> Head:
    """The head of the answer; interim answers (1xx) are read past.

    Raises:
        BrokenError: nothing came in time, the connection ended, or it is not HTTP.
    """
    until = time.monotonic() + timeout
    data = b""
    while True:
        end = _end_of_head(data)
        if end < 0:
            data += _some(line, until, beat, begun=bool(data))
            if _end_of_head(data) < 0 and len(data) > _LONGEST_HEAD:
                raise _garbage()
            continue
        head = _parse(data[:end])
        if head.status < 200 and head.status != 101:
            data = data[end:]
            continue
        return Head(status=head.status, headers=head.headers, rest=data[end:])


def _end_of_head(data: bytes) -> int:
    crlf, lf = data.find(b"\r\n\r\n"), data.find(b"\n\n")
    ends = [at for at in (crlf + 4 if crlf >= 0 else -1, lf + 2 if lf >= 0 else -1) if at >= 0]
    return min(ends, default=-1)


def _some(line: Line, until: float, beat: Callable[[], None], *, begun: bool) -> bytes:
    while True:
        try:
            data = line.recv(16 * 1024)
        except TimeoutError:
            if time.monotonic() >= until:
                raise BrokenError(Text("the server did not answer in time"), "answer-timeout") from None
            beat()
            continue
        except OSError as error:
            raise BrokenError(Text("the connection broke before the answer"), "connection-broken") from error
        if not data:
            if begun:
                raise _garbage()
            raise BrokenError(Text("the server hung up without an answer"), "empty-answer")
        return data


def _parse(data: bytes) -> Head:
    status = _STATUS.match(data)
    if not status:
        raise _garbage()
    stream = io.BytesIO(data)
    stream.readline()
    try:
        message = http.client.parse_headers(stream)
    except http.client.HTTPException as error:
        raise _garbage() from error
    return Head(status=int(status[1]), headers={name.lower(): value for name, value in message.items()})


def _garbage() -> BrokenError:
    return BrokenError(Text("what answered does not speak HTTP"), "not-http")


class Body(Protocol):
    """The bytes of a file as they come. `tick` is called about once a second while nothing comes."""

    def readinto(self, view: memoryview) -> int:
        """Up to `len(view)` bytes, at least one; 0 at the end. May wait.

        Raises:
            BrokenError: the connection broke, or the body is not what its head promised.
        """
        ...


class PlainBody:
    """Bytes as they are on the line, up to `length` (None: until the server hangs up)."""

    def __init__(self, line: Line, rest: bytes, length: int | None, tick: Callable[[], None]) -> None:
        self._line = line
        self._rest = memoryview(rest)
        self._left = length
        self._tick = tick

    def readinto(self, view: memoryview) -> int:
        if self._left is not None:
            view = view[: self._left]
        if not len(view):
            return 0
        count = self._from_rest(view) if len(self._rest) else self._from_line(view)
        if self._left is not None:
            self._left -= count
        return count

    def _from_rest(self, view: memoryview) -> int:
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def _from_line(self, view: memoryview) -> int:
        while True:
            try:
                count = self._line.recv_into(view)
                break
            except TimeoutError:
                self._tick()
            except OSError as error:
                raise BrokenError(
                    Text("the connection broke ({reason})", reason=error.strerror or type(error).__name__),
                    "connection-broken",
                ) from error
        return count + self._more(view[count:]) if count else 0

    def _more(self, view: memoryview) -> int:
        """What else is there already, for a moment: TLS gives 16 KiB a read, and all that a read entails
        (writing, hashing, counting) is dear for so little. What breaks here breaks again at the next read."""
        count, until = 0, time.monotonic() + _MOMENT
        with contextlib.suppress(OSError, ValueError):  # ValueError: select knows no so high a number
            while count < len(view) and time.monotonic() < until and select.select([self._line], (), (), 0)[0]:
                got = self._line.recv_into(view[count:])
                if not got:
                    break
                count += got
        return count


class ChunkedBody:
    """Transfer-Encoding: chunked."""

    def __init__(self, line: Line, rest: bytes, tick: Callable[[], None]) -> None:
        self._plain = PlainBody(line, rest, None, tick)
        self._left = 0
        self._first = True
        self._ended = False

    def readinto(self, view: memoryview) -> int:
        if self._ended:
            return 0
        if not self._left:
            if not self._first:
                self._text()  # the line end after a chunk
            self._first = False
            try:
                self._left = int(self._text().split(b";")[0], 16)
            except ValueError:
                raise BrokenError(Text("the answer broke off inside its framing"), "connection-broken") from None
            if not self._left:
                self._ended = True
                return 0
        count = self._plain.readinto(view[: self._left])
        if not count:
            raise BrokenError(Text("the connection ended early"), "connection-broken")
        self._left -= count
        return count

    def _text(self) -> bytes:
        one, text = bytearray(1), b""
        while not text.endswith(b"\n"):
            if not self._plain.readinto(memoryview(one)) or len(text) > 1000:
                raise BrokenError(Text("the connection ended early"), "connection-broken")
            text += one
        return text.strip()


class UnpackedBody:
    """A gzip body, unpacked: some proxies pack although they were asked not to."""

    def __init__(self, packed: Body) -> None:
        self._packed = packed
        self._unpacker = zlib.decompressobj(31)
        self._buffer = bytearray(64 * 1024)

    def readinto(self, view: memoryview) -> int:
        ready = b""
        while not ready:
            taken = self._unpacker.unconsumed_tail
            if not taken:
                count = self._packed.readinto(memoryview(self._buffer))
                if not count:
                    return 0
                taken = bytes(self._buffer[:count])
            try:
                # Bounded, so that a few packed bytes cannot fill the memory.
                ready = self._unpacker.decompress(taken, len(view))
            except zlib.error as error:
                raise BrokenError(Text("the packed answer is damaged"), "connection-broken") from error
        view[: len(ready)] = ready
        return len(ready)


def body_of(line: Line, head: Head, *, unpack: bool, tick: Callable[[], None]) -> Body:
    body: Body
    if head.headers.get("transfer-encoding", "").lower().strip() == "chunked":
        body = ChunkedBody(line, head.rest, tick)
    else:
        length = head.headers.get("content-length", "").strip()
        body = PlainBody(line, head.rest, int(length) if length.isdecimal() else None, tick)
    return UnpackedBody(body) if unpack else body
