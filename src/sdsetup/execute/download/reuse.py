"""The file you already have: found by size, proved by hash, linked or copied instead of downloaded."""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from sdsetup.execute.context import Context
from sdsetup.execute.download.hashing import sha256_of
from sdsetup.execute.download.part import flush_folder, make_way
from sdsetup.execute.download.sources import hub_home, model_profile
from sdsetup.execute.folders import same_drive
from sdsetup.storage import replace
from sdsetup.text import Text
from sdsetup.values.plan import FetchFile

_log = logging.getLogger("sdsetup.download")

_SECONDS = 5.0  # for the whole search
_DEPTH = 3  # folders below a models folder
_CANDIDATES = 3  # files of the right size that are worth hashing: fine-tunes often have the very same size
_READ = 1024 * 1024


def proven_copy(file: FetchFile, target: Path, context: Context) -> Path | None:
    """A file elsewhere on this computer with the pinned size and hash, None when there is none."""
    for found in find_copies(file, target, context)[:_CANDIDATES]:
        context.note(Text("Found a file of the right size, checking it: {path}", path=found))
        try:
            if sha256_of(found, context) == file.sha256:
                return found
        except OSError as error:
            _log.info("cannot read %s: %s", found, error)
    return None


def place_copy(source: Path, target: Path, *, sha256: str, context: Context, link: bool = True) -> bool:
    """A hard link where the drive allows one, else a copy that is hashed on its way. The target is replaced
    whole (what stood there is kept under another name). False when the copy has another hash.

    Raises:
        OSError: reading or writing failed; nothing is left behind.
    """
    staged = target.with_name(f".{target.name}.copying")
    staged.unlink(missing_ok=True)
    try:
        if not (link and _linked(source, staged)) and _copied(source, staged, context) != sha256:
            return False
        moved = make_way(target)
        if moved is not None:
            context.tell(Text("The previous file with that name is kept as {name}.", name=moved.name))
        replace(staged, target)
        flush_folder(target.parent)
    finally:
        staged.unlink(missing_ok=True)
    return True


def find_copies(file: FetchFile, target: Path, context: Context) -> list[Path]:
    """Files that may be it, likeliest first: by the hub's own name, then by name, then by size alone."""
    until = time.monotonic() + _SECONDS
    by_name: list[Path] = []
    by_size: list[Path] = []
    names = {Path(source.file).name for source in file.sources if source.file} | {target.name}
    seen: set[tuple[int, int]] = set()
    for path in _files(file, context):
        if time.monotonic() > until:
            _log.info("stopped looking for copies after %.0f s", _SECONDS)
            break
        try:
            status = path.stat()  # follows the hub cache's links
        except OSError:
            continue
        if status.st_size != file.size or (status.st_dev, status.st_ino) in seen or _is_target(path, target):
            continue
        if status.st_ino:
            seen.add((status.st_dev, status.st_ino))
        (by_name if path.name in names or path.name == file.sha256 else by_size).append(path.resolve())
    return sorted(by_name + by_size, key=lambda path: not same_drive(path, target.parent))


def copies_by_size(files: Iterable[FetchFile], context: Context) -> dict[str, Path]:
    """Name of a file -> where one of the same size lies on this computer; `proven_copy` says whether it is it."""
    wanted = {file.size: file for file in files}
    found: dict[str, Path] = {}
    until = time.monotonic() + _SECONDS
    for path in _places(context):
        if time.monotonic() > until or len(found) == len(wanted):
            break
        try:
            file = wanted.get(path.stat().st_size)
        except OSError:
            continue
        if file is not None and not _is_target(path, context.dir / file.save_as):
            found.setdefault(file.name, path)
    return found


def _files(file: FetchFile, context: Context) -> Iterator[Path]:
    yield from context.machine.glob(_hub_cache(context), f"models--*/blobs/{file.sha256}")
    yield from _places(context)


def _hub_cache(context: Context) -> Path:
    env, home = context.machine.env, context.machine.home
    return Path(env.get("HF_HUB_CACHE") or env.get("HUGGINGFACE_HUB_CACHE") or hub_home(env, home) / "hub")


def _places(context: Context) -> Iterator[Path]:
    """Every file at a place where models lie."""
    yield from context.machine.glob(_hub_cache(context), "models--*/snapshots/*/*")
    for folder in model_folders(context):
        yield from _below(folder, _DEPTH)
    yield from _below(context.machine.home / "Downloads", 0)


def model_folders(context: Context) -> tuple[Path, ...]:
    """Folders in which the programs of the profile keep models on this computer."""
    found: dict[Path, None] = {}
    places = model_profile(context).places
    for root in _roots(context):
        for place in places:
            for pattern in place.folders:
                for folder in context.machine.glob(root, pattern):
                    found.setdefault(folder)
    return tuple(found)


def _roots(context: Context) -> Iterable[Path]:
    """Where people put such programs: beside this installation, in their own folders, on top of a drive."""
    env, home = context.machine.env, context.machine.home
    roots = [context.dir, context.dir.parent, home, home / "Documents", home / "Desktop", home / "AI"]
    roots += [Path(env[name]) for name in ("APPDATA", "LOCALAPPDATA", "INVOKEAI_ROOT") if env.get(name)]
    roots += _drives()
    unique: dict[Path, None] = {}
    for root in roots:
        unique.setdefault(root)
    return unique


def _drives() -> list[Path]:
    """Windows: the tops of fixed drives. A dead network drive would hold the search up for a minute."""
    if sys.platform != "win32":
        return []
    import ctypes

    fixed = 3
    kernel = ctypes.windll.kernel32
    letters = (chr(ord("A") + n) for n in range(26) if kernel.GetLogicalDrives() >> n & 1)
    return [Path(f"{letter}:\\") for letter in letters if kernel.GetDriveTypeW(f"{letter}:\\") == fixed]


def _below(folder: Path, depth: int) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                if depth:
                    yield from _below(Path(entry.path), depth - 1)
            elif entry.is_file():
                yield Path(entry.path)
        except OSError:
            continue


def _is_target(path: Path, target: Path) -> bool:
    try:
        return os.path.lexists(target) and path.samefile(target)
    except OSError:
        return False


def _linked(source: Path, staged: Path) -> bool:
    try:
        os.link(source, staged)
    except OSError as error:  # another drive, FAT, a right that is missing: a copy does it
        _log.info("no hard link to %s: %s", source, error)
        return False
    return True


def _copied(source: Path, staged: Path, context: Context) -> str:
    sha, buffer, done = hashlib.sha256(), memoryview(bytearray(_READ)), 0
    total = source.stat().st_size
    with source.open("rb", buffering=0) as reader, staged.open("xb", buffering=0) as writer:
        while count := reader.readinto(buffer):
            sha.update(buffer[:count])
            written = 0
            while written < count:
                written += writer.write(buffer[written:count]) or 0
            done += count
            if done % (32 * _READ) < count:
                context.progress(done, total, source=str(Text("copying")))
        os.fsync(writer.fileno())
    return sha.hexdigest()
