"""The few very large wheels (torch, CUDA), fetched so that a broken line costs nothing twice.

uv starts a file of 2 GB again from its first byte when it is killed. Our own downloader continues. What
has arrived is offered to uv by a plain file server on this machine's loopback address: it then enters
uv's cache under the index that it is from, which a `file://` wheel would not.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import queue
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from packaging.pylock import PackageWheel

from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.environment.meter import Meter
from sdsetup.execute.folders import remove_tree
from sdsetup.values.events import Event
from sdsetup.values.plan import FetchFile, Source

LARGE = 32 * 2**20  # bytes: what is smaller is quickly fetched again, and uv fetches many at once

_FATAL = ("disk-full", "file-too-large-for-drive", "not-writable")
# Of the packages that an index without sizes serves to us, only these are large.
_WORTH_ASKING = ("torch", "xformers", "nvidia-", "triton", "pytorch-triton", "intel-extension")

_log = logging.getLogger("sdsetup.wheels")


class StoppedError(Exception):
    """The environment step has ended; a download that is still under way ends with it."""


class LargeWheels:
    """Downloads under way, side by side with everything else.

        with LargeWheels(wheels, context, folder, meter) as coming:
            ...                           # other work
            for ready in coming.arrivals():
                ...                       # name -> its file below `folder`, of those that just arrived

    Only the block's own thread may ask for arrivals. The threads end with the block, at the next piece
    that arrives; what has arrived is kept.
    """

    def __init__(self, wheels: Mapping[str, PackageWheel], context: Context, folder: Path, meter: Meter) -> None:
        self._folder = folder
        self._meter = meter
        self._stop = threading.Event()
        self._context = replace(context, dir=folder, listen=self._heard)
        self._open = len(wheels)
        self._waiting: queue.SimpleQueue[tuple[str, PackageWheel]] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[tuple[str, Path | Exception]] = queue.SimpleQueue()
        # The largest first, so that little is left to be unpacked after the last has arrived.
        for name, wheel in sorted(wheels.items(), key=lambda item: -(item[1].size or 0)):
            self._waiting.put((name, wheel))
        count = min(max(2, min(4, os.cpu_count() or 1)), len(wheels))
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

    def arrivals(self) -> Iterator[Mapping[str, Path]]:
        """Wait until something has arrived, and tell what, until all have; one that cannot be had is left to uv.

        Raises:
            SdsetupError: where going on is pointless: the disk is full, or the folder cannot be written.
        """
        while self._open:
            ready: dict[str, Path] = {}
            while not ready and self._open:
                with contextlib.suppress(queue.Empty):
                    # A bounded wait lets Ctrl-C through on Windows.
                    ready.update(self._taken(*self._ended.get(timeout=0.5)))
            while not self._ended.empty():
                ready.update(self._taken(*self._ended.get()))
            if ready:
                yield ready

    def _taken(self, name: str, outcome: Path | Exception) -> dict[str, Path]:
        self._open -= 1
        if isinstance(outcome, Path):
            return {name: outcome}
        if not isinstance(outcome, SdsetupError) or outcome.code in _FATAL:
            raise outcome
        _log.warning("%s is left to uv: %s (%s)", name, outcome, outcome.code)
        return {}

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                name, wheel = self._waiting.get_nowait()
            except queue.Empty:
                return
            try:
                self._ended.put((name, self._fetch(name, wheel)))
            except StoppedError:
                return
            except Exception as error:  # noqa: BLE001 - raised again where the arrivals are waited for
                self._ended.put((name, error))

    def _fetch(self, name: str, wheel: PackageWheel) -> Path:
        assert wheel.size is not None and wheel.url is not None
        sha256 = wheel.hashes["sha256"]
        file = FetchFile(
            name=wheel.filename,
            save_as=f"{sha256[:16]}/{wheel.filename}",
            size=wheel.size,
            sha256=sha256,
            sources=tuple(Source(url=place) for place in self._context.catalog.torch.places(wheel.url)),
        )
        # Short-lived: uv's cache has it unpacked soon. Should a power cut spoil it, its hash tells.
        from sdsetup.execute.download import DownloadOptions, fetch

        options = DownloadOptions(look_for_copies=False, durable=False)
        path = fetch(file, replace(self._context, step=name), options=options).path
        self._meter.finish(name)
        return path

    def _heard(self, event: Event) -> None:
        if self._stop.is_set():
            raise StoppedError
        if event.kind == "progress" and event.done is not None:
            self._meter.set(event.step, event.done, source=event.source)
        elif event.kind == "note" and event.text is not None:
            self._meter.note(event.text)


def large(wheels: Mapping[str, PackageWheel]) -> dict[str, PackageWheel]:
    """Those that are worth our own downloader: large, of a known size, and with a SHA-256."""
    return {
        name: wheel for name, wheel in wheels.items() if (wheel.size or 0) >= LARGE and "sha256" in wheel.hashes
    }


def with_size(name: str, wheel: PackageWheel, context: Context) -> PackageWheel:
    """The same wheel; where its index does not tell its size, its server is asked. Unknown stays None."""
    if wheel.size is not None or not name.startswith(_WORTH_ASKING):
        return wheel
    return replace(wheel, size=size_at(wheel.url or "", context))


def size_at(url: str, context: Context) -> int | None:
    """Bytes of the file at an address, as its server tells; None where it does not."""
    if not url.startswith("http"):
        return None
    import requests

    from sdsetup.machine.web_session import session

    try:
        with session(context.machine) as asking, asking.head(url, timeout=20, allow_redirects=True) as answer:
            size = answer.headers.get("Content-Length", "")
            told = answer.status_code == 200 and size.isdecimal() and len(size) < 19
            return int(size) if told else None
    except (requests.RequestException, ValueError) as error:
        _log.info("no size for %s: %s", url.partition("?")[0], error)
        return None


def drop(paths: Mapping[str, Path]) -> None:
    """uv's cache has these now: remove them, best before the drive has written all of it."""
    for path in paths.values():
        with contextlib.suppress(OSError):
            remove_tree(path.parent)


@contextlib.contextmanager
def offered(folder: Path) -> Iterator[str]:
    """Serve a folder's files (public ones, to be read only) on the loopback address; where that is."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Files, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def address(base: str, folder: Path, path: Path) -> str:
    return f"{base}/{quote(path.relative_to(folder).as_posix())}"


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        _log.debug(format, *args)
