"""What is brought where the computer has none: a Python of uv's, MinGit, the tokenizer's files."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from execute.gitlab import context_for
from sdsetup.catalog.files import Profiles
from sdsetup.catalog.tools import parse_tools
from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.environment import uv
from sdsetup.execute.kit import interpreter
from sdsetup.execute.kit.reading import find_kit
from sdsetup.execute.kit.serving import KitServer
from sdsetup.execute.kit.store import KitStore
from sdsetup.execute.steps import mingit, python, tokenizer
from sdsetup.values.kit import Kit
from sdsetup.values.plan import BringGit, BringPython, FetchFile, FetchFiles, Source


class Shelf(http.server.SimpleHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        type(self).asked.append(self.path)
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[tuple[str, Path, list[str]]]:
    """A folder served on this machine: its address, the folder, and what was asked for."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    asked: list[str] = []
    kind = type("Kind", (Shelf,), {"asked": asked})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *args: kind(*args, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", folder, asked
    server.shutdown()
    thread.join()
    server.server_close()


def here(tmp_path: Path, **env: str) -> Context:
    return context_for(tmp_path / "web ui", **env)


def file(path: Path, url: str, save_as: str) -> FetchFile:
    content = path.read_bytes()
    return FetchFile(
        name=path.name,
        save_as=save_as,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        sources=(Source(url=url),),
    )


def zipped(path: Path, members: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_git_is_unpacked_once(tmp_path: Path, shelf: tuple[str, Path, list[str]]) -> None:
    url, folder, asked = shelf
    archive = zipped(folder / "MinGit.zip", {"cmd/git.exe": "MZ", "etc/gitconfig": "[core]\n"})
    action = BringGit(archive=file(archive, f"{url}/MinGit.zip", "downloads/MinGit.zip"))
    context = here(tmp_path)
    done = mingit.bring(action, context)
    assert Path(done["git"]).read_text() == "MZ"
    assert Path(done["git"]) == context.tools / "mingit" / "cmd" / "git.exe"
    count = len(asked)
    assert mingit.bring(action, context) == done
    assert len(asked) == count


def test_another_git_replaces_the_former(tmp_path: Path, shelf: tuple[str, Path, list[str]]) -> None:
    url, folder, _asked = shelf
    context = here(tmp_path)
    for content in ("one", "two"):
        archive = zipped(folder / f"{content}.zip", {"cmd/git.exe": content, f"only-{content}": ""})
        done = mingit.bring(BringGit(archive=file(archive, f"{url}/{content}.zip", "x")), context)
    assert Path(done["git"]).read_text() == "two"
    assert not (context.tools / "mingit" / "only-one").exists()


@pytest.mark.parametrize("name", ["../../evil.exe", "/evil.exe", "C:/evil.exe", "cmd\\..\\..\\evil.exe"])
def test_an_archive_that_would_write_elsewhere_is_refused(
    tmp_path: Path, shelf: tuple[str, Path, list[str]], name: str
) -> None:
    url, folder, _asked = shelf
    archive = zipped(folder / "bad.zip", {"cmd/git.exe": "MZ", name: "evil"})
    with pytest.raises(SdsetupError) as caught:
        mingit.bring(BringGit(archive=file(archive, f"{url}/bad.zip", "x")), here(tmp_path))
    assert caught.value.code == "archive-unsafe"
    assert not list(tmp_path.rglob("evil.exe"))


def test_a_half_unpacked_git_is_unpacked_again(tmp_path: Path, shelf: tuple[str, Path, list[str]]) -> None:
    url, folder, _asked = shelf
    context = here(tmp_path)
    (context.tools / "mingit" / "cmd").mkdir(parents=True)
    (context.tools / "mingit" / "cmd" / "git.exe").write_text("torn")
    archive = zipped(folder / "MinGit.zip", {"cmd/git.exe": "MZ"})
    done = mingit.bring(BringGit(archive=file(archive, f"{url}/MinGit.zip", "x")), context)
    assert Path(done["git"]).read_text() == "MZ"


def test_the_built_in_tools_are_pinned() -> None:
    tools = parse_tools(Profiles().raw("tools"))
    assert tools.mingit.size > 30_000_000
    assert str(tools.mingit.sources[0].url).startswith("https://github.com/git-for-windows/")
    assert tools.mingit.name in str(tools.mingit.sources[0].url)


def test_problems_of_the_tools_profile_are_all_named() -> None:
    with pytest.raises(SdsetupError) as caught:
        parse_tools({"mingit": {"name": "a/b.exe", "size": "big", "sha256": "x", "url": "http://example.org"}})
    text = str(caught.value)
    for word in ("name", "size", "sha256", "url", "because", "source"):
        assert f"mingit.{word}" in text


def test_tokenizer_files_lie_where_the_web_ui_looks(tmp_path: Path, shelf: tuple[str, Path, list[str]]) -> None:
    url, folder, asked = shelf
    files = []
    for name in ("vocab.json", "merges.txt"):
        (folder / name).write_text(name * 100)
        files.append(file(folder / name, f"{url}/{name}", f"openai/clip-vit-large-patch14/{name}"))
    context = here(tmp_path)
    done = tokenizer.place(FetchFiles(files=tuple(files)), context)
    assert done == {"files": 2, "transferred": sum(f.size for f in files)}
    assert (context.dir / "openai" / "clip-vit-large-patch14" / "vocab.json").read_text() == "vocab.json" * 100
    count = len(asked)
    assert tokenizer.place(FetchFiles(files=tuple(files)), context)["transferred"] == 0
    assert len(asked) == count


def make_build(folder: Path, url: str, program: str = f'exec "{sys.executable}" "$@"') -> str:
    """An archive in the form of uv's builds whose interpreter is this one, and the list that offers it."""
    import platform

    version = ".".join(map(str, sys.version_info[:3]))
    minor = ".".join(map(str, sys.version_info[:2]))
    root = folder / "make" / "python"
    (root / "bin").mkdir(parents=True)
    interpreter = root / "bin" / f"python{minor}"
    interpreter.write_text(f"#!/bin/sh\n{program}\n")
    interpreter.chmod(0o755)
    library = root / "lib" / f"python{minor}"
    library.mkdir(parents=True)
    (library / f"_sysconfigdata__linux_{platform.machine()}-linux-gnu.py").write_text(
        "# system configuration generated and used by the sysconfig module\nbuild_time_vars = {}\n"
    )
    archive = folder / "build.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(root, "python")
    machine = platform.machine()
    entry = {
        "name": "cpython",
        "arch": {"family": machine, "variant": None},
        "os": "linux",
        "libc": "gnu",
        "major": sys.version_info[0],
        "minor": sys.version_info[1],
        "patch": sys.version_info[2],
        "prerelease": "",
        "url": f"{url}/build.tar.gz",
        "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
        "variant": None,
        "build": "20260101",
    }
    listing = folder / "downloads.json"
    listing.write_text(json.dumps({f"cpython-{version}-linux-{machine}-gnu": entry}))
    return minor


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the archive made here is for Linux")
def test_python_is_brought_without_anything_else_changing(
    tmp_path: Path, shelf: tuple[str, Path, list[str]], own_home: Path
) -> None:
    url, folder, asked = shelf
    minor = make_build(folder, url)
    context = here(tmp_path, UV_PYTHON_DOWNLOADS_JSON_URL=str(folder / "downloads.json"), HOME=str(own_home))
    done = python.bring(BringPython(version=minor), context)
    assert Path(done["python"]).is_relative_to(context.tools / "python")
    assert done["version"].startswith(minor)
    assert asked == ["/build.tar.gz"]
    assert python.bring(BringPython(version=minor), context) == done
    assert asked == ["/build.tar.gz"]
    assert not (own_home / ".local").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the archive made here is for Linux")
def test_a_python_that_was_changed_on_the_way_is_refused(
    tmp_path: Path, shelf: tuple[str, Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, folder, _asked = shelf
    minor = make_build(folder, url)
    with (folder / "build.tar.gz").open("ab") as archive:
        archive.write(b"x")
    context = here(tmp_path, UV_PYTHON_DOWNLOADS_JSON_URL=str(folder / "downloads.json"), UV_HTTP_RETRIES="0")
    monkeypatch.setattr("sdsetup.execute.environment.uv.PAUSES", ())
    with pytest.raises(SdsetupError) as caught:
        python.bring(BringPython(version=minor), context)
    assert caught.value.code == "package-changed"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the archive made here is for Linux")
def test_python_goes_into_a_kit_and_comes_out_of_it(
    tmp_path: Path, shelf: tuple[str, Path, list[str]], own_home: Path
) -> None:
    url, folder, asked = shelf
    minor = make_build(folder, url)
    # Where uv's real archives lie; both times a mirror takes that place, the second time the kit's own server.
    listing = folder / "downloads.json"
    place = "https://github.com/astral-sh/python-build-standalone/releases/download/20260101"
    listing.write_text(
        listing.read_text().replace(f"{url}/build.tar.gz", f"{place}/cpython-{minor}.1%2B20260101.tar.gz")
    )
    (folder / "20260101").mkdir()
    (folder / "build.tar.gz").rename(folder / "20260101" / f"cpython-{minor}.1+20260101.tar.gz")
    names = {"UV_PYTHON_DOWNLOADS_JSON_URL": str(listing), "HOME": str(own_home)}
    store = KitStore(tmp_path / "kit")
    making = here(tmp_path, UV_PYTHON_INSTALL_MIRROR=url, **names)
    piece = interpreter.bring("linux", minor, store, making)
    assert piece.id == f"20260101/cpython-{minor}.1+20260101.tar.gz"
    assert piece.id == interpreter.archive_id("linux", minor, making)
    store.finish(Kit(pieces=(piece,)))
    count = len(asked)
    found = find_kit(str(store.folder), making.machine)
    with KitServer(found.kit, found.identity, found.open_file) as server:
        context = here(tmp_path / "pc", UV_PYTHON_INSTALL_MIRROR=f"{server.url}/python", **names)
        done = python.bring(BringPython(version=minor), context)
    assert Path(done["python"]).is_relative_to(context.tools / "python")
    assert len(asked) == count


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the archive made here is for Linux")
def test_the_python_of_another_system_goes_into_a_kit(
    tmp_path: Path, shelf: tuple[str, Path, list[str]], own_home: Path
) -> None:
    url, folder, _asked = shelf
    minor = make_build(folder, url)
    (folder / "make" / "python" / "python.exe").write_bytes(b"MZ")
    with tarfile.open(folder / "build.tar.gz", "w:gz") as packed:
        packed.add(folder / "make" / "python" / "python.exe", "python/python.exe")
        packed.add(folder / "make" / "python" / "lib", "python/Lib")
    ((_key, entry),) = json.loads((folder / "downloads.json").read_text()).items()
    sha256 = hashlib.sha256((folder / "build.tar.gz").read_bytes()).hexdigest()
    entry |= {"os": "windows", "libc": "none", "arch": {"family": "x86_64", "variant": None}, "sha256": sha256}
    listing = folder / "windows.json"
    listing.write_text(json.dumps({f"cpython-{minor}.1-windows-x86_64-none": entry}))
    context = here(tmp_path, UV_PYTHON_DOWNLOADS_JSON_URL=str(listing), HOME=str(own_home))
    piece = interpreter.bring("windows", minor, KitStore(tmp_path / "kit"), context)
    assert (tmp_path / "kit" / piece.file.path).read_bytes() == (folder / "build.tar.gz").read_bytes()


def test_uv_is_found_beside_us() -> None:
    from sdsetup.machine.real import RealMachine

    assert Path(uv.find(RealMachine({"PATH": os.devnull}))).exists()


def test_uv_that_is_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    from sdsetup.machine.real import RealMachine

    def nowhere() -> str:
        raise FileNotFoundError("uv")

    monkeypatch.setattr("uv.find_uv_bin", nowhere)
    with pytest.raises(SdsetupError) as caught:
        uv.find(RealMachine({"PATH": os.devnull}))
    assert caught.value.code == "uv-missing"


def test_an_archive_that_is_none(tmp_path: Path, shelf: tuple[str, Path, list[str]]) -> None:
    url, folder, _asked = shelf
    archive = folder / "torn.zip"
    archive.write_bytes(b"PK\x03\x04 and then nothing of a zip file")
    context = here(tmp_path)
    with pytest.raises(SdsetupError) as caught:
        mingit.bring(BringGit(archive=file(archive, f"{url}/torn.zip", "x")), context)
    assert caught.value.code == "archive-broken"
    assert not (context.tools / "mingit").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the archive made here is for Linux")
def test_a_python_that_was_brought_and_does_not_run(tmp_path: Path, shelf: tuple[str, Path, list[str]]) -> None:
    """Uv is content with it; whether it runs is asked by us. Of 32 bits it would be as useless."""
    url, folder, _asked = shelf
    minor = make_build(
        folder, url, program=f'[ "$1" = -I ] && [ "$2" = -S ] && exit 1; exec "{sys.executable}" "$@"'
    )
    context = here(tmp_path, UV_PYTHON_DOWNLOADS_JSON_URL=str(folder / "downloads.json"))
    with pytest.raises(SdsetupError) as caught:
        python.bring(BringPython(version=minor), context)
    assert caught.value.code == "python-broken"
    assert f"Python {minor}" in str(caught.value.hint)
