"""Makes the plan: facts, request, tuning, and the folder's contents in; ordered steps out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sdsetup.catalog.models import Model, fetch_file
from sdsetup.catalog.webui import Repository, WebUI
from sdsetup.decide.condition import whole_at
from sdsetup.decide.marking import marked
from sdsetup.decide.planned_repairs import brought_back, environment_work, launcher_detail
from sdsetup.text import Text
from sdsetup.values.contents import Contents
from sdsetup.values.corrections import card_name
from sdsetup.values.facts import Facts
from sdsetup.values.flags import FILE_NAMES, Settings
from sdsetup.values.journal import Journal
from sdsetup.values.plan import (
    BringGit,
    BringPython,
    BuildEnvironment,
    CheckWebUI,
    CloneRepository,
    CloneWebUI,
    FetchFile,
    FetchFiles,
    Plan,
    ProveTorch,
    SetAside,
    Step,
    WriteLauncher,
)
from sdsetup.values.request import LauncherKind, Request
from sdsetup.values.tuning import TorchBuild, Tuning

# Variables that choose a card or make it work: the PyTorch test must see the same card as the web UI.
_CARD_VARIABLES = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "HIP_VISIBLE_DEVICES", "HSA_OVERRIDE_GFX_VERSION")


@dataclass(frozen=True, kw_only=True)
class Components:
    """What an installation consists of on this machine. `tools`: our own folder for downloaded programs."""

    webui: WebUI
    model: Model | None
    mingit: FetchFile | None = None
    tools: str = ""
    python: str | None = None  # a suitable interpreter of this machine; None: one is downloaded

    @property
    def files(self) -> tuple[FetchFile, ...]:
        """Every file that is downloaded as it is."""
        return (*((self.model_file,) if self.model_file else ()), *self.webui.tokenizer)

    @property
    def model_file(self) -> FetchFile | None:
        return fetch_file(self.model) if self.model else None


@dataclass(frozen=True, kw_only=True)
class _Given:
    facts: Facts
    request: Request
    tuning: Tuning
    components: Components
    contents: Contents


def plan_install(
    facts: Facts,
    request: Request,
    tuning: Tuning,
    components: Components,
    settings: Settings,
    journal: Journal,
    contents: Contents,
) -> Plan:
    """Every step of an installation; those that are done are marked with the reason.

    `settings`: what the launch files are to say.
    """
    given = _Given(facts=facts, request=request, tuning=tuning, components=components, contents=contents)
    steps = [*_git(given), _checkout(given), *_repositories(given), *_python(given)]
    if request.environment:
        steps.append(_environment(given, steps))
    steps += _files(given)
    steps += _settings(given)
    steps += launcher_steps(
        facts, request.launchers, settings, git=_brought_git(facts, components.tools), needs=("webui",)
    )
    if request.environment:
        steps += _proofs(given, steps)
    timed = tuple(_timed(step, components.webui.seconds) for step in steps)
    return Plan(dir=request.dir, steps=marked(timed, facts, contents, journal), free_bytes=facts.disk.free_bytes)


def _timed(step: Step, seconds: Mapping[str, float]) -> Step:
    kind, _, _name = step.id.partition(":")
    return replace(step, seconds=seconds.get(kind, step.seconds))


def plan_launchers(facts: Facts, request: Request, settings: Settings, contents: Contents, *, tools: str) -> Plan:
    """Only the launch files of an existing installation. `tools`: our own folder for downloaded programs."""
    # Only an installation downloads Git, so a Git that is not there yet can't be named.
    there = contents.git is not None or facts.git is not None
    git = _brought_git(facts, tools) if there else None
    steps = tuple(launcher_steps(facts, request.launchers, settings, git=git))
    return Plan(dir=request.dir, steps=marked(steps, facts, contents, Journal()), free_bytes=facts.disk.free_bytes)


def _git(given: _Given) -> list[Step]:
    steps: list[Step] = []
    if given.facts.git is None and given.components.mingit is not None:
        archive = given.components.mingit
        steps.append(
            Step(
                id="git",
                title=Text("Git (portable)"),
                detail=Text("in sdsetup's own folder; nothing in Windows is changed"),
                action=BringGit(archive=archive),
                bytes=archive.size,
                disk_bytes=archive.size * 3,
            )
        )
    return steps


def _python(given: _Given) -> list[Step]:
    steps: list[Step] = []
    webui = given.components.webui
    if given.request.environment and given.components.python is None:
        steps.append(
            Step(
                id="python",
                title=Text("Python {version}", version=webui.python.wanted),
                detail=Text(
                    "in sdsetup's own folder, without administrator rights; your own Python stays unchanged"
                ),
                action=BringPython(version=webui.python.wanted),
                bytes=webui.python.download_bytes,
                disk_bytes=webui.python.disk_bytes,
            )
        )
    return steps


def _checkout(given: _Given) -> Step:
    webui, request = given.components.webui, given.request
    former = given.contents.heads.get("")
    full = request.full_history
    detail = Text("commit {commit}, from {url}", commit=webui.commit[:8], url=webui.urls[0])
    repairs = former == webui.commit and not whole_at(given.facts.parts, "")
    if repairs:
        detail = brought_back(given.facts, "")
    elif former is not None and former != webui.commit:
        detail = Text(
            "updates commit {old} to {new} unless you changed one of its files; to go back: `git checkout {old}`",
            old=former[:8],
            new=webui.commit[:8],
        )
    return Step(
        id="webui",
        title=Text("AUTOMATIC1111 web UI {tag}", tag=webui.tag),
        detail=detail,
        action=CloneWebUI(
            urls=webui.urls,
            commit=webui.commit,
            ref=webui.tag,
            branch=webui.branch,
            full_history=full,
            restore=given.contents.damaged,
        ),
        needs=("git",) if given.facts.git is None and given.components.mingit is not None else (),
        bytes=0 if repairs else webui.full_bytes if full else webui.shallow_bytes,
        disk_bytes=0 if repairs else webui.disk_bytes + (webui.full_bytes if full else 0),
    )


def _settings(given: _Given) -> list[Step]:
    """The web UI exits when it can't read its settings."""
    if given.facts.parts is None or given.facts.parts.settings not in ("empty", "damaged"):
        return []
    return [
        Step(
            id="settings",
            title=Text("Reset damaged settings"),
            detail=Text("config.json can't be read; a copy is kept in .sdsetup/former"),
            action=SetAside(path="config.json"),
            needs=("webui",),
        )
    ]


def _repositories(given: _Given) -> list[Step]:
    steps = []
    for repository in given.components.webui.repositories:
        path = f"repositories/{repository.name}"
        repairs = given.contents.heads.get(path) == repository.commit and not whole_at(given.facts.parts, path)
        steps.append(
            Step(
                id=f"repository:{repository.name}",
                title=Text("Component {name}", name=repository.name),
                detail=_repository_detail(given, repository, repairs=repairs),
                action=CloneRepository(name=repository.name, urls=repository.urls, commit=repository.commit),
                needs=("webui",),
                bytes=0 if repairs else repository.download_bytes,
                disk_bytes=0 if repairs else repository.disk_bytes,
            )
        )
    return steps


def _repository_detail(given: _Given, repository: Repository, *, repairs: bool) -> Text:
    path = f"repositories/{repository.name}"
    if repairs:
        return brought_back(given.facts, path)
    former = given.contents.heads.get(path)
    commit, url = repository.commit[:8], repository.urls[0]
    if former in (None, repository.commit):
        return Text("commit {commit}, from {url}", commit=commit, url=url)
    return Text(
        "commit {commit}, from {url}; the existing one is kept in .sdsetup/former if you changed it",
        commit=commit,
        url=url,
    )


def _environment(given: _Given, before: list[Step]) -> Step:
    webui, torch = given.components.webui, given.tuning.torch
    assert torch is not None, "a tuning without a torch build has no environment"
    brings_python = any(step.id == "python" for step in before)
    detail, download, disk = environment_work(given.facts, given.components.webui.environment, torch)
    return Step(
        id="environment",
        title=Text("Python environment with PyTorch {torch}", torch=torch.torch),
        detail=detail,
        action=environment_action(webui, torch, given.components.python),
        needs=("webui", "python") if brings_python else ("webui",),
        bytes=download,
        disk_bytes=disk,
    )


def environment_action(webui: WebUI, torch: TorchBuild, python: str | None) -> BuildEnvironment:
    """What the web UI's environment consists of with a PyTorch build. `python`: None where one is downloaded."""
    return BuildEnvironment(
        python=python,
        torch=torch,
        requirements=webui.environment.requirements,
        extra=webui.environment.extra,
        overrides=webui.environment.overrides,
        build_constraints=webui.environment.build_constraints,
        constraints=webui.environment.constraints,
        compile_later=webui.environment.compile_later,
    )


def _files(given: _Given) -> list[Step]:
    steps = []
    model, fetch = given.components.model, given.components.model_file
    if model is not None and fetch is not None:
        detail, missing = _model_file(fetch, given.contents)
        steps.append(
            Step(
                id="model",
                title=Text("Model {name}", name=model.title),
                detail=detail,
                action=fetch,
                needs=("webui",),
                bytes=missing,
                disk_bytes=missing,
            )
        )
    tokenizer = given.components.webui.tokenizer
    if tokenizer:
        total = sum(file.size for file in tokenizer)
        steps.append(
            Step(
                id="tokenizer",
                title=Text("Text encoder files"),
                detail=Text(
                    "{count} small files that the first start would otherwise download", count=len(tokenizer)
                ),
                action=FetchFiles(files=tokenizer),
                needs=("webui",),
                bytes=total,
                disk_bytes=total,
            )
        )
    return steps


def _model_file(file: FetchFile, contents: Contents) -> tuple[Text, int]:
    """What happens to the model's file, and how many bytes are still to be downloaded."""
    there, begun = contents.sizes.get(file.save_as), contents.begun.get(file.save_as, 0)
    if there == file.size:
        return Text("already there; only checked, not downloaded"), 0
    missing = max(0, file.size - begun)
    if there is not None:
        said = Text("saved as {path}; the existing file is kept under a new name", path=file.save_as)
    elif begun:
        said = Text("saved as {path}; resumes the download", path=file.save_as)
    else:
        said = Text("saved as {path}", path=file.save_as)
    return said, missing


def launcher_steps(
    facts: Facts,
    kinds: tuple[LauncherKind, ...],
    settings: Settings,
    *,
    git: str | None = None,
    needs: tuple[str, ...] = (),
) -> list[Step]:
    """One step for each launch file; also all that `tune --apply` does. `git`: the program that is downloaded."""
    env = settings.env if git is None or "GIT" in settings.theirs else (*settings.env, ("GIT", git))
    code_page = facts.system.oem_code_page
    return [
        Step(
            id=f"launcher:{kind}",
            title=Text("Launch file {name}", name=FILE_NAMES[kind]),
            detail=launcher_detail(facts, settings),
            action=WriteLauncher(
                kind=kind,
                flags=settings.flags,
                env=env,
                drop_flags=settings.drop_flags,
                drop_env=settings.drop_env,
                exclusive=settings.exclusive,
                encoding=f"cp{code_page}" if kind == "bat" and code_page else None,
            ),
            needs=needs,
        )
        for kind in kinds
    ]


def _brought_git(facts: Facts, tools: str) -> str | None:
    """The path of the Git that the web UI is told to use when this machine, a Windows one, has no other."""
    brought = f"{tools}\\mingit\\cmd\\git.exe"
    another = facts.git is not None and facts.git.path.lower() != brought.lower()
    return None if facts.system.family != "windows" or another else brought


def _proofs(given: _Given, before: list[Step]) -> list[Step]:
    gpu = given.tuning.gpu
    uses_card = given.tuning.device not in ("cpu", "none")
    # The web UI's installer does not need the model; the test image needs everything.
    asked = tuple(step.id for step in before if step.id != "model")
    launchers = tuple(step.id for step in before if isinstance(step.action, WriteLauncher))
    steps = [
        Step(
            id="torch",
            title=Text("Test PyTorch on the graphics card") if uses_card else Text("Test PyTorch on the CPU"),
            detail=Text("a short calculation") if uses_card else Text("no usable graphics card found"),
            action=ProveTorch(
                expect_gpu=uses_card,
                card=card_name(gpu),
                env=tuple(pair for pair in given.tuning.env if pair[0] in _CARD_VARIABLES),
                fallbacks=given.tuning.fallbacks,
            ),
            needs=("environment",),
        ),
        Step(
            id="check",
            title=Text("Check that nothing is missing"),
            detail=Text("with the web UI's own installer"),
            action=CheckWebUI(flags=given.tuning.flags, env=given.tuning.env),
            needs=asked,
        ),
    ]
    has_model = given.components.model is not None
    there = given.facts.installation is not None and bool(given.facts.installation.models)
    if given.request.picture and (has_model or there):
        webui = given.components.webui
        proof = webui.proof_on_card if uses_card else webui.proof
        steps.append(
            Step(
                id="picture",
                title=Text("Test image"),
                detail=Text(
                    "{width} x {height} pixels, {steps} steps, seed {seed}",
                    width=proof.width,
                    height=proof.height,
                    steps=proof.steps,
                    seed=proof.seed,
                ),
                action=proof,
                needs=("check", "torch", *(("model",) if has_model else ()), *launchers),
            )
        )
    return steps
