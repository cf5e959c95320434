"""`tools.toml`: programs that are brought where the computer has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sdsetup.catalog.reading import Reader
from sdsetup.values.plan import FetchFile, Source


@dataclass(frozen=True, kw_only=True)
class Tools:
    mingit: FetchFile


def parse_tools(raw: Mapping[str, Any], path: str = "tools.toml") -> Tools:
    """The typed profile.

    Raises:
        ProfileError: naming every problem in the file.
    """
    top = Reader(raw, path)
    tools = Tools(mingit=_archive(top.table("mingit")))
    top.no_other_keys()
    top.finish()
    return tools


def _archive(reader: Reader) -> FetchFile:
    name = reader.file_name("name")
    if not name.endswith(".zip"):
        reader.problem("name", f"{name!r} is not the file name of a zip archive")
    archive = FetchFile(
        name=name,
        save_as=f"downloads/{name}",
        size=reader.integer("size"),
        sha256=reader.sha256("sha256"),
        sources=tuple(Source(url=url) for url in (reader.url("url"), *reader.mirrors())),
    )
    reader.text("because")
    reader.text("source")
    reader.no_other_keys()
    return archive
