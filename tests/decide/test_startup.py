"""How a start is read from its output, and how it is planned."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdsetup.decide.startup import (
    Startup,
    address,
    after,
    launch_plan,
    opens_browser,
    reach_localhost,
    secrets_in,
    tcmalloc_in,
)

LOGS = Path(__file__).parents[1] / "samples" / "logs"


def recorded(name: str) -> list[str]:
    return (LOGS / "healthy" / name).read_text(encoding="utf-8").split("\n")


def read(lines: list[str], state: Startup | None = None) -> Startup:
    return reduce(after, lines, state or Startup())


def test_a_recorded_start_goes_through_its_phases() -> None:
    phases, models = ["preparing"], ["waiting"]
    state = Startup()
    for line in recorded("log-startup.txt"):
        state = after(state, line)
        if state.phase != phases[-1]:
            phases.append(state.phase)
        if state.model != models[-1]:
            models.append(state.model)
    assert phases == ["preparing", "torch", "interface", "ready"]
    assert models == ["waiting", "loading", "loaded"]
    assert state.url == "http://127.0.0.1:7871"
    assert state.seconds == 21.1
    assert state.model_seconds == 18.9
    assert state.model_file == "/home/anna/sd/models/Stable-diffusion/random.safetensors"
    assert state.model_class == "sd15"
    assert state.settled


def test_without_the_detailed_log_the_phases_are_found_too() -> None:
    lines = recorded("api.txt")
    at = {
        phase: next(n for n in range(len(lines)) if read(lines[: n + 1]).phase == phase)
        for phase in ("torch", "interface", "ready")
    }
    assert lines[at["torch"]].startswith("Launching Web UI")
    assert "xformers" in lines[at["interface"]]
    assert lines[at["ready"]].startswith("Startup time:")


def test_the_address_is_known_before_it_is_ready() -> None:
    state = read(["Launching Web UI with arguments: --api", "Running on local URL:  http://127.0.0.1:7861"])
    assert state.url == "http://127.0.0.1:7861"
    assert not state.ready


def test_two_things_in_one_line() -> None:
    line = "Calculating sha256 for C:\\sd\\models\\Stable-diffusion\\my model.safetensors: Running on local URL:  http://127.0.0.1:7861"
    state = read(["Launching Web UI with arguments:", line])
    assert state.url == "http://127.0.0.1:7861"
    assert (state.model, state.model_file) == ("loading", "C:\\sd\\models\\Stable-diffusion\\my model.safetensors")
    late = after(state, "Calculating sha256 for x.ckpt: Startup time: 12.5s (import torch: 8.0s).")
    assert late.ready
    assert late.seconds == 12.5


@pytest.mark.parametrize(
    ("line", "doing"),
    [
        ("Installing torch and torchvision", "Installing torch and torchvision"),
        ("Cloning BLIP into C:\\sd\\repositories\\BLIP...", "Cloning BLIP"),
        ("Fetching updates for Stable Diffusion...", "Fetching updates for Stable Diffusion"),
        ("Python 3.10.6", None),
    ],
)
def test_what_the_web_uis_own_installer_does(line: str, doing: str | None) -> None:
    assert read([line]).doing == doing


def test_a_model_that_fails_does_not_stop_the_start() -> None:
    state = read(
        [
            "Launching Web UI with arguments:",
            "Loading weights [1] from a.safetensors",
            "",
            "Stable diffusion model failed to load",
            "Startup time: 9.1s",
        ]
    )
    assert state.ready
    assert state.model == "failed"
    assert state.settled
    again = read(["Loading weights [2] from b.safetensors", "Model loaded in 3.0s"], state)
    assert (again.model, again.model_file) == ("loaded", "b.safetensors")


def test_sdxl_is_told_by_its_configuration() -> None:
    line = (
        "Creating model from config: C:\\sd\\repositories\\generative-models\\configs\\inference\\sd_xl_base.yaml"
    )
    assert read([line]).model_class == "sdxl"
    assert read(["Creating model from config: /xl/configs/v1-inference.yaml"]).model_class == "sd15"


def test_a_reload_of_the_page_is_a_second_start() -> None:
    state = read(recorded("api.txt"))
    assert state.starts == 1
    state = after(state, "Restarting UI...")
    assert not state.ready
    assert after(state, "Startup time: 1.3s (load scripts: 0.5s).").starts == 2


def test_the_api_alone_tells_its_address_last() -> None:
    state = read(
        [
            "Launching API server with arguments: --nowebui",
            "Startup time: 8.0s.",
            "INFO:     Uvicorn running on http://127.0.0.1:7861 (Press CTRL+C to quit)",
        ]
    )
    assert state.ready
    assert state.url == "http://127.0.0.1:7861"


@given(st.lists(st.text(max_size=80), max_size=20))
def test_any_lines_may_come(lines: list[str]) -> None:
    read(lines)


# --- how it is started ----------------------------------------------------------------------------------


def test_a_start_on_linux() -> None:
    plan = launch_plan(
        dir="/home/anna/sd",
        family="linux",
        environment={"PATH": "/usr/bin", "HOME": "/home/anna", "PYTHONHOME": "/ours", "GIT_TERMINAL_PROMPT": "1"},
        flags=("--ckpt-dir", "/home/anna/my models", "--xformers"),
    )
    assert plan.argv == ("/home/anna/sd/venv/bin/python", "-u", "launch.py")
    assert plan.env["COMMANDLINE_ARGS"] == "--ckpt-dir '/home/anna/my models' --xformers"
    assert plan.env["PATH"] == "/home/anna/sd/venv/bin:/usr/bin"
    assert plan.env["VIRTUAL_ENV"] == "/home/anna/sd/venv"
    assert plan.env["SD_WEBUI_RESTARTING"] == "1"
    assert plan.env["GIT_TERMINAL_PROMPT"] == "1"
    assert "PYTHONHOME" not in plan.env
    assert "no_proxy" not in plan.env


def test_a_start_on_windows() -> None:
    plan = launch_plan(
        dir="C:/AI (x86)/sd",
        family="windows",
        environment={"Path": "C:\\Windows", "GIT": "C:\\tools\\git.exe", "VENV_DIR": "D:\\env"},
        flags=(),
    )
    assert plan.python == "D:\\env\\Scripts\\python.exe"
    assert plan.env["Path"] == "D:\\env\\Scripts;C:\\Windows"
    assert "PATH" not in plan.env
    assert plan.env["GIT_PYTHON_GIT_EXECUTABLE"] == "C:\\tools\\git.exe"
    assert plan.env["PYTHONIOENCODING"] == "utf-8"
    default = launch_plan(dir="C:/sd", family="windows", environment={}, flags=())
    assert default.python == "C:\\sd\\venv\\Scripts\\python.exe"


def test_a_person_may_do_without_an_environment() -> None:
    off = launch_plan(
        dir="C:/sd",
        family="windows",
        environment={"SKIP_VENV": "1", "PYTHON": '"C:\\P 310\\python.exe"'},
        flags=(),
    )
    assert off.python == "C:\\P 310\\python.exe"
    assert "VIRTUAL_ENV" not in off.env
    dash = launch_plan(
        dir="/sd",
        family="linux",
        environment={},
        flags=(),
        variables={"venv_dir": "-", "python_cmd": "python3.10"},
    )
    assert dash.python == "python3.10"
    other = launch_plan(dir="/sd", family="linux", environment={}, flags=(), variables={"venv_dir": "env"})
    assert other.python == "/sd/env/bin/python"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, {}),
        ({"HTTP_PROXY": ""}, {}),
        (
            {"HTTP_PROXY": "http://p:1"},
            {"no_proxy": "localhost,127.0.0.1,::1", "NO_PROXY": "localhost,127.0.0.1,::1"},
        ),
        (
            {"https_proxy": "http://p:1", "no_proxy": "example.org, localhost"},
            {"no_proxy": "example.org,localhost,127.0.0.1,::1", "NO_PROXY": "example.org,localhost,127.0.0.1,::1"},
        ),
        ({"all_proxy": "socks5://p", "NO_PROXY": "*"}, {}),
    ],
)
def test_a_proxy_does_not_catch_this_computer(environment: dict[str, str], expected: dict[str, str]) -> None:
    assert reach_localhost(environment, "linux") == expected
    assert reach_localhost(environment, "windows") == {k: v for k, v in expected.items() if k == "NO_PROXY"}


@pytest.mark.parametrize(
    ("flags", "option", "opens"),
    [
        ((), "Local", True),
        ((), None, True),
        (("--listen",), "Local", False),
        (("--server-name=pc",), "Local", False),
        (("--listen",), "Remote", True),
        ((), "Disable", False),
        (("--autolaunch",), "Disable", True),
        (("--nowebui", "--autolaunch"), "Local", False),
    ],
)
def test_the_browser_opens_when_the_web_ui_itself_would_open_it(
    flags: tuple[str, ...], option: str | None, opens: bool
) -> None:
    assert opens_browser(flags, option) is opens


def test_an_address_that_can_be_opened() -> None:
    assert address("http://0.0.0.0:7860") == "http://127.0.0.1:7860"
    assert address("http://127.0.0.1:7860") == "http://127.0.0.1:7860"
    assert address("https://pc.example:7860/x0.0.0.0") == "https://pc.example:7860/x0.0.0.0"


def test_secrets_among_the_flags() -> None:
    flags = ("--gradio-auth", "anna:geheim", "--api-auth=bob:longersecret", "--xformers", "--ngrok")
    assert secrets_in(flags) == ("bob:longersecret", "anna:geheim")


def test_the_memory_library_is_found_where_the_loader_finds_it() -> None:
    listing = (
        "1234 libs found in cache `/etc/ld.so.cache'\n"
        "\tlibtcmalloc_minimal_debug.so.4 (libc6,x86-64) => /lib/x86_64-linux-gnu/libtcmalloc_minimal_debug.so.4\n"
        "\tlibtcmalloc_minimal.so.4 (libc6,x86-64) => /lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4\n"
    )
    assert tcmalloc_in(listing) == "/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4"
    assert tcmalloc_in("") is None


@pytest.mark.parametrize("number", ["1.2.3", ".", "9" * 500])
def test_a_number_that_is_none_does_not_end_the_watching(number: str) -> None:
    state = after(Startup(), f"Startup time: {number}s (import torch: 1.0s).")
    assert state.ready
    state = after(state, f"Model loaded in {number}s (load weights: 1.0s).")
    assert state.model == "loaded"


def test_an_address_with_an_odd_bracket_is_shown_as_it_is() -> None:
    assert address("http://[::1") == "http://[::1"
