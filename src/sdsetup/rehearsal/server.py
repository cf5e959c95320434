"""The loopback server of a practice run: real git over HTTP, a hub with ranges, a package index.

Everything it serves was made on this machine a moment ago. It counts what it sends, so that a run
that was killed can be shown not to have fetched anything twice.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import subprocess
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

from sdsetup.machine.git_calls import NO_PROGRAMS

_PLACE = re.compile(r"^/at/\d+(?=/)")
_RANGE = re.compile(r"bytes=(\d+)-")
_SLICE = 64 * 1024


def at(url: str, place: int) -> str:
    """The same thing at another address: what stands for a mirror in a practice run."""
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    return f"{scheme}://{host}/at/{place}/{path}" if place else url


@dataclass(kw_only=True)
class Shelf:
    """What is served: git repositories by name, files by path, wheels by project name."""

    git: str
    repositories: dict[str, Path] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    wheels: dict[str, list[Path]] = field(default_factory=dict)
    rate: float | None = None  # bytes per second of one file transfer; None: as fast as it goes
    ledger: Path | None = None  # one JSON line for each piece sent: a killed run must have told what it sent


class LoopbackServer:
    """Serves a shelf on 127.0.0.1 while the block lasts; `url` is its address.

    `port` is taken if it is free, else any.
    """

    def __init__(self, shelf: Shelf, port: int = 0) -> None:
        try:
            self._server = _Server(shelf, port)
        except OSError:
            self._server = _Server(shelf, 0)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> LoopbackServer:
        threading.Thread(target=self._server.serve_forever, name="rehearsal", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, shelf: Shelf, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Answer)
        self.shelf = shelf
        self.writing = threading.Lock()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away (a killed run) is nothing to report."""


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """The ledger is the log."""

    def do_HEAD(self) -> None:
        self._route(body=False)

    def do_GET(self) -> None:
        self._route(body=True)

    def do_POST(self) -> None:
        parts = _PLACE.sub("", urlsplit(self.path).path).strip("/").split("/")
        if len(parts) == 3 and parts[0] == "git" and parts[2] == "git-upload-pack":
            self._git(parts[1], advertise=False)
        else:
            self.send_error(404)

    def _route(self, *, body: bool) -> None:
        url = urlsplit(self.path)
        path = _PLACE.sub("", unquote(url.path)).strip("/")
        parts = path.split("/")
        if parts[0] == "git" and parts[2:] == ["info", "refs"] and url.query == "service=git-upload-pack":
            self._git(parts[1], advertise=True)
        elif parts[0] == "simple" and len(parts) == 2:
            self._index(parts[1])
        elif path in self.server.shelf.files:
            self._file(path, self.server.shelf.files[path], body=body)
        else:
            self.send_error(404)

    def _git(self, name: str, *, advertise: bool) -> None:
        repository = self.server.shelf.repositories.get(name.removesuffix(".git"))
        if repository is None:
            self.send_error(404)
            return
        version = self.headers.get("Git-Protocol", "")
        asked = b"" if advertise else self._body()
        done = subprocess.run(
            [
                self.server.shelf.git,
                *NO_PROGRAMS,
                "upload-pack",
                "--stateless-rpc",
                *(["--advertise-refs"] if advertise else []),
                str(repository),
            ],
            input=asked,
            capture_output=True,
            env={"GIT_PROTOCOL": version, "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(repository), **_inherited()},
            check=False,
        )
        head = b"001e# service=git-upload-pack\n0000" if advertise and "version=2" not in version else b""
        kind = "advertisement" if advertise else "result"
        self._send(head + done.stdout, f"application/x-git-upload-pack-{kind}")

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Content-Encoding") == "gzip":
            return gzip.decompress(body)
        return body

    def _index(self, project: str) -> None:
        wheels = self.server.shelf.wheels.get(canonicalize_name(project))
        if wheels is None:
            self.send_error(404)
            return
        links = "".join(
            f'<a href="/wheels/{wheel.name}#sha256={_sha256(wheel)}">{wheel.name}</a>\n' for wheel in wheels
        )
        self._send(f"<!DOCTYPE html><html><body>\n{links}</body></html>".encode(), "text/html")

    def _file(self, name: str, file: Path, *, body: bool) -> None:
        size = file.stat().st_size
        wanted = _RANGE.fullmatch(self.headers.get("Range", ""))
        start = int(wanted.group(1)) if wanted else 0
        if start >= size > 0 and wanted:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(size - start))
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("X-Linked-Size", str(size))
        self.end_headers()
        if body:
            self._pour(name, file, start)

    def _pour(self, name: str, file: Path, start: int) -> None:
        rate, sent, began = self.server.shelf.rate, 0, time.monotonic()
        with file.open("rb") as source:
            source.seek(start)
            while piece := source.read(_SLICE):
                self.wfile.write(piece)
                self._note(name, start + sent, len(piece))
                sent += len(piece)
                if rate and (ahead := sent / rate - (time.monotonic() - began)) > 0:
                    time.sleep(ahead)

    def _note(self, name: str, start: int, sent: int) -> None:
        if self.server.shelf.ledger is None:
            return
        line = json.dumps({"file": name, "from": start, "sent": sent})
        with self.server.writing, self.server.shelf.ledger.open("a", encoding="utf-8") as ledger:
            ledger.write(line + "\n")

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-cache")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _inherited() -> dict[str, str]:
    """Without these git.exe does not start on Windows."""
    return {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TEMP", "TMP") if name in os.environ}
