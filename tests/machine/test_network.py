"""Knocking at addresses, against real servers on loopback: answers, silence, proxies, foreign certificates."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sdsetup.machine import network
from sdsetup.machine.answers import PortState, Reached

Answer = Callable[[socket.socket, bytes], None]


@contextmanager
def server(answer: Answer, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server on 127.0.0.1 that reads one request head per connection and lets `answer` do the rest."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                line, _ = listening.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(line, server_side=True) if context else line as talk:
                    talk.settimeout(5)
                    head = b""
                    while b"\r\n\r\n" not in head and (more := talk.recv(1024)):
                        head += more
                    answer(talk, head)
            except OSError:
                continue

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.close()


def saying(status: str) -> Answer:
    return lambda talk, _head: talk.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())


def reach(url: str, *, proxy: str | None = None, seconds: float = 5, env: dict[str, str] | None = None) -> Reached:
    return network.reach(url, proxy=proxy, env=env or {}, seconds=seconds)


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        ("200 OK", None),
        ("404 Not Found", None),
        ("403 Forbidden", None),
        ("301 Moved", None),
        ("451 No", "http-451"),
        ("407 No", "proxy"),
    ],
)
def test_any_answer_of_the_host_counts_but_a_refusal_by_law(status: str, problem: str | None) -> None:
    with server(saying(status)) as port:
        assert reach(f"http://127.0.0.1:{port}/x").problem == problem


def test_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert reach(f"http://127.0.0.1:{port}/", seconds=0.3).problem == "timeout"
    assert reach(f"http://127.0.0.1:{port}/").problem == "refused"
    with server(lambda talk, _head: None) as port:
        assert reach(f"http://127.0.0.1:{port}/").problem == "refused"
    with server(lambda talk, _head: talk.sendall(b"SSH-2.0-x\r\n\r\n")) as port:
        assert reach(f"http://127.0.0.1:{port}/").problem == "refused"


@pytest.mark.parametrize("url", ["ftp://example.org/", "https:///x", "nonsense", "http://[::1", "http://x:port/"])
def test_what_is_no_address(url: str) -> None:
    assert reach(url).problem == "unknown"


def test_through_a_proxy() -> None:
    heads: list[bytes] = []

    def proxy(talk: socket.socket, head: bytes) -> None:
        heads.append(head)
        talk.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

    with server(proxy) as port:
        assert reach("http://far.example/x", proxy=f"http://127.0.0.1:{port}").problem is None
        assert heads[-1].startswith(b"HEAD http://far.example/x HTTP/1.1\r\nHost: far.example\r\n")
        # The tunnel opens; what then speaks is no TLS.
        assert reach(
            "https://far.example/", proxy=f"http://an%40na:se%3Acret@127.0.0.1:{port}", seconds=1
        ).problem in ("tls", "timeout", "refused", "proxy")
        assert heads[-1].startswith(b"CONNECT far.example:443 HTTP/1.1\r\n")
        assert b"Proxy-Authorization: Basic YW5AbmE6c2U6Y3JldA==\r\n" in heads[-1]
    with server(saying("407 Authenticate")) as port:
        told = reach("https://far.example/", proxy=f"http://127.0.0.1:{port}")
        assert told.problem == "proxy"
        assert "407" in str(told.detail)
    assert reach("http://far.example/", proxy=f"http://127.0.0.1:{port}").problem == "proxy"
    assert reach("http://far.example/", proxy="socks5://127.0.0.1:1").problem == "proxy"
    assert reach("http://far.example/", proxy="gopher://127.0.0.1:1").problem == "proxy"
    assert reach("http://far.example/", proxy="http://[::1").problem == "proxy"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that nobody has signed."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
            "-keyout",
            str(path),
            "-out",
            str(path) + ".crt",
        ],
        check=True,
        capture_output=True,
    )
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


def test_certificates_are_checked(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with server(saying("200 OK"), context) as port:
        told = reach(f"https://localhost:{port}/")
        assert told.problem == "tls"
        assert "certificate" in str(told.detail).lower()
        trusted = {"SSL_CERT_FILE": f"{certificate}.crt"}
        assert reach(f"https://localhost:{port}/", env=trusted).problem is None
    with server(saying("200 OK")) as port:
        assert reach(f"https://localhost:{port}/", seconds=2).problem in ("tls", "timeout", "refused")


def test_a_name_that_does_not_exist() -> None:
    assert reach("http://does-not-exist.invalid/").problem == "dns"


def test_ports() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        taken = listening.getsockname()[1]
        assert network.port(taken).free is False
    assert network.port(taken) == PortState(free=True)
    assert network.port(99999).free is None


def test_through_a_socks_proxy() -> None:
    """The library speaks to it; here only what comes of that is looked at."""
    asked: list[bytes] = []

    def serve(listening: socket.socket) -> None:
        for grant in (b"\x00\x5a", b"\x00\x5b"):
            line, _ = listening.accept()
            with line:
                head = line.recv(1024)
                asked.append(head)
                line.sendall(grant + bytes(6))
                if grant == b"\x00\x5a" and line.recv(1024).startswith(b"HEAD /x HTTP/1.1\r\n"):
                    line.sendall(b"HTTP/1.1 451 No\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        proxy = f"socks4a://127.0.0.1:{listening.getsockname()[1]}"
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        assert reach("http://far.example/x", proxy=proxy).problem == "http-451"
        told = reach("http://far.example/x", proxy=proxy)
    assert told.problem == "proxy"
    assert b"far.example" in asked[0]
