"""A kit, served to git, uv and our own downloads on the loopback address, wherever it lies.

One way for a folder, a stick and a web server: whoever asks here gets files that the manifest names and nothing
else. The last bytes of a file are held back until its SHA-256 is right, so nobody takes a damaged one for whole.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import quote, unquote, urlsplit

from packaging.utils import canonicalize_name

from sdsetup.text import Text
from sdsetup.values.kit import Kit, KitFile, Piece

_log = logging.getLogger("sdsetup.kit")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_INDEX = "application/vnd.pypi.simple.v1+json"

# The bytes of a file of the kit from a place on, in pieces of any length. FileNotFoundError: it is not there;
# UnreadableError: asking again is of no use; another OSError: it may come on another try.
Open = Callable[[KitFile, int], Iterator[bytes]]

_DAMAGED = Text("its SHA-256 does not match the kit's file list")
_MISSING = Text("it is not there")


class UnreadableError(OSError):
    """The file is there, and the drive or the system does not give it away."""


class KitServer:
    """Serves a kit on 127.0.0.1 while the block lasts; `url` is its address.

    The port follows from the manifest, so that a run which goes on asks the same addresses. Paths of files that
    were asked for, each with why nobody got them: `damaged`: they are not what the manifest says, or cannot be
    read; `broken`: their transfer ended early each time.
    """

    def __init__(self, kit: Kit, identity: str, open_file: Open) -> None:
        try:
            self._server = _Server(kit, open_file, 20_000 + int(identity[:8], 16) % 12_000)
        except OSError:
            self._server = _Server(kit, open_file, 0)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def damaged(self) -> Mapping[str, Text]:
        return self._server.damaged

    @property
    def broken(self) -> Mapping[str, Text]:
        return self._server.broken

    def __enter__(self) -> KitServer:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="kit", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = sys.platform != "win32"  # there it would let another program take the port too

    def __init__(self, kit: Kit, open_file: Open, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Answer)
        self.open_file = open_file
        self.damaged: dict[str, Text] = {}
        self.broken: dict[str, Text] = {}
        self.files = dict(kit.files)
        self.projects: dict[str, list[Piece]] = {}
        for piece in kit.pieces:
            if piece.metadata is not None:
                self.files[f"{piece.file.path}.metadata"] = piece.metadata
            if piece.kind == "python":
                self.files[f"python/{piece.id}"] = piece.file
            if piece.kind == "package":
                self.projects.setdefault(canonicalize_name(piece.id), []).append(piece)

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - the library's
        _log.info("a request to the kit ended early", exc_info=True)


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        _log.debug(format, *args)

    def do_HEAD(self) -> None:
        self._route(body=False)

    def do_GET(self) -> None:
        self._route(body=True)

    def _route(self, *, body: bool) -> None:
        path = unquote(urlsplit(self.path).path).strip("/")
        first, _, project = path.partition("/")
        if first == "simple" and project in self.server.projects:
            self._index(project, body=body)
            return
        file = self.server.files.get(path)
        if file is None or file.path in self.server.damaged:
            self.send_error(404)
            return
        self._file(file, body=body)

    def _index(self, project: str, *, body: bool) -> None:
        """https://packaging.python.org/en/latest/specifications/simple-repository-api/"""
        files = []
        for piece in self.server.projects[project]:
            said = {
                "filename": piece.file.name,
                "url": f"/{quote(piece.file.path)}",
                "size": piece.file.size,
                "hashes": {"sha256": piece.file.sha256},
            }
            if piece.requires_python:
                said["requires-python"] = piece.requires_python
            if piece.metadata is not None:
                said["core-metadata"] = {"sha256": piece.metadata.sha256}
            files.append(said)
        content = json.dumps({"meta": {"api-version": "1.0"}, "name": project, "files": files}).encode()
        self.send_response(200)
        self.send_header("Content-Type", _INDEX)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)

    def _file(self, file: KitFile, *, body: bool) -> None:
        wanted = _RANGE.fullmatch(self.headers.get("Range", ""))
        start = int(wanted[1]) if wanted else 0
        end = min(int(wanted[2]) + 1, file.size) if wanted and wanted[2] else file.size
        if wanted and start >= file.size:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{file.size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{file.size}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(end - start))
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("ETag", f'"{file.sha256}"')
        self.end_headers()
        if body and not self._pour(file, start, end):
            self.close_connection = True

    def _pour(self, file: KitFile, start: int, end: int) -> bool:
        """Send bytes [start, end), the last of a whole file once it is proved; whether all were sent."""
        digest = hashlib.sha256() if (start, end) == (0, file.size) else None
        left, held = end - start, b""
        for data in self._read(file, start):
            data = data[:left]
            left -= len(data)
            if digest is not None:
                digest.update(data)
            self.wfile.write(held)
            held = data
            if not left:
                break
        if file.path in self.server.damaged or file.path in self.server.broken:
            return False
        if left or (digest is not None and digest.hexdigest() != file.sha256):
            self._damaged(file, _DAMAGED)
            return False
        self.wfile.write(held)
        return True

    def _read(self, file: KitFile, start: int) -> Iterator[bytes]:
        """The bytes of the file, as far as they can be had; what stops them is noted."""
        self.server.broken.pop(file.path, None)
        try:
            yield from self.server.open_file(file, start)
        except FileNotFoundError:
            self._damaged(file, _MISSING)
        except UnreadableError as error:
            self._damaged(file, Text("{said}", said=error))
        except OSError as error:
            _log.warning("%s: %s", file.path, error)
            self.server.broken[file.path] = Text("{said}", said=error)

    def _damaged(self, file: KitFile, why: Text) -> None:
        _log.error("%s: %s", file.path, why)
        self.server.damaged[file.path] = why
