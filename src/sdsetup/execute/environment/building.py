"""`D/venv`, made beside its place and moved there whole."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.environment import uv
from sdsetup.execute.environment.bytecode import Store, compilers
from sdsetup.execute.environment.locking import LARGE, Lock, Wheel, resolve
from sdsetup.execute.environment.mending import set_back
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
from sdsetup.execute.environment.wheels import Counter, LargeWheels, at_once
from sdsetup.execute.folders import file_problem, remove_tree
from sdsetup.machine.process import Child
from sdsetup.redaction import hide_secrets
from sdsetup.storage import write_atomically
from sdsetup.text import Text
from sdsetup.values.plan import BuildEnvironment

_UNCACHED = re.compile(r"Identified uncached distribution: (?P<name>[A-Za-z0-9._-]+)==")
_DOWNLOADED = re.compile(r"^\s*Downloaded (?P<name>[A-Za-z0-9._-]+)")
_WORTH_A_WORD = 500  # files; fewer are compiled before one could read it
_PYLOCK = ("--preview-features", "pylock")

_log = logging.getLogger("sdsetup.environment")


def build(action: BuildEnvironment, context: Context) -> dict[str, Any]:
    """Make `D/venv` with everything the web UI needs, or leave the one that is whole and as wanted.

    Killed at any moment, `D/venv` is either absent, or what it was, or whole; the next run goes on with
    the packages that have arrived. A former environment is kept in `.sdsetup/former`, whoever made it.

    Returns:
        `python` (its interpreter), `versions` of the packages that tuning cares about, `packages` (how
        many), `downloaded` (bytes that were not in the cache), `kept` (where a former one is now).

    Raises:
        SdsetupError: with the cause of the failure; nothing that has arrived is thrown away.
    """
    try:
        return _build(action, context)
    except OSError as error:
        raise file_problem(error, context.dir, Text("The environment could not be written")) from error


def _build(action: BuildEnvironment, context: Context) -> dict[str, Any]:
    assert action.python is not None, "the runner fills in the interpreter that was brought"
    where = places(context)
    lock = resolve(action, action.python, context, where.question, where.packages)
    python = python_of(where.venv, context.machine.family)
    if marker(where.venv).get("lock") == lock.key and starts(python, context) and set_back(lock, where, context):
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


def _hear(unpacking: Child, coming: LargeWheels) -> None:
    """Follow what uv says: a wheel that is in its cache is not needed any more."""
    for line in unpacking.lines():
        _log.info("uv, large wheels: %s", hide_secrets(line))
        if match := _DOWNLOADED.match(line):
            coming.unpacked(match["name"])


class _Building:
    """One run of the building, in the stage."""

    def __init__(self, action: BuildEnvironment, context: Context, where: Places, lock: Lock) -> None:
        assert action.python is not None
        self._base = action.python
        self._later = action.compile_later
        self._context = context
        self._where = where
        self._beside = where.stage.with_name("large-wheels")
        self._lock = lock
        self._store: Store | None = None  # once the environment's Python can be asked
        self._python = python_of(where.stage, context.machine.family)
        self._env = uv.variables(context, UV_CACHE_DIR=str(where.packages))
        if action.torch.index_url:
            # uv only looks for packages of indexes that it is told of into its cache.
            said = (self._env.get("UV_INDEX"), action.torch.index_url)
            self._env["UV_INDEX"] = " ".join(part for part in said if part)

    def run(self) -> int:
        """Build; the bytes that had to be downloaded.

        Three things at once: the large wheels arrive, uv unpacks them on the way into its cache, and
        the small packages are installed and compiled. What is left then is a matter of links.
        """
        remove_tree(self._beside)
        self._make_empty(self._where.stage)
        missing = self._missing()
        size = sum(wheel.size or 0 for wheel in missing)
        refuse_full_disk(self._where, size, sum(wheel.size or 0 for wheel in self._lock.wheels))
        if missing:
            self._context.note(
                Text("Downloading {count} packages, {size:.1f} GB", count=len(missing), size=size / 1e9)
            )
        meter = Meter(self._context, {wheel.name: wheel.size or 0 for wheel in missing})
        large = [wheel for wheel in missing if wheel.sha256 and (wheel.size or 0) >= LARGE]
        names = frozenset(wheel.name for wheel in large)
        with (
            LargeWheels(large, self._context, self._where.cache / "wheels", meter) as coming,
            Counter(coming) as counter,
        ):
            if large:
                self._install_around(names, coming, counter, meter)
            there = frozenset(wheel.name for wheel in large if wheel.file_name in coming.ready)
            self._install(counter.instead(self._lock.text, there), meter)
            meter.complete()
        self._compile(final=True)
        mark(self._where.stage, {"lock": self._lock.key, "versions": dict(self._lock.versions)})
        for wheel in large:
            coming.unpacked(wheel.name)
        return size

    def _install_around(self, names: frozenset[str], coming: LargeWheels, counter: Counter, meter: Meter) -> None:
        """Everything but the large wheels into its place, and these into uv's cache.

        uv takes them for an environment beside ours, since it lets one run at a time into each.
        """
        self._make_empty(self._beside)
        path = self._write("large", counter.instead(self._lock.only(names, wanted=True), names))
        argv = self._sync(path, python=python_of(self._beside, self._context.machine.family))
        env = {
            **self._env,
            # The first byte of the last wheel may be hours away.
            "UV_HTTP_TIMEOUT": "86400",
            "UV_HTTP_RETRIES": "0",
            # In the order in which they arrive: the largest, which takes longest to unpack, is not to be last.
            "UV_CONCURRENT_DOWNLOADS": str(at_once()),
        }
        with Child([uv.find(self._context.machine), *argv], cwd=self._context.state, env=env) as unpacking:
            listener = threading.Thread(target=_hear, args=(unpacking, coming), name="unpacking", daemon=True)
            listener.start()
            self._install(self._lock.only(names, wanted=False), meter)
            self._compile(final=False)
            told = False
            while unpacking.wait(0.5) is None:
                coming.check()
                if coming.ended and not told:
                    self._context.note(Text("Everything has arrived; unpacking"))
                    told = True
            coming.wait()
            listener.join(timeout=5)
        remove_tree(self._beside)

    def _make_empty(self, venv: Path) -> None:
        remove_tree(venv)
        venv.parent.mkdir(parents=True, exist_ok=True)
        made = ["venv", "--quiet", "--relocatable", "--no-project", "--python", self._base]
        uv.run(self._context, [*made, str(venv)], env=self._env)

    def _missing(self) -> Sequence[Wheel]:
        """Wheels that are not in uv's cache. Should uv word it differently one day, it fetches all by itself."""
        path = self._write("all", self._lock.text)
        said = uv.once(self._context, self._sync(path, "--dry-run", "--verbose"), env=self._env)
        names = {match["name"] for match in map(_UNCACHED.search, said.text.splitlines()) if match}
        return with_sizes([wheel for wheel in self._lock.wheels if wheel.name in names], self._context)

    def _install(self, text: str, meter: Meter) -> None:
        """Make the stage hold what this lock says."""

        def heard(line: str) -> None:
            _log.info("uv: %s", hide_secrets(line))
            if match := _DOWNLOADED.match(line):
                meter.finish(match["name"])

        uv.run(self._context, self._sync(self._write("now", text)), env=self._env, on_line=heard)

    def _sync(self, path: Path, *more: str, python: Path | None = None) -> list[str]:
        constraints = str(self._where.question / "build-constraints.txt")
        target = ["--python", str(python or self._python), "--build-constraints", constraints]
        return ["pip", "sync", *_PYLOCK, *target, *more, str(path)]

    def _write(self, name: str, text: str) -> Path:
        path = self._where.question / f"pylock.{name}.toml"
        write_atomically(path, text.encode())
        return path

    def _compile(self, *, final: bool) -> None:
        tag, packages = self._interpreter()
        store = self._store = self._store or Store(cache=self._where.cache, tag=tag, later=self._later)
        sources = store.restore(packages)
        if not sources:
            return
        if final and len(sources) > _WORTH_A_WORD:
            self._context.note(Text("Compiling the packages, so that the first start is quick"))
        began = time.monotonic()
        commands = compilers(self._python, sources, self._where.question, os.cpu_count() or 1)
        with ExitStack() as stack:
            # While large wheels are unpacked they go first: one wheel occupies one processor to its end.
            started = [
                stack.enter_context(Child(argv, env=self._env, in_background=not final)) for argv in commands
            ]
            for child in started:
                child.wait()
        _log.info("compiled %d files in %.1f s", len(sources), time.monotonic() - began)
        store.keep(packages)

    def _interpreter(self) -> tuple[str, Path]:
        """Cache tag and site-packages of the new environment's Python.

        Raises:
            SdsetupError: `environment-broken` when it does not start.
        """
        asked = "import sys, sysconfig; print(sys.implementation.cache_tag); print(sysconfig.get_path('purelib'))"
        ended = self._context.machine.run([str(self._python), "-I", "-X", "utf8", "-c", asked], timeout=60)
        said = ended.out.splitlines()
        if not ended.ok or len(said) < 2:
            raise SdsetupError(
                Text("The Python of the new environment does not start"),
                where=self._python,
                why=ended.problem or ended.err.strip()[-300:],
                hint=Text("Except this folder in the virus scanner, then run the same command again."),
                code="environment-broken",
            )
        return said[0], Path(said[1])
