"""`sdsetup report --sbom`: what an installation is made of. Files are read; nothing of the folder is run."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sdsetup import __version__
from sdsetup.decide.bill_of_materials import Checkout, KnownModel, Package, bill
from sdsetup.errors import SdsetupError
from sdsetup.execute.download.hashing import sha256_of
from sdsetup.machine.launch_files import environment_in_use
from sdsetup.probe.repository import read_repository
from sdsetup.text import Text
from sdsetup.workflows.session import Session

_LONGEST_LICENCE = 100  # letters; some packages have the whole text of theirs in that field


def bill_of(session: Session, given: Path | None) -> dict[str, Any]:
    """The CycloneDX document of the installation in a folder.

    Raises:
        SdsetupError: `no-installation`: no web UI lies there.
    """
    folder = session.folder(given)
    webui = session.catalog.webui
    commit = _commit(session, folder)
    if commit is None:
        raise SdsetupError(
            Text("No web UI found"),
            where=folder,
            hint=Text("Pass its folder with --dir."),
            code="no-installation",
        )
    return bill(
        Checkout(name="stable-diffusion-webui", commit=commit, url=webui.urls[0]),
        _repositories(session, folder),
        packages(environment_in_use(session.machine, folder)),
        _models(session, folder),
        made_by=__version__,
    )


def _commit(session: Session, folder: Path) -> str | None:
    repository = read_repository(session.machine, folder)
    return None if repository is None else repository.commit


def packages(environment: Path) -> Iterator[Package]:
    """The packages of an environment, from their own metadata; none where there is no environment."""
    found = {}
    sites = (environment / "Lib" / "site-packages", *environment.glob("lib/python3.*/site-packages"))
    for site in sites:
        for one in importlib.metadata.distributions(path=[str(site)]) if site.is_dir() else ():
            name, version = one.metadata["Name"], one.metadata["Version"]
            if name and version:
                found[name.lower()] = Package(name=name, version=version, licence=_licence(one))
    yield from found.values()


def _licence(package: importlib.metadata.Distribution) -> str | None:
    fields = package.metadata
    said = next((fields[name] for name in ("License-Expression", "License") if name in fields), "")
    return said if said and "\n" not in said and len(said) <= _LONGEST_LICENCE else None


def _repositories(session: Session, folder: Path) -> Iterator[Checkout]:
    for repository in session.catalog.webui.repositories:
        commit = _commit(session, folder / "repositories" / repository.name)
        if commit is not None:
            yield Checkout(name=repository.name, commit=commit, url=repository.urls[0])


def _models(session: Session, folder: Path) -> Iterator[KnownModel]:
    """Files that are, byte for byte, a model of the profile. Any other is a user's own affair, and not named."""
    known = {model.sha256: model for model in session.catalog.models.models.values()}
    sizes = {model.size for model in known.values()}
    context = session.context(folder)
    for path in sorted((folder / "models" / "Stable-diffusion").rglob("*.safetensors")):
        try:
            if path.stat().st_size not in sizes:
                continue
            model = known.get(sha256_of(path, context))
        except OSError:
            continue
        if model is not None:
            yield KnownModel(name=str(model.title), file=model.file, sha256=model.sha256, licence=model.licence)
