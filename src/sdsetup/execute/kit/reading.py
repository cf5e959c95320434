"""Where a kit lies: a folder, or the same folder behind a static web server."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sdsetup.catalog.addresses import Address, AddressError, parse_address
from sdsetup.errors import SdsetupError, UsageError, file_problem
from sdsetup.execute.download.plain import ask, whole
from sdsetup.execute.kit.serving import Open, UnreadableError
from sdsetup.execute.kit.store import parse_manifest
from sdsetup.machine import Machine
from sdsetup.storage import LONGEST_OWN
from sdsetup.text import Text
from sdsetup.values.kit import MANIFEST, SIGNATURE, Kit, KitFile

if TYPE_CHECKING:  # the library behind it is for those who have a key
    from sdsetup.execute.signing import PublicKey

_log = logging.getLogger("sdsetup.kit")
_READ = 256 * 1024
_LONGEST_SIGNATURE = 1024  # bytes; a right one has 64


@dataclass(frozen=True, kw_only=True)
class OpenedKit:
    """A kit that can be read: its content, the SHA-256 of its manifest, how to open a file of it, and the public
    key whose owner signed it, where one was asked for."""

    kit: Kit
    identity: str
    where: str
    open_file: Open
    signed_by: str | None = None


def find_kit(
    where: str, machine: Machine, *, pinned: str | None = None, key: PublicKey | None = None
) -> OpenedKit:
    """Read the manifest of the kit at a path or address.

    Args:
        pinned: the SHA-256 that the manifest must have.
        key: the public key whose owner must have signed the manifest.

    Raises:
        UsageError: `kit-address`: an address that may not be asked.
        SdsetupError: `kit-missing`, `kit-unreachable`, `kit-other`, `kit-unsigned`, `kit-signature`,
            `kit-unreadable`.
    """
    place = (
        _at_address(where, machine, proved=pinned is not None or key is not None)
        if "://" in where
        else _in_folder(Path(where))
    )
    content = place.manifest
    identity = hashlib.sha256(content).hexdigest()
    if pinned is not None and identity != pinned.lower():
        raise SdsetupError(
            Text("The kit does not match --kit-sha256"),
            where=where,
            why=Text("its file list has the SHA-256 {found}", found=identity),
            hint=Text("Ask whoever made the kit for the correct number, or copy the kit again."),
            code="kit-other",
        )
    if key is not None:
        _check_signature(content, place.signature(), key, where)
    return OpenedKit(
        kit=parse_manifest(content, where),
        identity=identity,
        where=where,
        open_file=place.open_file,
        signed_by=None if key is None else key.text,
    )


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where a kit lies. `signature` reads that of the manifest; None where there is none."""

    manifest: bytes
    signature: Callable[[], bytes | None]
    open_file: Open


def _check_signature(content: bytes, signature: bytes | None, key: PublicKey, where: str) -> None:
    if signature is None:
        raise SdsetupError(
            Text("The kit is not signed"),
            where=where,
            why=Text("the file {name} is missing", name=SIGNATURE),
            hint=Text("Ask whoever made the kit to sign it: sdsetup kit make FOLDER --sign KEYFILE"),
            code="kit-unsigned",
        )
    if not key.signed(content, signature):
        raise SdsetupError(
            Text("The kit's signature is wrong"),
            where=where,
            why=Text("{name} was not made with this key for this list of files", name=SIGNATURE),
            hint=Text("Don't use this kit. Ask whoever made it for the right key, or for the kit again."),
            code="kit-signature",
        )


def _in_folder(folder: Path) -> _Place:
    try:
        with (folder / MANIFEST).open("rb") as file:
            content = file.read(LONGEST_OWN + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        there = folder.is_dir()
        raise SdsetupError(
            Text("No kit in this folder") if there else Text("There is no such folder"),
            where=folder,
            why=Text("the file {name} is missing", name=MANIFEST) if there else None,
            hint=Text("Enter the folder that `sdsetup kit make` created."),
            code="kit-missing",
        ) from error
    except OSError as error:
        raise file_problem(error, folder, Text("The kit can't be read")) from error

    def open_file(file: KitFile, start: int) -> Iterator[bytes]:
        try:
            with (folder / file.path).open("rb") as source:
                source.seek(start)
                while data := source.read(_READ):
                    yield data
        except FileNotFoundError:
            raise
        except OSError as error:
            raise UnreadableError(error.strerror or str(error)) from error

    def signature() -> bytes | None:
        try:
            with (folder / SIGNATURE).open("rb") as file:
                return file.read(_LONGEST_SIGNATURE)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise file_problem(error, folder, Text("The kit can't be read")) from error

    return _Place(manifest=content, signature=signature, open_file=open_file)


def _at_address(where: str, machine: Machine, *, proved: bool) -> _Place:
    """`proved`: the manifest is checked by itself, so that the way it takes need not be trusted."""
    base = where.rstrip("/")
    try:
        address = parse_address(base, plain_http=proved)
    except AddressError as error:
        hint = (
            Text("Use https, or add --kit-sha256 with the number that `sdsetup kit make` printed, or --kit-key.")
            if error.code == "not-encrypted"
            else Text("Enter a folder, or an address such as https://server/kit.")
        )
        raise UsageError(
            Text("This kit address can't be used: {why}", why=error.why), hint=hint, code="kit-address"
        ) from error

    def open_file(file: KitFile, start: int) -> Iterator[bytes]:
        import urllib3

        answer = ask(address, file.path, machine, start)
        skip = start if answer.status == 200 else 0  # a server that cannot begin in the middle
        try:
            for data in answer.stream(_READ, decode_content=False):
                if skip >= len(data):
                    skip -= len(data)
                    continue
                yield data[skip:]
                skip = 0
        except urllib3.exceptions.HTTPError as error:
            raise OSError(str(error)) from error
        finally:
            answer.close()

    def signature() -> bytes | None:
        try:
            return whole(address, SIGNATURE, machine, _LONGEST_SIGNATURE)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise _unreachable(address, SIGNATURE, error) from error

    try:
        content = whole(address, MANIFEST, machine, LONGEST_OWN)
    except (OSError, ValueError) as error:
        raise _unreachable(address, MANIFEST, error) from error
    return _Place(manifest=content, signature=signature, open_file=open_file)


def _unreachable(address: Address, path: str, error: Exception) -> SdsetupError:
    return SdsetupError(
        Text("The kit can't be reached"),
        where=f"{address.plain.rstrip('/')}/{path}",
        why=str(error),
        hint=Text("Check the address in a browser on this PC, then run the same command again."),
        code="kit-unreachable",
    )
