"""The unfinished file: NAME.part beside the target, with a sidecar that says what it will become."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any

from sdsetup.storage import open_new, read_json, replace

SCHEMA = "sdsetup.part/1"

# Larger writes cost three to four times the system time on Linux' large folios (measured on ext4).
_SLICE = 128 * 1024


class Part:
    """Grows towards `size` bytes. Whatever is in it is kept until the hash has spoken.

    Raises (every method): OSError as the system gives it; `fetch` words it.
    """

    def __init__(self, target: Path, *, size: int, sha256: str) -> None:
        self.target = target
        self.path = target.with_name(target.name + ".part")
        self.sidecar = target.with_name(target.name + ".part.json")
        self.size = size
        self.sha256 = sha256
        self.length = 0
        self._handle: int | None = None
        self._said: dict[str, Any] = {}
        self._saying = threading.Lock()  # checkpoints come from the hash's thread

    def note(self) -> tuple[str | None, list[tuple[int, str]]]:
        """The sidecar's SHA-256 (None without one) and its checkpoints: (bytes, hash of so many bytes)."""
        said = read_json(self.sidecar)
        if not isinstance(said, dict) or said.get("schema") != SCHEMA:
            return None, []
        self._said = said
        marks = said.get("marks")
        pairs = marks if isinstance(marks, list) else []
        good = [
            (pair[0], pair[1])
            for pair in pairs
            if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], int) and isinstance(pair[1], str)
        ]
        return str(said.get("sha256")), sorted(good)

    def found(self) -> int:
        """Bytes of a part file left by an earlier run, 0 without one."""
        if self.path.is_symlink():  # nobody of us makes links: writing through one would leave the folder
            self.path.unlink()
        return self.path.stat().st_size if self.path.is_file() else 0

    def open(self, keep: int) -> None:
        """Open for writing after the first `keep` bytes; the rest is cut off."""
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
        flags |= getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOINHERIT", 0)
        self._handle = os.open(self.path, flags, 0o666)
        self.cut(keep)

    def cut(self, length: int) -> None:
        assert self._handle is not None
        os.ftruncate(self._handle, length)
        os.lseek(self._handle, length, os.SEEK_SET)
        self.length = length

    def begin(self, source: str, etag: str | None, marks: list[tuple[int, str]]) -> None:
        """Write the sidecar: before the first byte, and whenever the source changes."""
        with self._saying:
            self._said = {
                "schema": SCHEMA,
                "source": source,
                "etag": etag,
                "size": self.size,
                "sha256": self.sha256,
                "marks": [list(mark) for mark in marks],
            }
            self._write_sidecar()

    def mark(self, length: int, digest: str) -> None:
        """Note that the first `length` bytes hash to `digest`: a damaged part is cut there, not thrown away."""
        with self._saying:
            self._said.setdefault("marks", []).append([length, digest])
            self._write_sidecar()

    def _write_sidecar(self) -> None:
        import json

        # Staged and renamed, but not flushed: a lost sidecar costs a checkpoint, never a byte.
        staged = self.sidecar.with_name(self.sidecar.name + ".new")
        with os.fdopen(open_new(staged), "w", encoding="utf-8") as file:
            file.write(json.dumps(self._said, ensure_ascii=False))
        replace(staged, self.sidecar)

    def append(self, view: memoryview) -> None:
        assert self._handle is not None
        while len(view):
            done = os.write(self._handle, view[:_SLICE])
            self.length += done
            view = view[done:]

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def publish(self, *, durable: bool = True) -> Path | None:
        """Flush, rename onto the target, flush the folder. Returns where a file that stood there went."""
        assert self._handle is not None
        if durable:
            os.fsync(self._handle)
        self.close()
        moved = make_way(self.target)
        replace(self.path, self.target)
        if durable:
            flush_folder(self.target.parent)
        self.sidecar.unlink(missing_ok=True)
        return moved

    def set_aside(self) -> Path:
        """Keep bytes that do not match under NAME.bad (one of them: they are large)."""
        self.close()
        bad = self.target.with_name(self.target.name + ".bad")
        replace(self.path, bad)
        self.sidecar.unlink(missing_ok=True)
        return bad


def piece_files(part: Path) -> dict[int, Path]:
    """Stretches of the file that further connections fetched: first byte -> NAME.part.FIRST."""
    prefix = part.name + "."
    found = {}
    for path in part.parent.iterdir() if part.parent.is_dir() else ():
        start = path.name.removeprefix(prefix)
        if path.name == prefix + start and start.isdecimal() and path.is_file() and not path.is_symlink():
            found[int(start)] = path
    return found


def tidy(target: Path) -> None:
    """Remove what an interrupted download left, once the file is there."""
    part = target.with_name(target.name + ".part")
    for path in (part, part.with_name(part.name + ".json"), *piece_files(part).values()):
        path.unlink(missing_ok=True)


def make_way(target: Path) -> Path | None:
    """Move whatever has the target's name out of the way, keeping it. Returns its new path.

    A healthy model keeps its ending, so that the web UI still lists it; anything else becomes NAME.old.
    """
    if not os.path.lexists(target):
        return None
    from sdsetup.execute.models.files import looks_whole

    number = 1
    while True:
        tail = "kept" if number == 1 else f"kept-{number}"
        if looks_whole(target):
            aside = target.with_name(f"{target.stem}.{tail}{target.suffix}")
        else:
            aside = target.with_name(f"{target.name}.{'old' if number == 1 else f'old-{number}'}")
        if not os.path.lexists(aside):
            break
        number += 1
    replace(target, aside)
    return aside


def flush_folder(folder: Path) -> None:
    """Make a rename last through a power cut. Windows does that by itself and has no such call."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        pass  # some network drives cannot; the rename itself has happened
    finally:
        os.close(handle)
