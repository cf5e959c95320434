"""`sdsetup install --kit`: the same story with a kit in place of every address."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sdsetup.command import Command
from sdsetup.decide.kit import missing, python_of
from sdsetup.errors import SdsetupError
from sdsetup.execute.caches import claim
from sdsetup.execute.context import Context
from sdsetup.execute.download import DownloadOptions, fetch
from sdsetup.execute.kit.reading import OpenedKit, find_kit
from sdsetup.execute.kit.repositories import unbundle
from sdsetup.execute.kit.serving import KitServer
from sdsetup.text import Text
from sdsetup.values.kit import Kit, KitFile, Piece
from sdsetup.values.plan import CloneRepository, CloneWebUI, FetchFile, Source
from sdsetup.workflows.carrying_out import Decision
from sdsetup.workflows.session import Session, named_path

if TYPE_CHECKING:  # the library behind it is for those who have a key
    from sdsetup.execute.signing import PublicKey


@dataclass(frozen=True, kw_only=True)
class OpenKit:
    """A kit that an installation is made from."""

    found: OpenedKit
    server: KitServer
    session: Session

    def refuse_missing(self, decision: Decision) -> None:
        """Nothing, or everything the plan needs and the kit does not hold.

        Raises:
            SdsetupError: `kit-incomplete`.
        """
        facts, plan = decision.facts, decision.plan
        python = python_of(plan, facts, self.session.catalog.webui.python.wanted)
        lacking = missing(plan, facts, self.found.kit, python=python)
        if not lacking:
            return
        gpu = decision.tuning.gpu
        words = ["sdsetup", "kit", "make", "FOLDER", "--for", facts.system.family]
        words += ["--gpu", gpu.name] if gpu is not None and gpu.name else ["--gpu", "none"]
        if decision.request.model:
            words += ["--model", decision.request.model]
        raise SdsetupError(
            Text("The kit does not contain everything this PC needs"),
            where=self.found.where,
            why=Text("missing: {what}", what=", ".join(map(str, lacking))),
            hint=Text(
                "Add it on a PC with internet access: {command}",
                command=Command(*words, family=facts.system.family),
            ),
            code="kit-incomplete",
        )

    def bring_repositories(self, decision: Decision) -> None:
        """The repositories of the plan, where git is told to look for them (see `_environment`).

        Raises:
            SdsetupError: from the download or from git.
        """
        folder = Path(decision.request.dir)
        for step in decision.plan.todo:
            if not isinstance(step.action, CloneWebUI | CloneRepository):
                continue
            piece = self.found.kit.find("repository", step.action.commit)
            assert piece is not None, "asked for before"
            target = _repository(self.session, piece)
            if (target / "HEAD").is_file():
                continue
            context = self.session.context(folder)
            bundle = fetch(
                _file(piece.file, f"kit/{piece.file.sha256[:16]}/{piece.file.name}", self.server.url),
                _in_cache(self.session, folder),
                options=DownloadOptions(look_for_copies=False, durable=False),
            ).path
            target.parent.mkdir(parents=True, exist_ok=True)
            unbundle(bundle, piece.id, target, context)
            bundle.unlink()
            bundle.parent.rmdir()


@contextmanager
def with_kit(
    session: Session, where: str, *, pinned: str | None = None, key: PublicKey | None = None
) -> Iterator[OpenKit]:
    """Open a kit (a folder or an address) for an installation. Errors inside the block that a damaged file of the
    kit has caused name that file.

    Raises:
        UsageError, SdsetupError: from `find_kit`; `kit-damaged`.
    """
    place = where if "://" in where else str(named_path(Path(where)))
    found = find_kit(place, session.machine, pinned=pinned, key=key)
    claim(session.cache)
    with KitServer(found.kit, found.identity, found.open_file) as server:
        catalog = session.catalog.with_tables(_tables(session, found.kit, server.url))
        inner = session.with_kit(found.kit, catalog, _environment(session, found.kit, server.url))
        try:
            yield OpenKit(found=found, server=server, session=inner)
        except SdsetupError as error:
            problem = _problem(place, server)
            if problem is None:
                raise
            problem.announced = error.announced
            raise problem from error


def _tables(session: Session, kit: Kit, base: str) -> dict[str, dict[str, Any]]:
    """The profiles with the kit's files as the only sources of what it holds."""
    urls = {piece.file.sha256: f"{base}/{quote(piece.file.path)}" for piece in kit.pieces}
    tables = {name: deepcopy(session.catalog.files.raw(name)) for name in ("webui", "models", "tools", "doctor")}
    for file in (*tables["webui"].get("tokenizer", []), *tables["models"].get("models", {}).values()):
        if (url := urls.get(file.get("sha256", ""))) is not None:
            file["sources"] = [{"url": url}]
    mingit = tables["tools"]["mingit"]
    mingit["url"] = urls.get(mingit["sha256"], mingit["url"])
    tables["doctor"]["python"]["tolerated"] = []  # the kit's packages are for one version
    return tables


def _problem(place: str, server: KitServer) -> SdsetupError | None:
    """What is wrong with the kit itself, if anything is: what its readers say of it is only that a line broke."""
    for file, why in server.damaged.items():
        return SdsetupError(
            Text("A file of the kit is damaged or missing: {file}", file=file),
            where=place,
            why=why,
            hint=Text("Copy this file from the kit again, then run the same command again."),
            code="kit-damaged",
        )
    for file, why in server.broken.items():
        return SdsetupError(
            Text("A file of the kit can't be reached: {file}", file=file),
            where=place,
            why=why,
            hint=Text("Check that PC and the network, then run the same command again. Downloads are kept."),
            code="kit-unreachable",
        )
    return None


def _environment(session: Session, kit: Kit, url: str) -> dict[str, str]:
    """Variables that lead uv and git to the kit, and nowhere else."""
    said = {
        "UV_DEFAULT_INDEX": f"{url}/simple",
        "UV_INDEX": "",
        "UV_INDEX_URL": "",
        "UV_EXTRA_INDEX_URL": "",
        "UV_FIND_LINKS": "",
        "UV_NO_CONFIG": "1",
        "UV_OFFLINE": "0",
        "UV_PYTHON_INSTALL_MIRROR": f"{url}/python",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_NO_INDEX": "",
        "HF_HUB_OFFLINE": "1",
        "NO_PROXY": _plus(session.machine.env.get("NO_PROXY")),
        "no_proxy": _plus(session.machine.env.get("no_proxy")),
    }
    return {**said, **_git_settings(session, kit)}


def _plus(names: str | None) -> str:
    return ",".join(part for part in (names or "", "localhost,127.0.0.1,::1") if part)


def _git_settings(session: Session, kit: Kit) -> dict[str, str]:
    """Git reads the kit's repositories whenever it is asked for their addresses; these stay what `origin` is.

    https://git-scm.com/docs/git-config (url.<base>.insteadOf, GIT_CONFIG_COUNT)
    """
    webui = session.catalog.webui
    addresses: Mapping[str, tuple[str, ...]] = {
        webui.commit: webui.urls,
        **{repository.commit: repository.urls for repository in webui.repositories},
    }
    before = session.machine.env.get("GIT_CONFIG_COUNT", "")
    number = int(before) if before.isdecimal() else 0
    said: dict[str, str] = {}
    for piece in kit.of("repository"):
        target = _repository(session, piece).as_uri()
        for url in addresses.get(piece.id, ()):
            said[f"GIT_CONFIG_KEY_{number}"] = f"url.{target}.insteadOf"
            said[f"GIT_CONFIG_VALUE_{number}"] = url
            number += 1
    return {**said, "GIT_CONFIG_COUNT": str(number)}


def _repository(session: Session, piece: Piece) -> Path:
    return session.cache / "kit" / f"{piece.file.sha256[:16]}.git"


def _in_cache(session: Session, folder: Path) -> Context:
    return replace(session.context(folder), dir=session.cache)


def _file(file: KitFile, save_as: str, base: str) -> FetchFile:
    return FetchFile(
        name=file.name,
        save_as=save_as,
        size=file.size,
        sha256=file.sha256,
        sources=(Source(url=f"{base}/{quote(file.path)}"),),
    )
