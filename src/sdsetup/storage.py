"""Files we own: profiles in; journal and machine fingerprint in and out, atomically."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdsetup.decide.profiles.reading import ProfileError
from sdsetup.errors import SdsetupError
from sdsetup.text import Text

STATE_FOLDER = ".sdsetup"


def built_in_profiles() -> Path:
    """The profiles folder: inside the installed package, or the checkout's own."""
    inside = Path(__file__).parent / "profiles"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "profiles"


class Profiles:
    """The built-in profiles with the person's folder laid over them, entry by entry."""

    def __init__(self, overlay: Path | None = None) -> None:
        if overlay is not None and not overlay.is_dir():
            raise SdsetupError(
                Text("The profiles folder does not exist"),
                where=overlay,
                code="profiles-missing",
                hint=Text("Give an existing folder to --profiles (or SDSETUP_PROFILES), or leave it out."),
            )
        self.overlay = overlay

    def raw(self, name: str) -> dict[str, Any]:
        """One profile as a plain table: `raw("models")`, `raw("tuning/current")`.

        A profile may be a folder: the tables of its files are then put together, in the order of their names.
        A table of the overlay is merged into the built-in one key by key, two levels deep
        (`[models.NAME]` adds or changes keys of that entry); lists and values replace.

        Raises:
            ProfileError: when a file is not TOML.
        """
        table: dict[str, Any] = {}
        for root in (built_in_profiles(), *([self.overlay] if self.overlay else [])):
            for file in (root / f"{name}.toml", *sorted((root / name).glob("*.toml"))):
                table = _laid_over(table, _read_toml(file), depth=3)
        return table

    def names(self, folder: str) -> tuple[str, ...]:
        """Names of the profiles of a folder ("tuning"), built in and laid over."""
        roots = [built_in_profiles(), *([self.overlay] if self.overlay else [])]
        return tuple(sorted({path.stem for root in roots for path in (root / folder).glob("*.toml")}))


def _read_toml(path: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileError([f"{path}: not valid TOML: {error}"]) from error


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any], depth: int) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        both_tables = isinstance(old, dict) and isinstance(value, dict)
        merged[key] = _laid_over(old, value, depth - 1) if both_tables and depth > 1 else value  # type: ignore[arg-type]
    return merged


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file whole: staged beside it, flushed to the disk, renamed. The folder must exist."""
    # As any new file of the person's, not with the privacy of a temporary one; O_EXCL refuses a planted link.
    staged = path.with_name(f".{path.name}.{os.getpid()}-{time.monotonic_ns() % 10**9}.new")
    handle = os.open(staged, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            staged.chmod(path.stat().st_mode & 0o7777)
        replace(staged, path)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise


def replace(source: Path, target: Path) -> None:
    """Rename over `target`, patient with a virus scanner that holds either file for a moment (Windows)."""
    for pause in (0.05, 0.1, 0.2, 0.4, 0.8, 1.6):
        try:
            source.replace(target)
        except PermissionError:
            if sys.platform != "win32":
                raise
            time.sleep(pause)
        else:
            return
    source.replace(target)


def read_json(path: Path) -> Any | None:
    """A JSON file's content, or None when it is absent or damaged: our state is a memory, not a truth."""
    import json

    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def write_json(path: Path, value: Any) -> None:
    import json

    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n").encode())


def data_folder(env: Mapping[str, str]) -> Path:
    """Where brought tools live (Python, MinGit), in the platform's application folder."""
    if moved := env.get("SDSETUP_DATA_DIR"):
        return Path(moved)
    import platformdirs

    return Path(platformdirs.user_data_path("sdsetup", appauthor=False))


def cache_folder(env: Mapping[str, str]) -> Path:
    """What can be made again at any time: package cache, locks, the rehearsal."""
    if moved := env.get("SDSETUP_CACHE_DIR"):
        return Path(moved)
    import platformdirs

    return Path(platformdirs.user_cache_path("sdsetup", appauthor=False))
