"""The wizard's screens: this PC in a few lines, the models to choose from, the plan in short, the menu."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sdsetup.command import Command
from sdsetup.decide.checks import REPAIRED_BY_INSTALL
from sdsetup.errors import SdsetupError
from sdsetup.show.commands import typed
from sdsetup.show.screen import STYLES, Screen, sentence
from sdsetup.show.terminal import folded
from sdsetup.show.words import commands_in, say, size
from sdsetup.text import Text, harmless
from sdsetup.values.findings import Finding, Report
from sdsetup.values.plan import BuildEnvironment, Plan
from sdsetup.values.tuning import Tuning


@dataclass(frozen=True, kw_only=True)
class ModelOffer:
    """`size` in bytes. `answer`: yes, slow, no; None where the card says nothing. `there`: in the install folder
    already; `copy`: a file of the same size elsewhere on this PC, which is checked before it is used."""

    name: str
    title: Text
    size: int
    answer: str | None = None
    because: Text | None = None
    there: bool = False
    copy: str | None = None


# What everybody wants to see of a PC; the other checks speak only when something is wrong.
_SHOWN = ("gpu", "driver", "disk", "memory", "python", "git", "network")
_WIDEST = 100
_ANOTHER = Text("Choose another folder.")
# What to do about an error at a question. The error's own advice is for the command line, and speaks of options.
# What to do about an error whose own hint speaks of options, which the wizard has none of.
_INSTEAD: Mapping[str, Text] = {
    "disk-full": Text("Free up some space there, or choose a folder on another drive."),
    "file-too-large": Text("Choose a folder on a drive formatted with NTFS, exFAT, or ext4."),
    "file-too-large-for-drive": Text("Choose a folder on a drive formatted with NTFS, exFAT, or ext4."),
    "folder-foreign": Text("Choose an empty or new folder."),
    "folder-other-repository": Text("Choose an empty or new folder."),
    "folder-is-a-file": _ANOTHER,
    "folder-real": _ANOTHER,
    "folder-rehearsal": Text("Choose another folder: this one contains a practice run."),
    "folder-not-writable": Text("Choose a folder that belongs to you. Administrator rights aren't needed."),
    "folder-unreadable": Text("Choose a folder that belongs to you. Administrator rights aren't needed."),
    "local-changes": Text("Undo your changes to its files, or choose another folder."),
    "no-such-user": Text("Type the whole path."),
    "not-writable": Text("Choose a folder that belongs to you. Administrator rights aren't needed."),
    "path-too-long": Text("Choose a folder with a shorter path."),
}


def show_welcome(screen: Screen) -> None:
    screen.heading(
        Text("This wizard installs the Stable Diffusion web UI (AUTOMATIC1111) and tests it with a first image.")
    )
    screen.line(Text("Nothing is changed until you answer the last question with yes."), "quiet")
    screen.line()


def show_this_pc(report: Report, screen: Screen) -> None:
    """One line for each of the main parts of the PC, and details only of what is not OK."""
    screen.line(Text("Your PC"), "bold")
    first = [finding for name in _SHOWN for finding in report.findings if finding.id == name]
    others = [finding for finding in report.findings if finding.id not in (*_SHOWN, *REPAIRED_BY_INSTALL)]
    shown = [*first, *(finding for finding in others if finding.status == "fail")]
    room = max((len(say(finding.title)) for finding in shown), default=0)
    width = min(screen.width, _WIDEST)
    for finding in shown:
        _show_finding(finding, screen, room=room, width=width)
    warned = [say(finding.title) for finding in others if finding.status == "warn"]
    if warned:
        said = Text("Also worth a look: {titles}", titles=", ".join(warned))
        screen.field(f" {screen.mark('warn')}", said, "warn", indent=0, room=3)


def _show_finding(finding: Finding, screen: Screen, *, room: int, width: int) -> None:
    title, summary = say(finding.title), say(finding.summary)
    summary = _cut(summary, width - room - 6, screen)
    screen.write(
        [
            (f" {screen.mark(finding.status)} ", STYLES[finding.status]),
            (f"{title:<{room}}  ", "bold"),
            (summary + "\n", ""),
        ]
    )
    if finding.status not in ("warn", "fail"):
        return
    fix, indent = finding.fix, room + 5
    # A command of ours leads out of the wizard, which does the same at its questions.
    ours = fix is not None and fix.command is not None and fix.command.startswith("sdsetup")
    parts = [sentence(finding.why)] if finding.why is not None else []
    if fix is not None and not ours and (finding.status == "fail" or finding.why is None or fix.command):
        parts.append(fix.text)
    for part in parts:
        lines = folded(say(part), width - indent, commands_in(part))
        screen.write([(" " * indent + line + "\n", "dim") for line in lines])
    if fix is not None and fix.command is not None and not ours:
        screen.write([(" " * indent + typed(fix.command) + "\n", STYLES["hint"])])


def show_models(offers: Sequence[ModelOffer], screen: Screen, *, none: bool = True) -> None:
    """A numbered line for each model, and one for `none`."""
    screen.line(Text("Model"), "bold")
    names = max((len(say(offer.title)) for offer in offers), default=0)
    numbers = len(str(len(offers)))
    sizes = max((len(size(offer.size)) for offer in offers), default=0)
    for number, offer in enumerate(offers, 1):
        before = f"  {number:>{numbers}}  {say(offer.title):<{names}}  {size(offer.size):>{sizes}}  "
        status, said = _fit(offer)
        lines = folded(said, min(screen.width, _WIDEST) - len(before))
        screen.write([(before, ""), (lines[0] + "\n", STYLES[status])])
        screen.write([(" " * len(before) + line + "\n", STYLES[status]) for line in lines[1:]])
    if none:
        screen.line(Text("{number}  No model: I have my own", number=f"{0:>{numbers}}"), indent=2)


def _fit(offer: ModelOffer) -> tuple[str, str]:
    """Whether it fits this graphics card, and whether it must be downloaded at all."""
    match offer.answer:
        case "yes":
            status, said = "ok", Text("fits")
        case "slow":
            status, said = "warn", Text("slow: {because}", because=offer.because)
        case "no":
            status, said = "fail", Text("does not fit: {because}", because=offer.because)
        case _:
            status, said = "skip", Text("")
    if offer.there:
        where = Text("already there")
    elif offer.copy is not None:
        where = Text("already on this PC")
    else:
        return status, say(said)
    return status, ", ".join(filter(None, (say(where), say(said))))


def show_plan_in_short(plan: Plan, tuning: Tuning, model: Text | None, screen: Screen) -> None:
    """Where, what, how many bytes, and with which settings; every step is one answer away."""
    screen.heading(Text("Plan for {dir}", dir=plan.dir))
    rows = [
        (Text("Model"), model or Text("none")),
        (Text("Download"), Text("{size}", size=size(plan.bytes)) if plan.bytes else Text("nothing")),
        (Text("Disk space"), _disk(plan)),
        (Text("PyTorch"), Text("{build}", build=_torch(plan, tuning))),
        (Text("Settings"), Text("{flags}", flags=" ".join(tuning.flags)) if tuning.flags else Text("none needed")),
        (Text("Steps"), Text("{todo} of {all} to do", todo=len(plan.todo), all=len(plan.steps))),
    ]
    room = max(len(say(label)) for label, _ in rows) + 2
    for label, said in rows:
        screen.field(say(label), said, room=room)


def _disk(plan: Plan) -> Text:
    if plan.free_bytes is None:
        return Text("{need} needed", need=size(plan.disk_bytes))
    return Text(
        "{need} needed, {free} free, {after} left afterwards",
        need=size(plan.disk_bytes),
        free=size(plan.free_bytes),
        after=size(max(0, plan.free_bytes - plan.disk_bytes)),
    )


def _torch(plan: Plan, tuning: Tuning) -> str:
    built = next((step.action for step in plan.steps if isinstance(step.action, BuildEnvironment)), None)
    build = built.torch if built is not None else tuning.torch
    return build.torch if build is not None else "-"


def show_answers(screen: Screen, *, done: bool) -> None:
    """What can be answered at the last question. `done`: a practice run was made already."""
    practice = Text("p  practice run again") if done else Text("p  practice run first: no downloads, about 1 min")
    for line in (Text("y  start now"), practice, Text("d  show every step"), Text("b  back    q  quit")):
        screen.line(line, "quiet", indent=2)


def show_at_question(error: SdsetupError, screen: Screen) -> None:
    """An error at one of the wizard's questions, with what to answer instead."""
    show_refused(error.message, error.why, _INSTEAD.get(error.code, _ANOTHER), screen)


def without_options(error: SdsetupError) -> SdsetupError:
    """An error that ends the wizard, with a hint that does not speak of options."""
    error.hint = _INSTEAD.get(error.code, error.hint)
    return error


def show_refused(message: Text, why: Text | None, instead: Text | None, screen: Screen) -> None:
    screen.line(Text("{mark} {message}", mark=screen.mark("fail"), message=message), "fail")
    for part in (why, instead):
        if part is not None:
            said = say(part)
            screen.line(said[:1].upper() + said[1:], indent=2)


def show_menu(folder: str, choices: Sequence[Text], about: Sequence[Text], screen: Screen) -> None:
    """What can be done with an installation that is there."""
    screen.heading(Text("The web UI is installed in {dir}", dir=folder))
    for said in about:
        screen.line(Text("{mark} {said}", mark=screen.mark("warn"), said=said), "warn")
    screen.line()
    for number, choice in enumerate(choices, 1):
        screen.line(Text("{number}  {choice}", number=number, choice=choice), indent=2)


def show_no_terminal(screen: Screen) -> None:
    screen.line(Text("The wizard needs a terminal. In a script, use:"))
    screen.command(Command("sdsetup", "install", "--yes"), indent=2)


def _cut(text: str, width: int, screen: Screen) -> str:
    text = harmless(text)
    more = "…" if screen.can_show("…") else "..."
    return text if len(text) <= width else text[: max(width - len(more), 1)].rstrip() + more
