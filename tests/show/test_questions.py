"""Questions at a real terminal: a Ctrl-C counts whenever it comes, and answers mean the same in every language."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from sdsetup.show.questions import meaning

pexpect = pytest.importorskip("pexpect", reason="a terminal that a test can type into")
if sys.platform == "win32":
    pytest.skip("pseudo-terminals are another thing there", allow_module_level=True)

SRC = Path(__file__).parents[2] / "src"

ASK = """
from sdsetup.errors import DeclinedError
from sdsetup.show.questions import ask_yes
from sdsetup.show.screen import Screen
from sdsetup.text import Text
import os, signal, sys
{before}
try:
    print("answer", ask_yes(Screen(), Text("Proceed?")))
except DeclinedError as error:
    print("left with", error.exit_code)
"""
# Python drops the KeyboardInterrupt that is raised in a destructor.
DROPPED = """
class Unlucky:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
class Wrapped(Screen):
    @property
    def console(self):
        Unlucky()
        return super().console
Screen = Wrapped
"""
# One that comes when the question is on the screen, and Rich has not yet forgotten that it wrote it.
HALFWAY = """
class Quick:
    def __getattr__(self, name):
        return getattr(sys.__stdout__, name)
    asked = False
    def write(self, text):
        self.asked = "Proceed" in text
        return sys.__stdout__.write(text)
    def flush(self):
        sys.__stdout__.flush()
        if self.asked:
            sys.stdout = sys.__stdout__
            os.kill(os.getpid(), signal.SIGINT)
sys.stdout = Quick()
"""
# A signal that Python has noted and not yet acted on when it begins to wait.
NOTED = """
from sdsetup.show import questions
waits = questions.select.select
def late(*given):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    os.kill(os.getpid(), signal.SIGINT)
    found = waits(*given)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    return found
questions.select.select = late
"""


def asked(before: str = "") -> pexpect.spawn[str]:
    code = ASK.format(before=before)
    env = {"PYTHONPATH": str(SRC), "TERM": "xterm", "NO_COLOR": "1", "PYTHONWARNINGS": "ignore"}
    return pexpect.spawn(sys.executable, ["-c", code], env=env, encoding="utf-8", timeout=60)


def test_ctrl_c_at_a_question() -> None:
    child = asked()
    child.expect("Proceed")
    child.sendintr()
    child.expect("left with 130")


def test_ctrl_c_long_after_the_question() -> None:
    child = asked()
    child.expect("y/N")
    time.sleep(1)
    child.sendintr()
    child.expect("left with 130")


@pytest.mark.parametrize("before", [DROPPED, NOTED], ids=["dropped", "noted"])
def test_a_ctrl_c_that_python_drops_or_sees_late_is_heard(before: str) -> None:
    child = asked(before)
    child.expect("left with 130")


def test_a_ctrl_c_while_the_question_is_written_does_not_write_it_twice() -> None:
    child = asked(HALFWAY)
    child.expect("left with 130")
    assert (child.before or "").count("Proceed") == 1


@pytest.mark.parametrize(
    ("typed", "answer"),
    [("y", "True"), ("Да", "True"), ("n", "False"), ("", "False"), ("maybe", "False"), ("yes please", "False")],
)
def test_a_line_is_read(typed: str, answer: str) -> None:
    child = asked()
    child.expect("y/N")
    child.sendline(typed)
    child.expect(f"answer {answer}")


def test_the_end_of_input_is_a_no() -> None:
    child = asked()
    child.expect("y/N")
    child.sendeof()
    child.expect("answer False")


def test_what_answers_mean() -> None:
    assert [meaning(word) for word in ("Y", " yes ", "да", "N", "нет", "b", "Q", "й")] == [
        "yes", "yes", "yes", "no", "no", "back", "quit", "quit",
    ]  # fmt: skip
    assert meaning("") is None and meaning("C:\\sd-webui") is None
