"""The plan: pure, from facts and profiles as they are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from decide.tuning_tables import rules
from sdsetup.catalog.doctor import read_doctor
from sdsetup.catalog.files import Profiles
from sdsetup.catalog.flags import parse_flags
from sdsetup.catalog.models import fetch_file, find_model, parse_models
from sdsetup.catalog.webui import parse_webui
from sdsetup.decide.checks import diagnose
from sdsetup.decide.planning import Components, plan_install, plan_launchers
from sdsetup.decide.refusals import refuse, refuse_machine, refuse_mixing, refuse_running
from sdsetup.decide.wanted_settings import launch_settings
from sdsetup.errors import SdsetupError, UsageError
from sdsetup.launchfile import merge
from sdsetup.values.contents import CheckedOut, Contents, ModelFile, Parts, Running
from sdsetup.values.facts import Disk, Facts, Folder, Git, Gpu, Installation, System
from sdsetup.values.flags import Settings
from sdsetup.values.journal import Entry, Journal
from sdsetup.values.plan import BuildEnvironment, Plan, ProveTorch, WriteLauncher, step_keys
from sdsetup.values.request import Request
from sdsetup.values.tuning import TorchBuild, Tuning

WEBUI = parse_webui(Profiles().raw("webui"))
MODEL = find_model(parse_models(Profiles().raw("models")), "sd15")
CARD = Gpu(vendor="nvidia", name="NVIDIA GeForce RTX 3060", vram_bytes=12 * 2**30, driver_version="551.52")
TORCH = TorchBuild(
    family="cu121-2.1",
    torch="2.1.2+cu121",
    torchvision="0.16.2+cu121",
    xformers="0.0.23.post1",
    index_url="https://example.org/whl",
    command="pip install torch==2.1.2+cu121",
)
TUNING = Tuning(
    profile="current",
    tier="12",
    gpu=CARD,
    flags=("--xformers",),
    env=(("SAFETENSORS_FAST_GPU", "1"), ("CUDA_VISIBLE_DEVICES", "1")),
    torch=TORCH,
    device="cuda",
)
FACTS = Facts(
    system=System(family="windows", oem_code_page=866),
    gpus=(CARD,),
    git=Git(path="git", version=(2, 47, 1)),
    disk=Disk(free_bytes=100 * 10**9, filesystem="NTFS"),
    folder=Folder(path="D:/sd", state="absent", writable=True),
)
REQUEST = Request(dir="D:/sd", model="sd15", launchers=("bat",))
COMPONENTS = Components(webui=WEBUI, model=MODEL, tools="C:/tools", python="C:/Python310/python.exe")

FLAGS = parse_flags(Profiles().raw("flags"))
SETTINGS = launch_settings(TUNING, None, FLAGS)


def plan(
    facts: Facts = FACTS,
    request: Request = REQUEST,
    tuning: Tuning = TUNING,
    components: Components = COMPONENTS,
    journal: Journal | None = None,
    present: Contents | None = None,
) -> Plan:
    settings = launch_settings(tuning, facts.recorded, FLAGS)
    return plan_install(facts, request, tuning, components, settings, journal or Journal(), present or Contents())


def finished(of: Plan) -> tuple[Journal, Contents, Facts]:
    """A machine on which every step of a plan was done."""
    keys = step_keys(of.steps)
    journal = Journal(entries={name: Entry(key=key, finished_at="t") for name, key in keys.items()})
    launchers = {
        s.action.kind: merge(s.action.kind, None, s.action.settings, oem_encoding="cp866")
        for s in of.steps
        if isinstance(s.action, WriteLauncher)
    }
    heads = {"": WEBUI.commit} | {f"repositories/{r.name}": r.commit for r in WEBUI.repositories}
    sizes = {file.save_as: file.size for file in COMPONENTS.files}
    installation = Installation(commit=WEBUI.commit, environment_python=(3, 10, 11), torch="2.1.2+cu121")
    facts = replace(FACTS, installation=installation, folder=Folder(path="D:/sd", state="webui", writable=True))
    return journal, Contents(heads=heads, sizes=sizes, launch_files=launchers), facts


def todo(of: Plan) -> list[str]:
    return [step.id for step in of.todo]


def test_a_bare_machine_gets_every_step_in_an_order_that_works() -> None:
    steps = plan().steps
    seen: set[str] = set()
    for step in steps:
        assert set(step.needs) <= seen
        seen.add(step.id)
    assert steps[0].id == "webui"
    assert steps[-1].id == "picture"
    assert {"environment", "model", "launcher:bat", "torch", "check"} <= seen
    assert all(step.state == "todo" for step in steps)


def test_python_and_git_are_brought_where_they_are_missing() -> None:
    bare = replace(FACTS, git=None)
    knowing = replace(COMPONENTS, python=None, mingit=COMPONENTS.model_file)
    made = plan(facts=bare, components=knowing)
    assert todo(made)[:2] == ["git", "webui"]
    assert "python" in todo(made)
    environment = next(s for s in made.steps if s.id == "environment")
    assert isinstance(environment.action, BuildEnvironment)
    assert environment.action.python is None
    assert "python" in environment.needs
    launcher = next(s.action for s in made.steps if isinstance(s.action, WriteLauncher))
    assert dict(launcher.env)["GIT"].endswith("git.exe")


def test_the_web_ui_is_told_of_a_git_only_where_there_is_one_and_the_user_has_none() -> None:
    brought = "T\\mingit\\cmd\\git.exe"
    settings = launch_settings(TUNING, None, FLAGS)

    def git(facts: Facts, present: Contents, settings: Settings = settings) -> str | None:
        made = plan_launchers(facts, REQUEST, settings, present, tools="T")
        return next(dict(s.action.env).get("GIT") for s in made.steps if isinstance(s.action, WriteLauncher))

    without = replace(FACTS, git=None)
    assert git(without, Contents()) is None  # `tune --apply` fetches none
    assert git(without, Contents(git=brought)) == brought
    assert git(replace(FACTS, git=Git(path=brought)), Contents()) == brought
    assert git(replace(FACTS, git=Git(path="C:\\Git\\cmd\\git.exe")), Contents(git=brought)) is None
    assert git(without, Contents(git=brought), replace(settings, theirs=("GIT",))) is None


def test_what_takes_long_without_a_byte_on_the_way_has_the_profiles_seconds() -> None:
    seconds = {step.id: step.seconds for step in plan().steps}
    assert seconds["environment"] == WEBUI.seconds["environment"] > WEBUI.seconds["torch"] == seconds["torch"]
    assert seconds["repository:BLIP"] == WEBUI.seconds["repository"]
    assert seconds["launcher:bat"] < 2


def test_a_finished_installation_has_nothing_to_do() -> None:
    journal, present, facts = finished(plan())
    assert todo(plan(facts=facts, journal=journal, present=present)) == []


def test_what_is_gone_is_done_again_with_what_rests_on_it_and_nothing_else() -> None:
    journal, present, facts = finished(plan())
    sizes = {name: size for name, size in present.sizes.items() if name != MODEL.save_as}
    assert todo(plan(facts=facts, journal=journal, present=replace(present, sizes=sizes))) == ["model", "picture"]
    broken = replace(facts, installation=replace(facts.installation, environment_python=None))  # type: ignore[type-var]
    assert todo(plan(facts=broken, journal=journal, present=present)) == [
        "environment",
        "torch",
        "check",
        "picture",
    ]


def test_a_file_of_the_right_size_without_a_memory_is_checked_not_downloaded() -> None:
    _, present, facts = finished(plan())
    made = plan(facts=facts, present=present)
    model = next(step for step in made.steps if step.id == "model")
    assert (model.state, model.bytes) == ("todo", 0)
    assert "webui" not in todo(made)


def test_another_card_is_proved_again() -> None:
    journal, present, facts = finished(plan())
    other = replace(TUNING, gpu=replace(CARD, name="NVIDIA GeForce RTX 4090"))
    assert {"torch", "picture"} <= set(todo(plan(facts=facts, tuning=other, journal=journal, present=present)))


def test_the_proof_sees_the_card_that_the_launch_file_chooses() -> None:
    proof = next(step.action for step in plan().steps if isinstance(step.action, ProveTorch))
    assert proof.env == (("CUDA_VISIBLE_DEVICES", "1"),)
    assert proof.expect_gpu


def test_a_persons_own_launch_file_is_kept_in_the_truth() -> None:
    own = b"@echo off\r\nset COMMANDLINE_ARGS=--listen --xformers\r\ncall webui.bat\r\n"
    made = plan_launchers(FACTS, REQUEST, SETTINGS, Contents(launch_files={"bat": own}), tools=COMPONENTS.tools)
    assert todo(made) == ["launcher:bat"]
    settings = made.steps[0].action
    assert isinstance(settings, WriteLauncher)
    merged = merge("bat", own, settings.settings, oem_encoding=settings.encoding)
    assert b"--listen" in merged
    again = plan_launchers(
        FACTS, REQUEST, SETTINGS, Contents(launch_files={"bat": merged}), tools=COMPONENTS.tools
    )
    assert todo(again) == []


def test_another_commit_is_only_taken_whole() -> None:
    assert WEBUI.at("a" * 40).commit == "a" * 40
    with pytest.raises(UsageError) as caught:
        WEBUI.at("dev")
    assert caught.value.code == "ref-not-a-commit"


@pytest.mark.parametrize(
    ("folder", "code"),
    [
        (Folder(path="/d", state="file"), "folder-is-a-file"),
        (Folder(path="/d", state="foreign", entries=("taxes.xls",), writable=True), "folder-foreign"),
        (Folder(path="/d", state="git", remote="https://x/y.git", writable=True), "folder-other-repository"),
        (Folder(path="/d", state="unreadable"), "folder-unreadable"),
        (Folder(path="/d", state="empty", writable=False, write_error="denied"), "folder-not-writable"),
    ],
)
def test_a_folder_that_cannot_take_it_is_refused_by_name(folder: Folder, code: str) -> None:
    with pytest.raises(SdsetupError) as caught:
        refuse(replace(FACTS, folder=folder), plan())
    assert caught.value.code == code
    assert caught.value.hint


def test_a_disk_without_room_is_refused_before_anything_is_done() -> None:
    made = plan()
    needed = made.disk_bytes  # the number that the plan and the doctor show
    refuse(FACTS, replace(made, free_bytes=needed))
    with pytest.raises(SdsetupError) as caught:
        refuse(FACTS, replace(made, free_bytes=needed - 1))
    assert caught.value.code == "disk-full"
    assert f"{needed / 1e9:.1f} GB needed" in str(caught.value)


def test_a_file_system_that_cannot_hold_the_model_is_refused() -> None:
    small = replace(FACTS, disk=Disk(free_bytes=10**12, filesystem="FAT32", max_file_bytes=MODEL.size - 1))
    with pytest.raises(SdsetupError) as caught:
        refuse(small, plan(facts=small))
    assert caught.value.code == "file-too-large"
    fits = replace(small, disk=replace(small.disk, max_file_bytes=MODEL.size))
    refuse(fits, plan(facts=fits))


def test_without_git_and_without_a_way_to_bring_it_nothing_begins() -> None:
    bare = replace(FACTS, git=None, system=System(family="linux", distribution="fedora"))
    with pytest.raises(SdsetupError) as caught:
        refuse(bare, plan(facts=bare), git_command="sudo dnf install git")
    assert caught.value.code == "git-missing"
    assert "sudo dnf install git" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("system", "code"),
    [
        (System(family="windows", bits=64, build=22631, vc_runtime=False), "machine-libraries"),
        (System(family="windows", bits=64, build=7601, name="Windows 7"), "machine-os"),
        (System(family="windows", bits=32, build=19045), "machine-os"),
        (System(family="linux", bits=64, missing_libraries=("libGL.so.1",)), "machine-libraries"),
    ],
)
def test_a_machine_that_cannot_run_it_is_refused_before_gigabytes_are_fetched(system: System, code: str) -> None:
    need = read_doctor(Profiles().raw("doctor")).need(rules())
    with pytest.raises(SdsetupError) as caught:
        refuse_machine(diagnose(replace(FACTS, system=system), need))
    assert caught.value.code == code
    assert caught.value.hint
    refuse_machine(diagnose(replace(FACTS, system=System(family="windows", bits=64, build=22631)), need))


def test_an_unfinished_model_counts_with_what_is_missing() -> None:
    file = fetch_file(MODEL)
    step = next(step for step in plan(present=Contents(begun={file.save_as: 1000})).steps if step.id == "model")
    assert (step.bytes, step.disk_bytes) == (file.size - 1000, file.size - 1000)
    assert "resumes" in str(step.detail)


def test_another_file_of_the_models_name_is_announced_and_kept() -> None:
    file = fetch_file(MODEL)
    step = next(step for step in plan(present=Contents(sizes={file.save_as: 5})).steps if step.id == "model")
    assert step.bytes == file.size
    assert "is kept under a new name" in str(step.detail)


def test_practice_and_the_real_thing_never_share_a_folder() -> None:
    _, _, installed = finished(plan())
    for facts, practised, practising, code in (
        (installed, True, False, "folder-rehearsal"),
        (installed, False, True, "folder-real"),
    ):
        with pytest.raises(SdsetupError) as failed:
            refuse_mixing(facts, "D:/sd", practised=practised, practising=practising)
        assert failed.value.code == code
    refuse_mixing(installed, "D:/sd", practised=True, practising=True)
    refuse_mixing(installed, "D:/sd", practised=False, practising=False)
    refuse_mixing(FACTS, "D:/sd", practised=False, practising=True)


def facts_with(facts: Facts, **parts: object) -> Facts:
    checkouts = [CheckedOut(path="", commit=WEBUI.commit, missing=())]
    checkouts += [
        CheckedOut(path=f"repositories/{r.name}", commit=r.commit, missing=()) for r in WEBUI.repositories
    ]
    locked = (("numpy", "1.26.2"), ("torch", "2.1.2+cu121"))
    whole = Parts(checkouts=tuple(checkouts), locked=locked, packages=locked)
    return replace(facts, parts=replace(whole, **parts))


def test_the_interpreter_s_place_is_no_part_of_what_was_done() -> None:
    """A PC without Python 3.10 learns where it lies only by its first run; the second has nothing to do."""
    without = replace(COMPONENTS, python=None)
    journal, present, facts = finished(plan(components=without))
    assert todo(plan(facts, components=COMPONENTS, journal=journal, present=present)) == []


PROOFS = {"torch", "check", "picture"}


@pytest.mark.parametrize(
    ("change", "wanted", "said"),
    [
        ({}, set(), ""),
        (
            {"packages": (("numpy", "2.2.6"), ("torch", "2.1.2+cu121"))},
            {"environment"},
            "numpy 2.2.6 instead of 1.26.2",
        ),
        ({"packages": (("numpy", "1.26.2"), ("torch", "2.1.2+cpu"))}, {"environment"}, "torch 2.1.2+cpu"),
        ({"packages": (("torch", "2.1.2+cu121"),)}, {"environment"}, "numpy is missing"),
        ({"distrusted": "it ended with code 1"}, {"environment"}, "checks every file"),
        ({"settings": "empty"}, {"settings"}, "config.json"),
        ({"models": (ModelFile(name="model.safetensors", size=1, damage="empty"),)}, {"model"}, ""),
    ],
)
def test_what_is_not_as_it_should_be_is_planned_and_nothing_else(
    change: dict[str, object], wanted: set[str], said: str
) -> None:
    journal, present, facts = finished(plan())
    made = plan(facts_with(facts, **change), journal=journal, present=present)
    assert set(todo(made)) - PROOFS == wanted
    assert said in " ".join(str(step.detail) for step in made.todo)


@pytest.mark.parametrize("path", ["", "repositories/BLIP"])
def test_a_file_that_is_gone_comes_back_alone(path: str) -> None:
    journal, present, facts = finished(plan())
    whole = facts_with(facts).parts
    assert whole is not None
    checkouts = tuple(
        replace(one, missing=("modules/gone.py",)) if one.path == path else one for one in whole.checkouts
    )
    made = plan(facts_with(facts, checkouts=checkouts), journal=journal, present=present)
    step = next(step for step in made.todo if not isinstance(step.action, ProveTorch))
    assert set(todo(made)) == {"repository:BLIP" if path else "webui", "check", "picture"}
    assert "restores modules/gone.py" in str(step.detail)
    assert made.bytes == 0


def test_nothing_is_exchanged_under_a_running_web_ui() -> None:
    journal, present, facts = finished(plan())
    running = facts_with(facts, running=Running(pid=4711, ports=(7860,)))
    refuse_running(running, plan(running, journal=journal, present=present))  # nothing to do: nothing to refuse
    changed = facts_with(running, running=Running(pid=4711, ports=(7860,)), settings="damaged")
    with pytest.raises(SdsetupError) as caught:
        refuse_running(changed, plan(changed, journal=journal, present=present))
    assert (caught.value.code, "7860" in str(caught.value.why)) == ("webui-running", True)


def test_a_folder_of_another_account_is_given_back_and_not_left() -> None:
    journal, present, facts = finished(plan())
    closed = facts_with(facts, foreign=(".sdsetup", "venv"))
    with pytest.raises(SdsetupError) as caught:
        refuse(closed, plan(closed, journal=journal, present=present))
    assert caught.value.code == "folder-of-another-user"
    assert 'icacls D:/sd /setowner "%USERNAME%" /T /C' in str(caught.value.hint)
