"""`nvidia-smi`: the query first, asked again without a field that this driver does not know; the banner last.

The banner has two forms: driver 610 says "KMD Version" and "CUDA UMD Version" where older ones say
"Driver Version" and "CUDA Version". Any field may be [N/A], [Not Supported], ERR! and the like.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PureWindowsPath
from typing import NamedTuple

from sdsetup.machine import Completed, Machine
from sdsetup.values.facts import Gpu

_LIMIT = 6.0
FIELDS = (
    "index",
    "name",
    "driver_version",
    "memory.total",
    "memory.used",
    "compute_cap",
    "uuid",
    "pci.bus_id",
    "mig.mode.current",
)
_MOST_TRIES = 4
_MOST_PLACES = 3
_MIB = 2**20

_PROBLEMS = (
    ("version mismatch", "mismatch"),
    ("couldn't communicate with the NVIDIA driver", "not-running"),
    ("Insufficient Permissions", "denied"),
    ("GPU access blocked", "blocked"),
    ("Unable to determine the device handle", "lost"),
    ("GPU is lost", "lost"),
    ("fallen off the bus", "lost"),
    ("No devices were found", "no-devices"),
)


class Asked(NamedTuple):
    """Cards, or why there are none."""

    gpus: tuple[Gpu, ...] = ()
    # mismatch, not-running, denied, blocked, lost, no-devices, timeout, failed; None also: no program
    problem: str | None = None


def ask(machine: Machine) -> Asked:
    problem: str | None = None
    for program in places(machine)[:_MOST_PLACES]:
        asked = _ask_one(machine, program)
        if asked.gpus:
            return asked
        problem = problem or asked.problem
        if asked.problem == "timeout":
            break
    return Asked(problem=problem)


def places(machine: Machine) -> list[str]:
    """Everywhere that drivers of the last ten years put the program."""
    found = [path] if (path := machine.which("nvidia-smi")) else []
    candidates: list[str] = []
    if machine.family == "windows":
        root = machine.env.get("SYSTEMROOT", r"C:\Windows")
        programs = machine.env.get("PROGRAMW6432") or machine.env.get("PROGRAMFILES") or r"C:\Program Files"
        # A 32-bit process sees another System32; Sysnative is its way to the real one.
        candidates += [
            str(PureWindowsPath(root, folder, "nvidia-smi.exe")) for folder in ("Sysnative", "System32")
        ]
        candidates.append(str(PureWindowsPath(programs, "NVIDIA Corporation", "NVSMI", "nvidia-smi.exe")))
        store = Path(root) / "System32" / "DriverStore" / "FileRepository"
        candidates += [str(found) for found in reversed(machine.glob(store, "nv*/nvidia-smi.exe"))]
    else:
        candidates += ["/usr/lib/wsl/lib/nvidia-smi", "/usr/bin/nvidia-smi", "/opt/bin/nvidia-smi"]
    found += [path for path in candidates if machine.exists(path)]
    return list(dict.fromkeys(found))


def _ask_one(machine: Machine, program: str) -> Asked:
    fields = list(FIELDS)
    ended = Completed(rc=None)
    for _ in range(_MOST_TRIES):
        query = [program, f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"]
        ended = machine.run(query, timeout=_LIMIT)
        if ended.ok:
            break
        refused = parse_refused_field(ended.out + ended.err)
        if refused not in fields:
            break
        fields.remove(refused)
    if ended.problem == "timeout":
        return Asked(problem="timeout")
    # Rows are good whatever the program ends with: 14 is a damaged infoROM, 15 another card that is lost.
    gpus = parse_query(ended.out, fields)
    told = machine.run([program], timeout=_LIMIT)
    banner = parse_banner(told.out)
    if gpus:
        # The CUDA level is in no query. Banners cut names, so only the level is taken.
        gpus = tuple(replace(gpu, cuda_version=banner.cuda_version) for gpu in gpus)
    elif banner.gpus:
        gpus = banner.gpus
    slices = parse_slices(told.out)
    if any(is_cut(gpu.name) or gpu.mig or gpu.index in slices for gpu in gpus):
        listed = machine.run([program, "-L"], timeout=_LIMIT).out
        names, instances = parse_list(listed), parse_instances(listed)
        gpus = tuple(
            replace(gpu, name=names.get(gpu.index, gpu.name) if is_cut(gpu.name) else gpu.name) for gpu in gpus
        )
        gpus = _sliced(gpus, slices, instances)
    if gpus:
        return Asked(gpus=gpus)
    return Asked(problem=parse_problem("\n".join((ended.out, ended.err, told.out, told.err))) or "failed")


def parse_problem(text: str) -> str | None:
    return next((problem for words, problem in _PROBLEMS if words in text), None)


def parse_refused_field(text: str) -> str | None:
    """The field of `Field "compute_cap" is not a valid field to query.`"""
    match = re.search(r'Field "([\w.]+)" is not a valid field', text)
    return match[1] if match else None


def parse_query(text: str, fields: Sequence[str] = FIELDS) -> tuple[Gpu, ...]:
    """Rows of `--format=csv`, with or without heading and units. A row of another length is left out."""
    gpus = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) != len(fields):
            continue
        row = {name: cell for name, cell in zip(fields, cells, strict=True) if _told(cell)}
        index = row.get("index", "")
        if not (index.isascii() and index.isdigit() and len(index) < 5):
            continue  # the heading, or a warning between the rows
        gpus.append(
            Gpu(
                vendor="nvidia",
                name=row.get("name"),
                vram_bytes=_mib(row.get("memory.total")),
                compute_capability=parse_capability(row.get("compute_cap", "")),
                driver_version=parse_driver(row.get("driver_version", "")),
                source="nvidia-smi",
                index=int(index),
                uuid=row.get("uuid"),
                pci_bus_id=row.get("pci.bus_id"),
                integrated=False,
                mig=row.get("mig.mode.current") == "Enabled",
                vram_used_bytes=_mib(row.get("memory.used")),
            )
        )
    return tuple(gpus)


class Banner(NamedTuple):
    """What can be read from the program's table."""

    driver_version: str | None = None
    cuda_version: str | None = None
    gpus: tuple[Gpu, ...] = ()


def parse_banner(text: str) -> Banner:
    """What `nvidia-smi` alone prints. Names are kept as far as its narrow table shows them ("RTX 3050 ...")."""
    driver = re.search(r"\b(?:Driver|KMD) Version:\s*(\d{2,4}(?:\.\d{1,3}){1,2})", text)
    cuda = re.search(r"\bCUDA (?:UMD )?Version:\s*(\d{1,2}\.\d{1,2})\b", text)
    found = Banner(driver_version=driver[1] if driver else None, cuda_version=cuda[1] if cuda else None)
    body = text.split("MIG devices:", 1)[0].split("Processes:", 1)[0]
    gpus: list[Gpu] = []
    for line in body.splitlines():
        if head := re.match(
            r"^\|\s{1,4}(\d{1,3})\s{2,}(\S.*?)\s+(?:On|Off|N/A|WDDM|TCC|MCDM|\[\S+\])\s*"
            r"\|\s*([0-9A-Fa-f]{4,8}:[0-9A-Fa-f:.]+)",
            line,
        ):
            name = head[2].strip()
            gpus.append(
                Gpu(
                    vendor="nvidia",
                    name=name if re.search(r"\d", name) or not is_cut(name) else None,
                    driver_version=found.driver_version,
                    cuda_version=found.cuda_version,
                    source="banner",
                    index=int(head[1]),
                    pci_bus_id=head[3],
                    integrated=False,
                )
            )
        elif gpus and gpus[-1].vram_bytes is None:
            used = re.search(r"\|\s*(\d{1,9})MiB\s*/\s*(\d{1,9})MiB\s*\|", line)
            if used:
                gpus[-1] = replace(
                    gpus[-1], vram_bytes=int(used[2]) * _MIB or None, vram_used_bytes=int(used[1]) * _MIB
                )
    return found._replace(gpus=tuple(gpus))


def parse_list(text: str) -> dict[int | None, str]:
    """Names by index from `nvidia-smi -L`: "GPU 0: NVIDIA GeForce RTX 2080 SUPER (UUID: GPU-...)"."""
    found = re.findall(r"^GPU (\d{1,3}): (.+?)(?: \(UUID: .*)?$", text, re.MULTILINE)
    return {int(index): name.strip() for index, name in found}


def parse_instances(text: str) -> dict[int | None, str]:
    """The id of each card's first MIG instance from `nvidia-smi -L`."""
    found: dict[int | None, str] = {}
    index: int | None = None
    for line in text.splitlines():
        if card := re.match(r"GPU (\d{1,3}): ", line):
            index = int(card[1])
        elif instance := re.search(r"\(UUID: (MIG-[\w/-]{1,100})\)", line):
            found.setdefault(index, instance[1])
    return found


def parse_slices(text: str) -> dict[int | None, int]:
    """The memory of each card's first MIG instance, in bytes: a program sees one instance, not the card."""
    _, _, table = text.partition("MIG devices:")
    found: dict[int | None, int] = {}
    for index, size in re.findall(
        r"^\|\s+(\d{1,3})(?:\s+\d+){3}\s*\|\s*\d+MiB\s*/\s*(\d{1,9})MiB", table, re.MULTILINE
    ):
        found.setdefault(int(index), int(size) * _MIB)
    return found


def is_cut(name: str | None) -> bool:
    """Not there, or not all of it: the table's column is narrow."""
    return name is None or name.endswith("...")


def _sliced(
    gpus: tuple[Gpu, ...], slices: dict[int | None, int], instances: dict[int | None, str]
) -> tuple[Gpu, ...]:
    """A divided card as a program sees it: its first instance."""
    return tuple(
        replace(
            gpu,
            mig=True,
            vram_bytes=slices.get(gpu.index, gpu.vram_bytes),
            uuid=instances.get(gpu.index, gpu.uuid),
        )
        if gpu.mig or gpu.index in slices
        else gpu
        for gpu in gpus
    )


def parse_capability(text: str) -> tuple[int, int] | None:
    match = re.fullmatch(r"(\d{1,3})\.(\d{1,2})", text.strip())
    return (int(match[1]), int(match[2])) if match else None


def parse_driver(text: str) -> str | None:
    match = re.match(r"\d{2,4}(?:\.\d{1,3}){1,2}(?=\s|$)", text.strip())
    return match[0] if match else None


def _told(cell: str) -> bool:
    return bool(cell) and not cell.startswith(("[", "ERR!", "N/A", "Unknown Error", "Deprecated"))


def _mib(text: str | None) -> int | None:
    match = re.fullmatch(r"(\d{1,9})(?: MiB)?", text or "")
    return int(match[1]) * _MIB or None if match else None
