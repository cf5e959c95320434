"""Whether a web UI of this installation is running: nothing of it is exchanged or removed then."""

from __future__ import annotations

from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.machine.running import running_web_ui
from sdsetup.text import Text


def refuse_running(context: Context) -> None:
    """Raises:
    SdsetupError: `webui-running`.
    """
    found = running_web_ui(context.dir)
    if found is not None:
        raise SdsetupError(
            Text("The web UI is running (process {pid})", pid=found.pid),
            where=context.dir,
            hint=Text("Close it (Ctrl-C in its window), then run the same command again."),
            code="webui-running",
        )
