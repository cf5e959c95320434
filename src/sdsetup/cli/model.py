"""`sdsetup model`: list, get, check, import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from sdsetup.cli.options import Dir, Json, Profiles, Quiet, Verbose, Yes

if TYPE_CHECKING:
    from sdsetup.cli.session import Session
    from sdsetup.decide.profiles.models import ModelProfile

app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="The models: which there are, fetch one, check what lies there, bring your own.",
)


@app.command("list")
def list_models(
    dir: Dir = None, json: Json = False, profiles: Profiles = None, quiet: Quiet = False, verbose: Verbose = False
) -> None:
    """The models that can be fetched by name."""
    from sdsetup.cli.session import open_session
    from sdsetup.show.model import models_json, show_models

    session = open_session(command="model-list", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    models = _profile(session).models
    folder = _installation(session, dir)
    present: dict[str, bool | None] = {
        name: _is_there(folder / model.save_as, model.size) if folder else None for name, model in models.items()
    }
    if json:
        from sdsetup.show.document import print_document

        print_document(models_json(models.values(), present, folder))
    else:
        show_models(models.values(), present, session.screen)


@app.command("get")
def get(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A name of `model list`, or owner/repository:file at the hub.")
    ],
    dir: Dir = None,
    limit_rate: Annotated[
        Optional[str],  # noqa: UP045 - Typer evaluates annotations on 3.10 too
        typer.Option(
            "--limit-rate", metavar="RATE", help="At most so many bytes per second: 500k, 2M.", show_default=False
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Download it even if this computer has the file elsewhere.")
    ] = False,
    yes: Yes = False,
    json: Json = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Fetch a model: continued where it stopped, proved by its SHA-256."""
    from sdsetup.cli.fetching import Wanted, get_model, parse_rate
    from sdsetup.cli.session import open_session

    rate = parse_rate(limit_rate)
    session = open_session(command="model-get", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    raise typer.Exit(get_model(session, Wanted(name=name, dir=dir, limit_rate=rate, fresh=fresh, yes=yes)))


@app.command("check")
def check(
    dir: Dir = None, json: Json = False, profiles: Profiles = None, quiet: Quiet = False, verbose: Verbose = False
) -> None:
    """Look at every file in the model folder: whole, damaged, or a danger."""
    from sdsetup.cli.session import open_session

    session = open_session(command="model-check", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    raise typer.Exit(run_check(session, _folder(session, dir)))


def run_check(session: Session, folder: Path) -> int:
    """The whole of `sdsetup model check`; returns the exit code: 1 when a file is not as it should be."""
    from sdsetup.cli.fetching import context_for, working
    from sdsetup.execute.model_folder import check_models
    from sdsetup.show.model import show_verdicts, verdicts_json

    models = _profile(session).models
    with working(session, folder, "Looking at the models") as listen:
        verdicts = check_models(context_for(session, folder, listen), models)
    if session.json:
        from sdsetup.show.document import print_document

        print_document(verdicts_json(verdicts, folder))
    else:
        show_verdicts(verdicts, folder, session.screen)
    return 0 if all(verdict.ok for verdict in verdicts) else 1


@app.command("import")
def import_model(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A model file of your own.")],
    dir: Dir = None,
    name: Annotated[
        Optional[str],  # noqa: UP045 - Typer evaluates annotations on 3.10 too
        typer.Option("--as", metavar="NAME", help="Its name in the model folder.", show_default=False),
    ] = None,
    copy: Annotated[bool, typer.Option("--copy", help="Copy it even where a hard link would do.")] = False,
    allow_pickle: Annotated[
        bool, typer.Option("--allow-pickle", help="Accept a .ckpt, after it has been scanned.")
    ] = False,
    json: Json = False,
    profiles: Profiles = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Bring a model of your own into the web UI's folder."""
    from sdsetup.cli.fetching import context_for, working
    from sdsetup.cli.session import open_session
    from sdsetup.execute.model_import import import_file
    from sdsetup.show.model import imported_json, show_imported

    session = open_session(command="model-import", profiles=profiles, json=json, quiet=quiet, verbose=verbose)
    folder = _folder(session, dir)
    source = file.expanduser().absolute()
    models = _profile(session).models
    with working(session, folder, "Bringing the model in") as listen:
        context = context_for(session, folder, listen)
        imported = import_file(source, context, models, name=name, allow_pickle=allow_pickle, copy=copy)
    if json:
        from sdsetup.show.document import print_document

        print_document(imported_json(imported))
    elif not quiet:
        show_imported(imported, session.screen)


def _profile(session: Session) -> ModelProfile:
    from sdsetup.decide.profiles.models import parse_model_profile

    return parse_model_profile(session.profiles.raw("models"))


def _folder(session: Session, given: Path | None) -> Path:
    from sdsetup.cli.folders import chosen_folder

    return chosen_folder(session, given)


def _installation(session: Session, given: Path | None) -> Path | None:
    """The folder to look for models in; None when there is none to look in."""
    folder = _folder(session, given)
    return folder if folder.is_dir() else None


def _is_there(path: Path, size: int) -> bool:
    """By size: `check` proves more, and takes its time for it."""
    try:
        return path.is_file() and path.stat().st_size == size
    except OSError:
        return False
