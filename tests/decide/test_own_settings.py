"""The user's own flags and variables: what stays, what gives way, and that it is said before consent."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from decide.tuning_machines import gpu
from decide.tuning_tables import known, rules, tuned
from sdsetup.decide.tuning.own_flags import beside, extended, own_settings, with_own_precision
from sdsetup.decide.wanted_settings import launch_settings
from sdsetup.errors import SdsetupError
from sdsetup.launchfile import LaunchFile, merge, read
from sdsetup.launchfile.effective import refuse_overridden
from sdsetup.values.facts import Facts, System
from sdsetup.values.install_record import InstallRecord

CARD = ("NVIDIA GeForce RTX 3060", 8.0)
TWO = (("NVIDIA GeForce RTX 3060", 12.0), ("NVIDIA GeForce RTX 4090", 24.0))


@dataclass(frozen=True)
class Written:
    content: str
    seen: LaunchFile
    said: str


def written(
    kind: str,
    *lines: str,
    cards: tuple[tuple[str, float], ...] = (CARD,),
    recorded: InstallRecord | None = None,
    driver: str | None = None,
) -> Written:
    """The launch file with these lines after today's tuning, what it then says, and what was said before."""
    family = "windows" if kind == "bat" else "linux"
    found = tuple(replace(gpu(*card), index=place, driver_version=driver) for place, card in enumerate(cards))
    facts = Facts(system=System(family=family, arch="x86_64"), gpus=found)  # type: ignore[arg-type]
    start = "@echo off\ncall webui.bat\n" if kind == "bat" else "#!/bin/bash\n"
    head, rest = start.split("\n", 1)
    existing = "\n".join([head, *lines, rest]).encode()
    tuning = tuned(facts)
    seen = read(kind, existing, environment={})  # type: ignore[arg-type]
    own = own_settings(seen, tuning, recorded, known())
    settled = beside(own, with_own_precision(own, tuning, facts, rules()), known())
    said = " | ".join(str(one.text) for one in settled.warnings if one.topic == "own-flags")
    settings = launch_settings(settled, recorded, known())
    content = merge(kind, existing, settings)  # type: ignore[arg-type]
    assert merge(kind, content, settings) == content  # type: ignore[arg-type]
    return Written(content.decode(), read(kind, content, environment={}), said)  # type: ignore[arg-type]


def setting(kind: str, text: str) -> str:
    return f"set {text}" if kind == "bat" else f"export {text}"


both = pytest.mark.parametrize("kind", ["bat", "sh"])


@both
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STABLE_DIFFUSION_REPO", "https://mirror.example/stablediffusion.git"),
        ("GIT_TERMINAL_PROMPT", "1"),
        ("TORCH_COMMAND", "pip_install_torch==1.12.1"),
        ("SAFETENSORS_FAST_GPU", "0"),
    ],
)
def test_a_variable_of_ones_own_stays_and_is_said(kind: str, name: str, value: str) -> None:
    told = written(kind, setting(kind, f"{name}={value}"))
    assert told.seen.env[name] == value
    assert f"Your own {name} stays" in told.said


@both
def test_a_variable_that_cannot_be_told_stays_as_it_is(kind: str) -> None:
    line = setting(kind, "TORCH_COMMAND=%MINE%" if kind == "bat" else "TORCH_COMMAND=$(cat torch.txt)")
    condition = f"if exist x (\n{line}\n)" if kind == "bat" else f"if true; then\n{line}\nfi"
    told = written(kind, condition)
    assert condition in told.content and told.content.count("TORCH_COMMAND") == 1
    assert "Your own TORCH_COMMAND stays" in told.said


@both
def test_what_we_wrote_before_is_ours_to_change(kind: str) -> None:
    recorded = InstallRecord(env=(("STABLE_DIFFUSION_REPO", "https://old.example/x.git"), ("OLD", "1")))
    told = written(
        kind,
        setting(kind, "STABLE_DIFFUSION_REPO=https://old.example/x.git"),
        setting(kind, "OLD=1"),
        recorded=recorded,
    )
    assert "w-e-w" in told.seen.env["STABLE_DIFFUSION_REPO"] and "OLD" not in told.seen.env
    assert told.said == ""


@both
def test_what_was_changed_since_is_the_users(kind: str) -> None:
    recorded = InstallRecord(env=(("STABLE_DIFFUSION_REPO", "https://old.example/x.git"), ("OLD", "1")))
    told = written(
        kind,
        setting(kind, "STABLE_DIFFUSION_REPO=https://mine.example/x.git"),
        setting(kind, "OLD=2"),
        recorded=recorded,
    )
    assert told.seen.env["STABLE_DIFFUSION_REPO"] == "https://mine.example/x.git"
    assert told.seen.env["OLD"] == "2"


@both
def test_an_address_that_is_gone_is_replaced_with_a_word(kind: str) -> None:
    told = written(
        kind, setting(kind, "STABLE_DIFFUSION_REPO=https://github.com/Stability-AI/stablediffusion.git")
    )
    assert "w-e-w" in told.seen.env["STABLE_DIFFUSION_REPO"]
    assert "points to a deleted address" in told.said


@both
def test_no_proxy_is_extended_once_and_stays_so(kind: str) -> None:
    told = written(kind, setting(kind, "no_proxy=localhost,.corp.example"))
    assert told.seen.env["no_proxy"] == "localhost,.corp.example,127.0.0.1,::1"
    again = written(
        kind,
        setting(kind, "no_proxy=localhost,.corp.example,127.0.0.1,::1"),
        recorded=InstallRecord(env=(("no_proxy", "localhost,.corp.example,127.0.0.1,::1"),)),
    )
    assert again.seen.env["no_proxy"] == "localhost,.corp.example,127.0.0.1,::1"
    assert "no_proxy" not in again.said


@pytest.mark.parametrize(
    ("theirs", "whole"),
    [("a", "a,x,y"), ("a, x", "a, x,y"), ("x,y", "x,y"), ("*", "*"), ("a,", "a,x,y")],
)
def test_lists_are_joined(theirs: str, whole: str) -> None:
    assert extended(theirs, "x,y") == whole


def test_a_list_with_blanks_is_whole_the_second_time() -> None:
    whole = extended("localhost, 127.0.0.1, .lan", "localhost,127.0.0.1,::1")
    assert whole == "localhost, 127.0.0.1, .lan,::1"
    assert extended("localhost, 127.0.0.1, .lan", whole) == whole


def test_what_set_a_exports_is_the_users() -> None:
    after = written("sh", "set -a", "TORCH_COMMAND='pip install torch==1.12.1'", "set +a")
    assert after.seen.env["TORCH_COMMAND"] == "pip install torch==1.12.1"
    assert "Your own TORCH_COMMAND stays" in after.said


def test_a_variable_that_the_web_ui_never_saw_is_replaced_with_a_word() -> None:
    after = written("sh", "TORCH_COMMAND='pip install torch==1.12.1'")
    assert "torch==1.12.1" not in after.seen.env["TORCH_COMMAND"]
    assert "Your own TORCH_COMMAND isn't exported, so the web UI doesn't see it" in after.said


@both
@pytest.mark.parametrize("flag", ["--device-id=1", "--device-id 1"])
def test_a_card_that_the_user_chose_stays_chosen(kind: str, flag: str) -> None:
    """CUDA_VISIBLE_DEVICES would make number 1 invalid, CUDA_DEVICE_ORDER would make it another card."""
    told = written(
        kind,
        setting(kind, f'COMMANDLINE_ARGS="{flag}"' if kind == "sh" else f"COMMANDLINE_ARGS={flag}"),
        cards=TWO,
    )
    assert not {"CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"} & set(told.seen.env)
    assert "CUDA_DEVICE_ORDER and CUDA_VISIBLE_DEVICES" in told.said


@both
def test_visible_devices_of_ones_own_keep_their_numbers(kind: str) -> None:
    told = written(kind, setting(kind, "CUDA_VISIBLE_DEVICES=0"), cards=TWO)
    assert told.seen.env["CUDA_VISIBLE_DEVICES"] == "0" and "CUDA_DEVICE_ORDER" not in told.seen.env
    assert "Your own CUDA_VISIBLE_DEVICES stays" in told.said


def test_a_flag_against_a_variable_is_said() -> None:
    told = written("bat", "set COMMANDLINE_ARGS=--device-id=2", "set CUDA_VISIBLE_DEVICES=0", cards=TWO)
    assert "both --device-id 2 and CUDA_VISIBLE_DEVICES, which conflict" in told.said


def test_our_xformers_does_not_stand_beside_another_torch() -> None:
    old = "470.57.02"  # a driver that needs another torch than the web UI's own, and its pair
    assert "XFORMERS_PACKAGE" in written("sh", driver=old).seen.env
    told = written("sh", "export TORCH_COMMAND='pip install torch==1.12.1'", driver=old)
    assert "XFORMERS_PACKAGE" not in told.seen.env
    assert "doesn't set XFORMERS_PACKAGE" in told.said
    told = written("bat", "set XFORMERS_PACKAGE=xformers==0.0.20")
    assert told.seen.env["XFORMERS_PACKAGE"] == "xformers==0.0.20"
    assert "this PC needs xformers 0.0.23.post1" in told.said


def test_flags_on_the_line_of_the_start_are_seen() -> None:
    told = written("bat", "call webui.bat --lowvram --no-half")
    assert "--medvram" not in " ".join(told.seen.flags)
    assert "Your own --lowvram is on the line that starts the web UI" in told.said
    assert told.seen.start_flags == ("--lowvram", "--no-half")
    assert "--medvram" not in " ".join(written("bat", "call webui.bat --lowvram --medvram").seen.flags)


def test_full_precision_is_reckoned_in_the_memory() -> None:
    six = (("NVIDIA GeForce GTX 1660", 6.0),)
    assert "--medvram-sdxl" in written("bat", "set COMMANDLINE_ARGS=--xformers", cards=six).seen.flags
    told = written("bat", "set COMMANDLINE_ARGS=--precision full --no-half --medvram", cards=six)
    assert "--medvram" in told.seen.flags and "--medvram-sdxl" not in told.seen.flags
    assert (
        "With your own --no-half, a model needs more video memory, so these flags are set: --medvram" in told.said
    )
    large = (("NVIDIA GeForce RTX 3090", 24.0),)
    assert "--medvram" not in " ".join(written("bat", "set COMMANDLINE_ARGS=--no-half", cards=large).seen.flags)


@both
def test_a_card_kept_idle_is_said(kind: str) -> None:
    line = setting(kind, "COMMANDLINE_ARGS=--use-cpu=all")
    told = written(kind, line)
    assert "Your own --use-cpu all makes the web UI compute everything on the CPU" in told.said


def test_two_memory_flags_of_ones_own_are_said() -> None:
    large = (("NVIDIA GeForce RTX 3090", 24.0),)
    told = written("bat", "set COMMANDLINE_ARGS=--lowvram --medvram", cards=large)
    assert "both --lowvram and --medvram" in told.said


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("bat", "set COMMANDLINE_ARGS = --medvram"),
        ("bat", "COMMANDLINE_ARGS=--medvram"),
        ("bat", "set COMMANDLINE_ARGS --medvram"),
        ("bat", 'set COMMANDLINE_ARGS="--api --listen"'),
        ("bat", 'export COMMANDLINE_ARGS="--medvram"'),
        ("sh", 'COMMANDLINE_ARGS = "--medvram"'),
        ("bat", '$env:COMMANDLINE_ARGS="--medvram"'),
        ("sh", "set COMMANDLINE_ARGS=--medvram"),
        ("sh", 'export COMMANDLINE_ARGS = "--medvram"'),
        ("bat", "set COMMANDLINE_ARGS=--api # my flags"),
        ("sh", 'export COMMANDLINE_ARGS="--api # my flags"'),
        ("sh", 'set -x COMMANDLINE_ARGS "--medvram"'),
        ("sh", 'setenv COMMANDLINE_ARGS "--medvram"'),
    ],
)
def test_lines_that_never_had_an_effect_are_pointed_out(kind: str, line: str) -> None:
    told = written(kind, line)
    assert line.removesuffix('"') in told.content
    assert "Line 2 of your launch file has no effect" in told.said


def test_what_the_file_says_in_other_words_is_left_in_them() -> None:
    told = written("sh", "gpu=1", "export CUDA_VISIBLE_DEVICES=$gpu", cards=TWO)
    assert "export CUDA_VISIBLE_DEVICES=$gpu" in told.content and told.seen.env["CUDA_VISIBLE_DEVICES"] == "1"


def test_a_file_that_is_read_last_stands_in_the_way_of_ours() -> None:
    with pytest.raises(SdsetupError) as caught:
        refuse_overridden(b"set COMMANDLINE_ARGS=--listen\r\n", ())
    assert caught.value.code == "launch-file-overridden"
    with pytest.raises(SdsetupError):
        refuse_overridden(b"set TORCH_COMMAND=pip install torch\r\n", ("TORCH_COMMAND",))
    refuse_overridden(b"set COMMANDLINE_ARGS=%COMMANDLINE_ARGS% --listen\r\nset X=1\r\n", ("TORCH_COMMAND",))


@pytest.mark.parametrize(
    ("kind", "line", "what"),
    [
        ("bat", "call environment.bat", "environment.bat"),
        ("bat", 'if exist my-flags.cmd call "my-flags.cmd"', "my-flags.cmd"),
        ("sh", "source ./my.env", "./my.env"),
        ("sh", '[ -f "$HOME/sd.env" ] && . "$HOME/sd.env"', "$HOME/sd.env"),
        ("sh", "export $(cat .env | xargs)", "$(cat .env | xargs)"),
    ],
)
def test_another_file_with_settings_is_said(kind: str, line: str, what: str) -> None:
    assert f"Line 2 of your launch file runs {what}, and sdsetup doesn't see" in written(kind, line).said


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("bat", "call venv\\Scripts\\activate.bat"),
        ("bat", "call :eof"),
        ("bat", "rem call other.bat"),
        ("sh", 'source "venv/bin/activate"'),
        ("sh", "# source my.env"),
    ],
)
def test_a_file_without_settings_is_not_said(kind: str, line: str) -> None:
    assert "runs" not in written(kind, line).said


def test_flags_of_a_second_start_are_said() -> None:
    second = ("start webui.bat", "set COMMANDLINE_ARGS=--port 7861", "start webui.bat")
    told = written("bat", "set COMMANDLINE_ARGS=--port 7860", *second)
    assert "Line 4 of your launch file sets COMMANDLINE_ARGS for a second start" in told.said
    assert "set COMMANDLINE_ARGS=--port 7861\n" in told.content
    assert "second start" not in written("bat", "set COMMANDLINE_ARGS=--port 7860", "goto go", ":go").said


@both
def test_nothing_is_said_twice(kind: str) -> None:
    """The same words for the same setting, however often it stands in the file."""
    twice = setting(kind, "TORCH_COMMAND=pip_install_torch==1.12.1")
    call = "call other.bat" if kind == "bat" else "source other.sh"
    flags = "--lowvram --medvram --lowvram --medvram"
    flags = setting(kind, f"COMMANDLINE_ARGS={flags}" if kind == "bat" else f'COMMANDLINE_ARGS="{flags}"')
    said = written(kind, twice, call, twice, flags).said.split(" | ")
    assert len(said) == len(set(said)) > 1
