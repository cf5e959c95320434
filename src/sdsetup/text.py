"""Sentences as values: a template and what fills it, so that code decides and `show` words it."""

from __future__ import annotations

from typing import Any


class Text:
    """A sentence for people: an English template beside the values it mentions.

    `str()` gives the filled English sentence (what JSON and logs carry). `show` may translate
    `template` first and fill it in afterwards, which is why the two are kept apart.

        Text("Python {wanted} is needed, {found} was found", wanted="3.10", found="3.13")
    """

    __slots__ = ("template", "values")

    def __init__(self, template: str, /, **values: Any) -> None:
        self.template = template
        self.values = values

    def __str__(self) -> str:
        # A template from a profile or a message without values may hold braces of its own.
        return self.template.format(**self.values) if self.values else self.template

    def __repr__(self) -> str:
        return f"Text({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            return str(self) == other
        return isinstance(other, Text) and (self.template, self.values) == (other.template, other.values)

    def __hash__(self) -> int:
        return hash(str(self))

    def __bool__(self) -> bool:
        return bool(self.template)
