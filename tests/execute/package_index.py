"""A small package index on this machine: real wheels, real HTTP, breaking connections on order, counting bytes."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from urllib.parse import unquote

from sdsetup.rehearsal.stand_ins import make_wheel

# What every environment of ours holds, as small as can be.
PIP = "def main():\n    return 0\n"


@dataclass
class Index:
    """`wheels`: project name -> its files. `break_after`: file name -> (bytes, how often) of a cut answer."""

    folder: Path
    wheels: dict[str, list[Path]] = field(default_factory=dict)
    break_after: dict[str, tuple[int, int]] = field(default_factory=dict)
    sizes: bool = True
    down: bool = False  # every question is answered with 503
    sent: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def add(self, name: str, version: str, *, code: str = "x = 1\n", needs: str = "", pad: int = 0) -> Path:
        module = name.replace("-", "_")
        path = make_wheel(self.folder, name, version, {f"{module}/__init__.py": code})
        if needs or pad:
            path.unlink()
            path = _wheel(self.folder, name, version, code, needs, pad)
        self.wheels.setdefault(re.sub(r"[-_.]+", "-", name).lower(), []).append(path)
        return path

    def __enter__(self) -> Index:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
        self._server.daemon_threads = True
        self._server.index = self  # type: ignore[attr-defined]
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/simple"


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def index(self) -> Index:
        return self.server.index  # type: ignore[attr-defined,no-any-return]

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        self.index.asked.append(f"{self.command} {self.path}")
        if self.index.down:
            self._send(503, b"")
            return
        parts = unquote(self.path).strip("/").split("/")
        if parts[0] == "simple" and len(parts) == 2:
            self._project(parts[1])
            return
        files = {path.name: path for paths in self.index.wheels.values() for path in paths}
        if parts[0] == "files" and parts[-1] in files:
            self._file(files[parts[-1]], body=body)
        else:
            self._send(404, b"")

    def _project(self, name: str) -> None:
        paths = self.index.wheels.get(name)
        if paths is None:
            self._send(404, b"")
            return
        files = []
        for path in paths:
            content = path.read_bytes()
            file = {
                "filename": path.name,
                "url": f"/files/{path.name.replace('+', '%2B')}",
                "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
            }
            files.append({**file, "size": len(content)} if self.index.sizes else file)
        body = json.dumps({"meta": {"api-version": "1.1"}, "name": name, "files": files, "versions": []})
        self._send(200, body.encode(), "application/vnd.pypi.simple.v1+json")

    def _file(self, path: Path, *, body: bool) -> None:
        content = path.read_bytes()
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start = int(wanted[1]) if wanted else 0
        end = int(wanted[2]) + 1 if wanted and wanted[2] else len(content)
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
        self.send_header("Content-Length", str(end - start))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{len(content)}"')
        self.end_headers()
        if not body:
            return
        limit, times = self.index.break_after.get(path.name, (0, 0))
        if times:
            self.index.break_after[path.name] = (limit, times - 1)
            end = min(end, start + limit)
            self.close_connection = True
        for at in range(start, end, 65536):
            piece = content[at : min(at + 65536, end)]
            self.wfile.write(piece)
            self.index.sent[path.name] = self.index.sent.get(path.name, 0) + len(piece)

    def _send(self, status: int, body: bytes, kind: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _wheel(folder: Path, name: str, version: str, code: str, needs: str, pad: int) -> Path:
    """A wheel with a requirement, or with so many bytes that do not compress."""
    import random
    import zipfile

    escaped = name.replace("-", "_")
    info = f"{escaped}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += f"Requires-Dist: {needs}\n" if needs else ""
    path = folder / f"{escaped}-{version}-py3-none-any.whl"
    files: dict[str, bytes] = {f"{escaped}/__init__.py": code.encode(), f"{info}/METADATA": metadata.encode()}
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    if pad:
        files[f"{escaped}/data.bin"] = random.Random(1).randbytes(pad)
    record = [f"{file},sha256={_urlsafe(content)},{len(content)}\n" for file, content in files.items()]
    files[f"{info}/RECORD"] = "".join([*record, f"{info}/RECORD,,\n"]).encode()
    with zipfile.ZipFile(path, "w") as wheel:
        for file, content in files.items():
            wheel.writestr(zipfile.ZipInfo(file, date_time=(2026, 1, 1, 0, 0, 0)), content)
    return path


def _urlsafe(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
