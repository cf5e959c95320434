"""What an installation is made of, as a CycloneDX document (https://cyclonedx.org/docs/1.6/json/).

The document is small and its form is fixed, so it is written out here; the tests hold it against the published
schema. Where it is from is told by package URLs (https://github.com/package-url/purl-spec).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from packaging.utils import canonicalize_name

_OURS = uuid.UUID("5ad1f2b4-3c37-5b5e-9d0c-6f2c6b1f6d0e")  # the name space of our serial numbers


@dataclass(frozen=True, kw_only=True)
class Package:
    """A Python package of the environment. `license`: as its own metadata words it."""

    name: str
    version: str
    licence: str | None = None


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A Git repository. `url`: its first address in the profile; `commit`: what is checked out."""

    name: str
    commit: str
    url: str | None


@dataclass(frozen=True, kw_only=True)
class KnownModel:
    """A model file whose SHA-256 is one of the profile's."""

    name: str
    file: str
    sha256: str
    licence: str | None


def bill(
    webui: Checkout | None,
    repositories: Iterable[Checkout],
    packages: Iterable[Package],
    models: Iterable[KnownModel],
    *,
    made_by: str,
) -> dict[str, Any]:
    """The document. The same installation gives the same: there is no date, and the serial number is a hash of it.

    Args:
        made_by: our own version.
    """
    components = [
        *(_package(package) for package in packages),
        *(_checkout(repository) for repository in repositories),
        *(_model(model) for model in models),
    ]
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "sdsetup", "version": made_by}]},
            **({"component": _checkout(webui) | {"type": "application"}} if webui else {}),
        },
        "components": sorted(components, key=lambda component: component["bom-ref"]),
    }
    serial = uuid.uuid5(_OURS, json.dumps(document, sort_keys=True))
    return {**document, "serialNumber": f"urn:uuid:{serial}"}


def _package(package: Package) -> dict[str, Any]:
    purl = f"pkg:pypi/{canonicalize_name(package.name)}@{quote(package.version, safe='')}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": package.name,
        "version": package.version,
        "purl": purl,
        **_licences(package.licence),
    }


def _checkout(checkout: Checkout) -> dict[str, Any]:
    where: dict[str, Any] = {}
    reference = f"git:{checkout.name}@{checkout.commit}"
    if checkout.url is not None:
        where = {"externalReferences": [{"type": "vcs", "url": checkout.url}]}
        address = urlsplit(checkout.url)
        if address.hostname == "github.com":
            path = address.path.strip("/").removesuffix(".git").lower()
            reference = f"pkg:github/{path}@{checkout.commit}"
            where["purl"] = reference
    return {"type": "library", "bom-ref": reference, "name": checkout.name, "version": checkout.commit, **where}


def _model(model: KnownModel) -> dict[str, Any]:
    return {
        "type": "machine-learning-model",
        "bom-ref": f"sha256:{model.sha256}",
        "name": model.name,
        "description": model.file,
        "hashes": [{"alg": "SHA-256", "content": model.sha256}],
        **_licences(model.licence),
    }


def _licences(licence: str | None) -> dict[str, Any]:
    return {"licenses": [{"license": {"name": licence}}]} if licence else {}
