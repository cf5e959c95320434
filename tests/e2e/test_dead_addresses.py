"""Each address of the profiles dead in turn: the practice installation ends whole, and soon."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sdsetup.catalog.catalog import Catalog
from sdsetup.catalog.files import Profiles
from sdsetup.machine.real import RealMachine
from sdsetup.values.request import Request
from sdsetup.workflows.install import run_install
from sdsetup.workflows.rehearse import with_stand_ins
from sdsetup.workflows.session import Session

TABLES = ("webui", "models", "torch", "doctor")
# Seconds: a mute address costs its connect limit (8 s), and a busy machine its share. Minutes are a fault.
EXTRA = 30.0
ALL = os.environ.get("SDSETUP_TEST_DEAD") == "all"
Way = tuple[str | int, ...]


def addresses(value: Any, way: Way = ()) -> Iterator[Way]:
    """Where the addresses that something is fetched from stand in a profile."""
    entries = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        fetched = key in ("url", "index", "extra_index") or (way and way[-1] == "urls")
        if isinstance(inner, str) and fetched:
            yield (*way, key)
        else:
            yield from addresses(inner, (*way, key))


def put(table: Any, way: Way, value: str) -> None:
    for key in way[:-1]:
        table = table[key]
    table[way[-1]] = value


@contextmanager
def mute() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def install(home: Path, dead: tuple[str, Way] | None, kind: str) -> float:
    """A practice installation in a home of its own with one address dead; how many seconds it took."""
    names = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "LANG")
    env = {name: os.environ[name] for name in names if name in os.environ}
    env |= {"HOME": str(home), "SDSETUP_CACHE_DIR": str(home / "cache"), "SDSETUP_DATA_DIR": str(home / "data")}
    session = Session(machine=RealMachine(env), catalog=Catalog(), quiet=True)
    with with_stand_ins(session, "current") as practice, mute() as silent:
        tables = {name: deepcopy(practice.catalog.files.raw(name)) for name in TABLES}
        if dead is not None:
            host = {"refused": "http://127.0.0.1:9", "unknown": "https://gone.invalid", "mute": silent}[kind]
            put(tables[dead[0]], dead[1], f"{host}/x")
            if dead[1][-1] == "index":  # the mirror is one of this address
                tables["torch"]["mirrors"][0]["of"] = f"{host}/x"
        changed = replace(practice, catalog=practice.catalog.with_tables(tables))
        request = Request(dir=str(home / "webui"), model="sd15", launchers=("sh",), picture=False)
        began = time.monotonic()
        assert run_install(changed, request, yes=True) == 0
        took = time.monotonic() - began
    repositories = {path.name for path in (home / "webui" / "repositories").iterdir()}
    assert repositories == {repository["name"] for repository in tables["webui"]["repositories"]}
    assert (home / "webui" / "models" / "Stable-diffusion" / "model.safetensors").is_file()
    return took


def cases() -> list[tuple[str, Way, str]]:
    """Every address that this installation uses, each dead in one of the ways by turns; by default a few."""
    webui, models = Profiles().raw("webui"), Profiles().raw("models")
    kinds = ("refused", "unknown", "mute")
    found: list[tuple[str, Way]] = [("webui", way) for way in addresses(webui) if way[0] != "python"]
    found += [("webui", ("tokenizer", n, "sources", 0, "url")) for n in range(len(webui["tokenizer"]))]
    found += [
        ("models", ("models", "sd15", "sources", n, "url"))
        for n in range(len(models["models"]["sd15"]["sources"]))
    ]
    found += [("torch", ("builds", "cpu-2.1", "index")), ("torch", ("mirrors", 0, "url"))]
    every = [(table, way, kinds[n % len(kinds)]) for n, (table, way) in enumerate(dict.fromkeys(found))]
    first = [("webui", ("webui", "urls", 0), "unknown"), ("webui", ("repositories", 4, "urls", 0), "refused")]
    first += [("models", ("models", "sd15", "sources", 0, "url"), "mute"), found[-2] + ("refused",)]
    return every if ALL else first


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> float:
    return min(install(tmp_path_factory.mktemp("usual"), None, "refused") for _ in range(2))


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(os.name == "nt", reason="the launch file of a practice run is the other one there")
@pytest.mark.parametrize(("table", "way", "kind"), cases(), ids=lambda value: str(value).replace(" ", ""))
def test_an_installation_does_without_any_one_address(
    table: str, way: Way, kind: str, tmp_path: Path, usual: float
) -> None:
    assert install(tmp_path, (table, way), kind) < usual + EXTRA
