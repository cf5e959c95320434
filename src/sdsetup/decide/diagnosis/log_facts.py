"""Facts that a log states about itself: versions, flags, system, how far it came, how it ended.

Only the last start in a log counts; what the ones before said is another story.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sdsetup.decide.diagnosis.log import Log
from sdsetup.values.facts import Family, Vendor

# How far the last start came, in order.
Stage = Literal["preparing", "importing", "loading", "running"]
Version = tuple[int, ...]

_SESSION = re.compile(r"^\[sdsetup\] started ")
_BANNER = re.compile(r"^Python (\d+\.\d+\.\d+)\S* [(|]")
_PYTHON_TOLD = re.compile(r"but you have (\d+\.\d+(?:\.\d+)?)\.?")
_VERSION = re.compile(r"^Version: v?(\d+(?:\.\d+)+)")
_TORCH = re.compile(
    r"\[sdsetup\] torch=(\d+\.\d+\.\d+)(?:\+(\w+))?|[Pp]y[Tt]orch version: (\d+\.\d+\.\d+)(?:\+(\w+))?"
    r"|Successfully installed \S.*\btorch-(\d+\.\d+\.\d+)(?:\+(\w+))?|running torch (\d+\.\d+\.\d+)(?:\+(\w+))?"
    r"|torch: (\d+\.\d+\.\d+)(?:\+(\w+))?"
)
_FLAGS = re.compile(
    r"^\[sdsetup\] started [\d: -]+ with (.*)$|^Launching (?:Web UI|API server) with arguments:(.*)$"
)
_LAUNCH = re.compile(r"^Launching (?:Web UI|API server) with arguments:")
_ACTION = re.compile(
    r"^Installing (?!build |backend |collected )|^Cloning \S.* into |^Fetching updates |^Checking out commit "
)
_ADDRESS = re.compile(r"Running on local URL:|Uvicorn running on https?://")
_READY = re.compile(r"Startup time: [\d.]+s")
_WEIGHTS = re.compile(r"Loading weights \[\w*\] from (.+)$")
_CONFIG = re.compile(r"Creating model from config: ")
_LOADED = re.compile(r"Model loaded in [\d.]+s|Model loaded\.|Weights loaded in [\d.]+s")
_PICTURE = re.compile(r"^100%\|\S*\| (\d+)/\1 \[")
_ENDED = re.compile(r"^\[sdsetup\] ended with code (-?\d+)")
_ASKED = re.compile(r"^\[sdsetup\] asking torch itself")
_STOPPED = re.compile(r"^Interrupted with signal 2 in|^KeyboardInterrupt$")
# Two in a row of these lines begin a log; only a second one of the same begins another start.
_SHELL = re.compile(
    r"Launching launch\.py\.\.\.|^Creating venv in directory|^venv \"|^Create and activate python venv"
)

_CRASHES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("killed", re.compile(r"^(?:\S+: line \d+: +\d+ )?Killed(?:$|: 9| +)")),
    ("killed", re.compile(r"^zsh: killed")),
    ("illegal-instruction", re.compile(r"^zsh: illegal hardware instruction")),
    ("aborted", re.compile(r"^zsh: abort")),
    ("bus-error", re.compile(r"^zsh: bus error")),
    ("killed", re.compile(r"died with <Signals\.SIGKILL")),
    ("killed", re.compile(r"Out of memory: Kill(?:ed)? process|oom-kill")),
    ("segfault", re.compile(r"[Ss]egmentation fault")),
    ("segfault", re.compile(r"^Fatal Python error: Segmentation fault")),
    ("segfault", re.compile(r"died with <Signals\.SIGSEGV")),
    ("access-violation", re.compile(r"Windows fatal exception: access violation")),
    ("aborted", re.compile(r"^(?:\S+: line \d+: +\d+ )?Aborted(?:$|[ (])")),
    ("aborted", re.compile(r"died with <Signals\.SIGABRT|Abort trap: 6")),
    ("illegal-instruction", re.compile(r"[Ii]llegal instruction")),
    ("bus-error", re.compile(r"^(?:\S+: line \d+: +\d+ )?Bus error")),
)
# How bash tells in its language that a program of a script ended by a signal (`[log.signals]` has the words):
# "./webui.sh: Zeile 255:  4242 Speicherzugriffsfehler  (Speicherabzug geschrieben) ..."
_SHELL_SAYS = r"^\S+\.sh ?[:：] ?\D{1,20}\d+ ?\D{0,4}[:：] +\d+ +(?:%s)"
_NUMBER = r"[ =]*(-?\d+|0[xX][0-9A-Fa-f]{8})\b"
_CODE = re.compile(
    "|".join(
        before + _NUMBER
        for before in (
            "ended with code",
            "exit code:?",
            "exited with code",
            "returncode",
            "Error code:",
            "errorlevel",
        )
    )
)
_BY_CODE = {
    137: "killed", -9: "killed", 139: "segfault", -11: "segfault", 134: "aborted", -6: "aborted",
    132: "illegal-instruction", -4: "illegal-instruction", 135: "bus-error", -7: "bus-error",
    0xC0000005: "access-violation", 0xC000001D: "illegal-instruction", 0xC0000017: "no-memory",
    0xC00000FD: "stack-overflow", 0xC0000135: "dll-missing", 0xC0000142: "dll-failed", 0xC000007B: "bad-image",
    0xC0000374: "heap-corruption", 0xC0000409: "fail-fast", 0xC0000006: "read-error", 0xC000012D: "commit-limit",
    0xC000013A: "stopped", 130: "stopped", -2: "stopped",
}  # fmt: skip

_FAMILIES: tuple[tuple[Family, re.Pattern[str]], ...] = (
    ("windows", re.compile(r"\[MSC v\.\d+")),
    ("windows", re.compile(r"File \"[A-Za-z]:\\")),
    (
        "windows",
        re.compile(r"from [A-Za-z]:[\\/]|directory \"?[A-Za-z]:\\|into '?[A-Za-z]:\\|Command: \"[A-Za-z]:\\"),
    ),
    ("windows", re.compile(r"\[WinError \d+\]|«win:")),
    ("macos", re.compile(r"/Users/[^/\s]+/")),
    ("macos", re.compile(r"\[Clang \d+\.\d+\.\d+ \(clang-\d+")),
    ("linux", re.compile(r"\[GCC \d")),
    ("linux", re.compile(r"/home/[^/\s]+/|/root/|/mnt/\w/|/workspace/|/content/|/opt/")),
)
_VENDORS: tuple[tuple[Vendor, re.Pattern[str]], ...] = (
    (
        "amd",
        re.compile(
            r"\+rocm\d|hip=\d|hipError|HIP (?:error|initialization|out of memory)|rocBLAS|MIOpen|ROCm"
            r"|\bgfx\d{3,4}\b"
        ),
    ),
    ("amd", re.compile(r"AMD Radeon|--use-(?:zluda|directml)")),
    ("intel", re.compile(r"--use-ipex|c10_xpu|intel_extension_for_pytorch|Intel\(R\) (?:Arc|Iris|UHD)")),
    ("nvidia", re.compile(r"NVIDIA (?:GeForce|RTX|Tesla|Quadro|A\d)|GeForce|CUDA out of memory|CUDA error: ")),
)


@dataclass(frozen=True, kw_only=True)
class LogFacts:
    """What the last start in a log says. Unknown is None; lines are indices."""

    begins: int = 0
    python: Version | None = None
    webui: Version | None = None
    torch: Version | None = None
    torch_build: str | None = None  # "cu121", "cpu", "rocm5"
    flags: tuple[str, ...] = ()
    family: Family | None = None
    vendor: Vendor | None = None
    crash: str | None = None
    crash_line: int | None = None
    code: int | None = None
    dir: str | None = None  # the installation's folder, as the log writes it
    marks: dict[str, tuple[int, ...]] = field(default_factory=dict)  # milestones and their lines

    def last(self, mark: str) -> int:
        """The line of a milestone's last time, -1 when it never came."""
        lines = self.marks.get(mark, ())
        return lines[-1] if lines else -1

    def stage_at(self, line: int) -> Stage:
        """How far it was when a line came."""
        came = {name: lines[0] < line for name, lines in self.marks.items()}
        if came.get("loaded") and (came.get("ready") or came.get("url")):
            return "running"
        if (came.get("weights") or came.get("config")) and self._last_before("loaded", line) < max(
            self._last_before("weights", line), self._last_before("config", line)
        ):
            return "loading"
        if came.get("ready") or came.get("url"):
            return "running"
        return "importing" if came.get("launch") else "preparing"

    def _last_before(self, mark: str, line: int) -> int:
        lines = self.marks.get(mark, ())
        earlier = bisect_left(lines, line)
        return lines[earlier - 1] if earlier else -1

    @property
    def works(self) -> bool:
        """The page came up."""
        return self.last("ready") >= 0 or self.last("url") >= 0


_DIR = re.compile(
    r'File "(.+?)[\\/](?:launch|webui)\.py"|File "(.+?)[\\/](?:modules|extensions|venv|repositories)[\\/]'
    r"|Loading weights \[\w*\] from (.+?)[\\/]models[\\/]|Creating venv in directory (.+?)[\\/]venv\b"
)

_MARKS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("launch", _LAUNCH),
    ("url", _ADDRESS),
    ("action", _ACTION),
    ("ready", _READY),
    ("weights", _WEIGHTS),
    ("config", _CONFIG),
    ("loaded", _LOADED),
    ("picture", _PICTURE),
    ("ended", _ENDED),
    ("asked", _ASKED),
    ("stopped", _STOPPED),
    ("failed", re.compile(r"Stable diffusion model failed to load")),
    ("pause", re.compile(r"«win:pause»")),
)


def facts_of(log: Log, signals: Mapping[str, Sequence[str]]) -> LogFacts:
    """Everything that the log states about its last start. `signals`: what a shell calls a crash, by its name."""
    begins = _begin(log)
    marks = {name: _lines(log, pattern, begins) for name, pattern in _MARKS}
    torch = _last_match(log, (_TORCH,), begins)
    folder = log.first(_DIR)
    crash, crash_line, code = _end(log, begins, marks, signals)
    return LogFacts(
        begins=begins,
        python=_version(_last_match(log, (_PYTHON_TOLD,), begins) or _last_match(log, (_BANNER,), begins)),
        webui=_version(_last_match(log, (_VERSION,), begins)),
        torch=_version(torch),
        torch_build=torch[2] if torch else None,
        flags=_flags(log, begins),
        family=next((family for family, pattern in _FAMILIES if log.first(pattern)), None),
        vendor=next((vendor for vendor, pattern in _VENDORS if log.first(pattern)), None),
        crash=crash,
        crash_line=crash_line,
        code=code,
        dir=folder[1] if folder else None,
        marks={name: lines for name, lines in marks.items() if lines},
    )


def _begin(log: Log) -> int:
    """Where the last start begins: at our own line, else at a banner that comes a second time."""
    ours = [line for line, _ in log.matches(_SESSION)]
    banners = [line for line, _ in log.matches(_BANNER)]
    begins = ours[-1] if ours else 0
    later = [line for line in banners if line >= begins]
    if len(later) < 2:
        return begins
    shells = [line for line, _ in log.matches(_SHELL) if later[-2] < line < later[-1]]
    return shells[-1] if shells else later[-1]


def _lines(log: Log, pattern: re.Pattern[str], begins: int) -> tuple[int, ...]:
    return tuple(line for line, _ in log.matches(pattern) if line >= begins)


def _last_match(log: Log, patterns: Sequence[re.Pattern[str]], begins: int) -> re.Match[str] | None:
    found = None
    for pattern in patterns:
        for line, match in log.matches(pattern):
            if line >= begins:
                found = match
    return found


def _version(found: re.Match[str] | None) -> Version | None:
    return tuple(int(part) for part in found[1].split(".")) if found else None


def _flags(log: Log, begins: int) -> tuple[str, ...]:
    found = _last_match(log, (_FLAGS,), begins)
    return () if found is None or found[1] == "no flags" else tuple(found[1].split())


def _end(
    log: Log, begins: int, marks: dict[str, tuple[int, ...]], signals: Mapping[str, Sequence[str]]
) -> tuple[str | None, int | None, int | None]:
    """The crash by name, the line that tells it, and the exit code of the web UI itself."""
    code = None
    for line, match in log.matches(_ENDED):
        if line in marks["ended"][-1:]:
            code = int(match[1])
            if name := crash_of(code):
                return name, line, code
    told = [(name, re.compile(_SHELL_SAYS % "|".join(map(re.escape, words)))) for name, words in signals.items()]
    crashes = (*_CRASHES, *told)
    lines = [(line, name) for name, pattern in crashes for line, _ in log.matches(pattern) if line >= begins]
    for line, match in log.matches(_CODE):
        if line >= begins and (name := crash_of(_number(match[1]))):
            lines.append((line, name))
    if lines:
        line, name = max(lines)
        return name, line, code
    return None, None, code


def _number(text: str) -> int:
    return int(text, 16) if text[:2].lower() == "0x" else int(text)


def crash_of(code: int) -> str | None:
    """The name of a crash by exit code: of a shell, of Python's subprocess, of Windows (signed or not)."""
    return _BY_CODE.get(code) or (_BY_CODE.get(code + 2**32) if code < -1000 else None)


def crash_markers(facts: LogFacts) -> list[tuple[int, str]]:
    """The line that tells the crash, with «crash:NAME» and «while:STAGE»."""
    if facts.crash is None or facts.crash_line is None:
        return _vanished(facts)
    if facts.crash == "stopped":
        return []
    return [(facts.crash_line, f"«crash:{facts.crash}» «while:{facts.stage_at(facts.crash_line)}»")]


def _vanished(facts: LogFacts) -> list[tuple[int, str]]:
    """webui.bat's pause right after a model began to load: what loaded it is gone, and said nothing."""
    loading = max(facts.last("weights"), facts.last("config"))
    settled = max(facts.last("loaded"), facts.last("failed"))
    if loading > settled and facts.last("pause") > loading and facts.code is None:
        return [(facts.last("pause"), "«vanished:loading»")]
    return []
