"""Fixtures of the download tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from download_bench import CONTENT, Bench
from faulty_hub import FaultyHub


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
