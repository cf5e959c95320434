"""`sdsetup report`: everything that a helper needs to know, and nothing that gives the person away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from sdsetup.cli.folders import named_path
from sdsetup.cli.options import Dir, Profiles, Quiet, Verbose

if TYPE_CHECKING:
    from sdsetup.cli.session import Session
    from sdsetup.decide.facts import Facts
    from sdsetup.decide.redaction import Redaction
    from sdsetup.machine import Machine

SCHEMA = "sdsetup.report/1"
_LOGS = 4
_LOG_BYTES = 40_000
_LIBRARIES = ("typer", "rich", "requests", "huggingface_hub", "uv", "psutil", "platformdirs")

Out = Annotated[
    Optional[Path],  # noqa: UP045 - Typer evaluates annotations on 3.10 too
    typer.Option("--out", metavar="FILE", help="Write it there instead of printing it.", show_default=False),
]


def report(
    dir: Dir = None,
    out: Out = None,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Describe this PC for a helper: without names, user folders, tokens, serial numbers or addresses."""
    from sdsetup.cli.session import open_session
    from sdsetup.show.document import print_document

    # The document is what standard output is for; what is said about it goes to standard error.
    session = open_session(command="report", profiles=profiles, json=out is None, quiet=quiet, verbose=verbose)
    document = describe(session, dir)
    if out is None:
        print_document(document)
    else:
        out = named_path(out)
        write(document, out)
        from sdsetup.show.report import show_written

        show_written(document, out, session.screen)


def describe(session: Session, folder: Path | None) -> dict[str, Any]:
    """The whole document, redacted: facts, findings, tuning, versions, the last logs."""
    from sdsetup.cli.doctor import examine, judge
    from sdsetup.decide.machine_json import facts_from_json, machine_json
    from sdsetup.show.doctor_json import finding_json

    facts = examine(session, folder).facts
    redaction = redaction_for(session.machine)
    machine = redaction.machine(machine_json(facts))
    # Judged as a helper's doctor will judge it: from what is left. So no finding tells what was taken out.
    left = facts_from_json(machine)
    rest = {
        "checks": [finding_json(finding) for finding in judge(session, left).findings],
        "tuning": _tuning(session, left),
        "logs": logs(session.machine, Path(facts.folder.path) if facts.folder else None),
    }
    return {"schema": SCHEMA, "versions": versions(), "machine": machine, **redaction.value(rest)}


def redaction_for(machine: Machine) -> Redaction:
    """Names that must not stand in it: of the account (environment, home folder) and of the computer."""
    import socket

    from sdsetup.decide.redaction import Redaction

    env = machine.env
    names = {env.get(name, "") for name in ("USER", "USERNAME", "LOGNAME", "SUDO_USER")} | {machine.home.name}
    hosts = {env.get("COMPUTERNAME", ""), env.get("HOSTNAME", ""), env.get("USERDOMAIN", ""), socket.gethostname()}
    ordinary = {"", "root", "localhost", "workgroup"}
    return Redaction(
        names=tuple(name for name in names if name.lower() not in ordinary),
        hosts=tuple(host for host in hosts if host.lower() not in ordinary),
    )


def versions() -> dict[str, str | None]:
    """Of sdsetup, of the Python it runs on, and of the libraries that matter."""
    import importlib.metadata
    import sys

    from sdsetup import __version__

    found: dict[str, str | None] = {"sdsetup": __version__, "python": sys.version.split()[0]}
    for name in _LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def logs(machine: Machine, folder: Path | None) -> list[dict[str, str]]:
    """The ends of the last logs: of our runs, and of the web UI where we keep them."""
    from sdsetup.cli import log

    own = sorted(log.log_folder(machine).glob("*.log"))
    current = log.current()
    earlier = [path for path in own if path != current][-_LOGS:]
    theirs = sorted((folder / ".sdsetup" / "logs").glob("*.log"))[-1:] if folder else []
    found = []
    for path in (*earlier, *theirs):
        try:
            with path.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(max(0, size - _LOG_BYTES))
                text = file.read().decode("utf-8", errors="replace")
        except OSError:
            continue
        if size > _LOG_BYTES:
            text = text.partition("\n")[2]
        found.append({"name": path.name, "text": log.redact(text)})
    return found


def write(document: dict[str, Any], path: Path) -> None:
    """Put the document into a file.

    Raises:
        SdsetupError: `report-unwritable`.
    """
    import json

    from sdsetup.errors import SdsetupError
    from sdsetup.storage import write_atomically
    from sdsetup.text import Text

    if path.exists():
        raise SdsetupError(
            Text("There is a file of that name already"),
            where=path,
            code="file-exists",
            hint=Text("Give --out another name; nothing was overwritten."),
        )
    try:
        write_atomically(path, (json.dumps(document, indent=2, ensure_ascii=True) + "\n").encode("ascii"))
    except OSError as error:
        raise SdsetupError(
            Text("The report cannot be written"),
            where=path,
            why=error.strerror or str(error),
            code="report-unwritable",
            hint=Text("Give --out a file in a folder of yours, or leave it out to see the report here."),
        ) from error


def _tuning(session: Session, facts: Facts) -> dict[str, Any] | None:
    """What `tune` would say; None, with the reason in the log, when the profiles do not let it."""
    import logging

    from sdsetup.cli.knowledge import tuned
    from sdsetup.errors import SdsetupError
    from sdsetup.show.tuning_json import tuning_json

    try:
        document = tuning_json(tuned(session.profiles, facts, "current"), facts, "")
    except SdsetupError as error:
        logging.getLogger("sdsetup").warning("no tuning in the report: %s", error)
        return None
    return {key: value for key, value in document.items() if key not in ("machine", "launcher", "schema")}
