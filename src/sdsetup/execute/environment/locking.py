"""One resolution of everything, written down: each package with its address, size and SHA-256 (PEP 751).

The web UI's own installer resolves five times, and installs things that a later round replaces. Here
torch, the web UI's pins, CLIP, open-clip and xformers are one question to uv; its answer is kept as
a lock file, so that a run that was cut off goes on with the same packages.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sdsetup.decide.plan import BuildEnvironment
from sdsetup.decide.redaction import hide_secrets
from sdsetup.decide.tuning.values import TorchBuild
from sdsetup.errors import SdsetupError
from sdsetup.execute import uv
from sdsetup.execute.context import Context
from sdsetup.execute.uv_words import AGAIN
from sdsetup.storage import write_atomically
from sdsetup.text import Text

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LARGE = 32 * 2**20  # bytes: what is smaller is quickly fetched again, and uv fetches many at once
_PACKAGE = re.compile(r'^name = "(?P<name>[^"]+)"\nversion = "(?P<version>[^"]+)"$', re.MULTILINE)
_FRESH_DAYS = 7  # another folder on this machine gets the same packages for so long, without asking again
_INDEX_LINE = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==\S+.*\n\s+# from (?P<index>\S+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """A ready-made package of the lock. `size` in bytes, None where the index does not tell."""

    name: str
    version: str
    url: str
    sha256: str | None
    size: int | None

    @property
    def file_name(self) -> str:
        return self.url.rsplit("/", 1)[-1].split("#")[0].replace("%2B", "+")


@dataclass(frozen=True, kw_only=True)
class Lock:
    """The text of the lock file, and what is in it. `index` of a package: where later runs would look for it."""

    text: str
    wheels: tuple[Wheel, ...]
    versions: Mapping[str, str]

    @property
    def key(self) -> str:
        """The same for the same packages, however often they were asked for."""
        packages = self.text.partition("[[packages]]")[2]
        return hashlib.sha256(packages.encode()).hexdigest()[:16]

    def only(self, names: frozenset[str], *, wanted: bool) -> str:
        """The lock's text with these packages only (`wanted`), or without them."""
        head, *packages = self.text.split("[[packages]]\n")
        kept = [part for part in packages if (_name(part) in names) == wanted]
        return "[[packages]]\n".join([head, *kept])


def wish(action: BuildEnvironment, *, shared: bool) -> str:
    """A project file for the resolver: torch from its own index, everything else from the ordinary one.

    With `shared` nothing is said of indexes here: torch's is then asked for every package, as pip would.
    """
    torch = action.torch
    xformers = [f"xformers=={torch.xformers}"] if torch.xformers else []
    pins = [*torch_packages(torch), *xformers]
    lines = [
        "[project]",
        'name = "webui-environment"',
        'version = "0"',
        'requires-python = ">=3.8"',
        f"dependencies = {_array([*pins, 'pip', 'packaging', *action.extra])}",
    ]
    if torch.index_url and not shared:
        # xformers has its ordinary builds on the ordinary index, those for another CUDA beside torch.
        own = [_project(pin) for pin in pins if pin not in xformers or "+" in pin]
        lines += ["[tool.uv.sources]", *(f'{name} = {{ index = "torch" }}' for name in own)]
        lines += ["[[tool.uv.index]]", 'name = "torch"', f"url = {json.dumps(torch.index_url)}", "explicit = true"]
    return "\n".join(lines) + "\n"


def torch_packages(torch: TorchBuild) -> list[str]:
    """What the build asks for, as requirement lines: pins, or wheels by their address."""
    pins = [f"torch=={torch.torch}", *([f"torchvision=={torch.torchvision}"] if torch.torchvision else [])]
    asked = torch.packages or pins
    return [f"{word.rsplit('/', 1)[-1].split('-')[0]} @ {word}" if "://" in word else word for word in asked]


def extra_index(torch: TorchBuild) -> str | None:
    """An index that the build's command asks beside the ordinary one (Intel's extension on Linux)."""
    words = shlex.split(torch.command)
    return words[words.index("--extra-index-url") + 1] if "--extra-index-url" in words[:-1] else None


def _project(requirement: str) -> str:
    return re.split(r"[=<>!~@; \[]", requirement)[0]


def _array(items: Sequence[str]) -> str:
    return "[" + ", ".join(json.dumps(item) for item in items) + "]"


def resolve(action: BuildEnvironment, python: str, context: Context, folder: Path, cache: Path) -> Lock:
    """Ask uv for one resolution, or read what it answered to the same question in a run that was cut off.

    The question and the answer (`pylock.toml`) are kept in `folder`; `cache` is uv's.

    Raises:
        SdsetupError: `no-matching-package` where none exists, or why uv could not ask.
    """
    beside = extra_index(action.torch)
    if beside is None:
        try:
            return _resolve(action, python, context, folder, uv.variables(context, UV_CACHE_DIR=str(cache)))
        except SdsetupError as error:
            # Builds for AMD bring packages along that only their own index has.
            beside = action.torch.index_url
            if error.code != "no-matching-package" or not beside:
                raise
    env = uv.variables(context, UV_CACHE_DIR=str(cache), UV_INDEX_STRATEGY="unsafe-best-match")
    env["UV_INDEX"] = " ".join(part for part in (env.get("UV_INDEX"), beside) if part)
    return _resolve(action, python, context, folder, env, shared=True)


def _resolve(
    action: BuildEnvironment,
    python: str,
    context: Context,
    folder: Path,
    env: Mapping[str, str],
    *,
    shared: bool = False,
) -> Lock:
    _write_question(action, folder, shared=shared)
    path, question = folder / "pylock.toml", _question(python, context.dir / action.requirements, folder, env)
    shelf = context.cache / "resolutions" / f"{question}.toml"
    text = _kept(path, question) or _kept(shelf, question, days=_FRESH_DAYS)
    if text is None:
        try:
            text = _ask(action, python, context, folder, env, question)
        except SdsetupError as error:
            text = _kept(shelf, question) if error.code in AGAIN else None
            if text is None:
                raise
            context.note(Text("The package index cannot be reached; the versions chosen last time are taken"))
        else:
            shelf.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(shelf, text.encode())
    write_atomically(path, text.encode())
    return read(text)


def _ask(
    action: BuildEnvironment, python: str, context: Context, folder: Path, env: Mapping[str, str], question: str
) -> str:
    context.note(Text("Choosing the versions of all packages in one go"))
    pins = [str(folder / "pyproject.toml"), str(context.dir / action.requirements)]
    text = uv.run(context, [*_compile(python, folder), *pins, "--format", "pylock.toml"], env=env)
    # This form of uv's answer tells addresses and sizes, but not which index a package is from; knowing it, uv
    # finds it in its cache whenever anything asks that index for it. Indexes that share a host are told apart
    # only for the large ones: a wrong name means no more than a place in the cache that nobody looks into.
    homes = _homes(text)
    large = {wheel.name for wheel in read(text).wheels if (wheel.size or LARGE) >= LARGE}
    asked = large | set({home: name for name, (_pin, home) in homes.items()}.values())
    (folder / "asked.txt").write_text("\n".join(homes[name][0] for name in sorted(asked)), encoding="utf-8")
    ask = [*_compile(python, folder), pins[0], str(folder / "asked.txt"), "--no-deps", "--no-annotate"]
    found = dict(_INDEX_LINE.findall(uv.run(context, [*ask, "--emit-index-annotation"], env=env)))
    by_home = {homes[name][1]: index for name, index in found.items() if name in homes}
    indexes = {name: found.get(name, by_home.get(home)) for name, (_pin, home) in homes.items()}
    return f"# {question}\n" + _PACKAGE.sub(lambda match: _with_index(match, indexes), text)


def _homes(text: str) -> dict[str, tuple[str, str]]:
    """Name -> its pin, and the host (of a local file: the folder) that it is fetched from."""
    homes = {}
    for package in tomllib.loads(text).get("packages", []):
        file = next(iter(package.get("wheels", [])), package.get("sdist", {}))
        url = urlsplit(file.get("url", ""))
        if "version" in package and url.scheme:
            place = url.netloc or url.path.rpartition("/")[0]
            homes[package["name"]] = (f"{package['name']}=={package['version']}", place)
    return homes


def _write_question(action: BuildEnvironment, folder: Path, *, shared: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "pyproject.toml": wish(action, shared=shared),
        "constraints.txt": "\n".join(action.constraints),
        "overrides.txt": "\n".join(action.overrides),
        "build-constraints.txt": "\n".join(action.build_constraints),
    }
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")


def _compile(python: str, folder: Path) -> list[str]:
    asked = ["pip", "compile", "--quiet", "--no-header", "--python", python]
    for option in ("build-constraints", "constraints", "overrides"):
        asked += [f"--{option}", str(folder / f"{option}.txt")]
    return asked


def _question(python: str, requirements: Path, folder: Path, env: Mapping[str, str]) -> str:
    """A hash of everything that decides the answer."""
    names = ("pyproject.toml", "constraints.txt", "overrides.txt", "build-constraints.txt")
    indexes = sorted((name, value) for name, value in env.items() if name.startswith("UV_") and "INDEX" in name)
    said = [python, indexes, requirements.read_text(encoding="utf-8")]
    said += [(folder / name).read_text(encoding="utf-8") for name in names]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _kept(path: Path, question: str, days: float | None = None) -> str | None:
    """An earlier answer to this very question, not older than so many days."""
    try:
        if days is not None and time.time() - path.stat().st_mtime > days * 86400:
            return None
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return text if text.startswith(f"# {question}\n") else None


def _with_index(package: re.Match[str], indexes: Mapping[str, str | None]) -> str:
    """Say where a package is from: uv then finds it in its cache whenever anything asks that index for it."""
    index = indexes.get(package["name"])
    return package[0] if index is None else f"{package[0]}\nindex = {json.dumps(hide_secrets(index))}"


def _name(part: str) -> str:
    match = re.match(r'name = "([^"]+)"', part)
    return match[1] if match else ""


def read(text: str) -> Lock:
    """A lock from its text. Only packages with exactly one fitting wheel have theirs told."""
    packages = tomllib.loads(text).get("packages", [])
    wheels = []
    for package in packages:
        fitting = package.get("wheels", [])
        for wheel in fitting:
            if "url" in wheel and len(fitting) == 1:  # of several that fit uv takes the best; it alone knows which
                wheels.append(
                    Wheel(
                        name=package["name"],
                        version=package.get("version", ""),
                        url=wheel["url"],
                        sha256=wheel.get("hashes", {}).get("sha256"),
                        size=wheel.get("size"),
                    )
                )
    versions = {package["name"]: package.get("version", "") for package in packages}
    return Lock(text=text, wheels=tuple(wheels), versions=versions)
