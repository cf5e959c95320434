"""sdsetup.bat in a real cmd: with a Python found and with none, from the folders that people have."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import json
import os
import re
import shutil
import subprocess
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest

import small_project
from conftest import LAB, ROOT, Cmd, python_program

# No `;` here: the small project's build backend lies in its own folder, and Windows splits such paths at it.
AT = "C:\\AI (x86) & co [x] ! ^\\тест"
DATA = "C:\\users\\Имя (1)\\AppData\\Local\\sdsetup"
OVERRIDES = "certutil.exe=n;mscoree=;mshtml=;winemenubuilder.exe="
KEY = "HKCU\\Software\\Python\\PythonCore\\3.10\\InstallPath"

# What Windows 10 carries and Wine does not, just as far as sdsetup.bat uses it.
CURL = """
import sys, urllib.request
assert "--fail" in sys.argv and "--location" in sys.argv
try:
    data = urllib.request.urlopen(sys.argv[-1], timeout=10).read()
except OSError as error:
    sys.exit(f"curl: (7) {error}")
open(sys.argv[sys.argv.index("--output") + 1], "wb").write(data)
"""
TAR = "import sys, zipfile\nassert sys.argv[1] == '-xf'\nzipfile.ZipFile(sys.argv[2]).extractall('.')\n"
CERTUTIL = """
import hashlib, sys
assert sys.argv[1] == "-hashfile" and sys.argv[3] == "SHA256"
print("SHA256 hash of " + sys.argv[2] + ":")
print(hashlib.sha256(open(sys.argv[2], "rb").read()).hexdigest())
print("CertUtil: -hashfile command completed successfully.")
"""
# An environment over the bench's Python is as good as a Python: python.exe beside a pyvenv.cfg.
UV = """
import os, shutil, sys
assert sys.argv[1:] == ["python", "install", "3.10"], sys.argv
assert not os.path.exists("uv.toml"), os.getcwd()
place = os.path.join(os.environ["UV_PYTHON_INSTALL_DIR"], "cpython-3.10.99-windows-x86_64-none")
os.makedirs(place)
shutil.copy(sys.base_prefix + "\\\\python.exe", place)
open(os.path.join(place, "pyvenv.cfg"), "w").write("home = " + sys.base_prefix + "\\n")
"""
# Says that it is a Python, and when it is taken, that it was.
SUITS = "import sys\nprint('suits') if '-c' in sys.argv else sys.exit('was started')"


class Windows:
    """A PC with the small project in `AT` and an application folder of its own."""

    def __init__(self, cmd: Cmd, python: Path, data: str = DATA) -> None:
        self.cmd = cmd
        self.python = python
        self.project = cmd.bench.host_path(AT + "\\sdsetup")
        self.data_dir = data
        self.data = cmd.bench.host_path(data)
        self.system = cmd.bench.host_path("C:\\windows\\system32")
        self.bat = AT + "\\sdsetup\\sdsetup.bat"
        # The overrides let our stand-ins go before stubs that Wine has. SDSETUP_DATA_DIR, because Wine takes
        # LOCALAPPDATA from its registry, whatever the environment says.
        self.env = {"SDSETUP_DATA_DIR": data, "PIP_NO_INDEX": "1", "WINEDLLOVERRIDES": OVERRIDES}

    def start(self, arguments: str = "", **env: str) -> Any:
        """Typed with arguments in another folder: System32, where an administrator's cmd begins."""
        return self.cmd(f'C:\\windows\\system32\\cmd.exe /c ""{self.bat}" {arguments}"', **{**self.env, **env})

    def explorer(self, **env: str) -> Any:
        return self.cmd.explorer(self.bat, **{**self.env, **env})

    def register_python(self, path: str) -> None:
        self.reg(f'add "{KEY}" /v ExecutablePath /t REG_SZ /d "{path}" /f')

    def forget_python(self) -> None:
        self.reg(f'delete "{KEY}" /f')

    def reg(self, arguments: str) -> None:
        self.cmd(f"C:\\windows\\system32\\reg.exe {arguments}")


@pytest.fixture(scope="module")
def installed(bench: Any, windows_python: Path) -> Iterator[Windows]:
    """The project, and what Windows carries."""
    pc = Windows(Cmd(bench), windows_python)
    shutil.rmtree(pc.project, ignore_errors=True)
    pc.forget_python()
    small_project.write(pc.project)
    carried = {"curl.exe": CURL, "tar.exe": TAR, "certutil.exe": CERTUTIL}
    kept = {name: (pc.system / name).read_bytes() for name in carried if (pc.system / name).exists()}
    for name, script in carried.items():
        (pc.system / name).unlink(missing_ok=True)
        (pc.system / name).write_bytes(python_program(windows_python, script))
    yield pc
    for name in carried:
        (pc.system / name).unlink()
    for name, content in kept.items():
        (pc.system / name).write_bytes(content)
    for folder in (pc.project.parents[1], pc.data.parents[2]):
        removed(folder)


def removed(folder: Path) -> None:
    subprocess.run(["chmod", "-R", "u+w", str(folder)], check=False, stderr=subprocess.DEVNULL)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def pc(installed: Windows) -> Iterator[Windows]:
    """Nothing was brought yet, and no Python is registered."""
    removed(installed.data)
    yield installed
    installed.forget_python()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def server(windows_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A loopback server with a stand-in for uv, as the variables that name it."""
    folder = tmp_path_factory.mktemp("served")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("uv.exe", python_program(windows_python, UV))
    (folder / "uv-x86_64-pc-windows-msvc.zip").write_bytes(archive.getvalue())
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        yield {
            "SDSETUP_UV_ADDRESS": f"http://127.0.0.1:{httpd.server_address[1]}",
            "SDSETUP_UV_SHA256": hashlib.sha256(archive.getvalue()).hexdigest(),
        }
        httpd.shutdown()
        thread.join()


@pytest.fixture
def ready(installed: Windows, server: dict[str, str]) -> Iterator[Windows]:
    """sdsetup was started before: there are an environment and the Python that was brought for it."""
    pc = Windows(installed.cmd, installed.python, DATA + " 2")
    needed = [pc.data / "app" / "stamp.txt", pc.data / "app" / "env" / "Scripts" / "python.exe", pc.data / "tools"]
    if not all(path.exists() for path in needed):
        removed(pc.data)
        started = pc.start(**server)
        assert started.rc == 0, repr(started)
    yield pc
    pc.forget_python()


def test_what_is_not_as_pinned_is_not_used(pc: Windows, server: dict[str, str]) -> None:
    wrong = {**server, "SDSETUP_UV_SHA256": "0" * 64}
    for env, words in [
        (wrong, "is not the expected one"),
        ({"SDSETUP_UV_ADDRESS": "http://127.0.0.1:1"}, "could not be downloaded"),
        ({"SDSETUP_UV_ADDRESS": "http://example.org"}, "not https"),
        ({"SDSETUP_UV_ADDRESS": "http://127.0.0.1:80@example.org"}, "not https"),
    ]:
        ended = pc.start(**env)
        assert (ended.rc, words in ended.err) == (1, True), repr(ended)
        assert not list(pc.data.glob("tools/uv-*/uv.exe"))


def test_the_window_stays_open_on_an_error_when_it_was_double_clicked(pc: Windows) -> None:
    env = {"SDSETUP_UV_ADDRESS": "http://127.0.0.1:1"}
    assert "Press any key" in pc.explorer(**env).out
    assert "Press any key" not in pc.start(**env).out


def test_a_stand_in_of_the_store_is_never_started(pc: Windows) -> None:
    """Not even one that would say the right thing; the same program elsewhere on PATH is asked."""
    for folder, words in [("Microsoft\\WindowsApps", "could not be downloaded"), ("Python", "was started")]:
        there = pc.data.parent / folder.replace("\\", "/")
        there.mkdir(parents=True, exist_ok=True)
        (there / "python.exe").write_bytes(python_program(pc.python, SUITS))
        ended = pc.start(WINEPATH=DATA.replace("sdsetup", folder), SDSETUP_UV_ADDRESS="http://127.0.0.1:1")
        assert (ended.rc, words in ended.err) == (1, True), repr(ended)


def in_a_console(pc: Windows, arguments: str, country: str | None, **env: str) -> str:
    """What a console shows: there a program has a code page, in a pipe of Wine's it has none."""
    line = f'C:\\windows\\system32\\cmd.exe /c ""{pc.bat}" {arguments}"'
    hidden = [name for name in os.environ if name.startswith("SDSETUP_")] + ["USERPROFILE", "TMPDIR"]
    env = pc.cmd.bench.wine_env({**pc.env, "BENCH_CMDLINE": line, **env}, hidden, country)
    child = pexpect.spawn(
        "wine", [str(LAB / "bin" / "rawrun.exe")], env=env, encoding="utf-8", timeout=100, dimensions=(50, 300)
    )
    child.expect(pexpect.EOF)
    return re.sub("\x1b\\[[0-9;?]*[A-Za-z]|[\x80-\x9f]", "", child.before).replace("\xa0", " ")


def as_wine_shows(words: str, encoding: str) -> str:
    """Wine's `for /f` takes each byte of a file for a letter, where Windows takes the console's code page."""
    return re.sub("[\x80-\x9f]", "", words.encode(encoding).decode("latin-1")).replace("\xa0", " ")


UNAVAILABLE = "Python 3.10 or newer was not found, and uv, which installs one, could not be downloaded."


@pytest.mark.parametrize(
    ("country", "arguments", "lang", "encoding"),
    [
        ("ru_RU", "install", "ru-RU", "cp866"),
        ("hi_IN", 'install --dir "D:\\a & b" --lang ru', "", "utf-8"),  # its consoles have code page 65001
        ("ru_RU", "install --lang=en", "ru", None),
        ("ru_RU", "install -- --lang ru", "", None),
        (None, "install", "ru", None),  # code page 437 has no such letters
    ],
)
def test_it_speaks_the_language_of_the_user(
    pc: Windows, country: str | None, arguments: str, lang: str, encoding: str | None
) -> None:
    env = {"SDSETUP_LANG": lang} if lang else {}
    shown = in_a_console(pc, arguments, country, SDSETUP_UV_ADDRESS="http://127.0.0.1:1", **env)
    assert (UNAVAILABLE in shown) == (encoding is None), shown
    if encoding:
        lines = (ROOT / "bootstrap" / "words" / "ru.65001.txt").read_text(encoding="utf-8").splitlines()
        translated = dict(line.split("=", 1) for line in lines)[UNAVAILABLE]
        assert as_wine_shows(translated, encoding) in shown, shown


def test_the_language_of_windows_counts_where_nobody_asked(pc: Windows) -> None:
    key = '"HKCU\\Control Panel\\Desktop" /v PreferredUILanguages'
    pc.reg(f"add {key} /t REG_MULTI_SZ /d ru-RU\\0en-US /f")
    shown = in_a_console(pc, "", "ru_RU", SDSETUP_UV_ADDRESS="http://127.0.0.1:1")
    pc.reg(f"delete {key} /f")
    assert as_wine_shows("прокси-сервер", "cp866") in shown, shown


PLANTED = (
    *(
        "py",
        "python",
        "python3",
        "git",
        "curl",
        "tar",
        "uv",
        "powershell",
        "where",
        "cmd",
        "reg",
        "certutil",
        "ver",
    ),
    *("find", "chcp.com", "python.bat", "py.cmd"),
)


@pytest.fixture
def witness(pc: Windows) -> Iterator[Path]:
    """Programs of all names that a starter could mean, beside sdsetup.bat and in a folder of its own."""
    seen = pc.project.parent / "ran.txt"
    seen.unlink(missing_ok=True)
    downloads = pc.project.parent / "Downloads"
    downloads.mkdir(exist_ok=True)
    ran = AT + "\\ran.txt"
    script = f"import sys\nopen({ran!r}, 'a', encoding='utf-8').write(repr(sys.argv))\nprint('suits')\n"
    files = [folder / name for folder in (pc.project, downloads) for name in PLANTED]
    files = [file if file.suffix else file.with_suffix(".exe") for file in files]
    for file in files:
        if file.suffix in (".bat", ".cmd"):
            file.write_text('@echo ran>"%~dp0..\\ran.txt"\n@echo suits\n')
        else:
            file.write_bytes(python_program(pc.python, script))
    (downloads / "uv.toml").write_text("planted")
    (pc.project / "uv.toml").write_text("planted")
    yield seen
    for file in files:
        file.unlink()
    (downloads / "uv.toml").unlink()
    (pc.project / "uv.toml").unlink()


def test_a_program_beside_it_or_in_the_current_folder_does_not_run(pc: Windows, witness: Path) -> None:
    beside = AT + "\\sdsetup"
    for cwd, path in [(AT + "\\Downloads", {}), (beside, {"WINEPATH": "."}), (beside, {"WINEPATH": beside + ";"})]:
        line = f'C:\\windows\\system32\\cmd.exe /c ""{pc.bat}" x"'
        refused = pc.cmd(line, cwd=cwd, **{**pc.env, "SDSETUP_UV_ADDRESS": "http://127.0.0.1:1", **path})
        assert (refused.rc, "could not be downloaded" in refused.err) == (1, True), repr(refused)
        assert not witness.exists(), witness.read_text()


def test_without_a_python_one_is_brought(pc: Windows, witness: Path, server: dict[str, str]) -> None:
    """And what lies beside sdsetup.bat does not run: not now, and not when all is there."""
    line = 'C:\\windows\\system32\\cmd.exe /c "sdsetup.bat install --dir "D:\\a b" --yes"'
    ended = pc.cmd(line, cwd=AT + "\\sdsetup", **{**pc.env, **server})
    assert ended.rc == 0, repr(ended)
    seen = json.loads(ended.out)
    assert (seen["args"], seen["command"]) == (["install", "--dir", "D:\\a b", "--yes"], "sdsetup.bat")
    assert "Downloading uv" in ended.err
    brought = sorted(path.name for path in (pc.data / "tools").iterdir())
    assert brought == ["python", "uv-0.13.0"]
    again = pc.cmd(line, cwd=AT + "\\sdsetup", **pc.env)
    assert (again.rc, again.err) == (0, ""), repr(again)
    assert json.loads(again.out)["full paths"]
    assert not witness.exists(), witness.read_text()


def test_the_second_start_costs_little(ready: Windows) -> None:
    def seconds(start: Any) -> float:
        began = time.monotonic()
        assert start().rc == 0
        return time.monotonic() - began

    ours = min(seconds(ready.start) for _ in range(3))
    python = f"{ready.data_dir}\\app\\env\\Scripts\\python.exe"
    bare = min(seconds(lambda: ready.cmd(f'"{python}" -I -c pass')) for _ in range(3))
    # cmd, its child for the question, and two Pythons, on a machine that may be busy; making it anew takes longer
    assert ours < 6 * bare + 2


def test_a_folder_for_sdsetup_may_be_given_in_quotes(ready: Windows) -> None:
    ended = ready.start(SDSETUP_DATA_DIR=f'"{ready.data_dir}"')
    assert (ended.rc, ended.err) == (0, ""), repr(ended)


def replaced(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path, Path], object]] = {
    "Lib is gone": lambda env, _: shutil.rmtree(env / "Lib"),
    "a file is empty": lambda env, _: replaced(env / "Lib" / "site-packages" / "sdsetup" / "__main__.py", b""),
    "its Python is empty": lambda env, _: replaced(env / "Scripts" / "python.exe", b""),
    "its Python ends with 7": lambda env, python: replaced(
        env / "Scripts" / "python.exe", python_program(python, "import sys\nsys.exit(7)")
    ),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_environment_heals_by_itself(ready: Windows, damage: Callable[[Path, Path], object]) -> None:
    damage(ready.data / "app" / "env", ready.python)
    healed = ready.start("x", SDSETUP_UV_ADDRESS="http://127.0.0.1:1")
    assert (healed.rc, healed.err.count("Preparing")) == (0, 1), repr(healed)
    assert json.loads(healed.out)["args"] == ["x"]


def test_exit_code_and_folder_are_passed_on_and_a_double_click_ends_with_a_pause(ready: Windows) -> None:
    ended = ready.start(CODE="130")
    assert (ended.rc, ended.err) == (130, "")
    assert json.loads(ended.out)["cwd"].lower() == "c:\\windows\\system32"
    clicked = ready.explorer()
    assert clicked.rc == 0
    assert json.loads(clicked.out.splitlines()[0])["cwd"] == AT + "\\sdsetup"
    assert "Press any key" in clicked.out


def test_a_registered_python_is_found_and_a_stale_key_is_not(ready: Windows) -> None:
    """Here the environment's own Python is gone, and so is the one that was brought."""
    (ready.data / "app" / "env" / "Scripts" / "python.exe").unlink()
    shutil.rmtree(ready.data / "tools")
    env = {"SDSETUP_UV_ADDRESS": "http://127.0.0.1:1"}
    ready.register_python("C:\\gone\\python.exe")
    assert "could not be downloaded" in ready.start(**env).err
    # reg prints in the console's code page, so this path has no foreign letters.
    registered = ready.project.parents[1] / "Python & (1)"
    registered.mkdir(exist_ok=True)
    (registered / "python.exe").write_bytes(python_program(ready.python, SUITS))
    path = AT.removesuffix("\\тест") + "\\Python & (1)\\python.exe"
    for written in (path, f'\\"{path}\\"', f'\\"{path}'):
        ready.register_python(written)
        ended = ready.start("--version", **env)
        assert (ended.rc, ended.err) == (1, "was started\n"), repr(ended)
    ready.register_python('C:\\gone\\" & echo ran>C:\\ran.txt & \\"python.exe'.replace("gone\\", "gone\\\\\\"))
    assert "could not be downloaded" in ready.start(**env).err
    assert not ready.cmd.bench.host_path("C:\\ran.txt").exists()


def test_a_file_started_out_of_the_zip_says_so(pc: Windows) -> None:
    alone = pc.cmd.bench.host_path("C:\\users\\Имя (1)\\AppData\\Local\\Temp\\x.zip")
    alone.mkdir(parents=True, exist_ok=True)
    shutil.copy(pc.project / "sdsetup.bat", alone)
    ended = pc.cmd.explorer("C:\\users\\Имя (1)\\AppData\\Local\\Temp\\x.zip\\sdsetup.bat", **pc.env)
    assert (ended.rc, "extract the whole .zip" in ended.err, "Press any key" in ended.out) == (1, True, True)
