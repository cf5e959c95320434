"""Starts sdsetup from its private environment, which it makes first, or makes anew after a change.

Run by sdsetup.bat and sdsetup.sh with any CPython >= 3.10 that can make environments:

    python -I bootstrap/start.py [arguments of sdsetup]

The environment lies in the platform's application folder, so this project's folder stays as it is.
A stamp beside it says what it was made of; while that is unchanged a start costs a few milliseconds.
Nothing but the standard library is imported here.
"""

import os
import sys
from contextlib import contextmanager

PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WINDOWS = os.name == "nt"
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
# What an installed copy is made of.
PARTS = ("pyproject.toml", "src", "profiles")
# pip settings that would put the packages somewhere else than into our environment.
FOREIGN = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")


class Stop(Exception):  # noqa: N818 - a sentence for the person, not a mistake
    """What happened, why, and what to do."""


def data_folder() -> str:
    """The folder that sdsetup itself uses for what it brings (storage.data_folder)."""
    env = os.environ
    if env.get("SDSETUP_DATA_DIR"):
        return env["SDSETUP_DATA_DIR"]
    home = os.path.expanduser("~")
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
        else:
            files = [(path, os.stat(path))]
        lines += [f"{stat.st_size} {stat.st_mtime_ns} {file[len(PROJECT) + 1 :]}" for file, stat in files]
    return "\n".join(sorted(lines)) + "\n"


class Place:
    """The private environment and what lies beside it."""

    def __init__(self, data: str) -> None:
        self.folder = os.path.join(data, "app")
        self.env = os.path.join(self.folder, "env")
        self.stamp = os.path.join(self.folder, "stamp.txt")
        self.made = os.path.join(self.env, "made-by-sdsetup.txt")  # written when the empty environment is whole
        self.log = os.path.join(self.folder, "preparing.log")
        self.python = os.path.join(self.env, *(("Scripts", "python.exe") if WINDOWS else ("bin", "python")))

    def said(self) -> str:
        try:
            with open(self.stamp, encoding="utf-8", errors="surrogateescape") as file:
                return file.read()
        except OSError:
            return ""

    def inside(self) -> bool:
        """Is this very Python the environment's?"""
        return os.path.normcase(os.path.realpath(sys.prefix)) == os.path.normcase(os.path.realpath(self.env))


def main(arguments: "list[str]") -> int:
    place = Place(data_folder())
    try:
        if not place.inside() or place.said() != stamp_now(VERSION):
            if WINDOWS and place.inside():
                # A running python.exe cannot be replaced: its base does this, and starts the new one.
                return wait_for([base_python(), "-I", os.path.abspath(__file__), *arguments])
            prepare(place)
    except Stop as stop:
        tell(str(stop))
        return 1
    except OSError as error:
        tell(
            f"sdsetup could not be started: {error}\nwhere: {place.folder}\nfix: free space or unlock that folder."
        )
        return 1
    except KeyboardInterrupt:
        tell("Stopped. The same command goes on.")
        return 130
    if place.inside():
        return run_here(arguments)
    command = [place.python, "-I", os.path.abspath(__file__), *arguments]
    if not WINDOWS:
        os.execv(place.python, command)
    return wait_for(command)


def run_here(arguments: "list[str]") -> int:
    from sdsetup.__main__ import main as sdsetup

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
        version = version_in(place)
        if version and place.said() == stamp_now(version):
            return  # whole already; another start may have done it while we waited
        if os.path.exists(place.stamp):
            os.unlink(place.stamp)
        tell("Updating sdsetup." if version else "Preparing sdsetup. This happens once and takes about a minute.")
        with open(place.log, "w", encoding="utf-8", errors="backslashreplace") as log:
            if not version:
                make(place, log)
            install(place, log)
        with open(place.stamp + ".part", "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(stamp_now(version_in(place)))
        os.replace(place.stamp + ".part", place.stamp)


def version_in(place: Place) -> str:
    """The version of the environment's Python, "" where it is not whole (or its base was updated away)."""
    import subprocess

    if not os.path.exists(place.made) or not os.path.exists(place.python):
        return ""
    ask = "import pip, sys; print(f'{sys.version_info[0]}.{sys.version_info[1]}')"
    asked = subprocess.run([place.python, "-I", "-c", ask], capture_output=True)
    return asked.stdout.decode().strip() if asked.returncode == 0 else ""


def base_python() -> str:
    """This Python, or the one that the environment was made with when it is the environment's."""
    return getattr(sys, "_base_executable", None) or sys.executable


def make(place: Place, log) -> None:  # type: ignore[no-untyped-def]
    clear(place.env)
    command = [base_python(), "-I", "-X", "utf8", "-m", "venv", place.env]
    if logged(command, log) != 0:
        raise Stop(
            f"The private Python environment could not be made.\nwhere: {place.env}\nwhy: {reason(place.log)}\n"
            f"fix: start again; if it stays so, install Python 3.10 or newer from python.org.\nlog: {place.log}"
        )
    with open(place.made, "w", encoding="utf-8") as file:
        file.write("This environment belongs to sdsetup, which makes it anew when needed.\n")


def clear(folder: str) -> None:
    """Remove an environment that is not whole: read-only files too, and files that a virus scanner still holds."""
    import shutil
    import stat
    import time

    def again(remove, path, _error):  # type: ignore[no-untyped-def]
        for pause in (0.2, 0.5, 1.0, None):
            try:
                os.chmod(path, stat.S_IRWXU)
                remove(path)
                break
            except FileNotFoundError:
                break
            except OSError:
                if pause is None:
                    raise
                time.sleep(pause)

    if os.path.isdir(folder):
        shutil.rmtree(folder, onerror=again)


def install(place: Place, log) -> None:  # type: ignore[no-untyped-def]
    """pip, with whatever configuration the person has: index, proxy, certificates."""
    options = ["--no-input", "--disable-pip-version-check", "--no-warn-script-location", "--progress-bar", "off"]
    command = [
        place.python,
        "-I",
        "-X",
        "utf8",
        "-m",
        "pip",
        "install",
        "--no-user",
        "--upgrade",
        *options,
        PROJECT,
    ]
    if logged(command, log) != 0:
        raise Stop(
            f"The packages that sdsetup needs could not be installed.\nwhere: {place.env}\n"
            f"why: {reason(place.log)}\n"
            "fix: check the connection (and the proxy, if there is one), then start again.\n"
            f"log: {place.log}"
        )


def logged(command: "list[str]", log) -> int:  # type: ignore[no-untyped-def]
    import subprocess

    env = {name: value for name, value in os.environ.items() if name.upper() not in FOREIGN}
    env["PYTHONUTF8"] = "1"
    log.write("+ " + " ".join(command) + "\n")
    with subprocess.Popen(
        command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            log.write(line.decode("utf-8", "replace").rstrip() + "\n")
    log.flush()
    return child.returncode


# What pip says -> what it means.
CAUSES = (
    ("CERTIFICATE_VERIFY_FAILED", "the server's certificate is not trusted: something looks into the connection"),
    ("407 ", "the proxy wants a name and a password"),
    ("ProxyError", "the proxy cannot be reached"),
    ("No space left", "the disk is full"),
    ("[Errno 28]", "the disk is full"),
    ("getaddrinfo failed", "there is no connection to the package index"),
    ("Name or service not known", "there is no connection to the package index"),
    ("nodename nor servname", "there is no connection to the package index"),
    ("Temporary failure in name resolution", "there is no connection to the package index"),
    ("Failed to establish a new connection", "there is no connection to the package index"),
    ("Read timed out", "the package index answers too slowly"),
)


def reason(path: str) -> str:
    """Why it failed: a known cause, or the first line of the log that names an error."""
    with open(path, encoding="utf-8") as file:
        lines = [line.strip() for line in file if line.strip() and not line.startswith("+ ")]
    for sign, meaning in CAUSES:
        if any(sign in line for line in lines):
            return meaning
    for sign in ("ERROR: ", "Error: ", "OSError", "PermissionError", "error: "):
        named = [line for line in lines if line.startswith(sign)]
        if named:
            return named[0].removeprefix("ERROR: ")[:300]
    return lines[-1][:300] if lines else "no word was said"


@contextmanager
def one_at_a_time(path: str):  # type: ignore[no-untyped-def]
    """A lock that ends with its process, however that ends."""
    with open(path, "a+b") as file:
        told = False
        while not locked(file):
            if not told:
                tell("Another window is preparing sdsetup; waiting for it.")
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
    sys.stderr.write(text.encode(encoding, "replace").decode(encoding) + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
