"""What lies on the disk before, and what the disk refuses: nothing is lost, every cause is named."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from download_bench import CONTENT, SIZE, Bench
from faulty_hub import drop, flipped, status, trickle, whole

from sdsetup.errors import SdsetupError
from sdsetup.execute.download.preflight import linux_filesystem

HALF = SIZE // 2


@pytest.fixture(autouse=True)
def served(bench: Bench) -> None:
    bench.hub.answer("/file", whole)


def refused(bench: Bench, **options: object) -> SdsetupError:
    with pytest.raises(SdsetupError) as caught:
        bench.get(**options)
    return caught.value


# What is there already.


def test_the_right_file_costs_no_request(bench: Bench) -> None:
    bench.target.parent.mkdir(parents=True)
    bench.target.write_bytes(CONTENT)
    assert bench.get().transferred_bytes == 0
    assert bench.hub.requests == []


def test_a_link_to_the_right_file_is_left_as_it_is(bench: Bench) -> None:
    bench.target.parent.mkdir(parents=True)
    elsewhere = bench.folder / "elsewhere.bin"
    elsewhere.write_bytes(CONTENT)
    try:
        bench.target.symlink_to(elsewhere)
    except OSError:
        pytest.skip("this account may not make links")
    bench.get()
    assert bench.hub.requests == []
    assert bench.target.is_symlink()


def test_a_link_into_nowhere_is_kept_aside(bench: Bench) -> None:
    bench.target.parent.mkdir(parents=True)
    try:
        bench.target.symlink_to(bench.folder / "nowhere")
    except OSError:
        pytest.skip("this account may not make links")
    bench.get()
    assert bench.right()
    assert not bench.target.is_symlink()
    assert not (bench.folder / "nowhere").exists(), "nothing was written through the link"


def test_another_file_of_that_name_is_kept_until_the_new_one_is_proved(bench: Bench) -> None:
    bench.target.parent.mkdir(parents=True)
    bench.target.write_bytes(b"the person's own")
    bench.hub.answer("/file", flipped(5))
    refused(bench)
    assert bench.target.read_bytes() == b"the person's own"
    bench.hub.answer("/file", whole)
    bench.get()
    assert bench.right()
    assert bench.target.with_name("model.kept.bin").read_bytes() == b"the person's own"
    assert "model.kept.bin" in bench.notes


def test_a_second_kept_file_does_not_replace_the_first(bench: Bench) -> None:
    for own in (b"first", b"second"):
        bench.target.parent.mkdir(parents=True, exist_ok=True)
        bench.target.unlink(missing_ok=True)
        bench.target.write_bytes(own)
        bench.get()
    assert bench.target.with_name("model.kept.bin").read_bytes() == b"first"
    assert bench.target.with_name("model.kept-2.bin").read_bytes() == b"second"


def test_a_read_only_file_of_that_name(bench: Bench) -> None:
    bench.target.parent.mkdir(parents=True)
    bench.target.write_bytes(b"old")
    bench.target.chmod(0o444)
    bench.get()
    assert bench.right()
    assert bench.target.with_name("model.kept.bin").read_bytes() == b"old"


def test_a_folder_of_that_name(bench: Bench) -> None:
    bench.target.mkdir(parents=True)
    assert refused(bench).code == "target-in-the-way"
    assert bench.hub.requests == []


def test_a_file_where_the_folder_should_be(bench: Bench) -> None:
    bench.target.parent.parent.mkdir(parents=True)
    bench.target.parent.write_bytes(b"a file named models")
    assert refused(bench).code == "target-in-the-way"
    assert bench.target.parent.read_bytes() == b"a file named models"


@pytest.mark.parametrize("save_as", ["../outside.bin", "/tmp/x.bin", "C:/x.bin", "models/../../x", "..\\x", ""])
def test_nothing_is_written_outside_the_folder(bench: Bench, save_as: str) -> None:
    bench.save_as = save_as
    assert refused(bench).code == "target-outside"
    assert bench.hub.requests == []


@pytest.mark.parametrize(
    "name", ["models/модель 模型 é.bin", "models/with space & % ! ^ (1)/[x].bin", "a/b/c/d/e.bin"]
)
def test_names_of_all_kinds(bench: Bench, name: str) -> None:
    bench.save_as = name
    bench.hub.answer("/file", drop(HALF), whole)
    bench.get()
    assert bench.right()


def test_a_name_too_long_for_the_system(bench: Bench) -> None:
    bench.save_as = "models/" + "x" * 252 + ".bin"
    assert refused(bench).code == "path-too-long"


def test_a_relative_folder(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bench.folder)
    bench.folder = Path()
    bench.get()
    assert bench.right()


def test_a_damaged_file_of_that_name_is_kept_and_stays_kept(bench: Bench) -> None:
    bench.save_as = "models/model.safetensors"
    bench.target.parent.mkdir(parents=True)
    bench.target.write_bytes(b"<html>an earlier mishap</html>")
    bench.get()
    old = bench.target.with_name("model.safetensors.old")
    assert old.read_bytes().startswith(b"<html>")
    bench.target.unlink()
    bench.hub.answer("/file", flipped(3))
    refused(bench)  # its wrong bytes must not take the kept file's name
    assert old.read_bytes().startswith(b"<html>")
    assert bench.bad.stat().st_size == SIZE


@pytest.mark.parametrize("name", ["models/CON", "nul.txt", "models/a:b", "dot.", ".git/config", ".sdsetup/x"])
def test_names_that_one_of_the_systems_cannot_have(bench: Bench, name: str) -> None:
    bench.save_as = name
    assert refused(bench).code == "bad-file-name"
    assert bench.hub.requests == []


# What an earlier run left.


def test_an_earlier_runs_bytes_are_not_fetched_again(bench: Bench) -> None:
    bench.hub.answer("/file", drop(HALF), status(404))
    refused(bench)
    bench.hub.answer("/file", whole)
    fetched = bench.get()
    assert bench.right()
    assert (fetched.resumed_from, fetched.transferred_bytes) == (HALF, SIZE - HALF)
    assert bench.hub.served == SIZE


def test_the_sidecar_is_there_before_the_first_byte(bench: Bench) -> None:
    seen: list[tuple[bool, int]] = []

    def act(exchange) -> None:
        start = exchange.usual_head()
        exchange.body(exchange.content[start : start + 1])
        for _ in range(500):
            if bench.part.exists() and bench.part.stat().st_size:
                break
            threading.Event().wait(0.01)
        sidecar = bench.part.with_name(bench.part.name + ".json")
        seen.append(
            (sidecar.exists() and json.loads(sidecar.read_text())["etag"] == '"v1"', bench.part.stat().st_size)
        )
        exchange.body(exchange.content[start + 1 :])

    bench.hub.answer("/file", act)
    bench.get()
    assert seen == [(True, 1)]


def test_a_whole_part_that_only_lacked_its_name_costs_no_request(bench: Bench) -> None:
    bench.put_part(CONTENT)
    bench.get()
    assert bench.right()
    assert bench.hub.requests == []


def test_a_part_longer_than_the_file(bench: Bench) -> None:
    bench.put_part(CONTENT + b"x")
    bench.get()
    assert bench.right()


def test_a_part_of_the_right_size_full_of_rubbish(bench: Bench) -> None:
    bench.put_part(bytes(SIZE))
    bench.get()
    assert bench.right()
    assert bench.hub.served == SIZE
    assert not bench.bad.exists(), "what an earlier run left is not blamed on the server"


def test_a_half_part_of_rubbish_costs_one_start_from_zero(bench: Bench) -> None:
    bench.put_part(bytes(HALF))
    bench.get()
    assert bench.right()
    assert [request.start for request in bench.hub.requests] == [HALF, 0]


def test_a_part_of_another_file_is_not_continued(bench: Bench) -> None:
    bench.put_part(bytes(HALF))
    bench.part.with_name(bench.part.name + ".json").write_text(
        json.dumps({"schema": "sdsetup.part/1", "sha256": "0" * 64, "size": 5, "marks": []})
    )
    bench.get()
    assert bench.right()
    assert [request.start for request in bench.hub.requests] == [0]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"schema": "sdsetup.part/1", "marks": [1, ["a"], [5, 6]]}', "\x00"]
)
def test_a_damaged_sidecar_does_no_harm(bench: Bench, text: str) -> None:
    bench.put_part(CONTENT[:HALF])
    bench.part.with_name(bench.part.name + ".json").write_text(text)
    bench.get()
    assert bench.right()


def test_a_byte_that_flips_on_the_disk_costs_only_the_piece_it_is_in(bench: Bench) -> None:
    bench.hub.answer("/file", drop(1_400_000), status(404))
    refused(bench)
    marks = [mark[0] for mark in json.loads(bench.part.with_name(bench.part.name + ".json").read_text())["marks"]]
    assert len(marks) >= 3
    with bench.part.open("r+b") as part:
        part.seek(marks[1] + 10)
        part.write(b"\x00\x01")
    bench.hub.answer("/file", whole)
    bench.get()
    assert bench.right()
    assert "damaged on the disk" in bench.notes
    # From the last good checkpoint on, and perhaps what was already under way when the damage was met.
    assert bench.hub.requests[-1].start == marks[1]
    assert bench.hub.served <= 1_400_000 + (SIZE - marks[1]) + (SIZE - 1_400_000)


def test_a_link_in_the_parts_place_is_not_written_through(bench: Bench) -> None:
    bench.part.parent.mkdir(parents=True)
    treasure = bench.folder / "treasure"
    treasure.write_bytes(b"mine")
    try:
        bench.part.symlink_to(treasure)
    except OSError:
        pytest.skip("this account may not make links")
    bench.get()
    assert bench.right()
    assert treasure.read_bytes() == b"mine"


# What the disk refuses.


@pytest.fixture
def mounted(bench: Bench) -> Iterator[object]:
    """A small file system of its own below the bench; needs root on Linux."""
    points: list[Path] = []

    def mount(options: str) -> None:
        point = bench.folder / "D" / "models"
        point.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(point)], capture_output=True)
        if done.returncode:
            pytest.skip("cannot mount a small drive here")
        points.append(point)

    if sys.platform != "linux":
        pytest.skip("mounts a small drive: Linux only")
    yield mount
    for point in points:
        subprocess.run(["umount", str(point)], check=True)


def test_too_little_room_is_seen_before_the_first_byte(bench: Bench, mounted) -> None:
    mounted("size=1m")
    error = refused(bench)
    assert error.code == "disk-full"
    assert "1.50 MB needed, 1.05 MB free" in str(error.message)
    assert bench.hub.requests == []


def test_a_margin_is_left_free(bench: Bench) -> None:
    error = refused(bench, margin_bytes=10**15)
    assert error.code == "disk-full"
    assert bench.hub.requests == []


def test_the_part_counts_as_room_that_is_had(bench: Bench, mounted) -> None:
    mounted("size=2m")
    bench.put_part(CONTENT[:1_200_000])
    bench.get()
    assert bench.right()


def test_a_drive_that_fills_up_under_way(bench: Bench, mounted) -> None:
    mounted("size=2m")

    def act(exchange) -> None:
        start = exchange.usual_head()
        exchange.body(exchange.content[start : start + 100_000])
        for _ in range(500):
            if bench.part.stat().st_size >= 100_000:
                break
            threading.Event().wait(0.01)
        (bench.target.parent / "greedy").write_bytes(bytes(1_500_000))
        exchange.body(exchange.content[start + 100_000 :])

    bench.hub.answer("/file", act, whole)
    error = refused(bench)
    assert error.code == "disk-full"
    assert "kept in model.bin.part" in str(error.message)
    kept = bench.part.stat().st_size
    assert 100_000 <= kept < SIZE
    (bench.target.parent / "greedy").unlink()
    assert bench.get().resumed_from == kept
    assert bench.right()


def test_a_folder_that_cannot_be_written(bench: Bench, mounted) -> None:
    mounted("size=4m,ro")
    assert refused(bench).code == "not-writable"
    assert bench.hub.requests == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write(bench: Bench) -> None:
    bench.target.parent.mkdir(parents=True)
    bench.target.parent.chmod(0o555)
    try:
        assert refused(bench).code == "not-writable"
    finally:
        bench.target.parent.chmod(0o755)


FAT = "36 29 8:1 / / rw - ext4 /dev/a rw\n50 36 8:2 / {point} rw - vfat /dev/b rw\n"


@pytest.mark.parametrize(
    ("mountinfo", "kind"),
    [
        (FAT, "vfat"),
        (FAT + "51 50 8:3 / {point} rw shared:1 - ext4 /dev/c rw\n", "ext4"),
        ("36 29 8:1 / / rw - ext4 /dev/a rw\n50 36 8:2 / {point}x rw - vfat /dev/b rw\n", "ext4"),
        ("", None),
        ("rubbish\n - \n", None),
    ],
    ids=["fat", "covered-by-a-later-mount", "a-neighbour", "nothing", "rubbish"],
)
def test_the_file_system_of_a_folder(tmp_path: Path, mountinfo: str, kind: str | None) -> None:
    point = tmp_path / "a stick"
    (point / "D").mkdir(parents=True)
    said = mountinfo.format(point=str(point).replace(" ", "\\040"))
    assert linux_filesystem(point / "D", said) == kind


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux' list of mounts")
def test_fat32_cannot_hold_the_large_models(bench: Bench) -> None:
    from dataclasses import replace

    from sdsetup.execute.download import fetch

    class Stick(type(bench.context().machine)):  # this computer, but for its list of mounts
        def read_text(self, path, limit=1_000_000):
            if str(path) == "/proc/self/mountinfo":
                return "36 29 8:1 / / rw - vfat /dev/a rw\n"
            return super().read_text(path, limit)

    context = replace(bench.context(), machine=Stick({}))
    with pytest.raises(SdsetupError) as caught:
        fetch(replace(bench.file(), size=2**32), context, options=bench.options)
    assert caught.value.code == "file-too-large-for-drive"
    assert bench.hub.requests == []
    fetch(bench.file(), context, options=bench.options)  # a small one fits
    assert bench.right()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits")
def test_a_limit_on_file_sizes_is_seen_before_the_first_byte(bench: Bench) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        assert refused(bench).code == "file-too-large-for-drive"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert bench.hub.requests == []


def test_errors_of_the_disk_are_told_apart(tmp_path: Path) -> None:
    from sdsetup.execute.download.problems import disk_problem

    target = tmp_path / "x.bin"
    codes = {
        number: disk_problem(OSError(number, os.strerror(number)), target, kept=7, size=10).code
        for number in (errno.ENOSPC, errno.EFBIG, errno.EACCES, errno.EROFS, errno.ENAMETOOLONG, errno.EIO)
    }
    assert list(codes.values()) == [
        "disk-full", "file-too-large-for-drive", "not-writable", "not-writable", "path-too-long", "disk-fault",
    ]  # fmt: skip


# Two at once.


def test_a_second_run_waits_and_shares_the_result(bench: Bench) -> None:
    bench.hub.answer("/file", trickle(block=50_000, pause=0.02))
    results: list[object] = []
    runs = [threading.Thread(target=lambda: results.append(bench.get())) for _ in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(results) == 3
    assert bench.right()
    assert len(bench.hub.requests) == 1
    assert bench.hub.served == SIZE
    assert "Waiting" in bench.notes


@pytest.mark.skipif(sys.platform != "linux", reason="watches system calls with strace")
def test_flushed_before_renamed_before_the_folder_is_flushed(bench: Bench) -> None:
    import shutil

    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    trace = bench.folder / "trace"
    script = Path(__file__).parent / "fetch_once.py"
    done = subprocess.run(
        ["strace", "-f", "-y", "-e", "trace=fsync,rename,renameat,renameat2", "-o", str(trace),
         sys.executable, str(script), bench.hub.url + "/file", str(SIZE), bench.file().sha256, str(bench.folder)],
        capture_output=True, text=True,
    )  # fmt: skip
    if "ptrace" in done.stderr:
        pytest.skip("may not trace here")
    assert done.returncode == 0, done.stderr
    calls = [line for line in trace.read_text().splitlines() if "model.bin" in line or "/models>" in line]
    flush = next(n for n, line in enumerate(calls) if "fsync" in line and "model.bin.part>" in line)
    rename = next(n for n, line in enumerate(calls) if "rename" in line and 'model.bin"' in line)
    folder = next(n for n, line in enumerate(calls) if "fsync" in line and "/models>" in line)
    assert flush < rename < folder
