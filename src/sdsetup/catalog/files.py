"""The profile files: the built-in ones, and the user's own laid over them."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import tomli

from sdsetup.catalog.reading import ProfileError
from sdsetup.errors import SdsetupError
from sdsetup.text import Text

LONGEST_PROFILE = 512 * 2**10  # bytes; the largest of ours has 51 KB
_MEANT = (".toml", ".toml.txt", ".tml")  # Windows hides endings, so an editor's own stays unseen
UPDATES = "updates"
_TUNING = "tuning"  # a folder of profiles, one of which is chosen by its name
_LONGEST_LINE = 2000  # characters; the longest of ours has some 500


def built_in_profiles() -> Path:
    """The profiles folder: inside the installed package, or the checkout's own."""
    package = Path(__file__).parents[1]
    inside = package / "profiles"
    return inside if inside.is_dir() else package.parents[1] / "profiles"


class Profiles:
    """The built-in profiles with the user's folder laid over them, entry by entry."""

    def __init__(self, overlay: Path | None = None, *, newer: Path | None = None) -> None:
        """`overlay`: the user's folder; `newer`: profiles that were fetched, in place of the built-in ones.

        Raises:
            SdsetupError: `profiles-missing`.
            ProfileError: when a file there has the name of no profile, and would be without effect.
        """
        if overlay is not None and not overlay.is_dir():
            raise SdsetupError(
                Text("The profiles folder does not exist"),
                where=overlay,
                code="profiles-missing",
                hint=Text("Set --profiles (or SDSETUP_PROFILES) to an existing folder, or leave it out."),
            )
        if overlay is not None and (problems := _misnamed(overlay)):
            raise ProfileError(problems)
        self.overlay = overlay
        self.newer = newer
        self._read: dict[str, dict[str, Any]] = {}

    def raw(self, name: str) -> dict[str, Any]:
        """One profile as a plain table: `raw("models")`, `raw("tuning/current")`. It is read once and kept: who
        wants to change something changes a copy.

        A profile may be a folder: the tables of its files are then put together, in the order of their names.
        A table of the overlay is merged into the built-in one key by key, two levels deep
        (`[models.NAME]` adds or changes keys of that entry); lists and values replace.

        Raises:
            ProfileError: when a file is not TOML.
        """
        if name not in self._read:
            table: dict[str, Any] = {}
            for root in self._roots(name):
                for file in (root / f"{name}.toml", *sorted((root / name).glob("*.toml"))):
                    table = _laid_over(table, _read_toml(file), depth=3)
            self._read[name] = table
        return self._read[name]

    def with_tables(self, tables: Mapping[str, dict[str, Any]]) -> Profiles:
        """The same profiles with these tables in place of their own."""
        changed = copy(self)
        changed._read = {**self._read, **tables}
        return changed

    def names(self, folder: str) -> tuple[str, ...]:
        """Names of the profiles of a folder ("tuning"), built in and laid over."""
        roots = self._roots(folder)
        return tuple(sorted({path.stem for root in roots for path in (root / folder).glob("*.toml")}))

    def _roots(self, name: str) -> list[Path]:
        # What was fetched must not say where the next is fetched from, nor whose signature counts.
        base = built_in_profiles() if self.newer is None or name == UPDATES else self.newer
        return [base, *([self.overlay] if self.overlay else [])]


def _misnamed(overlay: Path) -> list[str]:
    """One line for each file that is meant as a profile and is none. Other files (a README) may lie there."""
    built_in = [path.relative_to(built_in_profiles()) for path in built_in_profiles().rglob("*.toml")]
    folders = {name.parts[0].removesuffix(".toml") for name in built_in}  # a profile is a file, a folder, or both
    profiles = folders - {_TUNING}
    known = [*sorted(f"{name}.toml" for name in profiles), f"{_TUNING}/current.toml"]
    problems = []
    for path in sorted((*overlay.glob("*"), *overlay.glob("*/*"))):
        name = path.relative_to(overlay)
        right = name.parent.as_posix() in folders if len(name.parts) > 1 else name.stem in profiles
        if not path.name.lower().endswith(_MEANT) or (right and name.suffix == ".toml"):
            continue
        near = get_close_matches(name.as_posix().lower(), known, n=1)
        guess = f'; did you mean "{near[0]}"?' if near else f". The profiles are {', '.join(known)}"
        problems.append(f"{path}: no profile has this name{guess}")
    return problems


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_PROFILE + 1)
        text = content.decode("utf-8-sig")
        if (wrong := _unreasonable(text)) is not None:
            raise ProfileError([f"{path}: {wrong}"])
        return tomli.loads(text)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ProfileError([f"{path}: cannot be read: {error.strerror or error}"]) from error
    except (ValueError, RecursionError) as error:  # tomli's own error and the decoder's are ValueErrors
        raise ProfileError([f"{path}: not valid TOML: {str(error)[:200]}"]) from error


def _unreasonable(text: str) -> str | None:
    """What no profile needs: the TOML reader takes minutes for a key of 50,000 parts (its time grows squared)."""
    if len(text) > LONGEST_PROFILE:
        return f"longer than {LONGEST_PROFILE // 1024} KB"
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > _LONGEST_LINE:
            return f"line {number} is longer than {_LONGEST_LINE} characters"
    return None


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any], depth: int) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        both_tables = isinstance(old, dict) and isinstance(value, dict)
        merged[key] = _laid_over(old, value, depth - 1) if both_tables and depth > 1 else value  # type: ignore[arg-type]
    return merged
