"""Bytecode kept and given back: only where the source is the very same."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from sdsetup.execute.environment.bytecode import BytecodeStore, compilers

TAG = str(sys.implementation.cache_tag)


def packages(folder: Path, **sources: str) -> Path:
    """A site-packages folder with one package `one`: its modules, and a RECORD of them."""
    for name, code in sources.items():
        path = folder / "one" / name.replace("__", "/")
        path = path.with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)
        os.utime(path, (1_700_000_000, 1_700_000_000))
    info = folder / "one-1.0.dist-info"
    info.mkdir()
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.py"))
    (info / "RECORD").write_text("".join(f"{name},,\n" for name in names))
    return folder


def compiled(folder: Path, store: BytecodeStore) -> list[str]:
    """Restore, compile the rest, keep; the names that had to be compiled."""
    rest = store.restore(folder)
    if rest:
        for argv in compilers(Path(sys.executable), rest, folder.parent, 2):
            subprocess.run(argv, check=False, timeout=60)
        store.keep(folder)
    return sorted(path.relative_to(folder).as_posix() for path in rest)


def test_the_second_folder_needs_no_compiler(tmp_path: Path) -> None:
    store = BytecodeStore(cache=tmp_path / "cache", tag=TAG)
    sources = {"a": "x = 1\n", "sub__b": "y = 2\n", "tests__c": "z = 3\n"}
    assert compiled(packages(tmp_path / "first", **sources), store) == ["one/a.py", "one/sub/b.py"]
    assert compiled(packages(tmp_path / "second", **sources), store) == []
    pyc = f"one/__pycache__/a.{TAG}.pyc"
    assert os.stat(tmp_path / "first" / pyc).st_ino == os.stat(tmp_path / "second" / pyc).st_ino
    ended = subprocess.run(
        [sys.executable, "-v", "-c", "import one.a"],
        cwd=tmp_path / "second",
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"matches {tmp_path / 'second' / 'one' / 'a.py'}" in ended.stderr or "code object from" in ended.stderr


def test_another_source_is_compiled_again(tmp_path: Path) -> None:
    store = BytecodeStore(cache=tmp_path / "cache", tag=TAG)
    compiled(packages(tmp_path / "first", a="x = 1\n"), store)
    second = packages(tmp_path / "second", a="x = 1\n")
    os.utime(second / "one" / "a.py", (1_700_000_001, 1_700_000_001))
    assert compiled(second, store) == ["one/a.py"]
    third = packages(tmp_path / "third", a="x = 22\n")
    assert compiled(third, store) == ["one/a.py"]


def test_what_no_start_imports_is_left_for_later(tmp_path: Path) -> None:
    store = BytecodeStore(cache=tmp_path / "cache", tag=TAG, later=("one/sub",))
    folder = packages(tmp_path / "first", a="x = 1\n", sub__b="y = 2\n", subtle="z = 3\n")
    assert compiled(folder, store) == ["one/a.py", "one/subtle.py"]
    subprocess.run([sys.executable, "-c", "import one.sub.b"], cwd=folder, check=True, timeout=60)


def test_code_that_cannot_be_compiled_is_passed_over(tmp_path: Path) -> None:
    store = BytecodeStore(cache=tmp_path / "cache", tag=TAG)
    folder = packages(tmp_path / "first", a="x = 1\n", template="{{ not python }\n")
    compiled(folder, store)
    assert (folder / f"one/__pycache__/a.{TAG}.pyc").exists()


def test_what_nobody_used_for_long_goes(tmp_path: Path) -> None:
    store = BytecodeStore(cache=tmp_path / "cache", tag=TAG)
    compiled(packages(tmp_path / "first", a="x = 1\n"), store)
    (kept,) = store.folder.iterdir()
    long_ago = time.time() - 100 * 86400
    os.utime(kept, (long_ago, long_ago))
    second = packages(tmp_path / "second", b="y = 1\n")
    compiled(second, store)
    assert not kept.exists()
    assert len(list(store.folder.iterdir())) == 1


def test_a_torn_store_is_no_trouble(tmp_path: Path) -> None:
    store = BytecodeStore(cache=tmp_path / "cache", tag=TAG)
    compiled(packages(tmp_path / "first", a="x = 1\n"), store)
    for pyc in store.folder.rglob("*.pyc"):
        pyc.unlink()
        pyc.write_bytes(b"torn")
    assert compiled(packages(tmp_path / "second", a="x = 1\n"), store) == ["one/a.py"]


def test_what_was_damaged_in_one_environment_does_not_come_back_with_the_next(tmp_path: Path) -> None:
    """They share the file: it is a link."""
    store = BytecodeStore(cache=tmp_path / "cache", tag=TAG)
    first = packages(tmp_path / "first", a="x = 1\n", b="y = 2\n")
    compiled(first, store)
    pyc = first / f"one/__pycache__/a.{TAG}.pyc"
    with pyc.open("r+b") as file:
        file.seek(20)
        file.write(b"????")
    second = packages(tmp_path / "second", a="x = 1\n", b="y = 2\n")
    assert "one/a.py" in compiled(second, BytecodeStore(cache=tmp_path / "cache", tag=TAG))
    subprocess.run([sys.executable, "-c", "import one.a, one.b"], cwd=second, check=True, timeout=60)
    third = packages(tmp_path / "third", a="x = 1\n", b="y = 2\n")
    assert compiled(third, BytecodeStore(cache=tmp_path / "cache", tag=TAG)) == []


def test_many_files_are_shared_out_and_none_is_left_over(tmp_path: Path) -> None:
    store = BytecodeStore(cache=tmp_path / "cache", tag=TAG)
    folder = packages(tmp_path / "many", **{f"m{n}": f"x = {n}\n" for n in range(203)})
    rest = store.restore(folder)
    commands = compilers(Path(sys.executable), rest, tmp_path, 3)
    lists = [Path(argv[-1]).read_text().splitlines() for argv in commands]
    assert sorted(line for part in lists for line in part) == sorted(map(str, rest))
    assert {len(part) for part in lists} == {67, 68}
    for argv in commands:
        subprocess.run(argv, check=True, timeout=60)
    assert store.restore(folder) == []
    assert len(compilers(Path(sys.executable), rest[:60], tmp_path, 8)) == 1
