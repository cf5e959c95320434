"""The command line: every command registered, one place where errors become exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer
from typer import _click as click

from sdsetup.cli.session import AlreadySaid

if TYPE_CHECKING:
    import logging

from sdsetup.errors import EXIT_BUG, EXIT_DONE, EXIT_INTERRUPTED, EXIT_USAGE, SdsetupError

# Plain help and no completion: Rich markup in help costs eight times the start of Python.
app = typer.Typer(
    name="sdsetup",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=False,
    help="Puts the AUTOMATIC1111 Stable Diffusion web UI on this PC and leaves it working.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code: 0, 1, 2, 3 or 130."""
    _survive_narrow_streams()
    try:
        code = app(list(arguments), standalone_mode=False, prog_name="sdsetup")
    except SdsetupError as error:
        return _show_error(error, json="--json" in arguments)
    except click.exceptions.ClickException as error:
        error.show()
        return EXIT_USAGE
    except (KeyboardInterrupt, typer.Abort):
        from sdsetup.show.errors import show_interrupted

        show_interrupted()
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output is gone (`sdsetup doctor | head`): nothing left to tell anybody.
        sys.stderr.close()
        return EXIT_DONE
    except Exception as error:  # noqa: BLE001 - the one place where our own bugs are met
        return _show_bug(error)
    # Typer swallows Ctrl-C inside a command and returns this code instead.
    if code == EXIT_INTERRUPTED and not isinstance(code, AlreadySaid):
        from sdsetup.show.errors import show_interrupted

        show_interrupted()
    return code if isinstance(code, int) else EXIT_DONE


def _show_error(error: SdsetupError, *, json: bool) -> int:
    from sdsetup.cli import log
    from sdsetup.show.document import print_document
    from sdsetup.show.errors import show_error

    _logger().error("%s: %s", error.code, error.message, exc_info=error)
    if json and not error.announced:
        from sdsetup.show.errors import error_json

        print_document(error_json(error))
    show_error(error, log.current())
    return error.exit_code


def _logger() -> logging.Logger:
    """Ours, silent where no log file was opened yet: a log record never lands on the screen."""
    import logging

    ours = logging.getLogger("sdsetup")
    ours.propagate = False
    if not ours.handlers:
        ours.addHandler(logging.NullHandler())
    return ours


def _show_bug(error: Exception) -> int:
    from sdsetup.cli import log
    from sdsetup.show.errors import show_bug

    _logger().critical("bug", exc_info=error)
    show_bug(error, log.current())
    return EXIT_BUG


def _survive_narrow_streams() -> None:
    """A cp1252 or cp866 pipe must not end the program at the first letter that it cannot take."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Show the version and exit."),
) -> None:
    if version:
        from sdsetup import __version__

        typer.echo(f"sdsetup {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        from sdsetup.cli.wizard import wizard

        raise typer.Exit(wizard())


# Each command module declares its options and imports what it needs inside the command.
from sdsetup.cli import doctor, fix, install, launch, model, report, tune, undo, verify, why  # noqa: E402

app.command("doctor")(doctor.doctor)
app.command("tune")(tune.tune)
# What it explains looks like an option of its own: `sdsetup why --medvram`.
app.command("why", context_settings={"ignore_unknown_options": True})(why.why)
app.command("install")(install.install)
app.command("launch")(launch.launch)
app.command("verify")(verify.verify)
app.command("fix")(fix.fix)
app.command("undo")(undo.undo)
app.command("report")(report.report)
app.add_typer(model.app, name="model")
