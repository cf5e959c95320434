"""The loopback stand-ins, asked by the real clients."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from sdsetup.rehearsal.server import LoopbackServer, Shelf
from sdsetup.rehearsal.stand_ins import make_model, make_repository, make_wheel, webui_files


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    model = tmp_path / "m.safetensors"
    make_model(model, size=300_000)
    make_repository(tmp_path / "webui.git", webui_files(), tag="v1.10.1", git="git")
    wheel = make_wheel(tmp_path / "wheels", "stand-in", "1.0", {"stand_in.py": "x = 1\n"})
    return Shelf(
        git="git",
        repositories={"webui": tmp_path / "webui.git"},
        files={"hub/m": model, f"wheels/{wheel.name}": wheel},
        wheels={"stand-in": [wheel]},
        ledger=tmp_path / "ledger",
    )


@pytest.fixture
def url(shelf: Shelf) -> Iterator[str]:
    with LoopbackServer(shelf) as server:
        yield server.url


@pytest.mark.parametrize("protocol", ["0", "2"])
@pytest.mark.parametrize("depth", [["--depth", "1"], []])
def test_real_git_clones_shallow_and_whole(url: str, tmp_path: Path, protocol: str, depth: list[str]) -> None:
    git = ["git", "-c", f"protocol.version={protocol}"]
    cloned = subprocess.run(
        [*git, "clone", "-q", *depth, "--branch", "v1.10.1", f"{url}/git/webui.git", str(tmp_path / "c")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert cloned.returncode == 0, cloned.stderr
    said = subprocess.run(
        ["git", "-C", str(tmp_path / "c"), "describe", "--tags"], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "v1.10.1"
    assert (tmp_path / "c" / "launch.py").is_file()


def test_a_range_continues_and_the_ledger_counts(url: str, shelf: Shelf) -> None:
    whole = requests.get(f"{url}/hub/m", timeout=10)
    rest = requests.get(f"{url}/hub/m", headers={"Range": "bytes=100000-"}, timeout=10)
    assert (whole.status_code, rest.status_code) == (200, 206)
    assert rest.headers["Content-Range"] == "bytes 100000-299999/300000"
    assert whole.content[100000:] == rest.content
    assert requests.get(f"{url}/hub/m", headers={"Range": "bytes=300000-"}, timeout=10).status_code == 416
    assert requests.get(f"{url}/hub/none", timeout=10).status_code == 404
    assert shelf.ledger is not None
    sent = [json.loads(line) for line in shelf.ledger.read_text().splitlines()]
    assert sum(line["sent"] for line in sent) == 500_000


def test_the_same_inputs_make_the_same_bytes(tmp_path: Path) -> None:
    one = make_model(tmp_path / "a", size=50_000)
    two = make_model(tmp_path / "b", size=50_000)
    assert one == two == hashlib.sha256((tmp_path / "a").read_bytes()).hexdigest()
    first = make_repository(tmp_path / "1.git", webui_files(), tag="t", git="git")
    second = make_repository(tmp_path / "2.git", webui_files(), tag="t", git="git")
    assert first == second
    wheels = [make_wheel(tmp_path / f, "x", "1", {"x.py": ""}).read_bytes() for f in ("w1", "w2")]
    assert wheels[0] == wheels[1]
