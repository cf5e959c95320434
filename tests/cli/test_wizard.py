"""The wizard, and every question, as somebody at a real terminal meets them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from documents import document

pexpect = pytest.importorskip("pexpect", reason="a terminal that a test can type into")
if sys.platform == "win32":
    pytest.skip("pseudo-terminals are another thing there", allow_module_level=True)

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
FOLDER = r"\nInstall folder \[[^\n]*\] "
MODEL = r"\nModel \([^\n]*\) \[\d\] "
START = r"\nStart now\? \[y/N/p/d/b/q\] "
CONSENT = r"\? \[y/N\] "
MENU = r"\nWhat next\? \(q quits\) \[\d\] "
Start = Callable[..., "pexpect.spawn[str]"]


@pytest.fixture
def start(tmp_path: Path, own_home: Path) -> Iterator[Start]:
    """Starts sdsetup in a terminal of its own; no network is asked for."""
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    (profiles / "doctor.toml").write_text("hosts = []\n")
    env = {name: os.environ[name] for name in os.environ if name in ("PATH", "LANG", "HOME") or "SDSETUP" in name}
    env |= {"PYTHONPATH": str(SRC), "SDSETUP_PROFILES": str(profiles), "TERM": "xterm", "NO_COLOR": "1"}
    children = []

    def started(*words: str, rows: int = 50, columns: int = 200) -> pexpect.spawn[str]:
        child = pexpect.spawn(
            sys.executable,
            ["-m", "sdsetup", *words],
            env=env,
            cwd=str(own_home),
            encoding="utf-8",
            timeout=90,
            dimensions=(rows, columns),
        )
        children.append(child)
        return child

    yield started
    for child in children:
        child.close(force=True)


def ended(child: pexpect.spawn[str]) -> tuple[int | None, str]:
    """Exit code, and what was said since the last question."""
    child.expect(pexpect.EOF)
    said = child.before or ""
    child.close()
    return child.exitstatus, " ".join(said.split())


def said(child: pexpect.spawn[str]) -> str:
    return " ".join((child.before or "").split())


def nothing_made(home: Path) -> bool:
    return not (home / "stable-diffusion-webui").exists()


def at(start: Start, question: str, *words: str) -> pexpect.spawn[str]:
    """A wizard that has come to this question by Enter alone."""
    wizard = start(*words)
    for before in (FOLDER, MODEL, START):
        wizard.expect(before)
        if before == question:
            return wizard
        wizard.sendline("")
    raise AssertionError(question)


@pytest.mark.parametrize("question", [FOLDER, MODEL, START], ids=["folder", "model", "start"])
@pytest.mark.parametrize("word", ["q", "Quit", " exit ", "выход"])
def test_leaving_at_each_question(start: Start, own_home: Path, question: str, word: str) -> None:
    wizard = at(start, question)
    wizard.sendline(word)
    code, last = ended(wizard)
    assert (code, "Nothing was changed." in last, nothing_made(own_home)) == (0, True, True)


@pytest.mark.parametrize("question", [FOLDER, MODEL, START], ids=["folder", "model", "start"])
def test_ctrl_c_at_each_question(start: Start, own_home: Path, question: str) -> None:
    wizard = at(start, question)
    wizard.sendintr()
    code, last = ended(wizard)
    assert (code, last, nothing_made(own_home)) == (130, "^C Nothing was changed.", True)


@pytest.mark.parametrize("question", [FOLDER, MODEL, START], ids=["folder", "model", "start"])
def test_the_end_of_input_at_each_question(start: Start, own_home: Path, question: str) -> None:
    wizard = at(start, question)
    wizard.sendeof()
    code, last = ended(wizard)
    assert (code, last, nothing_made(own_home)) == (0, "Nothing was changed.", True)


def test_ctrl_c_while_it_looks(start: Start, own_home: Path) -> None:
    wizard = start()
    wizard.expect("This wizard installs")
    wizard.sendintr()
    code, last = ended(wizard)
    assert (code, nothing_made(own_home)) == (130, True)
    assert "Traceback" not in last and "Nothing was changed." in last


def test_this_pc_stands_in_eight_lines(start: Start) -> None:
    wizard = at(start, FOLDER)
    lines = (wizard.before or "").split("Your PC", 1)[1].split("Install folder (")[0].splitlines()
    parts = [line for line in lines if line[:1] == " " and line[1:2] not in ("", " ")]  # marks stand in column 2
    assert len(parts) <= 8, lines
    assert {"Graphics", "Disk", "System", "Python", "Git", "Network"} <= {line.split()[1] for line in parts}


def test_each_question_fits_one_screen_of_80_by_24(start: Start, own_home: Path) -> None:
    wizard = start(rows=24, columns=80)
    for question in (FOLDER, MODEL, START):
        wizard.expect(question)
        lines = (wizard.before or "").replace("\r", "").split("\n")
        assert len(lines) < 24, lines
        assert not [line for line in lines if len(line) > 80 and str(own_home) not in line]
        wizard.sendline("")


@pytest.mark.parametrize("answer", ["", "n", "No", "нет"])
def test_only_a_yes_starts(start: Start, own_home: Path, answer: str) -> None:
    wizard = at(start, START)
    shown = said(wizard)
    assert f"Plan for {own_home / 'stable-diffusion-webui'}" in shown
    assert "Download" in shown and "Stable Diffusion 1.5" in shown
    wizard.sendline(answer)
    code, last = ended(wizard)
    assert (code, "Nothing was changed." in last, nothing_made(own_home)) == (0, True, True)


WRONG_FOLDERS = {
    "y": "Type the path of a folder",
    "yes": "Type the path of a folder",
    "да": "Type the path of a folder",
    "n": "Type the path of a folder",
    "b": "Type the path of a folder",
    "3": "Type the path of a folder",
    '""': "Type the path of a folder",
    "/": "the top of a drive",
    "~": "your home folder",
    "/usr/share/webui": "/usr belongs to the system",
    "/dev/null": "/dev belongs to the system",
    "C:\\sd-webui": "a Windows path",
    "https://example.org/webui": "an address, not a folder",
    "photos": "The folder is not empty: me.jpg",
    "letter.txt": "The path is, or is inside, a file",
    "letter.txt/x": "",
    "other": "another project",
    "data/new": "belongs to sdsetup itself",
    "~nobody-of-that-name/x": "No user with that name",
    "x" * 300: "",
    "tab\there": "control characters",
}


def test_wrong_answers_at_the_folder(start: Start, own_home: Path) -> None:
    """Each is told why, in words of the question, and asked again; what lies there stays as it is."""
    (own_home / "photos").mkdir()
    (own_home / "photos" / "me.jpg").write_text("mine")
    (own_home / "letter.txt").write_text("mine")
    (own_home / "other" / ".git").mkdir(parents=True)
    wizard = start(columns=500)
    wizard.expect(FOLDER)
    for answer, why in WRONG_FOLDERS.items():
        # The terminal itself would complete at a tab; ^V types it.
        wizard.sendline(answer.replace("\t", "\x16\t"))
        wizard.expect(FOLDER)
        shown = said(wizard)
        assert "This folder can't be used" in shown and why in shown, (answer, shown)
        assert "--" not in shown, shown
    wizard.sendline(f' "{own_home / "with blanks"}" ')  # as a file manager copies a path
    wizard.expect(MODEL)
    wizard.sendline("")
    wizard.expect(START)
    assert f"Plan for {own_home / 'with blanks'}" in said(wizard)
    wizard.sendline("n")
    assert ended(wizard)[0] == 0
    assert sorted(path.name for path in own_home.iterdir() if path.suffix or path.name in ("photos", "other")) == [
        "letter.txt",
        "other",
        "photos",
    ]
    assert not (own_home / "with blanks").exists()


def test_the_folder_of_sdsetup_itself(start: Start) -> None:
    wizard = at(start, FOLDER)
    wizard.sendline(str(ROOT / "webui"))
    wizard.expect(FOLDER)
    assert "belongs to sdsetup itself" in said(wizard)


WRONG_MODELS = ["y", "99", "-1", "1.5", "sd", "xl please", "?", "help", "1 2", "../x", "б", "1)", "sdxl-refiner",
                "none of them", "Stable", "0x1", "１０", "^", "--model sdxl", "6"]  # fmt: skip


def test_wrong_answers_at_the_model(start: Start) -> None:
    assert len(WRONG_MODELS) == 20
    wizard = at(start, MODEL)
    for answer in WRONG_MODELS:
        wizard.sendline(answer)
        wizard.expect(MODEL)
        assert f'"{answer.lower()}" is not one of the answers' in said(wizard)


@pytest.mark.parametrize(
    ("answer", "model"),
    [("2", "half"), ("sdxl", "Stable Diffusion XL"), ("0", "none"), ("none", "none"), ("SD15", "1.5")],
)
def test_choosing_a_model(start: Start, answer: str, model: str) -> None:
    wizard = at(start, MODEL)
    wizard.sendline(answer)
    wizard.expect(START)
    assert f"Model {model}" in said(wizard) or model in said(wizard).split("Model ")[1].split("Download")[0]


WRONG_STARTS = ["yep", "1", "ok", "start", "install", "yes please", "yy", "x", "?", "-y", "--yes", "0", "true",
                "si", "d d", "пуск", "sd15", "/", "b b", "go"]  # fmt: skip


def test_wrong_answers_at_the_start(start: Start, own_home: Path) -> None:
    assert len(WRONG_STARTS) == 20
    wizard = at(start, START)
    for answer in WRONG_STARTS:
        wizard.sendline(answer)
        wizard.expect(START)
        assert f'"{answer}" is not one of the answers' in said(wizard)
    assert nothing_made(own_home)


def test_answers_are_taken_back(start: Start, own_home: Path) -> None:
    wizard = at(start, START)
    wizard.sendline("b")
    wizard.expect(MODEL)
    wizard.sendline("back")
    wizard.expect(FOLDER)
    wizard.sendline("elsewhere")
    wizard.expect(MODEL)
    wizard.sendline("2")
    wizard.expect(START)
    shown = said(wizard)
    assert f"Plan for {own_home / 'elsewhere'}" in shown and "half" in shown
    wizard.sendline("b")
    wizard.expect(r"\nModel \([^\n]*\) \[2\] ")  # what was chosen is what Enter takes
    wizard.sendline("")
    wizard.expect(START)
    assert "half" in said(wizard)


@pytest.mark.parametrize("answer", ["d", "details", "в"])  # the last one: "d" on a Russian keyboard
def test_every_step_is_one_answer_away(start: Start, answer: str) -> None:
    wizard = at(start, START)
    wizard.sendline(answer)
    wizard.expect(START)
    assert "AUTOMATIC1111 web UI v1" in said(wizard) and "Download:" in said(wizard)


def test_without_internet_only_the_practice_run_is_offered(start: Start, tmp_path: Path) -> None:
    hosts = '[[hosts]]\nurl = "http://127.0.0.1:9/"\npurpose = "git"\n'  # nobody listens there
    (tmp_path / "profiles" / "doctor.toml").write_text(hosts)
    wizard = at(start, START)
    assert "can't be reached, so only the practice run will work" in said(wizard)


def test_a_model_that_is_on_this_pc(start: Start, own_home: Path) -> None:
    """By its size alone: the step that uses it proves it."""
    lies = own_home / "ComfyUI" / "models" / "checkpoints"
    lies.mkdir(parents=True)
    with (lies / "anything.safetensors").open("wb") as file:
        file.truncate(2132696762)
    wizard = at(start, MODEL)
    rows = [line for line in (wizard.before or "").splitlines() if "GB" in line]
    assert ["already on this PC" in row for row in rows] == [False, True, False, False, False]


@pytest.mark.slow
def test_a_practice_run_comes_to_the_image_and_back_to_the_question(start: Start, own_home: Path) -> None:
    wizard = at(start, START, "-v")
    wizard.sendline("p")
    wizard.expect(START, timeout=240)
    shown = said(wizard)
    image = own_home / "cache" / "rehearsal" / "webui"
    assert f"$ {image}" in shown and "launch.py" in shown, "-v shows the commands of the steps"
    assert "Test image:" in shown and str(image) in shown, shown
    wizard.sendline("n")
    code, last = ended(wizard)
    assert (code, "Nothing was changed." in last, nothing_made(own_home)) == (0, True, True)


def installed(home: Path) -> Path:
    """What the wizard takes for an installation: a web UI's files where it would put one."""
    folder = home / "stable-diffusion-webui"
    (folder / "modules").mkdir(parents=True)
    for name in ("webui.py", "launch.py", "requirements_versions.txt"):
        (folder / name).write_text("# a web UI\n")
    return folder


@pytest.mark.parametrize(
    ("choice", "shown"),
    [
        ("start", "The web UI can't be started|code: |ended"),
        ("repair", "Your PC"),
        ("3", "is not recorded. Choose 2"),
        ("update", "code: |update"),
        ("models", r"Model to download"),
        ("remove", r"[Nn]othing|remove|Remove"),
        ("install", "This wizard installs"),
    ],
)
def test_each_choice_of_the_menu(start: Start, own_home: Path, choice: str, shown: str) -> None:
    folder = installed(own_home)
    wizard = start()
    wizard.expect(MENU)
    assert f"The web UI is installed in {folder}" in said(wizard)
    wizard.sendline(choice)
    wizard.expect(shown)
    assert "Traceback" not in said(wizard)
    assert (folder / "webui.py").is_file()


def test_the_menu_knows_of_an_installation_that_was_not_finished(start: Start, own_home: Path) -> None:
    state = installed(own_home) / ".sdsetup"
    state.mkdir()
    said_then = {"schema": "sdsetup.unfinished/1", "began": "2026-01-02T03:04:05+00:00", "words": ["install"]}
    (state / "unfinished.json").write_text(json.dumps(said_then))
    wizard = start()
    wizard.expect(r"\nWhat next\? \(q quits\) \[2\] ")
    assert "The installation was not finished. Choose 2 to continue it." in said(wizard)


def test_the_menu_asks_nonsense_again_and_leaves(start: Start, own_home: Path) -> None:
    installed(own_home)
    wizard = start()
    wizard.expect(MENU)
    for answer in ("0", "8", "y", "begin", "1 2", "../", "--help"):
        wizard.sendline(answer)
        wizard.expect(MENU)
        assert f'"{answer}" is not one of the answers' in said(wizard)
    wizard.sendline("q")
    assert ended(wizard)[0] == 0


def test_the_models_of_the_menu_go_back_to_it(start: Start, own_home: Path) -> None:
    (installed(own_home) / "models" / "Stable-diffusion").mkdir(parents=True)
    wizard = start()
    wizard.expect(MENU)
    wizard.sendline("5")
    wizard.expect(r"Model to download[^\n]*\] ")
    wizard.sendline("c")
    wizard.expect(r"Model to download[^\n]*\] ")
    wizard.sendline("")
    wizard.expect(MENU)
    wizard.sendintr()
    assert ended(wizard)[0] == 130


def test_without_a_terminal_it_names_the_command(own_home: Path) -> None:
    import subprocess

    env = {**os.environ, "PYTHONPATH": str(SRC)}
    done = subprocess.run(
        [sys.executable, "-m", "sdsetup"], env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert (done.returncode, "sdsetup install --yes" in done.stdout.splitlines()[1]) == (0, True), done


def test_a_no_has_a_code_of_its_own_for_programs(start: Start, own_home: Path) -> None:
    """A script never meets the question; whoever sees it and says no ends with exit code 1 and `declined`."""
    install = start("install", "--dir", "sd")
    install.expect(CONSENT)
    install.sendline("n")
    code, last = ended(install)
    assert (code, last) == (1, "n Nothing was changed.")
    log = max((own_home / "log").glob("*.log"))
    assert "declined" in log.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("answers", "flag"),
    [(["6"], "--medvram"), (["6 GB"], "--medvram"), ([""], "--lowvram"), (["x", "3"], "--lowvram")],
)
def test_a_card_with_several_sizes_is_asked_about(start: Start, answers: list[str], flag: str) -> None:
    tune = start("tune", "--gpu", "GeForce GTX 1060", "--os", "windows", "--ram", "16", "--driver", "551.52")
    for answer in answers:
        tune.expect("How many GB does yours have")
        tune.sendline(answer)
    code, last = ended(tune)
    assert (code, flag in last) == (0, True), last


@pytest.mark.slow
def test_a_yes_at_the_terminal_does_all_of_it(start: Start, own_home: Path) -> None:
    install = start("install", "--rehearse")
    install.expect(CONSENT)
    install.sendline("y")
    code, last = ended(install)
    assert code == 0, last
    again = start("install", "--rehearse", "--dry-run", "--json")
    code, _last = ended(again)
    steps = document(again.before)["steps"]
    assert {step["state"] for step in steps} == {"done"}
