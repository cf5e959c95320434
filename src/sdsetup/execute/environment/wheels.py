"""The few very large wheels (torch, CUDA), fetched so that a broken line costs nothing twice.

uv starts a file of 2 GB again from its first byte when the connection breaks, and forgets it when it is
killed. Our own downloader continues. While a file arrives it is handed on to uv by a server on this
machine's loopback address: uv unpacks it on the way, into its ordinary cache, as if it had fetched it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import secrets
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import FileIO
from pathlib import Path
from types import TracebackType
from urllib.parse import quote, unquote

from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.environment.locking import Wheel
from sdsetup.execute.environment.meter import Meter
from sdsetup.execute.folders import remove_tree
from sdsetup.values.events import Event
from sdsetup.values.plan import FetchFile, Source

_FATAL = ("disk-full", "file-too-large-for-drive", "not-writable")
_PIECE = 4 * 2**20

_log = logging.getLogger("sdsetup.wheels")


class StoppedError(Exception):
    """The environment step has ended; a download that is still under way ends with it."""


class LargeWheels:
    """Downloads under way, side by side with everything else.

        with LargeWheels(wheels, context, folder, meter) as coming:
            ...             # other work; `hand_on` passes on what has arrived of a wheel
            coming.wait()
            coming.ready    # file name -> where it lies; what could not be had is left to uv

    The threads end with the block, at the next piece that arrives; what has arrived is kept.
    """

    def __init__(self, wheels: Sequence[Wheel], context: Context, folder: Path, meter: Meter) -> None:
        self._folder = folder
        self._meter = meter
        self._stop = threading.Event()
        self._ready: dict[str, Path] = {}
        self._gone: set[str] = set()
        self._failed: SdsetupError | None = None
        self._context = replace(context, dir=folder, listen=self._heard)
        self._waiting: queue.SimpleQueue[Wheel] = queue.SimpleQueue()
        self.wheels = {wheel.file_name: wheel for wheel in sorted(wheels, key=lambda wheel: -(wheel.size or 0))}
        for wheel in self.wheels.values():
            self._waiting.put(wheel)
        count = min(at_once(), len(wheels))
        self._threads = [threading.Thread(target=self._work, name=f"wheel-{n}", daemon=True) for n in range(count)]

    def __enter__(self) -> LargeWheels:
        # Loaded before the threads begin: modules that have a say when a process forks must not come
        # into being in one thread while another starts uv.
        import concurrent.futures.thread  # noqa: F401

        import sdsetup.execute.download  # noqa: F401

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
        """File name -> where it lies, of those that have arrived and have the right hash."""
        return dict(self._ready)

    def hand_on(self, file_name: str, start: int, line: socket.socket) -> int | None:
        """Send what has arrived of a wheel from `start` on, some MiB at most; how many bytes.

        None when no more will come this way. The file is opened anew for each piece: Windows could not
        rename it while it is open.

        Raises:
            OSError: the other side went away.
        """
        target = self._folder / _place(self.wheels[file_name])
        for path in (target, target.with_name(f"{target.name}.part")):
            try:
                file = path.open("rb", buffering=0)
            except OSError:
                continue
            with file:
                if sent := _send(file, start, line):
                    return sent
        return None if file_name in self._gone or self._stop.is_set() else 0

    def unpacked(self, name: str) -> None:
        """uv's cache has this package now: its wheel is removed, best before the drive has written all of it."""
        for file_name, wheel in self.wheels.items():
            if wheel.name == name and (path := self._ready.pop(file_name, None)) is not None:
                self._gone.add(file_name)
                with contextlib.suppress(OSError):
                    remove_tree(path.parent)

    @property
    def ended(self) -> bool:
        """Whether all have arrived, or will not come this way."""
        return not any(thread.is_alive() for thread in self._threads)

    def check(self) -> None:
        """
        Raises:
            SdsetupError: where going on is pointless: the disk is full, or the folder cannot be written.
        """
        if self._failed is not None:
            raise self._failed

    def wait(self) -> None:
        """Wait for all of them.

        Raises:
            SdsetupError: as `check`.
        """
        for thread in self._threads:
            while thread.is_alive():
                thread.join(timeout=0.5)  # a bounded wait lets Ctrl-C through on Windows
                self.check()
        self.check()

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
                self._gone.add(wheel.file_name)
                if error.code in _FATAL:
                    self._failed = error
                    self._stop.set()
                    return
                _log.warning("%s is left to uv: %s (%s)", wheel.file_name, error, error.code)

    def _fetch(self, wheel: Wheel) -> Path:
        from sdsetup.execute.download import DownloadOptions, fetch

        assert wheel.size is not None and wheel.sha256 is not None
        file = FetchFile(
            name=wheel.file_name,
            save_as=_place(wheel),
            size=wheel.size,
            sha256=wheel.sha256,
            sources=(Source(url=wheel.url),),
        )
        # Short-lived: uv's cache has it unpacked soon. Should a power cut spoil it, its hash tells.
        options = DownloadOptions(look_for_copies=False, durable=False)
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


def at_once() -> int:
    """How many wheels are fetched and unpacked side by side: each unpacking occupies one processor."""
    return max(2, min(4, os.cpu_count() or 1))


def _send(file: FileIO, start: int, line: socket.socket) -> int:
    if hasattr(os, "sendfile"):  # the kernel copies by itself; elsewhere Python would send 8 KiB at a time
        return line.sendfile(file, start, _PIECE)
    file.seek(start)
    piece = file.read(_PIECE)
    line.sendall(piece)
    return len(piece)


def _place(wheel: Wheel) -> str:
    assert wheel.sha256 is not None
    return f"{wheel.sha256[:16]}/{wheel.file_name}"


class Counter:
    """Hands large wheels to uv, also while they are still arriving, under an address that cannot be guessed."""

    def __init__(self, coming: LargeWheels) -> None:
        self._server = _Server(coming)
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

    def instead(self, text: str, names: frozenset[str]) -> str:
        """A lock's text in which the wheels of these packages come from here."""
        for wheel in self._server.coming.wheels.values():
            if wheel.name in names:
                text = text.replace(f'"{wheel.url}"', f'"{self._address(wheel.file_name)}"')
        return text

    def _address(self, file_name: str) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/{self._server.token}/{quote(file_name)}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, coming: LargeWheels) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.coming = coming
        self.token = secrets.token_urlsafe(12)

    def handle_error(self, request: object, client_address: object) -> None:
        """uv went away: it was ended, or has had enough."""


class _Answer(BaseHTTPRequestHandler):
    server: _Server

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        token, _, name = unquote(self.path).lstrip("/").partition("/")
        wheel = self.server.coming.wheels.get(name) if token == self.server.token else None
        if wheel is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(wheel.size))
        self.end_headers()
        if body:
            self._pour(wheel)

    def _pour(self, wheel: Wheel) -> None:
        sent = 0
        pause = threading.Event()
        while sent < (wheel.size or 0):
            more = self.server.coming.hand_on(wheel.file_name, sent, self.connection)
            if more is None:
                return  # short of what was promised: uv sees a broken connection
            sent += more
            if not more:
                pause.wait(0.05)

    def log_message(self, format: str, *args: object) -> None:
        _log.debug(format, *args)
