"""`webui.toml`: the web UI's pinned commit, its repositories, and what its environment needs today."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sdsetup.catalog.reading import Reader
from sdsetup.errors import UsageError
from sdsetup.text import Text
from sdsetup.values.plan import FetchFile, ProvePicture, Source

_COMMIT = re.compile(r"[0-9a-f]{40}")
# The steps of an installation that take long without a byte on the way.
_TIMED = ("git", "python", "webui", "repository", "environment", "torch", "check", "picture")


@dataclass(frozen=True, kw_only=True)
class Repository:
    """One of the repositories below `repositories/`. Sizes in bytes."""

    name: str
    commit: str
    urls: tuple[str, ...]
    download_bytes: int
    disk_bytes: int


@dataclass(frozen=True, kw_only=True)
class PythonSpec:
    """Which interpreter the environment is built with, and what bringing one costs in bytes."""

    wanted: str  # "3.10"
    download_bytes: int
    disk_bytes: int
    mirrors: tuple[str, ...] = ()  # of python-build-standalone's releases, after those that uv knows


@dataclass(frozen=True, kw_only=True)
class EnvironmentSpec:
    """What goes into `D/venv` beside torch, in one resolution. Sizes in bytes, torch included."""

    requirements: str
    extra: tuple[str, ...]
    overrides: tuple[str, ...]
    build_constraints: tuple[str, ...]
    constraints: tuple[str, ...]
    compile_later: tuple[str, ...]
    download_bytes: int
    disk_bytes: int


@dataclass(frozen=True, kw_only=True)
class WebUI:
    """The whole profile. `tag` is what a shallow clone can ask for; `branch` is what `git pull` follows."""

    tag: str
    commit: str
    branch: str
    urls: tuple[str, ...]
    shallow_bytes: int
    full_bytes: int
    disk_bytes: int
    python: PythonSpec
    environment: EnvironmentSpec
    repositories: tuple[Repository, ...]
    tokenizer: tuple[FetchFile, ...]
    proof: ProvePicture  # on the CPU
    proof_on_card: ProvePicture  # as large as real ones, so that memory trouble shows
    seconds: Mapping[str, float]  # step -> what it takes beside its transfer, for the time that is left

    def at(self, ref: str) -> WebUI:
        """The same at another commit, for who knows what they do.

        Raises:
            UsageError: `ref-not-a-commit`: only a full commit id pins what is executed.
        """
        if not _COMMIT.fullmatch(ref):
            raise UsageError(
                Text("{ref} is not a full commit ID", ref=ref),
                why=Text("a tag or branch can move, and sdsetup runs only pinned code"),
                hint=Text("Use all 40 digits. To find them: git ls-remote {url} {ref}", url=self.urls[0], ref=ref),
                code="ref-not-a-commit",
            )
        return replace(self, commit=ref, tag=ref)


def parse_webui(raw: Mapping[str, Any], path: str = "webui.toml") -> WebUI:
    """The typed profile.

    Raises:
        ProfileError: naming every problem in the file.
    """
    top = Reader(raw, path)
    webui = top.table("webui")
    read = WebUI(
        tag=webui.ref_name("tag"),
        commit=webui.commit("commit"),
        branch=webui.ref_name("branch"),
        urls=webui.addresses("urls"),
        shallow_bytes=webui.integer("shallow_bytes"),
        full_bytes=webui.integer("full_bytes"),
        disk_bytes=webui.integer("disk_bytes"),
        python=_python(top.table("python")),
        environment=_environment(top.table("environment")),
        repositories=tuple(_repository(reader) for reader in top.tables("repositories")),
        tokenizer=tuple(_file(reader) for reader in top.tables("tokenizer", ())),
        proof=_proof(top.table("proof")),
        proof_on_card=_proof(top.table("proof_on_card")),
        seconds=_seconds(top.table("seconds")),
    )
    _reasoned(webui)
    top.no_other_keys()
    top.finish()
    return read


def _python(reader: Reader) -> PythonSpec:
    wish = PythonSpec(
        wanted=reader.text("wanted"),
        download_bytes=reader.integer("download_bytes"),
        disk_bytes=reader.integer("disk_bytes"),
        mirrors=reader.mirrors(),
    )
    if wish.wanted and not re.fullmatch(r"3\.\d+", wish.wanted):
        reader.problem("wanted", f"{wish.wanted!r} is not of the form 3.10")
    _reasoned(reader)
    return wish


def _environment(reader: Reader) -> EnvironmentSpec:
    wish = EnvironmentSpec(
        requirements=reader.relative_path("requirements"),
        extra=reader.texts("extra", ()),
        overrides=reader.texts("overrides", ()),
        build_constraints=reader.texts("build_constraints", ()),
        constraints=reader.texts("constraints", ()),
        compile_later=reader.relative_paths("compile_later", ()),
        download_bytes=reader.integer("download_bytes"),
        disk_bytes=reader.integer("disk_bytes"),
    )
    _reasoned(reader)
    return wish


def _repository(reader: Reader) -> Repository:
    repository = Repository(
        name=reader.file_name("name"),
        commit=reader.commit("commit"),
        urls=reader.addresses("urls"),
        download_bytes=reader.integer("download_bytes"),
        disk_bytes=reader.integer("disk_bytes"),
    )
    _reasoned(reader)
    return repository


def _file(reader: Reader) -> FetchFile:
    file = FetchFile(
        name=reader.text("name"),
        save_as=reader.relative_path("save_as"),
        size=reader.integer("size"),
        sha256=reader.sha256("sha256"),
        sources=tuple(_source(source) for source in reader.tables("sources")),
    )
    _reasoned(reader)
    return file


def _source(reader: Reader) -> Source:
    source = Source(
        hub=reader.relative_path("hub", None),
        revision=reader.relative_path("revision", None),
        file=reader.relative_path("file", None),
        url=reader.url("url", None),
    )
    if (source.hub is None) == (source.url is None):
        reader.problem("hub", "give either hub with revision and file, or url")
    reader.text("because", None)
    reader.text("source", None)
    reader.no_other_keys()
    return source


def _proof(reader: Reader) -> ProvePicture:
    proof = ProvePicture(
        width=reader.integer("width"),
        height=reader.integer("height"),
        steps=reader.integer("steps"),
        seed=reader.integer("seed"),
    )
    _reasoned(reader)
    return proof


def _seconds(reader: Reader) -> Mapping[str, float]:
    seconds = {name: float(reader.number(name)) for name in _TIMED}
    _reasoned(reader)
    return seconds


def _reasoned(reader: Reader) -> None:
    """Every entry says why it is as it is, and where that is known from."""
    reader.text("because")
    reader.text("source")
    reader.no_other_keys()
