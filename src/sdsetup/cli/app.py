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
from sdsetup.cli.examples import EXAMPLES
from sdsetup.cli.language import library_error, speak_as_asked, translated
from sdsetup.cli.streams import Lasting, lasting
from sdsetup.command import Command
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
from sdsetup.show.commands import as_typed, forget_run
from sdsetup.show.language import in_language, languages
from sdsetup.show.words import say
from sdsetup.text import Text, harmless, one_of

# The commands in the groups of --help: the module of each below `sdsetup.cli`, imported when the command is
# called, and its short help, which a window of 80 columns shows on one line.
GROUPS = {
    "Install": {
        "doctor": "Check this PC and suggest fixes",
        "install": "Install the web UI, or repair an installation",
        "update": "Update the web UI",
        "uninstall": "Remove the web UI; models and images stay",
        "kit": "Prepare an installation for other or offline PCs",
    },
    "Use": {
        "launch": "Start the web UI",
        "shortcut": "Start the web UI from the menu or desktop",
        "tune": "Choose settings for the graphics card",
        "why": "Explain a setting",
        "status": "List installations with versions and sizes",
        "extensions": "List, check, and switch extensions",
    },
    "Repair": {
        "fix": "Find out why the web UI failed, and fix it",
        "verify": "Test the web UI with one image",
        "undo": "Undo the last change (run again to redo)",
        "report": "Create a support report (no personal data)",
        "clean": "Empty caches and remove unused downloads",
    },
    "Models": {
        "model": "List, download, verify, and import models",
    },
    "More": {
        "self": "Update sdsetup, or add its command to PATH",
        "fleet": "Compare the checks of many PCs in one table",
        "schema": "Print the JSON Schema of a --json document",
    },
}
COMMANDS = {name: said for group in GROUPS.values() for name, said in group.items()}
_WELCOME = """Installs the Stable Diffusion web UI (AUTOMATIC1111) on this PC and tests it with a first image.

Run it without a command to start the wizard, which guides you through everything."""
_MORE = Text("Help for one command, with examples: {command}", command=Command("sdsetup", "COMMAND", "--help"))


class Commands(TyperGroup):
    """The commands, none of which is imported before it is called."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the library's signature
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command = typer.main.get_command(importlib.import_module(f"sdsetup.cli.{cmd_name}").app)
        command.name = cmd_name
        _add_examples(command, cmd_name)
        return translated(command)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        for group, commands in GROUPS.items():
            with formatter.section(group):
                formatter.write_dl(list(commands.items()))


def _add_examples(command: Any, path: str) -> None:
    """Below the options of --help, each line as it is: `\\b` keeps click from filling the paragraph."""
    for name, below in getattr(command, "commands", {}).items():
        _add_examples(below, f"{path} {name}")
    examples = EXAMPLES.get(path, ())
    widest = max((len(line) for line, _ in examples), default=0)
    lines = [f"  {as_typed(line):<{widest}}  {in_language(what)}" for line, what in examples]
    known = one_of([f"--lang {code}" for code in languages()])
    paragraphs = [say(Text("To choose the language, add {options}.", options=known))]
    if lines:
        paragraphs.insert(0, "\n".join(["\b", say(Text("Examples:")), *lines]))
    command.epilog = "\n\n".join(paragraphs)


# Plain help: Rich markup in help costs eight times the start of Python.
app = typer.Typer(
    name="sdsetup",
    cls=Commands,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=False,
    help=_WELCOME,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Show the version."),
    # Taken out by `speak_as_asked`, before the commands are made; it stands here for --help.
    lang: str = typer.Option(  # noqa: ARG001
        None, "--lang", metavar="CODE", help="Language, such as en; without it, that of this PC."
    ),
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Wizard: show commands and notes, too."),
) -> None:
    if version:
        typer.echo(f"sdsetup {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        from sdsetup.workflows.session import open_session
        from sdsetup.workflows.wizard import run_wizard

        overlay = os.environ.get("SDSETUP_PROFILES")
        profiles = Path(overlay) if overlay else None
        raise typer.Exit(run_wizard(open_session(command="wizard", profiles=profiles, verbose=verbose)))
    if verbose:
        raise UsageError(
            Text("--verbose belongs after the command"),
            hint=Text("For example: sdsetup doctor --verbose"),
            code="option-order",
        )


def root() -> Any:
    """The program as a command, in the language of this run."""
    command = translated(typer.main.get_command(app))
    command.epilog = say(_MORE)
    return command


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code: 0, 1, 2, 3 or 130."""
    forget_run()
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
        arguments = speak_as_asked(arguments)
        command = root()
        code = command(arguments, standalone_mode=False, prog_name="sdsetup")
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
    if type(error).__name__ != "NoArgsIsHelpError":  # the message of that one is the whole help
        shown.message = harmless(shown.message)  # what was typed is repeated in it
    said = io.StringIO()
    shown.show(said)
    Screen(to_stderr=True).write([(library_error(said.getvalue()), "")])
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
