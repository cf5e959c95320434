"""`tuning/*.toml`: one profile of rules, read and checked whole before anything is decided with it."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any

from sdsetup.catalog.conditions import TEXT_FIELDS, Condition, Test, read_condition
from sdsetup.catalog.flags import KnownFlags
from sdsetup.catalog.gpus import GpuTable
from sdsetup.catalog.reading import Reader
from sdsetup.catalog.torch import TorchBuilds

DEVICES = TEXT_FIELDS["device"]
# What a sentence or a variable's value may mention.
WORDS = (
    "card",
    "vram",
    "compute",
    "architecture",
    "gfx",
    "driver",
    "build_driver",
    "needed_driver",
    "last_branch",
    "ram",
    "pagefile",
    "torch",
    "torch_command",
    "xformers_package",
    "index",
    "visible",
    "cards",
    "python",
    "sizes",
)


@dataclass(frozen=True, kw_only=True)
class Tier:
    """VRAM classes: a card belongs to the last one whose `from_gib` it reaches."""

    name: str
    from_gib: float


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One piece of advice. Of the rules that `decide` the same thing, the first that applies wins.

    `omits` names flags that this rule leaves out on purpose, so that somebody can ask why. `short`: the reason in
    a few words.
    """

    id: str
    when: Condition
    because: str
    source: str
    decides: str | None = None
    flags: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    omits: tuple[str, ...] = ()
    device: str | None = None
    warn: str | None = None
    unsupported: bool = False
    instead: str | None = None
    short: str | None = None

    @property
    def sets(self) -> bool:
        """Does it write anything into a launch file?"""
        return bool(self.flags or self.env)

    @cached_property
    def reach(self) -> Condition:
        """Where the rule's settings are met: what it asks for, and the device that it chooses."""
        if self.device is None:
            return self.when
        chosen = Test(field="device", kind="one_of", options=(self.device,))
        return Condition(tests=(*self.when.tests, chosen))


@dataclass(frozen=True, kw_only=True)
class Profile:
    """`torch` is a family of `torch.toml`, or None: chosen by card, driver, system and Python."""

    name: str
    title: str
    torch: str | None
    assume_vram_gib: float
    tiers: tuple[Tier, ...]
    rules: tuple[Rule, ...]

    def without(self, rule: str) -> Profile:
        """The same profile with one rule less: what would change without it."""
        return replace(self, rules=tuple(kept for kept in self.rules if kept.id != rule))


def parse_profile(raw: Mapping[str, Any], path: str, known: KnownFlags, families: Sequence[str] = ()) -> Profile:
    """One rule profile, e.g. `parse_profile(raw, "tuning/current.toml", known)`.

    Raises:
        ProfileError: naming every problem: unknown keys and flags, conditions that cannot be read, rules
            that contradict each other or can never apply.
    """
    reader = Reader(raw, path)
    name = path.rsplit("/", 1)[-1].removesuffix(".toml")
    torch = reader.text("torch", None)
    if torch is not None and families and torch not in families:
        reader.problem("torch", f"{torch!r} is not a family of torch.toml ({', '.join(families)})")
    listed = reader.table("rules")
    read = [_rule(rule, listed.table(rule), known) for rule in listed if not _off(listed.table(rule))]
    rules = _placed(read, listed)
    profile = Profile(
        name=name,
        title=reader.text("title"),
        torch=torch,
        assume_vram_gib=reader.number("assume_vram_gib"),
        tiers=_tiers(reader),
        rules=rules,
    )
    reader.no_other_keys()
    for first, second, why in conflicts(rules, known):
        listed.problem(second, f"conflicts with {first}: {why}")
    reader.finish()
    return profile


def conflicts(rules: Sequence[Rule], known: KnownFlags) -> list[tuple[str, str, str]]:
    """Pairs of rules that one machine could meet together and that contradict each other, or of which the
    first always wins so that the second is dead."""
    found = []
    for first, second in combinations(rules, 2):
        rivals = first.decides is not None and first.decides == second.decides
        if not rivals and not (first.sets and second.sets):
            continue
        if first.reach.excludes(second.reach):
            continue
        if not rivals:
            why = _contradiction(first, second, known)
        elif first.when.covers(second.when):
            why = "it always applies first, so this rule never applies"
        else:
            why = None
        if why is not None:
            found.append((first.id, second.id, why))
    return found


def _contradiction(first: Rule, second: Rule, known: KnownFlags) -> str | None:
    for mine in (*first.flags, *dict(first.env)):
        for theirs in (*second.flags, *dict(second.env)):
            if known.exclude(mine, theirs):
                return f"{mine} and {theirs} exclude each other, and both rules can apply to one machine"
    ours = dict(first.env)
    for variable, value in second.env:
        if ours.get(variable, value) != value:
            return f"{variable} gets two values, and both rules can apply to one machine"
    return None


def _off(reader: Reader) -> bool:
    off = bool(reader.boolean("off", False))
    if off:
        reader.leave_unread()
    return off


def _placed(rules: Sequence[Rule], listed: Reader) -> tuple[Rule, ...]:
    """File order, except that a rule with `before` stands directly before the one it names."""
    placed = list(rules)
    for rule in rules:
        reader = listed.table(rule.id)
        target = reader.text("before", None)
        if target is None:
            continue
        at = next((n for n, other in enumerate(placed) if other.id == target), None)
        if at is None or target == rule.id:
            reader.problem("before", f"there is no rule {target!r}")
            continue
        placed.remove(rule)
        placed.insert(next(n for n, other in enumerate(placed) if other.id == target), rule)
    return tuple(placed)


def _tiers(reader: Reader) -> tuple[Tier, ...]:
    listed = reader.table("tiers")
    tiers = []
    for name in listed:
        entry = listed.table(name)
        tiers.append(Tier(name=name, from_gib=float(entry.number("from_gib"))))
        entry.no_other_keys()
    if [tier.from_gib for tier in tiers] != sorted({tier.from_gib for tier in tiers}):
        reader.problem("tiers", "must be in order, smallest first")
    if tiers and tiers[0].from_gib != 0:
        reader.problem("tiers", "the first must start at 0")
    return tuple(tiers)


def _rule(rule_id: str, reader: Reader, known: KnownFlags) -> Rule:
    variables = reader.table("env", {})
    rule = Rule(
        id=rule_id,
        when=read_condition(reader.table("when", {})),
        because=_sentence(reader, "because"),
        short=_sentence(reader, "short") if reader.has("short") else None,
        source=reader.text("source"),
        decides=reader.text("decides", None),
        flags=reader.texts("flags", ()),
        env=tuple((name, _sentence(variables, name)) for name in variables),
        omits=reader.texts("omits", ()),
        device=reader.choice("device", DEVICES, None),
        warn=reader.text("warn", None),
        unsupported=reader.boolean("unsupported", False),
        instead=_sentence(reader, "instead", None),
    )
    reader.has("off")
    reader.has("before")
    reader.no_other_keys()
    _check_rule(rule, reader, known)
    return rule


def _check_rule(rule: Rule, reader: Reader, known: KnownFlags) -> None:
    for flag in rule.flags:
        problem = known.problem_with(flag)
        if problem is not None:
            reader.problem("flags", problem)
    for flag in rule.omits:
        if known.of(flag) is None:
            reader.problem("omits", f"{flag!r} is not a known flag")
    for n, first in enumerate(rule.flags):
        for second in rule.flags[n + 1 :]:
            if known.exclude(first, second):
                reader.problem("flags", f"{first} and {second} exclude each other")
        missing = [need for need in known.needs(first) if need not in rule.flags]
        if missing:
            reader.problem("flags", f"{first} needs {' and '.join(missing)} beside it")
    for name, _value in rule.env:
        if not known.variable(name):
            reader.problem("env", f"{name} is not a known environment variable")
    if rule.unsupported and rule.instead is None:
        reader.problem("instead", "is missing: a refusal must say what to do instead")
    if rule.device is not None and rule.decides != "device":
        reader.problem("device", 'only rules with decides = "device" choose a device')
    if not (rule.flags or rule.env or rule.device or rule.warn or rule.unsupported or rule.omits):
        reader.problem("flags", "the rule does nothing: it needs flags, env, device, warn or omits")


def _sentence(reader: Reader, key: str, *default: Any) -> Any:
    """A text whose {words} are all known."""
    text = reader.text(key, *default)
    if not isinstance(text, str):
        return text
    try:
        names = [name for _before, name, _spec, _conversion in string.Formatter().parse(text) if name is not None]
    except ValueError as error:
        reader.problem(key, f"is not a valid template: {error}")
        return text
    for name in names:
        if name not in WORDS:
            reader.problem(key, f"{{{name}}} is not one of {', '.join(WORDS)}")
    return text


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Everything that a tuning is made from."""

    profile: Profile
    gpus: GpuTable
    builds: TorchBuilds
    known: KnownFlags

    def without(self, rule: str) -> Rules:
        """The same with one rule less."""
        return replace(self, profile=self.profile.without(rule))
