"""The launch file: `webui-user.bat` on Windows, `webui-user.sh` elsewhere.

    settings = Settings(
        flags=("--xformers", "--medvram", flag("--ckpt-dir", r"D:\\AI models")),
        env=(("SAFETENSORS_FAST_GPU", "1"),),
        drop_flags=("--no-half",),                  # ours of an earlier time
        exclusive=(("--lowvram", "--medvram"),),    # one of each group; setting one takes the others out
    )
    new = merge("bat", old_bytes_or_none, settings, oem_encoding="cp866")
    seen = read("bat", new, encoding="cp866", environment=os.environ, folder=str(checkout))
    seen.flags, seen.env, seen.apply(os.environ), seen.unclear

`merge` keeps the user's lines, variables and flags byte for byte and changes ours where they stand;
the same input gives the same bytes, and merging twice gives the same as once. What it cannot do
safely it refuses with a `SdsetupError`, and nothing is lost. Nothing here touches a file or the system.
"""

from __future__ import annotations

from dataclasses import replace

from sdsetup.errors import SdsetupError
from sdsetup.launchfile.bat.merging import merge as merge_bat
from sdsetup.launchfile.effective import arguments, read
from sdsetup.launchfile.sh.merging import merge as merge_sh
from sdsetup.text import Text, message
from sdsetup.values.flags import (
    ARGS,
    FILE_NAMES,
    Flag,
    Kind,
    LaunchFile,
    Settings,
    Unclear,
    checked,
    flag,
    grouped,
    parsed_flags,
)

__all__ = [
    "ARGS",
    "FILE_NAMES",
    "Flag",
    "Kind",
    "LaunchFile",
    "Settings",
    "Unclear",
    "arguments",
    "flag",
    "grouped",
    "merge",
    "read",
]


def merge(kind: Kind, existing: bytes | None, settings: Settings, *, oem_encoding: str | None = None) -> bytes:
    """The launch file with our settings in it. `existing`: the user's file, None or empty for a fresh one.

    `oem_encoding`: Python's name of the console's code page ("cp866"), in which cmd reads a .bat;
    None when it is not known: then letters outside ASCII are left alone and none are written.

    Raises:
        SdsetupError: `launch-flag`, `launch-name`, `launch-empty-value`, `launch-control-letter` (a setting
            that no launch file can carry), `launch-file-letters` (this code page lacks a letter),
            `launch-file-too-long`, `launch-file-encoding`, `launch-file-quotes`, `launch-file-unclear`
            (the user's file sets one of our names in a way that cannot be told or changed safely).
    """
    checked(settings)
    merged = _merged(kind, existing, settings, oem_encoding)
    _must_read_back(kind, existing or b"", merged, settings, oem_encoding)
    return merged


def _merged(kind: Kind, existing: bytes | None, settings: Settings, encoding: str | None) -> bytes:
    settings = replace(settings, env=_unsaid(kind, existing, settings, encoding))
    return merge_bat(existing, settings, encoding) if kind == "bat" else merge_sh(existing, settings)


def _unsaid(
    kind: Kind, existing: bytes | None, settings: Settings, encoding: str | None
) -> tuple[tuple[str, str], ...]:
    """The variables that the file does not set to these very values already, in whatever words."""
    fold = str.upper if kind == "bat" else str
    said = {fold(name): value for name, value in read(kind, existing or b"", encoding=encoding).env.items()}
    return tuple((name, value) for name, value in settings.env if said.get(fold(name)) != value)


def _must_read_back(kind: Kind, existing: bytes, merged: bytes, settings: Settings, encoding: str | None) -> None:
    """A launch file that would not say what we decided is not written."""
    seen = read(kind, merged, encoding=encoding)
    unclear = {(one.name or ARGS).upper() for one in seen.unclear}
    env = {name.upper(): value for name, value in seen.env.items()}
    lost = [
        name
        for name, value in settings.env
        if name.upper() not in unclear and env.get(name.upper(), "").strip('"') != value.strip('"')
    ]
    if ARGS not in unclear:
        present = {(one.name, one.values) for one in grouped(seen.flags)}
        names = {name for name, _ in present}
        lost += [
            one.name
            for one in parsed_flags(settings).values()
            if (one.name, one.values) not in present and (one.values or one.name not in names)
        ]
    if lost or _merged(kind, merged, settings, encoding) != merged:
        raise SdsetupError(
            Text(
                "The launch file can't be changed to set {names}",
                names=", ".join(lost) or message("the recommended settings"),
            ),
            code="launch-file-unclear",
            where=_last_line_about(kind, existing, lost),
            why=Text("its other lines override these settings"),
            hint=Text("Rename the launch file; sdsetup then creates a new one."),
        )


def _last_line_about(kind: Kind, existing: bytes, lost: list[str]) -> str:
    """The person's own line that names what was lost; the file where none does."""
    names = [(ARGS if name.startswith("-") else name).lower().encode() for name in lost]
    numbers = [
        number
        for number, line in enumerate(existing.lower().splitlines(), start=1)
        if any(name in line for name in names)
    ]
    return f"{FILE_NAMES[kind]}, line {numbers[-1]}" if numbers else FILE_NAMES[kind]
