"""`sdsetup report`: everything that a helper needs to know, and nothing that gives the user away."""

from __future__ import annotations

import importlib.metadata
import json
import logging
import os
import re
import socket
import sys
from pathlib import Path
from typing import Any

from sdsetup import __version__
from sdsetup.decide.tuning.engine import tune
from sdsetup.errors import EXIT_DONE, SdsetupError
from sdsetup.launchfile import FILE_NAMES
from sdsetup.machine import Machine
from sdsetup.redaction.report import Redaction
from sdsetup.redaction.secrets import known_secrets, secret_name
from sdsetup.show.doctor import finding_json
from sdsetup.show.document import print_document
from sdsetup.show.report import report_markdown, show_bill, show_written
from sdsetup.show.tuning_json import tuning_json
from sdsetup.storage import write_atomically
from sdsetup.text import Text
from sdsetup.values.facts import Facts
from sdsetup.values.facts_json import facts_from_json, machine_json
from sdsetup.values.layout import state_folder
from sdsetup.workflows import log
from sdsetup.workflows.doctor import examine, judge
from sdsetup.workflows.sbom import bill_of
from sdsetup.workflows.session import Session

SCHEMA = "sdsetup.report/1"
_LOGS = 4
_LOG_BYTES = 40_000
_LAUNCH_FILE = 1_000_000  # bytes of one that are looked through
_MOST_FILES = 5000  # names
_SHORT_PART = 3  # letters; a shorter name is a part of too many words
_LOG_NAME = r"(?:webui-)?\d{8}-\d{6}[\w-]*\.log"
_LIBRARIES = ("typer", "rich", "requests", "huggingface_hub", "uv", "psutil", "platformdirs")


def run_report(
    session: Session, dir: Path | None, *, out: Path | None, sbom: bool = False, json_only: bool = False
) -> int:
    """The whole of `sdsetup report`; returns the exit code. `out`: a file instead of standard output; `sbom`:
    what the installation is made of, instead of the report; `json_only`: no summary for people above the JSON.

    Raises:
        SdsetupError: `file-exists`, `report-unwritable`, `no-installation`.
    """
    document = bill_of(session, dir) if sbom else describe(session, dir)
    as_json = sbom or json_only
    if out is None and as_json:
        print_document(document)
        return EXIT_DONE
    text = json.dumps(document, indent=2, ensure_ascii=True) + "\n" if as_json else report_markdown(document)
    if out is None:
        sys.stdout.write(text)
        return EXIT_DONE
    write(text, out)
    if sbom:
        show_bill(document, out, session.screen)
    else:
        show_written(document, out, session.screen)
    return EXIT_DONE


def describe(session: Session, folder: Path | None) -> dict[str, Any]:
    """The whole document, redacted: facts, findings, tuning, versions, the last logs."""
    facts = examine(session, folder).facts
    redaction = redaction_for(session, facts)
    machine = redaction.machine(machine_json(facts))
    # Judged as a helper's doctor will judge it: from what is left. So no finding tells what was taken out.
    left = facts_from_json(machine)
    rest = {
        "checks": [finding_json(finding) for finding in judge(session, left).findings],
        "tuning": _tuning(session, left),
    }
    told = logs(session.machine, Path(facts.folder.path) if facts.folder else None, redaction)
    return {
        "schema": SCHEMA,
        "versions": versions(),
        "machine": machine,
        **redaction.value(rest, again=True),
        "logs": told,
    }


def redaction_for(session: Session, facts: Facts) -> Redaction:
    """What must not stand in it as far as this PC itself tells: names of the account and of the computer, values
    of secret variables and flags, the folder's path, names of the user's models."""
    machine = session.machine
    env = machine.env
    names = {env.get(name, "") for name in ("USER", "USERNAME", "LOGNAME", "SUDO_USER")} | {machine.home.name}
    names |= {part for name in names for part in name.split() if len(part) > _SHORT_PART}
    mail_names, mails = _git_identity(machine)
    hosts = {
        env.get(name, "") for name in ("COMPUTERNAME", "HOSTNAME", "USERDOMAIN", "USERDNSDOMAIN", "LOGONSERVER")
    }
    hosts = {host.strip("\\") for host in hosts} | {socket.gethostname()}
    hosts |= {host.partition(".")[0] for host in hosts}
    ordinary = {"", "root", "localhost", "workgroup", "home"}
    folder = facts.folder.path if facts.folder else None
    files = _own_files(Path(folder)) if folder else ()
    public = {
        name for model in session.catalog.models.models.values() for name in (model.file, Path(model.save_as).name)
    }
    known = {Path(name).stem.lower() for name in public}
    return Redaction(
        names=tuple(name for name in {*names, *mail_names} if name.lower() not in ordinary),
        hosts=tuple(host for host in hosts if host.lower() not in ordinary),
        secrets=(*known_secrets(env), *mails, *(_flag_secrets(Path(folder)) if folder else ())),
        files=tuple(stem for stem in files if stem.lower() not in known),
        public=tuple(public),
        places=tuple({str(machine.home), *([folder] if folder else [])}),
    )


def _git_identity(machine: Machine) -> tuple[set[str], set[str]]:
    """Names and mail addresses that git writes into commits; its file is read, no program is asked."""
    text = machine.read_text(machine.home / ".gitconfig") or ""
    name = re.search(r"(?mi)^\s*name\s*=\s*\"?([^\"#;\n]{3,80})", text)
    mail = re.search(r"(?mi)^\s*email\s*=\s*\"?([^\"#;\s]{3,80})", text)
    names = {name[1].strip(), *(part for part in name[1].split() if len(part) > _SHORT_PART)} if name else set()
    return names, {mail[1]} if mail else set()


def _flag_secrets(folder: Path) -> list[str]:
    """Passwords and tokens among the flags of the launch files."""
    found = []
    for name in FILE_NAMES.values():
        try:
            text = (folder / name).read_bytes()[:_LAUNCH_FILE].decode("utf-8", "replace")
        except OSError:
            continue
        for option, value in re.findall(r"(--?[A-Za-z][\w-]*)[= ]+[\"']?([^\s\"']+)", text):
            if secret_name(option):
                found += [value, *value.replace(",", ":").split(":")[1::2]]
        for variable, value in re.findall(
            r"(?mi)^\s*(?:@?set\s+\"?|export\s+)?([A-Za-z_]\w*)=[\"']?([^\r\n\"']+)", text
        ):
            if secret_name(variable):
                found.append(value.strip())
    return [value for value in found if len(value) > _SHORT_PART]


def _own_files(folder: Path) -> tuple[str, ...]:
    """Names of models, embeddings and styles there, without their endings."""
    found: list[str] = []
    for place in ("models", "embeddings"):
        for _root, _folders, files in os.walk(folder / place):
            found += [name.partition(".")[0] for name in files if not name.startswith(("Put ", "."))]
            if len(found) > _MOST_FILES:
                break
    return tuple(sorted({stem for stem in found if len(stem) > _SHORT_PART and stem != "model"}))


def versions() -> dict[str, str | None]:
    """Of sdsetup, of the Python it runs on, and of the libraries that matter."""
    found: dict[str, str | None] = {"sdsetup": __version__, "python": sys.version.split()[0]}
    for name in _LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def logs(machine: Machine, folder: Path | None, redaction: Redaction) -> list[dict[str, str]]:
    """The ends of the last logs: of our runs, and of the web UI where we keep them."""
    own = sorted(log.log_folder(machine).glob("*.log"))
    current = log.current()
    earlier = [path for path in own if path != current][-_LOGS:]
    theirs = sorted((state_folder(folder) / "logs").glob("*.log"))[-1:] if folder else []
    found: list[dict[str, str]] = []
    for path in (*earlier, *theirs):
        # A link planted in the folder could put any file of the user's into a report.
        if path.is_symlink() or not path.is_file():
            continue
        try:
            with path.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(max(0, size - _LOG_BYTES))
                text = file.read().decode("utf-8", errors="replace")
        except OSError:
            continue
        if size > _LOG_BYTES:
            text = text.partition("\n")[2]
        name = path.name if re.fullmatch(_LOG_NAME, path.name) else f"[log {len(found) + 1}].log"
        found.append({"name": name, "text": redaction.log(text)})
    return found


def write(text: str, path: Path) -> None:
    """Put a report into a file.

    Raises:
        SdsetupError: `report-unwritable`.
    """
    if path.exists():
        raise SdsetupError(
            Text("A file with that name already exists"),
            where=path,
            code="file-exists",
            hint=Text("Choose another name for --out. Nothing was overwritten."),
        )
    try:
        write_atomically(path, text.encode("ascii"))
    except OSError as error:
        raise SdsetupError(
            Text("The report can't be written"),
            where=path,
            why=error.strerror or str(error),
            code="report-unwritable",
            hint=Text("Choose a folder you can write to, or leave out --out to see the report here."),
        ) from error


def _tuning(session: Session, facts: Facts) -> dict[str, Any] | None:
    """What `tune` would say; None, with the reason in the log, when the profiles do not let it."""
    try:
        document = tuning_json(tune(facts, session.catalog.rules()), facts, "")
    except SdsetupError as error:
        logging.getLogger("sdsetup").warning("no tuning in the report: %s", error)
        return None
    return {key: value for key, value in document.items() if key not in ("machine", "launcher", "schema")}
