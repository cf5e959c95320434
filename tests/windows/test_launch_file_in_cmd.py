"""What webui.bat really sees after a launch file of ours, in a real cmd and three code pages."""

from __future__ import annotations

import random
import shlex
from typing import Any

import pytest

from sdsetup.errors import SdsetupError
from sdsetup.launchfile import Settings, flag, grouped, merge, read

LETTERS = {
    "cp437": "éñß°",
    "cp866": "Модели ёж",
    "cp932": "表示ソフト能｜モデル",
}  # with 0x5C and 0x7C as second bytes
VALUES = [
    "plain", "two words", " led", "trailed ", "tab\tin", "a&b", "a & b", "x|y", "<in>out", "a^b", "^",
    "^^&", "(x86)",
    "C:\\Program Files (x86)\\a", "100%", "%PATH%", "%", "%%", "%1", "%~dp0", "wow!", "!PATH!", 'a "b" c',
    '"', '""',
    '"quoted & all"', 'odd " & "', 'a" & b', 'x "y" & "z', "a=b", "=", "a;b,c", "--flag", "/a", "~", "#x",
    "'", "`x`",
    "$X",
    "@echo", "rem", "a:b", "::", "nul", "-", "\\", "D:\\end\\", "\\\\nas\\share name",
]  # fmt: skip


def settings_of(values: list[str], flags: tuple[str, ...] = ("--medvram",)) -> Settings:
    return Settings(flags=flags, env=tuple((f"V{number}", value) for number, value in enumerate(values)))


def assert_seen(told: dict[str, Any], values: list[str]) -> None:
    assert told["called"], told["stdout"] + told["stderr"]
    seen = {f"V{number}": told["env"].get(f"V{number}") for number in range(len(values))}
    assert seen == {f"V{number}": value for number, value in enumerate(values)}


def test_values_arrive_in_every_code_page(bench: Any, page: tuple[str, str | None]) -> None:
    encoding, country = page
    values = [*VALUES, LETTERS[encoding], f"D:\\{LETTERS[encoding]} & co\\x", f'"{LETTERS[encoding]}"|']
    told = bench.run_bat(merge("bat", None, settings_of(values), oem_encoding=encoding), locale=country)
    assert f"cp{told['oemcp']}" == encoding
    assert_seen(told, values)


def test_any_mix_of_signs_arrives(bench: Any) -> None:
    chance = random.Random(20240727)
    signs = "ab \t\"'%^&|<>()!=;,$`~{}[]*?#@+-.\\/:1"
    values = ["x" + "".join(chance.choices(signs, k=chance.randrange(12))) for _ in range(250)]
    assert_seen(bench.run_bat(merge("bat", None, settings_of(values))), values)


def test_flags_arrive_as_the_web_ui_splits_them(bench: Any, page: tuple[str, str | None]) -> None:
    encoding, country = page
    values = [*VALUES, LETTERS[encoding]]
    flags = tuple(flag(f"--f{number}", value) for number, value in enumerate(values))
    content = merge("bat", None, Settings(flags=flags), oem_encoding=encoding)
    told = bench.run_bat(content, locale=country)
    argv = shlex.split(told["env"]["COMMANDLINE_ARGS"])
    assert tuple(argv) == read("bat", content, encoding=encoding).flags
    assert grouped(argv) == grouped([word for one in flags for word in shlex.split(one)])


PERSONS = """@echo off
:: {letters}
rem set COMMANDLINE_ARGS=--from-a-comment
set PYTHON=
set GIT="C:\\Program Files\\Git\\cmd\\git.exe"
@set VENV_DIR=D:\\{letters}\\venv
set SPACED = not the same name
set BASE=C:\\a ^& b\\100
set "SHIELDED=%BASE% (x) & <y>"  behind the quote
set INNER="%BASE%\\models" ^& more
set CARET=a^^b^
c
if "%BASE%"=="" set UNKNOWN=1
if exist {letters} (
  set COMMANDLINE_ARGS=%COMMANDLINE_ARGS% --in-a-block
)
set COMMANDLINE_ARGS=--api ^
 --ckpt-dir "D:\\{letters}" ^
  --lowvram --port 7861
set COMMANDLINE_ARGS=%COMMANDLINE_ARGS% --listen
set MIXED=%%x%%-%VENV_DIR%-%NOT_SET_ANYWHERE%-
call webui.bat %*
set AFTER=1
"""


@pytest.mark.parametrize("newline", ["\r\n", "\n"], ids=["crlf", "lf"])
def test_a_persons_file_means_to_cmd_what_we_read(bench: Any, page: tuple[str, str | None], newline: str) -> None:
    encoding, country = page
    existing = PERSONS.format(letters=LETTERS[encoding]).replace("\n", newline).encode(encoding)
    ours = Settings(flags=("--medvram", "--xformers"), env=(("X", "1"),), exclusive=(("--lowvram", "--medvram"),))
    for content in (existing, merge("bat", existing, ours, oem_encoding=encoding)):
        told = bench.run_bat(content, locale=country, at="C:\\AI (x86) & co\\sd")
        seen = read("bat", content, encoding=encoding, environment={}, folder="C:\\AI (x86) & co\\sd")
        known = {name for name in seen.env if name.strip() == name}
        assert {"GIT", "VENV_DIR", "BASE", "SHIELDED", "INNER", "CARET", "COMMANDLINE_ARGS", "MIXED"} <= known
        # Wine's cmd drops blanks at the start of a continued line; to the web UI they mean nothing.
        assert tuple(shlex.split(told["env"].pop("COMMANDLINE_ARGS"))) == seen.flags
        known.remove("COMMANDLINE_ARGS")
        assert {name: told["env"].get(name) for name in known} == {name: seen.env[name] for name in known}
        assert not {"PYTHON", "AFTER", "SPACED"} & set(told["env"])
        assert not {"PYTHON", "AFTER", "SPACED"} & set(seen.env)
    assert {"--medvram", "--xformers", "--listen", "--api"} <= set(seen.flags)
    assert "--lowvram" not in seen.flags


@pytest.mark.parametrize("how", ["relative", "full", "explorer"])
@pytest.mark.parametrize("at", ["C:\\AI (x86) & co\\sd", "C:\\sd!\\тест"])
def test_it_starts_from_anywhere(bench: Any, how: str, at: str) -> None:
    """Double clicked, by its full path, and as administrator, which starts in System32.

    A folder with % is left out: Wine's cmd expands it in `%~dp0` where Windows does not.
    """
    cwd = None if how == "relative" else "C:\\windows\\system32"
    told = bench.run_bat(merge("bat", None, settings_of(["1"])), at=at, how=how, cwd=cwd)
    assert told["called"], told["stdout"] + told["stderr"]
    assert told["cwd"].lower().rstrip("\\") == at.lower()


def test_the_stock_file_works_as_administrator_once_merged(bench: Any) -> None:
    stock = b"@echo off\n\nset PYTHON=\nset GIT=\nset VENV_DIR=\nset COMMANDLINE_ARGS=\n\ncall webui.bat\n"
    system = "C:\\windows\\system32"
    assert not bench.run_bat(stock, how="full", cwd=system)["called"]
    told = bench.run_bat(merge("bat", stock, settings_of(["1"])), how="full", cwd=system)
    assert told["env"]["COMMANDLINE_ARGS"] == "--medvram"
    assert not {"PYTHON", "GIT", "VENV_DIR"} & set(told["env"])


def test_letters_that_the_page_lacks_are_refused(page: tuple[str, str | None]) -> None:
    encoding, _ = page
    other = next(letters for name, letters in LETTERS.items() if name not in (encoding, "cp932"))
    with pytest.raises(SdsetupError) as caught:
        merge("bat", None, settings_of([other + "€"]), oem_encoding=encoding)
    assert caught.value.code == "launch-file-letters"


def _program(chance: random.Random) -> bytes:
    """A launch file with jumps, conditions, subroutines and several commands on a line; it never runs forever."""
    labels = ["one", "two", "three"]
    lines = ["@echo off", "set COMMANDLINE_ARGS=--first"]
    plain = [
        "set X={n}",
        "set COMMANDLINE_ARGS=--a{n}",
        "set COMMANDLINE_ARGS=%COMMANDLINE_ARGS% --b{n}",
        "set X={n}& set Y={n}",
        "ver >nul && set X={n}",
        "ver >nul || set Y={n}",
        "if exist nowhere.txt set X={n}",
        "if not exist nowhere.txt (\n  set Y={n}\n)",
        "if exist nowhere.txt exit /b 1",
        "ver >nul 2>&1 || exit /b 1",
        "if not exist nowhere.txt (set X={n}) else (set X=0)",
        "if errorlevel 9 (\n  echo failed\n  exit /b 1\n)",
        "rem set X={n} & set Y={n}",
        "set Z={n} & rem set X={n}",
        "(\nset Y={n}\n)",
        "if exist nowhere.txt call webui.bat --x{n}",
    ]
    while labels or chance.random() < 0.6:
        lines += [text.format(n=len(lines)) for text in chance.choices(plain, k=chance.randrange(4))]
        jumps = [f"goto {name}" for name in labels] + [f"if exist nowhere.txt goto {name}" for name in labels]
        jumps += [f"if not exist nowhere.txt goto :{name}" for name in labels]
        if chance.random() < 0.7 and jumps:
            lines.append(chance.choice(jumps))
        if chance.random() < 0.2:
            lines += ["call webui.bat", "exit"]
        if labels and chance.random() < 0.8:
            lines.append(f":{labels.pop(0)}")
    lines += ["call :sub", "call webui.bat", "exit", ":sub", chance.choice(plain).format(n=99), "exit /b"]
    if chance.random() < 0.5:
        lines[-5:-4] = ["call webui.bat", "exit"]
    return "\r\n".join([*lines, ""]).encode()


def test_the_ways_through_a_file_are_those_of_cmd(bench: Any) -> None:
    chance = random.Random(20261125)
    known = arrived = 0
    for _ in range(40):
        content = _program(chance)
        seen = read("bat", content, environment={})
        told = bench.run_bat(content)
        if not told["called"]:
            continue
        known += len(seen.env)
        told_of = {name: value.strip() for name, value in told["env"].items()}
        said = {name: value.strip() for name, value in seen.env.items()}
        assert {name: told_of.get(name) for name in said} == said, content.decode()
        assert not set(seen.unset) & set(told_of), content.decode()
        try:
            merged = merge("bat", content, Settings(flags=("--ours",), env=(("OURS", "1"), ("Y", "ours"))))
        except SdsetupError:
            continue
        after = bench.run_bat(merged)
        assert after["called"], merged.decode()
        assert (after["env"].get("OURS"), after["env"].get("Y")) == ("1", "ours"), merged.decode()
        assert "--ours" in shlex.split(after["env"]["COMMANDLINE_ARGS"]), merged.decode()
        arrived += 1
    assert known > 20 and arrived > 3


@pytest.mark.parametrize(
    ("lines", "flags", "arguments"),
    [
        (["set COMMANDLINE_ARGS=--api&& call webui.bat"], ["--api", "--ours"], []),
        (["set COMMANDLINE_ARGS=--api& set X=1& webui.bat --port 1"], ["--api", "--ours"], ["--port", "1"]),
        (["set COMMANDLINE_ARGS=--api", 'start "SD WebUI" cmd /c webui.bat --x'], ["--api", "--ours"], ["--x"]),
        (
            ["set COMMANDLINE_ARGS=--api", ":again", "call webui.bat", "if not defined N (set N=1& goto again)"],
            ["--api", "--ours"],
            [],
        ),
        (
            [
                "set COMMANDLINE_ARGS=--api", "goto low", ":high", "call webui.bat --high", "exit /b", ":low",
                'call webui.bat --theme "a b"',
            ],
            ["--api", "--ours"],
            ["--theme", "a b"],
        ),
    ],
)  # fmt: skip
def test_starts_that_people_write(bench: Any, lines: list[str], flags: list[str], arguments: list[str]) -> None:
    existing = "\r\n".join(["@echo off", *lines, ""]).encode()
    content = merge("bat", existing, Settings(flags=("--ours",), env=(("OURS", "1"),)))
    told = bench.run_bat(content)
    assert told["called"], told["stdout"] + told["stderr"]
    assert shlex.split(told["env"]["COMMANDLINE_ARGS"]) == flags
    assert told["env"]["OURS"] == "1"
    assert told["argv"] == arguments
    assert read("bat", content).start_flags == tuple(arguments)
