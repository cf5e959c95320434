# ruff: noqa: E501 - what is shown here is as wide as it is
"""NVIDIA's library through its binding, against a stand-in that is compiled here with the same functions."""

from __future__ import annotations

from pathlib import Path

import pytest

from played_card import library, says
from sdsetup.machine.answers import NvmlAnswer, NvmlGpu

GIB = 2**30
SOURCE = r"""
#include <string.h>
#ifndef INIT
#define INIT 0
#endif
typedef struct { unsigned long long total, free, used; } memory_t;
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } memory_v2_t;
typedef struct { char legacy[16]; unsigned domain, bus, device, id, subsystem; char bus_id[32]; } pci_t;
static int cards[3] = {0, 1, 2};
static int slice = 7;
int nvmlInitWithFlags(unsigned flags) { return INIT; }
int nvmlShutdown(void) { return 0; }
int nvmlSystemGetDriverVersion(char *to, unsigned size) { strncpy(to, "551.52", size); return 0; }
#ifndef OLD
int nvmlSystemGetCudaDriverVersion_v2(int *to) { *to = 12040; return 0; }
int nvmlDeviceGetCudaComputeCapability(void *card, int *major, int *minor) {
    *major = 8; *minor = 6; return *(int *)card == 1 ? 3 : 0; }
int nvmlDeviceGetMigMode(void *card, unsigned *now, unsigned *pending) {
    *now = *pending = *(int *)card == 2; return *(int *)card == 1 ? 3 : 0; }
int nvmlDeviceGetMaxMigDeviceCount(void *card, unsigned *count) { *count = 7; return 0; }
int nvmlDeviceGetMigDeviceHandleByIndex(void *card, unsigned index, void **to) { *to = &slice; return index == 2 ? 0 : 6; }
#endif
int nvmlDeviceGetCount_v2(unsigned *to) { *to = 4; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **to) {
    if (index > 2) return 15; *to = &cards[index]; return 0; }
int nvmlDeviceGetMemoryInfo(void *card, memory_t *to) {
    if (*(int *)card == 1) return 3;
    to->total = *(int *)card == 7 ? 10ull << 30 : 12ull << 30; to->used = 1ull << 30; return 0; }
#ifdef RESERVED
int nvmlDeviceGetMemoryInfo_v2(void *card, memory_v2_t *to) {
    if (to->version != (sizeof *to | 2u << 24)) return 25;
    to->total = 150754820096ull; to->reserved = 644939776ull; to->used = TAKEN; return 0; }
#endif
int nvmlDeviceGetPciInfo_v3(void *card, pci_t *to) { strcpy(to->bus_id, "00000000:01:00.0"); return 0; }
int nvmlDeviceGetName(void *card, char *to, unsigned size) { strncpy(to, "NVIDIA GeForce RTX 3060", size); return 0; }
int nvmlDeviceGetUUID(void *card, char *to, unsigned size) { strncpy(to, "GPU-1", size); return *(int *)card == 1 ? 3 : 0; }
"""
FIRST = NvmlGpu(
    index=0,
    name="NVIDIA GeForce RTX 3060",
    uuid="GPU-1",
    pci_bus_id="00000000:01:00.0",
    memory_total=12 * GIB,
    memory_used=GIB,
    compute_capability=(8, 6),
)


def played(folder: Path, *defines: str) -> Path:
    (folder / "nvml.c").write_text(SOURCE)
    return library(folder, *defines, source=folder / "nvml.c")


def test_cards(tmp_path: Path) -> None:
    answer = says(played(tmp_path), "nvml.ask()")
    assert (answer.driver_version, answer.cuda_version, answer.problem) == ("551.52", "12.4", None)
    first, bare, divided = answer.gpus  # the fourth cannot be opened: it is left out
    assert first == FIRST
    assert bare == NvmlGpu(index=1, name=FIRST.name, pci_bus_id=FIRST.pci_bus_id)
    assert (divided.mig, divided.memory_total) == (True, 10 * GIB)


def test_what_the_driver_keeps_for_itself_is_not_in_use(tmp_path: Path) -> None:
    # An idle H200 with driver 580: nvidia-smi shows 0 MiB in use, the older call of this library 615 MiB, and
    # PyTorch the size without them.
    idle, busy = (played(tmp_path, "RESERVED", f"TAKEN={taken}") for taken in (0, 3 * GIB))
    answer = says(idle, "nvml.ask()")
    assert (answer.gpus[0].memory_used, answer.gpus[0].memory_total) == (0, 150754820096)
    assert says(busy, "nvml.open_card(None, 0).memory()") == (3 * GIB, 150109880320)


def test_an_old_driver_without_some_functions(tmp_path: Path) -> None:
    answer = says(played(tmp_path, "OLD"), "nvml.ask()")
    assert answer.cuda_version is None
    assert answer.gpus[0].compute_capability is None
    assert answer.gpus[0].memory_total == 12 * GIB


@pytest.mark.parametrize(
    ("code", "problem"), [(18, "mismatch"), (9, "not-running"), (4, "denied"), (999, "failed")]
)
def test_a_driver_that_cannot_be_asked(code: int, problem: str, tmp_path: Path) -> None:
    assert says(played(tmp_path, f"INIT={code}"), "nvml.ask()") == NvmlAnswer(problem=problem)


@pytest.mark.parametrize("defines", [None, ("nvmlInitWithFlags=nvmlInit_v1",)])
def test_no_library_or_a_very_old_one(tmp_path: Path, defines: tuple[str, ...] | None) -> None:
    where = tmp_path / "absent.so" if defines is None else played(tmp_path, *defines)
    assert says(where, "nvml.ask()") is None
