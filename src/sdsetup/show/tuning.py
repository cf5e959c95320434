"""The tuning on one screen: what was chosen, and one sentence why for each choice."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text as Line

from sdsetup.command import Command
from sdsetup.decide.tuning.models_that_fit import ModelFit
from sdsetup.decide.tuning.rule_context import short_name
from sdsetup.decide.tuning.why import Difference
from sdsetup.show.screen import Screen, sentence
from sdsetup.show.words import gigabytes, say
from sdsetup.text import Text, message
from sdsetup.values.facts import Facts
from sdsetup.values.flags import names_of
from sdsetup.values.tuning import Reason, Tuning

_FITS = {"yes": "ok", "slow": "warn", "no": "fail", "elsewhere": "skip"}
_SYSTEMS = {"windows": "Windows", "linux": "Linux", "macos": "macOS", "wsl": message("Linux in Windows (WSL)")}


@dataclass(frozen=True, kw_only=True)
class Before:
    """What a launch file says now: `settings` by name, a flag's value or "on"; `own`: the user's own lines, which
    stay."""

    settings: Mapping[str, str]
    own: tuple[str, ...] = ()


def show_tuning(
    tuning: Tuning,
    facts: Facts,
    launcher: str,
    screen: Screen,
    *,
    before: Before | None = None,
    fits: Sequence[ModelFit] = (),
) -> None:
    """A table of the settings, what fits the card, and warnings; with -v every reason and the launch file.

    `before`: what a launch file that is there says, to be shown beside the new values.
    """
    screen.line(subject(tuning, facts), "bold")
    if tuning.unsupported is not None:
        screen.line()
        screen.line(Text("{mark} {why}", mark=screen.mark("fail"), why=tuning.unsupported.reason), "fail")
        screen.line(tuning.unsupported.instead, indent=2)
    if tuning.device == "none":
        return
    if screen.quiet:
        screen.line(" ".join(tuning.flags))
    elif screen.verbose:
        _show_settings(tuning, screen)
    else:
        _show_table(tuning, before, screen)
    if before is not None and before.own and not screen.quiet:
        screen.line()
        screen.line(Text("Your own settings (kept): {own}", own="  ".join(before.own)))
    if not screen.quiet:
        _show_fits(fits, screen)
    _show_warnings(tuning, screen)
    if screen.verbose:
        screen.line()
        screen.line(Text("Launch file"), "bold")
        for row in launcher.splitlines():
            screen.command(row, indent=2)


def show_next(tuning: Tuning, options: Sequence[str], screen: Screen, *, here: bool, saved: bool = False) -> None:
    """What can be done with it. `options`: those that asked this question; `saved`: the launch file has it all."""
    if screen.quiet:
        return
    screen.line()
    if here and saved:
        screen.line(Text("{mark} The launch file already has these settings", mark=screen.mark("ok")), "ok")
    elif here and tuning.device != "none":
        screen.line(Text("To save these settings in the launch file:"))
        screen.command(Command("sdsetup", "tune", "--apply", *options), indent=2)
    if not here:
        screen.line(Text("Settings for the PC you described. This PC was not changed."))
    if tuning.device != "none":
        if not screen.verbose:
            screen.line(Text("All reasons and the launch file: add -v"))
        screen.line(Text("Why a setting was chosen:"))
        screen.command(Command("sdsetup", "why", _example(tuning), *options), indent=2)


def show_comparison(mine: Tuning, theirs: Tuning, differences: Sequence[Difference], screen: Screen) -> None:
    """Two profiles side by side, then a sentence from each for every difference."""
    screen.line(
        Text("{card}: {one} and {two} compared", card=_card(mine), one=mine.profile, two=theirs.profile),
        "bold",
    )
    screen.line()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in (say(Text("Setting")), mine.profile, theirs.profile):
        table.add_column(title, overflow="fold", ratio=1)
    for name, one, two in _rows(mine, theirs):
        table.add_row(Line(name), Line(one, style="" if one == two else "cyan"), Line(two))
    screen.table(table)
    if not differences:
        screen.line()
        screen.line(Text("No differences"), "ok")
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


def _show_table(tuning: Tuning, before: Before | None, screen: Screen) -> None:
    screen.line()
    reasons = {reason.setting: reason for reason in tuning.reasons}
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column(say(Text("Setting")), no_wrap=True)
    if before is not None:
        table.add_column(say(Text("Now")), overflow="fold", max_width=18)
    table.add_column(say(Text("New") if before is not None else Text("Value")), overflow="fold", max_width=18)
    table.add_column(say(Text("Why")), overflow="fold", ratio=1)
    for name, value in _settings(tuning):
        old = None if before is None else say(before.settings.get(name.split(" ")[0], "-"))
        cells = [Line(name.partition(" ")[0], style="cyan")]
        if old is not None:
            cells.append(Line(_short(old), style="dim" if old == value else ""))
        cells.append(Line(_short(value), style="dim" if old == value else ""))
        table.add_row(*cells, Line(_few_words(reasons[name]) if name in reasons else ""))
    if before is not None:
        for name in _left_out(tuning, before):
            table.add_row(Line(name, style="cyan"), Line(_short(say(before.settings[name]))), Line("-"), Line(""))
    if not tuning.flags:
        screen.line(Text("No launch flags: this graphics card doesn't need any."))
    screen.table(table)


def _left_out(tuning: Tuning, before: Before) -> list[str]:
    """What the launch file says now, is not the user's own, and will be gone."""
    stays = {name.split(" ")[0] for name, _ in _settings(tuning)}
    own = {line.split("=", 1)[0].split(" ", 1)[0] for line in before.own}
    return [name for name in before.settings if name not in stays | own]


def _settings(tuning: Tuning) -> list[tuple[str, str]]:
    """Every setting with its value, as the table lists them."""
    rows = []
    for flag in tuning.flags:
        _, _, value = flag.partition(" ")
        rows.append((flag, value or say(Text("on"))))
    if tuning.torch is not None:
        rows.append(("torch", tuning.torch.torch))
    return rows + list(tuning.env)


def _few_words(reason: Reason) -> str:
    """The reason's short form; where nobody wrote one, its first clause."""
    if reason.setting == "torch":
        return say(Text("fits this PC"))
    return say(reason.short) if reason.short else re.split(r"[;:,.] ", say(reason.because), maxsplit=1)[0]


def _show_fits(fits: Sequence[ModelFit], screen: Screen) -> None:
    if not fits:
        return
    screen.line()
    screen.line(Text("Models"), "bold")
    for fit in fits:
        mark = screen.mark(_FITS[fit.answer])
        screen.line(
            Text("{mark} {models}: {because}", mark=mark, models=fit.models, because=fit.because), indent=2
        )


def _show_settings(tuning: Tuning, screen: Screen) -> None:
    screen.line()
    screen.line(Text("Launch flags"), "bold")
    if not tuning.flags:
        screen.line(Text("none: this graphics card doesn't need any"), indent=2)
    _show_reasons([r for r in tuning.reasons if r.setting.startswith("--")], screen)
    if tuning.omitted and screen.verbose:
        screen.line()
        screen.line(Text("Not used on purpose"), "bold")
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
    screen.line(Text("Environment variables"), "bold")
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
    for warning in shown:
        said = sentence(warning.text)
        screen.line(Text("{mark} {text}", mark=screen.mark("warn"), text=said), "warn")


def _card(tuning: Tuning) -> Text:
    if tuning.gpu is None:
        return Text("a PC without a graphics card")
    name = Text("{name}", name=short_name(tuning.gpu))
    if tuning.gpu.name is None:
        nvidia = tuning.gpu.vendor == "nvidia"
        name = Text("an NVIDIA card (model not specified)") if nvidia else Text("a graphics card (model unknown)")
    if tuning.memory_gib is None:
        return name
    return Text("{card}, {memory}", card=name, memory=gigabytes(tuning.memory_gib))


def _rows(mine: Tuning, theirs: Tuning) -> list[tuple[str, str, str]]:
    def torch(tuning: Tuning) -> str:
        return tuning.torch.torch if tuning.torch else say(Text("none"))

    rows = [
        (say(Text("memory class")), mine.tier or "-", theirs.tier or "-"),
        ("torch", torch(mine), torch(theirs)),
    ]
    for flag in dict.fromkeys([*mine.flags, *theirs.flags]):
        yes = say(Text("yes"))
        rows.append((flag, yes if flag in mine.flags else "-", yes if flag in theirs.flags else "-"))
    ours, others = dict(mine.env), dict(theirs.env)
    for name in dict.fromkeys([*ours, *others]):
        rows.append((name, _short(ours.get(name)), _short(others.get(name))))
    return rows


def _short(value: str | None) -> str:
    """A variable's value, as far as it helps in a column."""
    return "-" if value is None else value if len(value) <= 20 else say(Text("set"))


def _opinion(profile: str, value: str | None, reason: Reason | None) -> Text:
    if reason is None and value is None:
        return Text("{profile} has no rule for it.", profile=profile)
    assert reason is not None, "what is set has a reason"
    return Text(
        "{profile} sets it: {because}" if value is not None else "{profile} leaves it out: {because}",
        profile=profile,
        because=sentence(reason.because),
    )


def _example(tuning: Tuning) -> str:
    return names_of(tuning.flags)[0] if tuning.flags else "torch"
