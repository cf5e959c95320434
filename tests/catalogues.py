"""Catalogues made for a test."""

from __future__ import annotations

import io
from collections.abc import Mapping
from gettext import GNUTranslations
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

Messages = Mapping[str | tuple[str, str], str | tuple[str, ...]]


def compiled(language: str, messages: Messages) -> bytes:
    catalog = Catalog(locale=language)
    for english, translated in messages.items():
        catalog.add(english, translated)
    out = io.BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def catalogue(language: str, messages: Messages) -> GNUTranslations:
    return GNUTranslations(io.BytesIO(compiled(language, messages)))


def install(folder: Path, language: str, messages: Messages) -> None:
    """As it lies in the package."""
    place = folder / language / "LC_MESSAGES"
    place.mkdir(parents=True)
    (place / "sdsetup.mo").write_bytes(compiled(language, messages))
