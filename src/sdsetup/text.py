"""Sentences as values: a template and what fills it, so that code decides and `show` words it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

# What a terminal obeys instead of showing it, or what nobody sees: controls (C0, C1), line separators, marks of
# direction, zero-width and other ignorable letters (Unicode's Default_Ignorable_Code_Point), halves of pairs.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def harmless(text: str, *, lines: bool = False) -> str:
    r"""Foreign text as it may be shown: whatever a terminal would obey or nobody would see is written out,
    as in "\x1b[31m" or "\u202e". `lines` keeps line feeds, for text of several lines that is our own."""
    return _UNSEEN.sub(lambda found: _written(found[0], lines), text)


def _written(letter: str, lines: bool) -> str:
    if lines and letter == "\n":
        return letter
    code = ord(letter)
    short = f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return _SHORT.get(letter, short)


class Lines(tuple[str, ...]):
    """A value of several lines that are meant as such: a line feed inside of one is foreign."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n".join(self)


class Number(str):
    """A number as it is written, "4.30": another language may have another mark before its decimals."""

    __slots__ = ()


def rounded(value: float, digits: int) -> Number:
    return Number(f"{value:.{digits}f}")


class Listed(tuple[Any, ...]):
    """Several values named one after the other; they may be sentences themselves."""

    __slots__ = ()

    def __str__(self) -> str:
        return ", ".join(map(str, self))


class Text:
    """A sentence for people: an English template beside the values it mentions.

    `str()` gives the filled English sentence (what JSON and logs carry). `show` may translate
    `template` first and fill it in afterwards, which is why the two are kept apart.

        Text("Python {wanted} is needed, {found} was found", wanted="3.10", found="3.13")

    A sentence that counts has two templates in English, and as many in another language as its grammar needs:

        Text.plural("{count} warning", "{count} warnings", count=2)
    """

    __slots__ = ("many", "template", "values")

    def __init__(self, template: str, /, **values: Any) -> None:
        self.template = template
        self.values = values
        self.many: str | None = None

    @classmethod
    def plural(cls, one: str, many: str, /, *, count: int, **values: Any) -> Text:
        """A sentence whose form follows `count`, which it may mention."""
        text = cls(one, count=count, **values)
        text.many = many
        return text

    def __str__(self) -> str:
        template = self.template if self.many is None or self.values["count"] == 1 else self.many
        # A template from a profile or a message without values may hold braces of its own.
        return template.format(**self.values) if self.values else template

    def __repr__(self) -> str:
        return f"Text({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            return str(self) == other
        return isinstance(other, Text) and (self.template, self.many, self.values) == (
            other.template,
            other.many,
            other.values,
        )

    def __hash__(self) -> int:
        return hash(str(self))

    def __bool__(self) -> bool:
        return bool(self.template)


def in_a_row(sentences: Sequence[Text]) -> Text:
    """Several sentences as one."""
    first, *more = sentences or [Text("")]
    for one in more:
        first = Text("{sentences} {next}", sentences=first, next=one)
    return first


def kept(text: Text) -> dict[str, Any]:
    """A sentence as a file keeps it, so that it can be shown in another language later."""
    values = {name: kept(one) if isinstance(one, Text) else _plain(one) for name, one in text.values.items()}
    return {"template": text.template, "many": text.many, "values": values}


def recalled(value: Any) -> Text | None:
    """The sentence of `kept`; None for anything else."""
    match value:
        case {"template": str(template), "values": dict(values)}:
            filled = {name: recalled(one) if isinstance(one, dict) else one for name, one in values.items()}
            text = Text(template, **filled)
            text.many = many if isinstance(many := value.get("many"), str) and "count" in filled else None
        case _:
            return None
    try:
        str(text)
    except (ValueError, LookupError, TypeError, AttributeError):  # changed by somebody
        return None
    return text


def _plain(value: Any) -> Any:
    return value if type(value) in (int, float, str, bool) else str(value)


class Message(str):
    """Words of ours that are shown as they stand, or become a `Text` elsewhere; translators are given them."""

    __slots__ = ()


def message(words: str) -> Message:
    return Message(words)


def all_of(values: Sequence[Any]) -> Text:
    """ "a", "a and b", "a, b and c"."""
    if len(values) < 2:
        return Text("{all}", all=Listed(values))
    return Text("{first} and {last}", first=Listed(values[:-1]), last=values[-1])


def one_of(values: Sequence[Any]) -> Text:
    """ "a", "a or b", "a, b or c"."""
    if len(values) < 2:
        return Text("{all}", all=Listed(values))
    return Text("{first} or {last}", first=Listed(values[:-1]), last=values[-1])


def some(values: Sequence[Any], shown: int = 3) -> Text:
    """The first few, and how many more there are."""
    first, more = Listed(values[:shown]), len(values) - shown
    return Text("{first} and {count} more", first=first, count=more) if more > 0 else Text("{first}", first=first)
