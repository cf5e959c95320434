"""sdsetup.sh as a person meets it: from anywhere, with a Python and without, twice, after a change."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import os
import platform
import pwd
import shutil
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import small_project
from small_project import PROJECT, ROOT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="sdsetup.sh is for Linux and macOS")


class Bench:
    def __init__(self, folder: Path) -> None:
        self.project = folder / "мой project; (1) & 'co' 100% ! ^ $(x) [x]"
        small_project.write(self.project)
        self.home = folder / "home of Имя; [x] %A%"
        self.home.mkdir()
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.cwd = folder
        tools = "sh bash env dirname readlink uname id cut mkdir rm mv ln cat tar gzip"
        tools += " sha256sum shasum openssl curl wget"
        for tool in tools.split():
            if there := shutil.which(tool):
                (self.bin / tool).symlink_to(there)
        self.data = (
            self.home / ("Library/Application Support" if sys.platform == "darwin" else ".local/share") / "sdsetup"
        )

    def with_python(self, name: str = "python3") -> None:
        # The interpreter itself: this test may run in an environment, which is no base for another.
        (self.bin / name).symlink_to(Path(getattr(sys, "_base_executable", sys.executable)).resolve())

    def start(self, *args: str, file: str | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        everything = {"PATH": str(self.bin), "HOME": str(self.home), "PIP_NO_INDEX": "1", **env}
        command = [file or str(self.project / "sdsetup.sh"), *args]
        return subprocess.run(
            command, cwd=self.cwd, env=everything, capture_output=True, encoding="utf-8", timeout=100
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Started once, with pip settings that would put the packages beside the environment."""
    bench = Bench(tmp_path_factory.mktemp("ready"))
    bench.with_python()
    first = bench.start(PIP_USER="1", PIP_TARGET=str(bench.cwd / "elsewhere"), PYTHONPATH="/nowhere")
    assert (first.returncode, first.stderr.count("Preparing sdsetup")) == (0, 1), first.stderr
    assert not (bench.cwd / "elsewhere").exists()
    names = {path.name for path in bench.project.iterdir()} - {"__pycache__"}
    assert names == {"bootstrap", "sdsetup.sh", "sdsetup.bat", *(name.split("/")[0] for name in PROJECT)}
    return bench


def test_arguments_folder_and_exit_code_are_passed_on(ready: Bench) -> None:
    started = ready.start("install", "--dir", "a b", "*", 'q"uote', CODE="130")
    assert json.loads(started.stdout) == {
        "cwd": str(ready.cwd),
        "args": ["install", "--dir", "a b", "*", 'q"uote'],
        "prefix": str(ready.data / "app" / "env"),
        "command": str(ready.project / "sdsetup.sh"),
        "full paths": False,
    }
    assert (started.returncode, started.stderr) == (130, "")


def test_the_second_start_costs_little(ready: Bench) -> None:
    def seconds(*command: str) -> float:
        began = time.monotonic()
        subprocess.run(
            command, check=True, capture_output=True, env={"HOME": str(ready.home), "PATH": str(ready.bin)}
        )
        return time.monotonic() - began

    python = str(ready.data / "app" / "env" / "bin" / "python")
    ours = min(seconds(str(ready.project / "sdsetup.sh")) for _ in range(3))
    assert ours < min(seconds(python, "-I", "-c", "pass") for _ in range(3)) + 1


def test_it_can_be_started_through_a_link(ready: Bench) -> None:
    (ready.cwd / "one").symlink_to("two")
    (ready.cwd / "two").symlink_to(ready.project / "sdsetup.sh")
    seen = json.loads(ready.start("x", file="./one").stdout)
    assert (seen["args"], seen["command"]) == (["x"], "./one")


def test_a_change_in_the_project_is_taken_up(ready: Bench) -> None:
    main = ready.project / "src/sdsetup/__main__.py"
    main.write_text("def main():\n    print('changed')\n")
    changed = ready.start()
    assert (changed.stdout, changed.stderr) == ("changed\n", "Updating sdsetup.\n")
    assert ready.start().stderr == ""
    main.write_text(PROJECT["src/sdsetup/__main__.py"])


def test_a_failed_installation_says_why_and_the_next_start_goes_on(ready: Bench) -> None:
    lock = ready.project / "bootstrap" / "requirements.lock"
    lock.write_text(f"not-on-any-index==1 --hash=sha256:{'0' * 64}\n")
    failed = ready.start()
    assert failed.returncode == 1
    for part in ("could not be installed", "where: ", "why: ", "fix: ", "log: "):
        assert part in failed.stderr
    lock.write_text("")
    assert ready.start().returncode == 0


def test_an_environment_whose_python_went_away_is_made_anew(ready: Bench) -> None:
    """As after an update of the system: the links lead nowhere."""
    for python in (ready.data / "app" / "env" / "bin").glob("python*"):
        python.unlink()
        python.symlink_to("/gone/python")
    again = ready.start()
    assert (again.returncode, again.stderr.count("Preparing")) == (0, 1)


def site_packages(env: Path) -> Path:
    return next((env / "lib").glob("python3*/site-packages"))


def replaced(path: Path, content: str, mode: int = 0o755) -> None:
    path.unlink()
    path.write_text(content)
    path.chmod(mode)


def zeroed(path: Path) -> None:
    """As after a power cut: the size and the time are right, the content is not."""
    stat = path.stat()
    path.write_bytes(bytes(stat.st_size))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def zeroed_with_its_cache(path: Path) -> None:
    for each in (path, *(path.parent / "__pycache__").glob(f"{path.stem}.*")):
        zeroed(each)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "lib is gone": lambda env: shutil.rmtree(env / "lib"),
    "bin is gone": lambda env: shutil.rmtree(env / "bin"),
    "a package is gone": lambda env: shutil.rmtree(site_packages(env) / "sdsetup"),
    "a file of a package is empty": lambda env: replaced(site_packages(env) / "sdsetup" / "__main__.py", ""),
    "a file of pip is empty": lambda env: replaced(site_packages(env) / "pip" / "__main__.py", ""),
    "a file is all zeros": lambda env: zeroed_with_its_cache(site_packages(env) / "sdsetup" / "__main__.py"),
    "its Python is empty": lambda env: replaced(env / "bin" / "python", ""),
    "its Python may not run": lambda env: replaced(env / "bin" / "python", "x", 0o644),
    "its Python ends with 7": lambda env: replaced(env / "bin" / "python", "#!/bin/sh\nexit 7\n"),
    "its Python dies": lambda env: replaced(env / "bin" / "python", "#!/bin/sh\nkill -9 $$\n"),
    "pyvenv.cfg is gone": lambda env: (env / "pyvenv.cfg").unlink(),
    "pyvenv.cfg is empty": lambda env: replaced(env / "pyvenv.cfg", ""),
    "pyvenv.cfg leads nowhere": lambda env: replaced(env / "pyvenv.cfg", "home = /gone\nversion = 3.9\n"),
    "the stamp is cut": lambda env: replaced(env.parent / "stamp.txt", "python 3"),
    "the stamp is no text": lambda env: (env.parent / "stamp.txt").write_bytes(b"\xff\0" * 99),
    "the stamp is a folder": lambda env: ((env.parent / "stamp.txt").unlink(), (env.parent / "stamp.txt").mkdir()),
}


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_environment_heals_by_itself(ready: Bench, damage: Callable[[Path], object]) -> None:
    damage(ready.data / "app" / "env")
    healed = ready.start("x")
    assert (healed.returncode, healed.stderr.count("Preparing")) == (0, 1), healed.stderr
    assert json.loads(healed.stdout)["args"] == ["x"]
    assert ready.start().stderr == ""


def test_a_mistake_in_the_project_itself_is_shown_and_not_tried_for_ever(ready: Bench) -> None:
    main = ready.project / "src/sdsetup/__main__.py"
    main.write_text("import not_anywhere\n")
    ended = ready.start()
    assert (ended.returncode, "not_anywhere" in ended.stderr) == (1, True)
    main.write_text(PROJECT["src/sdsetup/__main__.py"])
    assert ready.start().returncode == 0


def test_an_environment_that_is_not_ours_is_moved_aside(bench: Bench) -> None:
    bench.with_python()
    theirs = bench.data / "app" / "env" / "mine.txt"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("keep")
    started = bench.start()
    assert started.returncode == 0, started.stderr
    assert (bench.data / "app" / "env-set-aside-1" / "mine.txt").read_text() == "keep"
    assert "env-set-aside-1" in started.stderr


def test_a_part_of_the_project_that_is_missing_is_named(bench: Bench) -> None:
    bench.with_python()
    (bench.project / "bootstrap" / "requirements.lock").unlink()
    failed = bench.start()
    assert failed.returncode == 1
    assert "is missing" in failed.stderr and "requirements.lock" in failed.stderr and "fix: " in failed.stderr


def test_a_package_that_is_not_the_locked_one_is_not_installed(bench: Bench, tmp_path: Path) -> None:
    bench.with_python()
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    wheel = shelf / "needed-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as packed:
        packed.writestr("needed.py", "")
        meta = "needed-1.dist-info"
        packed.writestr(f"{meta}/METADATA", "Metadata-Version: 2.1\nName: needed\nVersion: 1\n")
        packed.writestr(f"{meta}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        packed.writestr(f"{meta}/RECORD", "needed.py,,\n")
    lock = bench.project / "bootstrap" / "requirements.lock"
    lock.write_text(f"needed==1 --hash=sha256:{'0' * 64}\n")
    failed = bench.start(PIP_FIND_LINKS=str(shelf))
    assert failed.returncode == 1
    assert "SHA-256" in failed.stderr
    lock.write_text("needed==1\n")
    assert bench.start(PIP_FIND_LINKS=str(shelf)).returncode == 1
    lock.write_text(f"needed==1 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    assert bench.start(PIP_FIND_LINKS=str(shelf)).returncode == 0
    assert (site_packages(bench.data / "app" / "env") / "needed.py").exists()


@pytest.mark.parametrize("path", [":{bin}", ".:{bin}", "{bin}:", "tools:{bin}", "./tools/../:{bin}::."])
def test_what_lies_in_the_current_folder_is_not_started(bench: Bench, path: str) -> None:
    bench.with_python()
    witness = bench.cwd / "planted-ran"
    names = "python python3 python3.10 python3.11 python3.12 git curl tar uv readlink dirname uname id sha256sum"
    for folder in (bench.cwd, bench.project, bench.cwd / "tools"):
        folder.mkdir(exist_ok=True)
        for name in names.split():
            (folder / name).write_text(f"#!/bin/sh\n: >'{witness}'\nexit 1\n")
            (folder / name).chmod(0o755)
    started = bench.start(PATH=path.format(bin=bench.bin))
    assert (started.returncode, witness.exists()) == (0, False), started.stderr


@pytest.mark.parametrize("home", [None, ""])
def test_without_a_home_the_system_is_asked_for_it(bench: Bench, home: str | None) -> None:
    bench.with_python()
    (bench.bin / "id").unlink()
    (bench.bin / "id").write_text("#!/bin/sh\necho 'no such user'\n")
    (bench.bin / "id").chmod(0o755)
    env = {"PATH": str(bench.bin)} if home is None else {"PATH": str(bench.bin), "HOME": home}
    command = [str(bench.project / "sdsetup.sh")]
    failed = subprocess.run(command, cwd=bench.cwd, env=env, capture_output=True, encoding="utf-8")
    assert (failed.returncode, "Home folder not found" in failed.stderr) == (1, True)
    (bench.bin / "id").write_text("#!/bin/sh\necho root\n")
    (bench.bin / "uname").unlink()  # the folder is decided before; this ends it
    text = (
        (bench.project / "sdsetup.sh").read_text().replace("python=$data/app", 'echo "$data"; exit 0; x=$data/app')
    )
    (bench.project / "sdsetup.sh").write_text(text)
    told = subprocess.run(command, cwd=bench.cwd, env=env, capture_output=True, encoding="utf-8")
    assert told.stdout.startswith(pwd.getpwnam("root").pw_dir + "/")


def test_two_starts_at_once_prepare_once(ready: Bench) -> None:
    os.utime(ready.project / "pyproject.toml")
    said: list[subprocess.CompletedProcess[str]] = []
    both = [threading.Thread(target=lambda: said.append(ready.start())) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert [one.returncode for one in said] == [0, 0]
    assert "".join(one.stderr for one in said).count("Updating sdsetup") == 1


def test_a_file_without_its_folder_says_so(bench: Bench) -> None:
    shutil.rmtree(bench.project / "bootstrap")
    alone = bench.start()
    assert (alone.returncode, "without the rest of its folder" in alone.stderr) == (1, True)


# --- without a Python ---

STAND_IN = """#!/bin/sh
[ "$1 $2 $3" = "python install 3.10" ] && [ ! -e uv.toml ] || exit 9
place=$UV_PYTHON_INSTALL_DIR/cpython-3.10.99-some-system/bin
mkdir -p "$place"
ln -s "{python}" "$place/python3"
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(bench: Bench, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A loopback server with a stand-in for uv: its address and the archive's SHA-256."""
    machine = {"x86_64": "x86_64", "amd64": "x86_64"}.get(platform.machine().lower(), "aarch64")
    name = f"uv-{machine}-" + ("apple-darwin" if sys.platform == "darwin" else "unknown-linux-gnu")
    content = tmp_path / "served" / name
    content.mkdir(parents=True)
    python = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    (content / "uv").write_text(STAND_IN.format(python=python))
    (content / "uv").chmod(0o755)
    archive = content.parent / f"{name}.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(content, name)
    handler = functools.partial(Quiet, directory=str(content.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}", hashlib.sha256(archive.read_bytes()).hexdigest()
        httpd.shutdown()
        thread.join()


def test_without_a_python_one_is_brought(bench: Bench, server: tuple[str, str]) -> None:
    # Debian's python3 without python3-venv, a shim of pyenv, an old one: passed by.
    (bench.bin / "python3").write_text("#!/bin/sh\nexit 1\n")
    (bench.bin / "python3").chmod(0o755)
    (bench.cwd / "uv.toml").write_text('python-install-mirror = "https://planted.example"')
    address, sha256 = server
    told = bench.start("--version", SDSETUP_UV_ADDRESS=address, SDSETUP_UV_SHA256=sha256)
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["args"] == ["--version"]
    tools = bench.data / "tools"
    assert sorted(path.name for path in tools.iterdir()) == ["python", "uv-0.13.0"]
    # Brought once: the server is not asked again, even for a new environment.
    shutil.rmtree(bench.data / "app")
    assert bench.start(SDSETUP_UV_ADDRESS="http://127.0.0.1:1").returncode == 0


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"SDSETUP_UV_SHA256": "0" * 64}, "is not the expected one"),
        ({"SDSETUP_UV_ADDRESS": "http://127.0.0.1:1"}, "could not be downloaded"),
        ({"SDSETUP_UV_ADDRESS": "http://example.org"}, "not https"),
        ({"SDSETUP_UV_ADDRESS": "http://127.0.0.1:80@example.org"}, "contains a user name"),
    ],
)
def test_what_is_not_as_pinned_is_not_used(
    bench: Bench, server: tuple[str, str], env: dict[str, str], words: str
) -> None:
    failed = bench.start(**{"SDSETUP_UV_ADDRESS": server[0], "SDSETUP_UV_SHA256": server[1], **env})
    assert failed.returncode == 1
    assert words in failed.stderr
    assert "why: " in failed.stderr and "fix: " in failed.stderr
    assert not list((bench.data / "tools").glob("**/uv")) if bench.data.exists() else True


RUSSIAN = "прокси-сервер"


@pytest.mark.parametrize(
    ("arguments", "env", "wanted"),
    [
        ([], {"LANG": "ru_RU.UTF-8"}, RUSSIAN),
        ([], {"LC_ALL": "en_US.UTF-8", "LANG": "ru_RU.UTF-8"}, "proxy"),
        ([], {"SDSETUP_LANG": "ru", "LC_ALL": "C"}, RUSSIAN),
        (["--lang", "en"], {"SDSETUP_LANG": "ru"}, "proxy"),
        (["doctor", "--lang=ru-RU"], {}, RUSSIAN),
        (["--", "--lang=ru"], {}, "proxy"),
        ([], {"LANG": "ru_RU.KOI8-R"}, "proxy"),
        ([], {"LANG": "ja_JP.UTF-8"}, "proxy"),
        ([], {"SDSETUP_LANG": "../../x"}, "proxy"),
    ],
)
def test_it_speaks_the_language_of_the_user(
    bench: Bench, arguments: list[str], env: dict[str, str], wanted: str
) -> None:
    told = bench.start(*arguments, SDSETUP_UV_ADDRESS="http://127.0.0.1:1", **env)
    assert told.returncode == 1
    assert wanted in told.stderr
    assert (RUSSIAN in told.stderr) == (wanted == RUSSIAN)


def test_both_starters_pin_the_same_release() -> None:
    sh = (ROOT / "sdsetup.sh").read_text()
    bat = (ROOT / "sdsetup.bat").read_bytes()
    version = sh.split("uv_version=")[1].split()[0]
    assert f'/download/{version}"'.encode() in bat
    assert f'"boot_uv_version={version}"'.encode() in bat
    assert bat.isascii()
    assert bat.count(b"\n") == bat.count(b"\r\n")
    for mirror in (f"/{version}/uv-x86_64-pc-windows-msvc.zip".encode() in bat, "releases.astral.sh" in sh):
        assert mirror  # a second address, of the same release
