"""The flags of the run that proves: those of the launch file, kept to this computer and to this run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

# Flag -> how many values it takes. They open the page to others, ask for passwords, change the installation or
# end the run; none of them changes the picture.
_NOT_NOW = {
    **dict.fromkeys(
        (
            "--api",
            "--api-log",
            "--api-server-stop",
            "--autolaunch",
            "--disable-tls-verify",
            "--exit",
            "--listen",
            "--nowebui",
            "--reinstall-torch",
            "--reinstall-xformers",
            "--share",
            "--skip-load-model-at-start",
            "--test-server",
            "--update-all-extensions",
            "--update-check",
        ),
        0,
    ),
    **dict.fromkeys(
        (
            "--api-auth",
            "--cors-allow-origins",
            "--cors-allow-origins-regex",
            "--gradio-auth",
            "--gradio-auth-path",
            "--ngrok",
            "--ngrok-options",
            "--ngrok-region",
            "--port",
            "--server-name",
            "--subpath",
            "--tls-certfile",
            "--tls-keyfile",
            "--ui-settings-file",
        ),
        1,
    ),
}


def as_arguments(flags: Sequence[str]) -> tuple[str, ...]:
    """Flags of one string each ("--use-cpu all") as an argument list.

    Raises:
        ValueError: for a quote that never closes.
    """
    return tuple(argument for flag in flags for argument in shlex.split(flag))


def proof_arguments(arguments: Sequence[str], *, port: int, settings: str) -> tuple[str, ...]:
    """The launch file's argument list as it is for the proof; `settings` is the file used as config.json."""
    kept: list[str] = []
    dropping = 0  # values that still belong to a dropped flag
    for argument in arguments:
        if argument.startswith("--"):
            name, equals, _ = argument.partition("=")
            values = _NOT_NOW.get(name)
            dropping = 0 if equals else values or 0
            if values is None:
                kept.append(argument)
        elif dropping:
            dropping -= 1
        else:
            kept.append(argument)
    return (*kept, "--api", "--port", str(port), "--ui-settings-file", settings)
