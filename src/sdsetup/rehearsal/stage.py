"""The stage of a practice run: stand-ins made, served on loopback, and the profiles pointed at them."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from sdsetup.catalog.catalog import Catalog
from sdsetup.rehearsal.server import LoopbackServer, Shelf, at
from sdsetup.rehearsal.stand_ins import make_model, make_repository, make_wheel, webui_files
from sdsetup.rehearsal.torch_stand_in import torch_module

MODEL_RATE = 6e6  # bytes per second: slow enough to see the bar move, over in a few seconds
# Any Python that runs us can run the stand-ins.
_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
# What uv puts into an environment by itself, and what building a wheel may ask for.
_SEEDS = {"pip": "25.0", "setuptools": "69.5.1", "wheel": "0.45.1", "packaging": "24.2"}


@dataclass(frozen=True, kw_only=True)
class StandIns:
    """`env` is laid over the environment, so that package tools ask the stand-in index."""

    url: str
    catalog: Catalog
    env: Mapping[str, str]


@contextmanager
def rehearsal(
    folder: Path, beneath: Catalog, *, git: str, card: str | None, rate: float | None = MODEL_RATE
) -> Iterator[StandIns]:
    """Serve the stand-ins while the block lasts.

    `folder` keeps them for the next run: the same bytes, the same commits and, where it is free, the
    same port, so that a second practice run finds the first one's work finished. `card`: what the
    stand-in torch pretends to calculate on, None for the processor.

    Raises:
        ProfileError: naming every problem of the profiles beneath; nothing of theirs is joined onto a folder then.
        SdsetupError: `rehearsal-git` when git cannot make the small repositories.
    """
    _ = beneath.webui, beneath.models  # unsound profiles are refused here
    tables = {name: deepcopy(beneath.files.raw(name)) for name in ("webui", "models", "doctor", "torch")}
    folder.mkdir(parents=True, exist_ok=True)
    shelf = Shelf(git=git, rate=rate, ledger=folder / "served.jsonl")
    with LoopbackServer(shelf, port=_former_port(folder)) as server:
        (folder / "port").write_text(server.url.rsplit(":", 1)[1], encoding="ascii")
        _webui(folder, tables["webui"], shelf, server.url)
        _models(folder, tables["models"], shelf, server.url)
        _doctor(tables["doctor"])
        _torch(folder, tables["torch"], shelf, server.url, card)
        _packages(folder, tables["webui"], shelf)
        yield StandIns(url=server.url, catalog=beneath.with_tables(tables), env=_environment(server.url))


def _former_port(folder: Path) -> int:
    try:
        port = int((folder / "port").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0
    return port if 0 < port < 65536 else 0


def _webui(folder: Path, raw: dict[str, Any], shelf: Shelf, url: str) -> None:
    webui = raw["webui"]
    webui["commit"] = _serve_repository(folder, shelf, "webui", webui_files(), tag=webui["tag"])
    _serve_again(webui, f"{url}/git/webui.git")
    webui["shallow_bytes"] = webui["full_bytes"] = webui["disk_bytes"] = 20_000
    for repository in raw["repositories"]:
        name = repository["name"]
        readme = {"README.md": f"# {name}\n\nA stand-in of a practice run.\n".encode()}
        repository["commit"] = _serve_repository(folder, shelf, name, readme, tag="stand-in")
        _serve_again(repository, f"{url}/git/{name}.git")
        repository["download_bytes"] = repository["disk_bytes"] = 1_000
    for file in raw.get("tokenizer", []):
        content = f"A stand-in of a practice run for {file['name']}.\n".encode()
        path = folder / "files" / Path(file["save_as"]).name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        shelf.files[f"files/{path.name}"] = path
        file["size"], file["sha256"] = len(content), hashlib.sha256(content).hexdigest()
        file["sources"] = _sources(url, f"files/{path.name}", len(file["sources"]))
    raw["python"]["wanted"] = _PYTHON
    raw["environment"]["download_bytes"] = raw["environment"]["disk_bytes"] = 50_000


def _serve_again(entry: dict[str, Any], url: str) -> None:
    """As many addresses as the entry has, each its own and all with the same behind it."""
    entry["urls"] = [at(url, n) for n in range(len(entry["urls"]))]
    for n, mirror in enumerate(entry.get("mirrors", []), len(entry["urls"])):
        mirror["url"] = at(url, n)


def _sources(url: str, path: str, count: int) -> list[dict[str, str]]:
    return [{"url": at(f"{url}/{path}", n)} for n in range(count)]


def _doctor(raw: dict[str, Any]) -> None:
    raw["python"]["wanted"] = _PYTHON


def _serve_repository(folder: Path, shelf: Shelf, name: str, files: Mapping[str, bytes], *, tag: str) -> str:
    place = folder / "git" / f"{name}.git"
    shelf.repositories[name] = place
    return make_repository(place, files, tag=tag, git=shelf.git)


def _models(folder: Path, raw: dict[str, Any], shelf: Shelf, url: str) -> None:
    path = folder / "files" / "model.safetensors"
    sha256 = make_model(path)
    shelf.files["files/model.safetensors"] = path
    for model in raw["models"].values():
        model["size"], model["sha256"] = path.stat().st_size, sha256
        model["sources"] = _sources(url, "files/model.safetensors", len(model["sources"]))
    raw.pop("places", None)  # nobody's real models are looked through for a practice run


def _torch(folder: Path, raw: dict[str, Any], shelf: Shelf, url: str, card: str | None) -> None:
    for mirror in raw.get("mirrors", []):
        mirror["of"], mirror["url"] = f"{url}/simple", at(f"{url}/simple", 1)
    for build in raw["builds"].values():
        for key in ("index", "extra_index"):
            if key in build:
                build[key] = f"{url}/simple"
        build.pop("packages", None)
        build["download_bytes"] = build["disk_bytes"] = 5_000
        build["pythons"] = [f"3.{minor}" for minor in range(8, 20)]
        _serve_wheel(
            folder, shelf, "torch", build["torch"], {"torch/__init__.py": torch_module(build["torch"], card)}
        )
        for name in ("torchvision", "xformers"):
            if name in build:
                _serve_wheel(folder, shelf, name, build[name])


def _packages(folder: Path, webui: dict[str, Any], shelf: Shelf) -> None:
    """A wheel of one line for every pin of the stand-in web UI's requirements and of the environment."""
    pins = dict(_SEEDS)
    lines = webui_files()["requirements_versions.txt"].decode().splitlines()
    environment = webui["environment"]
    for line in [*lines, *environment.get("extra", []), *environment.get("constraints", [])]:
        if (requirement := _requirement(line)) is not None:
            for specifier in requirement.specifier:
                if specifier.operator == "==":
                    pins[requirement.name] = specifier.version
    for name, version in pins.items():
        _serve_wheel(folder, shelf, name, version)


def _requirement(line: str) -> Requirement | None:
    """A line of a requirements file; None for an empty one, a remark or an option."""
    try:
        return Requirement(line.partition(" #")[0])
    except InvalidRequirement:
        return None


def _serve_wheel(
    folder: Path, shelf: Shelf, name: str, version: str, modules: Mapping[str, str] | None = None
) -> None:
    module = re.sub(r"[-.]+", "_", name)
    wheel = make_wheel(
        folder / "wheels", name, version, modules or {f"{module}/__init__.py": f"__version__ = {version!r}\n"}
    )
    shelf.files[f"wheels/{wheel.name}"] = wheel
    known = shelf.wheels.setdefault(canonicalize_name(name), [])
    if wheel not in known:
        known.append(wheel)


def _environment(url: str) -> dict[str, str]:
    return {
        "UV_DEFAULT_INDEX": f"{url}/simple",
        "UV_INDEX": "",
        "UV_EXTRA_INDEX_URL": "",
        "UV_FIND_LINKS": "",
        "UV_NO_CONFIG": "1",
        "UV_OFFLINE": "0",
        "PIP_CONFIG_FILE": os.devnull,
        "HF_ENDPOINT": url,
        "HF_TOKEN": "",
        # A company's proxy is not asked for what this PC serves to itself.
        "NO_PROXY": "localhost,127.0.0.1,::1",
        "no_proxy": "localhost,127.0.0.1,::1",
    }
