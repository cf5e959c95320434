"""A shortcut that starts the web UI: in the system's menu of programs, or on the desktop.

Each names the installation that it starts, in a line of ours. A file without that line, or with that of another
installation, is never written over and never removed.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from subprocess import list2cmdline
from typing import Literal

import platformdirs

from sdsetup.errors import SdsetupError
from sdsetup.execute.folders import file_problems
from sdsetup.machine import Machine
from sdsetup.machine.windows_shortcut import write_link
from sdsetup.storage import write_atomically
from sdsetup.text import Text

Place = Literal["menu", "desktop"]

NAME = "Stable Diffusion web UI"
_SIGN = "made by sdsetup for "
_LINE = re.compile(rf"^.*{_SIGN}(?P<folder>.+)$", re.MULTILINE)
_MOST = 64 * 2**10  # bytes; ours have 2 KiB
_ENDINGS = {"windows": ".lnk", "macos": ".command"}
# https://specifications.freedesktop.org/desktop-entry-spec/latest/exec-variables.html
_QUOTED_IN_EXEC = re.compile(r'([`"$\\])')


def home_of(place: Place) -> Path:
    """The folder in which the system looks: for its menu of programs, or the desktop."""
    return platformdirs.user_applications_path() if place == "menu" else platformdirs.user_desktop_path()


def shortcuts_of(folder: Path, machine: Machine) -> tuple[Path, ...]:
    """Every shortcut of ours that starts this installation."""
    wanted = _plain(folder)
    return tuple(
        path
        for place in ("menu", "desktop")
        for path in _files(home_of(place), machine.family)
        if (said := folder_in(path)) is not None and _plain(said) == wanted
    )


def folder_in(file: Path) -> Path | None:
    """The installation that a shortcut of ours starts; None for any other file."""
    try:
        if file.is_symlink() or file.stat().st_size > _MOST:
            return None
        content = file.read_bytes()
    except OSError:
        return None
    if file.suffix == ".lnk":
        return _said_in_link(content)
    found = _LINE.search(content.decode("utf-8", errors="replace"))
    return None if found is None else Path(found["folder"])


def write_shortcut(place: Place, folder: Path, program: Sequence[str], machine: Machine) -> Path:
    """Make the shortcut, or write it anew where this installation has one there; the file.

    Raises:
        SdsetupError: `shortcut-letters` where a name cannot stand in such a file; the cause when it cannot be
            written.
    """
    words = [*program, "launch", "--dir", str(folder), "--wait"]
    home = home_of(place)
    file, title = _free(home, folder, machine.family)
    content = b""
    if machine.family != "windows":
        content = _command(words, folder) if machine.family == "macos" else _entry(title, words, folder)
    with file_problems(file, Text("The shortcut could not be written")):
        home.mkdir(parents=True, exist_ok=True)
        if machine.family == "windows":
            rest, said = list2cmdline(words[1:]), f"{_SIGN}{folder}"
            write_link(file, words[0], rest, folder=str(folder), description=said)
        else:
            write_atomically(file, content)
            file.chmod(0o755)  # a desktop starts only what may be executed
    return file


def _files(home: Path, family: str) -> Iterator[Path]:
    try:
        yield from sorted(home.glob(f"*{_ENDINGS.get(family, '.desktop')}"))
    except OSError:
        return


def _free(home: Path, folder: Path, family: str) -> tuple[Path, str]:
    """The file of this installation, else the first name that is free; and the title that the user reads."""
    for number in count(1):
        title = NAME if number == 1 else f"{NAME} ({folder.name})" if number == 2 else f"{NAME} ({number})"
        stem = title
        if family not in _ENDINGS:  # what a desktop knows an entry by has no spaces
            stem = "sdsetup-webui" if number == 1 else f"sdsetup-webui-{number}"
        file = home / f"{stem}{_ENDINGS.get(family, '.desktop')}"
        if not os.path.lexists(file) or _may_be_renewed(file, folder):
            return file, title
    raise AssertionError("there is always another number")


def _may_be_renewed(file: Path, folder: Path) -> bool:
    """Whether a shortcut of ours starts this installation, or one that was deleted. One whose parent folder is not
    there either may lie on a drive that comes back."""
    said = folder_in(file)
    if said is None:
        return False
    return _plain(said) == _plain(folder) or (said.parent.is_dir() and not os.path.lexists(said))


def _entry(title: str, words: Sequence[str], folder: Path) -> bytes:
    lines = [
        "[Desktop Entry]",
        f"# {_SIGN}{folder}",
        "Type=Application",
        "Version=1.0",
        f"Name={_value(title)}",
        f"Exec={_value(' '.join(_exec(word) for word in words))}",
        f"Path={_value(str(folder))}",
        "Icon=applications-graphics",
        "Terminal=true",
        "Categories=Graphics;",
    ]
    return _encoded("\n".join(lines) + "\n", words, folder)


def _command(words: Sequence[str], folder: Path) -> bytes:
    return _encoded(f"#!/bin/sh\n# {_SIGN}{folder}\nexec {shlex.join(words)}\n", words, folder)


def _exec(word: str) -> str:
    quoted = _QUOTED_IN_EXEC.sub(r"\\\1", word).replace("%", "%%")
    return f'"{quoted}"'


def _value(text: str) -> str:
    return text.replace("\\", "\\\\")


def _encoded(text: str, words: Sequence[str], folder: Path) -> bytes:
    try:
        if any("\n" in word or "\r" in word for word in (*words, str(folder))):
            raise ValueError("a line ends within a name")
        return text.encode("utf-8")
    except ValueError as error:
        raise SdsetupError(
            Text("The folder name has characters that a shortcut cannot store"),
            where=folder,
            hint=Text("Rename the folder, then run the same command again."),
            code="shortcut-letters",
        ) from error


def _said_in_link(content: bytes) -> Path | None:
    """From the description of a .lnk: its number of characters (2 bytes), then UTF-16
    (https://learn.microsoft.com/openspecs/windows_protocols/ms-shllink, 2.4 StringData)."""
    start = content.find(_SIGN.encode("utf-16-le"))
    if start < 2:
        return None
    length = 2 * int.from_bytes(content[start - 2 : start], "little")
    said = content[start : start + length].decode("utf-16-le", errors="replace")
    return Path(said.removeprefix(_SIGN).partition("\0")[0])  # Wine counts the zero at its end


def _plain(path: Path) -> str:
    return os.path.normcase(os.path.realpath(path))
