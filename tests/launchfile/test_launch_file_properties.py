"""Whatever a person may have: it round-trips or is refused by name, and theirs stays theirs."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sdsetup.errors import SdsetupError
from sdsetup.launchfile import Settings, flag, merge, read

REFUSALS = {
    "launch-flag", "launch-name", "launch-empty-value", "launch-control-letter", "launch-file-letters",
    "launch-file-too-long", "launch-file-encoding", "launch-file-quotes", "launch-file-unclear",
}  # fmt: skip
GROUPS = (("--lowvram", "--medvram", "--medvram-sdxl"), ("--xformers", "--opt-sdp-attention"))

nasty = st.text(st.sampled_from(list("abC:/\\ \t\"'%^&|<>()!=;,$`~{}[]*?#@+-.")), max_size=12)
foreign = st.text(st.sampled_from(list("aé表модель≒ß\\^| \"'%&$")), max_size=8)
anything = st.text(max_size=10)
value = st.one_of(nasty, foreign, anything)
path = st.builds(
    lambda drive, parts: drive + "\\".join(parts),
    st.sampled_from(["C:\\", "\\\\nas\\", "D:/", ""]),
    st.lists(value, max_size=3),
)
encodings = st.sampled_from([None, "cp437", "cp866", "cp932", "utf-8"])
names = st.sampled_from(["X", "TORCH_COMMAND", "VENV_DIR", "lower_case"])


def calm(examples: int) -> settings:
    # How many inputs are left over is luck, and each costs a start of a shell only where it counts.
    quiet = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much]
    return settings(max_examples=examples, deadline=None, suppress_health_check=quiet)


def wanted(value_of_flag: str, value_of_variable: str, name: str = "X") -> Settings:
    return Settings(
        flags=("--medvram", flag("--ckpt-dir", value_of_flag)), env=((name, value_of_variable),), exclusive=GROUPS
    )


def as_asked(text: str) -> set[str]:
    """A flag's value as given, and as `flag` gives it to a POSIX-minded parser."""
    return {text, text.replace("\\", "/")}


@calm(150)
@given(st.one_of(value, path), st.one_of(value, path), names, encodings, st.sampled_from(["bat", "sh"]))
def test_a_value_reads_back_or_is_refused(one: str, two: str, name: str, encoding: str | None, kind: str) -> None:
    asked = wanted(one, two, name)
    try:
        text = merge(kind, None, asked, oem_encoding=encoding)  # type: ignore[arg-type]
    except SdsetupError as error:
        assert error.code in REFUSALS
        # Plain letters are never refused, whatever they mean to a shell.
        assert not (one + two).isascii() or not (one + two).isprintable() or not two
        return
    seen = read(kind, text, encoding=encoding, environment={})  # type: ignore[arg-type]
    flags = {seen.flags[2]} if len(seen.flags) == 3 else {seen.flags[1].partition("=")[2]}
    assert flags <= as_asked(one)
    assert seen.env[name] == two
    assert merge(kind, text, asked, oem_encoding=encoding) == text  # type: ignore[arg-type]
    if kind == "bat":
        assert text.count(b"\n") == text.count(b"\r\n")
        assert not text.startswith(b"\xef\xbb\xbf")


own_flag = st.one_of(
    st.sampled_from(
        ["--api", "--listen", "--port 7861", "--lowvram", "--medvram", "--xformers", "--opt-sdp-attention"]
    ),
    st.builds(
        lambda text: flag("--vae-dir", text),
        st.text(st.sampled_from(list("ab c\\/&%^!'()")), min_size=1, max_size=6),
    ),
)
own_bat_line = st.sampled_from(
    [
        "", "rem mine", ":: mine", "git pull", "echo hi (there) & echo you",
        "title web ui", "set MINE=a b",
        'set "MINE=a & b"', "  @SET Other=%MINE%;%PATH%", "set PYTHON=",
        "if exist x echo y", "pushd x", "color 0a",
        "set TORCH_COMMAND=pip install torch", "set X=old",
    ]
)  # fmt: skip
own_sh_line = st.sampled_from(
    [
        "", "# mine", "ulimit -n 4096", 'venv_dir="venv"', "export MINE='a b'", "if true; then echo hi; fi",
        "echo $HOME",
        "export X=old", "export LD_PRELOAD=$HOME/lib.so", '#export COMMANDLINE_ARGS=""', "own() {\n  echo hi\n}",
    ]
)  # fmt: skip


def removed(flags: list[str]) -> list[str]:
    """An argument list without what we set or take out."""
    ours = {name for group in GROUPS[:1] for name in group} | {"--ckpt-dir"}
    kept, skip = [], False
    for one in flags:
        skip = one.partition("=")[0] in ours or (skip and not one.startswith("--"))
        if not skip:
            kept.append(one)
    return kept


@calm(150)
@given(
    st.lists(own_bat_line, max_size=5), st.lists(own_flag, max_size=5), st.lists(own_bat_line, max_size=3), value,
    st.sampled_from(["\n", "\r\n"]), st.sampled_from(['set COMMANDLINE_ARGS={}', '  @set  "CommandLine_Args={}"']),
)  # fmt: skip
def test_a_persons_bat_stays_theirs(
    before: list[str], own: list[str], after: list[str], text: str, newline: str, form: str
) -> None:
    line = form.format(" ".join(own).replace("%", "%%"))
    quoted = '"' in line.removeprefix('  @set  "')
    assume(not (form.startswith(" ") and quoted and set(line) & set("&^")))
    lines = ["@echo off", *before, line, *after, "call webui.bat", "pause", ""]
    existing = newline.join(lines).encode()
    try:
        merged = merge("bat", existing, wanted("D:/m", text), oem_encoding="cp866")
    except SdsetupError as error:
        assert error.code in REFUSALS
        return
    assert merge("bat", merged, wanted("D:/m", text), oem_encoding="cp866") == merged
    left = merged.split(newline.encode())
    for kept in lines:
        if kept.encode() in left:
            left.remove(kept.encode())
        else:
            assert "commandline_args" in kept.lower() or kept == "set X=old"
    assert len(left) <= 3  # our three lines at most: the folder, the flags, the variable
    seen = read("bat", merged, encoding="cp866", environment={})
    before_us = read("bat", existing, encoding="cp866", environment={})
    assert removed(list(seen.flags)) == removed(list(before_us.flags))
    assert {k: v for k, v in seen.env.items() if k not in ("X", "COMMANDLINE_ARGS")} == {
        k: v for k, v in before_us.env.items() if k.upper() not in ("X", "COMMANDLINE_ARGS")
    } or "CommandLine_Args" in seen.env


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not on this machine")
@calm(60)
@given(
    st.lists(own_sh_line, max_size=4), st.lists(own_flag, max_size=4), st.lists(own_sh_line, max_size=3),
    st.one_of(value, path), st.one_of(value, path),
)  # fmt: skip
def test_bash_sees_what_we_say(
    tmp_path: Path, before: list[str], own: list[str], after: list[str], one: str, two: str
) -> None:
    line = "export COMMANDLINE_ARGS=" + shlex.quote(" ".join(own))
    existing = "\n".join(["#!/bin/bash", *before, line, *after, ""]).encode()
    try:
        merged = merge("sh", existing, wanted(one, two))
    except SdsetupError as error:
        assert error.code in REFUSALS
        assert not (one + two).isprintable() or not two
        return
    assert merge("sh", merged, wanted(one, two)) == merged
    seen = read("sh", merged, environment={"HOME": "/home/me"})
    told = sourced(tmp_path, merged)
    assert {name: told.get(name) for name in seen.env} == seen.env
    assert told["X"] == two
    flags = shlex.split(told["COMMANDLINE_ARGS"])
    assert tuple(flags) == seen.flags
    assert "--medvram" in flags
    assert "--lowvram" not in flags
    assert removed(flags) == removed(shlex.split(" ".join(own)))


def sourced(folder: Path, content: bytes) -> dict[str, str]:
    """The environment that a child of webui.sh gets after it has sourced the file."""
    (folder / "webui-user.sh").write_bytes(content)
    told = subprocess.run(
        ["bash", "-c", "source ./webui-user.sh >/dev/null; exec env -0"],
        cwd=folder,
        env={"HOME": "/home/me", "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        capture_output=True,
        check=True,
    )
    return dict(item.split("=", 1) for item in os.fsdecode(told.stdout).split("\0") if item)  # type: ignore[misc]


_SIGNS = list("'\"\\$`{}()&|;<>#\n ^%!~=")
_SHELL = ["export X=1\n", "X+=a\n", "then ", "unset X\n", "&& ", "|| ", "{ ", "}\n", 'X="$X b" ']
_WORDS = ["set ", "export ", "COMMANDLINE_ARGS=", "X=", "--medvram", "if ", "fi", "call webui.bat", ":a", "\r\n"]
shell_soup = st.lists(
    st.sampled_from([*_SIGNS, *_WORDS, *_SHELL, "%A%", "$(", "<<E"]),
    max_size=25,
).map(lambda pieces: "".join(pieces).encode())


_CUT = [
    "s^et ",
    "@SE^T ",
    "PYTHON=",
    "VENV_DIR^=",
    'set ^"X=',
    "^\r\n",
    "^\n",
    "^",
    "(",
    ")",
    "goto a\r\n",
    "!X!",
    "%~dp0",
]
_SWITCHES = [
    "setlocal EnableDelayedExpansion\r\n", "setlocal enabled^elayedexpansion\n", "setlocal %A%\n", "endlocal\r\n",
    "chcp 932\r\n", "\x83\\", "set /p X=", "for %%a in (x) do ", "rem ",
]  # fmt: skip
_BASH = [
    "=(a b)",
    "f() {\n",
    "case x in ",
    "esac",
    "a) ",
    ";;",
    "declare -x X=2\n",
    "~",
    "{a,b}",
    "$'",
    "if true; then ",
]
mixed_soup = st.lists(st.sampled_from([*_SIGNS, *_WORDS, *_SHELL, *_CUT, *_SWITCHES, *_BASH]), max_size=25).map(
    lambda pieces: "".join(pieces).encode("latin-1")
)
asked_of_soup = st.one_of(
    st.builds(wanted, value, value, names),
    st.builds(
        lambda text: Settings(env=(("PYTHON", text),)),
        st.sampled_from(["C:\\a!b\\p.exe", "C:\\a & b\\p.exe", "x"]),
    ),
    st.just(Settings(drop_env=("PYTHON", "X", "VENV_DIR"), drop_flags=("--lowvram",))),
)


@calm(600)
@given(mixed_soup, asked_of_soup, st.sampled_from(["bat", "sh"]), encodings)
def test_any_settings_go_into_any_file_or_are_refused(
    content: bytes, asked: Settings, kind: str, encoding: str | None
) -> None:
    try:
        merged = merge(kind, content, asked, oem_encoding=encoding)  # type: ignore[arg-type]
    except SdsetupError as error:
        assert error.code in REFUSALS
    else:
        assert merge(kind, merged, asked, oem_encoding=encoding) == merged  # type: ignore[arg-type]
    try:
        read(kind, content, encoding=encoding, environment={"X": "a b"}, folder="C:\\sd")  # type: ignore[arg-type]
    except SdsetupError as error:
        assert error.code == "launch-file-encoding"


@calm(300)
@given(st.one_of(st.binary(max_size=60), shell_soup), st.sampled_from(["bat", "sh"]), encodings)
def test_any_bytes_are_merged_or_refused_never_a_crash(content: bytes, kind: str, encoding: str | None) -> None:
    asked = wanted("D:/m", "1")
    try:
        merged = merge(kind, content, asked, oem_encoding=encoding)  # type: ignore[arg-type]
    except SdsetupError as error:
        assert error.code in REFUSALS
    else:
        assert merge(kind, merged, asked, oem_encoding=encoding) == merged  # type: ignore[arg-type]
    try:
        read(kind, content, encoding=encoding)  # type: ignore[arg-type]
    except SdsetupError as error:
        assert error.code == "launch-file-encoding"


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not on this machine")
@calm(150)
@given(shell_soup)
def test_what_we_read_from_any_sh_is_what_bash_reads(tmp_path: Path, content: bytes) -> None:
    """Where we claim to know a value, bash agrees."""
    harmless = not any(sign in content for sign in (b"<<", b">", b"`", b"$(", b"&\n", b"!", b"call"))
    assume(harmless and b"\r" not in content)
    assume(subprocess.run(["bash", "-n"], input=content, capture_output=True).returncode == 0)
    seen = read("sh", content, environment={"HOME": "/home/me", "A": ""})
    try:
        told = sourced(tmp_path, content)
    except subprocess.CalledProcessError:
        return  # bash does not get through it either
    for name, text in seen.env.items():
        assert told.get(name) == text, (name, content)
