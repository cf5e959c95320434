"""A kit: everything that installations need, in one folder, named by its content.

`kit.json` (the manifest) lists every file with its size and SHA-256. A file lies at `objects/SHA256/NAME`, so the
same content is stored once whatever needs it, and a kit for a second card gains only what differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from sdsetup.text import Text
from sdsetup.values.shape import OwnFile

MANIFEST = "kit.json"
SIGNATURE = "kit.json.sig"  # of the manifest
MAKING = "kit-in-progress.json"  # what a run that was cut off had finished

Kind = Literal["repository", "package", "model", "tokenizer", "python", "git", "program"]
KINDS: tuple[Kind, ...] = ("repository", "package", "model", "tokenizer", "python", "git", "program")

_FILE = {"name": str, "size": int, "sha256": str}
SHAPE = OwnFile(
    schema="sdsetup.kit/1",
    shape={
        "pieces": [
            {
                "kind": str,
                "id": str,
                "file": _FILE,
                "metadata": (_FILE, None),
                "requires_python": (str, None),
            }
        ],
        "environments": [
            {"system": str, "build": str, "torch": str, "python": str, "packages": [str], "index": (str, None)}
        ],
    },
)


@dataclass(frozen=True, kw_only=True)
class KitFile:
    """One file of a kit. `size` in bytes."""

    name: str
    size: int
    sha256: str

    @property
    def path(self) -> str:
        """Where it lies in the kit, forward slashes."""
        return f"objects/{self.sha256}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One thing an installation needs.

    `id` says what it is: a repository's commit, a model's SHA-256, a package's normalized name, a Python's
    `20261009/cpython-3.10.22-...tar.gz`. `metadata`: what a package index tells of a wheel beside it.
    """

    kind: Kind
    id: str
    file: KitFile
    metadata: KitFile | None = None
    requires_python: str | None = None

    @property
    def files(self) -> tuple[KitFile, ...]:
        return (self.file,) if self.metadata is None else (self.file, self.metadata)


@dataclass(frozen=True, kw_only=True)
class KitEnvironment:
    """A complete set of packages: for one system, one torch build, one minor version of Python.

    `packages` are SHA-256 of pieces. `index`: the address torch came from, None for the ordinary index.
    """

    system: str
    build: str
    torch: str
    python: str
    packages: tuple[str, ...]
    index: str | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.system, self.build, self.python)


@dataclass(frozen=True, kw_only=True)
class Kit:
    """The content of a manifest."""

    pieces: tuple[Piece, ...] = ()
    environments: tuple[KitEnvironment, ...] = ()

    def of(self, kind: Kind) -> tuple[Piece, ...]:
        return tuple(piece for piece in self.pieces if piece.kind == kind)

    def find(self, kind: Kind, id: str) -> Piece | None:
        return next((piece for piece in self.pieces if piece.kind == kind and piece.id == id), None)

    def environment(self, system: str, build: str, python: str) -> KitEnvironment | None:
        return next((one for one in self.environments if one.key == (system, build, python)), None)

    @property
    def files(self) -> Mapping[str, KitFile]:
        """Path in the kit -> file; every file once."""
        return {file.path: file for piece in self.pieces for file in piece.files}

    def tidy(self) -> Kit:
        """Without packages that no environment needs any more."""
        needed = {sha256 for one in self.environments for sha256 in one.packages}
        kept = (piece for piece in self.pieces if piece.kind != "package" or piece.file.sha256 in needed)
        return replace(self, pieces=tuple(kept))

    def without(self, kind: Kind, id: str) -> Kit:
        return replace(self, pieces=tuple(one for one in self.pieces if (one.kind, one.id) != (kind, id)))

    def plus(self, pieces: Iterable[Piece] = (), environments: Iterable[KitEnvironment] = ()) -> Kit:
        """With more in it. What is one thing (a commit, a Python, an environment) takes the place of an earlier
        copy; of a package there may be several versions."""
        known = {_place(piece): piece for piece in (*self.pieces, *pieces)}
        sets = {one.key: one for one in (*self.environments, *environments)}
        return Kit(pieces=tuple(known.values()), environments=tuple(sets.values()))


def _place(piece: Piece) -> tuple[str, ...]:
    several = piece.kind in ("package", "program")
    return (piece.kind, piece.id, piece.file.sha256) if several else (piece.kind, piece.id)


def kit_to_json(kit: Kit) -> dict[str, Any]:
    """The manifest; the same for the same content, whatever it was made in what order."""
    return {
        "schema": SHAPE.schema,
        "pieces": sorted(
            (
                {
                    "kind": piece.kind,
                    "id": piece.id,
                    "file": _file_json(piece.file),
                    "metadata": None if piece.metadata is None else _file_json(piece.metadata),
                    "requires_python": piece.requires_python,
                }
                for piece in kit.pieces
            ),
            key=lambda said: (said["kind"], said["id"], said["file"]["sha256"]),
        ),
        "environments": sorted(
            (
                {
                    "system": one.system,
                    "build": one.build,
                    "torch": one.torch,
                    "python": one.python,
                    "packages": sorted(one.packages),
                    "index": one.index,
                }
                for one in kit.environments
            ),
            key=lambda said: (said["system"], said["build"], said["python"]),
        ),
    }


def kit_from_json(said: Mapping[str, Any]) -> Kit:
    """The content of a manifest that has the declared shape."""
    return Kit(
        pieces=tuple(
            Piece(
                kind=piece["kind"],
                id=piece["id"],
                file=KitFile(**{key: piece["file"][key] for key in _FILE}),
                metadata=None
                if piece["metadata"] is None
                else KitFile(**{key: piece["metadata"][key] for key in _FILE}),
                requires_python=piece["requires_python"],
            )
            for piece in said["pieces"]
        ),
        environments=tuple(
            KitEnvironment(
                system=one["system"],
                build=one["build"],
                torch=one["torch"],
                python=one["python"],
                packages=tuple(one["packages"]),
                index=one["index"],
            )
            for one in said["environments"]
        ),
    )


def _file_json(file: KitFile) -> dict[str, Any]:
    return {"name": file.name, "size": file.size, "sha256": file.sha256}


@dataclass(frozen=True, kw_only=True)
class Part:
    """A line of the plan of a kit. `bytes`: about what it downloads when it is not there."""

    title: Text
    bytes: int
    there: bool


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A file of a kit that is not as the manifest says."""

    path: str
    what: Literal["missing", "damaged", "unreadable"]
