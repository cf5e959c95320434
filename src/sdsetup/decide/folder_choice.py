"""Whether a folder that was typed can take an installation, in words that fit a question."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath, PurePosixPath, PureWindowsPath

from sdsetup.catalog.doctor import Requirements
from sdsetup.decide.checks import place
from sdsetup.text import Text
from sdsetup.values.facts import Facts, Family

# Of Linux and macOS: an administrator could write there, and the next system update could remove it.
_SYSTEM_FOLDERS: dict[Family, tuple[str, ...]] = {
    "linux": ("/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/proc", "/sbin", "/sys", "/usr"),
    "macos": ("/Applications", "/Library", "/System", "/bin", "/dev", "/etc", "/sbin", "/usr"),
    "windows": (),
}
_UNWRITABLE = re.compile("[\x00-\x1f\x7f]")


def typing_problem(answer: str, family: Family) -> Text | None:
    """Why an answer is no path at all; None for one that may be."""
    if _UNWRITABLE.search(answer):
        return Text("A path can't contain control characters.")
    if "://" in answer:
        return Text("This is an address, not a folder on this PC.")
    body = re.sub(r"^(\\\\[?.]\\)?[A-Za-z]:", "", answer) if family == "windows" else answer
    if family == "windows" and (odd := sorted(set(body) & set('<>:"|?*'))):
        return Text("Windows doesn't allow {characters} in a path.", characters=" ".join(odd))
    if family != "windows" and re.match(r"[A-Za-z]:[\\/]", answer):
        return Text("This is a Windows path, and this PC runs another system.")
    return None


def place_problem(path: PurePath, *, family: Family, home: PurePath, own: Sequence[PurePath]) -> Text | None:
    """Why nothing is installed at this place, whatever lies there; None where it can be looked at.

    `own`: folders that belong to sdsetup itself.
    """
    if path.parent == path:
        return Text("This is the top of a drive. The web UI needs a folder of its own, for example {example}.",
                    example=_inside(path, family))  # fmt: skip
    if path == home:
        return Text("This is your home folder. Choose a folder inside it, for example {example}.",
                    example=_inside(path, family))  # fmt: skip
    for folder in own:
        if _is_inside(path, folder, family):
            return Text("{folder} belongs to sdsetup itself and can be replaced by an update.", folder=folder)
    for name in _SYSTEM_FOLDERS[family]:
        if _is_inside(path, PurePosixPath(name), family):
            return Text("{folder} belongs to the system. Choose a folder in your home folder.", folder=name)
    return None


def folder_problem(facts: Facts, need: Requirements) -> Text | None:
    """Why what lies at this place cannot take an installation; None where it can."""
    finding = place.folder(facts, need)
    return finding.why if finding.status == "fail" else None


def _inside(path: PurePath, family: Family) -> PurePath:
    return path / ("sd-webui" if family == "windows" else "stable-diffusion-webui")


def _is_inside(path: PurePath, folder: PurePath, family: Family) -> bool:
    kind = PureWindowsPath if family == "windows" else PurePosixPath
    one, other = kind(str(path)), kind(str(folder))
    return one == other or other in one.parents
