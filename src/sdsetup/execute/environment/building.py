"""`D/venv`, made beside its place and moved there whole."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Mapping, Set
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from packaging.pylock import PackageWheel
from packaging.utils import canonicalize_name

from sdsetup.errors import SdsetupError, file_problem
from sdsetup.execute.context import Context
from sdsetup.execute.environment import uv
from sdsetup.execute.environment.bytecode import BytecodeStore, compilers
from sdsetup.execute.environment.locking import Lock, of_one_index, resolve
from sdsetup.execute.environment.meter import Meter
from sdsetup.execute.environment.places import (
    Places,
    exchange,
    mark,
    marker,
    places,
    refuse_full_disk,
    starts,
)
from sdsetup.execute.environment.records import Records
from sdsetup.execute.environment.repair import repair
from sdsetup.execute.environment.wheels import LargeWheels, address, drop, large, offered, with_size
from sdsetup.execute.folders import remove_tree
from sdsetup.machine.children import Child
from sdsetup.redaction.secrets import hide_secrets
from sdsetup.storage import write_atomically
from sdsetup.text import Text
from sdsetup.values.layout import python_in
from sdsetup.values.plan import BuildEnvironment

_UNCACHED = re.compile(r"Identified uncached distribution: (?P<name>[A-Za-z0-9._-]+)==")
_DOWNLOADED = re.compile(r"^\s*Downloaded (?P<name>[A-Za-z0-9._-]+)")
_WORTH_A_WORD = 500  # files; fewer are compiled before one could read it
_COMPARED = ("torch", "torchvision", "xformers", "setuptools", "transformers", "gradio", "pip")

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
        raise file_problem(error, context.dir, Text("The Python environment could not be created")) from error


def _build(action: BuildEnvironment, context: Context) -> dict[str, Any]:
    if context.one_index:
        action = replace(action, torch=of_one_index(action.torch))
    assert action.python is not None, "the runner fills in the interpreter that was brought"
    where = places(context)
    lock, torch = resolve(action, action.python, context, where.question, where.packages)
    action = replace(action, torch=torch)
    python = python_in(where.venv, context.machine.family)
    downloaded, kept = 0, None
    ours = marker(where.venv).get("lock") == lock.key and starts(python, context)
    if not ours or not repair(lock, where, context):
        if marker(where.stage).get("lock") != lock.key:
            downloaded = _Building(action, context, where, lock).run()
        kept = exchange(where.stage, context)
    if kept is not None:
        context.tell(Text("The previous Python environment is kept in {kept}", kept=kept))
    return {
        "python": str(python),
        "versions": {name: lock.versions[name] for name in _COMPARED if name in lock.versions},
        "packages": len(lock.versions),
        "downloaded": downloaded,
        "kept": kept,
    }


class _Building:
    """One run of the building, in the stage."""

    def __init__(self, action: BuildEnvironment, context: Context, where: Places, lock: Lock) -> None:
        assert action.python is not None
        self._base = action.python
        self._later = action.compile_later
        self._context = context
        self._where = where
        self._lock = lock
        self._records = Records(cache=where.cache)
        self._python = python_in(where.stage, context.machine.family)
        self._env = uv.variables(context, UV_CACHE_DIR=str(where.packages))
        if action.torch.index_url:
            # uv only looks for packages of indexes that it is told of into its cache.
            said = (self._env.get("UV_INDEX"), action.torch.index_url)
            self._env["UV_INDEX"] = " ".join(part for part in said if part)

    def run(self) -> int:
        """Build; the bytes that had to be downloaded."""
        self._make_empty()
        tag, packages = self._interpreter()
        missing, damaged = self._take_from_cache(packages)
        wheels = {
            name: with_size(name, wheel, self._context)
            for name, wheel in self._lock.wheels.items()
            if name in missing
        }
        sizes = {name: wheel.size or 0 for name, wheel in wheels.items()}
        size = sum(sizes.values())
        refuse_full_disk(self._where, size, sum(wheel.size or 0 for wheel in self._lock.wheels.values()))
        if missing:
            self._context.note(
                Text.plural(
                    "Downloading {count} package, {size:.1f} GB",
                    "Downloading {count} packages, {size:.1f} GB",
                    count=len(missing),
                    size=size / 1e9,
                )
            )
        store = BytecodeStore(cache=self._where.cache, tag=tag, later=self._later)
        self._install(large(wheels), Meter(self._context, sizes), store, packages)
        self._records.accept(packages, damaged)
        mark(self._where.stage, {"lock": self._lock.key, "versions": dict(self._lock.versions)})
        return size

    def _install(
        self, waiting: Mapping[str, PackageWheel], meter: Meter, store: BytecodeStore, packages: Path
    ) -> None:
        """Install and compile all packages, those in `waiting` as they arrive. `packages`: their folder.

        The large wheels are fetched while uv fetches and installs the others. One that could not be had in
        our way is left to uv in the end.
        """
        folder = self._where.cache / "wheels"
        with LargeWheels(waiting, self._context, folder, meter) as coming, offered(folder) as base:
            self._sync(meter, without=waiting.keys())
            self._compile(store, packages)
            for ready in coming.arrivals():
                waiting = {name: wheel for name, wheel in waiting.items() if name not in ready}
                there = {name: address(base, folder, path) for name, path in ready.items()}
                self._sync(meter, without=waiting.keys(), addresses=there)
                drop(ready)
                self._compile(store, packages)
        if waiting:
            self._sync(meter)
            self._compile(store, packages)
        meter.complete()

    def _make_empty(self) -> None:
        remove_tree(self._where.stage)
        self._where.stage.parent.mkdir(parents=True, exist_ok=True)
        made = ["venv", "--quiet", "--relocatable", "--no-project", "--python", self._base]
        uv.run(self._context, [*made, str(self._where.stage)], env=self._env)

    def _take_from_cache(self, packages: Path) -> tuple[Set[str], Set[str]]:
        """Install what uv's cache has, and throw out of it what is damaged.

        Returns:
            The names of packages that are still to be had, and of those among them that were damaged.
        """
        missing = self._missing()
        if missing >= self._lock.versions.keys():
            return missing, frozenset()
        self._sync(without=missing)
        self._context.note(Text("Checking the packages in the cache"))
        damaged = {one.name for one in self._records.damages(packages)}
        if damaged:
            _log.warning("damaged in the package cache: %s", ", ".join(sorted(damaged)))
            self._context.note(
                Text("Damaged in the package cache, downloading again: {names}", names=", ".join(sorted(damaged)))
            )
            uv.run(self._context, ["cache", "clean", "--quiet", *sorted(damaged)], env=self._env)
            self._make_empty()
            missing = self._missing()
        return missing, damaged

    def _missing(self) -> Set[str]:
        """Packages that are not in uv's cache. Should uv word it differently one day, it fetches all by itself."""
        said = uv.once(
            self._context,
            [*self._sync_command(self._lock.without(set())), "--dry-run", "--verbose"],
            env=self._env,
        )
        return {
            canonicalize_name(match["name"]) for match in map(_UNCACHED.search, said.text.splitlines()) if match
        }

    def _sync(
        self,
        meter: Meter | None = None,
        *,
        without: Set[str] = frozenset(),
        addresses: Mapping[str, str] | None = None,
    ) -> None:
        """Make the stage hold what the lock says, less the packages `without`."""

        def heard(line: str) -> None:
            _log.info("uv: %s", hide_secrets(line))
            if meter is not None and (match := _DOWNLOADED.match(line)):
                meter.finish(match["name"])

        command = self._sync_command(self._lock.without(without, addresses))
        uv.run(self._context, command, env=self._env, on_line=heard)

    def _sync_command(self, lock: bytes) -> list[str]:
        path = self._where.question / "pylock.now.toml"
        write_atomically(path, lock)
        constraints = str(self._where.question / "build-constraints.txt")
        target = ["--python", str(self._python), "--build-constraints", constraints]
        return ["pip", "sync", "--preview-features", "pylock", *target, str(path)]

    def _compile(self, store: BytecodeStore, packages: Path) -> None:
        sources = store.restore(packages)
        if not sources:
            return
        if len(sources) > _WORTH_A_WORD:
            self._context.note(Text("Compiling the packages for a faster first start"))
        began = time.monotonic()
        commands = compilers(self._python, sources, self._where.question, os.cpu_count() or 1)
        with ExitStack() as stack:
            for child in [stack.enter_context(Child(argv, env=self._env)) for argv in commands]:
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
                Text("The Python in the new environment does not start"),
                where=self._python,
                why=ended.problem or ended.err.strip()[-300:],
                hint=Text("Add this folder to your antivirus exclusions, then run the same command again."),
                code="environment-broken",
            )
        return said[0], Path(said[1])
