"""The environment: one resolution, staged, whole or not at all, nothing fetched twice. Real uv, real wheels."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from execute.gitlab import Heard, context_for
from execute.package_index import PIP, Index
from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.environment import build, uv
from sdsetup.execute.environment.places import exchange, marker, places, refuse_full_disk
from sdsetup.execute.environment.wheels import LARGE
from sdsetup.values.layout import python_in
from sdsetup.values.plan import BuildEnvironment
from sdsetup.values.tuning import TorchBuild

BIG = LARGE + 2**20


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index(tmp_path / "wheels") as index:
        index.add("pip", "26.3", code=PIP)
        index.add("packaging", "26.3")
        index.add("gradio", "3.41.2", needs="numpy")
        index.add("numpy", "1.26.2")
        index.add("torch", "2.1.2", pad=BIG)
        index.add("torchvision", "0.16.2", needs="torch==2.1.2")
        yield index


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uv, "PAUSES", (0.01, 0.01))


def context(tmp_path: Path, index: Index, heard: Heard | None = None, **env: str) -> Context:
    """An installation folder with the web UI's pins in it; only this index counts."""
    around = {"UV_DEFAULT_INDEX": index.url, "PIP_CONFIG_FILE": os.devnull, "UV_HTTP_RETRIES": "0", **env}
    made = context_for(tmp_path / "web ui", heard, **around)
    made = replace(made, cache=tmp_path / "cache")
    (made.dir / "requirements_versions.txt").write_bytes(b"gradio==3.41.2\r\ntorch\r\n")
    return made


def action(**changes: object) -> BuildEnvironment:
    torch = TorchBuild(
        family="cpu",
        torch="2.1.2",
        torchvision="0.16.2",
        xformers=None,
        index_url=None,
        command="pip install torch==2.1.2 torchvision==0.16.2",
    )
    made = BuildEnvironment(
        python=sys.executable,
        torch=torch,
        requirements="requirements_versions.txt",
        extra=(),
        overrides=(),
        build_constraints=("setuptools<81",),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def second(first: Context, tmp_path: Path) -> Context:
    """Another installation folder on the same machine."""
    other = replace(first, dir=tmp_path / "second")
    other.dir.mkdir()
    (other.dir / "requirements_versions.txt").write_bytes(b"gradio==3.41.2\r\ntorch\r\n")
    return other


def says(python: str | Path, code: str) -> str:
    ended = subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return ended.stdout.strip()


def test_built_whole_then_left_alone(tmp_path: Path, index: Index) -> None:
    heard = Heard()
    here = context(tmp_path, index, heard)
    done = build(action(), here)
    assert done["versions"]["torch"] == "2.1.2"
    assert done["versions"]["gradio"] == "3.41.2"
    assert done["downloaded"] > BIG
    assert says(done["python"], "import sys, torch, gradio, pip; print(sys.prefix)") == str(here.dir / "venv")
    assert max(event.done or 0 for event in heard.events) > BIG
    assert all(event.total == done["downloaded"] for event in heard.events if event.kind == "progress")
    sent = dict(index.sent)
    again = build(action(), here)
    assert again["downloaded"] == 0
    assert index.sent == sent
    assert not list((here.state / "partial").iterdir())


def test_everything_is_compiled_and_the_next_folder_gets_it_from_the_cache(tmp_path: Path, index: Index) -> None:
    here = context(tmp_path, index)
    build(action(), here)
    compiled = list((here.dir / "venv").glob("lib/python3*/site-packages/gradio/__pycache__/__init__.*.pyc"))
    if sys.platform != "win32":
        assert len(compiled) == 1
    sent = dict(index.sent)
    other = second(here, tmp_path)
    done = build(action(), other)
    assert done["downloaded"] == 0
    assert index.sent == sent
    again = list((other.dir / "venv").glob("lib/python3*/site-packages/gradio/__pycache__/__init__.*.pyc"))
    assert [os.stat(path).st_ino for path in again] == [os.stat(path).st_ino for path in compiled]


def test_a_large_wheel_goes_on_where_the_line_broke(tmp_path: Path, index: Index) -> None:
    name = index.wheels["torch"][0].name
    index.break_after[name] = (20 * 2**20, 1)
    here = context(tmp_path, index)
    build(action(), here)
    assert index.sent[name] < BIG + 2 * 2**20, "bytes were fetched twice"
    assert not (tmp_path / "cache" / "wheels" / "x").exists()
    left = list((tmp_path / "cache" / "wheels").rglob("*.whl*"))
    assert not left, "what uv has unpacked is not kept a second time"


def test_an_index_that_tells_no_sizes(tmp_path: Path, index: Index) -> None:
    index.sizes = False
    name = index.wheels["torch"][0].name
    index.break_after[name] = (20 * 2**20, 1)
    done = build(action(), context(tmp_path, index))
    assert index.sent[name] < BIG + 2 * 2**20
    assert done["downloaded"] >= BIG


def test_torch_comes_from_its_own_index_and_nothing_else_does(tmp_path: Path, index: Index) -> None:
    with Index(tmp_path / "torch-wheels") as special:
        special.add("torch", "2.1.2+cu121", needs="numpy", pad=BIG)  # large: it reaches uv through our hands
        special.add("torchvision", "0.16.2+cu121", needs="torch==2.1.2")
        special.add("numpy", "99.0")
        torch = TorchBuild(
            family="cu121",
            torch="2.1.2+cu121",
            torchvision="0.16.2+cu121",
            xformers="0.0.23.post1",
            index_url=special.url,
            command=f"pip install torch==2.1.2+cu121 torchvision==0.16.2+cu121 --index-url {special.url}",
        )
        index.add("xformers", "0.0.23.post1", needs="torch==2.1.2")
        done = build(action(torch=torch), context(tmp_path, index))
        assert done["versions"]["torch"] == "2.1.2+cu121"
        assert done["versions"]["xformers"] == "0.0.23.post1"
        sent = dict(special.sent)
        again = build(action(torch=torch), second(context(tmp_path, index), tmp_path))
        assert again["downloaded"] == 0
        assert special.sent == sent
        assert says(done["python"], "import importlib.metadata as m; print(m.version('numpy'))") == "1.26.2"


def test_what_only_torchs_index_has_is_found_there(tmp_path: Path, index: Index) -> None:
    with Index(tmp_path / "torch-wheels") as special:
        special.add("torch", "2.2.2+rocm5.7", needs="pytorch-triton-rocm==2.2.0")
        special.add("pytorch-triton-rocm", "2.2.0")
        torch = TorchBuild(
            family="rocm",
            torch="2.2.2+rocm5.7",
            torchvision="",
            xformers=None,
            index_url=special.url,
            command=f"pip install torch==2.2.2+rocm5.7 --index-url {special.url}",
            packages=("torch==2.2.2+rocm5.7",),
        )
        done = build(action(torch=torch), context(tmp_path, index))
        assert says(done["python"], "import pytorch_triton_rocm") == ""


def test_a_build_by_address_and_an_index_beside_the_ordinary_one(tmp_path: Path, index: Index) -> None:
    """As Intel's extension is had: wheels by their address on Windows, an index of its own on Linux."""
    with Index(tmp_path / "intel-wheels") as special:
        wheel = special.add("torch", "2.0.0a0+git1")
        special.add("intel-extension", "2.0.110+git2")
        address = f"{special.url.removesuffix('/simple')}/files/{wheel.name.replace('+', '%2B')}"
        torch = TorchBuild(
            family="ipex",
            torch="2.0.0a0+git1",
            torchvision="",
            xformers=None,
            index_url=None,
            command=f"pip install {address} intel-extension --extra-index-url {special.url}",
            packages=(address, "intel-extension==2.0.110+git2"),
        )
        done = build(action(torch=torch), context(tmp_path, index))
        assert says(done["python"], "import torch, intel_extension") == ""
        assert build(action(torch=torch), context(tmp_path, index))["kept"] is None, "it was whole, and left alone"


def test_another_torch_replaces_and_the_former_comes_back(tmp_path: Path, index: Index) -> None:
    here = context(tmp_path, index)
    build(action(), here)
    index.add("torch", "2.7.0")
    index.add("torchvision", "0.22.0")
    newer = TorchBuild(
        family="n",
        torch="2.7.0",
        torchvision="0.22.0",
        xformers=None,
        index_url=None,
        command="pip install torch==2.7.0 torchvision==0.22.0",
    )
    done = build(action(torch=newer), here)
    version = "import importlib.metadata as m; print(m.version('torch'))"
    assert says(done["python"], version) == "2.7.0"
    assert done["kept"] == str(here.state / "former" / "venv")
    newer_one = exchange(Path(done["kept"]), here)
    assert says(done["python"], version) == "2.1.2"
    assert newer_one is not None
    exchange(Path(newer_one), here)
    assert says(done["python"], version) == "2.7.0"


def test_no_environment_is_deleted_whoever_made_it(tmp_path: Path, index: Index) -> None:
    here = context(tmp_path, index)
    former = here.state / "former"
    mine = here.dir / "venv"
    (mine / "lib").mkdir(parents=True)
    (mine / "lib" / "mine.py").write_text("mine")
    assert build(action(), here)["kept"] == str(former / "venv")
    assert marker(mine)
    (mine / "added-by-an-extension").write_text("mine")
    (mine / "pyvenv.cfg").write_text("home = /mnt/drive-that-is-not-plugged-in\n")
    for program in (mine / "bin").glob("python*"):
        program.unlink()
    assert build(action(), here)["kept"] == str(former / "venv-2")
    (mine / ".sdsetup-environment.json").unlink()  # as if the web UI itself had made it
    assert build(action(), here)["kept"] == str(former / "venv-3")
    assert (former / "venv" / "lib" / "mine.py").read_text() == "mine"
    assert (former / "venv-2" / "added-by-an-extension").read_text() == "mine"
    assert (former / "venv-3" / "pyvenv.cfg").is_file()


def test_a_package_that_vanished_is_noticed(tmp_path: Path, index: Index) -> None:
    here = context(tmp_path, index)
    done = build(action(), here)
    where = Path(says(done["python"], "import gradio; print(gradio.__path__[0])"))
    for part in where.parent.glob("gradio-*.dist-info"):
        part.rename(part.with_name("gone"))
    build(action(), here)
    assert says(done["python"], "import importlib.metadata as m; print(m.version('gradio'))") == "3.41.2"


def in_place(path: Path, content: bytes) -> None:
    """As a program that writes into a file, or a drive that forgets: name and inode stay."""
    with path.open("r+b") as file:
        file.write(content)


def part_of(done: dict[str, object], package: str) -> Path:
    where = says(str(done["python"]), f"import {package}; print({package}.__path__[0])")
    return Path(where) / "__init__.py"


@pytest.mark.parametrize("package", ["gradio", "torch"])  # a small one, and one that we fetch ourselves
def test_what_was_damaged_in_one_environment_does_not_come_back_with_the_next(
    tmp_path: Path, index: Index, package: str
) -> None:
    heard = Heard()
    here = context(tmp_path, index, heard)
    damaged = part_of(build(action(), here), package)
    right = damaged.read_bytes()
    in_place(damaged, b"?" * 5)
    done = build(action(), second(here, tmp_path))
    assert part_of(done, package).read_bytes() == right
    assert any("Damaged in the package cache" in note and package in note for note in heard.notes)
    assert done["downloaded"] > 0
    third = replace(here, dir=tmp_path / "third")
    third.dir.mkdir()
    (third.dir / "requirements_versions.txt").write_bytes(b"gradio==3.41.2\r\ntorch\r\n")
    assert build(action(), third)["downloaded"] == 0, "the damaged one is out of the cache"


def test_a_file_that_was_cut_is_made_good(tmp_path: Path, index: Index) -> None:
    here = context(tmp_path, index)
    damaged = part_of(build(action(), here), "gradio")
    right = damaged.read_bytes()
    os.truncate(damaged, 2)
    done = build(action(), here)
    assert part_of(done, "gradio").read_bytes() == right
    sent = dict(index.sent)
    damaged.rename(damaged.with_name("gone"))
    done = build(action(), here)
    assert part_of(done, "gradio").read_bytes() == right
    assert index.sent == sent


def test_a_package_whose_record_never_fitted_is_taken_as_it_is(tmp_path: Path, index: Index) -> None:
    """Some are repacked by hand. Fetched anew once at most, then believed."""
    with_other_record(index.wheels["gradio"][0])
    here = context(tmp_path, index)
    done = build(action(), here)
    code = part_of(done, "gradio").read_bytes()
    build(action(), here)
    sent = dict(index.sent)
    assert build(action(), here)["downloaded"] == 0
    done = build(action(), second(here, tmp_path))
    assert part_of(done, "gradio").read_bytes() == code
    assert index.sent == sent


def with_other_record(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as old:
        files = {name: old.read(name) for name in old.namelist()}
    wheel.unlink()
    with zipfile.ZipFile(wheel, "w") as new:
        for name, content in files.items():
            extra = b"z = 1\n" if name.endswith("gradio/__init__.py") else b""
            new.writestr(name, content + extra)


def test_no_version_fits(tmp_path: Path, index: Index) -> None:
    here = context(tmp_path, index)
    with pytest.raises(SdsetupError) as caught:
        build(action(extra=("torch==9.9",)), here)
    assert caught.value.code == "no-matching-package"
    assert not (here.dir / "venv").exists()


def test_nobody_answers(tmp_path: Path, index: Index) -> None:
    heard = Heard()
    here = context(tmp_path, index, heard, UV_DEFAULT_INDEX="http://127.0.0.1:9/simple")
    with pytest.raises(SdsetupError) as caught:
        build(action(), here)
    assert caught.value.code == "connection-broken"
    assert sum("Trying again" in note for note in heard.notes) >= 2


def test_without_the_index_the_cache_is_enough(tmp_path: Path, index: Index) -> None:
    here = context(tmp_path, index)
    build(action(), here)
    heard = Heard()
    other = replace(second(here, tmp_path), listen=heard)
    long_ago = time.time() - 30 * 86400
    for path in (tmp_path / "cache" / "resolutions").iterdir():
        os.utime(path, (long_ago, long_ago))
    index.down = True
    done = build(action(), other)
    assert done["downloaded"] == 0
    assert any("reach the package index" in note for note in heard.notes)


@pytest.mark.parametrize("package", ["gradio", "torch"])
def test_a_wheel_that_was_changed_on_the_way_is_refused(tmp_path: Path, index: Index, package: str) -> None:
    here = context(tmp_path, index)
    build(action(), here)
    lock = here.state / "environment" / "pylock.toml"
    text = lock.read_text()
    wheel = index.wheels[package][0]
    import hashlib

    right = hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert right in text
    lock.write_text(text.replace(right, "0" * 64))
    with pytest.raises(SdsetupError) as caught:
        build(action(), replace(here, cache=tmp_path / "other"))
    assert caught.value.code == "package-changed"


@pytest.mark.parametrize("left", [b"", b"lock-version = '1.0'", b"\xff\xfe", None])
def test_a_torn_lock_is_asked_for_again(tmp_path: Path, index: Index, left: bytes | None) -> None:
    here = context(tmp_path, index)
    build(action(), here)
    lock = here.state / "environment" / "pylock.toml"
    whole = lock.read_bytes()
    torn = whole[: len(whole) // 2] if left is None else left
    for path in (lock, *(tmp_path / "cache" / "resolutions").iterdir()):
        path.write_bytes(torn)
    assert build(action(), here)["downloaded"] == 0
    assert lock.read_bytes() == whole


def test_room_is_asked_for_before_the_first_byte(tmp_path: Path, index: Index) -> None:
    where = places(context(tmp_path, index))
    refuse_full_disk(where, 0, 0)
    with pytest.raises(SdsetupError) as caught:
        refuse_full_disk(where, 10**17, 10**17)
    assert caught.value.code == "disk-full"
    assert "GB free" in str(caught.value)


def test_a_file_where_the_environment_should_be(tmp_path: Path, index: Index) -> None:
    here = context(tmp_path, index)
    (here.state / "partial").write_text("a file, not a folder")
    with pytest.raises(SdsetupError) as caught:
        build(action(), here)
    assert caught.value.code == "file-trouble"
    assert caught.value.hint is not None


def test_a_python_that_does_not_start(tmp_path: Path, index: Index) -> None:
    with pytest.raises(SdsetupError) as caught:
        build(action(python=str(tmp_path / "no-python")), context(tmp_path, index))
    assert caught.value.hint is not None


KILLED = """
import sys, pathlib, dataclasses
sys.path[:0] = {paths!r}
from execute.test_environment import action, context
from execute.package_index import Index
class Here:
    url = {url!r}
from sdsetup.execute.environment import build
build(action(), context(pathlib.Path({folder!r}), Here()))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_killed_at_any_moment_then_whole_and_no_byte_twice(tmp_path: Path, index: Index) -> None:
    paths = [str(Path(__file__).parents[2] / "src"), str(Path(__file__).parents[1])]
    code = KILLED.format(paths=paths, url=index.url, folder=str(tmp_path))
    venv = tmp_path / "web ui" / "venv"
    name = index.wheels["torch"][0].name
    for moment in (0.4, 0.9, 1.3, 1.8):
        child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
        time.sleep(moment)
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert not venv.exists() or marker(venv), "half an environment in its place"
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=100)
    assert done.returncode == 0
    assert says(python_in(venv, "linux"), "import torch, gradio; print('whole')") == "whole"
    assert index.sent[name] < 1.7 * BIG
