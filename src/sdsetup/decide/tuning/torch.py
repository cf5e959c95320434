"""The torch build for one case: card and driver and code inside and Python and system, all at once; and whether
an environment has it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from packaging.version import Version

from sdsetup.catalog.torch import Build, Capability, TorchBuilds
from sdsetup.decide.tuning.rule_context import RuleContext
from sdsetup.text import Text
from sdsetup.values.facts import Gpu
from sdsetup.values.tuning import TorchBuild, Tuning, Warning
from sdsetup.values.versions import driver_words, parse_version

_BRANCH = 10  # the numbers of a driver branch: 580 to 589 on both systems


@dataclass(frozen=True, kw_only=True)
class Choice:
    """`build` is what to install, None when nothing fits this machine. `driver` says how the driver stands to
    it (see `conditions.TEXT_FIELDS`), `needed` the oldest driver that runs the best build for the card, and
    `updatable` whether such a driver exists for it."""

    build: Build | None
    fallbacks: tuple[Build, ...] = ()
    driver: str | None = None
    needed: Version | None = None
    updatable: bool | None = None


def choose_build(case: RuleContext, builds: TorchBuilds, family: str | None = None) -> Choice:
    """The first build of the list that suits the case, and the ones to try after it."""
    suiting = [build for build in builds.builds if suits(build, case)]
    if family is not None and case.values["device"] == "cuda":
        suiting = [build for build in builds.builds if build.family == family]
    if not suiting:
        return Choice(build=None)
    best = suiting[0]
    if case.values["device"] != "cuda":
        missing = best.device == "rocm" and _no_amd_driver(case.gpu)
        return Choice(build=best, fallbacks=tuple(suiting[1:]), driver="missing" if missing else None)
    needed = _needed(best, case)
    state, running = _by_driver(suiting, case)
    chosen = running[0] if running else best
    return Choice(
        build=chosen,
        fallbacks=tuple(build for build in (running or suiting) if build is not chosen),
        driver="fallback" if state == "fine" and chosen is not best else state,
        needed=needed,
        updatable=_exists(needed, case),
    )


def suits(build: Build, case: RuleContext) -> bool:
    """Everything but the driver."""
    values = case.values
    if build.device != values["device"] or values["os"] not in build.systems:
        return False
    if values["machine"] is not None and values["machine"] not in build.machines:
        return False
    if values["python"] not in build.pythons:
        return False
    if build.device == "rocm":
        return bool(values["every_gfx"]) and set(values["every_gfx"]) <= set(build.gfx)
    if build.device != "cuda":
        return True
    compute = values["compute"]
    if compute is None:
        maybe_newer = values["generation"] == "unknown" and values["knows_newest"]
        return build.newest_card if maybe_newer else build.any_card
    return runs(compute, build.kernels.get(_column(case), ()), build.ptx)


def runs(compute: Capability, kernels: Iterable[Capability], ptx: Iterable[Capability] = ()) -> bool:
    """Machine code runs on its own major version and the same or a newer minor one; PTX on anything newer."""
    native = any(major == compute[0] and minor <= compute[1] for major, minor in kernels)
    return native or any(code <= compute for code in ptx)


def xformers_runs(build: Build | None, case: RuleContext) -> bool:
    """The build has a paired xformers, with code for this card."""
    if build is None or build.xformers is None:
        return False
    compute = case.values["compute"]
    return compute is None or runs(compute, build.xformers_kernels)


def set_for(build: Build, *, with_xformers: bool) -> TorchBuild:
    """The build as the tuning carries it."""
    return TorchBuild(
        family=build.family,
        torch=build.torch,
        torchvision=build.torchvision or "",
        xformers=build.xformers if with_xformers else None,
        index_url=build.index or build.extra_index,
        command=build.command,
        packages=build.packages,
        download_bytes=build.download_bytes,
        disk_bytes=build.disk_bytes,
    )


def xformers_package(build: Build) -> str:
    """What XFORMERS_PACKAGE would be: a local version is found on the build's own index only."""
    if build.xformers is None:
        return ""
    index = f" --index-url {build.index}" if build.index and "+" in build.xformers else ""
    return f"xformers=={build.xformers}{index}"


def words_of_drivers(choice: Choice, case: RuleContext) -> dict[str, str]:
    build = choice.build
    minimum = build.driver.get(_driver_column(case)) if build else None
    return {
        "build_driver": driver_words(minimum) if minimum else "",
        "needed_driver": driver_words(choice.needed) if choice.needed else "",
    }


def _column(case: RuleContext) -> str:
    """WSL runs the Windows driver, but Linux wheels: only drivers are looked up in the Windows column."""
    return "linux" if case.values["os"] == "wsl" else str(case.values["os"])


def _driver_column(case: RuleContext) -> str:
    return "windows" if case.values["os"] == "wsl" else str(case.values["os"])


def _needed(build: Build, case: RuleContext) -> Version | None:
    """The build's own minimum, or the first driver that knows the card, whichever is newer."""
    minimum = build.driver.get(_driver_column(case))
    first = case.architecture.first_driver.get(_driver_column(case)) if case.architecture else None
    if minimum is None or (first is not None and first >= minimum):
        return first
    return minimum


def _by_driver(suiting: list[Build], case: RuleContext) -> tuple[str, list[Build]]:
    gpu = case.gpu
    version = parse_version(gpu.driver_version) if gpu else None
    if version is None:
        return ("assumed" if gpu is not None and gpu.source == "what-if" else "missing"), suiting
    last = case.architecture.last_branch if case.architecture else None
    if last is not None and version.major >= last + _BRANCH:
        return "too-new", suiting
    running = [build for build in suiting if (needed := _needed(build, case)) is None or version >= needed]
    return ("fine" if running else "too-old"), running


def _no_amd_driver(gpu: Gpu | None) -> bool:
    """On the list of devices, and the amdgpu driver tells neither its memory nor its kind."""
    return gpu is not None and gpu.source == "sysfs" and gpu.gfx is None and gpu.vram_bytes is None


def _exists(needed: Version | None, case: RuleContext) -> bool:
    """A driver that new was made for this card."""
    last = case.architecture.last_branch if case.architecture else None
    return last is None or needed is None or needed.major < last + _BRANCH


def misfit(tuning: Tuning, installed: str | None, *, fix: Text) -> Warning | None:
    """A warning when the environment's torch ("2.1.2+cpu") is not the one that these settings are for.

    `fix`: what makes both fit. A build without a tag after the plus sign says nothing about its device.
    """
    wanted = tuning.torch.torch if tuning.torch else None
    if installed is None or wanted is None or _same(installed, wanted):
        return None
    return Warning(
        topic="environment",
        text=Text(
            "These settings are for PyTorch {wanted}, but the Python environment has PyTorch {there}. {fix}",
            wanted=wanted,
            there=installed,
            fix=fix,
        ),
    )


def _same(one: str, other: str) -> bool:
    (version, _, tag), (other_version, _, other_tag) = one.partition("+"), other.partition("+")
    return version == other_version and (tag == other_tag or not tag or not other_tag)
