"""webui-user.bat: our settings put into the user's file."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

from sdsetup.launchfile import refusals
from sdsetup.launchfile.arguments import (
    BrokenQuotesError,
    EntangledError,
    Unit,
    edit,
    letters,
    names_in,
    opaque,
    touched,
)
from sdsetup.launchfile.bat.letters import REFERENCE
from sdsetup.launchfile.bat.lines import Lines
from sdsetup.launchfile.bat.statements import Statement, delays, depth_after
from sdsetup.text import Text
from sdsetup.values.flags import ARGS, Settings

# The file of a person who has none. ASCII and CRLF, which every code page and every cmd reads alike;
# the cd, because "Run as administrator" starts in System32.
FRESH = (
    b"@echo off\r\n"
    b'cd /d "%~dp0"\r\n'
    b"\r\n"
    b"rem Add what you like: when sdsetup changes its own settings here, your lines and flags stay.\r\n"
    b"set PYTHON=\r\n"
    b"set GIT=\r\n"
    b"set VENV_DIR=\r\n"
    b"set COMMANDLINE_ARGS=\r\n"
    b"\r\n"
    b"call webui.bat\r\n"
)
_STOCK_NAMES = ("PYTHON", "GIT", "VENV_DIR", ARGS)
_SPECIAL = set("&|<>()^ \t")
_NEEDS_CARET = "&|<>^"
# Statements that set nothing, or whose setting is read in full.
SILENT = frozenset({"set", "comment", "blank", "label", "calm", "folder", "echo-off"})
# Variables of Windows that hold one folder or name: never flags.
_PLACES = frozenset({"APPDATA", "CD", "COMPUTERNAME", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PROGRAMFILES"}) | {
    "PUBLIC", "RANDOM", "SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "TMP", "USERNAME", "USERPROFILE", "WINDIR",
}  # fmt: skip
_ABSOLUTE = re.compile(r"([A-Za-z]:[\\/]|\\\\)")


def merge(existing: bytes | None, settings: Settings, encoding: str | None) -> bytes:
    content = existing if existing is not None and existing.strip() else FRESH
    refuse_unreadable(content)
    editor = _Editor(content, encoding)
    editor.put_flags(settings)
    for name, value in settings.env:
        editor.put_variable(name, value)
    for name in settings.drop_env:
        if name.upper() not in {set_name.upper() for set_name, _ in settings.env}:
            editor.drop_variable(name)
    editor.put_folder()
    return editor.file.content(last="" if editor.start is not None else "call webui.bat")


def refuse_unreadable(content: bytes) -> None:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in content:
        why = Text('it is saved as UTF-16 ("Unicode" in Notepad), which the command prompt can\'t run')
    elif b"\x1a" in content.rstrip(b"\x1a\r\n"):
        why = Text("it contains an end-of-file character (Ctrl+Z), where the command prompt stops reading")
    else:
        return
    raise refusals.encoding("bat", why, Text("Open it in Notepad and save it with the ANSI encoding."))


class _Editor:
    """What our settings change in the user's lines."""

    def __init__(self, content: bytes, encoding: str | None) -> None:
        self.encoding = encoding
        self.file = Lines(content, encoding)
        self.all = self.file.all
        starts = [one for one in self.all if one.kind == "start"]
        self.start = next((one for one in starts if one.reached), starts[0] if starts else None)
        self.winding = len(starts) > 1 or any(one.kind in ("jump", "label", "undo") for one in self._reached())
        last = self.all[-1]
        open_end = depth_after(last, last.depth) > 0 or last.raw.rstrip("\r\n").endswith("^")
        strange = any(one.kind in ("other", "jump", "label", "undo") for one in self.all)
        if self.start is None and (strange or open_end):
            raise refusals.unclear(
                "bat", None, Text("it never calls webui.bat, so there is no place for the settings")
            )

    def _reached(self) -> list[Statement]:
        """What may run up to the start, in order; the line of the start may set something itself."""
        return [one for one in self.all if one.reached]

    def assignments(self, name: str) -> list[Statement]:
        """Every `set` of this variable that may run before the start, in order.

        Raises:
            SdsetupError: `launch-file-unclear` where another command sets it.
        """
        reach = self._reached()
        for one in reach:
            if one.kind not in SILENT and mentions(one.text, name):
                raise refusals.unclear(
                    "bat",
                    one.first + 1,
                    _why_unclear(one, name),
                )
        return [one for one in reach if one.kind == "set" and one.name.upper() == name.upper()]

    # --- flags ---

    def put_flags(self, settings: Settings) -> None:
        wanted, gone = touched(settings)
        chain = self._live(self.assignments(ARGS), set(wanted) | gone)
        if not chain:
            if wanted:
                self._insert(ARGS, _body(ARGS, edit([[]], settings, ARGS)[0]))
            return
        for one in chain:
            self._refuse_hidden(one, set(wanted) | gone)
            if (wanted or gone) and one.delayed and any(unit.text == "!" for unit in one.value):
                raise refusals.unclear(
                    "bat", one.first + 1, Text("the ! character has a special meaning there (delayed expansion)")
                )
        try:
            edited = edit([one.value for one in chain], settings, ARGS)
        except BrokenQuotesError:
            raise refusals.broken_quotes("bat", chain[-1].first + 1) from None
        except EntangledError as error:
            raise refusals.unclear(
                "bat",
                chain[-1].first + 1,
                Text("the value of {flag} comes from another variable", flag=error.flag),
            ) from None
        for one, units in zip(chain, edited, strict=True):
            if list(one.value) != units:
                self._refuse_delayed(ARGS, "".join(unit.text for unit in units), one)
                self.file.replace(one, one.head + written(units, quoted=one.quoted) + one.tail)

    def _live(self, assignments: list[Statement], names: set[str]) -> list[Statement]:
        """The lines whose text is in the final value: back from the last while each takes in what was before."""
        live: list[Statement] = []
        for one in reversed(assignments):
            appends = any(unit.role == "reference" and unit.text.upper() == ARGS for unit in one.value)
            if one.unsure:
                raise refusals.unclear(
                    "bat",
                    one.first + 1,
                    Text("its characters can't be read without knowing the console's code page"),
                )
            if one.certain:
                live.insert(0, one)
            elif not appends or names & names_in(one.value, ARGS):
                raise refusals.unclear("bat", one.first + 1, self._why_uncertain(one, ARGS))
            if one.certain and not appends:
                break
        return live

    def _why_uncertain(self, one: Statement, name: str) -> Text:
        """Why a `set` may not hold at the start."""
        behind = self.all[self.all.index(one) :]
        if one.conditional:
            return Text("{name} is set only under a condition", name=name)
        if any(other.kind == "undo" and other.reached for other in behind):
            return Text("endlocal discards what was set before")
        return Text("a jump (goto or call) decides whether {name} is set there", name=name)

    def _refuse_hidden(self, one: Statement, names: set[str], seen: frozenset[str] = frozenset()) -> None:
        """A variable inside COMMANDLINE_ARGS may carry one of our flags: then there are two hands on it."""
        try:
            names_in_it = opaque(one.value, ARGS)
        except BrokenQuotesError:
            return  # said where the flags are edited
        for name in names_in_it:
            key = name.upper()
            if key in seen or key == ARGS or key in _PLACES or name.startswith("%"):
                continue  # %1 and %*: nothing, when the file is double-clicked
            others = self.assignments(name)
            if not others:
                raise refusals.unclear(
                    "bat",
                    one.first + 1,
                    Text("the value of %{name}% can't be determined from the file", name=name),
                )
            for other in others:
                found = names & _names_in(other)
                if found:
                    raise refusals.unclear(
                        "bat",
                        other.first + 1,
                        Text("{flag} is added to COMMANDLINE_ARGS through {name}", flag=min(found), name=name),
                    )
                self._refuse_hidden(other, names, seen | {key})

    # --- variables ---

    def put_variable(self, name: str, value: str) -> None:
        if name.upper() == "PYTHON" and _ABSOLUTE.match(value) and set(value) & _SPECIAL:
            value = f'"{value}"'  # webui.bat runs %PYTHON% bare
        before = self.assignments(name)
        if not before:
            self._insert(name, _body(name, letters(value)))
            return
        last = before[-1]
        if not last.certain:
            raise refusals.unclear("bat", last.first + 1, self._why_uncertain(last, name))
        self._refuse_delayed(name, value, last)
        if (
            "".join(REFERENCE if unit.role == "reference" else unit.text for unit in last.value) != value
            or last.unsure
        ):
            self.file.replace(last, last.command + _body(last.name, letters(value)) + _line_end(last))

    def drop_variable(self, name: str) -> None:
        for one in self.assignments(name):
            if not one.certain:
                raise refusals.unclear(
                    "bat", one.first + 1, Text("{name} is set only under a condition", name=name)
                )
            shared = sum(other.first == one.first for other in self.all) > 1
            stays = shared or name.upper() in _STOCK_NAMES
            keep = f"{one.lead}set {one.name}=" + _line_end(one) if stays else ""
            if one.value or not keep:
                self.file.replace(one, keep)

    def put_folder(self) -> None:
        before = self._reached()
        if any(one.kind == "folder" for one in before):
            return
        self.file.put_after(self._top(), 'cd /d "%~dp0"', None, None, first=True)

    def _top(self) -> int:
        """The line behind which everything is still to come: `@echo off`, where that is a line of its own."""
        echo = [one for one in self._reached() if one.kind == "echo-off" and one.certain and self._own_line(one)]
        # A byte order mark must stay the first thing in the file.
        return echo[0].last if echo else self.all[0].last if self.file.marked else -1

    def _own_line(self, one: Statement) -> bool:
        """No start or jump stands on the same line."""
        return not any(other.first == one.first and other.kind in ("start", "jump") for other in self.all)

    # --- places ---

    def _insert(self, name: str, body: str) -> None:
        before = [one for one in self._reached() if one.kind == "set" and one.certain and self._own_line(one)]
        if before:
            at = before[-1].last
        elif self.winding:
            at = self._top()
        elif self.start is not None:
            at = self._block_of(self.start).first - 1
        else:
            at = len(self.file.lines) - 1
        self._refuse_delayed(name, body, next((one for one in self.all if one.first > at), self.all[-1]))
        self.file.put_after(at, f"set {body}", name, self._encoding_at(at))

    def _refuse_delayed(self, name: str, text: str, at: Statement) -> None:
        """A `!` of ours would vanish where delayed expansion is on."""
        if at.delayed and "!" in text:
            switch = next(one for one in self.all if one.delayed and delays(one))
            raise refusals.delayed(name, switch.first + 1)

    def _encoding_at(self, index: int) -> str | None:
        following = [one.encoding for one in self.all if one.first > index]
        return following[0] if following else self.all[-1].encoding if self.all else self.encoding

    def _block_of(self, one: Statement) -> Statement:
        """The statement at the top level that `one` is part of."""
        place = self.all.index(one)
        while self.all[place].depth > 0 and place > 0:
            place -= 1
        return self.all[place]


def _names_in(one: Statement) -> set[str]:
    try:
        return names_in(one.value, one.name)
    except BrokenQuotesError:
        return set()


def mentions(text: str, name: str) -> bool:
    """Does a command other than a plain `set` change this variable?"""
    return re.search(rf"\bset\b[^&|]*?(?<![\w]){re.escape(name)}\s*=", text, re.IGNORECASE) is not None or (
        re.search(rf"\bset\s+/[ap]\b[^&|]*\b{re.escape(name)}\b", text, re.IGNORECASE) is not None
    )


def _why_unclear(one: Statement, name: str) -> Text:
    first = one.text.strip().lstrip("@").lower()
    if first.startswith("if") or (one.conditional and not first.startswith(("for", "("))):
        return Text("{name} is set only under a condition", name=name)
    if (first.startswith("set") and not re.match(r"set\s+/", first)) or first.startswith("("):
        return Text("the line does more than set {name}", name=name)
    return Text("the value of {name} depends on a condition or on something outside the file", name=name)


def _line_end(one: Statement) -> str:
    return one.raw[len(one.raw.rstrip("\r\n")) :]


def _body(name: str, units: Sequence[Unit]) -> str:
    """`NAME=value` as it follows `set `: quoted where the value needs it and holds no quote itself."""
    text = "".join(unit.text for unit in units)
    if '"' not in text and (set(text) & _SPECIAL - {" "} or text != text.strip()):
        return f'"{name}=' + written(units, quoted=True) + '"'
    return f"{name}=" + written(units, quoted=False)


def written(units: Sequence[Unit], *, quoted: bool) -> str:
    """Letters as cmd must find them; what the user wrote stays where it still means the same."""
    out: list[str] = []
    for unit in units:
        anywhere = unit.role == "reference" or unit.text not in _NEEDS_CARET
        if unit.raw is not None and (unit.quoted == quoted or (anywhere and not unit.raw.startswith("^"))):
            piece = unit.raw
        elif unit.text == "%":
            piece = "%%"
        else:
            piece = "^" + unit.text if not quoted and unit.text in _NEEDS_CARET else unit.text
        out.append(piece)
        if piece == '"':
            quoted = not quoted
    return "".join(out)
