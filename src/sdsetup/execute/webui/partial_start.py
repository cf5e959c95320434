"""A start with only some extensions switched on.

They are switched off in a copy of the web UI's settings that this start is given (`--ui-settings-file`), so
config.json is never touched: there is nothing to put back, whenever a run is killed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sdsetup.decide.diagnosis import OURS
from sdsetup.decide.picture import proof_arguments
from sdsetup.execute.context import Context
from sdsetup.execute.webui.api import free_port
from sdsetup.execute.webui.launch_plan import plan_from_file, planned, settings_file
from sdsetup.execute.webui.painting import PORTS, STOPPING, Patience
from sdsetup.execute.webui.process import start
from sdsetup.storage import read_json, write_json


@dataclass(frozen=True, kw_only=True)
class StartAttempt:
    """How one start went. `last`: the last line of the output that says something, "" where it started."""

    started: bool
    seconds: float
    log: str | None
    last: str = ""


def try_start(
    context: Context, *, on: Collection[str], all_of_them: Sequence[str], patience: Patience
) -> StartAttempt:
    """Start the web UI as its launch file would, with the extensions `on` of `all_of_them` and no others.

    Raises:
        SdsetupError: there is nothing to start here, or it cannot be started.
    """
    plan, seen = plan_from_file(context)
    settings = context.state / "trial" / "config.json"
    said = read_json(settings_file(context, plan.flags))
    write_json(
        settings,
        {
            **(said if isinstance(said, dict) else {}),
            "disabled_extensions": [name for name in all_of_them if name not in on],
            "auto_launch_browser": "Disable",
        },
    )
    for _ in range(PORTS):
        flags = proof_arguments(plan.flags, port=free_port(), settings=str(settings))
        with start(planned(context, flags, seen), context) as web:
            started = web.until(lambda state: state.ready, patience.start)
            seconds = web.seconds
            found = None if started else web.diagnose(context.catalog.failures)
            web.stop(STOPPING)
        if found is None or found.id != "port-taken":
            break
    said_last = next((line.strip() for line in reversed(web.log.lines) if _tells(line)), "")
    log = str(web.log.path) if web.log.path else None
    return StartAttempt(started=started, seconds=round(seconds, 1), log=log, last="" if started else said_last)


def _tells(line: str) -> bool:
    return bool(line.strip()) and not line.startswith(OURS)
