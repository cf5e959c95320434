"""The tuning on one screen: what was chosen, and one sentence why for each choice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text as Line

from sdsetup.command import Command
from sdsetup.decide.tuning.compare import Difference
from sdsetup.decide.tuning.rule_context import short_name
from sdsetup.show.screen import Screen
from sdsetup.show.words import gib, say
from sdsetup.text import Text
from sdsetup.values.facts import Facts
from sdsetup.values.flags import names_of
from sdsetup.values.tuning import Reason, Tuning

_SYSTEMS = {"windows": "Windows", "linux": "Linux", "macos": "macOS", "wsl": "Linux inside Windows (WSL)"}


def show_tuning(tuning: Tuning, facts: Facts, launcher: str, screen: Screen) -> None:
    """Flags, what was left out on purpose, variables, torch, warnings and the launch file."""
    screen.line(subject(tuning, facts), "bold")
    if tuning.unsupported is not None:
        screen.line()
        screen.line(Text("{mark} {why}", mark=screen.mark("fail"), why=tuning.unsupported.reason), "fail")
        screen.line(tuning.unsupported.instead, indent=2)
    if tuning.device == "none":
        return
    if not screen.quiet:
        _show_settings(tuning, screen)
    else:
        screen.line(" ".join(tuning.flags))
    _show_warnings(tuning, screen)
    if screen.verbose:
        screen.line()
        screen.line(Text("The launch file"), "bold")
        for row in launcher.splitlines():
            screen.command(row, indent=2)


def show_next(tuning: Tuning, options: Sequence[str], screen: Screen, *, here: bool) -> None:
    """What can be done with it. `options`: those that asked this question."""
    if screen.quiet:
        return
    screen.line()
    if here and tuning.device != "none":
        screen.line(Text("To write it into the launch file:"))
        screen.command(Command("sdsetup", "tune", "--apply", *options), indent=2)
    if not here:
        screen.line(Text("This is the answer for a machine that you described; nothing was changed on this one."))
    if tuning.device != "none":
        screen.line(Text("Where a setting comes from, and what changes without it:"))
        screen.command(Command("sdsetup", "why", _example(tuning), *options), indent=2)


def show_comparison(mine: Tuning, theirs: Tuning, differences: Sequence[Difference], screen: Screen) -> None:
    """Two profiles side by side, then a sentence from each for every difference."""
    screen.line(
        Text("{card}: {one} beside {two}", card=_card(mine), one=mine.profile, two=theirs.profile),
        "bold",
    )
    screen.line()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("Setting", mine.profile, theirs.profile):
        table.add_column(title, overflow="fold", ratio=1)
    for name, one, two in _rows(mine, theirs):
        table.add_row(Line(name), Line(one, style="" if one == two else "cyan"), Line(two))
    screen.console.print(table)
    if not differences:
        screen.line()
        screen.line(Text("They agree on everything."), "ok")
    for difference in differences:
        screen.line()
        screen.line(difference.setting, "hint")
        for profile, value, reason in (
            (mine.profile, difference.mine, difference.my_reason),
            (theirs.profile, difference.theirs, difference.their_reason),
        ):
            screen.line(_opinion(profile, value, reason), indent=2)


def subject(tuning: Tuning, facts: Facts) -> Text:
    """What the answer is for: "GeForce RTX 3060, 12 GB, Windows, Stable Diffusion 1.5"."""
    system = _SYSTEMS["wsl" if facts.system.wsl else facts.system.family]
    model = {"sd15": "Stable Diffusion 1.5", "sdxl": "SDXL"}[tuning.model_class]
    return Text("Settings for {card} on {system}, {model}", card=_card(tuning), system=system, model=model)


def _show_settings(tuning: Tuning, screen: Screen) -> None:
    screen.line()
    screen.line(Text("Launch flags"), "bold")
    if not tuning.flags:
        screen.line(Text("none: this card needs no special treatment"), indent=2)
    _show_reasons([r for r in tuning.reasons if r.setting.startswith("--")], screen)
    if tuning.omitted and screen.verbose:
        screen.line()
        screen.line(Text("Left out on purpose"), "bold")
        _show_reasons(tuning.omitted, screen)
    if tuning.torch is not None:
        screen.line()
        screen.line(Text("PyTorch"), "bold")
        parts = f"torch {tuning.torch.torch}"
        if tuning.torch.torchvision:
            parts += f", torchvision {tuning.torch.torchvision}"
        if tuning.torch.xformers:
            parts += f", xformers {tuning.torch.xformers}"
        screen.line(parts, "hint", indent=2)
        for reason in tuning.reasons:
            if reason.setting == "torch":
                _show_because(reason, screen)
    screen.line()
    screen.line(Text("Variables"), "bold")
    values = dict(tuning.env)
    for reason in tuning.reasons:
        if reason.setting in values:
            screen.line(f"{reason.setting}={values[reason.setting]}", "hint", indent=2)
            _show_because(reason, screen)


def _show_reasons(reasons: Iterable[Reason], screen: Screen) -> None:
    """Flags that one rule set stand together above its sentence."""
    grouped: dict[str, list[Reason]] = {}
    for reason in reasons:
        grouped.setdefault(reason.rule, []).append(reason)
    for group in grouped.values():
        screen.line("  ".join(reason.setting for reason in group), "hint", indent=2)
        _show_because(group[0], screen)


def _show_because(reason: Reason, screen: Screen) -> None:
    screen.line(sentence(reason.because), indent=6)
    if screen.verbose:
        screen.line(Text("rule {rule}; {source}", rule=reason.rule, source=reason.source), "quiet", indent=6)


def _show_warnings(tuning: Tuning, screen: Screen) -> None:
    shown = [w for w in tuning.warnings if tuning.unsupported is None or w.text != tuning.unsupported.reason]
    if shown:
        screen.line()
    for warning in shown:
        screen.line(
            Text(
                "{mark} {topic}: {text}",
                mark=screen.mark("warn"),
                topic=warning.topic,
                text=sentence(warning.text),
            ),
            "warn",
        )


def _card(tuning: Tuning) -> str:
    if tuning.gpu is None:
        return "a machine without a graphics card"
    name = short_name(tuning.gpu)
    if tuning.gpu.name is None:
        name = "an NVIDIA card of unknown generation"
    return f"{name}, {gib(tuning.gpu.vram_bytes)}" if tuning.gpu.vram_bytes else name


def _rows(mine: Tuning, theirs: Tuning) -> list[tuple[str, str, str]]:
    def torch(tuning: Tuning) -> str:
        return tuning.torch.torch if tuning.torch else "none"

    rows = [
        ("memory class", mine.tier or "-", theirs.tier or "-"),
        ("torch", torch(mine), torch(theirs)),
    ]
    for flag in dict.fromkeys([*mine.flags, *theirs.flags]):
        rows.append((flag, "yes" if flag in mine.flags else "-", "yes" if flag in theirs.flags else "-"))
    ours, others = dict(mine.env), dict(theirs.env)
    for name in dict.fromkeys([*ours, *others]):
        rows.append((name, _short(ours.get(name)), _short(others.get(name))))
    return rows


def _short(value: str | None) -> str:
    """A variable's value, as far as it helps in a column."""
    return "-" if value is None else value if len(value) <= 20 else "set"


def _opinion(profile: str, value: str | None, reason: Reason | None) -> Text:
    if reason is None and value is None:
        return Text("{profile} does not know it.", profile=profile)
    verb = "sets it" if value is not None else "leaves it out"
    assert reason is not None, "what is set has a reason"
    return Text("{profile} {verb}: {because}", profile=profile, verb=verb, because=sentence(reason.because))


def sentence(text: Text) -> str:
    """The text with a full stop: reasons in profiles have none."""
    said = say(text)
    return said if said.endswith((".", "!", "?")) else said + "."


def _example(tuning: Tuning) -> str:
    return names_of(tuning.flags)[0] if tuning.flags else "torch"
