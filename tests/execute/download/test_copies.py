"""The file you already have: found by size, proved by hash, used instead of a download."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from download_bench import CONTENT, SIZE, Bench
from faulty_hub import drop, status, whole

from sdsetup.errors import SdsetupError
from sdsetup.execute.download.reuse import find_copies, place_copy
from sdsetup.values.plan import Source


@pytest.fixture(autouse=True)
def served(bench: Bench) -> None:
    bench.hub.answer("/file", whole)


def lay(path: Path, data: bytes = CONTENT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def get(bench: Bench):
    return bench.get(look_for_copies=True, smallest_copy=0)


PLACES = [
    "home/stable-diffusion-webui/models/Stable-diffusion/some.safetensors",
    "home/stable-diffusion-webui-forge/models/Stable-diffusion/xl/deep/some.safetensors",
    "home/Documents/ComfyUI/models/checkpoints/some.safetensors",
    "home/ComfyUI_windows_portable/ComfyUI/models/checkpoints/some.safetensors",
    "home/StabilityMatrix/Data/Models/StableDiffusion/some.safetensors",
    "home/EasyDiffusion/models/stable-diffusion/some.safetensors",
    "home/invokeai/models/sd-1/main/some.safetensors",
    "home/Downloads/some (1).safetensors",
    "ComfyUI/models/checkpoints/beside-the-installation.safetensors",
    "D/models/Stable-diffusion/under-another-name.safetensors",
]


@pytest.mark.parametrize("place", PLACES, ids=[place.split("/")[1] for place in PLACES])
def test_it_is_found_where_programs_keep_it(bench: Bench, place: str) -> None:
    found = lay(bench.folder / place)
    fetched = get(bench)
    assert fetched.reused_from == found
    assert fetched.transferred_bytes == 0
    assert bench.right()
    assert bench.hub.requests == []
    assert os.path.samefile(found, bench.target), "a hard link on the same drive"
    assert found.read_bytes() == CONTENT


@pytest.mark.parametrize("named_by", ["HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", None])
def test_the_hubs_own_cache(bench: Bench, named_by: str | None) -> None:
    cache = bench.folder / "cache-of-the-hub"
    hub = {"HF_HUB_CACHE": cache, "HF_HOME": cache / "hub", "XDG_CACHE_HOME": cache / "huggingface" / "hub"}.get(
        named_by, bench.folder / "home" / ".cache" / "huggingface" / "hub"
    )
    if named_by:
        bench.env[named_by] = str(cache)
    blob = lay(hub / "models--org--name" / "blobs" / bench.file().sha256)
    snapshot = hub / "models--org--name" / "snapshots" / "abc" / "model.bin"
    snapshot.parent.mkdir(parents=True)
    with suppress(OSError):  # Windows without the right to make links: the cache has the file alone
        snapshot.symlink_to(blob)
    assert get(bench).reused_from == blob.resolve()
    assert bench.hub.requests == []


def test_a_damaged_copy_is_left_alone(bench: Bench) -> None:
    damaged = lay(bench.folder / "home/Downloads/model.bin", CONTENT[:-1] + b"?")
    assert get(bench).reused_from is None
    assert bench.right()
    assert damaged.read_bytes().endswith(b"?")
    assert bench.hub.served == SIZE


def test_a_copy_of_another_size_is_not_even_read(bench: Bench) -> None:
    other = lay(bench.folder / "home/Downloads/model.bin", CONTENT + b"?")
    assert find_copies(bench.file(), bench.target, bench.context()) == []
    assert other.exists()


def test_the_likeliest_name_comes_first(bench: Bench) -> None:
    lay(bench.folder / "home/Downloads/a.bin")
    named = lay(bench.folder / "home/Downloads/the-real-name.bin")
    file = bench.file(Source(hub="org/name", revision="main", file="sub/the-real-name.bin"))
    assert find_copies(file, bench.target, bench.context())[0] == named


def test_two_names_of_one_file_are_one_candidate(bench: Bench) -> None:
    first = lay(bench.folder / "home/Downloads/a.bin")
    os.link(first, first.with_name("b.bin"))
    assert len(find_copies(bench.file(), bench.target, bench.context())) == 1


def test_a_search_in_folders_that_cannot_be_read(bench: Bench) -> None:
    (bench.folder / "home").mkdir()
    (bench.folder / "home" / "Downloads").write_text("a file, not a folder")
    bench.env["HF_HOME"] = "\0"
    assert get(bench).reused_from is None
    assert bench.right()


def test_another_file_of_the_targets_name_is_kept(bench: Bench) -> None:
    lay(bench.target, b"the person's own")
    lay(bench.folder / "home/Downloads/model.bin")
    get(bench)
    assert bench.right()
    assert bench.target.with_name("model.kept.bin").read_bytes() == b"the person's own"


def test_an_unfinished_download_is_tidied_away(bench: Bench) -> None:
    bench.hub.answer("/file", drop(1000), status(404))
    with pytest.raises(SdsetupError):
        bench.get()
    lay(bench.folder / "home/Downloads/model.bin")
    get(bench)
    assert [path.name for path in bench.target.parent.iterdir()] == ["model.bin"]


def test_without_a_link_it_is_copied_and_hashed_on_the_way(bench: Bench) -> None:
    source = lay(bench.folder / "source.bin")
    bench.target.parent.mkdir(parents=True)
    sha256 = bench.file().sha256
    assert place_copy(source, bench.target, sha256=sha256, context=bench.context(), link=False)
    assert bench.right()
    assert not os.path.samefile(source, bench.target)
    bench.target.unlink()
    assert not place_copy(source, bench.target, sha256="0" * 64, context=bench.context(), link=False)
    assert list(bench.target.parent.iterdir()) == []


def test_no_search_when_it_is_not_wanted(bench: Bench) -> None:
    lay(bench.folder / "home/Downloads/model.bin")
    assert bench.get(look_for_copies=False).transferred_bytes == SIZE
    bench.target.unlink()
    assert bench.get(look_for_copies=True).transferred_bytes == SIZE, "too small to be worth a search"
