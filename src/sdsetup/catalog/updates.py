"""Where newer profiles come from, and which edition these are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sdsetup.catalog.reading import Reader


@dataclass(frozen=True, kw_only=True)
class Updates:
    """`edition`: the larger the newer. `urls`: of an archive. `keys`: public keys, one must have signed it."""

    edition: int
    urls: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


def parse_updates(raw: Mapping[str, Any], path: str) -> Updates:
    """Raises:
    ProfileError: naming every problem.
    """
    reader = Reader(raw, path)
    urls, keys = reader.texts("urls"), reader.texts("keys")
    for url in urls:
        reader.judge_address("urls", url)
    if urls and not keys:
        reader.problem("keys", "an address needs at least one key")
    found = Updates(edition=reader.integer("edition"), urls=urls, keys=keys)
    reader.finish()
    return found
