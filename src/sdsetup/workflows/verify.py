"""`sdsetup verify`: the web UI makes one small picture, and what was needed for it is kept."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from sdsetup.decide.picture import Proof
from sdsetup.errors import EXIT_DONE
from sdsetup.execute.context import Context
from sdsetup.execute.own_files import load_machine
from sdsetup.execute.webui.launch_plan import plan_from_file
from sdsetup.execute.webui.picture import PictureError, prove
from sdsetup.launchfile import flag, grouped
from sdsetup.show.document import print_document
from sdsetup.show.verify import VerifyScreen, no_proof_json, proof_json, show_no_proof, show_proof
from sdsetup.text import in_a_row
from sdsetup.values.corrections import Correction
from sdsetup.values.layout import state_folder
from sdsetup.values.plan import ProvePicture
from sdsetup.workflows import folder_memory, registry
from sdsetup.workflows.corrections import keep
from sdsetup.workflows.inspect import cards, vendors
from sdsetup.workflows.session import Session


def run_verify(session: Session, folder: Path) -> int:
    """The whole of `sdsetup verify`; returns the exit code.

    Raises:
        SdsetupError: there is no web UI here, or it cannot be started.
    """
    webui = session.catalog.webui
    made_for = load_machine(state_folder(folder))
    action = webui.proof_on_card if made_for is not None and made_for.card else webui.proof
    context = session.context(folder)
    try:
        proof = _proof(session, context, action)
    except PictureError as error:
        folder_memory.distrust(
            folder, str(error.diagnosis.title if error.diagnosis is not None else error.message)
        )
        return _failed(session, folder, error)
    folder_memory.trust(folder)
    registry.note(session.machine, folder, pictured=True)
    changed: list[Path] = []
    if proof.changed:
        because = in_a_row([reason.because for reason in proof.reasons])
        changed = keep(
            session, context, Correction(because=because, add_flags=proof.added, drop_flags=proof.dropped)
        )
    if session.json:
        print_document(proof_json(folder, proof, changed))
    else:
        show_proof(proof, action, changed, session.screen)
    return EXIT_DONE


def _proof(session: Session, context: Context, action: ProvePicture) -> Proof:
    book = session.catalog.failures
    plan, seen = plan_from_file(context)
    flags = tuple(flag(one.name, *one.values) for one in grouped(plan.flags))
    makers = vendors(cards(session, context.dir))
    with VerifyScreen(session.screen) as shown:
        told = replace(context, listen=shown.listen)
        return prove(action, told, flags=flags, seen=seen, book=book, vendors=makers)


def _failed(session: Session, folder: Path, error: PictureError) -> int:
    logging.getLogger("sdsetup").error("%s: %s", error.code, error.message, exc_info=error)
    if session.json:
        print_document(no_proof_json(folder, error, error.attempts))
    else:
        show_no_proof(error, error.attempts, error.diagnosis, session.screen)
    return error.exit_code
