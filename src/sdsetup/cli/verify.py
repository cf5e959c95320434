"""`sdsetup verify`: the web UI makes one small picture, and what was needed for it is kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sdsetup.cli.options import Dir, Json, Profiles, Quiet, Verbose
from sdsetup.errors import EXIT_DONE

if TYPE_CHECKING:
    from sdsetup.cli.session import Session
    from sdsetup.decide.picture import Proof
    from sdsetup.decide.plan import ProvePicture
    from sdsetup.execute.context import Context
    from sdsetup.execute.picture import PictureError


def verify(
    dir: Dir = None,
    json: Json = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Prove the installation with one small picture; settings that it needed are kept."""
    from sdsetup.cli.folders import chosen_folder
    from sdsetup.cli.session import open_session

    session = open_session(command="verify", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    raise typer.Exit(run_verify(session, chosen_folder(session, dir)))


def run_verify(session: Session, folder: Path) -> int:
    """The whole of `sdsetup verify`; returns the exit code.

    Raises:
        SdsetupError: there is no web UI here, or it cannot be started.
    """
    from sdsetup.cli.lessons import context_of, keep
    from sdsetup.decide.learned import Lesson
    from sdsetup.decide.profiles.webui import parse_webui
    from sdsetup.execute.own_files import load_machine
    from sdsetup.execute.picture import PictureError

    webui = parse_webui(session.profiles.raw("webui"), "webui.toml")
    made_for = load_machine(folder / ".sdsetup")
    action = webui.proof_on_card if made_for is not None and made_for.card else webui.proof
    context = context_of(session, folder)
    try:
        proof = _proof(session, context, action)
    except PictureError as error:
        return _failed(session, folder, error)
    changed: list[Path] = []
    if proof.changed:
        because = " ".join(str(reason.because) for reason in proof.reasons)
        changed = keep(session, context, Lesson(because=because, add_flags=proof.added, drop_flags=proof.dropped))
    if session.json:
        from sdsetup.show.document import print_document
        from sdsetup.show.verify import proof_json

        print_document(proof_json(folder, proof, changed))
    else:
        from sdsetup.show.verify import show_proof

        show_proof(proof, action, changed, session.screen)
    return EXIT_DONE


def _proof(session: Session, context: Context, action: ProvePicture) -> Proof:
    from sdsetup.cli.lessons import cards, vendors
    from sdsetup.decide.launcher import flag, grouped
    from sdsetup.decide.profiles.failures import parse_failures
    from sdsetup.execute.picture import prove
    from sdsetup.execute.webui_plan import plan_from_file
    from sdsetup.show.verify import VerifyScreen

    book = parse_failures(session.profiles.raw("failures"), "failures.toml")
    plan, seen = plan_from_file(context)
    flags = tuple(flag(one.name, *one.values) for one in grouped(plan.flags))
    makers = vendors(cards(session, context.dir))
    with VerifyScreen(session.screen) as shown:
        told = replace(context, listen=shown.listen)
        return prove(action, told, flags=flags, env=tuple(seen.env.items()), book=book, vendors=makers)


def _failed(session: Session, folder: Path, error: PictureError) -> int:
    import logging

    logging.getLogger("sdsetup").error("%s: %s", error.code, error.message, exc_info=error)
    if session.json:
        from sdsetup.show.document import print_document
        from sdsetup.show.verify import no_proof_json

        print_document(no_proof_json(folder, error, error.attempts))
    else:
        from sdsetup.show.verify import show_no_proof

        show_no_proof(error, error.attempts, error.diagnosis, session.screen)
    return error.exit_code
