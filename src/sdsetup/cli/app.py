"""The command line: every command by name, and the one place where errors become exit codes."""

from __future__ import annotations

import importlib
import io
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from sdsetup import __version__
from sdsetup.cli.streams import Lasting, lasting
from sdsetup.errors import (
    EXIT_BUG,
    EXIT_DONE,
    EXIT_EXPECTED,
    EXIT_INTERRUPTED,
    EXIT_USAGE,
    SdsetupError,
    UsageError,
    file_problem,
)
from sdsetup.text import Text, harmless

# The module of each command below `sdsetup.cli`, imported when the command is called, and its line in --help.
COMMANDS = {
    "doctor": "Look at this PC: what is well, what is in the way, and one cure for each.",
    "status": "Say which installations there are, what is in them, and how large they are.",
    "install": "Install everything: clone, Python, torch, model, launch file, and a first picture that proves it.",
    "tune": "Choose launch flags, variables and torch build for a card, each with its reason.",
    "why": "Say who set a flag, a variable or the torch build, why, and what would change without it.",
    "launch": "Start the web UI; Ctrl-C ends it.",
    "verify": "Prove the installation with one small picture; settings that it needed are kept.",
    "fix": "Find out from a log why the web UI failed, and fix it.",
    "update": "Update the web UI: tested beside the present version first, and undone by itself if it fails.",
    "undo": "Undo the last change of code, environment, and settings (run again to redo).",
    "uninstall": "Remove what sdsetup installed; models, images, and your own files stay.",
    "clean": "Empty caches and remove downloaded programs that nothing needs.",
    "extensions": "List and check extensions, and find the one that breaks the web UI.",
    "model": "The models: which there are, fetch one, check what lies there, bring your own.",
    "self": "Update sdsetup itself, or put its command within reach.",
    "kit": "Put an installation for many PCs, or for one without internet, into a folder.",
    "fleet": "Compare the doctor's results of many PCs in one table.",
    "report": "Describe this PC for a helper: without names, user folders, tokens, serial numbers or addresses.",
    "schema": "Print the JSON Schema of a document that --json prints.",
}


class Commands(TyperGroup):
    """The commands, none of which is imported before it is called."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the library's signature
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command = typer.main.get_command(importlib.import_module(f"sdsetup.cli.{cmd_name}").app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


# Plain help and no completion: Rich markup in help costs eight times the start of Python.
app = typer.Typer(
    name="sdsetup",
    cls=Commands,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=False,
    help="Puts the AUTOMATIC1111 Stable Diffusion web UI on this PC and leaves it working.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Show the version and exit."),
) -> None:
    if version:
        typer.echo(f"sdsetup {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        from sdsetup.workflows.session import open_session
        from sdsetup.workflows.wizard import run_wizard

        overlay = os.environ.get("SDSETUP_PROFILES")
        raise typer.Exit(run_wizard(open_session(command="wizard", profiles=Path(overlay) if overlay else None)))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code: 0, 1, 2, 3 or 130."""
    before = sys.stdout, sys.stderr
    out, _err = lasting()
    try:
        return _and_said(_run(arguments), out)
    finally:
        sys.stdout, sys.stderr = before


def _run(arguments: Sequence[str]) -> int:
    try:
        if any("\0" in word for word in arguments):  # every path would end as Python's own ValueError
            raise UsageError(
                Text("An option contains a null character"), hint=Text("Type it again."), code="option-not-text"
            )
        code = app(list(arguments), standalone_mode=False, prog_name="sdsetup")
    except SdsetupError as error:
        return _show_error(error, json="--json" in arguments)
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except OSError as error:
        # Whatever the disk refuses, anywhere: the errno says more than the place in our code.
        return _show_error(file_problem(error), json="--json" in arguments)
    except Exception as error:  # noqa: BLE001 - the one place where our own bugs are met
        return _show_usage(error) or _show_bug(error)
    _finish_log()
    # Typer swallows Ctrl-C inside a command and returns this code instead.
    if code == EXIT_INTERRUPTED and not getattr(code, "said", False):
        return _interrupted()
    return code if isinstance(code, int) else EXIT_DONE


def _and_said(code: int, out: Lasting) -> int:
    """The exit code, once it is sure that what the command printed has arrived."""
    out.flush()
    if out.lost is None or isinstance(out.lost, BrokenPipeError):
        return code  # `sdsetup doctor | head`: the reader has what it wanted
    lost = SdsetupError(
        Text("The output could not be written"),
        why=out.lost.strerror or str(out.lost),
        hint=Text("Run the same command again without sending its output to a file."),
        code="output-lost",
    )
    _show_error(lost, json=False)
    return code or EXIT_EXPECTED


def _finish_log() -> None:
    from sdsetup.workflows import log

    log.finish(failed=False)


def _show_usage(error: Exception) -> int | None:
    """Wrong options, in the words of the command line library; its exit code, None for any other error.

    Where the class of these errors lives is Typer's own business; that they show themselves is documented.
    """
    if not isinstance(error, typer.BadParameter.__mro__[2]):
        return None
    from sdsetup.show.screen import Screen

    shown: Any = error
    shown.message = harmless(shown.message)  # what was typed is repeated in it
    said = io.StringIO()
    shown.show(said)
    Screen(to_stderr=True).write([(said.getvalue(), "")])
    return EXIT_USAGE


def _interrupted() -> int:
    from sdsetup.show.errors import show_interrupted

    show_interrupted()
    return EXIT_INTERRUPTED


def _show_error(error: SdsetupError, *, json: bool) -> int:
    from sdsetup.show.document import print_document
    from sdsetup.show.errors import error_json, show_error
    from sdsetup.workflows import log

    _logger().error("%s: %s", error.code, error.message, exc_info=error)
    if json and not error.announced:
        print_document(error_json(error))
    show_error(error, log.current())
    return error.exit_code


def _show_bug(error: Exception) -> int:
    from sdsetup.show.errors import show_bug
    from sdsetup.workflows import log

    _logger().critical("bug", exc_info=error)
    show_bug(error, log.current())
    return EXIT_BUG


def _logger() -> logging.Logger:
    """Ours, silent where no log file was opened yet: a log record never lands on the screen."""
    ours = logging.getLogger("sdsetup")
    ours.propagate = False
    if not ours.handlers:
        ours.addHandler(logging.NullHandler())
    return ours
