"""One stretch of the file on its way: a thread asks for it, reads, and hands the bytes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sdsetup.decide.download import Take, Verdict
from sdsetup.execute.download.opening import Opened
from sdsetup.execute.download.pace import Limit
from sdsetup.machine.web_errors import BrokenError
from sdsetup.text import Text

_READ = 256 * 1024
# At this rate (bytes per second) a full read is worth more than an early one: below it the bar lives on bytes
# as they come, and a read that waits for more would look like a line that stands still.
_FAST = 8e6
_LOOK = 0.5  # seconds


class Stream:
    """Bytes of the file from `position` up to `until` (which may be moved while it runs).

    `opening` asks and judges; `began` is told once a body will be read, before its first byte; `write` takes
    the bytes. All three are called in the thread. Whoever started it watches the fields:
    `opened`: when the answer's head was there (monotonic seconds, None before); `received`: body bytes so far;
    `ended`: set when it is over, `verdict` and `failed` then say how.
    """

    def __init__(
        self,
        position: int,
        until: int,
        *,
        opening: Callable[[Callable[[], None]], tuple[Opened, Verdict]],
        began: Callable[[Opened], None],
        write: Callable[[bytes], None],
        limit: Limit,
    ) -> None:
        self.position = position
        self.until = until
        self.asked = time.monotonic()
        self.opened: float | None = None
        self.received = 0
        self.verdict: Verdict | None = None
        self.failed: BaseException | None = None
        self.ended = threading.Event()
        self._opening = opening
        self._began = began
        self._write = write
        self._limit = limit
        self._taken: Opened | None = None
        self._stopped = False
        self._writing = threading.Lock()

    def start(self) -> None:
        threading.Thread(target=self._run, name="download", daemon=True).start()

    def stop(self) -> None:
        """From here on nothing is written. The thread ends soon; nobody needs to wait for it."""
        with self._writing:
            self._stopped = True
            taken = self._taken
        if taken is not None and not self.ended.is_set():
            taken.reply.shutdown()

    def late(self, seconds: float) -> bool:
        """Whether the head of the answer has been waited for longer than that."""
        return self.opened is None and not self.ended.is_set() and time.monotonic() - self.asked > seconds

    def _run(self) -> None:
        try:
            opened, self.verdict = self._opening(self._ask_begins)
            try:
                take = self.verdict if isinstance(self.verdict, Take) and self._take(opened) else None
                self.opened = time.monotonic()
                if take is not None:
                    self._read(opened, take)
            finally:
                opened.reply.close()
        except BaseException as error:  # noqa: BLE001 - carried over to the thread that watches
            self.failed = error
        finally:
            self.ended.set()

    def _ask_begins(self) -> None:
        self.asked = time.monotonic()

    def _take(self, opened: Opened) -> bool:
        with self._writing:
            if not self._stopped:
                self._taken = opened
                self._began(opened)
            return not self._stopped

    def _read(self, opened: Opened, take: Take) -> None:
        skip, rate = take.skip, _Rate()
        while (left := self.until - self.position) > 0:
            most = self._limit.piece(min(_READ, skip or left))
            data = opened.reply.read(most, at_once=rate.value < _FAST, unpack=take.unpack)
            if not data:
                if not self.received and not opened.reply.headers:
                    raise BrokenError(Text("the response is not HTTP"), "not-http")
                return
            self.received += len(data)
            rate.add(len(data))
            self._limit.spend(len(data))
            dropped = min(skip, len(data))
            skip -= dropped
            wanted = data[dropped : dropped + left]
            with self._writing:
                if self._stopped:
                    return
                self._write(wanted)
            self.position += len(wanted)


class _Rate:
    """Bytes per second, looked at now and then."""

    def __init__(self) -> None:
        self.value = 0.0
        self._count = 0
        self._since = time.monotonic()

    def add(self, count: int) -> None:
        self._count += count
        took = time.monotonic() - self._since
        if took >= _LOOK:
            self.value = self._count / took
            self._count, self._since = 0, time.monotonic()
