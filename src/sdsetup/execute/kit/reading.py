"""Where a kit lies: a folder, or the same folder behind a static web server."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdsetup.catalog.addresses import Address, AddressError, parse_address
from sdsetup.errors import SdsetupError, UsageError, file_problem
from sdsetup.execute.kit.serving import Open
from sdsetup.execute.kit.store import parse_manifest
from sdsetup.machine import Machine
from sdsetup.machine.web_policy import connections, proxy_for
from sdsetup.storage import LONGEST_OWN
from sdsetup.text import Text
from sdsetup.values.kit import MANIFEST, Kit, KitFile

_log = logging.getLogger("sdsetup.kit")
_READ = 256 * 1024
_SECONDS = 60  # without a byte


@dataclass(frozen=True, kw_only=True)
class Found:
    """A kit that can be read: its content, the SHA-256 of its manifest, and how to open a file of it."""

    kit: Kit
    identity: str
    where: str
    open_file: Open


def find_kit(where: str, pinned: str | None, machine: Machine) -> Found:
    """Read the manifest of the kit at a path or address. `pinned`: the SHA-256 that the manifest must have.

    Raises:
        UsageError: `kit-address`: an address that may not be asked.
        SdsetupError: `kit-missing`, `kit-unreachable`, `kit-other`, `kit-unreadable`.
    """
    if "://" in where:
        content, open_file = _at_address(where, pinned, machine)
    else:
        content, open_file = _in_folder(Path(where))
    identity = hashlib.sha256(content).hexdigest()
    if pinned is not None and identity != pinned.lower():
        raise SdsetupError(
            Text("The kit does not match --kit-sha256"),
            where=where,
            why=Text("its file list has the SHA-256 {found}", found=identity),
            hint=Text("Ask whoever made the kit for the correct number, or copy the kit again."),
            code="kit-other",
        )
    return Found(kit=parse_manifest(content, where), identity=identity, where=where, open_file=open_file)


def _in_folder(folder: Path) -> tuple[bytes, Open]:
    try:
        with (folder / MANIFEST).open("rb") as file:
            content = file.read(LONGEST_OWN + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SdsetupError(
            Text("No kit in this folder"),
            where=folder,
            why=Text("the file {name} is missing", name=MANIFEST),
            hint=Text("Enter the folder that `sdsetup kit make` created."),
            code="kit-missing",
        ) from error
    except OSError as error:
        raise file_problem(error, folder, Text("The kit can't be read")) from error

    def open_file(file: KitFile, start: int) -> Iterator[bytes]:
        with (folder / file.path).open("rb") as source:
            source.seek(start)
            while data := source.read(_READ):
                yield data

    return content, open_file


def _at_address(where: str, pinned: str | None, machine: Machine) -> tuple[bytes, Open]:
    base = where.rstrip("/")
    try:
        address = parse_address(base, plain_http=pinned is not None)
    except AddressError as error:
        hint = (
            Text("Use https, or add --kit-sha256 with the number that `sdsetup kit make` printed.")
            if error.code == "not-encrypted"
            else Text("Enter a folder, or an address such as https://server/kit.")
        )
        raise UsageError(
            Text("This kit address can't be used: {why}", why=error.why), hint=hint, code="kit-address"
        ) from error

    def open_file(file: KitFile, start: int) -> Iterator[bytes]:
        answer = _ask(address, file.path, machine, start)
        skip = start if answer.status == 200 else 0  # a server that cannot begin in the middle
        try:
            for data in answer.stream(_READ, decode_content=False):
                if skip >= len(data):
                    skip -= len(data)
                    continue
                yield data[skip:]
                skip = 0
        finally:
            answer.close()

    try:
        content = b""
        for data in _limited(_ask(address, MANIFEST, machine, 0)):
            content += data
    except (OSError, ValueError) as error:
        raise SdsetupError(
            Text("The kit can't be reached"),
            where=f"{address.plain.rstrip('/')}/{MANIFEST}",
            why=str(error),
            hint=Text("Check the address in a browser on this PC, then run the same command again."),
            code="kit-unreachable",
        ) from error
    return content, open_file


def _limited(answer: Any) -> Iterator[bytes]:
    done = 0
    try:
        for data in answer.stream(_READ, decode_content=False):
            done += len(data)
            yield data
            if done > LONGEST_OWN:
                return
    finally:
        answer.close()


def _ask(base: Address, path: str, machine: Machine, start: int) -> Any:
    """An answer whose body is still to be read.

    Raises:
        FileNotFoundError: the server has no such file.
        OSError, ValueError: no answer, or not with the file.
    """
    import urllib3

    manager = connections(base, proxy_for(base, machine), machine.env)
    address = f"{base.url.rstrip('/')}/{path.replace('+', '%2B')}"
    headers = {"User-Agent": "sdsetup", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        answer = manager.request(
            "GET",
            address,
            headers=headers,
            preload_content=False,
            redirect=False,
            retries=False,
            timeout=urllib3.Timeout(connect=10, read=_SECONDS),
        )
    except urllib3.exceptions.HTTPError as error:
        raise OSError(str(error)) from error
    if answer.status == 200 or (start and answer.status == 206):
        return answer
    answer.close()
    if answer.status == 404:
        raise FileNotFoundError(f"the server answered 404 for {path}")
    raise OSError(f"the server answered {answer.status} for {path}")
