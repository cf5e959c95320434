"""`sdsetup tune` and `why`: the settings for this card, or for a PC that is described, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sdsetup.catalog.tuning import Rules
from sdsetup.command import Command
from sdsetup.decide.planning import plan_launchers
from sdsetup.decide.record import Change, changed, of_card
from sdsetup.decide.tuning.engine import situation, tune
from sdsetup.decide.tuning.models_that_fit import ModelFit, models_that_fit
from sdsetup.decide.tuning.torch import misfit
from sdsetup.decide.tuning.what_if import describe
from sdsetup.decide.tuning.why import compare, explain
from sdsetup.decide.wanted_settings import launch_settings
from sdsetup.errors import EXIT_DONE, SdsetupError, UsageError
from sdsetup.execute.own_files import load_corrections
from sdsetup.launchfile import ARGS, FILE_NAMES, Kind, grouped, merge, read
from sdsetup.probe.contents import look
from sdsetup.show.document import print_document
from sdsetup.show.new_card import show_change
from sdsetup.show.plan import show_plan, show_warnings
from sdsetup.show.tuning import Before, show_comparison, show_next, show_tuning
from sdsetup.show.tuning_json import comparison_json, fits_json, tuning_json, why_json
from sdsetup.show.tuning_why import show_why
from sdsetup.text import Text, message
from sdsetup.values.corrections import with_corrections
from sdsetup.values.facts import Facts
from sdsetup.values.flags import Settings, is_flag
from sdsetup.values.layout import state_folder
from sdsetup.values.request import Request
from sdsetup.values.tuning import Tuning
from sdsetup.workflows.carrying_out import Decision, carry_out, consent
from sdsetup.workflows.described_machine import (
    MachineOptions,
    check_options,
    described,
    model_class_of,
    typed_options,
)
from sdsetup.workflows.inspect import LAUNCH_FILE_SUBJECTS, TUNING_SUBJECTS, beside_own, inspect, read_facts
from sdsetup.workflows.install import launcher_kinds, run_install
from sdsetup.workflows.session import Session


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """A machine, and the tuning for it.

    `folder`: the installation that it is about, None when it is about none of ours. `launch_file`: what stands
    there now; `own_flags`: the user's own flags in it. `described`: the machine is not this one. `options`: what
    asks the same again. `without`: names of flags and variables that come out of the launch file.
    """

    facts: Facts
    tuning: Tuning
    folder: Path | None = None
    launch_file: bytes | None = None
    own_flags: tuple[str, ...] = ()
    described: bool = False
    options: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        return "bat" if self.facts.system.family == "windows" else "sh"

    @property
    def encoding(self) -> str | None:
        """Python's name of the code page in which cmd reads a .bat here, None when it is not known."""
        return _encoding("bat", self.facts)


def run_tune(
    session: Session,
    options: MachineOptions,
    *,
    profile: str = "current",
    other: str | None = None,
    apply: bool = False,
    anyway: bool = False,
    without: tuple[str, ...] = (),
    yes: bool = False,
) -> int:
    """The whole of `sdsetup tune`; returns the exit code. `other`: a profile to show beside the first;
    `anyway`: settings of a card that is only described may be written on this PC; `without`: names of flags
    and variables that come out of the launch file, whoever wrote them.

    Raises:
        UsageError: an option that cannot be meant.
        SdsetupError: what stopped the work.
    """
    if apply and options.dir is None:
        options = replace(options, dir=session.folder(None))
    rules = session.catalog.rules(profile)
    tuned = tuned_for(session, options, rules, without=without)
    if apply and tuned.described and not anyway:
        raise _described_only()
    theirs = None if other is None else tuned_with(tuned, session.catalog.rules(other))
    changes = () if without else card_changes(tuned)
    if not session.json:
        _show(session, tuned, theirs, rules, following=apply or (yes and bool(changes)))
    elif not apply:
        _print(session, tuned, theirs, rules)
    if changes and not session.json:
        show_change(changes, session.screen, dir=tuned.folder, carried_out=apply or yes)
    if changes and (apply or yes) and tuned.folder is not None:
        # Environment, launch file and proofs; models, pictures, extensions and the user's own flags stay.
        request = Request(dir=str(tuned.folder), launchers=launcher_kinds(session))
        return run_install(session, request, profile=profile, yes=yes)
    if not apply:
        return EXIT_DONE
    folder = tuned.folder or session.folder(options.dir)
    decision = decide_launch_files(session, folder, tuned.tuning, tuned.facts, also_drop=without)
    if decision.plan.todo:
        if not session.json and not session.quiet:
            unsaid = tuple(one for one in decision.tuning.warnings if one not in tuned.tuning.warnings)
            show_warnings(replace(decision.tuning, warnings=unsaid), session.screen)
            show_plan(decision.plan, session.screen)
        consent(session, yes=yes)
    return carry_out(session, decision)


def _encoding(kind: Kind, facts: Facts) -> str | None:
    page = facts.system.oem_code_page
    return f"cp{page}" if kind == "bat" and page else None


def _taken_out(kind: Kind, content: bytes, names: tuple[str, ...], encoding: str | None) -> bytes:
    """A launch file without these flags and variables: what still counts as the user's own."""
    if not names:
        return content
    flags = tuple(name for name in names if is_flag(name))
    env = tuple(name for name in names if not is_flag(name))
    return merge(kind, content, Settings(drop_flags=flags, drop_env=env), oem_encoding=encoding)


def _described_only() -> UsageError:
    return UsageError(
        Text("These settings are for the PC you described, not for this one"),
        hint=Text("Remove --apply to see them, or add --anyway to write them to this launch file anyway."),
        code="described-not-here",
    )


def run_why(session: Session, setting: str, options: MachineOptions, *, profile: str = "current") -> int:
    """The whole of `sdsetup why`: who set it, why, and what would change without it; returns the exit code.

    Raises:
        UsageError: an option that cannot be meant, or a setting that is none.
    """
    rules = session.catalog.rules(profile)
    tuned = tuned_for(session, options, rules)
    told = explain(
        setting,
        tuned.tuning,
        rules.known,
        without=lambda rule: tuned_with(tuned, rules.without(rule)),
        own=tuned.own_flags,
    )
    if session.json:
        print_document(why_json(told))
    else:
        show_why(told, tuned.tuning, tuned.facts, session.screen)
    return EXIT_DONE


def tuned_for(session: Session, options: MachineOptions, rules: Rules, *, without: tuple[str, ...] = ()) -> Tuned:
    """Look at this machine (or at what was reported), lay the description over it, and tune.

    Raises:
        UsageError: an option that cannot be meant.
        SdsetupError: a report that cannot be read.
    """
    check_options(options)
    options = replace(options, model_class=model_class_of(options.model_class, session.catalog.fit))
    machine, sizes = described(session, rules.gpus, options)
    folder = None
    if options.facts is not None:
        facts = read_facts(options.facts)
        if options.dir is not None:
            # The machine is the reported one; the launch file and what it was made for are in the folder here.
            folder = session.folder(options.dir)
            here = inspect(session, folder, subjects=("folder", "installation"))
            facts = replace(facts, folder=here.folder, installation=here.installation, recorded=here.recorded)
    elif options.dir is None and machine.elsewhere:
        subjects = [subject for subject in TUNING_SUBJECTS if subject != "installation"]
        facts = inspect(session, session.machine.home, subjects=subjects)
    else:
        folder = session.folder(options.dir)
        facts = inspect(session, folder, subjects=LAUNCH_FILE_SUBJECTS)
    facts = describe(facts, machine)
    tuned = Tuned(
        facts=facts,
        tuning=_tuning(facts, rules, options.model_class),
        folder=folder,
        described=machine.elsewhere or options.facts is not None,
        options=typed_options(options, sizes),
        without=without,
    )
    return tuned if folder is None else _in_folder(session, tuned, folder)


def tuned_with(tuned: Tuned, other: Rules) -> Tuning:
    """The same machine and the same card by other rules."""
    return _tuning(tuned.facts, other, tuned.tuning.model_class, chosen_gpu=tuned.tuning.gpu)


def card_changes(tuned: Tuned) -> tuple[Change, ...]:
    """How this machine's card differs from the one that the installation was made for."""
    recorded = tuned.facts.recorded
    if tuned.described or recorded is None or tuned.tuning.gpu is None:
        return ()
    changes = changed(recorded, of_card(tuned.tuning.gpu))
    return changes if any(change.what in ("card", "vram") for change in changes) else ()


def decide_launch_files(
    session: Session, folder: Path, tuning: Tuning, facts: Facts, *, also_drop: tuple[str, ...] = ()
) -> Decision:
    """Only the launch files of `folder` with this tuning; `also_drop`: names of flags and variables
    that are taken out of them whoever wrote them.

    Raises:
        SdsetupError: `no-installation` when there is no web UI in the folder; what the launch file refuses.
    """
    if facts.folder is None or facts.folder.state != "webui":
        raise SdsetupError(
            Text("No web UI in this folder"),
            where=folder,
            hint=Text("Install it first: {command}", command=Command("sdsetup", "install", "--dir", folder)),
            code="no-installation",
        )
    request = Request(dir=str(folder), launchers=launcher_kinds(session), environment=False)

    def decision(_facts: Facts | None = None) -> Decision:
        contents = look(
            session.machine, folder, repositories=(), files=(), launch_files=request.launchers, tools=session.tools
        )
        left = {
            kind: _taken_out(kind, content, also_drop, _encoding(kind, facts))
            for kind, content in contents.launch_files.items()
        }
        settled, _ = beside_own(session, folder, facts, tuning, left)
        settings = launch_settings(settled, facts.recorded, session.catalog.flags, also_drop=also_drop)
        plan = plan_launchers(facts, request, settings, contents, tools=str(session.tools))
        return Decision(
            facts=facts,
            request=request,
            tuning=settled,
            plan=plan,
            again=decision,
        )

    return decision()


def _tuning(facts: Facts, rules: Rules, model_class: Any, **more: Any) -> Tuning:
    return tune(facts, rules, model_class=model_class, **more)


def _in_folder(session: Session, tuned: Tuned, folder: Path) -> Tuned:
    """With what an installation knows: what proofs on this very card corrected, and the user's own flags."""
    tuning = tuned.tuning
    if not tuned.described:
        tuning = with_corrections(tuning, load_corrections(state_folder(folder)))
    tuned = replace(tuned, tuning=tuning)
    tuned = replace(tuned, tuning=_with_misfit(tuned, folder))
    try:
        content = (folder / FILE_NAMES[tuned.kind]).read_bytes()
    except OSError:
        return tuned
    left = _taken_out(tuned.kind, content, tuned.without, tuned.encoding)
    settled, own = beside_own(session, folder, tuned.facts, tuned.tuning, {tuned.kind: left})
    return replace(tuned, tuning=settled, launch_file=content, own_flags=own)


def _with_misfit(tuned: Tuned, folder: Path) -> Tuning:
    """The tuning with a warning where the environment there is for another torch."""
    there = tuned.facts.installation
    if there is None or card_changes(tuned):  # a new card is a matter of its own
        return tuned.tuning
    fix = (
        Text("These settings need an installation on the PC they are for")
        if tuned.described
        else Text("Update the installation: {command}", command=Command("sdsetup", "install", "--dir", folder))
    )
    warning = misfit(tuned.tuning, there.torch, fix=fix)
    return replace(tuned.tuning, warnings=(*tuned.tuning.warnings, warning)) if warning else tuned.tuning


def _merged(session: Session, tuned: Tuned) -> bytes:
    """The launch file as `--apply` would leave it: the user's own where there is one."""
    settings = launch_settings(tuned.tuning, tuned.facts.recorded, session.catalog.flags, also_drop=tuned.without)
    return merge(tuned.kind, tuned.launch_file, settings, oem_encoding=tuned.encoding)


def _text(merged: bytes, tuned: Tuned) -> str:
    return merged.decode((tuned.encoding or "utf-8") if tuned.kind == "bat" else "utf-8", errors="replace")


def _print(session: Session, tuned: Tuned, theirs: Tuning | None, rules: Rules) -> None:
    document = tuning_json(tuned.tuning, tuned.facts, _text(_merged(session, tuned), tuned))
    document["models"] = fits_json(_fits(session, tuned, rules))
    if theirs is not None:
        document["compare"] = comparison_json(theirs, compare(tuned.tuning, theirs))
    print_document(document)


def _fits(session: Session, tuned: Tuned, rules: Rules) -> tuple[ModelFit, ...]:
    """Which models fit the card that the tuning is for."""
    case = situation(tuned.facts, rules, chosen_gpu=tuned.tuning.gpu)
    return models_that_fit(session.catalog.fit, case)


def _before(session: Session, tuned: Tuned, after: bytes) -> Before | None:
    """What the launch file says now, and what of it is the user's own and stays; None where there is none."""
    if tuned.launch_file is None:
        return None
    now, then = (
        read(tuned.kind, content, encoding=tuned.encoding, environment=session.machine.env)
        for content in (tuned.launch_file, after)
    )
    settings = {flag.name: " ".join(flag.values) or message("on") for flag in grouped(now.flags)}
    settings |= {name: value for name, value in now.env.items() if name != ARGS}
    if (there := tuned.facts.installation) is not None and there.torch is not None:
        settings["torch"] = there.torch
    recorded = tuned.facts.recorded.env if tuned.facts.recorded else ()
    ours = {ARGS, *(name for name, _ in (*tuned.tuning.env, *recorded))}
    stays = {flag.name for flag in grouped(then.flags)}
    own = [flag for flag in tuned.own_flags if flag.split(" ", 1)[0] in stays]
    own += [f"{name}={value}" for name, value in now.env.items() if name not in ours]
    return Before(settings=settings, own=tuple(own))


def _show(session: Session, tuned: Tuned, theirs: Tuning | None, rules: Rules, *, following: bool) -> None:
    """`following`: the next step is about to be done, so none is named."""
    if theirs is not None:
        show_comparison(tuned.tuning, theirs, compare(tuned.tuning, theirs), session.screen)
        return
    merged = _merged(session, tuned)
    fits, before = _fits(session, tuned, rules), _before(session, tuned, merged)
    show_tuning(tuned.tuning, tuned.facts, _text(merged, tuned), session.screen, before=before, fits=fits)
    if not following:
        show_next(
            tuned.tuning,
            tuned.options,
            session.screen,
            here=not tuned.described,
            saved=merged == tuned.launch_file,
        )
