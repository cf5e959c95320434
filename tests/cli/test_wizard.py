"""The wizard, and every question, as somebody at a real terminal meets them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from documents import document

pexpect = pytest.importorskip("pexpect", reason="a terminal that a test can type into")
if sys.platform == "win32":
    pytest.skip("pseudo-terminals are another thing there", allow_module_level=True)

SRC = Path(__file__).parents[2] / "src"
FOLDER = r"Folder \[[^\n]*\] "
CONSENT = r"Go on with this\? \[y/N\] "
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

    def started(*words: str) -> pexpect.spawn[str]:
        child = pexpect.spawn(
            sys.executable,
            ["-m", "sdsetup", *words],
            env=env,
            cwd=str(own_home),
            encoding="utf-8",
            timeout=90,
            dimensions=(50, 200),
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


def nothing_made(home: Path) -> bool:
    return not (home / "stable-diffusion-webui").exists()


@pytest.mark.parametrize("word", ["q", "Quit", " exit "])
def test_leaving_at_the_folder(start: Start, own_home: Path, word: str) -> None:
    wizard = start()
    wizard.expect(FOLDER)
    assert "nothing is changed before you have seen the plan and agreed" in " ".join(wizard.before.split())
    wizard.sendline(word)
    code, said = ended(wizard)
    assert (code, "Nothing was changed" in said, nothing_made(own_home)) == (0, True, True)


@pytest.mark.parametrize("answer", ["", "n", "yep", "1"])
def test_only_a_yes_is_a_yes(start: Start, own_home: Path, answer: str) -> None:
    wizard = start()
    wizard.expect(FOLDER)
    wizard.sendline("")
    wizard.expect(CONSENT)
    plan = " ".join(wizard.before.split())
    assert "What will be done in" in plan and "To download" in plan
    wizard.sendline(answer)
    code, said = ended(wizard)
    assert (code, "Nothing was changed" in said, nothing_made(own_home)) == (0, True, True)


def test_a_folder_that_cannot_be_used_is_asked_for_again(start: Start, own_home: Path) -> None:
    (own_home / "photos").mkdir()
    (own_home / "photos" / "me.jpg").write_text("mine")
    (own_home / "letter.txt").write_text("mine")
    wizard = start()
    for folder, code in (
        ("photos", "folder-foreign"),
        ("letter.txt", "folder-is-a-file"),
        ("letter.txt/x", "folder-"),
    ):
        wizard.expect(FOLDER)
        wizard.sendline(folder)
        wizard.expect(f"code: {code}")
    wizard.expect(FOLDER)
    wizard.sendline(f'"{own_home / "with blanks"}"')  # as a file manager copies a path
    wizard.expect(CONSENT)
    assert str(own_home / "with blanks") in wizard.before
    wizard.sendline("n")
    assert ended(wizard)[0] == 0
    assert sorted(path.name for path in own_home.iterdir() if path.suffix or path.name == "photos") == [
        "letter.txt",
        "photos",
    ]


@pytest.mark.parametrize("question", [FOLDER, CONSENT])
def test_ctrl_c_at_a_question(start: Start, own_home: Path, question: str) -> None:
    wizard = start()
    wizard.expect(FOLDER)
    if question == CONSENT:
        wizard.sendline("")
        wizard.expect(CONSENT)
    wizard.sendintr()
    code, said = ended(wizard)
    assert (code, "Nothing was changed" in said, nothing_made(own_home)) == (130, True, True)
    assert "Traceback" not in said


def test_the_end_of_input_agrees_to_nothing(start: Start, own_home: Path) -> None:
    wizard = start()
    wizard.expect(FOLDER)
    wizard.sendeof()
    code, said = ended(wizard)
    assert (code, "Nothing was changed" in said, nothing_made(own_home)) == (0, True, True)


def test_ctrl_c_while_it_looks(start: Start, own_home: Path) -> None:
    wizard = start()
    wizard.expect("Welcome")
    wizard.sendintr()
    code, said = ended(wizard)
    assert (code, nothing_made(own_home)) == (130, True)
    assert "Traceback" not in said


def test_a_no_has_a_code_of_its_own_for_programs(start: Start, own_home: Path) -> None:
    """A script never meets the question; whoever sees it and says no ends with exit code 1 and `declined`."""
    install = start("install", "--dir", "sd")
    install.expect(CONSENT)
    install.sendline("n")
    code, said = ended(install)
    assert (code, said) == (1, "n Nothing was changed.")
    log = max((own_home / "log").glob("*.log"))
    assert "declined" in log.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("answers", "flag"),
    [(["6"], "--medvram"), (["6 GB"], "--medvram"), ([""], "--lowvram"), (["x", "3"], "--lowvram")],
)
def test_a_card_with_several_sizes_is_asked_about(start: Start, answers: list[str], flag: str) -> None:
    tune = start("tune", "--gpu", "GeForce GTX 1060", "--os", "windows", "--ram", "16", "--driver", "551.52")
    for answer in answers:
        tune.expect("How many GB has yours")
        tune.sendline(answer)
    code, said = ended(tune)
    assert (code, flag in said) == (0, True), said


@pytest.mark.slow
def test_a_yes_at_the_terminal_does_all_of_it(start: Start, own_home: Path) -> None:
    install = start("install", "--rehearse")
    install.expect(CONSENT)
    install.sendline("y")
    code, said = ended(install)
    assert code == 0, said
    again = start("install", "--rehearse", "--dry-run", "--json")
    code, _said = ended(again)
    steps = document(again.before)["steps"]
    assert {step["state"] for step in steps} == {"done"}
