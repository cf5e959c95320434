"""One resolution of everything, written down: each package with its address, size and SHA-256 (PEP 751).

The web UI's own installer resolves five times, and installs things that a later round replaces. Here
torch, the web UI's pins, CLIP, open-clip and xformers are one question to uv; its answer is kept as
a lock file, so that a run that was cut off goes on with the same packages.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import time
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import tomli
import tomli_w
from packaging.pylock import Package, PackageWheel, Pylock, PylockValidationError
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name, parse_wheel_filename

from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.environment import uv
from sdsetup.execute.environment.uv_messages import AGAIN, HERE
from sdsetup.redaction.secrets import hide_secrets
from sdsetup.storage import write_atomically
from sdsetup.text import Text
from sdsetup.values.plan import BuildEnvironment
from sdsetup.values.tuning import TorchBuild

TORCH_MIRROR = "SDSETUP_TORCH_MIRROR"  # a host of the user's own with the folders of torch's index
_FRESH_DAYS = 7  # another folder on this machine gets the same packages for so long, without asking again
_FROM = "# from "


@dataclass(frozen=True, kw_only=True)
class Lock:
    """All packages of an environment, and where to get them."""

    pylock: Pylock

    @property
    def key(self) -> str:
        """The same for the same packages, however often they were asked for."""
        return hashlib.sha256(_toml({"packages": self.pylock.to_dict()["packages"]})).hexdigest()[:16]

    @property
    def versions(self) -> Mapping[str, str]:
        return {package.name: str(package.version or "") for package in self.pylock.packages}

    @property
    def wheels(self) -> Mapping[str, PackageWheel]:
        """The wheel of each package that has exactly one with an address: of several only uv knows the best."""
        return {
            package.name: package.wheels[0]
            for package in self.pylock.packages
            if package.wheels and len(package.wheels) == 1 and package.wheels[0].url
        }

    def without(self, names: Set[str], addresses: Mapping[str, str] | None = None) -> bytes:
        """The lock file's content less these packages. `addresses`: where else a package's one wheel lies."""
        kept = [
            replace(package, wheels=[replace(wheel, url=addresses[package.name]) for wheel in package.wheels])
            if addresses and package.name in addresses and package.wheels
            else package
            for package in self.pylock.packages
            if package.name not in names
        ]
        return _toml(replace(self.pylock, packages=kept).to_dict())


def resolve(
    action: BuildEnvironment, python: str, context: Context, folder: Path, cache: Path, target: Sequence[str] = ()
) -> tuple[Lock, TorchBuild]:
    """Ask uv for one resolution, or read what it answered to the same question in a run that was cut off.

    The question and the answer (`pylock.toml`) are kept in `folder`; `cache` is uv's. `target`: uv's options for
    another system or Python than the interpreter's own. Where torch's index does not
    answer, the hosts that mirror it are asked; the build that comes back names the index that did.

    Raises:
        SdsetupError: `no-matching-package` where none exists, or why uv could not ask.
    """
    resolver = _Resolver(python=python, context=context, folder=folder, cache=cache, target=target)
    builds = _at_each_place(action.torch, context)
    for build in builds if len(builds) > 1 else ():
        try:
            return resolver.resolve(replace(action, torch=build), hurried=True), build
        except SdsetupError as error:
            if error.code in HERE:
                raise
            context.note(Text("{why}. Trying the next address.", why=error.why or error.message))
    return resolver.resolve(replace(action, torch=builds[0])), builds[0]


def _at_each_place(torch: TorchBuild, context: Context) -> tuple[TorchBuild, ...]:
    """The build with each index it may come from, best first."""
    if torch.index_url is None:
        return (torch,)
    places = context.catalog.torch.places(torch.index_url, context.machine.env.get(TORCH_MIRROR))
    return tuple(
        replace(torch, index_url=place, command=torch.command.replace(torch.index_url, place)) for place in places
    )


def project(action: BuildEnvironment, *, shared: bool) -> bytes:
    """A project file for the resolver: torch from its own index, everything else from the ordinary one.

    With `shared` nothing is said of indexes here: torch's is then asked for every package, as pip would.
    """
    torch = action.torch
    xformers = [f"xformers=={torch.xformers}"] if torch.xformers else []
    pins = [*torch_packages(torch), *xformers]
    content: dict[str, Any] = {
        "project": {
            "name": "webui-environment",
            "version": "0",
            "requires-python": ">=3.8",
            "dependencies": [*pins, "pip", "packaging", *action.extra],
        }
    }
    if torch.index_url and not shared:
        # xformers has its ordinary builds on the ordinary index, those for another CUDA beside torch.
        own = [Requirement(pin).name for pin in pins if pin not in xformers or "+" in pin]
        content["tool"] = {
            "uv": {
                "sources": {name: {"index": "torch"} for name in own},
                "index": [{"name": "torch", "url": torch.index_url, "explicit": True}],
            }
        }
    return _toml(content)


def torch_packages(torch: TorchBuild) -> list[str]:
    """What the build asks for, as requirement lines: pins, or wheels by their address."""
    pins = [f"torch=={torch.torch}", *([f"torchvision=={torch.torchvision}"] if torch.torchvision else [])]
    return [f"{_wheel_at(word)[0]} @ {word}" if "://" in word else word for word in torch.packages or pins]


def of_one_index(torch: TorchBuild) -> TorchBuild:
    """The same build where the ordinary index has all of it, also what is had by address elsewhere."""
    pins = tuple("==".join(_wheel_at(word)) if "://" in word else word for word in torch.packages)
    return replace(torch, index_url=None, command="", packages=pins)


def extra_index(torch: TorchBuild) -> str | None:
    """An index that the build's command asks beside the ordinary one (Intel's extension on Linux)."""
    words = shlex.split(torch.command)
    return words[words.index("--extra-index-url") + 1] if "--extra-index-url" in words[:-1] else None


def _wheel_at(url: str) -> tuple[str, str]:
    """Name and version of the package in the wheel at an address."""
    name, version, *_ = parse_wheel_filename(unquote(urlsplit(url).path.rsplit("/", 1)[-1]))
    return name, str(version)


@dataclass(frozen=True, kw_only=True)
class _Resolver:
    """uv, asked for one interpreter (or `target`); the fields as `resolve` is given them."""

    python: str
    context: Context
    folder: Path
    cache: Path
    target: Sequence[str]

    def resolve(self, action: BuildEnvironment, *, hurried: bool = False) -> Lock:
        """The packages, with torch from the one index that the build names. `hurried`: there are other indexes."""
        more = {"UV_CACHE_DIR": str(self.cache), **(uv.hurried(self.context) if hurried else {})}
        pauses = () if hurried else None
        beside = extra_index(action.torch)
        if beside is None:
            try:
                return self._resolved(action, uv.variables(self.context, **more), pauses)
            except SdsetupError as error:
                # Builds for AMD bring packages along that only their own index has.
                beside = action.torch.index_url
                if error.code != "no-matching-package" or not beside:
                    raise
        env = uv.variables(self.context, **more, UV_INDEX_STRATEGY="unsafe-best-match")
        env["UV_INDEX"] = " ".join(part for part in (env.get("UV_INDEX"), beside) if part)
        return self._resolved(action, env, pauses, shared=True)

    def _resolved(
        self,
        action: BuildEnvironment,
        env: Mapping[str, str],
        pauses: Sequence[float] | None,
        *,
        shared: bool = False,
    ) -> Lock:
        """What was answered to this question before, else uv's answer, which is kept."""
        question = self._write_question(action, env, shared=shared)
        path = self.folder / "pylock.toml"
        shelf = self.context.cache / "resolutions" / f"{question}.toml"
        pylock = _kept(path, question) or _kept(shelf, question, days=_FRESH_DAYS)
        if pylock is None:
            try:
                pylock = replace(self._ask(action, env, pauses), tool={"sdsetup": {"question": question}})
            except SdsetupError as error:
                pylock = _kept(shelf, question) if error.code in AGAIN else None
                if pylock is None:
                    raise
                self.context.tell(
                    Text("Can't reach the package index. Using the package versions from last time.")
                )
            else:
                shelf.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(shelf, _toml(pylock.to_dict()))
        write_atomically(path, _toml(pylock.to_dict()))
        return Lock(pylock=pylock)

    def _write_question(self, action: BuildEnvironment, env: Mapping[str, str], *, shared: bool) -> str:
        """Put uv's files into the folder; the hash of all that the answer depends on."""
        files = {
            "pyproject.toml": project(action, shared=shared),
            "constraints.txt": "\n".join(action.constraints).encode(),
            "overrides.txt": "\n".join(action.overrides).encode(),
            "build-constraints.txt": "\n".join(action.build_constraints).encode(),
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            write_atomically(self.folder / name, content)
        pins = self._requirements(action).read_text(encoding="utf-8")
        indexes = sorted(
            (name, value) for name, value in env.items() if name.startswith("UV_") and "INDEX" in name
        )
        said = [self.python, indexes, pins, *(content.decode() for content in files.values()), *self.target]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()

    def _requirements(self, action: BuildEnvironment) -> Path:
        return self.context.dir / action.requirements

    def _ask(self, action: BuildEnvironment, env: Mapping[str, str], pauses: Sequence[float] | None) -> Pylock:
        self.context.note(Text("Resolving package versions"))
        ask = _compile(self.python, self.target)
        for option in ("build-constraints", "constraints", "overrides"):
            ask += [f"--{option}", str(self.folder / f"{option}.txt")]
        ask.append(str(self.folder / "pyproject.toml"))
        wanted = [str(self._requirements(action)), "--format", "pylock.toml"]
        pylock = _read(uv.run(self.context, [*ask, *wanted], env=env, pauses=pauses))
        # This form of the answer does not tell which index a package is from. Where it is known, uv finds the
        # package in its cache whenever anything asks that index for it, so the versions just chosen are asked for
        # once more.
        pins = [f"{package.name}=={package.version}" for package in pylock.packages if not package.is_direct]
        write_atomically(self.folder / "pins.txt", "\n".join(pins).encode())
        again = [str(self.folder / "pins.txt"), "--no-deps", "--no-annotate", "--emit-index-annotation"]
        indexes = _indexes(uv.run(self.context, [*ask, *again], env=env, pauses=pauses))
        return replace(pylock, packages=[_with_index(package, indexes) for package in pylock.packages])


def choose(
    lines: Sequence[str],
    python: str,
    context: Context,
    folder: Path,
    env: Mapping[str, str],
    target: Sequence[str] = (),
    *,
    constraints: Sequence[str] = (),
) -> Pylock:
    """The packages for these requirement lines.

    Raises:
        SdsetupError: why uv could not choose.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "wanted.txt", "\n".join(lines).encode())
    write_atomically(folder / "bounds.txt", "\n".join(constraints).encode())
    ask = [*_compile(python, target), "--constraints", str(folder / "bounds.txt")]
    return _read(uv.run(context, [*ask, str(folder / "wanted.txt"), "--format", "pylock.toml"], env=env))


def _compile(python: str, target: Sequence[str]) -> list[str]:
    return ["pip", "compile", "--quiet", "--no-header", "--python", python, *target]


def _read(text: str) -> Pylock:
    try:
        return Pylock.from_dict(tomli.loads(text))
    except (ValueError, PylockValidationError) as error:
        raise SdsetupError(
            Text("Can't read the list of packages from uv"),
            why=str(error),
            hint=Text("Create a support report: sdsetup report"),
            code="lock-unreadable",
        ) from error


def _indexes(said: str) -> dict[NormalizedName, str]:
    """Name -> index, from uv's `name==1.0` lines and the `# from` below each."""
    found, name = {}, None
    for line in map(str.strip, said.splitlines()):
        if name is not None and line.startswith(_FROM):
            found[name] = hide_secrets(line.removeprefix(_FROM))
        elif line and not line.startswith("#"):
            name = canonicalize_name(Requirement(line).name)
    return found


def _with_index(package: Package, indexes: Mapping[NormalizedName, str]) -> Package:
    return package if package.is_direct else replace(package, index=indexes.get(package.name, package.index))


def _kept(path: Path, question: str, days: float | None = None) -> Pylock | None:
    """An earlier answer to this very question, not older than so many days."""
    try:
        if days is not None and time.time() - path.stat().st_mtime > days * 86400:
            return None
        pylock = _read(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, SdsetupError):
        return None
    return pylock if (pylock.tool or {}).get("sdsetup") == {"question": question} else None


def _toml(content: Mapping[str, Any]) -> bytes:
    return tomli_w.dumps(content).encode()
