"""What is fixed in an existing installation: in words for the plan, and in bytes."""

from __future__ import annotations

from sdsetup.catalog.webui import EnvironmentSpec
from sdsetup.decide.condition import (
    checkout_at,
    environment_elsewhere,
    environment_faults,
    environment_given_up,
    missing_files,
)
from sdsetup.text import Text, message, some
from sdsetup.values.contents import LaunchFileState, Parts
from sdsetup.values.facts import Facts
from sdsetup.values.flags import Settings
from sdsetup.values.tuning import TorchBuild

_SMALL_PACKAGE = 2_000_000  # bytes, about the size of one of the web UI's packages other than torch


def brought_back(facts: Facts, path: str) -> Text:
    """Which files of a checkout are restored."""
    found = checkout_at(facts.parts, path)
    names = missing_files(found) if found is not None else ()
    return Text("restores {names}; nothing else changes", names=some(names))


def environment_work(facts: Facts, webui: EnvironmentSpec, torch: TorchBuild) -> tuple[Text, int, int]:
    """What is done to the environment, built or repaired, and the bytes that it downloads and adds."""
    parts, there = facts.parts, facts.installation
    stands = (
        environment_elsewhere(facts) is None
        and there is not None
        and there.environment_python is not None
        and there.torch is not None
    )
    if parts is not None and stands and parts.locked is not None and _locked_torch(parts, torch):
        faults = environment_faults(parts)
        large = sum(torch.download_bytes for fault in faults if fault.name == "torch")
        if faults:
            said = Text("restores only what differs: {names}", names=some([fault.said for fault in faults]))
            return said, large + len(faults) * _SMALL_PACKAGE, large
        if parts.distrusted is not None:
            return Text("checks every file and downloads damaged ones again"), 0, 0
    detail = (
        Text("folder venv: PyTorch, xformers {version}, and the web UI's packages", version=torch.xformers)
        if torch.xformers
        else Text("folder venv: PyTorch and the web UI's packages")
    )
    if _has_environment(facts):
        detail = Text("{detail}; the existing one is kept in .sdsetup/former", detail=detail)
    return detail, webui.download_bytes + torch.download_bytes, webui.disk_bytes + torch.disk_bytes


def _locked_torch(parts: Parts, torch: TorchBuild) -> bool:
    """Whether the environment was made with this very torch."""
    return dict(parts.locked or ()).get("torch") == torch.torch


def _has_environment(facts: Facts) -> bool:
    there = facts.installation
    if environment_elsewhere(facts) is not None:
        return False
    return there is not None and (there.environment_python is not None or there.environment_broken is not None)


def launcher_detail(facts: Facts, settings: Settings) -> Text:
    """The flags that are written, and those that are removed."""
    flags = " ".join(settings.flags) or message("no flags needed for this card")
    file = facts.parts.launch_file if facts.parts else None
    unknown = [name for name in (file.unknown if file else ()) if name in settings.drop_flags]
    if not unknown:
        return _without_venv(flags, file, environment_given_up(facts))
    return Text(
        "{flags}; removes {unknown}, which the web UI doesn't recognize (a backup is kept)",
        flags=flags,
        unknown=", ".join(unknown),
    )


def _without_venv(flags: str, file: LaunchFileState | None, given_up: tuple[str, str] | None) -> Text:
    if given_up is not None:
        variable, folder = given_up
        return Text(
            "{flags}; removes {variable}, because the environment in {folder} is damaged (a backup is kept)",
            flags=flags,
            variable=variable,
            folder=folder,
        )
    if file is None or file.no_environment is None:
        return Text("{flags}", flags=flags)
    variable, folder = file.no_environment
    return Text(
        "{flags}; removes {variable}, because {folder} has no Python environment (a backup is kept)",
        flags=flags,
        variable=variable,
        folder=folder,
    )
