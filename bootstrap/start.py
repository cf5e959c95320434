"""Starts sdsetup from its private environment, which it makes first, or makes anew after a change.

Run by sdsetup.bat and sdsetup.sh with any CPython >= 3.10 that can make environments:

    python -I bootstrap/start.py [arguments of sdsetup]

The environment lies in the platform's application folder, so this project's folder stays as it is. It gets
the packages of bootstrap/requirements.lock, each with its SHA-256, and then this project. A stamp beside it says
what it was made of and what lies in it; while both are unchanged a start costs a few milliseconds, and where
something in it is missing or cut it is made anew.
Nothing but the standard library is imported here.
"""

import os
import sys
from contextlib import contextmanager

PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WINDOWS = os.name == "nt"
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
# What an installed copy is made of.
LOCK = os.path.join("bootstrap", "requirements.lock")
PARTS = ("pyproject.toml", LOCK, "src", "profiles")
# Settings that would put the packages somewhere else than into our environment, or others than the locked ones.
FOREIGN = (
    *("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"),
    *("PIP_CONSTRAINT", "PIP_REQUIREMENT", "PIP_EDITABLE", "PIP_NO_BINARY", "PIP_ONLY_BINARY", "PIP_DRY_RUN"),
)
# Set from the making of an environment to its first start, so that one which stays damaged is not made for ever.
PREPARED = "SDSETUP_PREPARED"


def said(sentence: str, **values: object) -> str:
    """A sentence in the language of the user, from the catalogue that sdsetup itself will read."""
    import gettext

    locale = os.path.join(PROJECT, "src", "sdsetup", "locale")
    catalogue = gettext.translation("sdsetup", locale, language(), fallback=True)
    translated = catalogue.gettext(sentence)
    return translated.format(**values) if values else translated


def language() -> "list[str]":
    """What was asked for, else what the system speaks, as `sdsetup.cli.language` has it; English is in none."""
    words = sys.argv[1:]
    asked = [word[7:] for word in words if word.startswith("--lang=")]
    asked += [words[n + 1] for n, word in enumerate(words[:-1]) if word == "--lang"]
    asked += [os.environ.get("SDSETUP_LANG", "").strip()]
    if any(asked):
        return [next(filter(None, asked)).replace("-", "_")]
    if WINDOWS:
        import ctypes
        import locale

        return [locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage(), "en")]
    return [next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "en")]


class Stop(Exception):  # noqa: N818 - a sentence for the user, not a mistake
    """What happened, why, and what to do."""


def data_folder() -> str:
    """The folder that sdsetup itself uses for what it brings (storage.data_folder)."""
    env = os.environ
    if env.get("SDSETUP_DATA_DIR"):
        return env["SDSETUP_DATA_DIR"]
    home = os.path.expanduser("~")
    if not os.path.isabs(home):
        raise Stop(said("Home folder not found.\nwhy: HOME is not set\nfix: set HOME, then start again."))
    if WINDOWS:
        return os.path.join(env.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local"), "sdsetup")
    if sys.platform == "darwin":
        return os.path.join(home, "Library", "Application Support", "sdsetup")
    return os.path.join(env.get("XDG_DATA_HOME", "").strip() or os.path.join(home, ".local", "share"), "sdsetup")


def stamp_now(version: str) -> str:
    """One line for the environment's Python (3.12), and one for each file: its name, size and time."""
    lines = [f"python {version}", f"project {PROJECT}"]
    waiting = [os.path.join(PROJECT, part) for part in PARTS]
    while waiting:
        path = waiting.pop()
        if os.path.isdir(path):
            with os.scandir(path) as entries:
                found = [entry for entry in entries if entry.name != "__pycache__"]
            waiting += [entry.path for entry in found if entry.is_dir()]
            files = [(entry.path, entry.stat()) for entry in found if entry.is_file()]
        elif os.path.exists(path):
            files = [(path, os.stat(path))]
        else:
            raise Stop(
                said(
                    "A part of sdsetup's own folder is missing.\nwhere: {path}\n"
                    "fix: extract or clone the whole project again, then start it from there.",
                    path=path,
                )
            )
        lines += [f"{stat.st_size} {stat.st_mtime_ns} {file[len(PROJECT) + 1 :]}" for file, stat in files]
    return "\n".join(sorted(lines)) + "\n"


class Place:
    """The private environment and what lies beside it."""

    def __init__(self, data: str) -> None:
        self.folder = os.path.join(os.path.abspath(data), "app")
        self.env = os.path.join(self.folder, "env")
        self.stamp = os.path.join(self.folder, "stamp.txt")
        self.made = os.path.join(self.env, "made-by-sdsetup.txt")  # the first file in it
        self.log = os.path.join(self.folder, "preparing.log")
        self.python = os.path.join(self.env, *(("Scripts", "python.exe") if WINDOWS else ("bin", "python")))

    def said(self) -> "tuple[str, str]":
        """What the environment was made of, and what was in it then; empty where that is not known."""
        try:
            with open(self.stamp, encoding="utf-8", errors="surrogateescape") as file:
                made_of, _, content = file.read().partition(BETWEEN)
                return made_of, content
        except OSError:
            return "", ""

    def stamped(self, version: str) -> None:
        with open(self.stamp + ".part", "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(stamp_now(version) + BETWEEN + "\n".join(sorted(self.content())) + "\n")
        os.replace(self.stamp + ".part", self.stamp)

    def content(self) -> "set[str]":
        """A line for each file in the environment. Links count as they are, not as what they lead to."""
        lines, waiting = set(), [self.env]
        while waiting:
            try:
                with os.scandir(waiting.pop()) as entries:
                    for entry in entries:
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(entry.path)
                            continue
                        stat = entry.stat(follow_symlinks=False)
                        lines.add(f"{stat.st_size} {stat.st_mtime_ns} {entry.path[len(self.env) + 1 :]}")
            except OSError:
                continue  # what cannot be looked at is not as it was
        return lines

    def whole(self) -> bool:
        """Is everything still there that was put into it? What came later does not count."""
        was = self.said()[1].splitlines()
        return bool(was) and self.content().issuperset(was)

    def inside(self) -> bool:
        """Is this very Python the environment's?"""
        return os.path.normcase(os.path.realpath(sys.prefix)) == os.path.normcase(os.path.realpath(self.env))


# Between the two parts of a stamp.
BETWEEN = "--- the environment ---\n"


def main(arguments: "list[str]") -> int:
    try:
        place = Place(data_folder())
    except Stop as stop:
        tell(str(stop))
        return 1
    try:
        if not place.inside() or place.said()[0] != stamp_now(VERSION) or not place.whole():
            if WINDOWS and place.inside():
                # A running python.exe cannot be replaced: its base does this, and starts the new one.
                return wait_for([base_python(place), "-I", os.path.abspath(__file__), *arguments])
            if os.environ.pop(PREPARED, None):
                raise Stop(
                    said(
                        "sdsetup's environment changed right after it was created.\nwhere: {path}\n"
                        "why: another program, such as an antivirus, removes files there\n"
                        "fix: add that folder to your antivirus exclusions, then start again.",
                        path=place.env,
                    )
                )
            prepare(place)
            os.environ[PREPARED] = "1"
            # In a new process, even where this is the environment's: it began before the packages were there.
            return go_on_in(place.python, arguments)
    except Stop as stop:
        tell(str(stop))
        return 1
    except OSError as error:
        tell(
            said(
                "sdsetup could not be started: {error}\nwhere: {path}\n"
                "fix: free up disk space or unlock that folder.",
                error=error,
                path=place.folder,
            )
        )
        return 1
    except KeyboardInterrupt:
        tell(said("Stopped. Run the same command again to continue."))
        return 130
    if place.inside():
        return run_here(place, arguments)
    return go_on_in(place.python, arguments)


def go_on_in(python: str, arguments: "list[str]") -> int:
    """This file again, in another Python."""
    command = [python, "-I", os.path.abspath(__file__), *arguments]
    if not WINDOWS:
        os.execv(python, command)
    return wait_for(command)


def run_here(place: Place, arguments: "list[str]") -> int:
    try:
        from sdsetup.__main__ import main as sdsetup
    except Exception:
        # Damage that leaves size and time of a file as they were: after a power cut it may be all zeros.
        if os.environ.get(PREPARED):
            raise
        python = base_python(place)
        remove(place.stamp)
        return go_on_in(python, arguments)
    os.environ.pop(PREPARED, None)
    sys.argv = ["sdsetup", *arguments]
    sdsetup()
    return 0


def wait_for(command: "list[str]") -> int:
    """Windows has no exec: the child works, and Ctrl+C is its to answer."""
    import signal
    import subprocess

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return subprocess.call(command)


# --- preparing ---


def prepare(place: Place) -> None:
    """Make the environment whole. The stamp goes first and comes last, so half made never counts as made."""
    os.makedirs(place.folder, exist_ok=True)
    with one_at_a_time(os.path.join(place.folder, "lock")):
        version = version_in(place) if place.whole() else ""
        if version and place.said()[0] == stamp_now(version):
            return  # whole already; another start may have done it while we waited
        stamp_now(version)  # a part of the project that is missing is told before anything is removed
        base = base_python(place)
        remove(place.stamp)
        tell(
            said("Updating sdsetup.")
            if version
            else said("Preparing sdsetup. This happens once and takes about a minute.")
        )
        with open(place.log, "w", encoding="utf-8", errors="backslashreplace") as log:
            if not version:
                make(place, base, log)
            install(place, log)
        place.stamped(version_in(place))


def version_in(place: Place) -> str:
    """The version of the environment's Python, "" where it does not start (or its base was updated away)."""
    import subprocess

    ask = "import pip, sys; print(f'{sys.version_info[0]}.{sys.version_info[1]}')"
    try:
        asked = subprocess.run([place.python, "-I", "-c", ask], capture_output=True, stdin=subprocess.DEVNULL)
    except OSError:
        return ""
    return asked.stdout.decode("ascii", "replace").strip() if asked.returncode == 0 else ""


def base_python(place: Place) -> str:
    """This Python, or the one that the environment was made with when it is the environment's."""
    base = getattr(sys, "_base_executable", None) or sys.executable
    if os.path.normcase(base).startswith(os.path.normcase(place.env) + os.sep):
        base = os.path.realpath(base)  # an environment that lost its pyvenv.cfg takes itself for a base
    return base


def make(place: Place, base: str, log) -> None:  # type: ignore[no-untyped-def]
    make_room(place)
    os.makedirs(place.env)
    with open(place.made, "w", encoding="utf-8") as file:
        file.write("This environment belongs to sdsetup, which recreates it when needed.\n")
    command = [base, "-I", "-X", "utf8", "-m", "venv", place.env]
    if logged(command, place.folder, log) != 0:
        raise Stop(
            said(
                "sdsetup's own Python environment could not be created.\nwhere: {path}\nwhy: {why}\n"
                "fix: start again. If that fails, install Python 3.10 or newer from python.org.\nlog: {log}",
                path=place.env,
                why=reason(place.log),
                log=place.log,
            )
        )


def make_room(place: Place) -> None:
    """An earlier environment of ours goes; anything else that stands at its place is moved aside."""
    import contextlib
    import glob

    for old in glob.glob(glob.escape(place.env) + ".old-*"):
        with contextlib.suppress(OSError):  # one that still runs
            os.unlink(old)
    if not os.path.lexists(place.env):
        return
    ours = os.path.isfile(place.made) and not os.path.islink(place.env)
    if ours or (os.path.isdir(place.env) and not os.listdir(place.env)):
        remove(place.env)
        return
    number = 1
    while os.path.lexists(f"{place.env}-set-aside-{number}"):
        number += 1
    os.rename(place.env, f"{place.env}-set-aside-{number}")
    aside = f"{place.env}-set-aside-{number}"
    tell(said("A folder that sdsetup did not create was in the way and was moved to {path}", path=aside))


def remove(path: str) -> None:
    """Remove a file or folder of ours: read-only files too, and files that a virus scanner still holds."""
    import shutil
    import stat
    import time

    top = path

    def again(do, path, _error):  # type: ignore[no-untyped-def]
        for pause in (0.2, 0.5, 1.0, None):
            try:
                # Removing needs the right to write the folder, and on Windows the file.
                os.chmod(os.path.dirname(path), stat.S_IRWXU)
                os.chmod(path, stat.S_IRWXU)
                do(path)
                break
            except FileNotFoundError:
                break
            except OSError:
                if pause is None:
                    if not WINDOWS or os.path.isdir(path):
                        raise
                    # A program that runs, such as the damaged environment's own, can be renamed but not removed.
                    os.rename(path, f"{top}.old-{os.getpid()}-{os.path.basename(path)}")
                    break
                time.sleep(pause)

    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, onerror=again)
    elif os.path.lexists(path):
        os.unlink(path)


def install(place: Place, log) -> None:  # type: ignore[no-untyped-def]
    """pip, with whatever configuration the user has: index, proxy, certificates.

    First the locked packages, wheels only: nothing of theirs runs while it is installed. Then the project,
    with what it is built with from among them, so that nothing else is fetched.
    """
    pip = [place.python, "-I", "-X", "utf8", "-m", "pip", "install", "--upgrade", "--no-user", "--no-deps"]
    pip += ["--no-input", "--disable-pip-version-check", "--no-warn-script-location", "--progress-bar", "off"]
    lock = os.path.join(PROJECT, LOCK)
    for what in (
        ["--require-hashes", "--only-binary", ":all:", "--requirement", lock],
        ["--no-build-isolation", address_of(PROJECT)],
    ):
        if logged([*pip, *what], place.folder, log) != 0:
            raise Stop(
                said(
                    "The packages that sdsetup needs could not be installed.\nwhere: {path}\nwhy: {why}\n"
                    "fix: check your internet connection (and proxy), then start again.\nlog: {log}",
                    path=place.env,
                    why=reason(place.log),
                    log=place.log,
                )
            )


def address_of(folder: str) -> str:
    """file:..., because in a plain path pip takes [x] and ; for parts of a requirement."""
    from pathlib import Path

    return Path(folder).as_uri()


def logged(command: "list[str]", folder: str, log) -> int:  # type: ignore[no-untyped-def]
    """Runs in a folder of ours: a program that lies in the user's must not be taken for one of the system."""
    import subprocess

    env = {name: value for name, value in os.environ.items() if name.upper() not in FOREIGN}
    env["PYTHONUTF8"] = "1"
    env["PIP_REQUIRE_HASHES"] = "0"  # where it matters it is asked for; a folder has no hash
    log.write("+ " + " ".join(command) + "\n")
    with subprocess.Popen(
        command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            log.write(line.decode("utf-8", "replace").rstrip() + "\n")
    log.flush()
    return child.returncode


# What pip says -> what it means.
CAUSES = {
    "DO NOT MATCH THE HASHES": "a downloaded package has the wrong SHA-256 and was not used",
    "CERTIFICATE_VERIFY_FAILED": "the server's certificate is not trusted: something inspects the connection",
    "407 ": "the proxy requires a user name and password",
    "ProxyError": "the proxy can't be reached",
    "No space left": "the disk is full",
    "[Errno 28]": "the disk is full",
    "getaddrinfo failed": "no connection to the package index",
    "Name or service not known": "no connection to the package index",
    "nodename nor servname": "no connection to the package index",
    "Temporary failure in name resolution": "no connection to the package index",
    "Failed to establish a new connection": "no connection to the package index",
    "Read timed out": "the package index responds too slowly",
}


def reason(path: str) -> str:
    """Why it failed: a known cause, or the first line of the log that names an error."""
    with open(path, encoding="utf-8") as file:
        lines = [line.strip() for line in file if line.strip() and not line.startswith("+ ")]
    for sign in CAUSES:
        if any(sign in line for line in lines):
            return said(CAUSES[sign])
    for sign in ("ERROR: ", "Error: ", "OSError", "PermissionError", "error: "):
        named = [line for line in lines if line.startswith(sign)]
        if named:
            return named[0].removeprefix("ERROR: ")[:300]
    return lines[-1][:300] if lines else said("no reason was given")


@contextmanager
def one_at_a_time(path: str):  # type: ignore[no-untyped-def]
    """A lock that ends with its process, however that ends."""
    with open(path, "a+b") as file:
        told = False
        while not locked(file):
            if not told:
                tell(said("Another window is preparing sdsetup. Waiting for it to finish."))
                told = True
            import time

            time.sleep(0.5)
        yield


def locked(file) -> bool:  # type: ignore[no-untyped-def]
    try:
        if WINDOWS:
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def tell(text: str) -> None:
    """To stderr, in letters that every console and pipe can take."""
    encoding = getattr(sys.stderr, "encoding", None) or "ascii"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:  # code pages have no typographic marks
        text = text.translate(str.maketrans("«»–—", '""--'))
    sys.stderr.write(text.encode(encoding, "replace").decode(encoding) + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
