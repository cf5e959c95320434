"""The lines of a person's .bat, byte for byte, with some of them replaced and others put between."""

from __future__ import annotations

import codecs

from sdsetup.launchfile import refusals
from sdsetup.launchfile.bat.statements import Statement, physical_lines
from sdsetup.launchfile.bat.ways import statements
from sdsetup.text import Text
from sdsetup.values.flags import LONGEST_CMD_LINE

_MARK = codecs.BOM_UTF8


class Lines:
    """`all`: every statement; `newline`: the file's own line end."""

    def __init__(self, content: bytes, encoding: str | None) -> None:
        self.lines = physical_lines(content)
        self.all = statements(content, encoding)
        self.newline = "\n" if b"\n" in content and b"\r\n" not in content else "\r\n"
        self.marked = content.startswith(_MARK)
        self.replaced: dict[tuple[int, int], str] = {}  # by first physical line and part of the statement
        self._after: dict[int, list[bytes]] = {}

    def replace(self, one: Statement, text: str) -> None:
        """Let `text` stand in the place of a statement.

        Raises:
            SdsetupError: `launch-file-unclear`, `launch-file-letters`, `launch-file-too-long`.
        """
        read = "".join(other.raw for other in self.all if other.first == one.first)
        if one.encoding and read.encode(one.encoding, "surrogateescape") != self._kept(one).removeprefix(_MARK):
            raise refusals.unclear("bat", one.first + 1, Text("its characters are ambiguous in this code page"))
        self.replaced[one.first, one.part] = text
        changed = self._line(one)
        if one.encoding or changed.isascii():
            self.encoded(changed, one.name, one.encoding)
            return
        added = [letter for letter in text if not letter.isascii() and letter not in one.raw]
        if added:
            raise refusals.letters(one.name, "".join(added))

    def _line(self, one: Statement) -> str:
        """The whole line that a statement stands on, as it is to be."""
        parts = [other for other in self.all if other.first == one.first]
        return "".join(self.replaced.get((other.first, other.part), other.raw) for other in parts)

    def _bytes(self, one: Statement) -> bytes:
        kept = self._kept(one)
        if not any(first == one.first for first, _ in self.replaced):
            return kept
        text = self._line(one)
        if one.encoding or text.isascii():
            new = self.encoded(text, one.name, one.encoding)
        else:
            new = text.encode("latin-1")  # letters of a code page that is not known were read one for one
        return _MARK + new if kept.startswith(_MARK) else new

    def _kept(self, one: Statement) -> bytes:
        return b"".join(self.lines[one.first : one.last + 1])

    def encoded(self, text: str, name: str | None, encoding: str | None) -> bytes:
        if len(text) > LONGEST_CMD_LINE:
            raise refusals.too_long(name or "a line")
        if text.isascii():
            return text.encode("ascii")
        try:
            data = text.encode(encoding or "ascii", "surrogateescape")
        except UnicodeError:
            raise refusals.letters(name or "a line", text) from None
        if data.decode(encoding or "ascii", "surrogateescape") != text:
            raise refusals.letters(name or "a line", text)
        return data

    def put_after(
        self, line: int, text: str, name: str | None, encoding: str | None, *, first: bool = False
    ) -> None:
        """A line of ours behind a physical line (-1: at the top); `first`: before others of ours."""
        ours = self._after.setdefault(line, [])
        ours.insert(0 if first else len(ours), self.encoded(text + self.newline, name, encoding))

    def content(self, *, last: str = "") -> bytes:
        """The whole file; `last`: a line of ours at its end."""
        out = [b"".join(self._after.get(-1, []))]
        for one in {one.first: one for one in self.all}.values():
            text = self._bytes(one)
            extra = b"".join(self._after.get(one.last, []))
            if extra and text and not text.endswith(b"\n"):
                text += self.newline.encode()
            out += [text, extra]
        body = b"".join(out)
        if not last:
            return body
        return body + (b"" if body.endswith(b"\n") else self.newline.encode()) + f"{last}{self.newline}".encode()
