"""Files we own: profiles in; journal and machine fingerprint in and out, atomically."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdsetup.decide.profiles.reading import ProfileError
from sdsetup.decide.shape import OwnFile, misfit
from sdsetup.errors import SdsetupError
from sdsetup.text import Text

STATE_FOLDER = ".sdsetup"
LONGEST_PROFILE = 512 * 2**10  # bytes; the largest of ours has 51 KB
_LONGEST_LINE = 2000  # letters; the longest of ours has some 500
LONGEST_OWN = 16 * 2**20  # bytes; the largest, a journal of every step, has some 10 KB


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

        A table of the overlay is merged into the built-in one key by key, two levels deep
        (`[models.NAME]` adds or changes keys of that entry); lists and values replace.

        Raises:
            ProfileError: when a file is not TOML.
        """
        table = _read_toml(built_in_profiles() / f"{name}.toml")
        if self.overlay is not None and (self.overlay / f"{name}.toml").is_file():
            table = _laid_over(table, _read_toml(self.overlay / f"{name}.toml"), depth=3)
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
        with path.open("rb") as file:
            content = file.read(LONGEST_PROFILE + 1)
        text = content.decode("utf-8-sig")
        if (wrong := _unreasonable(text)) is not None:
            raise ProfileError([f"{path}: {wrong}"])
        return tomllib.loads(text)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ProfileError([f"{path}: cannot be read: {error.strerror or error}"]) from error
    except (ValueError, RecursionError) as error:  # tomllib's own error and the decoder's are ValueErrors
        raise ProfileError([f"{path}: not valid TOML: {str(error)[:200]}"]) from error


def _unreasonable(text: str) -> str | None:
    """What no profile needs: the TOML reader takes minutes for a key of 50,000 parts (its time grows squared)."""
    if len(text) > LONGEST_PROFILE:
        return f"longer than {LONGEST_PROFILE // 1024} KB"
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > _LONGEST_LINE:
            return f"line {number} is longer than {_LONGEST_LINE} letters"
    return None


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
    try:
        handle = os.open(staged, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o666)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            staged.chmod(path.stat().st_mode & 0o7777)
        replace(staged, path)
    except BaseException as error:
        with contextlib.suppress(OSError):  # the first error is the one to tell
            staged.unlink(missing_ok=True)
        if isinstance(error, OSError):
            # Told is the file that a person knows: not the staged one, and not none at all (write, fsync).
            error.filename, error.filename2 = str(path), None
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


@dataclass(frozen=True, kw_only=True)
class Read:
    """What a file of ours holds. None without `damage`: there is no such file.

    `error`: the system would not let us read it now, which says nothing about what it holds.
    """

    value: Any | None = None
    damage: Text | None = None
    error: OSError | None = None


def read_own(path: Path, kind: OwnFile) -> Read:
    """A file of ours as it was written, or why it is not one. The only reader of such files; it never raises."""
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_OWN + 1)
    except FileNotFoundError:
        return Read()
    except OSError as error:
        if path.is_dir():
            return Read(damage=Text("it is a folder"))
        return Read(damage=Text("it cannot be read ({why})", why=error.strerror or str(error)), error=error)
    return parse_own(content, kind)


def parse_own(content: bytes, kind: OwnFile) -> Read:
    """The same for bytes that have been read already."""
    if not content.strip(b"\0 \r\n"):
        return Read(damage=Text("it is empty"))
    if len(content) > LONGEST_OWN:
        return Read(damage=Text("it is larger than anything that belongs there"))
    try:
        value = json.loads(content.decode("utf-8"))
    except UnicodeDecodeError:
        return Read(damage=Text("it is not UTF-8 text"))
    except (ValueError, RecursionError):
        return Read(damage=Text("it is cut off or no JSON"))
    schema = value.get("schema") if isinstance(value, dict) else None
    if kind.schema is not None and schema != kind.schema:
        newer = isinstance(schema, str) and schema.startswith(kind.schema.rpartition("/")[0] + "/")
        return Read(
            damage=Text("another version of sdsetup wrote it") if newer else Text("it holds something else")
        )
    if wrong := misfit(value, kind.shape):
        return Read(damage=Text("its values are not what belongs there ({wrong})", wrong=wrong[:200]))
    return Read(value=value)


def set_aside_damaged(path: Path) -> Path:
    """Rename a damaged file of ours, or the folder that it makes useless, to NAME.damaged, NAME.damaged-2...

    Returns:
        Where it is now.
    """
    aside = path.with_name(f"{path.name}.damaged")
    count = 1
    while os.path.lexists(aside):
        count += 1
        aside = path.with_name(f"{path.name}.damaged-{count}")
    replace(path, aside)
    return aside


def read_json(path: Path) -> Any | None:
    """A JSON file of somebody else's (the web UI's settings); None when it is absent or cannot be read as that."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    # Half of a letter (a file name that is no UTF-8) becomes \udcXX, which is how JSON itself writes it.
    write_atomically(path, text.encode("utf-8", "backslashreplace"))


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
