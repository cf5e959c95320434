"""`sdsetup kit make` and `kit check`: one download for many PCs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sdsetup.catalog.models import Model, fetch_file, find_model
from sdsetup.decide.kit import named
from sdsetup.decide.planning import environment_action
from sdsetup.errors import EXIT_DONE, EXIT_EXPECTED, SdsetupError, file_problem
from sdsetup.execute.context import Context
from sdsetup.execute.download import fetch
from sdsetup.execute.environment import uv
from sdsetup.execute.environment.locking import choose, resolve
from sdsetup.execute.kit import interpreter, packages, program
from sdsetup.execute.kit.reading import find_kit
from sdsetup.execute.kit.repositories import bundle, read_file
from sdsetup.execute.kit.store import KitStore, check
from sdsetup.execute.lock import folder_lock
from sdsetup.show.document import print_document
from sdsetup.show.kit import check_json, made_json, plan_json, show_check, show_made, show_plan
from sdsetup.show.live import Live
from sdsetup.text import Text
from sdsetup.values.events import Event, Listener
from sdsetup.values.kit import Kind, Kit, KitEnvironment, KitFile, Part, Piece
from sdsetup.values.plan import FetchFile, Plan, Step
from sdsetup.workflows.carrying_out import consent
from sdsetup.workflows.kit_targets import KitRequest, Target, targets
from sdsetup.workflows.session import Session

if TYPE_CHECKING:  # the library behind it is for those who have a key
    from sdsetup.execute.signing import PublicKey, SigningKey

_WEBUI = "webui"
_TOKENIZER, _GIT, _PROGRAM = Text("Text encoder files"), Text("Git for Windows"), Text("sdsetup itself")
_OWN_PYTHONS = ("3.10", "3.11", "3.12", "3.13")  # with which sdsetup itself may be installed


def run_make(
    session: Session,
    folder: Path,
    request: KitRequest,
    *,
    key: SigningKey | None = None,
    yes: bool = False,
    dry_run: bool = False,
) -> int:
    """The whole of `sdsetup kit make`; returns the exit code. `key`: what the kit is signed with.

    Raises:
        UsageError: an option that cannot be meant.
        SdsetupError: what stopped it; what was finished is kept, and the same command goes on.
    """
    making = _Making(session, KitStore(folder), request, key)
    parts = making.parts()
    if dry_run and session.json:
        print_document(plan_json(folder, parts))
        return EXIT_DONE
    if not (session.json or session.quiet):
        show_plan(folder, parts, session.screen)
    if dry_run:
        session.screen.line(Text("Dry run: nothing was changed."))
        return EXIT_DONE
    consent(session, yes=yes, dry_run=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (
            folder_lock(folder, session.cache, waiting=session.screen.line),
            Live(_as_plan(folder, parts), session.screen) as live,
        ):
            kit, identity = making.run(live.listen)
            lost = [path for path, file in kit.files.items() if not making.store.has(file)]
    except OSError as error:
        raise file_problem(error, folder, Text("The kit could not be written")) from error
    if lost:
        raise SdsetupError(
            Text("The kit has lost a file that an earlier run added: {file}", file=lost[0]),
            where=folder,
            why=Text.plural("{count} file is missing", "{count} files are missing", count=len(lost)),
            hint=Text("Run `sdsetup kit make` again with the options of that run."),
            code="kit-damaged",
        )
    signed_by = None if key is None else key.public.text
    if session.json:
        print_document(made_json(folder, kit, identity, signed_by))
    else:
        show_made(folder, kit, identity, signed_by, session.screen)
    return EXIT_DONE


def run_check(session: Session, folder: Path, key: PublicKey | None = None) -> int:
    """The whole of `sdsetup kit check`: every byte is read; 1 where a file is missing or damaged.

    Raises:
        SdsetupError: `kit-missing`, `kit-unreadable`; with a key `kit-unsigned`, `kit-signature`.
    """
    found = find_kit(str(folder), session.machine, key=key)
    try:
        faults = check(folder, found.kit, lambda _done: None)
    except OSError as error:
        raise file_problem(error, folder, Text("The kit can't be read")) from error
    if session.json:
        print_document(check_json(folder, found.kit, found.identity, found.signed_by, faults))
    else:
        show_check(folder, found.kit, found.identity, found.signed_by, faults, session.screen)
    return EXIT_EXPECTED if faults else EXIT_DONE


class _Making:
    """One run of `kit make`."""

    def __init__(self, session: Session, store: KitStore, request: KitRequest, key: SigningKey | None) -> None:
        self._session = session
        self._key = key
        self.store = store
        self._request = request
        self._kit = store.begun()
        self._webui = session.catalog.webui
        self._models = tuple(find_model(session.catalog.models.models, name) for name in request.models)
        self._targets = tuple(targets(session, request))
        self._context = replace(session.context(store.work), dir=store.work)

    @property
    def _systems(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(target.system for target in self._targets))

    @property
    def _with_git(self) -> bool:
        # A practice run has no stand-in for it, and downloads nothing.
        return "windows" in self._systems and not self._session.practising

    def parts(self) -> tuple[Part, ...]:
        """What the kit will hold, and about how many bytes of it are not there yet."""
        webui, python = self._webui, self._webui.python.wanted
        repositories = [(_WEBUI, webui.commit, webui.shallow_bytes)]
        repositories += [(one.name, one.commit, one.download_bytes) for one in webui.repositories]
        found = [
            Part(title=_repository_title(name), bytes=size, there=self._has("repository", commit))
            for name, commit, size in repositories
        ]
        shared: set[str] = {one.system for one in self._kit.environments}
        for target in self._targets:
            there = self._kit.environment(target.system, target.torch.family, python) is not None
            rest = 0 if target.system in shared else webui.environment.download_bytes
            shared.add(target.system)
            title = _packages_title(target)
            found.append(Part(title=title, bytes=rest + target.torch.download_bytes, there=there))
        for model in self._models:
            there = self._has("model", model.sha256)
            found.append(Part(title=_model_title(model), bytes=model.size, there=there))
        files = webui.tokenizer
        if files:
            total, there = sum(f.size for f in files), all(self._has("tokenizer", f.sha256) for f in files)
            found.append(Part(title=_TOKENIZER, bytes=total, there=there))
        if self._with_git:
            git = self._session.catalog.tools.mingit
            found.append(Part(title=_GIT, bytes=git.size, there=self._has("git", git.sha256)))
        for system in self._systems if self._request.python else ():
            title = _python_title(python, system)
            there = bool(self._kit.of("python")) and self._python_there(system)
            found.append(Part(title=title, bytes=webui.python.download_bytes, there=there))
        if self._request.program:
            there = bool(self._kit.of("program"))
            found.append(Part(title=_PROGRAM, bytes=_PROGRAM_BYTES, there=there))
        return tuple(found)

    def run(self, listen: Listener) -> tuple[Kit, str]:
        """Bring what is missing; the whole kit and the SHA-256 of its manifest."""
        self._context = replace(self._context, listen=listen)
        self.store.work.mkdir(parents=True, exist_ok=True)
        self._repositories()
        for target in self._targets:
            self._packages(target)
        for model in self._models:
            self._files("model", _model_title(model), fetch_file(model))
        if self._webui.tokenizer:
            self._files("tokenizer", _TOKENIZER, *self._webui.tokenizer)
        if self._with_git:
            self._files("git", _GIT, self._session.catalog.tools.mingit)
        if self._request.python:
            for system in self._systems:
                with self._working(_python_title(self._webui.python.wanted, system)) as context:
                    if not self._python_there(system):
                        self._keep(interpreter.bring(system, self._webui.python.wanted, self.store, context))
        if self._request.program:
            self._program()
        self._kit = self._kit.tidy()
        return self._kit, self.store.finish(self._kit, self._key)

    def _has(self, kind: str, id: str) -> bool:
        piece = self._kit.find(kind, id)  # type: ignore[arg-type]
        return piece is not None and all(map(self.store.has, piece.files))

    def _keep(self, *pieces: Piece, environment: KitEnvironment | None = None) -> None:
        self._kit = self._kit.plus(pieces, (environment,) if environment else ())
        self.store.note(self._kit)

    @contextmanager
    def _working(self, part: Text) -> Iterator[Context]:
        """One line of the plan is worked on while the block lasts."""
        context, began = replace(self._context, step=str(part)), time.monotonic()
        context.listen(Event(kind="started", step=context.step))
        try:
            yield context
        except BaseException:
            context.listen(Event(kind="failed", step=context.step))
            raise
        context.listen(Event(kind="finished", step=context.step, seconds=time.monotonic() - began))

    def _repositories(self) -> None:
        webui = self._webui
        wanted: list[tuple[str, Sequence[str], str, str | None, str]] = [
            (_WEBUI, webui.urls, webui.commit, webui.tag, webui.branch)
        ]
        wanted += [(one.name, one.urls, one.commit, None, "kit") for one in webui.repositories]
        for name, urls, commit, ref, branch in wanted:
            with self._working(_repository_title(name)) as context:
                if not self._has("repository", commit):
                    file = bundle(name, urls, commit, ref, branch, self.store, context)
                    self._keep(Piece(kind="repository", id=commit, file=file))

    def _files(self, kind: Kind, title: Text, *files: FetchFile) -> None:
        with self._working(title) as context:
            for file in files:
                there = KitFile(name=file.save_as.rpartition("/")[2], size=file.size, sha256=file.sha256)
                if not self._has(kind, file.sha256):
                    fetch(replace(file, save_as=there.path), replace(context, dir=self.store.folder))
                self._keep(Piece(kind=kind, id=file.sha256, file=there))

    def _packages(self, target: Target) -> None:
        with self._working(_packages_title(target)) as context:
            self._environment(target, context)

    def _environment(self, target: Target, working: Context) -> None:
        python = self._webui.python.wanted
        action = environment_action(self._webui, target.torch, sys.executable)
        source = self._kit.find("repository", self._webui.commit)
        assert source is not None, "brought before"
        checkout = self.store.work / "checkout"
        checkout.mkdir(parents=True, exist_ok=True)
        needed = read_file(self.store.folder / source.file.path, source.id, action.requirements, self._context)
        (checkout / action.requirements).write_bytes(needed)
        context = replace(working, dir=checkout)
        options = packages.target_options(target.system, python)
        cache = _uv_cache(self._session)
        lock, _ = resolve(action, sys.executable, context, self.store.work / "question", cache, options)
        tags = packages.tags_of(target.system, python)
        wanted = list(packages.wanted_files(lock.pylock, tags))
        if packages.sources_among(wanted):
            # What is built on each PC needs its tools there.
            tools = choose(
                ("setuptools", "wheel"),
                sys.executable,
                context,
                self.store.work / "question",
                uv.variables(context, UV_CACHE_DIR=str(cache)),
                options,
                constraints=action.build_constraints,
            )
            wanted += packages.wanted_files(tools, tags)
        pieces = packages.bring(wanted, self._kit, self.store, working, kind="package")
        environment = KitEnvironment(
            system=target.system,
            build=target.torch.family,
            torch=target.torch.torch,
            python=python,
            packages=tuple(dict.fromkeys(piece.file.sha256 for piece in pieces)),
            index=target.torch.index_url,
        )
        self._keep(*pieces, environment=environment)

    def _python_there(self, system: str) -> bool:
        id = interpreter.archive_id(system, self._webui.python.wanted, self._context)
        return self._has("python", id)

    def _program(self) -> None:
        with self._working(_PROGRAM) as context:
            self._own_program(context)

    def _own_program(self, context: Context) -> None:
        """sdsetup's own wheel, and for each system and Python what it needs."""
        file = self.store.take(program.own_wheel(self.store.work))
        self._kit = self._kit.without("program", "sdsetup")  # an earlier version would be one too many
        self._keep(Piece(kind="program", id="sdsetup", file=file))
        if self._session.practising:
            return  # a practice run downloads nothing
        for system in self._systems:
            for python in _OWN_PYTHONS:
                options = packages.target_options(system, python)
                cache = _uv_cache(self._session)
                env = uv.variables(context, UV_CACHE_DIR=str(cache))
                where = self.store.work / "program"
                needs = choose(
                    program.requirements(),
                    sys.executable,
                    context,
                    where,
                    env,
                    options,
                    constraints=program.locked(),
                )
                wanted = packages.wanted_files(needs, packages.tags_of(system, python))
                self._keep(*packages.bring(wanted, self._kit, self.store, context, kind="program"))


_PROGRAM_BYTES = 60_000_000  # of one system: uv has 26 MB, the others are small (measured in November 2026)


def _as_plan(folder: Path, parts: Sequence[Part]) -> Plan:
    """The parts as what the bars are drawn from."""
    nothing = FetchFile(name="", save_as="", size=0, sha256="", sources=())
    steps = (Step(id=str(one.title), title=one.title, detail=Text(""), action=nothing) for one in parts)
    return Plan(dir=str(folder), steps=tuple(steps))


def _repository_title(name: str) -> Text:
    return Text("Repository {name}", name=name)


def _model_title(model: Model) -> Text:
    return Text("Model {name}", name=model.title)


def _python_title(version: str, system: str) -> Text:
    return Text("Python {version} for {system}", version=version, system=named(system))


def _packages_title(target: Target) -> Text:
    return Text(
        "Packages for {system} with PyTorch {torch}", system=named(target.system), torch=target.torch.torch
    )


def _uv_cache(session: Session) -> Path:
    return Path(session.machine.env.get("UV_CACHE_DIR") or session.cache / "uv")
