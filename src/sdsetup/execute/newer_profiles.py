"""Profiles that are newer than the program: a signed zip, checked whole before any of it counts.

The zip holds the folder `profiles/` and a list (`profiles.json`) that says its edition. What is taken lies in the
data folder, and one small file written last says that it counts. So a run that is killed leaves what was there.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from sdsetup import __version__
from sdsetup.catalog.catalog import Catalog
from sdsetup.catalog.files import LONGEST_PROFILE, Profiles, built_in_profiles
from sdsetup.catalog.names import path_problem
from sdsetup.catalog.reading import ProfileError
from sdsetup.errors import SdsetupError
from sdsetup.execute.folders import file_problems, remove_tree
from sdsetup.storage import data_folder, parse_own, read_own, replace, write_json
from sdsetup.text import Text
from sdsetup.values.shape import OwnFile

LIST = "profiles.json"
LONGEST_ARCHIVE = 4 * 2**20  # bytes; ours has some 150 KB
_MOST_FILES = 200
_EPOCH = (2026, 1, 1, 0, 0, 0)  # the same bytes whenever it is packed
_LISTED = OwnFile(schema="sdsetup.profiles/1", shape={"edition": int})
_USED = OwnFile(schema="sdsetup.profiles-used/1", shape={"edition": int, "program": str})


def pack(folder: Path, edition: int) -> bytes:
    """The archive of a folder of profiles; the same bytes for the same files."""
    said = {LIST: json.dumps({"schema": _LISTED.schema, "edition": edition}).encode()}
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.toml")}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in sorted({**said, **files}.items()):
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)
    return packed.getvalue()


def edition_in_use(env: Mapping[str, str], built_in: int) -> int:
    """The edition that counts: the fetched one, or the program's own."""
    used = _used(env)
    return built_in if used is None else max(used, built_in)


def folder_in_use(env: Mapping[str, str]) -> Path | None:
    """The fetched profiles; None where the program's own count, as they do after each update of the program: only
    the program that checked them can read them for certain."""
    used = _used(env)
    if used is None:
        return None
    folder = _home(env) / str(used)
    return folder if folder.is_dir() and used > Catalog().updates.edition else None


def take(
    content: bytes, signature: bytes, keys: Sequence[str], *, newest: int, env: Mapping[str, str], where: str
) -> int | None:
    """Check an archive and let it count from now on; its edition, or None where it is the one in use.

    `keys`: public keys, of which one must have signed. `newest`: the edition in use.

    Raises:
        SdsetupError: `profiles-signature`, `profiles-older`, `profiles-unusable`; the former profiles stay in use.
    """
    # The library is for those who have a source of profiles.
    from sdsetup.execute.signing import public_key

    if not any(public_key(key).signed(content, signature) for key in keys):
        raise SdsetupError(
            Text("The signature of the new profiles is wrong"),
            where=where,
            why=Text("the file is damaged, incomplete, or from someone else"),
            hint=Text("Run the same command again later. Until then, the current profiles stay in use."),
            code="profiles-signature",
        )
    edition, files = _content(content, where)
    if edition == newest:
        return None
    if edition < newest:
        raise SdsetupError(
            Text("The offered profiles are older than the current ones"),
            where=where,
            why=Text("edition {edition} is offered, and {newest} is in use", edition=edition, newest=newest),
            hint=Text("Run the same command again later. The current profiles stay in use."),
            code="profiles-older",
        )
    with file_problems(_home(env), Text("The new profiles could not be saved")):
        _put(files, edition, env, where)
    return edition


def _put(files: Mapping[str, bytes], edition: int, env: Mapping[str, str], where: str) -> None:
    home = _home(env)
    stage, target = home / f"{edition}.partial", home / str(edition)
    remove_tree(stage)
    for name, content in files.items():
        path = stage / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    try:
        Catalog(Profiles(newer=stage)).check()
    except ProfileError as error:
        remove_tree(stage)
        raise _unusable(
            where, Text("they are for another version of sdsetup ({why})", why=error.problems[0])
        ) from error
    remove_tree(target)
    replace(stage, target)
    write_json(home / "used.json", {"schema": _USED.schema, "edition": edition, "program": __version__})
    for old in home.iterdir():
        if old.is_dir() and old != target:
            remove_tree(old)


def _content(content: bytes, where: str) -> tuple[int, dict[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if len(entries) > _MOST_FILES or any(entry.file_size > LONGEST_PROFILE for entry in entries):
                raise _unusable(where, Text("it is too large for profiles"))
            files = {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise _unusable(where, Text("it is not a zip file")) from error
    said = parse_own(files.pop(LIST, b""), _LISTED)
    if said.value is None:
        raise _unusable(where, Text("its list {name} can't be read", name=LIST))
    for name in files:
        if path_problem(name) is not None or not name.endswith(".toml"):
            raise _unusable(where, Text("it contains a file that is not a profile: {name}", name=name))
    if {path.relative_to(built_in_profiles()).parts[0] for path in built_in_profiles().rglob("*.toml")} - {
        name.split("/")[0] for name in files
    }:
        raise _unusable(where, Text("profiles that this version of sdsetup needs are missing"))
    return int(said.value["edition"]), files


def _used(env: Mapping[str, str]) -> int | None:
    said = read_own(_home(env) / "used.json", _USED).value
    return None if said is None or said["program"] != __version__ else int(said["edition"])


def _home(env: Mapping[str, str]) -> Path:
    return data_folder(env) / "profiles"


def _unusable(where: str, why: Text) -> SdsetupError:
    return SdsetupError(
        Text("The new profiles can't be used"),
        where=where,
        why=why,
        hint=Text("Update sdsetup itself, then run the same command again. The current profiles stay in use."),
        code="profiles-unusable",
    )
