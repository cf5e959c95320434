"""Reads one TOML table with typed getters. Problems are collected with their paths, never raised one by one.

reader = Reader(raw, "models.toml")
size = reader.table("models").table("sd15").integer("size")
reader.finish()     # raises ProfileError naming every problem, or nothing
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sdsetup.catalog.addresses import AddressError, parse_address
from sdsetup.catalog.names import NameProblem, name_problem, path_problem, ref_problem
from sdsetup.errors import SdsetupError
from sdsetup.text import Lines, Text

_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_REQUIRED: Any = object()
_REMARKS = ("because", "source")  # why it is so, and where we know it from: any table may say it


class ProfileError(SdsetupError):
    """A profile that cannot be used. `problems` holds one line each, with its path inside the file."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            Text(
                "{count} problem(s) in the profiles:\n{lines}",
                count=len(problems),
                lines=Lines(f"  {p}" for p in problems),
            ),
            code="profile-invalid",
            hint=Text("Fix the lines above, or run without --profiles to use the built-in ones."),
        )


class Reader:
    """One table of a profile, its path for messages, and the shared list of problems."""

    def __init__(self, table: Mapping[str, Any], path: str, problems: list[str] | None = None) -> None:
        self._table = table
        self.path = path
        self.problems: list[str] = [] if problems is None else problems
        self._asked: set[str] = set()
        self._inner: dict[str, Reader] = {}  # tables that were asked for, each read through one reader only

    def problem(self, key: str, message: str) -> None:
        self.problems.append(f"{self._at(key)}: {message}")

    def finish(self) -> None:
        """Raise if anything was wrong anywhere in the file, keys included that nobody asked for.

        Raises:
            ProfileError: with every problem found so far.
        """
        self._no_other_keys_below()
        if self.problems:
            raise ProfileError(self.problems)

    def no_other_keys(self) -> None:
        """Report keys nobody asked for: a misspelled key must not be silently without effect."""
        for key in self._table:
            if key not in self._asked and key not in _REMARKS:
                self._asked.add(key)  # once is enough
                self.problem(key, "unknown key")

    def leave_unread(self) -> None:
        """What is in it does not count, so nothing in it can be wrong."""
        self._asked.update(self._table)

    def _no_other_keys_below(self) -> None:
        self.no_other_keys()
        for reader in self._inner.values():
            reader._no_other_keys_below()

    def keys(self) -> list[str]:
        return list(self._table)

    def __iter__(self) -> Iterator[str]:
        """The names of its entries, in the file's order."""
        return iter(self._table)

    def value(self, key: str) -> Any:
        """The raw value, for a key that may be written in two ways; None when it is absent."""
        self._asked.add(key)
        return self._table.get(key)

    def has(self, key: str) -> bool:
        self._asked.add(key)
        return key in self._table

    def text(self, key: str, default: Any = _REQUIRED) -> Any:
        """A non-empty string (a default may be `None`)."""
        value = self._get(key, str, "text", default)
        if self._table.get(key) == "" and default is _REQUIRED:
            self.problem(key, "must not be empty")
        return value

    def integer(self, key: str, default: Any = _REQUIRED) -> Any:
        value = self._get(key, int, "a whole number", default)
        if isinstance(value, bool):
            self.problem(key, "expected a whole number, found true/false")
            return 0
        return value

    def number(self, key: str, default: Any = _REQUIRED) -> Any:
        return self._get(key, (int, float), "a number", default)

    def boolean(self, key: str, default: Any = _REQUIRED) -> Any:
        return self._get(key, bool, "true or false", default)

    def texts(self, key: str, default: Any = _REQUIRED) -> tuple[str, ...]:
        return self._items(key, str, "text", default)

    def numbers(self, key: str, default: Any = _REQUIRED) -> tuple[Any, ...]:
        return self._items(key, (int, float), "a number", default)

    def choice(self, key: str, options: Sequence[str], default: Any = _REQUIRED) -> Any:
        value = self.text(key, default)
        if isinstance(value, str) and value not in options and value != "":
            self.problem(key, f"{value!r} is not one of {', '.join(options)}")
        return value

    def sha256(self, key: str) -> str:
        return self._matching(key, _SHA256, "64 hexadecimal digits")

    def commit(self, key: str) -> str:
        return self._matching(key, _COMMIT, "a full commit id (40 hexadecimal digits)")

    def relative_path(self, key: str, default: Any = _REQUIRED, *, pattern: bool = False) -> Any:
        """A path that stays below the folder it is joined onto, with forward slashes (see `catalog.names`)."""
        value = self.text(key, default)
        if isinstance(value, str) and value:
            self._judge(key, value, path_problem(value, pattern=pattern))
        return value

    def relative_paths(self, key: str, default: Any = _REQUIRED, *, pattern: bool = False) -> tuple[str, ...]:
        values = self.texts(key, default)
        for n, value in enumerate(values):
            self._judge(f"{key}[{n}]", value, path_problem(value, pattern=pattern))
        return values

    def file_name(self, key: str) -> str:
        """One name of a file or folder."""
        value: str = self.text(key)
        if value:
            self._judge(key, value, name_problem(value))
        return value

    def ref_name(self, key: str) -> str:
        """The name of a branch or tag."""
        value: str = self.text(key)
        if value:
            self._judge(key, value, ref_problem(value))
        return value

    def _judge(self, key: str, value: str, problem: NameProblem | None) -> None:
        if problem is not None:
            self.problem(key, f"{value!r} {problem}")

    def url(self, key: str, default: Any = _REQUIRED) -> Any:
        """https anywhere, plain http only to this machine's loopback addresses."""
        value = self.text(key, default)
        if isinstance(value, str) and value:
            self.judge_address(key, value)
        return value

    def addresses(self, key: str) -> tuple[str, ...]:
        """At least one address, with those of `mirrors` behind them; each mirror says why it is there."""
        urls = self.texts(key)
        if self.has(key) and not urls:
            self.problem(key, "needs at least one address")
        for url in urls:
            self.judge_address(key, url)
        return (*urls, *self.mirrors())

    def mirrors(self) -> tuple[str, ...]:
        """The addresses of `[[mirrors]]`, in the file's order."""
        return tuple(mirror.reasoned_url() for mirror in self.tables("mirrors", ()))

    def reasoned_url(self) -> str:
        """`url` of a table that holds nothing else but why it is there and where that is known from."""
        url: str = self.url("url")
        self.text("because")
        self.text("source")
        self.no_other_keys()
        return url

    def judge_address(self, key: str, value: str) -> None:
        """Report an address that we would not go to."""
        try:
            parse_address(value)
        except AddressError as error:
            why = "must start with https:// (http:// only for loopback addresses)"
            self.problem(key, f"{value!r} {why}" if error.code == "not-encrypted" else str(error.why))

    def table(self, key: str, default: Any = _REQUIRED) -> Reader:
        if key not in self._inner:
            value = self._get(key, Mapping, "a table", default)
            table = value if isinstance(value, Mapping) else {}
            self._inner[key] = Reader(table, self._at(key), self.problems)
        return self._inner[key]

    def tables(self, key: str, default: Any = _REQUIRED) -> list[Reader]:
        """An array of tables (`[[name]]`)."""
        items = self._items(key, Mapping, "a table", default)
        readers = [Reader(item, f"{self._at(key)}[{n}]", self.problems) for n, item in enumerate(items)]
        self._inner |= {f"{key}[{n}]": reader for n, reader in enumerate(readers)}
        return readers

    def _at(self, key: str) -> str:
        return f"{self.path}: {key}" if ":" not in self.path else f"{self.path}.{key}"

    def _get(self, key: str, kind: Any, wanted: str, default: Any) -> Any:
        self._asked.add(key)
        if key not in self._table:
            if default is _REQUIRED:
                self.problem(key, "is missing")
                return _blank(kind)
            return default
        value = self._table[key]
        if not isinstance(value, kind):
            self.problem(key, f"expected {wanted}, found {_kind(value)}")
            return _blank(kind) if default is _REQUIRED else default
        return value

    def _items(self, key: str, kind: Any, wanted: str, default: Any) -> tuple[Any, ...]:
        value = self._get(key, list, f"a list, each {wanted}", [] if default is not _REQUIRED else _REQUIRED)
        good = []
        for n, item in enumerate(value):
            if isinstance(item, kind):
                good.append(item)
            else:
                self.problem(f"{key}[{n}]", f"expected {wanted}, found {_kind(item)}")
        return tuple(good) if key in self._table or default is _REQUIRED else tuple(default)

    def _matching(self, key: str, pattern: re.Pattern[str], wanted: str) -> str:
        value: str = self.text(key)
        if value and not pattern.fullmatch(value):
            self.problem(key, f"expected {wanted}, found {value!r}")
        return value


def _blank(kind: Any) -> Any:
    """A stand-in that lets reading go on, so that the next problem is found too."""
    first = kind[0] if isinstance(kind, tuple) else kind
    return {} if first is Mapping else first()


def _kind(value: Any) -> str:
    names = {
        str: "text",
        bool: "true/false",
        int: "a whole number",
        float: "a number",
        list: "a list",
        dict: "a table",
    }
    return f"{names.get(type(value), type(value).__name__)} ({value!r:.40})"
