"""A command to paste is quoted for the shell that will read it: nothing in a name is ever run."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdsetup.command import Command

NAMES = [
    "plain",
    "a b",
    "a  b",
    "$(touch witness)",
    "`touch witness`",
    "a & touch witness",
    "a; touch witness;",
    "a | touch witness",
    "a && touch witness",
    "a\ntouch witness\n",
    "\ntouch witness",
    "it's",
    "it's $(touch witness)",
    "''$(touch witness)''",
    '"$(touch witness)"',
    '" & touch witness & "',
    "50% off",
    "%PATH%",
    "100%%d",
    "C:\\a b\\",
    "trailing\\",
    "two\\\\",
    "^",
    "a^b",
    "wow!",
    "!!",
    "!touch",
    "*",
    "?",
    "[a]",
    "{a,b}",
    "~",
    "~root",
    "-n",
    "--help",
    "#comment",
    "a#b",
    "<in",
    ">out",
    "2>&1",
    "=a",
    "\ttab",
    "\x1b[31mred",
    "bell\x07",
    "\u202etxt.exe",
    "zero\u200bwidth",
    "Кириллица и пробел",
    "日本語",
    "\udcff\udcfe",
    "",
    " ",
    "'",
    "\\",
    "\\'",
    "a\\'b",
    "%s%n%x",
    "\\033\\n",
    "(a)",
    "a,b;c=d",
    "–dash“quotes”",
]
SHELLS = [path for name in ("sh", "bash", "zsh", "dash") if (path := shutil.which(name))]
_SAYS = "import os,sys; open('said','wb').write(b'\\0'.join(os.fsencode(a) for a in sys.argv[1:]))"


def pasted(shell: str, command: str, folder: Path) -> list[bytes]:
    """The arguments that a program receives when the line is pasted; nothing else may have run."""
    (folder / "said").unlink(missing_ok=True)
    ended = subprocess.run(
        [shell],
        input=os.fsencode(command) + b"\n",
        cwd=folder,
        capture_output=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    assert not (folder / "witness").exists()
    assert sorted(os.listdir(folder)) == ["said"], ended.stderr
    return (folder / "said").read_bytes().split(b"\0")


@pytest.mark.skipif(os.name == "nt", reason="these are POSIX shells")
@pytest.mark.parametrize("shell", SHELLS, ids=[Path(shell).name for shell in SHELLS])
@pytest.mark.parametrize("name", NAMES)
def test_in_a_posix_shell(shell: str, name: str, tmp_path: Path) -> None:
    command = Command(sys.executable, "-c", _SAYS, "--dir", name, family="linux")
    got = pasted(shell, command, tmp_path)
    if name.endswith("\n") and Path(shell).resolve().name == "dash":
        assert got[0] == b"--dir"  # dash has no way to write it; it names another folder and runs nothing
    else:
        assert got == [b"--dir", os.fsencode(name)]


@pytest.mark.skipif(os.name == "nt", reason="these are POSIX shells")
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    name=st.text(
        st.characters(exclude_characters="\0", exclude_categories=["Cs"]) | st.sampled_from("$`'\"\\!&;| \n"),
        max_size=12,
    )
)
def test_any_name_at_all_in_sh(name: str, tmp_path: Path) -> None:
    command = Command(sys.executable, "-c", _SAYS, name + ".", family="linux")
    assert pasted("/bin/sh", command, tmp_path) == [os.fsencode(name + ".")]


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash")
@pytest.mark.parametrize("name", ["!!", "a!touch witness", "it's!!", "!\x1b"])
def test_at_a_prompt_that_recalls_commands(name: str, tmp_path: Path) -> None:
    command = Command(sys.executable, "-c", _SAYS, name, family="linux")
    subprocess.run(
        ["bash", "--norc", "-c", "set -o history; set -H; HISTFILE=; source /dev/stdin"],
        input=os.fsencode("touch=1\n" + command + "\n"),
        cwd=tmp_path,
        capture_output=True,
    )
    assert (tmp_path / "said").read_bytes() == os.fsencode(name)
    assert not (tmp_path / "witness").exists()


def test_a_home_folder_stays_one() -> None:
    assert Command("cd", "~/stable-diffusion-webui", family="linux") == "cd ~/stable-diffusion-webui"
    assert Command("cd", "~/a b", family="linux") == 'cd ~/"a b"'


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("D:\\sd", "D:\\sd"),
        ("D:\\a b", '"D:\\a b"'),
        ("D:\\a b\\", '"D:\\a b\\\\"'),
        ("D:\\a & calc", '"D:\\a & calc"'),
        ("a^b", '"a^b"'),
        ("50% off", '"50% off"'),
        ("%PATH%", '"%"P"ATH%"'),
        ('x"&calc', '"x""&calc"'),
        ("a\ncalc", '"a?calc"'),
        ("a\rcalc", '"a?calc"'),
        ("", '""'),
        ("it's", '"it\'s"'),
    ],
)
def test_for_cmd(name: str, said: str) -> None:
    assert Command("x", name, family="windows") == f"x {said}"


def test_it_is_text_that_remembers_its_arguments() -> None:
    command = Command("sdsetup", "install", "--dir", Path("a b"), family="linux")
    assert command == 'sdsetup install --dir "a b"'
    assert command.argv == ("sdsetup", "install", "--dir", "a b")
    again = pickle.loads(pickle.dumps(command))
    assert (again, again.argv, again.family) == (command, command.argv, command.family)
