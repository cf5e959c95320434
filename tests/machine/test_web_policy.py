"""One policy for whoever opens a connection: which certificates, which proxy, said to our children too."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sdsetup.catalog.addresses import parse_address
from sdsetup.decide.proxies import ProxyError
from sdsetup.machine.real import RealMachine
from sdsetup.machine.web_policy import (
    CertificatesError,
    own_certificates,
    proxy_for,
    tls,
    variables_for_children,
)
from sdsetup.machine.web_session import session

HUB = parse_address("https://hub.example/x")


class Windows(RealMachine):
    """This computer, but for its family and registry."""

    def __init__(self, env: Mapping[str, str], **keys: Mapping[str, Any]) -> None:
        super().__init__(env)
        self._keys = keys

    @property
    def family(self) -> Any:
        return "windows"

    def registry_values(self, hive: str, key: str, *, view: int = 64) -> Mapping[str, Any] | None:
        return self._keys.get(key.rpartition("\\")[2].replace(" ", "_"))


SETTINGS = {"ProxyEnable": 1, "ProxyServer": "proxy:3128", "ProxyOverride": "*.local;<local>"}


def test_the_variable_for_fewer_programs_wins() -> None:
    env = {"SSL_CERT_DIR": "d", "SSL_CERT_FILE": "c", "CURL_CA_BUNDLE": "b", "REQUESTS_CA_BUNDLE": "a"}
    found = []
    while env:
        found.append(own_certificates(env))
        del env[next(name for name, value in env.items() if value == found[-1])]
    assert found == ["a", "b", "c", "d"]
    assert own_certificates({"SSL_CERT_FILE": ""}) is None


def test_certificates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(CertificatesError) as caught:
        tls({"CURL_CA_BUNDLE": str(tmp_path / "absent.pem")})
    assert "absent.pem" in str(caught.value.why)


def test_this_computer_is_never_reached_through_a_proxy() -> None:
    machine = RealMachine({"all_proxy": "http://proxy:1"})
    for url in ("http://127.0.0.1:7860/", "http://localhost/", "http://[::1]/", "https://127.0.0.1/"):
        assert proxy_for(parse_address(url), machine) is None
    found = proxy_for(HUB, machine)
    assert found is not None
    assert found.plain == "http://proxy:1"


def test_a_broken_setting_is_refused_where_it_would_be_used() -> None:
    machine = RealMachine({"https_proxy": "http://[::1", "no_proxy": "spared.example"})
    with pytest.raises(ProxyError):
        proxy_for(HUB, machine)
    assert proxy_for(parse_address("https://spared.example/"), machine) is None


def test_windows_own_setting_counts_where_no_variable_is_set() -> None:
    machine = Windows({}, Internet_Settings=SETTINGS)
    found = proxy_for(HUB, machine)
    assert found is not None
    assert found.plain == "http://proxy:3128"
    assert proxy_for(parse_address("https://printer.local/"), machine) is None
    assert proxy_for(parse_address("https://intranet/"), machine) is None
    said = Windows({"HTTPS_PROXY": "http://other:1"}, Internet_Settings=SETTINGS)
    other = proxy_for(HUB, said)
    assert other is not None
    assert other.host == "other"


def test_an_exception_that_windows_was_told_a_moment_ago_counts() -> None:
    machine = Windows({"HTTPS_PROXY": "http://proxy:1"}, Environment={"no_proxy": "hub.example"})
    assert proxy_for(HUB, machine) is None


def test_children_are_told_the_same(tmp_path: Path) -> None:
    assert variables_for_children(RealMachine({})) == {}
    bundle = {"REQUESTS_CA_BUNDLE": "/mine.pem", "SSL_CERT_FILE": "/other.pem", "https_proxy": "http://p:1"}
    assert variables_for_children(RealMachine(bundle)) == {"SSL_CERT_FILE": "/mine.pem"}
    folder = {"SSL_CERT_FILE": str(tmp_path)}
    assert variables_for_children(RealMachine(folder)) == {"SSL_CERT_DIR": str(tmp_path)}
    assert variables_for_children(Windows({}, Internet_Settings=SETTINGS)) == {
        "HTTPS_PROXY": "http://proxy:3128",
        "HTTP_PROXY": "http://proxy:3128",
        "NO_PROXY": ".local",
    }


@pytest.fixture
def server() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/away":
                self.send_response(302)
                self.send_header("Location", "http://127.0.0.1.evil.example/")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            body = json.dumps(dict(self.headers)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as started:
        assert isinstance(started, socketserver.BaseServer)
        threading.Thread(target=started.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{started.server_address[1]}"
        started.shutdown()


def test_short_questions_follow_the_policy_too(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with (
        session(RealMachine({"http_proxy": "http://127.0.0.1:9"})) as asking,
        asking.get(server, timeout=5) as answer,
    ):
        assert answer.status_code == 200
        assert "Authorization" not in answer.json()


def test_a_redirect_of_a_short_question_is_judged(server: str) -> None:
    for machine in (None, RealMachine({})):
        with session(machine) as asking, pytest.raises(ValueError, match="not encrypted"):
            asking.get(f"{server}/away", timeout=5)


def test_without_a_machine_only_this_computer_is_talked_to() -> None:
    with session() as asking, pytest.raises(ValueError, match="not on this PC"):
        asking.get("https://hub.example/", timeout=5)
