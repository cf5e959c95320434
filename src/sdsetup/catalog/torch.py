"""`torch.toml`: the torch builds that are known to work, best first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from packaging.version import Version

from sdsetup.catalog.gpus import capability, drivers
from sdsetup.catalog.reading import Reader
from sdsetup.values.versions import parse_version

SYSTEMS = ("windows", "linux", "wsl", "macos")
DEVICES = ("cuda", "rocm", "ipex", "mps", "cpu", "none")

Capability = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Build:
    """One torch release with what its wheels hold. `packages` is what pip is asked for; `kernels` by system."""

    family: str
    device: str
    torch: str
    torchvision: str | None
    xformers: str | None
    index: str | None
    extra_index: str | None
    packages: tuple[str, ...]
    systems: tuple[str, ...]
    machines: tuple[str, ...]
    pythons: tuple[Version, ...]
    kernels: Mapping[str, tuple[Capability, ...]]
    ptx: tuple[Capability, ...]
    gfx: tuple[str, ...]
    xformers_kernels: tuple[Capability, ...]
    driver: Mapping[str, Version]
    any_card: bool
    newest_card: bool
    download_bytes: int
    disk_bytes: int
    because: str
    source: str

    @property
    def command(self) -> str:
        """What TORCH_COMMAND would be; the web UI runs it as `python -m pip install ...`."""
        index = f" --index-url {self.index}" if self.index else ""
        extra = f" --extra-index-url {self.extra_index}" if self.extra_index else ""
        return f"pip install {' '.join(self.packages)}{index}{extra}"


@dataclass(frozen=True, kw_only=True)
class TorchMirror:
    """Another host with the folders that lie below the address `of`."""

    of: str
    url: str


@dataclass(frozen=True, kw_only=True)
class TorchBuilds:
    """`default` is the family that the web UI installs when nobody says otherwise; `python` the version that
    an environment is built with, `tolerated` what an existing one may have instead, by system."""

    default: str
    python: Version
    tolerated: Mapping[str, tuple[Version, ...]]
    builds: tuple[Build, ...]
    mirrors: tuple[TorchMirror, ...] = ()

    def places(self, address: str, own: str | None = None) -> tuple[str, ...]:
        """Where else an address of torch's index or of a wheel may lie, the address itself included, best first.

        `own`: a mirror of the user's own, which is asked before everything else.
        """
        others = [mirror.url + address[len(mirror.of) :] for mirror in self.mirrors if _below(address, mirror.of)]
        roots = [root for mirror in self.mirrors for root in (mirror.of, mirror.url) if _below(address, root)]
        first = [own.rstrip("/") + address[len(roots[0]) :]] if own and roots else []
        return tuple(dict.fromkeys((*first, address, *others)))

    def family(self, name: str) -> Build | None:
        return next((build for build in self.builds if build.family == name), None)


def parse_torch(raw: Mapping[str, Any], path: str = "torch.toml") -> TorchBuilds:
    """The typed list of `torch.toml`.

    Raises:
        ProfileError: naming every problem in the file.
    """
    reader = Reader(raw, path)
    listed = reader.table("builds")
    builds = tuple(_build(family, listed.table(family)) for family in listed)
    default = reader.choice("default", tuple(build.family for build in builds))
    python = reader.table("python")
    wanted = _version(python, "wanted")
    tolerated = python.table("tolerated", {})
    allowed = {system: _versions(tolerated, system) for system in tolerated}
    python.no_other_keys()
    mirrors = tuple(_mirror(table) for table in reader.tables("mirrors", ()))
    reader.no_other_keys()
    reader.finish()
    return TorchBuilds(default=default, python=wanted, tolerated=allowed, builds=builds, mirrors=mirrors)


def _mirror(reader: Reader) -> TorchMirror:
    return TorchMirror(of=reader.url("of").rstrip("/"), url=reader.reasoned_url().rstrip("/"))


def _below(address: str, root: str) -> bool:
    return address == root or address.startswith(f"{root}/")


def _build(family: str, reader: Reader) -> Build:
    torch, torchvision = reader.text("torch"), reader.text("torchvision", None)
    pinned = [f"torch=={torch}"] + ([f"torchvision=={torchvision}"] if torchvision else [])
    build = Build(
        family=family,
        device=reader.choice("device", DEVICES),
        torch=torch,
        torchvision=torchvision,
        xformers=reader.text("xformers", None),
        index=reader.url("index", None),
        extra_index=reader.url("extra_index", None),
        packages=reader.texts("packages", tuple(pinned)),
        systems=_known(reader, "systems", SYSTEMS),
        machines=reader.texts("machines", ("x86_64",)),
        pythons=_versions(reader, "pythons"),
        kernels=_kernels(reader.table("kernels", {})),
        ptx=_capabilities(reader, "ptx"),
        gfx=reader.texts("gfx", ()),
        xformers_kernels=_capabilities(reader, "xformers_kernels"),
        driver=drivers(reader.table("driver", {})),
        any_card=reader.boolean("any_card", False),
        newest_card=reader.boolean("newest_card", False),
        download_bytes=reader.integer("download_bytes"),
        disk_bytes=reader.integer("disk_bytes"),
        because=reader.text("because"),
        source=reader.text("source"),
    )
    if build.device == "cuda" and not (build.kernels and build.driver):
        reader.problem("kernels", "a CUDA build needs `kernels` and `driver`")
    reader.no_other_keys()
    return build


def _known(reader: Reader, key: str, options: tuple[str, ...]) -> tuple[str, ...]:
    values = reader.texts(key)
    for value in values:
        if value not in options:
            reader.problem(key, f"{value!r} is not one of {', '.join(options)}")
    return values


def _version(reader: Reader, key: str) -> Version:
    version = parse_version(reader.text(key))
    if version is None:
        reader.problem(key, "is not a version")
    return version or Version("0")


def _versions(reader: Reader, key: str) -> tuple[Version, ...]:
    texts = reader.texts(key)
    parsed = [parse_version(text) for text in texts]
    for text, version in zip(texts, parsed, strict=True):
        if version is None:
            reader.problem(key, f"{text!r} is not a version")
    return tuple(version for version in parsed if version is not None)


def _capabilities(reader: Reader, key: str) -> tuple[Capability, ...]:
    return tuple(both for number in reader.numbers(key, ()) if (both := capability(number)) is not None)


def _kernels(reader: Reader) -> dict[str, tuple[Capability, ...]]:
    return {system: _capabilities(reader, system) for system in reader}
