"""A kit's parts by themselves: which file a system takes, what a manifest may say, what the server sends."""

from __future__ import annotations

import hashlib
import http.client
import http.server
import json
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from packaging.pylock import Package, PackageSdist, PackageWheel, Pylock
from packaging.version import Version

from execute.gitlab import context_for, make_origin
from sdsetup.errors import SdsetupError, UsageError
from sdsetup.execute.kit.interpreter import archive_id
from sdsetup.execute.kit.packages import WantedFile, bring, tags_of, wanted_files
from sdsetup.execute.kit.program import own_wheel
from sdsetup.execute.kit.reading import find_kit
from sdsetup.execute.kit.repositories import bundle, read_file, unbundle
from sdsetup.execute.kit.serving import KitServer
from sdsetup.execute.kit.store import KitStore, check, parse_manifest
from sdsetup.execute.signing import SigningKey, make_keys
from sdsetup.machine.real import RealMachine
from sdsetup.values.kit import MANIFEST, SIGNATURE, Fault, Kit, KitFile, Piece, kit_to_json

FILES = [
    "one-1.0-cp310-cp310-win_amd64.whl",
    "one-1.0-cp311-cp311-win_amd64.whl",
    "one-1.0-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    "one-1.0-cp310-cp310-manylinux_2_28_x86_64.whl",
    "one-1.0-cp310-cp310-manylinux_2_39_x86_64.whl",
    "one-1.0-cp310-cp310-musllinux_1_2_x86_64.whl",
    "one-1.0-cp37-abi3-macosx_11_0_arm64.whl",
    "one-1.0-py3-none-any.whl",
]


def lock(*names: str, sdist: bool = False) -> Pylock:
    def said(name: str) -> dict[str, Any]:
        return {"url": f"https://index/{name}", "size": 1, "hashes": {"sha256": "0" * 64}}

    package = Package(
        name="one",  # type: ignore[arg-type]
        version=Version("1.0"),
        wheels=[PackageWheel(**said(name)) for name in names] or None,
        sdist=PackageSdist(**said("one-1.0.tar.gz")) if sdist else None,
    )
    return Pylock(lock_version=Version("1.0"), created_by="test", packages=[package])


@pytest.mark.parametrize(
    ("system", "python", "expected"),
    [
        ("windows", "3.10", FILES[0]),
        ("windows", "3.11", FILES[1]),
        ("windows", "3.12", FILES[7]),
        ("linux", "3.10", FILES[3]),
        ("linux", "3.11", FILES[7]),
        ("macos", "3.13", FILES[6]),
    ],
)
def test_each_system_takes_its_best_wheel(system: str, python: str, expected: str) -> None:
    (file,) = wanted_files(lock(*FILES), tags_of(system, python))
    assert file.filename == expected


def test_without_a_fitting_wheel_the_source_is_taken_and_without_that_it_is_an_error() -> None:
    (file,) = wanted_files(lock(FILES[0], sdist=True), tags_of("linux", "3.10"))
    assert file.filename == "one-1.0.tar.gz"
    with pytest.raises(SdsetupError) as refused:
        wanted_files(lock(FILES[0]), tags_of("linux", "3.10"))
    assert refused.value.code == "kit-no-package"


def manifest(name: str = "file", sha256: str = "0" * 64, **piece: Any) -> bytes:
    file = {"name": name, "size": 1, "sha256": sha256}
    said = {"kind": "model", "id": "x", "file": file, "metadata": None, "requires_python": None, **piece}
    return json.dumps({"schema": "sdsetup.kit/1", "pieces": [said], "environments": []}).encode()


def with_environment(package: str) -> bytes:
    said = json.loads(manifest(sha256=package))
    named = {"system": "linux", "build": "cpu", "torch": "2.1.2", "python": "3.10", "index": None}
    return json.dumps({**said, "environments": [{**named, "packages": [package]}]}).encode()


def test_an_environment_of_packages_that_are_listed_is_taken() -> None:
    assert parse_manifest(with_environment("0" * 64), "kit").environments[0].packages == ("0" * 64,)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        manifest(name="../../etc/passwd"),
        manifest(name="a/b"),
        manifest(name="aux"),
        manifest(name=".git"),
        manifest(sha256="../.."),
        manifest(sha256="0" * 63),
        manifest(kind="program-that-runs"),
        manifest(file=None),
        with_environment("0" * 64).replace(b'"packages": ["' + b"0" * 64, b'"packages": ["' + b"1" * 64),
    ],
)
def test_a_manifest_that_is_none_or_leads_elsewhere_is_refused(content: bytes) -> None:
    with pytest.raises(SdsetupError) as refused:
        parse_manifest(content, "kit")
    assert refused.value.code == "kit-unreadable"


@pytest.fixture
def kit(tmp_path: Path) -> tuple[KitStore, KitFile]:
    store = KitStore(tmp_path / "kit")
    made = tmp_path / "made"
    made.write_bytes(bytes(range(256)) * 3000)
    file = store.take(made, "weights.safetensors")
    store.finish(Kit(pieces=(Piece(kind="model", id=file.sha256, file=file),)))
    return store, file


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return make_keys(tmp_path / "key")


def test_a_signed_kit_is_taken_with_its_key_only(
    kit: tuple[KitStore, KitFile], key: SigningKey, tmp_path: Path
) -> None:
    store, _file = kit
    where = str(store.folder)

    def refused(by: SigningKey = key) -> str:
        with pytest.raises(SdsetupError) as error:
            find_kit(where, RealMachine(), key=by.public)
        return error.value.code

    assert refused() == "kit-unsigned"
    content = store.read()
    assert content is not None
    store.finish(content, key)
    found = find_kit(where, RealMachine(), key=key.public)
    assert (found.kit, found.signed_by) == (content, key.public.text)
    assert find_kit(where, RealMachine()).signed_by is None, "nobody was asked about it"
    assert refused(make_keys(tmp_path / "another")) == "kit-signature"
    store.finish(content)  # the same list: its signature still holds
    assert find_kit(where, RealMachine(), key=key.public).signed_by == key.public.text
    signature = (store.folder / SIGNATURE).read_bytes()
    for damaged in (b"", signature[:-1], signature + b"x", bytes([signature[0] ^ 1]) + signature[1:]):
        (store.folder / SIGNATURE).write_bytes(damaged)
        assert refused() == "kit-signature"
    (store.folder / SIGNATURE).write_bytes(signature)
    (store.folder / MANIFEST).write_bytes((store.folder / MANIFEST).read_bytes() + b"\n")
    assert refused() == "kit-signature"


def test_a_list_that_changes_loses_its_signature(
    kit: tuple[KitStore, KitFile], key: SigningKey, tmp_path: Path
) -> None:
    store, _file = kit
    (tmp_path / "more").write_bytes(b"more")
    other = store.take(tmp_path / "more")
    content = store.read()
    assert content is not None
    store.finish(content.plus([Piece(kind="model", id=other.sha256, file=other)]), key)
    assert (store.folder / SIGNATURE).exists()
    store.finish(content)
    assert not (store.folder / SIGNATURE).exists()


def test_behind_a_server_the_signature_stands_for_the_way(
    kit: tuple[KitStore, KitFile], key: SigningKey, tmp_path: Path
) -> None:
    store, _file = kit
    files = partial(Quiet, directory=str(store.folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        where = f"http://127.0.0.1:{server.server_port}"
        with pytest.raises(SdsetupError) as refused:
            find_kit(where, RealMachine(), key=key.public)
        assert refused.value.code == "kit-unsigned"
        content = store.read()
        assert content is not None
        store.finish(content, key)
        assert find_kit(where, RealMachine(), key=key.public).kit == content
        server.shutdown()
    with pytest.raises(UsageError) as unproved:
        find_kit("http://192.0.2.1/kit", RealMachine())
    assert unproved.value.code == "kit-address"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def server(kit: tuple[KitStore, KitFile]) -> Iterator[KitServer]:
    found = find_kit(str(kit[0].folder), RealMachine())
    with KitServer(found.kit, found.identity, found.open_file) as serving:
        yield serving


def get(url: str, **headers: str) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        content: bytes = answer.read()
    return content


def test_the_server_gives_files_whole_and_in_parts(server: KitServer, kit: tuple[KitStore, KitFile]) -> None:
    url = f"{server.url}/{kit[1].path}"
    whole = get(url)
    assert hashlib.sha256(whole).hexdigest() == kit[1].sha256
    assert get(url, Range="bytes=300000-") == whole[300000:]
    assert get(url, Range="bytes=5-9") == whole[5:10]
    for nothing in ("kit.json", "objects/../kit.json", "objects/x", ""):
        with pytest.raises(urllib.error.HTTPError):
            get(f"{server.url}/{nothing}")
    assert not server.damaged


@pytest.mark.parametrize("damage", ["flipped", "short", "long", "gone"])
def test_nobody_takes_a_damaged_file_for_whole(
    server: KitServer, kit: tuple[KitStore, KitFile], damage: str
) -> None:
    store, file = kit
    path = store.folder / file.path
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[0] ^= 1
    changed = {"short": content[:-1], "long": content + b"x"}.get(damage, content)
    path.write_bytes(changed) if damage != "gone" else path.unlink()
    if damage == "long":  # what is beyond the size is never sent
        assert hashlib.sha256(get(f"{server.url}/{file.path}")).hexdigest() == file.sha256
        return
    with pytest.raises(Exception, match=r"IncompleteRead|HTTP Error"):
        get(f"{server.url}/{file.path}")
    assert list(server.damaged) == [file.path]
    with pytest.raises(urllib.error.HTTPError):
        get(f"{server.url}/{file.path}")


def test_a_file_that_the_drive_does_not_give_away_is_named_with_the_reason(
    server: KitServer, kit: tuple[KitStore, KitFile]
) -> None:
    store, file = kit
    path = store.folder / file.path
    path.unlink()
    path.mkdir()  # opening it fails, whoever asks; as with a sector that can't be read
    (path / "something").write_bytes(bytes(file.size))
    with pytest.raises(http.client.IncompleteRead):
        get(f"{server.url}/{file.path}")
    assert list(server.damaged) == [file.path]
    assert "SHA-256" not in str(server.damaged[file.path])
    with pytest.raises(urllib.error.HTTPError):
        get(f"{server.url}/{file.path}")  # at once: nobody tries it again for minutes


def test_the_check_goes_on_after_a_file_that_cannot_be_read(kit: tuple[KitStore, KitFile], tmp_path: Path) -> None:
    store, file = kit
    (tmp_path / "more").write_bytes(b"more")
    other = store.take(tmp_path / "more")
    pieces = (Piece(kind="model", id=one.sha256, file=one) for one in (file, other))
    for one in (file, other):
        (store.folder / one.path).unlink()
    (store.folder / file.path).symlink_to(file.name)  # a loop
    assert check(store.folder, Kit(pieces=tuple(pieces)), lambda _done: None) == sorted(
        (Fault(path=file.path, what="unreadable"), Fault(path=other.path, what="missing")),
        key=lambda fault: fault.path,
    )


class Failing(Quiet):
    """A static server that breaks down: redirects, refuses, ends early, or has another file by that name."""

    way = ""

    def do_GET(self) -> None:
        if "/objects/" not in self.path:
            super().do_GET()
        elif self.way == "redirected":
            self.send_response(302)
            self.send_header("Location", "http://192.0.2.1/elsewhere")
            self.end_headers()
        elif self.way == "refused":
            self.send_error(503)
        else:
            self.send_response(200)
            self.send_header("Content-Length", {"ended early": "768000", "short": "5"}[self.way])
            self.end_headers()
            self.wfile.write(b"bytes")


@pytest.mark.parametrize("way", ["redirected", "refused", "ended early", "short"])
def test_behind_a_server_that_fails_the_file_is_named_and_taken_once_it_is_well(
    kit: tuple[KitStore, KitFile], way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, file = kit
    monkeypatch.setattr(Failing, "way", way)
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Failing, directory=str(store.folder))
    ) as static:
        threading.Thread(target=static.serve_forever, daemon=True).start()
        found = find_kit(f"http://127.0.0.1:{static.server_port}", RealMachine())
        with KitServer(found.kit, found.identity, found.open_file) as serving:
            with pytest.raises((http.client.IncompleteRead, ConnectionError)):
                get(f"{serving.url}/{file.path}")
            if way == "short":  # whole as the server has it, and not what the list says
                assert list(serving.damaged) == [file.path]
            else:
                assert (list(serving.broken), not serving.damaged) == ([file.path], True)
                monkeypatch.setattr(Failing, "do_GET", Quiet.do_GET)
                assert hashlib.sha256(get(f"{serving.url}/{file.path}")).hexdigest() == file.sha256
                assert not serving.broken
        static.shutdown()


def test_any_name_that_both_systems_can_have_is_asked_for_as_it_is(
    kit: tuple[KitStore, KitFile], tmp_path: Path
) -> None:
    store, _file = kit
    (tmp_path / "odd").write_bytes(b"odd")
    file = store.take(tmp_path / "odd", "50% of #1 + a model \u00e9.safetensors")
    store.finish(Kit(pieces=(Piece(kind="model", id=file.sha256, file=file),)))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(store.folder))) as static:
        threading.Thread(target=static.serve_forever, daemon=True).start()
        found = find_kit(f"http://127.0.0.1:{static.server_port}", RealMachine())
        assert b"".join(found.open_file(file, 0)) == b"odd"
        static.shutdown()


def test_what_no_list_names_goes_and_the_list_is_the_same_in_any_order(
    kit: tuple[KitStore, KitFile], tmp_path: Path
) -> None:
    store, file = kit
    (tmp_path / "more").write_bytes(b"more")
    other = store.take(tmp_path / "more")
    pieces = (
        Piece(kind="model", id=file.sha256, file=file),
        Piece(kind="model", id=other.sha256, file=other),
    )
    assert kit_to_json(Kit(pieces=pieces)) == kit_to_json(Kit(pieces=pieces[::-1]))
    store.finish(Kit(pieces=pieces[:1]))
    assert not (store.folder / other.path).exists()
    assert (store.folder / file.path).exists()


def test_another_bundle_of_the_same_commit_takes_the_place_of_the_first() -> None:
    first, second = (
        Piece(kind="repository", id="c" * 40, file=KitFile(name="one.bundle", size=1, sha256=digit * 64))
        for digit in "01"
    )
    kit = Kit().plus([first]).plus([second])
    assert kit.pieces == (second,)


def test_a_repository_comes_out_of_its_bundle_and_a_damaged_one_leaves_nothing(tmp_path: Path) -> None:
    origin = make_origin(tmp_path / "origin")
    context = context_for(tmp_path / "work")
    store = KitStore(tmp_path / "kit")
    made = store.folder / bundle("one", (origin.url,), origin.new, "v2", "master", store, context).path
    assert read_file(made, origin.new, "launch.py", context) == b"print(2)\n"
    with pytest.raises(SdsetupError) as refused:
        read_file(made, origin.new, "no-such-file.txt", context)
    assert refused.value.code == "kit-git"
    damaged = tmp_path / "damaged.bundle"
    damaged.write_bytes(made.read_bytes()[:-40])
    with pytest.raises(SdsetupError) as refused:
        unbundle(damaged, origin.new, tmp_path / "bare.git", context)
    assert refused.value.code == "kit-git"
    assert not (tmp_path / "bare.git").exists()


def test_a_python_that_nobody_offers(tmp_path: Path) -> None:
    context = context_for(tmp_path / "work")
    assert "/cpython-3.10." in archive_id("windows", "3.10", context)
    with pytest.raises(SdsetupError) as refused:
        archive_id("windows", "3.1", context)
    assert refused.value.code == "kit-no-python"


def test_without_its_own_description_it_does_not_pack_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])  # nothing is installed there
    with pytest.raises(SdsetupError) as refused:
        own_wheel(tmp_path / "wheels")
    assert refused.value.code == "kit-no-program"
    assert not (tmp_path / "wheels").exists()


class Silent(http.server.BaseHTTPRequestHandler):
    """Tells no size of anything."""

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        pass


def test_a_file_whose_size_nobody_tells(tmp_path: Path) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Silent) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/one.whl"
        file = WantedFile(project="one", filename="one.whl", url=url, sha256="0" * 64, size=None)
        with pytest.raises(SdsetupError) as refused:
            bring([file], Kit(), KitStore(tmp_path / "kit"), context_for(tmp_path / "work"), kind="package")
        server.shutdown()
    assert refused.value.code == "kit-no-size"
