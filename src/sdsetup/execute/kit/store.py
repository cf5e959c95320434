"""A kit's folder: files by their content, and the manifest that names them.

A file is renamed into place when it is whole, and the manifest is replaced last. So a run that is killed leaves
the kit as it was, and the next one goes on with the files that are there.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sdsetup.catalog.names import name_problem
from sdsetup.errors import SdsetupError
from sdsetup.execute.download.hashing import sha256_of
from sdsetup.execute.folders import remove_tree
from sdsetup.storage import parse_own, read_json, read_own, replace, write_atomically, write_json
from sdsetup.text import Text
from sdsetup.values.kit import (
    KINDS,
    MAKING,
    MANIFEST,
    SHAPE,
    SIGNATURE,
    Fault,
    Kit,
    KitFile,
    kit_from_json,
    kit_to_json,
)

if TYPE_CHECKING:  # the library behind it is for those who have a key
    from sdsetup.execute.signing import SigningKey

_log = logging.getLogger("sdsetup.kit")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class KitStore:
    """The folder of a kit that is being made, or checked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def work(self) -> Path:
        """Where pieces are made; may be removed at any time."""
        return self.folder / ".making"

    def read(self) -> Kit | None:
        """What the manifest says; None without one.

        Raises:
            SdsetupError: `kit-unreadable`.
        """
        read = read_own(self.folder / MANIFEST, SHAPE)
        if read.damage is not None:
            raise _unreadable(self.folder / MANIFEST, read.damage)
        return None if read.value is None else checked(kit_from_json(read.value), self.folder / MANIFEST)

    def begun(self) -> Kit:
        """What is there, with what a run that was cut off had finished. A damaged note of that counts as none."""
        kit = self.read() or Kit()
        said = read_own(self.folder / MAKING, SHAPE).value
        if said is None:
            return kit
        try:
            further = checked(kit_from_json(said), self.folder / MAKING)
        except SdsetupError:
            return kit
        return kit.plus(further.pieces, further.environments)

    def note(self, kit: Kit) -> None:
        """Remember what is finished so far."""
        write_json(self.folder / MAKING, kit_to_json(kit))

    def finish(self, kit: Kit, key: SigningKey | None = None) -> str:
        """Make this the kit's content, signed with a key where one is given; the SHA-256 of its manifest."""
        path, signature, said = self.folder / MANIFEST, self.folder / SIGNATURE, kit_to_json(kit)
        if read_json(path) != said:
            signature.unlink(missing_ok=True)  # first: it's of what the kit held before
        write_json(path, said)
        content = path.read_bytes()
        if key is not None:
            write_atomically(signature, key.sign(content))
        (self.folder / MAKING).unlink(missing_ok=True)
        remove_tree(self.work)
        wanted = {file.sha256 for file in kit.files.values()}
        for folder in (self.folder / "objects").iterdir():
            if _SHA256.fullmatch(folder.name) and folder.name not in wanted:
                remove_tree(folder)  # of an earlier version
        return hashlib.sha256(content).hexdigest()

    def has(self, file: KitFile) -> bool:
        """Whether the file is there with its size; `check` reads its bytes."""
        try:
            return (self.folder / file.path).stat().st_size == file.size
        except OSError:
            return False

    def take(self, path: Path, name: str | None = None) -> KitFile:
        """Move a finished file into the kit under the name of its content."""
        file = KitFile(name=name or path.name, size=path.stat().st_size, sha256=sha256_of(path))
        target = self.folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        replace(path, target)
        return file


def check(folder: Path, kit: Kit, tell: Callable[[int], None]) -> list[Fault]:
    """Read every file; those that are missing, can't be read, or are not what the manifest says. `tell`: bytes so
    far."""
    faults: list[Fault] = []
    done = 0
    for path, file in sorted(kit.files.items()):
        try:
            whole = (folder / path).stat().st_size == file.size and sha256_of(folder / path) == file.sha256
        except FileNotFoundError:
            faults.append(Fault(path=path, what="missing"))
        except OSError as error:
            _log.warning("%s: %s", path, error)
            faults.append(Fault(path=path, what="unreadable"))
        else:
            if not whole:
                faults.append(Fault(path=path, what="damaged"))
        done += file.size
        tell(done)
    return faults


def parse_manifest(content: bytes, where: object) -> Kit:
    """A manifest from its bytes.

    Raises:
        SdsetupError: `kit-unreadable`.
    """
    read = parse_own(content, SHAPE)
    if read.value is None:
        raise _unreadable(where, read.damage or Text("it is empty"))
    return checked(kit_from_json(read.value), where)


def checked(kit: Kit, where: object) -> Kit:
    """The same kit, once nothing in it could lead out of its folder.

    Raises:
        SdsetupError: `kit-unreadable`.
    """
    for piece in kit.pieces:
        if piece.kind not in KINDS:
            raise _unreadable(where, Text("it has a part of an unknown kind: {kind}", kind=piece.kind))
        for file in piece.files:
            problem = name_problem(file.name)
            if problem is not None:
                raise _unreadable(
                    where, Text("the file name {name} {problem}", name=file.name, problem=problem.said)
                )
            if not _SHA256.fullmatch(file.sha256) or file.size < 0:
                raise _unreadable(where, Text("the size or SHA-256 of {name} is not valid", name=file.name))
    there = {piece.file.sha256 for piece in kit.pieces}
    for environment in kit.environments:
        if not there.issuperset(environment.packages):
            raise _unreadable(
                where, Text("it does not list every package for {system}", system=environment.system)
            )
    return kit


def _unreadable(where: object, why: Text) -> SdsetupError:
    return SdsetupError(
        Text("The kit's file list can't be read"),
        where=where,
        why=why,
        hint=Text("Copy the kit again, or create a new one: sdsetup kit make FOLDER"),
        code="kit-unreadable",
    )
