"""A loopback server that misbehaves on order: real sockets, one script of answers per path.

    with FaultyHub(content) as hub:
        hub.answer("/file", drop(at=1000), whole)     # the last answer repeats

Every answer is a function of the exchange. Requests and the body bytes of the file sent are counted, so that
a test can say how much was fetched twice.
"""

from __future__ import annotations

import gzip
import re
import select
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

_RANGE = re.compile(r"bytes=(\d+)-")


@dataclass
class Request:
    path: str
    headers: dict[str, str]

    @property
    def start(self) -> int:
        found = _RANGE.fullmatch(self.headers.get("range", ""))
        return int(found[1]) if found else 0


@dataclass
class Exchange:
    """One request under way, with the means to answer it well or badly."""

    hub: FaultyHub
    line: socket.socket
    request: Request

    @property
    def content(self) -> bytes:
        return self.hub.content

    def head(self, status: int, headers: dict[str, object] | None = None) -> None:
        lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in (headers or {}).items()), "", ""]
        self.line.sendall("\r\n".join(lines).encode("latin-1"))

    def body(self, data: bytes, *, pause: float = 0, block: int = 16 * 1024) -> None:
        """Send file bytes, counted."""
        for at in range(0, len(data), block):
            piece = data[at : at + block]
            self.line.sendall(piece)
            self.hub.count(len(piece))
            if pause:
                time.sleep(pause)

    def usual_head(self, start: int | None = None, **more: object) -> int:
        """The right head for this request; returns where the body begins."""
        start = self.request.start if start is None else start
        size = len(self.content)
        headers: dict[str, object] = {"Content-Length": size - start, "ETag": '"v1"', **more}
        if self.request.headers.get("range"):
            headers = {"Content-Range": f"bytes {start}-{size - 1}/{size}", **headers}
            self.head(206, headers)
        else:
            self.head(200, headers)
        return start

    def reset(self) -> None:
        """End with a TCP reset instead of a farewell."""
        self.line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.line.close()


Answer = Callable[[Exchange], None]


@dataclass
class FaultyHub:
    content: bytes
    tls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    served: int = 0

    def __post_init__(self) -> None:
        self._scripts: dict[str, list[Answer]] = {}
        self._lock = threading.Lock()
        hub = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                hub._handle(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """A client that hung up is what half of the tests are about."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> FaultyHub:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_exit: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, *answers: Answer) -> None:
        self._scripts[path] = list(answers)

    def count(self, served: int) -> None:
        with self._lock:
            self.served += served

    def asked(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]

    def _handle(self, line: socket.socket) -> None:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self.tls is not None:
                line = self.tls.wrap_socket(line, server_side=True)
            request = read_request(line)
            if request is None:
                return
            with self._lock:
                self.requests.append(request)
                script = self._scripts.get(request.path.split("?")[0], [missing])
                action = script.pop(0) if len(script) > 1 else script[0]
            action(Exchange(self, line, request))
        except OSError:
            return
        finally:
            line.close()


def read_request(line: socket.socket) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = line.recv(4096)
        if not piece:
            return None
        data += piece
    first, *rest = data.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (text.partition(":") for text in rest)}
    return Request(path=first.split(" ")[1], headers=headers)


# Answers: the right one first, then the bad ones.


def whole(exchange: Exchange) -> None:
    start = exchange.usual_head()
    exchange.body(exchange.content[start:])


def missing(exchange: Exchange) -> None:
    exchange.head(404, {"Content-Length": 0})


def status(code: int, **headers: object) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda exchange: exchange.head(code, {"Content-Length": 0, **named})


def drop(at: int, *, reset: bool = False) -> Answer:
    """The right head, then the line ends `at` bytes further on."""

    def act(exchange: Exchange) -> None:
        start = exchange.usual_head()
        exchange.body(exchange.content[start : start + at])
        if reset:
            time.sleep(0.05)  # let the bytes arrive before the reset overtakes them
            exchange.reset()

    return act


def stall(at: int, seconds: float = 20) -> Answer:
    def act(exchange: Exchange) -> None:
        start = exchange.usual_head()
        exchange.body(exchange.content[start : start + at])
        silent(seconds)(exchange)

    return act


def silent(seconds: float = 20) -> Answer:
    """Say nothing for a while, or until the other side hangs up."""

    def act(exchange: Exchange) -> None:
        exchange.line.settimeout(seconds)
        try:
            exchange.line.recv(1)
        except OSError:
            return

    return act


def trickle(block: int, pause: float) -> Answer:
    def act(exchange: Exchange) -> None:
        start = exchange.usual_head()
        exchange.body(exchange.content[start:], block=block, pause=pause)

    return act


def chunked(*, cut: int | None = None, short: int | None = None, extra: bytes = b"") -> Answer:
    """Transfer-Encoding: chunked; `cut`: the line ends inside it; `short`: a clean end after fewer bytes."""

    def act(exchange: Exchange) -> None:
        exchange.head(200, {"Transfer-Encoding": "chunked"})
        data = exchange.content[:short] + extra
        for at in range(0, len(data), 10_000):
            piece = data[at : at + 10_000]
            if cut is not None and at >= cut:
                exchange.line.sendall(b"2710\r\n" + piece[:100])
                return
            exchange.line.sendall(f"{len(piece):x};note=1\r\n".encode() + piece + b"\r\n")
            exchange.hub.count(len(piece))
        exchange.line.sendall(b"0\r\n\r\n")

    return act


def no_length(*, short: int | None = None) -> Answer:
    def act(exchange: Exchange) -> None:
        exchange.head(200)
        exchange.body(exchange.content[:short])

    return act


def lying_length(length: int) -> Answer:
    def act(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Length": length})
        exchange.body(exchange.content[:length])

    return act


def flipped(at: int) -> Answer:
    """The right length with one wrong byte."""

    def act(exchange: Exchange) -> None:
        start = exchange.usual_head()
        data = bytearray(exchange.content)
        data[at] ^= 0xFF
        exchange.body(bytes(data[start:]))

    return act


def packed(exchange: Exchange) -> None:
    data = gzip.compress(exchange.content, 1)
    exchange.head(200, {"Content-Encoding": "gzip", "Content-Length": len(data)})
    exchange.line.sendall(data)
    exchange.hub.count(len(exchange.content))


def ignores_range(exchange: Exchange) -> None:
    exchange.head(200, {"Content-Length": len(exchange.content)})
    exchange.body(exchange.content)


def wrong_start(shift: int) -> Answer:
    """Whatever is asked for, the body begins `shift` bytes elsewhere, and says so."""

    def act(exchange: Exchange) -> None:
        if not exchange.request.headers.get("range"):
            return whole(exchange)
        start = exchange.usual_head(max(0, exchange.request.start + shift))
        return exchange.body(exchange.content[start:])

    return act


def wrong_bytes_in_range(exchange: Exchange) -> None:
    """A range that says it is the right one and is not."""
    if not exchange.request.headers.get("range"):
        return whole(exchange)
    start = exchange.usual_head()
    return exchange.body(bytes(len(exchange.content) - start))


def no_content_range(exchange: Exchange) -> None:
    start = exchange.request.start
    exchange.head(206, {"Content-Length": len(exchange.content) - start})
    exchange.body(exchange.content[start:])


def no_content_range_nor_length(exchange: Exchange) -> None:
    if not exchange.request.headers.get("range"):
        return whole(exchange)
    exchange.head(206)
    return exchange.body(exchange.content[exchange.request.start :])


def multipart(exchange: Exchange) -> None:
    if not exchange.request.headers.get("range"):
        return whole(exchange)
    return exchange.head(206, {"Content-Type": "multipart/byteranges; boundary=x", "Content-Length": 0})


def other_content(data: bytes) -> Answer:
    def act(exchange: Exchange) -> None:
        start = exchange.request.start
        head: dict[str, object] = {"Content-Length": len(data) - start, "ETag": '"v2"'}
        if start:
            head["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        exchange.head(206 if start else 200, head)
        exchange.body(data[start:])

    return act


def web_page(exchange: Exchange) -> None:
    page = b"<!DOCTYPE html><html><body>Welcome to the airport. Please log in.</body></html>"
    exchange.head(200, {"Content-Type": "text/html; charset=utf-8", "Content-Length": len(page)})
    exchange.line.sendall(page)


def redirect(location: str, code: int = 302, **headers: object) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda exchange: exchange.head(code, {"Location": location, "Content-Length": 0, **named})


def raw(data: bytes) -> Answer:
    """Whatever bytes, then the end of the line."""
    return lambda exchange: exchange.line.sendall(data)


def hang_up(_exchange: Exchange) -> None:
    """Not one byte."""


def make_certificates(folder: Path) -> None:
    """An authority and certificates it signed: good.pem, expired.pem, future.pem (for localhost, 127.0.0.1 and
    hub.example), and alone.pem, which signed itself. Each file holds key and certificate."""
    import subprocess

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    names = "subjectAltName=DNS:hub.example,DNS:localhost,IP:127.0.0.1"
    key = ("-newkey", "rsa:2048", "-nodes", "-days", "3650")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test authority")
    alone = ("-keyout", "alone.key", "-out", "alone.crt", "-subj", "/CN=localhost", "-addext", names)
    openssl("req", "-x509", *key, *alone)
    (folder / "alone.pem").write_bytes((folder / "alone.key").read_bytes() + (folder / "alone.crt").read_bytes())
    (folder / "names").write_text(names)
    (folder / "index.txt").write_text("")
    (folder / "ca.cnf").write_text(
        "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n"
        "unique_subject=no\n[p]\ncommonName=supplied\n"
    )
    (folder / "serial").write_text("1000")
    for name, begin, end in (
        ("good", "20200101000000Z", "20991231000000Z"),
        ("expired", "20200101000000Z", "20210101000000Z"),
        ("future", "20980101000000Z", "20991231000000Z"),
    ):
        asked, signed = f"{name}.csr", f"{name}.crt"
        openssl("req", *key[:3], "-keyout", f"{name}.key", "-out", asked, "-subj", "/CN=localhost")
        authority = ("-batch", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key")
        dates = ("-startdate", begin, "-enddate", end)
        openssl("ca", *authority, "-in", asked, "-out", signed, *dates, "-extfile", "names", "-notext")
        (folder / f"{name}.pem").write_bytes(
            (folder / f"{name}.key").read_bytes() + (folder / f"{name}.crt").read_bytes()
        )


class ConnectProxy:
    """A forward proxy on loopback: tunnels every name to one port of this machine. With `tls` over TLS."""

    def __init__(
        self,
        to_port: int,
        *,
        login: str | None = None,
        refuse: int | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.asked: list[Request] = []
        proxy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                try:
                    if tls is None:
                        self.tunnel()
                        return
                    with tls.wrap_socket(self.request, server_side=True) as self.request:
                        self.tunnel()
                except OSError:
                    return  # the other side hung up

            def tunnel(self) -> None:
                request = read_request(self.request)
                if request is None:
                    return
                proxy.asked.append(request)
                if refuse:
                    self.request.sendall(f"HTTP/1.1 {refuse} No\r\nContent-Length: 0\r\n\r\n".encode())
                    return
                if login and request.headers.get("proxy-authorization") != login:
                    self.request.sendall(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
                    return
                with socket.create_connection(("127.0.0.1", to_port)) as onward:
                    self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    relay(self.request, onward)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> ConnectProxy:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_exit: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class SocksProxy:
    """A SOCKS proxy on loopback (versions 4, 4a and 5): leads every name to one port of this machine.

    `asked`: (version, the name or address it was asked for, port). `login`: (name, password) that version 5 wants.
    """

    def __init__(self, to_port: int, *, login: tuple[str, str] | None = None, refuse: bool = False) -> None:
        self.asked: list[tuple[str, str, int]] = []
        proxy = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                try:
                    granted = self.five() if self.rfile.read(1) == b"\x05" else self.four()
                    if granted:
                        with socket.create_connection(("127.0.0.1", to_port)) as onward:
                            relay(self.request, onward)
                except OSError:
                    return

            def five(self) -> bool:
                methods = self.rfile.read(self.rfile.read(1)[0])
                if login is not None:
                    if 2 not in methods:
                        self.wfile.write(b"\x05\xff")
                        return False
                    self.wfile.write(b"\x05\x02")
                    self.rfile.read(1)
                    said = tuple(self.rfile.read(self.rfile.read(1)[0]).decode() for _ in range(2))
                    self.wfile.write(b"\x01\x00" if said == login else b"\x01\x01")
                    if said != login:
                        return False
                else:
                    self.wfile.write(b"\x05\x00")
                kind = self.rfile.read(4)[3]
                name = (
                    self.rfile.read(self.rfile.read(1)[0]).decode()
                    if kind == 3
                    else socket.inet_ntop(*((socket.AF_INET, self.rfile.read(4)) if kind == 1 else
                                            (socket.AF_INET6, self.rfile.read(16))))
                )  # fmt: skip
                proxy.asked.append(("5", name, int.from_bytes(self.rfile.read(2), "big")))
                self.wfile.write(b"\x05" + (b"\x02" if refuse else b"\x00") + b"\x00\x01" + bytes(6))
                return not refuse

            def four(self) -> bool:
                self.rfile.read(1)
                port, address = int.from_bytes(self.rfile.read(2), "big"), self.rfile.read(4)
                self.text()  # the user's name
                named = self.text() if address[:3] == bytes(3) else None
                proxy.asked.append(("4" if named is None else "4a", named or socket.inet_ntoa(address), port))
                self.wfile.write(b"\x00" + (b"\x5b" if refuse else b"\x5a") + bytes(6))
                return not refuse

            def text(self) -> str:
                return b"".join(iter(lambda: self.rfile.read(1), b"\x00")).decode()

            rbufsize = 0  # what comes after the greeting belongs to the relay

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]

    def __enter__(self) -> SocksProxy:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_exit: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def relay(one: socket.socket, other: socket.socket) -> None:
    """Pass bytes both ways until either side ends. One thread: a TLS line must not be read and written at once."""
    while True:
        pending = [line for line in (one, other) if isinstance(line, ssl.SSLSocket) and line.pending()]
        for line in pending or select.select([one, other], [], [])[0]:
            data = line.recv(65536)
            if not data:
                return
            (other if line is one else one).sendall(data)
