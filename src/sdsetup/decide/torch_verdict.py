"""What a small calculation in the new environment says about torch and the card. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sdsetup.text import Text, message

Outcome = Literal["ok", "no-gpu", "wrong-architecture", "broken-half", "driver-too-old", "broken-import", "failed"]

_NO_KERNEL = re.compile(r"no kernel image|not compatible with the current PyTorch|CUDA capability sm_\d+")
_OLD_DRIVER = re.compile(r"driver version is insufficient|driver on your system is too old")
_NO_RUNTIME = re.compile(r"WinError (126|127|1114)|c10\.dll|vcruntime|msvcp140", re.IGNORECASE)
_NO_LIBRARY = re.compile(r"(lib[\w.+-]+\.so[\d.]*): cannot open shared object")


@dataclass(frozen=True, kw_only=True)
class TorchVerdict:
    """`another_build`: whether a different torch could do better."""

    outcome: Outcome
    said: Mapping[str, Any]
    why: Text
    another_build: bool = False

    @property
    def good(self) -> bool:
        """Whether images can be created, possibly with other precision flags."""
        return self.outcome in ("ok", "broken-half")


def judge(said: Mapping[str, Any], *, expect_gpu: bool) -> TorchVerdict:
    """The verdict on what the script said (see `execute/steps/torch_probe_script.py`)."""
    if broken := said.get("broken"):
        return _broken(said, str(broken))
    trouble = str(said.get("failed", ""))
    if _OLD_DRIVER.search(trouble):
        return _verdict(
            "driver-too-old",
            said,
            Text("the graphics driver is too old for this version of PyTorch"),
            another=True,
        )
    if _NO_KERNEL.search(trouble) or _lacks_architecture(said):
        why = Text(
            "this version of PyTorch doesn't support the graphics card ({card})",
            card=said.get("card") or message("name unknown"),
        )
        return _verdict("wrong-architecture", said, why, another=True)
    if trouble:
        return _verdict("failed", said, Text("the calculation failed: {why}", why=trouble[:300]), another=True)
    if expect_gpu and said.get("device") == "cpu":
        return _verdict("no-gpu", said, Text("PyTorch finds no usable graphics card"), another=True)
    if said.get("nan"):
        return _verdict("broken-half", said, Text("half precision doesn't work on this card"))
    return _verdict(
        "ok", said, Text("PyTorch {torch} works on {device}", torch=said.get("torch"), device=_place(said))
    )


def parse_said(output: str) -> dict[str, Any] | None:
    """The script's JSON line among whatever else was printed (warnings of torch and its libraries)."""
    for line in reversed(output.splitlines()):
        if line.startswith("{"):
            try:
                said = json.loads(line)
            except ValueError:
                continue
            if isinstance(said, dict):
                return said
    return None


def _broken(said: Mapping[str, Any], why: str) -> TorchVerdict:
    if _NO_RUNTIME.search(why):
        text = Text("the Microsoft Visual C++ runtime is missing")
    elif found := _NO_LIBRARY.search(why):
        text = Text("the system library {name} is missing", name=found.group(1))
    else:
        text = Text("PyTorch can't be loaded: {why}", why=why[:300])
    return _verdict("broken-import", said, text)


def _lacks_architecture(said: Mapping[str, Any]) -> bool:
    """Binary code runs on the same major capability from its own minor on; PTX code on everything newer."""
    capability, inside = said.get("capability"), said.get("architectures")
    if not capability or not inside:
        return False
    major, minor = capability
    for name in inside:
        kind, _, number = str(name).partition("_")
        digits = re.match(r"\d+", number)
        if digits is None:
            continue
        has = (int(digits[0][:-1] or 0), int(digits[0][-1]))
        if kind == "sm" and has[0] == major and has[1] <= minor:
            return False
        if kind == "compute" and has <= (major, minor):
            return False
        if kind not in ("sm", "compute"):  # ROCm lists gfx names; its own loader judges
            return False
    return True


def _place(said: Mapping[str, Any]) -> str:
    names = {"cpu": message("the CPU"), "mps": message("the Apple GPU")}
    return str(said["card"]) if said.get("card") else names.get(str(said.get("device")), message("?"))


def _verdict(outcome: Outcome, said: Mapping[str, Any], why: Text, *, another: bool = False) -> TorchVerdict:
    return TorchVerdict(outcome=outcome, said=dict(said), why=why, another_build=another)
