"""The few very large wheels (torch, CUDA), fetched so that a broken line costs nothing twice.

uv starts a file of 2 GB again from its first byte when the connection breaks, and forgets it when it is
killed. Our own downloader continues. Files that have arrived are handed to uv by a server on this
machine's loopback address, so that they end in uv's ordinary cache, as if uv had fetched them.
"""

from __future__ import annotations

import logging
import queue
import secrets
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from urllib.parse import quote, unquote

from sdsetup.decide.events import Event
from sdsetup.decide.plan import FetchFile, Source
from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.environment.locking import Wheel
from sdsetup.execute.environment.meter import Meter

LARGE = 32 * 2**20  # bytes: what is smaller is quickly fetched again, and uv fetches many at once
_AT_ONCE = 4
_FATAL = ("disk-full", "file-too-large-for-drive", "not-writable")

_log = logging.getLogger("sdsetup.wheels")


class StoppedError(Exception):
    """The environment step has ended; a download that is still under way ends with it."""


class LargeWheels:
    """Downloads under way, side by side with everything else.

        with LargeWheels(wheels, context, folder, meter) as coming:
            while outstanding:
                ...                                       # other work
                outstanding -= coming.next(outstanding)   # waits until at least one more has arrived
            coming.ready                                  # file name -> where it lies

    The threads end with the block, at the next piece that arrives; what has arrived is kept.
    """

    def __init__(self, wheels: Sequence[Wheel], context: Context, folder: Path, meter: Meter) -> None:
        self._folder = folder
        self._meter = meter
        self._stop = threading.Event()
        self._ready: dict[str, Path] = {}
        self._settled: set[str] = set()
        self._arrived = threading.Event()
        self._failed: SdsetupError | None = None
        self._context = replace(context, dir=folder, listen=self._heard)
        self._waiting: queue.SimpleQueue[Wheel] = queue.SimpleQueue()
        for wheel in sorted(wheels, key=lambda wheel: -(wheel.size or 0)):
            self._waiting.put(wheel)
        count = min(_AT_ONCE, len(wheels))
        self._threads = [threading.Thread(target=self._work, name=f"wheel-{n}", daemon=True) for n in range(count)]

    def __enter__(self) -> LargeWheels:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=5)

    @property
    def ready(self) -> Mapping[str, Path]:
        """File name -> where it lies, of those that have arrived."""
        return dict(self._ready)

    def next(self, outstanding: Iterable[str]) -> set[str]:
        """Wait until one of these packages is there, or will not come this way and is left to uv; all such.

        Raises:
            SdsetupError: where going on is pointless: the disk is full, or the folder cannot be written.
        """
        while True:
            alive = any(thread.is_alive() for thread in self._threads)
            if self._failed is not None:
                raise self._failed
            names = set(outstanding)
            settled = names & self._settled if alive else names
            if settled:
                return settled
            self._arrived.wait(timeout=0.5)  # a bounded wait lets Ctrl-C through on Windows
            self._arrived.clear()

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                wheel = self._waiting.get_nowait()
            except queue.Empty:
                return
            try:
                self._ready[wheel.file_name] = self._fetch(wheel)
            except StoppedError:
                return
            except SdsetupError as error:
                if error.code in _FATAL:
                    self._failed = error
                    self._stop.set()
                    self._arrived.set()
                    return
                _log.warning("%s is left to uv: %s (%s)", wheel.file_name, error, error.code)
            self._settled.add(wheel.name)
            self._arrived.set()

    def _fetch(self, wheel: Wheel) -> Path:
        from sdsetup.execute.download import DownloadOptions, fetch

        assert wheel.size is not None and wheel.sha256 is not None
        file = FetchFile(
            name=wheel.file_name,
            save_as=f"{wheel.sha256[:16]}/{wheel.file_name}",
            size=wheel.size,
            sha256=wheel.sha256,
            sources=(Source(url=wheel.url),),
        )
        options = DownloadOptions(look_for_copies=False)
        fetched = fetch(file, replace(self._context, step=wheel.name), options=options)
        self._meter.finish(wheel.name)
        return fetched.path

    def _heard(self, event: Event) -> None:
        if self._stop.is_set():
            raise StoppedError
        if event.kind == "progress" and event.done is not None:
            self._meter.set(event.step, event.done, source=event.source)
        elif event.kind == "note" and event.text is not None:
            self._meter.note(event.text)


class Counter:
    """Hands files that lie on this machine to uv. Only these, under an address that cannot be guessed."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._token = secrets.token_urlsafe(12)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
        self._server.daemon_threads = True
        self._server.files = {f"/{self._token}/{path.name}": path for path in files}  # type: ignore[attr-defined]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="wheel-counter", daemon=True
        )

    def __enter__(self) -> Counter:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def address(self, file_name: str) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/{self._token}/{quote(file_name)}"


class _Answer(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path: Path | None = self.server.files.get(unquote(self.path))  # type: ignore[attr-defined]
        if path is None:
            self.send_error(404)
            return
        with path.open("rb") as file:
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(path.stat().st_size))
            self.end_headers()
            if body:
                self.wfile.flush()
                self.connection.sendfile(file)

    def log_message(self, format: str, *args: object) -> None:
        _log.debug(format, *args)
