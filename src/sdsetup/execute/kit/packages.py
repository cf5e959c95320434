"""Python packages in a kit: the files that a lock needs on another system, each with what an index tells of it."""

from __future__ import annotations

import email.parser
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.pylock import Package, PackageArchive, PackageSdist, PackageWheel, Pylock
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import parse_wheel_filename

from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.download import DownloadOptions, fetch
from sdsetup.execute.environment.meter import Meter
from sdsetup.execute.environment.wheels import size_at
from sdsetup.execute.kit.store import KitStore
from sdsetup.text import Text
from sdsetup.values.events import silent
from sdsetup.values.kit import Kit, KitFile, Piece
from sdsetup.values.plan import FetchFile, Source

_AT_ONCE = 4  # downloads: most of some 130 files are small, and each costs an answer's time
_GLIBC = 28  # manylinux_2_28: Debian 11, Ubuntu 20.04, RHEL 8 and everything newer
_UV_PLATFORM = {
    "windows": "x86_64-pc-windows-msvc",
    "linux": f"x86_64-manylinux_2_{_GLIBC}",
    "wsl": f"x86_64-manylinux_2_{_GLIBC}",
    "macos": "aarch64-apple-darwin",
}


def target_options(system: str, python: str) -> tuple[str, ...]:
    """uv's options to choose packages for this system and Python, wherever it runs."""
    return ("--python-platform", _UV_PLATFORM[system], "--python-version", python)


def tags_of(system: str, python: str) -> tuple[Tag, ...]:
    """The wheel tags that a Python of this version takes there, best first."""
    if system == "windows":
        platforms = ["win_amd64"]
    elif system == "macos":
        platforms = list(mac_platforms((14, 0), "arm64"))
    else:
        platforms = [f"manylinux_2_{minor}_x86_64" for minor in range(_GLIBC, 16, -1)]
        platforms += [
            "manylinux2014_x86_64",
            *(f"manylinux_2_{minor}_x86_64" for minor in range(16, 11, -1)),
            "manylinux2010_x86_64",
            *(f"manylinux_2_{minor}_x86_64" for minor in range(11, 4, -1)),
            "manylinux1_x86_64",
            "linux_x86_64",
        ]
    major, minor = map(int, python.split("."))
    version = (major, minor)
    own = cpython_tags(python_version=version, platforms=platforms)
    return (*own, *compatible_tags(python_version=version, interpreter=f"cp{major}{minor}", platforms=platforms))


@dataclass(frozen=True, kw_only=True)
class WantedFile:
    """One file to download. `size` None: the index does not tell it."""

    project: str
    filename: str
    url: str
    sha256: str
    size: int | None


def wanted_files(lock: Pylock, tags: Sequence[Tag]) -> tuple[WantedFile, ...]:
    """The one file of each package: the best wheel for these tags, else its source archive.

    Raises:
        SdsetupError: `kit-no-package`.
    """
    ranks = {tag: rank for rank, tag in reversed(list(enumerate(tags)))}
    return tuple(_wanted(package, ranks) for package in lock.packages)


def sources_among(files: Sequence[WantedFile]) -> bool:
    """Whether one of these is to be built where it is installed."""
    return any(not file.filename.endswith(".whl") for file in files)


def _wanted(package: Package, ranks: dict[Tag, int]) -> WantedFile:
    fitting: list[tuple[int, PackageWheel]] = []
    for wheel in package.wheels or ():
        best = [ranks[tag] for tag in parse_wheel_filename(wheel.filename)[3] if tag in ranks]
        if best:
            fitting.append((min(best), wheel))
    chosen: PackageWheel | PackageSdist | PackageArchive | None = package.sdist or package.archive
    if fitting:
        chosen = min(fitting, key=lambda ranked: ranked[0])[1]
    sha256 = None if chosen is None else chosen.hashes.get("sha256")
    if chosen is None or chosen.url is None or sha256 is None:
        raise SdsetupError(
            Text("The package {name} can't be added to a kit", name=package.name),
            why=Text("its package index has no file for this system, or lists no SHA-256"),
            hint=Text("Choose another graphics card or system for the kit."),
            code="kit-no-package",
        )
    name = unquote(urlsplit(chosen.url).path.rsplit("/", 1)[-1])
    return WantedFile(project=package.name, filename=name, url=chosen.url, sha256=sha256, size=chosen.size)


def bring(
    files: Sequence[WantedFile], known: Kit, store: KitStore, context: Context, *, kind: str
) -> tuple[Piece, ...]:
    """Every file in the kit, checked; those that are there already cost nothing.

    `kind`: "package" for the web UI's environment, "program" for what sdsetup itself needs.

    Raises:
        SdsetupError: from a download; what has arrived is kept.
    """
    there = {piece.file.sha256: piece for piece in known.pieces if all(map(store.has, piece.files))}
    missing = [file for file in files if file.sha256 not in there]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        sized = list(pool.map(lambda file: _sized(file, context), missing))
        meter = Meter(context, {file.filename: file.size or 0 for file in sized})
        waiting = [pool.submit(_brought, file, store, context, meter) for file in sized]
        try:
            for one in waiting:
                one.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return tuple(_piece(file, there.get(file.sha256), store, kind) for file in (*_kept(files, there), *sized))


def _kept(files: Sequence[WantedFile], there: dict[str, Piece]) -> list[WantedFile]:
    return [file for file in files if file.sha256 in there]


def _sized(file: WantedFile, context: Context) -> WantedFile:
    if file.size is not None:
        return file
    size = size_at(file.url, context)
    if size is None:
        raise SdsetupError(
            Text("The size of {name} is unknown", name=file.filename),
            where=file.url.partition("?")[0],
            hint=Text("Check your internet connection, then run the same command again."),
            code="kit-no-size",
        )
    return replace(file, size=size)


def _brought(file: WantedFile, store: KitStore, context: Context, meter: Meter) -> None:
    assert file.size is not None
    action = FetchFile(
        name=file.filename,
        save_as=f"objects/{file.sha256}/{file.filename}",
        size=file.size,
        sha256=file.sha256,
        sources=(Source(url=file.url),),
    )
    quiet = replace(context, dir=store.folder, listen=silent)
    fetch(action, quiet, options=DownloadOptions(look_for_copies=False))
    meter.finish(file.filename)


def _piece(file: WantedFile, known: Piece | None, store: KitStore, kind: str) -> Piece:
    if known is not None:
        return replace(known, kind=kind)  # type: ignore[arg-type]
    assert file.size is not None
    there = KitFile(name=file.filename, size=file.size, sha256=file.sha256)
    metadata, requires_python = None, None
    if file.filename.endswith(".whl"):
        content = _metadata(store.folder / there.path)
        aside = store.work / f"{file.sha256}.metadata"
        aside.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(content)
        metadata = store.take(aside, f"{file.filename}.metadata")
        requires_python = email.parser.BytesHeaderParser().parsebytes(content).get("Requires-Python")
    return Piece(
        kind=kind,  # type: ignore[arg-type]
        id=file.project,
        file=there,
        metadata=metadata,
        requires_python=requires_python,
    )


def _metadata(wheel: Path) -> bytes:
    """The METADATA of a wheel, which an index offers by itself so that nobody has to fetch 2 GB to read it."""
    with zipfile.ZipFile(wheel) as packed:
        for name in packed.namelist():
            if name.count("/") == 1 and name.endswith(".dist-info/METADATA"):
                return packed.read(name)
    raise SdsetupError(
        Text("The package file {name} is not a wheel", name=wheel.name),
        where=wheel,
        hint=Text("Create a support report: sdsetup report"),
        code="kit-no-package",
    )
