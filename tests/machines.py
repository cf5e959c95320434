"""A computer made of data: the port to the system, answering from what was recorded or staged.

    machine = RecordedMachine(family="windows", files={r"C:\\sd\\webui.py": ""}, ...)
    machine = load_scene("rtx3060-desktop")

Paths are compared as their system compares them, so a Windows machine can be asked on any host. A program that
is not named is missing; a file that is not named is absent.
"""

from __future__ import annotations

import fnmatch
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import tomli

from sdsetup.machine import Completed
from sdsetup.machine.answers import Kernel, MemoryStatus, NvmlAnswer, NvmlGpu, PortState, Reached, Volume, Windows
from sdsetup.values.facts import Drive, Family, Python

SAMPLES = Path(__file__).parent / "samples"
SCENES = SAMPLES / "machines"
RUNNING = Python(
    path="/usr/bin/python3.13", version=(3, 13, 1), bits=64, implementation="CPython", origin="running"
)

HOME = PurePosixPath("/home/anna")
KERNEL = Kernel(system="Linux", machine="x86_64", bits=64, libc="glibc 2.36", superuser=False)
NO_WINDOWS = Windows()


@dataclass(frozen=True, kw_only=True)
class Program:
    """What `run` answers to argument lists that match: base name and arguments, `*` for anything."""

    run: str
    answer: Completed
    seconds: float = 0.0


@dataclass(kw_only=True)
class RecordedMachine:
    family: Family = "linux"
    env: Mapping[str, str] = field(default_factory=dict)
    home: Any = HOME
    paths: Mapping[str, str] = field(default_factory=dict)  # program name -> full path, for `which`
    programs: Sequence[Program] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    folders: Sequence[str] = ()
    aliases: Sequence[str] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    registry: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # "HKLM\\SOFTWARE\\..." (64-bit view)
    registry_32: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    kernel_answer: Kernel = KERNEL
    windows_answer: Windows = NO_WINDOWS
    memory_answer: MemoryStatus | None = None
    core_counts: tuple[int | None, int | None] = (8, 16)
    volumes: Mapping[str, Volume] = field(default_factory=dict)
    drive_list: Sequence[Drive] = ()
    missing_libraries: Sequence[str] = ()
    unwritable: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[int, PortState] = field(default_factory=dict)
    hosts: Mapping[str, Reached] = field(default_factory=dict)
    nvml_answer: NvmlAnswer | None = None
    nvml_seconds: float = 0.0
    python: Python = RUNNING
    asked: list[tuple[str, ...]] = field(default_factory=list)

    # Programs

    def looking_at(self, folder: Any) -> RecordedMachine:
        return self

    def passing_over(self, folder: Any) -> RecordedMachine:
        return self

    def which(self, name: str) -> str | None:
        return self.paths.get(name)

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        self.asked.append(tuple(argv))
        name = re.split(r"[\\/]", argv[0])[-1].lower().removesuffix(".exe")
        for program in self.programs:
            lines = (" ".join([name, *argv[1:]]), " ".join(argv))
            if any(fnmatch.fnmatchcase(line, program.run) for line in lines):
                if program.seconds > timeout:
                    time.sleep(min(timeout, 0.2))
                    return Completed(rc=None, problem="timeout")
                return program.answer
        return Completed(rc=None, problem="missing")

    # Files

    def read_text(self, path: Any, limit: int = 1_000_000) -> str | None:
        text = self._files().get(self._key(path))
        return None if text is None else text[:limit]

    def exists(self, path: Any) -> bool:
        return self.kind(path) != "absent"

    def kind(self, path: Any) -> str:
        key = self._key(path)
        if key in {self._key(alias) for alias in self.aliases}:
            return "alias"
        if key in self._files():
            return "file"
        folders = {self._key(folder) for folder in self.folders}
        above = (known.startswith(key.rstrip("/") + "/") for known in (*self._files(), *folders))
        return "folder" if key in folders or any(above) else "absent"

    def glob(self, folder: Any, pattern: str) -> tuple[Any, ...]:
        root = self._key(folder).rstrip("/") + "/"
        wanted = re.compile(_glob_expression(pattern), re.IGNORECASE if self.family == "windows" else 0)
        pure = PureWindowsPath if self.family == "windows" else PurePosixPath
        named = {self._key(path): path for path in (*self.files, *self.folders)}
        found: set[str] = set()
        for key, path in named.items():
            if not key.startswith(root):
                continue
            rest = str(path).replace("\\", "/")[len(root) :]
            parts = rest.split("/")
            found |= {
                "/".join(parts[:n]) for n in range(1, len(parts) + 1) if wanted.fullmatch("/".join(parts[:n]))
            }
        return tuple(pure(str(folder)) / rest for rest in sorted(found))

    def resolve(self, path: Any) -> str:
        return self.links.get(str(path), str(path))

    def foreign_owner(self, path: Any) -> bool | None:
        return None

    def write_problem(self, folder: Any) -> str | None:
        return {self._key(path): why for path, why in self.unwritable.items()}.get(self._key(folder))

    # Registry

    def registry_values(self, hive: str, key: str, *, view: int = 64) -> Mapping[str, Any] | None:
        return self._registry(view).get(f"{hive}\\{key}".lower())

    def registry_subkeys(self, hive: str, key: str, *, view: int = 64) -> tuple[str, ...]:
        root = f"{hive}\\{key}\\"
        keys = self.registry if view == 64 else self.registry_32
        below = [name[len(root) :].split("\\")[0] for name in keys if name.lower().startswith(root.lower())]
        return tuple(dict.fromkeys(below))

    # The system

    def kernel(self) -> Kernel:
        return self.kernel_answer

    def windows(self) -> Windows:
        return self.windows_answer

    def running_python(self) -> Python:
        return self.python

    def memory(self) -> MemoryStatus | None:
        return self.memory_answer

    def cores(self) -> tuple[int | None, int | None]:
        return self.core_counts

    def volume(self, path: Any) -> Volume | None:
        key = self._key(path)
        fitting = [(self._key(root), volume) for root, volume in self.volumes.items()]
        held = [
            (root, volume) for root, volume in fitting if key == root or key.startswith(root.rstrip("/") + "/")
        ]
        return max(held, key=lambda pair: len(pair[0]))[1] if held else None

    def drives(self) -> tuple[Drive, ...]:
        return tuple(self.drive_list)

    def loads(self, library: str) -> bool:
        return library not in self.missing_libraries

    def port(self, number: int) -> PortState:
        return self.ports.get(number, PortState(free=True))

    def reach(self, url: str, *, proxy: str | None, seconds: float) -> Reached:
        self.asked.append(("reach", url, proxy or ""))
        return self.hosts.get(url, Reached())

    def nvml(self) -> NvmlAnswer | None:
        time.sleep(self.nvml_seconds)
        return self.nvml_answer

    def but(self, **changes: Any) -> RecordedMachine:
        """The same machine with some answers changed."""
        return replace(self, **changes, asked=[])

    def _files(self) -> dict[str, str]:
        return {self._key(path): text for path, text in self.files.items()}

    def _registry(self, view: int) -> dict[str, Mapping[str, Any]]:
        keys = self.registry if view == 64 else self.registry_32
        return {name.lower(): values for name, values in keys.items()}

    def _key(self, path: Any) -> str:
        text = str(path).replace("\\", "/") if self.family == "windows" else str(path)
        text = re.sub(r"/{2,}", "/", text)
        return text.lower() if self.family == "windows" else text


def _glob_expression(pattern: str) -> str:
    parts = []
    for piece in re.split(r"(\*\*/|\*|\?)", pattern):
        parts.append({"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}.get(piece, re.escape(piece)))
    return "".join(parts)


def said(out: str = "", *, err: str = "", rc: int | None = 0, problem: str | None = None) -> Completed:
    return Completed(rc=rc, out=out, err=err, problem=problem)


def sample(name: str) -> str:
    """A recorded output, with LF line ends."""
    return (SAMPLES / name).read_text(encoding="utf-8")


def load_scene(name: str) -> tuple[RecordedMachine, dict[str, Any]]:
    """A whole machine from `samples/machines/NAME.toml`, and the rest of that file (what is expected of it)."""
    raw = _scene(name)
    told = raw["machine"]
    pure = PureWindowsPath if told["family"] == "windows" else PurePosixPath
    return RecordedMachine(
        family=told["family"],
        env=raw.get("env", {}),
        home=pure(told["home"]),
        paths=raw.get("paths", {}),
        programs=[_program(row) for row in raw.get("programs", [])],
        files=raw.get("files", {}),
        folders=told.get("folders", []),
        aliases=told.get("aliases", []),
        links=raw.get("links", {}),
        registry={key: _registry_values(values) for key, values in raw.get("registry", {}).items()},
        registry_32={key: _registry_values(values) for key, values in raw.get("registry_32", {}).items()},
        kernel_answer=Kernel(**_tuples(raw.get("kernel", {}))),
        windows_answer=Windows(**_tuples(raw.get("windows", {}))),
        memory_answer=MemoryStatus(**raw["memory"]) if "memory" in raw else None,
        core_counts=tuple(told.get("cores", (8, 16))),
        volumes={root: Volume(**row) for root, row in raw.get("volumes", {}).items()},
        drive_list=[Drive(**row) for row in raw.get("drives", [])],
        missing_libraries=told.get("missing_libraries", []),
        unwritable=raw.get("unwritable", {}),
        ports={int(number): PortState(**row) for number, row in raw.get("ports", {}).items()},
        hosts={url: Reached(**row) for url, row in raw.get("hosts", {}).items()},
        nvml_answer=_nvml(raw["nvml"]) if "nvml" in raw else None,
        python=Python(**_tuples(raw["python"])) if "python" in raw else RUNNING,
    ), raw


def _scene(name: str) -> dict[str, Any]:
    """A scene laid over its `base`: keys of tables one by one, lists in front of the base's."""
    raw: dict[str, Any] = tomli.loads((SCENES / f"{name}.toml").read_text(encoding="utf-8"))
    if "base" not in raw:
        return raw
    merged = _scene(raw["base"])
    for key, value in raw.items():
        below = merged.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            merged[key] = {**below, **value}
        elif isinstance(value, list) and isinstance(below, list) and key == "programs":
            merged[key] = value + below
        else:
            merged[key] = value
    for key, names in raw.get("without", {}).items():
        merged[key] = {name: value for name, value in merged[key].items() if name not in names}
    return merged


def _program(row: dict[str, Any]) -> Program:
    out = sample(row["sample"]) if "sample" in row else row.get("out", "")
    if row.get("crlf"):
        out = out.replace("\n", "\r\n")
    # As the real machine port hands it over: line ends made one, whatever the program printed.
    answer = Completed(
        rc=row.get("rc", 0), out=out.replace("\r\n", "\n"), err=row.get("err", ""), problem=row.get("problem")
    )
    return Program(run=row["run"], answer=answer, seconds=row.get("seconds", 0.0))


def _nvml(row: dict[str, Any]) -> NvmlAnswer:
    gpus = tuple(NvmlGpu(**_tuples(gpu)) for gpu in row.get("gpus", []))
    return NvmlAnswer(**{**row, "gpus": gpus})


def _registry_values(values: dict[str, Any]) -> dict[str, Any]:
    # TOML has no bytes: a binary value is written as {hex = "00 00 00 00 03 00 00 00"}.
    return {
        ("" if name == "@" else name): bytes.fromhex(value["hex"]) if isinstance(value, dict) else value
        for name, value in values.items()
    }


def _tuples(row: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
