"""Fixtures of the download tests."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from download_bench import CONTENT, Bench
from faulty_hub import FaultyHub, whole


@pytest.fixture
def hub() -> Iterator[FaultyHub]:
    with FaultyHub(CONTENT) as server:
        yield server


@pytest.fixture
def bench(tmp_path: Path, hub: FaultyHub, monkeypatch: pytest.MonkeyPatch) -> Bench:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    return Bench(folder=tmp_path, hub=hub)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import shutil

    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl program to make certificates")
    from faulty_hub import make_certificates

    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    return folder


@pytest.fixture
def tls(certificates: Path) -> Iterator[object]:
    """Starts a hub with one of the certificates."""
    started: list[FaultyHub] = []

    def start(name: str) -> FaultyHub:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / f"{name}.pem")
        server = FaultyHub(CONTENT, tls=context)
        server.__enter__()
        started.append(server)
        server.answer("/file", whole)
        return server

    yield start
    for server in started:
        server.__exit__()
