"""Launch files with conditions, loops, menus and opaque values: what is edited, and what is refused why."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from sdsetup.errors import SdsetupError
from sdsetup.launchfile import LaunchFile, Settings, merge, read

OURS = Settings(flags=("--ours",), env=(("OURS", "1"),))


def edited(kind: str, *lines: str) -> LaunchFile:
    """What the file says with our settings in it; every line of the user's is still there."""
    existing = "\n".join([*lines, ""])
    content = merge(kind, existing.encode(), OURS)  # type: ignore[arg-type]
    assert merge(kind, content, OURS) == content  # type: ignore[arg-type]
    kept = content.decode().splitlines()
    assert [line for line in lines if "COMMANDLINE_ARGS" not in line and line not in kept] == []
    seen = read(kind, content, environment={})  # type: ignore[arg-type]
    assert seen.env["OURS"] == "1"
    return seen


def refused(kind: str, *lines: str) -> SdsetupError:
    with pytest.raises(SdsetupError) as caught:
        merge(kind, "\n".join([*lines, ""]).encode(), OURS)  # type: ignore[arg-type]
    assert caught.value.code == "launch-file-unclear"
    return caught.value


@pytest.mark.parametrize(
    "lines",
    [
        # loops
        (":start", "set COMMANDLINE_ARGS=--api", "call webui.bat", "goto start"),
        ("set COMMANDLINE_ARGS=--api", ":again", "webui.bat", "if errorlevel 1 goto again"),
        ("set COMMANDLINE_ARGS=--api", ":a", "call webui.bat", "if not defined N (set N=1& goto a)"),
        (":retry", "git pull", "if errorlevel 1 goto retry", "set COMMANDLINE_ARGS=--api", "call webui.bat"),
        # leaving early
        ("set COMMANDLINE_ARGS=--api", "git pull", "if errorlevel 1 exit /b 1", "call webui.bat"),
        ("git pull || exit /b", "set COMMANDLINE_ARGS=--api", "call webui.bat"),
        (
            "if not exist venv (",
            "  echo missing",
            "  exit /b 1",
            ")",
            "set COMMANDLINE_ARGS=--api",
            "call webui.bat",
        ),
        ("if %errorlevel% neq 0 ( pause & popd & exit /b )", "set COMMANDLINE_ARGS=--api", "call webui.bat"),
        ("git pull || (echo failed & pause & goto :eof)", "set COMMANDLINE_ARGS=--api", "call webui.bat"),
        # menus behind the settings
        (
            "set COMMANDLINE_ARGS=--api",
            "choice /c 12",
            "if errorlevel 2 goto two",
            "call webui.bat",
            "goto end",
            ":two",
            "call webui.bat --listen",
            ":end",
            "pause",
        ),
        (
            "set COMMANDLINE_ARGS=--api",
            "set /p WHICH=?",
            "goto %WHICH%",
            ":1",
            "call webui.bat",
            "exit /b",
            ":2",
            "call webui.bat --listen",
        ),
        # several commands on a line
        ("set COMMANDLINE_ARGS=--api& call webui.bat",),
        ("set COMMANDLINE_ARGS=--api&& call webui.bat&& pause",),
        ("cd /d D:\\sd && set COMMANDLINE_ARGS=--api&& webui.bat",),
        ("@echo off & set COMMANDLINE_ARGS=--api", "call webui.bat"),
        # a subroutine that does not touch the flags
        ("set COMMANDLINE_ARGS=--api", "call :clean", "call webui.bat", "exit /b", ":clean", "del x", "exit /b"),
        # a line that nobody comes by
        ("set COMMANDLINE_ARGS=--api", "goto go", "set COMMANDLINE_ARGS=--old", ":go", "call webui.bat"),
    ],
)
def test_a_bat_with_ways_around_is_edited(lines: tuple[str, ...]) -> None:
    assert edited("bat", *lines).flags == ("--api", "--ours")


@pytest.mark.parametrize(
    ("lines", "number"),
    [
        (
            (
                "choice /c 12",
                "if errorlevel 2 goto low",
                "set COMMANDLINE_ARGS=--a",
                "goto run",
                ":low",
                "set COMMANDLINE_ARGS=--b",
                ":run",
                "call webui.bat",
            ),
            6,
        ),
        (
            (
                "set COMMANDLINE_ARGS=--a",
                "if exist x goto run",
                "set COMMANDLINE_ARGS=--b",
                ":run",
                "call webui.bat",
            ),
            3,
        ),
        (
            (
                "set COMMANDLINE_ARGS=--a",
                "call :more",
                "call webui.bat",
                "exit /b",
                ":more",
                "set COMMANDLINE_ARGS=--b",
                "exit /b",
            ),
            6,
        ),
        (("ver && set COMMANDLINE_ARGS=--a", "call webui.bat"), 1),
        (('cmd /k "cd /d D:\\sd && set COMMANDLINE_ARGS=--a && webui.bat"',), 1),
        (("if exist venv (set COMMANDLINE_ARGS=--a& call webui.bat)",), 1),
        (("set COMMANDLINE_ARGS=--a %MORE_FLAGS%", "call webui.bat"), 1),
        (("set A=%B%", "set COMMANDLINE_ARGS=--a %A%", "call webui.bat"), 1),
        (("set A=--ours", "set COMMANDLINE_ARGS=--a %A%", "call webui.bat"), 1),
    ],
)
def test_a_bat_is_refused_at_the_users_own_line(lines: tuple[str, ...], number: int) -> None:
    assert refused("bat", *lines).where == f"webui-user.bat, line {number}"


@pytest.mark.parametrize(
    "value",
    [
        "--a %1",
        "--a %*",
        "--ckpt-dir %USERPROFILE%/m",
        "--ckpt-dir %CD%",
        '--ckpt-dir "%HERE%"',
        "--port %NUMBER%",
    ],
)
def test_references_that_hold_no_flags_are_fine(value: str) -> None:
    edited("bat", "set HERE=D:/m", "set NUMBER=7861", f"set COMMANDLINE_ARGS={value}", "call webui.bat")


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("call webui.bat --xformers --lowvram", ("--xformers", "--lowvram")),
        ('call "webui.bat" --ckpt-dir "D:\\my models" %* > log.txt 2>&1', ("--ckpt-dir", "D:\\my models")),
        ('start "webui window" /min cmd /c webui.bat --port 1', ("--port", "1")),
        ("venv\\Scripts\\python.exe launch.py --api", ("--api",)),
        ("set COMMANDLINE_ARGS=--listen\r\ncall webui.bat %COMMANDLINE_ARGS% --api", ("--api",)),
        ("if exist venv (call webui.bat --api) else echo no", ("--api",)),
    ],
)
def test_flags_on_the_line_of_the_start(line: str, arguments: tuple[str, ...]) -> None:
    assert read("bat", f"{line}\r\n".encode(), environment={}).start_flags == arguments


def test_a_window_title_starts_nothing() -> None:
    lines = ('start "webui" http://127.0.0.1:7860', "set COMMANDLINE_ARGS=--api", "call webui.bat")
    assert edited("bat", *lines).flags == ("--api", "--ours")


@pytest.mark.parametrize(
    "lines",
    [
        ("exec > >(tee -a log.txt) 2>&1", 'export COMMANDLINE_ARGS="--api"'),
        ("cd /tmp || exit 1", 'export COMMANDLINE_ARGS="--api"'),
        ("if [ ! -d x ]; then", "  echo missing", "  exit 1", "fi", 'export COMMANDLINE_ARGS="--api"'),
        ('COMMANDLINE_ARGS = "--dead"', 'export COMMANDLINE_ARGS="--api"'),
        ('export COMMANDLINE_ARGS="--api $1"',),
        ("while read -r line; do echo $line; done < <(ls)", 'export COMMANDLINE_ARGS="--api"'),
    ],
)
def test_a_sh_with_ways_out_is_edited(lines: tuple[str, ...]) -> None:
    content = merge("sh", "\n".join([*lines, ""]).encode(), OURS)
    seen = read("sh", content, environment={"1": ""})
    assert seen.env["OURS"] == "1" and "--ours" in content.decode()


@pytest.mark.parametrize(
    ("lines", "number", "what"),
    [
        (("args=(--api --medvram)", 'export COMMANDLINE_ARGS="${args[*]}"'), 2, "${args[*]}"),
        (('export COMMANDLINE_ARGS="--api $(cat flags.txt)"',), 1, "$(cat flags.txt)"),
        (('export COMMANDLINE_ARGS="--api $MORE"',), 1, "$MORE"),
        (("A=`cat flags`", 'export COMMANDLINE_ARGS="--api $A"'), 1, "`cat flags`"),
        (('export COMMANDLINE_ARGS="--api ${MORE:---listen}"',), 1, "${MORE:---listen}"),
        ((': "${COMMANDLINE_ARGS:=--api}"', "export COMMANDLINE_ARGS"), 1, "COMMANDLINE_ARGS"),
        (('echo "with ${COMMANDLINE_ARGS=--api}"', "export COMMANDLINE_ARGS"), 1, "COMMANDLINE_ARGS"),
        (("export COMMANDLINE_ARGS=--api --listen",), 1, "put quotation marks around it"),
        (("COMMANDLINE_ARGS=--api --listen",), 1, "put quotation marks around it"),
        (("[ -f x ] && return", 'export COMMANDLINE_ARGS="--api"'), 1, "may exit there"),
    ],
)
def test_a_sh_is_refused_with_the_thing_in_the_way(lines: tuple[str, ...], number: int, what: str) -> None:
    error = refused("sh", *lines)
    assert error.where == f"webui-user.sh, line {number}"
    assert what in str(error.why)


@pytest.mark.parametrize(
    "value",
    [
        '"\\\n--api \\\n--listen \\\n"',
        '"\\\n--api \\\n--listen\\\n"',
        '"\n--api\n--listen\n"',
        "'\n--api\n--listen'",
    ],
)
def test_lines_inside_a_value_stay_as_they_are(value: str) -> None:
    own = f"export COMMANDLINE_ARGS={value}\n"
    content = merge("sh", own.encode(), Settings(flags=("--ours",))).decode()
    assert content.startswith(own.rstrip()[:-1])
    assert read("sh", content.encode(), environment={}).flags == ("--api", "--listen", "--ours")


def test_two_commands_of_one_line_change_together() -> None:
    existing = "set COMMANDLINE_ARGS=--ckpt-dir D:/модели& set X=0& call webui.bat\r\n".encode("cp866")
    settings = Settings(flags=("--ours",), env=(("X", "1"),))
    content = merge("bat", existing, settings, oem_encoding="cp866").decode("cp866")
    assert content.endswith("set COMMANDLINE_ARGS=--ckpt-dir D:/модели --ours& set X=1& call webui.bat\r\n")
    gone = merge("bat", content.encode("cp866"), Settings(drop_env=("X",)), oem_encoding="cp866").decode("cp866")
    assert gone.endswith("--ours&set X=& call webui.bat\r\n")


@pytest.mark.parametrize(
    ("lines", "flags"),
    [
        (('export "COMMANDLINE_ARGS=--api --listen"',), ("--api", "--listen")),
        (("export 'COMMANDLINE_ARGS=--api --listen'",), ("--api", "--listen")),
        (('declare -x COMMANDLINE_ARGS="--api"',), ("--api",)),
        (('typeset -gx COMMANDLINE_ARGS="--api"',), ("--api",)),
        (("set -a", 'COMMANDLINE_ARGS="--api"', "set +a"), ("--api",)),
        (("set -o allexport", 'COMMANDLINE_ARGS="--api"', "set +o allexport"), ("--api",)),
        (('export COMMANDLINE_ARGS="${COMMANDLINE_ARGS:-} --api"',), ("--api",)),
        (('export COMMANDLINE_ARGS="--port $((7860 + 1))"',), ("--port", "7861")),
    ],
)
def test_bash_gets_ours_beside_the_users(tmp_path: Path, lines: tuple[str, ...], flags: tuple[str, ...]) -> None:
    content = merge("sh", "\n".join([*lines, ""]).encode(), OURS)
    assert merge("sh", content, OURS) == content
    assert sourced(content, tmp_path) == [*flags, "--ours"]


def sourced(content: bytes, folder: Path) -> list[str]:
    """The flags that a web UI gets whose webui.sh reads this file."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here")
    (folder / "webui-user.sh").write_bytes(content)
    told = subprocess.run(
        [bash, "-c", "source ./webui-user.sh; exec env -0"],
        cwd=folder, env={"PATH": os.environ["PATH"]}, capture_output=True, check=True,
    )  # fmt: skip
    env = dict(one.split("=", 1) for one in told.stdout.decode().split("\0") if "=" in one)
    return shlex.split(env.get("COMMANDLINE_ARGS", ""))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('if "%1"=="low" set COMMANDLINE_ARGS=--lowvram', "only under a condition"),
        ("if exist x (set COMMANDLINE_ARGS=%COMMANDLINE_ARGS% --listen)", "only under a condition"),
        ("(set COMMANDLINE_ARGS=--api)", "does more than set"),
        ("set COMMANDLINE_ARGS=--api>nul", "does more than set"),
        ("for /f %%a in (flags.txt) do set COMMANDLINE_ARGS=%%a", "outside the file"),
        ("set /p COMMANDLINE_ARGS=Flags: ", "outside the file"),
    ],
)
def test_a_bat_is_refused_with_the_true_reason(line: str, why: str) -> None:
    assert why in str(refused("bat", line, "call webui.bat").why)


@pytest.mark.parametrize(
    ("kind", "lines", "why"),
    [
        ("bat", ("setlocal", "set COMMANDLINE_ARGS=--a", "endlocal", "call webui.bat"), "endlocal discards"),
        (
            "bat",
            ("call :flags", "call webui.bat", "exit /b", ":flags", "set COMMANDLINE_ARGS=--a", "exit /b"),
            "a jump (goto or call) decides",
        ),
        ("sh", ("f() {", '  export COMMANDLINE_ARGS="--a"', "}", "f"), "inside a function"),
    ],
)
def test_a_set_that_is_no_condition_is_not_called_one(kind: str, lines: tuple[str, ...], why: str) -> None:
    assert why in str(refused(kind, *lines).why)


def test_a_byte_order_mark_before_the_first_command_of_a_sh_is_refused() -> None:
    with pytest.raises(SdsetupError) as caught:
        merge("sh", b'\xef\xbb\xbfexport COMMANDLINE_ARGS="--api"\n', OURS)
    assert caught.value.code == "launch-file-encoding" and "byte order mark" in str(caught.value.why)
    harmless = b'\xef\xbb\xbf#!/bin/bash\nexport COMMANDLINE_ARGS="--api"\n'
    assert read("sh", merge("sh", harmless, OURS), environment={}).flags == ("--api", "--ours")
