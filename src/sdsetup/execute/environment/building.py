"""`D/venv`, made beside its place and moved there whole."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sdsetup.decide.plan import BuildEnvironment
from sdsetup.execute import uv
from sdsetup.execute.context import Context
from sdsetup.execute.environment.bytecode import Store, compile_all
from sdsetup.execute.environment.locking import Lock, Wheel, resolve
from sdsetup.execute.environment.meter import Meter
from sdsetup.execute.environment.places import (
    Places,
    mark,
    marker,
    places,
    python_of,
    refuse_full_disk,
    starts,
    swap_in,
)
from sdsetup.execute.environment.sizes import with_sizes
from sdsetup.execute.environment.wheels import LARGE, Counter, LargeWheels
from sdsetup.execute.folders import remove_tree
from sdsetup.execute.uv_words import without_secrets
from sdsetup.text import Text

_UNCACHED = re.compile(r"Identified uncached distribution: (?P<name>[A-Za-z0-9._-]+)==")
_DOWNLOADED = re.compile(r"^\s*Downloaded (?P<name>[A-Za-z0-9._-]+)")
_PYLOCK = ("--preview-features", "pylock")

_log = logging.getLogger("sdsetup.environment")


def build(action: BuildEnvironment, context: Context) -> dict[str, Any]:
    """Make `D/venv` with everything the web UI needs, or leave the one that is whole and as wanted.

    Killed at any moment, `D/venv` is either absent, or what it was, or whole; the next run goes on with
    the packages that have arrived. A former environment that works is kept as `.sdsetup/former/venv`.

    Returns:
        `python` (its interpreter), `versions` of the packages that tuning cares about, `packages` (how
        many), `downloaded` (bytes that were not in the cache), `kept` (where a former one is now).

    Raises:
        SdsetupError: with the cause of the failure; nothing that has arrived is thrown away.
    """
    assert action.python is not None, "the runner fills in the interpreter that was brought"
    where = places(context)
    lock = resolve(action, action.python, context, where.question, where.packages)
    python = python_of(where.venv, context.machine.family)
    if marker(where.venv).get("lock") == lock.key and starts(python, context):
        return _told(where, lock, context, downloaded=0, kept=None)
    downloaded = 0
    if marker(where.stage).get("lock") != lock.key:
        downloaded = _Building(action, context, where, lock).run()
    kept = swap_in(where, context)
    if kept is not None:
        context.note(Text("The former environment is kept in {kept}", kept=kept))
    return _told(where, lock, context, downloaded=downloaded, kept=kept)


def _told(where: Places, lock: Lock, context: Context, *, downloaded: int, kept: str | None) -> dict[str, Any]:
    names = ("torch", "torchvision", "xformers", "setuptools", "transformers", "gradio", "pip")
    return {
        "python": str(python_of(where.venv, context.machine.family)),
        "versions": {name: lock.versions[name] for name in names if name in lock.versions},
        "packages": len(lock.versions),
        "downloaded": downloaded,
        "kept": kept,
    }


class _Building:
    """One run of the building, in the stage."""

    def __init__(self, action: BuildEnvironment, context: Context, where: Places, lock: Lock) -> None:
        assert action.python is not None
        self._base = action.python
        self._context = context
        self._where = where
        self._lock = lock
        self._python = python_of(where.stage, context.machine.family)
        self._env = uv.variables(context, UV_CACHE_DIR=str(where.packages))

    def run(self) -> int:
        """Build; the bytes that had to be downloaded."""
        remove_tree(self._where.stage)
        self._where.stage.parent.mkdir(parents=True, exist_ok=True)
        made = ["venv", "--quiet", "--relocatable", "--no-project", "--python", self._base]
        uv.run(self._context, [*made, str(self._where.stage)], env=self._env)
        missing = self._missing()
        size = sum(wheel.size or 0 for wheel in missing)
        refuse_full_disk(self._where, size)
        meter = Meter(self._context, size)
        if missing:
            self._context.note(
                Text("Downloading {count} packages, {size:.1f} GB", count=len(missing), size=size / 1e9)
            )
        large = [wheel for wheel in missing if wheel.sha256 and (wheel.size or 0) >= LARGE]
        files = self._install_around(large, missing, meter) if large else {}
        if not large:
            self._install(self._lock.text, missing, meter, files)
        self._compile()
        mark(self._where.stage, {"lock": self._lock.key, "versions": dict(self._lock.versions)})
        for path in files.values():
            remove_tree(path.parent)  # uv's cache has it unpacked now
        return size

    def _missing(self) -> Sequence[Wheel]:
        """Wheels that are not in uv's cache. Should uv word it differently one day, it fetches all by itself."""
        path = self._write("all", self._lock.text)
        said = uv.once(self._context, self._sync(path, "--dry-run", "--verbose"), env=self._env)
        names = {match["name"] for match in map(_UNCACHED.search, said.text.splitlines()) if match}
        return with_sizes([wheel for wheel in self._lock.wheels if wheel.name in names], self._context)

    def _install_around(
        self, large: Sequence[Wheel], missing: Sequence[Wheel], meter: Meter
    ) -> Mapping[str, Path]:
        """Install everything; what is small is in place and being compiled while the large wheels arrive."""
        names = frozenset(wheel.name for wheel in large)
        others = [wheel for wheel in missing if wheel.name not in names]
        with LargeWheels(large, self._context, self._where.cache / "wheels", meter) as coming:
            self._install(self._lock.only(names, wanted=False), others, meter, {})
            packages, store = self._bytecode()
            store.restore(packages)
            with compile_all(self._python, packages, self._env) as compiling:
                files = coming.wait()
                self._install(self._lock.text, large, meter, files)
                for _line in compiling.lines():
                    pass
        return files

    def _install(self, text: str, missing: Sequence[Wheel], meter: Meter, files: Mapping[str, Path]) -> None:
        sizes = {wheel.name: wheel.size or 0 for wheel in missing}

        def heard(line: str) -> None:
            _log.info("uv: %s", without_secrets(line))
            if (match := _DOWNLOADED.match(line)) and match["name"] in sizes:
                meter.set(match["name"], sizes[match["name"]])

        with Counter(files.values()) as counter:
            for wheel in self._lock.wheels:
                if wheel.file_name in files:
                    text = text.replace(f'"{wheel.url}"', f'"{counter.address(wheel.file_name)}"')
            uv.run(self._context, self._sync(self._write("now", text)), env=self._env, on_line=heard)

    def _sync(self, path: Path, *more: str) -> list[str]:
        constraints = str(self._where.question / "build-constraints.txt")
        target = ["--python", str(self._python), "--build-constraints", constraints]
        return ["pip", "sync", *_PYLOCK, *target, *more, str(path)]

    def _write(self, name: str, text: str) -> Path:
        path = self._where.question / f"pylock.{name}.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def _compile(self) -> None:
        packages, store = self._bytecode()
        complete, count = store.restore(packages)
        if complete < count:
            began = time.monotonic()
            self._context.note(Text("Compiling the packages, so that the first start is quick"))
            with compile_all(self._python, packages, self._env) as child:
                for _line in child.lines():
                    pass
            _log.info("compiled in %.1f s", time.monotonic() - began)
            store.keep(packages)

    def _bytecode(self) -> tuple[Path, Store]:
        asked = "import sys, sysconfig; print(sys.implementation.cache_tag); print(sysconfig.get_path('purelib'))"
        said = self._context.machine.run([str(self._python), "-I", "-c", asked], timeout=60).out.splitlines()
        return Path(said[1]), Store(cache=self._where.cache, tag=said[0])
