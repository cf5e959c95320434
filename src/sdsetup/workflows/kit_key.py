"""`sdsetup kit key`: a pair of keys for signing."""

from __future__ import annotations

from pathlib import Path

from sdsetup.errors import EXIT_DONE
from sdsetup.execute.signing import PUBLIC, make_keys
from sdsetup.show.document import print_document
from sdsetup.text import Text
from sdsetup.workflows.session import Session

SCHEMA = "sdsetup.kit-key/1"


def run_key(session: Session, file: Path) -> int:
    """The whole of `sdsetup kit key`; returns the exit code.

    Raises:
        SdsetupError: `key-exists`; the cause when it can't be written.
    """
    made = make_keys(file)
    public = file.with_name(file.name + PUBLIC)
    if session.json:
        print_document({"schema": SCHEMA, "private": str(file), "public": str(public), "key": made.public.text})
        return EXIT_DONE
    screen = session.screen
    screen.line(Text("{mark} Private key, to sign with: {file}", mark=screen.mark("ok"), file=file), "ok")
    screen.line(Text("Keep it to yourself, and keep a copy: it can't be made again."), "hint", indent=2)
    screen.line(Text("{mark} Public key, for everyone: {file}", mark=screen.mark("ok"), file=public), "ok")
    screen.command(made.public.text, indent=2)
    return EXIT_DONE
