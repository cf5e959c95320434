"""Check of the port that the web UI listens on."""

from __future__ import annotations

from sdsetup.catalog.doctor import Requirements
from sdsetup.decide.checks.wording import unanswered
from sdsetup.text import Text, message
from sdsetup.values.facts import Facts
from sdsetup.values.findings import Finding, Fix

_PORT = Text("Port")
_UNPRIVILEGED = 1024  # below it, Linux and macOS let only administrators listen


def port(facts: Facts, _need: Requirements) -> Finding:
    if found := unanswered(facts, "port", "port", _PORT):
        return found
    port = facts.port
    if port is None or port.free is None:
        return Finding(id="port", status="skip", title=_PORT, summary=Text("couldn't be tested"))
    if port.free:
        return Finding(id="port", status="ok", title=_PORT, summary=Text("{number} is free", number=port.number))
    return Finding(
        id="port",
        status="warn",
        title=_PORT,
        summary=Text("{number} is reserved by the system", number=port.number)
        if port.reserved
        else Text(
            "{number} is in use by {holder}", number=port.number, holder=port.holder or message("another program")
        ),
        why=Text("The web UI will use the next free port, so its address will be different."),
        fix=_fix(facts, port.number, reserved=port.reserved),
    )


def _fix(facts: Facts, number: int, *, reserved: bool) -> Fix:
    windows = facts.system.family == "windows"
    if reserved and windows:
        return Fix(
            text=Text("Add --port to COMMANDLINE_ARGS, with another number. To see which ports are reserved:"),
            command="netsh int ipv4 show excludedportrange tcp",
        )
    if reserved:
        return Fix(
            text=Text("Add --port to COMMANDLINE_ARGS, with a number of {least} or more.", least=_UNPRIVILEGED)
        )
    return Fix(
        text=Text("Close that program; it may be a web UI that is still running. To find it:"),
        command=f"netstat -ano | findstr :{number}" if windows else f"lsof -nP -iTCP:{number} -sTCP:LISTEN",
    )
