"""`flags.toml`: what the web UI's flags and variables do, and which of them go together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sdsetup.catalog.reading import Reader
from sdsetup.values.flags import Flag


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A flag or a variable. `value`: it takes one or more words; `effect` completes "With it, the web UI ...".

    Where the user has it in the launch file: `own` completes "..., which" for a flag that changes everything;
    `memory`: how many times larger a model is then; `gone`: parts of values that no longer work; `list`: ours is
    added to theirs; `yields_to`: ours is left out beside one of these; `fits`: the package it installs.
    """

    name: str
    effect: str
    without: str
    source: str
    value: bool = False
    excludes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    own: str | None = None
    memory: float | None = None
    gone: tuple[str, ...] = ()
    list: bool = False
    yields_to: tuple[str, ...] = ()
    fits: str | None = None
    group: str | None = None  # of its group a launch file holds one: setting ours takes the user's out


@dataclass(frozen=True, kw_only=True)
class KnownFlags:
    """Every flag and variable that rules may set."""

    settings: Mapping[str, Setting]
    variables: frozenset[str] = frozenset()

    def of(self, setting: str) -> Setting | None:
        """The entry of a flag as it stands in a profile, value included, or of a variable."""
        return self.settings.get(setting) or self.settings.get(Flag.parse(setting).name)

    def variable(self, name: str) -> bool:
        return name in self.variables

    @property
    def exclusive_groups(self) -> tuple[tuple[str, ...], ...]:
        """Flags that do the same job in degrees, by group: of each group a launch file may hold one."""
        groups: dict[str, list[str]] = {}
        for setting in self.settings.values():
            if setting.group is not None:
                groups.setdefault(setting.group, []).append(setting.name)
        return tuple(tuple(names) for names in groups.values())

    def problem_with(self, flag: str) -> str | None:
        entry = self.of(flag)
        if entry is None or not flag.startswith("--"):
            return f"{flag!r} is not a known flag"
        if entry.value and " " not in flag:
            return f"{flag} needs a value"
        if not entry.value and " " in flag:
            return f"{entry.name} takes no value"
        return None

    def exclude(self, first: str, second: str) -> bool:
        """They must not stand together: contradicting, without effect, or two values of one flag."""
        one, two = self.of(first), self.of(second)
        if one is None or two is None:
            return False
        if one.name == two.name:
            return first != second
        return bool({second, two.name} & set(one.excludes) or {first, one.name} & set(two.excludes))

    def needs(self, flag: str) -> tuple[str, ...]:
        entry = self.of(flag)
        return entry.needs if entry is not None else ()


def parse_flags(raw: Mapping[str, Any], path: str = "flags.toml") -> KnownFlags:
    """The typed table of `flags.toml`.

    Raises:
        ProfileError: naming every problem in the file.
    """
    reader = Reader(raw, path)
    settings = {}
    for group in ("flags", "variables", "others"):
        listed = reader.table(group, {})
        for name in listed:
            settings[name] = _setting(name, listed.table(name))
            if name.startswith("--") is not (group == "flags"):
                listed.problem(name, "flags start with --, environment variables don't")
    reader.no_other_keys()
    variables = frozenset(reader.table("variables", {}))
    known = KnownFlags(settings=settings, variables=variables)
    for setting in settings.values():
        for other in (*setting.excludes, *setting.needs, *setting.yields_to):
            if known.of(other) is None:
                reader.problem(setting.name, f"names {other!r}, which is not in this file")
    reader.finish()
    return known


def _setting(name: str, reader: Reader) -> Setting:
    setting = Setting(
        name=name,
        effect=reader.text("effect"),
        without=reader.text("without"),
        source=reader.text("source"),
        value=reader.boolean("value", False),
        excludes=reader.texts("excludes", ()),
        needs=reader.texts("needs", ()),
        own=reader.text("own", None),
        memory=reader.number("memory", None),
        gone=reader.texts("gone", ()),
        list=reader.boolean("list", False),
        yields_to=reader.texts("yields_to", ()),
        fits=reader.text("fits", None),
        group=reader.text("group", None),
    )
    reader.no_other_keys()
    return setting
