"""`sdsetup update`: another version of the web UI, put into place only after it was proved beside this one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sdsetup import __version__
from sdsetup.command import Command
from sdsetup.decide.picture import Proof
from sdsetup.decide.planning import plan_install
from sdsetup.decide.record import record_of
from sdsetup.decide.refusals import refuse, refuse_mixing, refuse_tuning
from sdsetup.decide.tuning.engine import tune
from sdsetup.errors import EXIT_DONE, SdsetupError, UsageError
from sdsetup.execute import extensions as moving
from sdsetup.execute import git, undo
from sdsetup.execute.context import Context
from sdsetup.execute.lock import folder_lock
from sdsetup.execute.own_files import load_corrections, load_journal
from sdsetup.execute.runner import Runner
from sdsetup.execute.steps.webui_check import check
from sdsetup.execute.update_stage import (
    clear_stage,
    flags_for_the_stage,
    kept_path,
    prepare,
    stage_of,
    with_own_edits,
)
from sdsetup.execute.webui.picture import PictureError, prove
from sdsetup.execute.webui.process import refuse_running
from sdsetup.probe.contents import look
from sdsetup.probe.repository import read_repository
from sdsetup.show.document import print_document
from sdsetup.show.live import Live
from sdsetup.show.update import show_update_plan, show_updated, update_json
from sdsetup.storage import read_json
from sdsetup.text import Text, in_a_row
from sdsetup.values import install_record, journal
from sdsetup.values.contents import Contents
from sdsetup.values.corrections import Correction, card_name, with_corrections
from sdsetup.values.events import Listener, silent
from sdsetup.values.extensions import Extension
from sdsetup.values.facts import Facts
from sdsetup.values.flags import Settings
from sdsetup.values.install_record import InstallRecord
from sdsetup.values.journal import Journal
from sdsetup.values.layout import PRACTICE_MARK, state_folder
from sdsetup.values.plan import CheckWebUI, CloneRepository, CloneWebUI, Plan
from sdsetup.values.request import Request
from sdsetup.values.tuning import Tuning
from sdsetup.workflows.carrying_out import consent
from sdsetup.workflows.corrections import keep
from sdsetup.workflows.extensions import place_of
from sdsetup.workflows.inspect import cards, inspect, vendors
from sdsetup.workflows.install import components_for
from sdsetup.workflows.session import Session

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REF = re.compile(r"(?![-./])(?!.*(?:\.\.|//|@\{|\.lock$))[A-Za-z0-9._/-]{1,200}")
# Failures that say that the new version does not work here: what was made of it is of no use.
_JUDGED = ("webui-incomplete", "webui-check-failed")


@dataclass(frozen=True, kw_only=True)
class Update:
    """What is to be done, all decided. `commit` equal to `present`: only the extensions move."""

    dir: Path
    present: str
    commit: str
    name: str  # as it was asked for, or the profile's tag
    facts: Facts
    tuning: Tuning
    plan: Plan
    extensions: tuple[Extension, ...]
    models: bool
    chosen: bool  # it was asked for, and is not the pinned one
    interrupted: bool  # an earlier update or undo was cut off: it is finished first

    @property
    def moves(self) -> bool:
        return self.commit != self.present


def run_update(
    session: Session, folder: Path, *, to: str | None, extensions: bool, dry_run: bool, yes: bool
) -> int:
    """The whole of `sdsetup update`; returns the exit code.

    Raises:
        SdsetupError: whatever stopped it; the installation is as it was then.
    """
    context = session.context(folder, silent if session.json or session.quiet else None)
    update = decide(session, context, to=to, extensions=extensions)
    if not session.json:
        show_update_plan(update, session.screen)
    if dry_run or not (update.moves or update.extensions or update.interrupted):
        if not dry_run and os.path.lexists(stage_of(folder)):  # an update ended before it came to this
            with folder_lock(folder, context.cache, waiting=session.screen.line):
                clear_stage(context)
        return _told(session, update, None, {}, done=False)
    consent(session, yes=yes, dry_run=True)
    moved: Mapping[str, tuple[str, str]] = {}
    proof: Proof | None = None
    with folder_lock(folder, context.cache, waiting=session.screen.line):
        refuse_running(context)
        moving.set_back(context)
        if undo.finish(context):  # the folder is another one than the plan was made for
            update = replace(decide(session, context, to=to, extensions=extensions), interrupted=True)
        if update.moves:
            proof = _moved(session, context, update)
        else:
            clear_stage(context)
        if update.extensions:
            moved = _extended(session, context, update)
    if proof is not None and proof.changed:
        keep(session, context, _lesson(proof))
    return _told(session, update, proof, moved, done=True)


def decide(session: Session, context: Context, *, to: str | None, extensions: bool) -> Update:
    """Look and decide; changes nothing.

    Raises:
        SdsetupError: `webui-missing`, `update-without-git`, `ref-unknown`, and what refuses an installation.
    """
    folder, stage = context.dir, stage_of(context.dir)
    found = inspect(session, folder)
    there = found.installation
    if there is None or there.commit is None:
        raise SdsetupError(
            Text("No web UI with a Git repository in this folder"),
            where=folder,
            hint=Text(
                "Install the web UI, or have sdsetup take over this folder: {command}",
                command=Command("sdsetup", "install", "--dir", folder),
            ),
            code="webui-missing",
        )
    commit, name = _target(session, context, to)
    request = Request(dir=str(stage), ref=None if to is None else commit, launchers=(), picture=False)
    facts = session.adjust(found)
    tuning = _tuned(session, context, found, facts.recorded)
    plan = _plan(session, stage, request, facts, tuning, commit)
    if commit != there.commit:
        refuse(replace(facts, folder=None), plan)
    practised = (state_folder(folder) / PRACTICE_MARK).is_file()
    refuse_mixing(facts, str(folder), practised=practised, practising=session.practising)
    clones = place_of(session, folder).there.found if extensions else ()
    return Update(
        dir=folder,
        present=there.commit,
        commit=commit,
        name=name,
        facts=facts,
        tuning=tuning,
        plan=_from_here(plan, folder, session),
        extensions=tuple(one for one in clones if one.commit and one.branch and one.remote),
        models=bool(there.models),
        chosen=commit != session.catalog.webui.commit,
        interrupted=undo.interrupted(context) or moving.interrupted(context),
    )


def _tuned(session: Session, context: Context, found: Facts, recorded: InstallRecord | None) -> Tuning:
    """The settings by the profile that the installation was made with, and by what was learned here.

    Raises:
        SdsetupError: no PyTorch build suits this PC.
    """
    profile = recorded.profile if recorded is not None and recorded.profile else "current"
    tuning = tune(replace(found, installation=None), session.catalog.rules(profile))
    tuning = with_corrections(tuning, load_corrections(context.state))
    refuse_tuning(tuning)
    return tuning


def _plan(session: Session, stage: Path, request: Request, facts: Facts, tuning: Tuning, commit: str) -> Plan:
    """The steps of an installation at the new commit, in the stage; those that an earlier run did are done. What
    an update to another commit left is removed before the first step, so nothing of it counts."""
    components = components_for(session, request, facts)
    contents = look(
        session.machine,
        stage,
        repositories=[f"repositories/{repository.name}" for repository in components.webui.repositories],
        files=[file.save_as for file in components.files],
        launch_files=(),
        tools=session.tools,
    )
    inside = inspect(session, stage, subjects=("installation",)).installation
    done = load_journal(state_folder(stage))
    if inside is None or inside.commit != commit:
        contents = Contents(python=contents.python, git=contents.git)
        inside, done = None, Journal()
    return plan_install(
        replace(facts, installation=inside),
        request,
        tuning,
        components,
        Settings(flags=(), env=()),
        done,
        contents,
    )


def _from_here(plan: Plan, folder: Path, session: Session) -> Plan:
    """Repositories that the installation has at the right commit are taken from there and not downloaded."""
    steps = []
    for step in plan.steps:
        action = step.action
        if isinstance(action, CloneRepository):
            there = folder / "repositories" / action.name
            found = read_repository(session.machine, there)
            if found is not None and found.commit == action.commit:
                step = replace(step, action=replace(action, urls=(there.as_uri(), *action.urls)), bytes=0)
        steps.append(step)
    return replace(plan, steps=tuple(steps))


def _target(session: Session, context: Context, to: str | None) -> tuple[str, str]:
    """The commit to go to, and what it is called."""
    webui = session.catalog.webui
    if to is None or to == webui.tag:
        return webui.commit, webui.tag
    if _COMMIT.fullmatch(to):
        return to, to[:8]
    if not _REF.fullmatch(to):
        raise UsageError(
            Text("{ref} is not a version name", ref=to),
            hint=Text("Use a tag such as {tag}, a branch, or a full commit ID.", tag=webui.tag),
            code="ref-not-a-name",
        )
    commit = git.resolve(webui.urls, to, context.dir, context)
    if commit is None:
        raise SdsetupError(
            Text("The web UI has no version {ref}", ref=to),
            where=webui.urls[0],
            hint=Text("Use a tag such as {tag}, a branch, or a full commit ID.", tag=webui.tag),
            code="ref-unknown",
        )
    return commit, to


def _moved(session: Session, context: Context, update: Update) -> Proof | None:
    """Make the new version beside the present one, prove it, and put it into place; the proof."""
    step = next(step for step in update.plan.steps if isinstance(step.action, CloneWebUI))
    assert isinstance(step.action, CloneWebUI)
    edits = prepare(step.action, context, update.present)
    clear_stage(context, unless=update.commit)
    stage = stage_of(update.dir)
    with _unchanged(session, context, update):
        with _listening(session, update.plan) as listen:
            runner = Runner(update.plan, session.context(stage, listen), card=card_name(update.tuning.gpu))
            runner.run()
        with_own_edits(context, edits)
        proof = _proved(session, context, update) if update.models else None
    _put_in_place(session, context, update)
    try:
        check(_check_of(update), context)
    except SdsetupError as error:
        undo.bring_back(context)
        raise _went_back(update, error) from error
    clear_stage(context)
    return proof


def _proved(session: Session, context: Context, update: Update) -> Proof:
    """The test image by the new version, with the user's models, extensions, edits and flags."""
    webui = session.catalog.webui
    flags, seen = flags_for_the_stage(context)
    action = webui.proof_on_card if update.tuning.device not in ("cpu", "none") else webui.proof
    told = session.context(stage_of(update.dir), context.listen)
    makers = vendors(cards(session, update.dir))
    return prove(action, told, flags=flags, seen=seen, book=session.catalog.failures, vendors=makers)


def _put_in_place(session: Session, context: Context, update: Update) -> None:
    stage = stage_of(update.dir)
    branch = git.ask(context, update.dir, "symbolic-ref", "--quiet", "--short", "HEAD")
    there = inspect(session, stage, subjects=("installation",)).installation
    versions = {"sdsetup": __version__, "webui": update.commit}
    record = record_of(replace(update.facts, installation=there), update.tuning, versions)
    if update.facts.recorded is not None:  # the launch file stays as it is
        record = replace(record, flags=update.facts.recorded.flags, env=update.facts.recorded.env)
    ours: dict[str, Any] = {
        "machine.json": install_record.to_json(record),
        "journal.json": journal.to_json(_journal(context, load_journal(state_folder(stage)))),
    }
    learned = read_json(context.state / "learned.json")
    if learned is not None:
        ours["learned.json"] = learned
    if update.chosen:  # a plain `install` stays there
        ours["chosen.json"] = {"schema": "sdsetup.chosen/1", "ref": update.commit}
    undo.go_on_to(
        context,
        commit=update.commit,
        branch=branch or session.catalog.webui.branch,
        venv=stage / "venv",
        ours=ours,
        detail=f"to {update.name}",
    )


def _journal(context: Context, stage: Journal) -> Journal:
    """What was done in the stage is done here now; the checks, which rest on the launch file, are asked again."""
    made = {name: entry for name, entry in stage.entries.items() if name not in ("check", "picture")}
    here = {
        name: entry
        for name, entry in load_journal(context.state).entries.items()
        if name not in ("check", "picture")
    }
    return Journal(entries={**here, **made})


def _check_of(update: Update) -> CheckWebUI:
    return next(step.action for step in update.plan.steps if isinstance(step.action, CheckWebUI))


def _extended(session: Session, context: Context, update: Update) -> Mapping[str, tuple[str, str]]:
    """Move the extensions, prove the web UI with them, and set them back where it fails."""
    moved = moving.fast_forward(context, update.extensions)
    if moved and update.models:
        webui = session.catalog.webui
        action = webui.proof_on_card if update.tuning.device not in ("cpu", "none") else webui.proof
        flags, seen = flags_for_the_stage(context)
        try:
            prove(action, context, flags=flags, seen=seen, book=session.catalog.failures)
        except SdsetupError:
            moving.set_back(context)
            session.screen.line(Text("The extensions are back at their previous versions."), "warn")
            raise
    moving.keep(context)
    return moved


@contextmanager
def _unchanged(session: Session, context: Context, update: Update) -> Iterator[None]:
    """Say that nothing was changed where the new version fails; throw it away where it was judged."""
    try:
        yield
    except SdsetupError as error:
        if isinstance(error, PictureError) or error.code in _JUDGED or error.code.startswith("torch-"):
            clear_stage(context)
        stays = Text(
            "Update canceled. Your installation is unchanged (version {commit}).", commit=update.present[:8]
        )
        session.screen.line(stays, "warn")
        if isinstance(error, PictureError):  # its own hint would be about the folder that is gone
            log = error.attempts[-1].log if error.attempts else None
            raise SdsetupError(
                error.message,
                where=update.dir if log is None else kept_path(context, Path(log)),
                why=error.why,
                hint=Text("Keep this version, or try another one with --to."),
                code=error.code,
            ) from error
        raise


def _went_back(update: Update, error: SdsetupError) -> SdsetupError:
    return SdsetupError(
        Text(
            "The new version does not start, so the previous one was restored ({commit})",
            commit=update.present[:8],
        ),
        where=update.dir,
        why=error.why or error.message,
        hint=Text("Create a support report: sdsetup report"),
        code="update-taken-back",
    )


def _lesson(proof: Proof) -> Correction:
    because = in_a_row([reason.because for reason in proof.reasons])
    return Correction(because=because, add_flags=proof.added, drop_flags=proof.dropped)


@contextmanager
def _listening(session: Session, plan: Plan) -> Iterator[Listener]:
    if session.json:
        yield silent
        return
    with Live(plan, session.screen) as live:
        yield live.listen


def _told(
    session: Session, update: Update, proof: Proof | None, moved: Mapping[str, tuple[str, str]], *, done: bool
) -> int:
    if session.json:
        picture = None if proof is None or proof.kept.picture is None else Path(proof.kept.picture)
        context = session.context(update.dir, silent)
        image = None if picture is None else str(kept_path(context, picture))
        print_document(update_json(update, image, moved, done=done))
    elif done:
        show_updated(update, moved, session.screen)
    return EXIT_DONE
