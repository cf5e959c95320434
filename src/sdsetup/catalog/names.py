"""Whether a name may be joined onto a folder: the one judge of every relative path in a profile or an option.

It judges for Windows and POSIX at once, because a profile is shared between both: what only one of them takes
for a way out of the folder is refused by both. Links that lie in the folder are the caller's to compare.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from sdsetup.text import Text
from sdsetup.values.layout import STATE_FOLDER

# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9¹²³]|lpt[0-9¹²³])")
_WINDOWS = '<>:"|?*'
_LONGEST_NAME = 255  # bytes of UTF-8 in one name (ext4, APFS); NTFS counts UTF-16 units, which are fewer
_LONGEST_PATH = 1024
_REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+-]*")

_Kind = Literal["outside", "name", "long"]


@dataclass(frozen=True, kw_only=True)
class NameProblem:
    """`kind`: it would leave the folder, is no name that both systems can have, or is too long."""

    kind: _Kind
    said: Text

    def __str__(self) -> str:
        return str(self.said)


def path_problem(path: str, *, pattern: bool = False) -> NameProblem | None:
    """What is wrong with a path that is to stay below a folder, its parts joined by "/"; None when nothing is.

    `pattern`: it may hold the signs of a glob, as in "ComfyUI*/models".
    """
    if not path:
        return _problem("outside", Text("is empty"))
    if re.match(r"[A-Za-z]:", path):
        return _problem("outside", Text("starts with a drive letter"))
    if path.startswith(("/", "\\")):
        return _problem("outside", Text("is not relative: it starts with a slash"))
    if "\\" in path:
        return _problem("outside", Text("contains a backslash (use forward slashes)"))
    if len(path) > _LONGEST_PATH:
        return _problem("long", Text("is too long"))
    problems = (name_problem(part, pattern=pattern) for part in path.split("/"))
    return next((problem for problem in problems if problem is not None), None)


def name_problem(name: str, *, pattern: bool = False) -> NameProblem | None:
    """What is wrong with one name of a file or folder; None when nothing is."""
    if name in ("", ".", ".."):
        return _problem(
            "outside", Text('contains the part "{name}"', name=name) if name else Text("contains an empty part")
        )
    if "/" in name or "\\" in name:
        return _problem("outside", Text("is more than one name"))
    if _as_git_sees(name) in (".git", "git~1", STATE_FOLDER):
        return _problem("name", Text('contains ".git" or ".sdsetup", which are reserved for Git and sdsetup'))
    return system_problem(name, pattern=pattern)


def system_problem(name: str, *, pattern: bool = False) -> NameProblem | None:
    """Why Windows or a POSIX system cannot have a file or folder of that one name; None when both can."""
    if any(_is_control(letter) for letter in name):
        return _problem("name", Text("contains a control character or one that can't be displayed"))
    forbidden = [sign for sign in _WINDOWS if sign in name and not (pattern and sign in "?*")]
    if forbidden:
        return _problem(
            "name", Text("contains the character {sign}, which Windows doesn't allow in a name", sign=forbidden[0])
        )
    if name != name.rstrip(". "):
        return _problem("name", Text("contains a part that ends with a dot or a space, which Windows removes"))
    if _DEVICE.fullmatch(name.split(".")[0].rstrip(" ")):
        return _problem("name", Text('contains the part "{name}", which is a device on Windows', name=name))
    if len(name.encode("utf-8", errors="surrogatepass")) > _LONGEST_NAME:
        return _problem("long", Text("contains a part of more than 255 bytes"))
    return None


def ref_problem(ref: str) -> NameProblem | None:
    """What is wrong with the name of a branch or tag that is handed to git as an argument."""
    if _REF.fullmatch(ref) is None or ".." in ref or "//" in ref or ref.endswith(("/", ".", ".lock")):
        return _problem("name", Text("is not a valid branch or tag name"))
    return None


def _problem(kind: _Kind, said: Text) -> NameProblem:
    return NameProblem(kind=kind, said=said)


def _is_control(letter: str) -> bool:
    """Control characters, halves of a pair, line breaks, and what turns the direction of writing round."""
    turns = unicodedata.bidirectional(letter) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    return turns or unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")


def _as_git_sees(name: str) -> str:
    """Without the letters that macOS ignores, in lower case: ".g\\u200cit" is ".git" there."""
    return "".join(letter for letter in name if unicodedata.category(letter) != "Cf").lower()
