"""What `tune` and `why` share: the machine that is asked about, and the tuning for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdsetup.cli.session import Session
from sdsetup.cli.tuning import Rules
from sdsetup.decide.facts import Facts
from sdsetup.decide.tuning.values import Tuning
from sdsetup.errors import UsageError
from sdsetup.text import Text

if TYPE_CHECKING:
    from sdsetup.decide.launcher import Kind


@dataclass(frozen=True, kw_only=True)
class Question:
    """The machine that a tuning is wanted for, as the options put it."""

    gpu: tuple[str, ...] = ()
    vram: tuple[float, ...] = ()
    os: str | None = None
    ram: float | None = None
    driver: str | None = None
    model_class: str = "sd15"
    facts: Path | None = None
    dir: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`folder` is the installation that the answer is about, None when it is about none of ours.
    `launch_file`: what stands there now; `own_flags`: the person's own flags in it; `exclusive`: groups of
    flags of which it may hold only one;
    `supposed`: it is about a machine that is not this one; `options`: what asks the same question again."""

    facts: Facts
    tuning: Tuning
    folder: Path | None = None
    launch_file: bytes | None = None
    own_flags: tuple[str, ...] = ()
    exclusive: tuple[tuple[str, ...], ...] = ()
    supposed: bool = False
    options: str = ""

    @property
    def kind(self) -> Kind:
        return "bat" if self.facts.system.family == "windows" else "sh"

    @property
    def encoding(self) -> str | None:
        """Python's name of the code page in which cmd reads a .bat here, None when it is not known."""
        page = self.facts.system.oem_code_page
        return f"cp{page}" if page else None


def answer_for(session: Session, question: Question, rules: Rules) -> Answer:
    """Look at this machine (or at what was reported), put the suppositions in, and tune.

    Raises:
        UsageError: an option that cannot be meant.
        SdsetupError: a report that cannot be read.
    """
    from sdsetup.cli.facts import read_facts
    from sdsetup.cli.supposing import look, named_cards
    from sdsetup.decide.tuning.what_if import WhatIf, pair, suppose

    _check(question)
    cards, sizes = named_cards(session, rules.gpus, question.gpu, question.vram)
    os: Any = question.os  # one of the choices, as checked above
    what_if = WhatIf(cards=pair(cards, sizes), os=os, ram_gib=question.ram, driver=question.driver)
    folder = None
    if question.facts is not None:
        facts = read_facts(question.facts)
    else:
        facts, folder = look(session, question.dir, here=not what_if.elsewhere)
    facts = suppose(facts, what_if)
    answer = Answer(
        facts=facts,
        tuning=_tuned(facts, rules, question.model_class),
        folder=folder,
        supposed=what_if.elsewhere or question.facts is not None,
        options=_options(question, sizes),
    )
    return answer if folder is None else _at(answer, folder, session, rules)


def answer_with(answer: Answer, other: Rules) -> Tuning:
    """The same machine and the same card by other rules."""
    return _tuned(answer.facts, other, answer.tuning.model_class, chosen_gpu=answer.tuning.gpu)


def launcher_text(answer: Answer) -> str:
    """The launch file as `--apply` would leave it: the person's own where there is one."""
    from sdsetup.decide.fingerprint import left_over
    from sdsetup.decide.launcher import Settings, merge

    tuning = answer.tuning
    drop_flags, drop_env = left_over(answer.facts.recorded, tuning.flags, dict(tuning.env))
    settings = Settings(
        flags=tuning.flags,
        env=tuning.env,
        drop_flags=drop_flags,
        drop_env=drop_env,
        exclusive=answer.exclusive,
    )
    merged = merge(answer.kind, answer.launch_file, settings, oem_encoding=answer.encoding)
    return merged.decode((answer.encoding or "utf-8") if answer.kind == "bat" else "utf-8", errors="replace")


def _options(question: Question, sizes: Sequence[float | None]) -> str:
    """The options of a question, with the answers that were given to ours."""
    words: list[tuple[str, object]] = [("--dir", question.dir), *(("--gpu", name) for name in question.gpu)]
    words += [("--vram", f"{size:g}") for size in sizes if size is not None]
    words += [("--os", question.os), ("--ram", question.ram and f"{question.ram:g}")]
    words += [("--driver", question.driver), ("--facts", question.facts)]
    if question.model_class != "sd15":
        words.append(("--model-class", question.model_class))
    return "".join(f" {name} {_quoted(str(value))}" for name, value in words if value is not None)


def _quoted(word: str) -> str:
    """In double quotes where a shell or cmd would split it."""
    return f'"{word}"' if set(word) & set(" &()^;'") else word


def _at(answer: Answer, folder: Path, session: Session, rules: Rules) -> Answer:
    """The answer with what an installation knows: lessons of this very card, and the person's own flags."""
    from sdsetup.cli.own_flags import own_flags_of
    from sdsetup.decide.launcher import FILE_NAMES
    from sdsetup.decide.learned import with_lessons
    from sdsetup.execute.own_files import load_learned

    tuning = answer.tuning if answer.supposed else with_lessons(answer.tuning, load_learned(folder / ".sdsetup"))
    tuning = _with_misfit(replace(answer, tuning=tuning), folder)
    try:
        content = (folder / FILE_NAMES[answer.kind]).read_bytes()
    except OSError:
        return replace(answer, tuning=tuning)
    own, said = own_flags_of(session, folder, answer.facts, tuning, rules.known, kind=answer.kind, content=content)
    warned = replace(tuning, warnings=(*tuning.warnings, *said))
    return replace(
        answer, tuning=warned, launch_file=content, own_flags=own, exclusive=rules.known.exclusive_groups
    )


def _with_misfit(answer: Answer, folder: Path) -> Tuning:
    """The tuning with a warning where the environment there is for another torch."""
    from sdsetup.cli.changing import card_changes
    from sdsetup.decide.tuning.fit import misfit

    there = answer.facts.installation
    if there is None or card_changes(answer):  # a new card is a matter of its own
        return answer.tuning
    cure = (
        Text("They fit after an installation on the PC that they are meant for")
        if answer.supposed
        else Text('This makes both fit: sdsetup install --dir "{dir}"', dir=folder)
    )
    warning = misfit(answer.tuning, there.torch, cure=cure)
    return replace(answer.tuning, warnings=(*answer.tuning.warnings, warning)) if warning else answer.tuning


def _tuned(facts: Facts, rules: Rules, model_class: Any, **more: Any) -> Tuning:
    from sdsetup.decide.tuning.engine import tune

    return tune(facts, rules.profile, rules.gpus, rules.builds, model_class=model_class, **more)


def _check(question: Question) -> None:
    from sdsetup.decide.tuning.conditions import TEXT_FIELDS
    from sdsetup.decide.versions import parse_version

    for option, value, choices in (
        ("--os", question.os, TEXT_FIELDS["os"]),
        ("--model-class", question.model_class, TEXT_FIELDS["model"]),
    ):
        if value is not None and value not in choices:
            raise UsageError(
                Text("{option} {value} is not known", option=option, value=value),
                code="option-value",
                hint=Text("Use one of: {choices}.", choices=", ".join(choices)),
            )
    if question.driver is not None and parse_version(question.driver) is None:
        raise UsageError(
            Text("{value} is no driver version", value=question.driver),
            code="option-value",
            hint=Text("Write it as nvidia-smi does, for example --driver 551.52."),
        )
    largest = {"--vram": 512, "--ram": 4096}
    for option, size in (*(("--vram", size) for size in question.vram), ("--ram", question.ram)):
        if size is not None and not 0.1 <= size <= largest[option]:
            raise UsageError(
                Text("{option} {size} is no size of memory", option=option, size=size),
                code="option-value",
                hint=Text("Give gigabytes as they are on the box, for example {option} 8.", option=option),
            )
