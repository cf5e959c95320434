"""Options of `tune` and `why` that describe the machine the answer is for."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Optional

import typer

from sdsetup.errors import UsageError
from sdsetup.text import Text
from sdsetup.workflows.described_machine import MachineOptions

_GIB = {
    **dict.fromkeys(("", "g", "gb", "gib", "г", "гб", "гиб"), 1.0),
    **dict.fromkeys(("m", "mb", "mib", "м", "мб", "миб"), 1 / 1024),
}


_SHOWN = 40  # characters of what was typed


def gibibytes(typed: str) -> float:
    """Memory as people write it ("8", "8 GB", "8,5", "8192 MiB"), in GiB. Of memory "GB" means GiB.

    Raises:
        UsageError: `option-value`.
    """
    number = typed.strip().lower().replace(",", ".")
    unit = number.lstrip("0123456789.")
    try:
        size = float(number.removesuffix(unit)) * _GIB[unit.strip()]
        if not math.isfinite(size):
            raise ValueError
        return size
    except (ValueError, KeyError):
        raise UsageError(
            Text(
                '"{value}" is not a memory size', value=typed if len(typed) <= _SHOWN else f"{typed[:_SHOWN]}..."
            ),
            hint=Text("Use gigabytes as advertised, for example --vram 8."),
            code="option-value",
        ) from None


# Typer evaluates annotations on 3.10 too, where `X | None` is no option type.
Gpus = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        "--gpu", metavar="NAME", help="Graphics card to choose for; can be repeated.", show_default=False
    ),
]
Sizes = Annotated[
    Optional[list[float]],  # noqa: UP045
    typer.Option(
        "--vram",
        metavar="GB",
        parser=gibibytes,
        help="Its video memory in GB, one for each --gpu.",
        show_default=False,
    ),
]
OsName = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--os", metavar="NAME", help="windows, linux, macos, or wsl.", show_default=False),
]
Ram = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option("--ram", metavar="GB", parser=gibibytes, help="System memory in GB.", show_default=False),
]
Driver = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--driver", metavar="VERSION", help="NVIDIA driver version.", show_default=False),
]
ModelClass = Annotated[
    str,
    typer.Option("--model-class", metavar="CLASS", help="Kind of model: sd15, sdxl, pony, or illustrious."),
]
ProfileName = Annotated[str, typer.Option("--profile", metavar="NAME", help="Tuning profile.")]
FactsFile = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--facts", metavar="FILE", help="Choose for the PC described in this report.", show_default=False
    ),
]


def machine_options(
    gpu: list[str] | None,
    vram: list[float] | None,
    os: str | None,
    ram: float | None,
    driver: str | None,
    model_class: str,
    facts: Path | None,
    dir: Path | None,
) -> MachineOptions:
    """The options of a command as one value."""
    return MachineOptions(
        gpu=tuple(gpu or ()),
        vram=tuple(vram or ()),
        os=os,
        ram=ram,
        driver=driver,
        model_class=model_class,
        facts=facts,
        dir=dir,
    )
