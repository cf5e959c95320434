"""The launch file: what we write reads back, what the person wrote stays, what cannot be told is refused."""

from __future__ import annotations

import shlex

import pytest

from sdsetup.errors import SdsetupError
from sdsetup.launchfile import Settings, flag, merge, read

STOCK_BAT = b"@echo off\n\nset PYTHON=\nset GIT=\nset VENV_DIR=\nset COMMANDLINE_ARGS=\n\ncall webui.bat\n"
STOCK_SH = b"""#!/bin/bash
# Uncomment and change the variables below to your need:#

#install_dir="/home/$(whoami)"

# Commandline arguments for webui.py, for example: export COMMANDLINE_ARGS="--medvram --opt-split-attention"
#export COMMANDLINE_ARGS=""

#python_cmd="python3"
#venv_dir="venv"

# install command for torch
#export TORCH_COMMAND="pip install torch==1.12.1+cu113 --extra-index-url https://example.org/whl/cu113"

###########################################
"""
OURS = Settings(
    flags=("--xformers", "--medvram", "--no-half-vae"),
    env=(("SAFETENSORS_FAST_GPU", "1"),),
    drop_flags=("--upcast-sampling",),
    exclusive=(("--lowvram", "--medvram", "--medvram-sdxl"), ("--xformers", "--opt-sdp-attention")),
)


def merged(kind: str, existing: bytes | None, settings: Settings = OURS, **more: str) -> bytes:
    """Merge, and merge again: the second time must change nothing."""
    once = merge(kind, existing, settings, **more)  # type: ignore[arg-type]
    assert merge(kind, once, settings, **more) == once  # type: ignore[arg-type]
    assert merge(kind, existing, settings, **more) == once  # type: ignore[arg-type]
    return once


def refusal(kind: str, existing: bytes | None, settings: Settings = OURS, **more: str) -> SdsetupError:
    with pytest.raises(SdsetupError) as caught:
        merge(kind, existing, settings, **more)  # type: ignore[arg-type]
    return caught.value


# --- fresh and stock files ---


def test_a_fresh_bat_is_what_cmd_reads_everywhere() -> None:
    text = merged("bat", None)
    assert text == (
        b"@echo off\r\n"
        b'cd /d "%~dp0"\r\n'
        b"\r\n"
        b"rem Add what you like: when sdsetup changes its own settings here, your lines and flags stay.\r\n"
        b"set PYTHON=\r\n"
        b"set GIT=\r\n"
        b"set VENV_DIR=\r\n"
        b"set COMMANDLINE_ARGS=--xformers --medvram --no-half-vae\r\n"
        b"set SAFETENSORS_FAST_GPU=1\r\n"
        b"\r\n"
        b"call webui.bat\r\n"
    )
    assert merge("bat", b" \r\n", OURS) == text


def test_a_fresh_sh_only_exports() -> None:
    text = merged("sh", None).decode()
    assert text.startswith("#!/usr/bin/env bash\n")
    assert text.endswith(
        "\nexport COMMANDLINE_ARGS='--xformers --medvram --no-half-vae'\nexport SAFETENSORS_FAST_GPU=1\n"
    )


def test_the_stock_bat_keeps_its_lines_and_gets_a_folder() -> None:
    assert merged("bat", STOCK_BAT) == (
        b'@echo off\ncd /d "%~dp0"\n\nset PYTHON=\nset GIT=\nset VENV_DIR=\n'
        b"set COMMANDLINE_ARGS=--xformers --medvram --no-half-vae\nset SAFETENSORS_FAST_GPU=1\n\ncall webui.bat\n"
    )


def test_the_stock_sh_gets_exports_after_its_commented_lines() -> None:
    settings = Settings(flags=("--xformers",), env=(("TORCH_COMMAND", "pip install torch==2.7.0"), ("A", "1")))
    added = {
        b'#export COMMANDLINE_ARGS=""\n': b"export COMMANDLINE_ARGS=--xformers\n",
        b'whl/cu113"\n': b"export TORCH_COMMAND='pip install torch==2.7.0'\n",
    }
    expected = STOCK_SH + b"export A=1\n"
    for line, export in added.items():
        expected = expected.replace(line, line + export)
    assert merged("sh", STOCK_SH, settings) == expected


# --- the person's own things stay ---


def test_own_flags_lines_and_bytes_stay_as_they_are() -> None:
    own = (
        b"@ECHO OFF\r\n"
        b":: \x8c\xae\xa8 \xad\xa0\xe1\xe2\xe0\xae\xa9\xaa\xa8\r\n"  # "Moi nastroiki" in code page 866
        b"rem  set COMMANDLINE_ARGS=--listen\r\n"
        b'set PYTHON="C:\\Program Files\\Python310\\python.exe"\r\n'
        b'  SET  CommandLine_Args=--api   --lowvram --ckpt-dir "D:\\\xac\xae\xa4\xa5\xab\xa8" --port 7861\r\n'
        b"set  MY_OWN = kept as it is \r\n"
        b"git pull\r\n"
        b"call webui.bat %*\r\n"
        b"pause"
    )
    expected = own.replace(b"--lowvram ", b"").replace(
        b"--port 7861", b"--port 7861 --xformers --medvram --no-half-vae"
    )
    expected = expected.replace(b"@ECHO OFF\r\n", b'@ECHO OFF\r\ncd /d "%~dp0"\r\n')
    expected = expected.replace(b"git pull", b"set SAFETENSORS_FAST_GPU=1\r\ngit pull")
    assert merged("bat", own) == expected
    assert merged("bat", own, oem_encoding="cp866") == expected
    seen = read("bat", expected, encoding="cp866", environment={})
    assert seen.flags[:5] == ("--api", "--ckpt-dir", "D:\\модели", "--port", "7861")


def test_ours_change_in_place_and_second_copies_go() -> None:
    own = STOCK_BAT.replace(
        b"ARGS=", b"ARGS=--no-half-vae --api --upcast-sampling --opt-sdp-attention --api --no-half-vae"
    )
    text = merged("bat", own)
    assert b"set COMMANDLINE_ARGS=--no-half-vae --api --api --xformers --medvram\n" in text
    again = merged(
        "bat", text, Settings(flags=("--lowvram",), exclusive=OURS.exclusive, drop_flags=("--xformers",))
    )
    assert b"set COMMANDLINE_ARGS=--no-half-vae --api --api --lowvram\n" in again


@pytest.mark.parametrize(
    "old", [b"--use-cpu sd interrogate", b"--use-cpu=all", b'--use-cpu "all"', b"--use-cpu 'all'"]
)
def test_a_flag_with_values_is_changed_where_it_stands(old: bytes) -> None:
    settings = Settings(flags=("--use-cpu all",))
    text = merged("bat", STOCK_BAT.replace(b"ARGS=", b"ARGS=--api " + old + b" --listen"), settings)
    line = old if shlex.split(old.decode())[-1].endswith("all") else b"--use-cpu all"
    assert b"ARGS=--api " + line + b" --listen\n" in text


def test_the_other_dash_flags_of_a_value_are_not_eaten() -> None:
    text = merged(
        "bat", STOCK_BAT.replace(b"ARGS=", b"ARGS=--medvram --seed -1 --api"), Settings(drop_flags=("--seed",))
    )
    assert b"ARGS=--medvram --api\n" in text


def test_continued_lines_stay_continued() -> None:
    own = STOCK_BAT.replace(b"ARGS=", b"ARGS=^\n--api ^\n  --lowvram ^\n  --port 7861")
    text = merged("bat", own)
    assert b"ARGS=^\n--api ^\n  --port 7861 --xformers --medvram --no-half-vae\n" in text.replace(
        b" ^\n  ^\n", b" ^\n"
    )
    assert read("bat", text).flags == ("--api", "--port", "7861", "--xformers", "--medvram", "--no-half-vae")


def test_appended_lines_are_one_value() -> None:
    own = STOCK_BAT.replace(
        b"ARGS=\n",
        b"ARGS=--dead\nset COMMANDLINE_ARGS=--lowvram --api\nset COMMANDLINE_ARGS=%COMMANDLINE_ARGS% --xformers\n",
    )
    text = merged("bat", own)
    assert b"ARGS=--dead\nset COMMANDLINE_ARGS=--api\n" in text
    assert b"set COMMANDLINE_ARGS=%COMMANDLINE_ARGS% --xformers --medvram --no-half-vae\n" in text


def test_an_appended_flag_under_a_condition_stays_when_it_is_not_ours() -> None:
    own = STOCK_BAT.replace(
        b"\n\ncall", b"\nif exist share.txt (\n  set COMMANDLINE_ARGS=%COMMANDLINE_ARGS% --share\n)\n\ncall"
    )
    text = merged("bat", own)
    assert b"set COMMANDLINE_ARGS=--xformers --medvram --no-half-vae\n" in text
    assert "COMMANDLINE_ARGS" in {one.name for one in read("bat", text).unclear}


def test_a_variable_is_changed_where_it_stands() -> None:
    own = STOCK_BAT.replace(b"set GIT=", b'  @set "safetensors_fast_gpu=0"\nset GIT=C:\\git.exe')
    text = merged("bat", own)
    assert text.count(b"afetensors") + text.count(b"SAFETENSORS") == 1
    assert b"  @set safetensors_fast_gpu=1\nset GIT=C:\\git.exe\n" in text


def test_dropped_variables_go_and_stock_ones_become_empty() -> None:
    own = merged("bat", STOCK_BAT, Settings(env=(("TORCH_COMMAND", "pip install torch"), ("VENV_DIR", "D:/v"))))
    text = merged("bat", own, Settings(drop_env=("TORCH_COMMAND", "VENV_DIR", "NEVER_SET")))
    assert text == STOCK_BAT.replace(b"off\n", b'off\ncd /d "%~dp0"\n')


def test_without_a_call_one_is_added() -> None:
    text = merged("bat", b"@echo off\r\nset COMMANDLINE_ARGS=--api")
    assert text.endswith(
        b"set COMMANDLINE_ARGS=--api --xformers --medvram --no-half-vae\r\n"
        b"set SAFETENSORS_FAST_GPU=1\r\ncall webui.bat\r\n"
    )


def test_settings_stand_before_a_start_inside_a_block() -> None:
    own = b"@echo off\r\ncd sd\r\nif exist venv (\r\n  call webui.bat\r\n) else (\r\n  echo no\r\n)\r\n"
    text = merged("bat", own)
    assert text.index(b"set COMMANDLINE_ARGS") < text.index(b"if exist")
    assert b'cd /d "%~dp0"' not in text  # the person has a cd of their own


def test_a_path_for_python_gets_the_quotes_webui_bat_needs() -> None:
    text = merged(
        "bat", None, Settings(env=(("PYTHON", r"C:\Program Files\py\python.exe"), ("GIT", r"C:\a b\git.exe")))
    )
    assert b'set PYTHON="C:\\Program Files\\py\\python.exe"\r\n' in text
    assert b"set GIT=C:\\a b\\git.exe\r\n" in text


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("plain", b"set X=plain"),
        ("a & b", b'set "X=a & b"'),
        ("100%", b"set X=100%%"),
        ("a^b", b'set "X=a^b"'),
        ("wow!", b"set X=wow!"),
        ('say "hi" & go', b'set X=say "hi" ^& go'),
        (" led", b'set "X= led"'),
        ('odd " & quote', b'set X=odd " & quote'),
    ],
)
def test_quoting_by_value(value: str, line: bytes) -> None:
    text = merged("bat", None, Settings(env=(("X", value),)))
    assert line + b"\r\n" in text
    assert read("bat", text).env["X"] == value


def test_foreign_letters_in_the_console_code_page() -> None:
    settings = Settings(flags=(flag("--ckpt-dir", "D:\\модели"),), env=(("VENV_DIR", "D:\\вен"),))
    text = merged("bat", STOCK_BAT, settings, oem_encoding="cp866")
    assert "модели".encode("cp866") in text
    assert read("bat", text, encoding="cp866").flags == ("--ckpt-dir", "D:/модели")
    assert refusal("bat", STOCK_BAT, settings, oem_encoding="cp437").code == "launch-file-letters"
    assert refusal("bat", STOCK_BAT, settings).code == "launch-file-letters"


def test_letters_after_chcp_are_read_in_that_page() -> None:
    own = STOCK_BAT.replace(b"off\n", b"off\nchcp 1251 >nul\n").replace(
        b"ARGS=", b"ARGS=--ckpt-dir D:/" + "мой".encode("cp1251")
    )
    text = merged("bat", own, oem_encoding="cp866")
    assert read("bat", text, encoding="cp866").flags[1] == "D:/мой"


def test_double_byte_letters_that_look_like_backslashes() -> None:
    own = STOCK_BAT.replace(b"ARGS=", b"ARGS=--ckpt-dir D:/" + "表 --api".encode("cp932"))  # ends in 0x5C
    text = merged("bat", own, oem_encoding="cp932")
    assert "D:/表 --api --xformers".encode("cp932") in text
    assert refusal("bat", own).code == "launch-file-unclear"


# --- what is refused ---


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        (Settings(env=(("X", "a\nb"),)), "launch-control-letter"),
        (Settings(env=(("X", "a\0b"),)), "launch-control-letter"),
        (Settings(env=(("X", "a\x1ab"),)), "launch-control-letter"),
        (Settings(env=(("X", "\udc80"),)), "launch-control-letter"),
        (Settings(flags=("--a b\r",)), "launch-control-letter"),
        (Settings(env=(("X", ""),)), "launch-empty-value"),
        (Settings(env=(("X Y", "1"),)), "launch-name"),
        (Settings(env=(("COMMANDLINE_ARGS", "--api"),)), "launch-name"),
        (Settings(flags=("api",)), "launch-flag"),
        (Settings(flags=("--a --b",)), "launch-flag"),
        (Settings(flags=('--a "b',)), "launch-flag"),
    ],
)
@pytest.mark.parametrize("kind", ["bat", "sh"])
def test_values_no_file_can_carry(kind: str, settings: Settings, code: str) -> None:
    assert refusal(kind, None, settings).code == code


def test_lines_longer_than_cmd_reads() -> None:
    assert refusal("bat", None, Settings(env=(("X", "a" * 8200),))).code == "launch-file-too-long"
    assert merge("sh", None, Settings(env=(("X", "a" * 8200),)))


@pytest.mark.parametrize(
    ("line", "number"),
    [
        (b"if exist x set COMMANDLINE_ARGS=--medvram", 7),
        (b"if exist x (\nset COMMANDLINE_ARGS=--api\n)", 8),
        (b"set /p COMMANDLINE_ARGS=Flags? ", 7),
        (b"for %%i in (a b) do set COMMANDLINE_ARGS=%%i", 7),
        (b"set COMMANDLINE_ARGS=--api > nul", 7),
        (b"if exist x goto x\nset COMMANDLINE_ARGS=--api\n:x", 8),
        (b"if exist x (\nset COMMANDLINE_ARGS=%COMMANDLINE_ARGS% --lowvram\n)", 8),
        (b"set MORE=--lowvram\nset COMMANDLINE_ARGS=--api %MORE%", 7),
        (b"call :own\ngoto run\n:own\nset COMMANDLINE_ARGS=--api\nexit /b\n:run", 10),
        (b"python -c x && (\nset COMMANDLINE_ARGS=--api\n)", 8),
        (b"python -c x && (set COMMANDLINE_ARGS=--api)", 7),
    ],
)
def test_flags_that_depend_on_more_than_the_file(line: bytes, number: int) -> None:
    error = refusal("bat", STOCK_BAT.replace(b"\n\ncall", b"\n" + line + b"\ncall"))
    assert (error.code, error.where) == ("launch-file-unclear", f"webui-user.bat, line {number}")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("@echo off\r\n".encode("utf-16"), "launch-file-encoding"),
        (b"@echo off\r\n\x1aset A=1\r\ncall webui.bat\r\n", "launch-file-encoding"),
        (STOCK_BAT.replace(b"ARGS=", b'ARGS="D:\\models\\" --api'), "launch-file-quotes"),
        (b"powershell -File own.ps1\r\n", "launch-file-unclear"),
    ],
)
def test_files_that_cannot_be_used(content: bytes, code: str) -> None:
    assert refusal("bat", content).code == code


def test_a_mark_at_the_start_is_kept_first() -> None:
    text = merged("bat", b"\xef\xbb\xbf" + STOCK_BAT)
    assert text.startswith(b"\xef\xbb\xbf@echo off\n")
    assert text.count(b"\xef\xbb\xbf") == 1


# --- sh ---


@pytest.mark.parametrize(
    ("own", "line"),
    [
        (
            'export COMMANDLINE_ARGS="--api  --lowvram --port 1"',
            'export COMMANDLINE_ARGS="--api  --port 1 {ours}"',
        ),
        ("export COMMANDLINE_ARGS='--api --lowvram'", "export COMMANDLINE_ARGS='--api {ours}'"),
        ("export COMMANDLINE_ARGS=--api", "export COMMANDLINE_ARGS='--api {ours}'"),
        ('COMMANDLINE_ARGS="--api"', 'export COMMANDLINE_ARGS="--api {ours}"'),
        ('export A=1 COMMANDLINE_ARGS="--api" B=2', 'export A=1 COMMANDLINE_ARGS="--api {ours}" B=2'),
        ('export COMMANDLINE_ARGS="--ckpt-dir $HOME/m"', 'export COMMANDLINE_ARGS="--ckpt-dir $HOME/m {ours}"'),
        ('export COMMANDLINE_ARGS="--lowvram \\\n --api"', 'export COMMANDLINE_ARGS="\\\n --api {ours}"'),
        (
            "export COMMANDLINE_ARGS=--a; export B=2 # mine",
            "export COMMANDLINE_ARGS='--a {ours}'; export B=2 # mine",
        ),
    ],
)
def test_exports_change_where_they_stand(own: str, line: str) -> None:
    settings = Settings(flags=OURS.flags, exclusive=OURS.exclusive)
    text = merged("sh", f"#!/bin/bash\n# mine\n{own}\nulimit -n 4096\n".encode(), settings).decode()
    assert text == f"#!/bin/bash\n# mine\n{line}\nulimit -n 4096\n".format(ours=" ".join(OURS.flags))


def test_appended_exports_are_one_value() -> None:
    own = b'export COMMANDLINE_ARGS="--lowvram"\nexport COMMANDLINE_ARGS+=" --api"\n'
    text = merged("sh", own, Settings(flags=("--medvram",), exclusive=OURS.exclusive))
    assert text == b'export COMMANDLINE_ARGS=""\nexport COMMANDLINE_ARGS+=" --api --medvram"\n'


@pytest.mark.parametrize(
    "line",
    [
        "[ -f x ] && export COMMANDLINE_ARGS=--api",
        "if true; then\n  export COMMANDLINE_ARGS=--api\nfi",
        "for i in a b; do COMMANDLINE_ARGS=$i; done",
        "case $x in\n  a) export COMMANDLINE_ARGS=--api;;\nesac",
        "own() { COMMANDLINE_ARGS=--api; }",
        "function own {\n COMMANDLINE_ARGS=--api\n}",
        "read COMMANDLINE_ARGS",
        "export COMMANDLINE_ARGS='--api",
        "export COMMANDLINE_ARGS=$(cat flags --medvram",
        "return 0",
    ],
)
def test_exports_that_depend_on_more_than_the_file(line: str) -> None:
    assert refusal("sh", f"#!/bin/bash\n{line}\n".encode()).code == "launch-file-unclear"


def test_a_sh_with_windows_line_ends_is_refused() -> None:
    assert refusal("sh", b"export A=1\r\n").code == "launch-file-encoding"


def test_a_heredoc_is_text() -> None:
    own = b"cat > notes <<EOF\nexport COMMANDLINE_ARGS=--api\nEOF\n"
    assert merged("sh", own).startswith(own + b"export COMMANDLINE_ARGS=")


def test_dropped_exports_go() -> None:
    own = b"export A=1\nexport B=2 C=3\n"
    assert merged("sh", own, Settings(drop_env=("A", "B"))) == b"export C=3\n"


# --- reading ---


def test_reading_a_bat_expands_what_is_known() -> None:
    own = (
        b"set BASE=D:\\sd\nset MODELS=%BASE%\\models\nset HERE=%~dp0x\nset HOME2=%USERPROFILE%\\m\nset EMPTY=\n"
        b'set CUT=%BASE:~0,2%\nset COMMANDLINE_ARGS=--ckpt-dir "%MODELS:\\=/%" %*\nset A=%EMPTY%1\n'
        b"call webui.bat\n"
    )
    seen = read("bat", own, environment={"UserProfile": "C:\\Users\\ä"}, folder="C:\\w")
    assert seen.env["MODELS"] == "D:\\sd\\models"
    assert seen.env["HERE"] == "C:\\w\\x"
    assert seen.env["HOME2"] == "C:\\Users\\ä\\m"
    assert seen.env["A"] == "1"
    assert {one.name for one in seen.unclear} == {"CUT", "COMMANDLINE_ARGS"}
    assert seen.unset == ("EMPTY",)
    blind = read("bat", own)
    assert {one.name for one in blind.unclear} == {"CUT", "COMMANDLINE_ARGS", "HERE", "HOME2"}


def test_what_stands_after_the_start_is_not_seen() -> None:
    assert read("bat", b"set A=1\r\ncall webui.bat\r\nset A=2\r\nset B=1\r\n").env == {"A": "1"}


def test_applying_to_an_environment() -> None:
    seen = read("bat", b"set Path=x\nset GIT=\nset A=1\ncall webui.bat\n")
    assert seen.apply({"PATH": "old", "git": "old", "b": "2"}) == {"Path": "x", "A": "1", "b": "2"}


def test_reading_a_sh_tells_exported_from_its_own() -> None:
    own = b'venv_dir="env"\nexport A="$HOME/x" B=2\nC=3\nexport C\nunset D\nexport E=$(date)\n'
    seen = read("sh", own, environment={"HOME": "/home/me"})
    assert seen.env == {"A": "/home/me/x", "B": "2", "C": "3"}
    assert seen.variables == {"venv_dir": "env"}
    assert seen.unset == ("D",)
    assert [one.name for one in seen.unclear] == ["E"]


def test_a_percent_sign_alone_may_swallow_a_part_of_the_line() -> None:
    """`%` without a partner vanishes; where a colon follows, cmd takes away all up to the colon."""
    seen = read("bat", b"set A=100%\r\nset B=100% of C:\\x\r\ncall webui.bat\r\n")
    assert seen.env == {"A": "100"}
    assert [one.name for one in seen.unclear] == ["B"]


def test_signs_at_the_start_of_a_continued_line_are_not_relied_on() -> None:
    for sign in ("&", ">", "^", '"', ")", "\r\n"):
        seen = read("bat", f"set A=1^\r\n{sign}2\r\ncall webui.bat\r\n".encode())
        assert "A" not in seen.env


@pytest.mark.parametrize(
    ("own", "new"),
    [
        (b"se^t PYTHON=", b"set PYTHON=D:\\py.exe"),
        (b"  @S^E^T Python=old", b"  @SET Python=D:\\py.exe"),
        (b"set ^\r\nPYTHON=", b"set PYTHON=D:\\py.exe"),
        (b's^et "PYTHON=^', b"set PYTHON=D:\\py.exe"),
    ],
)
def test_a_set_that_is_cut_by_carets_is_a_set(own: bytes, new: bytes) -> None:
    existing = own + b"\r\ncall webui.bat\r\n"
    settings = Settings(env=(("PYTHON", "D:\\py.exe"),))
    assert merged("bat", existing, settings) == b'cd /d "%~dp0"\r\n' + new + b"\r\ncall webui.bat\r\n"


@pytest.mark.parametrize(
    "switch",
    [b"setlocal EnableDelayedExpansion", b"@SetLocal EnableExtensions ENABLED^ELAYEDEXPANSION", b"setlocal %HOW%"],
)
@pytest.mark.parametrize(
    ("own", "settings", "where"),
    [
        (b"set X=1", Settings(env=(("X", "a!b"),)), "webui-user.bat, line 1"),
        (b"set X=a!b", Settings(env=(("X", "a!b"),)), "webui-user.bat, line 1"),
        (b"", Settings(env=(("X", "a!b"),)), "webui-user.bat, line 1"),
        (b"", Settings(flags=(flag("--ckpt-dir", "D:/wow!"),)), "webui-user.bat, line 1"),
        (
            b"set COMMANDLINE_ARGS=--api",
            Settings(flags=(flag("--ckpt-dir", "D:/wow!"),)),
            "webui-user.bat, line 1",
        ),
        (b"set COMMANDLINE_ARGS=--api !MORE!", Settings(flags=("--medvram",)), "webui-user.bat, line 2"),
    ],
)
def test_an_exclamation_mark_is_no_plain_letter_under_delayed_expansion(
    switch: bytes, own: bytes, settings: Settings, where: str
) -> None:
    existing = b"\r\n".join([switch, own, b"call webui.bat", b""])
    with pytest.raises(SdsetupError) as caught:
        merge("bat", existing, settings)
    assert caught.value.code in ("launch-file-letters", "launch-file-unclear")
    assert caught.value.where == where
    plain = existing.replace(switch, b"rem " + switch)
    assert b"!" in merged("bat", plain, settings)


def test_what_we_do_not_touch_may_hold_exclamation_marks() -> None:
    existing = (
        b"setlocal EnableDelayedExpansion\r\nset MINE=!TIME!\r\nset COMMANDLINE_ARGS=!A!\r\ncall webui.bat\r\n"
    )
    assert merged("bat", existing, Settings(env=(("X", "1"),))).count(b"!") == 4
    assert read("bat", existing).flags == ()


def test_an_escaped_quote_shields_nothing() -> None:
    existing = b'set ^"COMMANDLINE_ARGS=--api"\r\ncall webui.bat\r\n'
    new = merged("bat", existing, Settings(flags=("--gradio-auth a&b:c",)))
    assert read("bat", new, environment={}).flags == ("--api", "--gradio-auth", "a&b:c")


@pytest.mark.parametrize(
    ("existing", "where"),
    [
        (b"# mine\nexport X=a\\", "webui-user.sh, line 2"),
        (b"# mine\nexport COMMANDLINE_ARGS=--api\\\n", "webui-user.sh, line 2"),
    ],
)
def test_a_value_that_cannot_be_written_names_the_line_in_its_way(existing: bytes, where: str) -> None:
    with pytest.raises(SdsetupError) as caught:
        merge("sh", existing, Settings(flags=(flag("--ckpt-dir", "a b"),), env=(("X", "1"),)))
    assert (caught.value.code, caught.value.where) == ("launch-file-unclear", where)
