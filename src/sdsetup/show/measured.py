"""What was measured on a card: a table, a bar for each speed, why the winner won, what was kept; and its JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text as Line

from sdsetup.command import Command
from sdsetup.decide.measuring.candidates import Measurement
from sdsetup.decide.measuring.winner import Key, MeasuringResult, Standing, to_json
from sdsetup.decide.tuning.rule_context import plain
from sdsetup.machine.answers import CardProgram, CardUse
from sdsetup.show.language import number
from sdsetup.show.screen import STYLES, Screen, sentence
from sdsetup.show.words import duration, say
from sdsetup.text import Text, message, rounded

_STANDINGS: dict[Standing, str] = {
    "winner": message("fastest that fits"),
    "slower": message("slower"),
    "tight": message("too little memory left"),
    "spilled": message("spilled into system memory"),
    "black": message("black images"),
    "out-of-memory": message("out of memory"),
    "failed": message("didn't work"),
}
_BAR = 24
SCHEMA = "sdsetup.measure/1"


def show_measured(
    done: Sequence[Measurement],
    verdict: MeasuringResult | None,
    screen: Screen,
    *,
    memory_gib: float | None = None,
) -> None:
    """One row for each candidate in the order they ran, bars of steps in a second, and the verdict. `memory_gib`:
    what the card is sold with, where that is known."""
    if verdict is None:
        screen.line(Text("{mark} None of these settings works on this card", mark=screen.mark("fail")), "fail")
        for one in done:
            screen.line(Text("{flags}: {problem}", flags=_flags(one), problem=outcome_words(one)), indent=2)
        return
    screen.table(_table(done, verdict, memory_gib))
    screen.line()
    best = max((1 / one.speed for one in done if one.speed), default=1.0)
    for one in done:
        if one.speed:
            screen.table(_bar(one, best, one is verdict.winner, screen))
    screen.line()
    screen.line(sentence(verdict.because), "ok")
    screen.line(Text("Flags: {flags}", flags=_flags(verdict.winner)))


def show_kept(changed: Sequence[object], dir: str, screen: Screen) -> None:
    """What is different now, and how to undo it."""
    if not changed:
        screen.line(Text("{mark} The launch file already has these settings", mark=screen.mark("ok")), "ok")
        return
    for path in changed:
        screen.line(Text("{mark} Saved in the launch file: {path}", mark=screen.mark("ok"), path=path), "ok")
    screen.line(Text("To undo:"), indent=2)
    screen.command(Command("sdsetup", "undo", "--dir", dir), indent=4)


def show_not_kept(dir: str, screen: Screen) -> None:
    screen.line(Text("The launch file was not changed. To save the result in it:"))
    screen.command(Command("sdsetup", "tune", "--measure", "--yes", "--dir", dir), indent=2)


def show_stopped(done: Sequence[Measurement], screen: Screen) -> None:
    screen.line(
        Text(
            "Stopped. Measured so far: {count}. The launch file was not changed. Run the same command to "
            "continue.",
            count=len(done),
        )
    )


def measure_json(
    dir: str,
    key: Key,
    done: Sequence[Measurement],
    verdict: MeasuringResult | None,
    use: CardUse,
    programs: tuple[CardProgram, ...] | None,
    changed: Sequence[object] | None,
) -> dict[str, Any]:
    """The document of `tune --measure --json`. `changed`: launch files written; None: nothing was to be kept."""
    document = to_json(key, done)
    standings = verdict.standings if verdict else ()
    for n, entry in enumerate(document["measurements"]):
        one = done[n]
        entry["speed"] = one.speed
        entry["standing"] = standings[n] if n < len(standings) else one.outcome
    winner = verdict.winner.candidate if verdict else None
    return {
        "schema": SCHEMA,
        "dir": dir,
        "key": document["key"],
        "before": {
            "used_bytes": use.used,
            "total_bytes": use.total,
            "programs": None
            if programs is None
            else [{"pid": one.pid, "name": one.name, "bytes": one.bytes} for one in programs],
        },
        "measurements": document["measurements"],
        "verdict": None
        if winner is None or verdict is None
        else {"name": winner.name, "flags": list(winner.flags), "because": str(verdict.because)},
        "written": changed is not None,
        "launch_files": [str(path) for path in changed or ()],
    }


def time_left(seconds: float, coming: int) -> Text:
    """ "about 4 min 30 s left, 3 more to try"."""
    if not coming:
        return Text("about {time} left", time=duration(seconds))
    return Text.plural(
        "about {time} left, {count} more to try",
        "about {time} left, {count} more to try",
        time=duration(seconds),
        count=coming,
    )


def _table(done: Sequence[Measurement], verdict: MeasuringResult, memory_gib: float | None) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column(say(Text("Tried")), ratio=1, overflow="fold")
    for title in (Text("s/step"), Text("memory")):
        table.add_column(say(title), justify="right", no_wrap=True)
    table.add_column(say(Text("Result")), overflow="fold")
    for one, standing in zip(done, verdict.standings, strict=True):
        tried = Line(say(one.candidate.title))
        tried.append(f"\n{say(_flags(one))}", style="dim")
        style = STYLES["ok"] if standing == "winner" else "" if one.good else STYLES["warn"]
        table.add_row(
            tried,
            number(f"{one.speed:.3g}") if one.speed else "-",
            _memory(one, memory_gib),
            Line(say(_standing(one, standing, verdict.winner)), style=style),
        )
    return table


def _standing(one: Measurement, standing: Standing, winner: Measurement) -> str:
    """A setting that is quicker by less than what counts lost to the simpler one, but it is not slower."""
    if standing == "slower" and one.speed and winner.speed and one.speed <= winner.speed:
        return message("not clearly faster")
    return _STANDINGS[standing]


def _bar(one: Measurement, best: float, won: bool, screen: Screen) -> Line:
    assert one.speed
    rate = 1 / one.speed
    block = "█" if screen.can_show("█") else "#"
    length = max(1, round(rate / best * _BAR))
    line = Line(f"{say(one.candidate.title)[:34]:<34}  ")
    line.append(block * length, style=STYLES["ok"] if won else STYLES["quiet"])
    line.append(" " + say(Text("{rate:.3g} steps/s", rate=rate)))
    return line


def _memory(one: Measurement, memory_gib: float | None) -> str:
    peak = one.peak_bytes
    if peak is None:
        return "-"
    used = rounded(peak / 2**30, 1)
    if not one.card_total_bytes:
        return say(Text("{number} GB", number=used))
    total = rounded(one.card_total_bytes / 2**30, 1) if memory_gib is None else plain(memory_gib)
    return say(Text("{used} of {total} GB", used=used, total=total))


def _flags(one: Measurement) -> str:
    return " ".join(one.candidate.flags) or message("no flags")


def outcome_words(one: Measurement) -> str:
    """Why one did not work."""
    return one.problem or _STANDINGS["failed" if one.outcome == "good" else one.outcome]
