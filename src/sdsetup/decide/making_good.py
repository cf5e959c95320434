"""What is made good of an installation that is there: in words for the plan, and in bytes."""

from __future__ import annotations

from sdsetup.catalog.webui import EnvironmentSpec
from sdsetup.decide.condition import checkout_at, environment_faults, missing_files
from sdsetup.text import Text, message, some
from sdsetup.values.facts import Facts
from sdsetup.values.flags import Settings
from sdsetup.values.parts import Parts
from sdsetup.values.tuning import TorchBuild

_SMALL_PACKAGE = 2_000_000  # bytes, about what a package of the web UI's has that is not torch


def brought_back(facts: Facts, path: str) -> Text:
    """Which files of a checkout come back."""
    found = checkout_at(facts.parts, path)
    names = missing_files(found) if found is not None else ()
    return Text("brings back {names}; nothing else changes", names=some(names))


def environment_work(facts: Facts, webui: EnvironmentSpec, torch: TorchBuild) -> tuple[Text, int, int]:
    """What is done to the environment, and the bytes that it fetches and adds: built, or only set back."""
    parts, there = facts.parts, facts.installation
    stands = there is not None and there.environment_python is not None and there.torch is not None
    if parts is not None and stands and parts.locked is not None and _locked_torch(parts, torch):
        faults = environment_faults(parts)
        large = sum(torch.download_bytes for fault in faults if fault.name == "torch")
        if faults:
            said = Text("sets back only what differs: {names}", names=some([fault.said for fault in faults]))
            return said, large + len(faults) * _SMALL_PACKAGE, large
        if parts.distrusted is not None:
            return Text("every file is looked at, and what is damaged is fetched again"), 0, 0
    detail = Text(
        "the folder venv: torch, the web UI's packages, xformers {x}; "
        "the one that is there is kept in .sdsetup/former"
        if _has_environment(facts)
        else "the folder venv: torch, the web UI's packages, xformers {x}",
        x=torch.xformers or message("not needed"),
    )
    return detail, webui.download_bytes + torch.download_bytes, webui.disk_bytes + torch.disk_bytes


def _locked_torch(parts: Parts, torch: TorchBuild) -> bool:
    """Whether the environment was made with this very torch."""
    return dict(parts.locked or ()).get("torch") == torch.torch


def _has_environment(facts: Facts) -> bool:
    there = facts.installation
    return there is not None and (there.environment_python is not None or there.environment_broken is not None)


def launcher_detail(facts: Facts, settings: Settings) -> Text:
    """The flags that are written, and those that are taken out."""
    flags = " ".join(settings.flags) or message("no special flags for this card")
    file = facts.parts.launch_file if facts.parts else None
    unknown = [name for name in (file.unknown if file else ()) if name in settings.drop_flags]
    if not unknown:
        return Text("{flags}", flags=flags)
    return Text(
        "{flags}; takes out {unknown}, at which this web UI stops (the file as it was is kept)",
        flags=flags,
        unknown=", ".join(unknown),
    )
