"""Machines for the table of tuning: what they are and what an expert would set, written by hand.

The marks behind the rows name the section of the research they were written from (3a memory classes,
3b attention, 3c precision, 3d whole machines, 3e several cards, 3f system memory, 2 drivers), or an
issue number of the web UI.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sdsetup.values.facts import GIB, Facts, Gpu, Installation, Memory, Python, System

CU121, CU118, CU126, CU128 = "cu121-2.1", "cu118-2.1", "cu126-2.7", "cu128-2.7"
ROCM57, ROCM64, ROCM52 = "rocm5.7-2.2", "rocm6.4-2.9", "rocm5.2-1.13"
CPU = "cpu-2.1"
PROCESSOR = "--skip-torch-cuda-test --use-cpu all --no-half"
MAC = "--skip-torch-cuda-test --upcast-sampling --no-half-vae --use-cpu interrogate"


@dataclass(frozen=True, kw_only=True)
class Machine:
    """`warns`: topics, all of them. `env`: variables beside those that every such machine gets;
    `then`: torch builds to try afterwards, in order."""

    title: str
    facts: Facts
    flags: str
    torch: str | None
    xformers: bool
    warns: str
    model: str = "sd15"
    env: dict[str, str] = field(default_factory=dict)
    refused: bool = False
    why_not: dict[str, str] = field(default_factory=dict)
    says: str = ""
    then: tuple[str, ...] | None = None


MACHINES: list[Machine] = []


def gpu(name: str | None, vram: float | None, **more: Any) -> Gpu:
    """A card as a driver or another probe reports it; vendor by its name."""
    text = (name or "").lower()
    vendor = "nvidia"
    if "radeon" in text or "instinct" in text:
        vendor = "amd"
    elif "arc" in text or "uhd" in text or "iris" in text:
        vendor = "intel"
    elif "apple" in text:
        vendor = "apple"
    return Gpu(
        **{
            "vendor": vendor,
            "name": name,
            "vram_bytes": None if vram is None else round(vram * GIB),
            "source": "what-if",
            **more,
        }
    )


def row(
    name: str | list[Gpu] | None,
    vram: float | None,
    flags: str,
    torch: str | None = CU121,
    warns: str = "",
    *,
    os: str = "windows",
    model: str = "sd15",
    ram: float | None = 32,
    pagefile: float | None = 32,
    env: dict[str, str] | None = None,
    refused: bool = False,
    why_not: dict[str, str] | None = None,
    says: str = "",
    system: dict[str, Any] | None = None,
    pythons: tuple[Python, ...] = (),
    installation: Installation | None = None,
    then: tuple[str, ...] | None = None,
    **card: Any,
) -> None:
    cards = name if isinstance(name, list) else [] if name is None and vram is None else [gpu(name, vram, **card)]
    family = "linux" if os == "wsl" else os
    facts = Facts(
        system=System(**{"family": family, "wsl": os == "wsl", "arch": "x86_64", **(system or {})}),
        gpus=tuple(cards),
        memory=Memory(
            total_bytes=None if ram is None else round(ram * GIB),
            pagefile_bytes=None if pagefile is None else round(pagefile * GIB),
        ),
        pythons=pythons,
        installation=installation,
    )
    named = ", ".join(f"{one.name} {round((one.vram_bytes or 0) / GIB, 1)}" for one in cards) or "no card"
    MACHINES.append(
        Machine(
            title=f"{named} {os} {model} {warns}".strip(),
            facts=facts,
            flags=flags,
            torch=torch,
            xformers="--xformers" in flags,
            warns=warns,
            model=model,
            env=env or {},
            refused=refused,
            why_not=why_not or {},
            says=says,
            then=then,
        )
    )


def driver(version: str | None, **more: Any) -> dict[str, Any]:
    """A card that a driver answers for (None: it is on the bus, and no driver answers)."""
    return {"driver_version": version, "source": "nvidia-smi" if version else "registry", **more}


XF, SDP, SUB = "--xformers", "--opt-sdp-attention", "--opt-sub-quad-attention"
LOW, MED, SDXL = "--lowvram", "--medvram", "--medvram-sdxl"
NHV, NH, UP = "--no-half-vae", "--no-half", "--upcast-sampling"

# ---- a card of unknown generation answers as the article would (the contract of `tune --vram`)
row(None, 8, f"{XF} {MED} {NHV}")
row(None, 3, f"{XF} {LOW} {NHV}", warns="vram")
row(None, 4, f"{XF} {MED} {NHV}")
row(None, 6, f"{XF} {MED} {NHV}")
row(None, 11, f"{XF} {MED} {NHV}")
row(None, 12, f"{XF} {NHV}", why_not={MED: "memory-12"})
row(None, 24, f"{XF} {NHV}")
row(None, 3.9, f"{XF} {MED} {NHV}")
row(None, 8, f"{XF} {MED} {NHV}", model="sdxl")
row(
    None,
    8,
    f"{XF} {MED} {NHV}",
    CU118,
    "driver",
    **driver("516.94"),
    env={"XFORMERS_PACKAGE": "xformers==0.0.23.post1+cu118 --index-url https://download.pytorch.org/whl/cu118"},
)

# ---- Fermi and Kepler below 3.7: the processor (1, 3d; #12678, #13662)
row("NVIDIA GeForce GTX 580", 1.5, PROCESSOR, CPU, "legacy-gpu cpu-slow", why_not={XF: "nvidia-too-old"})
row("GeForce GT 710", 2, PROCESSOR, CPU, "legacy-gpu cpu-slow")
row("NVIDIA GeForce GT 730", 4, PROCESSOR, CPU, "legacy-gpu cpu-slow", os="linux")
row("NVIDIA GeForce GTX 680", 2, PROCESSOR, CPU, "legacy-gpu cpu-slow")
row("NVIDIA GeForce GTX 770", 4, PROCESSOR, CPU, "legacy-gpu cpu-slow")
row("NVIDIA GeForce GTX 780 Ti", 3, PROCESSOR, CPU, "legacy-gpu cpu-slow")
row("Quadro K4000", 3, PROCESSOR, CPU, "legacy-gpu cpu-slow")
row("Tesla K40m", 11.17, PROCESSOR, CPU, "legacy-gpu cpu-slow", os="linux", **driver("470.57.02"))

# ---- Kepler 3.7: cu118 only, R470 is its last driver branch (1, 2c, 3d)
row(
    "Tesla K80",
    11.17,
    NH,
    CU118,
    "legacy-gpu",
    os="linux",
    **driver("470.57.02"),
    why_not={XF: "attention-kepler"},
)
row("Tesla K80", 12, NH, CU118, "legacy-gpu")
row(
    "Tesla K80",
    11.17,
    NH,
    CU118,
    "legacy-gpu driver",
    os="linux",
    **driver("418.87.01"),
    says="update it to 450.80.02 or newer",
)

# ---- Maxwell: --xformers is ignored there (0.1, 3b), full precision is no slower (3c)
row("NVIDIA GeForce GTX 745", 1, PROCESSOR, CPU, "vram cpu-slow", why_not={LOW: "nvidia-tiny"})
row(
    "NVIDIA GeForce GTX 750 Ti",
    2,
    f"{LOW} {SDP} {UP} {NHV}",
    warns="legacy-gpu vram",
    why_not={XF: "attention-maxwell"},
)
row("NVIDIA GeForce GTX 960", 2, f"{LOW} {SDP} {UP} {NHV}", warns="legacy-gpu vram")
row("NVIDIA GeForce GTX 960", 4, f"{MED} {SDP} {UP} {NHV}", warns="legacy-gpu")
row("NVIDIA GeForce GTX 970", 4, f"{MED} {SDP} {UP} {NHV}", warns="legacy-gpu vram", says="3.5 GB")
row("NVIDIA GeForce GTX 980", 4, f"{MED} {SDP} {UP} {NHV}", warns="legacy-gpu")
row("NVIDIA GeForce GTX 970M", 3, f"{LOW} {SDP} {UP} {NHV}", warns="legacy-gpu vram")
row("NVIDIA GeForce GTX 980M", 8, f"{SDXL} {SDP} {NH}", warns="legacy-gpu")
row("NVIDIA GeForce GTX 980 Ti", 6, f"{MED} {SDP} {NH}", warns="legacy-gpu")
row("NVIDIA GeForce GTX TITAN X", 12, f"{SDP} {NH}", warns="legacy-gpu")
row("NVIDIA GeForce 940MX", 2, f"{LOW} {SDP} {UP} {NHV}", warns="legacy-gpu vram")
row("NVIDIA GeForce MX130", 2, f"{LOW} {SDP} {UP} {NHV}", warns="legacy-gpu vram")
row("Quadro K620", 2, f"{LOW} {SDP} {UP} {NHV}", warns="legacy-gpu vram")
row("Quadro M4000", 8, f"{SDXL} {SDP} {NH}", warns="legacy-gpu")
row("Tesla M10", 7.9, f"{SDXL} {SDP} {NH}", warns="legacy-gpu", os="linux")
row("Tesla M60", 7.43, f"{SDXL} {SDP} {NH}", warns="legacy-gpu", os="linux")
row("Tesla M40", 11.18, f"{SDP} {NH}", warns="legacy-gpu", os="linux")
row("Tesla M40 24GB", 22.4, f"{SDP} {NH}", warns="legacy-gpu", os="linux")
row("Quadro M4000", 8, f"{SDXL} {SDP} {UP} {NHV}", warns="legacy-gpu", model="sdxl")
row("Tesla M40 24GB", 22.4, f"{SDP} {NH}", warns="legacy-gpu", os="linux", model="sdxl")
row("NVIDIA GeForce GTX 980 Ti", 6, f"{SDXL} {SDP} {UP} {NHV}", warns="legacy-gpu vram", model="sdxl")

# ---- Pascal (3c, 3d)
row("NVIDIA GeForce GT 1030", 2, f"{LOW} {XF} {NHV}", warns="legacy-gpu vram")
row("NVIDIA GeForce MX150", 1.955, f"{LOW} {XF} {NHV}", warns="legacy-gpu vram")
row("NVIDIA GeForce MX350", 2, f"{LOW} {XF} {NHV}", warns="legacy-gpu vram")
row("NVIDIA GeForce GTX 1050", 2, f"{LOW} {XF} {NHV}", warns="legacy-gpu vram")
row("NVIDIA GeForce GTX 1050 Ti", 4, f"{MED} {XF} {UP} {NHV}", warns="legacy-gpu")
row("NVIDIA GeForce GTX 1060 3GB", 3, f"{LOW} {XF} {NHV}", warns="legacy-gpu vram")
row("NVIDIA GeForce GTX 1060 5GB", 5, f"{MED} {XF} {UP} {NHV}", warns="legacy-gpu")
row("NVIDIA GeForce GTX 1060 6GB", 6, f"{MED} {XF} {NHV}", warns="legacy-gpu")
row("NVIDIA GeForce GTX 1070", 8, f"{SDXL} {XF} {NHV}", warns="legacy-gpu", **driver("551.52"))
row("NVIDIA GeForce GTX 1070 Ti", 8, f"{SDXL} {XF} {NHV}", warns="legacy-gpu")
row("NVIDIA GeForce GTX 1080", 8, f"{SDXL} {XF} {NHV}", warns="legacy-gpu", says="580")
row("NVIDIA GeForce GTX 1080 Ti", 11, f"{SDXL} {XF} {NHV}", warns="legacy-gpu")
row("NVIDIA TITAN Xp", 11.9, f"{XF} {NHV}", warns="legacy-gpu")
row("NVIDIA TITAN X (Pascal)", 12, f"{XF} {NHV}", warns="legacy-gpu")
row("Tesla P40", 22.4, f"{XF} {UP} {NHV}", warns="legacy-gpu", os="linux")
row("Tesla P4", 7.43, f"{SDXL} {XF} {UP} {NHV}", warns="legacy-gpu", os="linux")
row("Tesla P100-PCIE-16GB", 15.9, XF, warns="legacy-gpu", os="linux", why_not={NHV: "precision-modern"})
row("Tesla P100-PCIE-12GB", 11.9, XF, warns="legacy-gpu", os="linux")
row("Quadro GP100", 16, XF, warns="legacy-gpu")
row("P106-100", 6, f"{MED} {XF} {NHV}", warns="legacy-gpu")
row("P104-100", 4, f"{MED} {XF} {UP} {NHV}", warns="legacy-gpu")
row("P102-100", 10, f"{SDXL} {XF} {NHV}", warns="legacy-gpu")
row("Quadro P400", 2, f"{LOW} {XF} {NHV}", warns="legacy-gpu vram")
row("Quadro P1000", 4, f"{MED} {XF} {UP} {NHV}", warns="legacy-gpu")
row("Quadro P2000", 5, f"{MED} {XF} {UP} {NHV}", warns="legacy-gpu")
row("Quadro P4000", 8, f"{SDXL} {XF} {NHV}", warns="legacy-gpu")
row("Quadro P6000", 24, f"{XF} {NHV}", warns="legacy-gpu")
row("NVIDIA GeForce GTX 1070", 8, f"{SDXL} {XF} {NHV}", warns="legacy-gpu", model="sdxl")

# ---- Volta
row("Tesla V100-SXM2-16GB", 15.8, XF, warns="legacy-gpu", os="linux")
row("NVIDIA TITAN V", 12, XF, warns="legacy-gpu")
row("CMP 100-210", 16, f"{XF} {NH}", warns="legacy-gpu half-precision")

# ---- Turing TU11x: half precision is broken (1, 3c; pytorch#58123)
row("NVIDIA GeForce GTX 1630", 4, f"{MED} {XF} {UP} {NHV}", warns="half-precision")
row("NVIDIA GeForce GTX 1650", 4, f"{MED} {XF} {UP} {NHV}", warns="half-precision")
row("NVIDIA GeForce GTX 1650 with Max-Q Design", 3.8, f"{MED} {XF} {UP} {NHV}", warns="half-precision")
row("NVIDIA GeForce GTX 1650 SUPER", 4, f"{MED} {XF} {UP} {NHV}", warns="half-precision")
row("NVIDIA GeForce GTX 1660", 6, f"{SDXL} {XF} {NHV}", warns="half-precision")
row("NVIDIA GeForce GTX 1660 SUPER", 6, f"{SDXL} {XF} {NHV}", warns="half-precision")
row("NVIDIA GeForce GTX 1660 Ti", 6, f"{SDXL} {XF} {NHV}", warns="half-precision", os="linux")
row("NVIDIA GeForce GTX 1660 SUPER", 6, f"{LOW} {XF} {NHV}", warns="half-precision vram", model="sdxl")
row(
    "GeForce GTX 1660",
    6,
    f"{SDXL} {XF} {UP} {NHV}",
    CU118,
    "half-precision driver",
    **driver("456.71"),
    env={"XFORMERS_PACKAGE": "xformers==0.0.23.post1+cu118 --index-url https://download.pytorch.org/whl/cu118"},
)
row("NVIDIA GeForce MX450", 2, f"{LOW} {XF} {NH}", warns="half-precision vram")
row("NVIDIA GeForce MX550", 4, f"{MED} {XF} {UP} {NHV}", warns="half-precision")
row("NVIDIA T400", 2, f"{LOW} {XF} {NH}", warns="half-precision vram")
row("NVIDIA T400 4GB", 4, f"{MED} {XF} {UP} {NHV}", warns="half-precision")
row("NVIDIA T600 Laptop GPU", 4, f"{MED} {XF} {UP} {NHV}", warns="half-precision")
row("NVIDIA T1000", 4, f"{MED} {XF} {UP} {NHV}", warns="half-precision")
row("NVIDIA T1000 8GB", 8, f"{SDXL} {XF} {NH}", warns="half-precision")
row("NVIDIA T1000 8GB", 8, f"{SDXL} {XF} {UP} {NHV}", warns="half-precision", model="sdxl")
row("Quadro T2000 with Max-Q Design", 4, f"{MED} {XF} {UP} {NHV}", warns="half-precision")
row("NVIDIA CMP 30HX", 6, f"{MED} {XF} {NH}", warns="half-precision")
row("NVIDIA CMP 40HX", 8, f"{SDXL} {XF} {NH}", warns="half-precision")

# ---- Turing
row("NVIDIA GeForce RTX 2060", 6, f"{MED} {XF}")
row("NVIDIA GeForce RTX 2060", 6, f"{SDXL} {XF}", warns="vram", model="sdxl")
row("NVIDIA GeForce RTX 2060", 12, XF)
row("NVIDIA GeForce RTX 2060 SUPER", 8, f"{SDXL} {XF}")
row("NVIDIA GeForce RTX 2070", 8, f"{SDXL} {XF}")
row("NVIDIA GeForce RTX 2080 Ti", 11, f"{SDXL} {XF}")
row("NVIDIA GeForce RTX 2080 Ti", 22, XF)
row("NVIDIA TITAN RTX", 24, XF)
row("Quadro RTX 5000", 16, XF, os="linux", **driver("535.104.05"))
row("Quadro RTX 3000", 6, f"{MED} {XF}")
row("Tesla T4", 14.6, XF, os="linux")
row("CMP 50HX", 10, f"{SDXL} {XF}", warns="mining")

# ---- Ampere
row("NVIDIA GeForce RTX 2050", 4, f"{MED} {XF}")
row("NVIDIA GeForce MX570", 2, f"{LOW} {XF}", warns="vram")
row("NVIDIA GeForce RTX 3050 Ti Laptop GPU", 4, f"{MED} {XF}")
row("NVIDIA GeForce RTX 3050 Ti Laptop GPU", 4, f"{LOW} {XF}", warns="vram", model="sdxl")
row("NVIDIA GeForce RTX 3050 6GB", 6, f"{MED} {XF}")
row("NVIDIA GeForce RTX 3050", 8, f"{SDXL} {XF}")
row("NVIDIA GeForce RTX 3060 Laptop GPU", 6, f"{MED} {XF}")
row("NVIDIA GeForce RTX 3060 Ti", 8, f"{SDXL} {XF}")
row("NVIDIA GeForce RTX 3060", 12, XF, **driver("551.52"))
row("NVIDIA GeForce RTX 3060", 11.99, XF, os="linux", **driver("580.95.05"))
row("NVIDIA GeForce RTX 3070", 8, f"{SDXL} {XF}")
row("NVIDIA GeForce RTX 3080", 10, f"{SDXL} {XF}")
row("NVIDIA GeForce RTX 3080", 12, XF)
row("NVIDIA GeForce RTX 3090", 24, XF)
row("NVIDIA RTX A2000", 6, f"{MED} {XF}")
row("NVIDIA RTX A4000", 16, XF)
row("NVIDIA A10", 22.5, XF, os="linux")
row("NVIDIA A100-PCIE-40GB", 39.6, XF, os="linux")
row(
    "NVIDIA A100-SXM4-40GB MIG 1g.5gb",
    4.75,
    f"{MED} {XF}",
    os="linux",
    mig=True,
    uuid="MIG-5f2a",
    index=0,
    compute_capability=(8, 0),
    env={"CUDA_VISIBLE_DEVICES": "MIG-5f2a"},
    **driver("550.54.15"),
)

# ---- Ada and Hopper
row("NVIDIA GeForce RTX 4050 Laptop GPU", 6, f"{MED} {XF}")
row("NVIDIA GeForce RTX 4050 Laptop GPU", 6, f"{SDXL} {XF}", warns="vram", model="sdxl")
row("NVIDIA GeForce RTX 4060", 8188 / 1024, f"{SDXL} {XF}")
row("NVIDIA GeForce RTX 4060", 8188 / 1024, f"{SDXL} {XF}", model="sdxl")
row("NVIDIA GeForce RTX 4060 Ti", 16, XF)
row("NVIDIA GeForce RTX 4070", 12282 / 1024, XF)
row("NVIDIA GeForce RTX 4070 Laptop GPU", 8188 / 1024, f"{SDXL} {XF}")
row("NVIDIA GeForce RTX 4090", 24564 / 1024, XF)
row("NVIDIA L4", 22.5, XF, os="linux")
row("NVIDIA RTX 2000 Ada Generation", 16, XF)
row("NVIDIA H100 80GB HBM3", 79.6, XF, os="linux")
row(
    "NVIDIA H100 80GB HBM3 MIG 1g.10gb",
    9.5,
    f"{SDXL} {XF}",
    os="linux",
    mig=True,
    uuid="MIG-1e0c",
    index=0,
    compute_capability=(9, 0),
    env={"CUDA_VISIBLE_DEVICES": "MIG-1e0c"},
    **driver("590.48.01"),
    why_not={"--device-id": "mig-instance"},
)

# ---- Blackwell: cu128, no xformers, driver 570 (0.1, 0.3, 2a)
NEW = {"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"}
row("NVIDIA GeForce RTX 5050", 8, f"{SDXL} {SDP}", CU128, env=NEW, why_not={XF: "attention-blackwell"})
row("NVIDIA GeForce RTX 5060", 8, f"{SDXL} {SDP}", CU128, env=NEW)
row("NVIDIA GeForce RTX 5060 Ti", 8, f"{SDXL} {SDP}", CU128, env=NEW)
row("NVIDIA GeForce RTX 5060 Ti", 16, SDP, CU128, env=NEW, os="linux", **driver("570.144"))
row("NVIDIA GeForce RTX 5070", 12, SDP, CU128, env=NEW, **driver("576.02"))
row(
    "NVIDIA GeForce RTX 5070",
    12,
    SDP,
    CU128,
    "driver",
    env=NEW,
    **driver("566.36"),
    says="update it to 570.65 or newer",
)
row(
    "NVIDIA GeForce RTX 5070",
    12,
    SDP,
    CU128,
    "driver",
    os="linux",
    env=NEW,
    **driver("550.54.15"),
    says="update it to 570.26 or newer",
)
row("NVIDIA GeForce RTX 5070 Laptop GPU", 8, f"{SDXL} {SDP}", CU128, env=NEW)
row("NVIDIA GeForce RTX 5080", 16, SDP, CU128, env=NEW)
row("NVIDIA GeForce RTX 5090", 31.8, SDP, CU128, env=NEW, os="wsl", **driver("572.70"))
row("NVIDIA GeForce RTX 5090", 32, SDP, CU128, env=NEW, model="sdxl")
row("NVIDIA RTX PRO 6000 Blackwell Workstation Edition", 96, SDP, CU128, env=NEW)
row("NVIDIA B200", 180, SDP, CU128, env=NEW, os="linux")
row("NVIDIA GeForce RTX 5080 SUPER", 24, SDP, CU128, env=NEW, compute_capability=(12, 0), **driver("591.86"))
row("NVIDIA GB10", None, "", None, "unsupported-gpu", os="linux", refused=True, system={"arch": "aarch64"})
row("NVIDIA GB10", None, "", None, "unsupported-gpu", os="linux", refused=True)

# ---- drivers (2, 2d): the build's own floor by system, the cu118 fallback, no driver at all
X118 = {"XFORMERS_PACKAGE": "xformers==0.0.23.post1+cu118 --index-url https://download.pytorch.org/whl/cu118"}
row("NVIDIA GeForce RTX 3060", 12, XF, CU121, **driver("528.33"))
row("NVIDIA GeForce RTX 3060", 12, XF, CU118, "driver", env=X118, **driver("527.56"), says="528.33 or newer")
row("NVIDIA GeForce RTX 3060", 12, XF, CU118, "driver", env=X118, **driver("516.94"))
row(
    "NVIDIA GeForce RTX 3060",
    12,
    XF,
    CU118,
    "driver",
    env=X118,
    os="linux",
    **driver("515.65.01"),
    says="525.60.13 or newer",
)
row("NVIDIA GeForce RTX 3060", 12, XF, CU121, os="linux", **driver("525.60.13"))
row("NVIDIA GeForce RTX 3060", 12, XF, CU121, "driver", **driver("451.48"), says="528.33 or newer first")
row("NVIDIA GeForce RTX 3060", 12, XF, CU121, "driver", **driver(None), says="none is running")
row("NVIDIA GeForce RTX 3060", 12, XF, CU121, "driver", os="linux", **driver(None), system={"nouveau": False})
row(
    "NVIDIA GeForce RTX 3060",
    12,
    XF,
    CU121,
    "driver",
    os="linux",
    **driver(None),
    system={"nouveau": True},
    says="nouveau",
)
row("NVIDIA GeForce GTX 1080", 8, f"{SDXL} {XF} {NHV}", CU118, "legacy-gpu driver", env=X118, **driver("472.12"))
row("NVIDIA GeForce GTX 970", 4, f"{MED} {SDP} {UP} {NHV}", CU118, "legacy-gpu vram driver", **driver("511.79"))
row("NVIDIA GeForce RTX 4070", 12, XF, CU121, os="wsl", **driver("531.14"))
row(
    "NVIDIA GeForce RTX 4070",
    12,
    XF,
    CU118,
    "driver",
    env=X118,
    os="wsl",
    **driver("526.98"),
    says="528.33 or newer",
)

# ---- how much memory it has is not known
row("NVIDIA GeForce RTX 3060", None, f"{SDXL} {XF}", warns="vram-unknown")
row("NVIDIA GeForce GTX 1650", None, f"{MED} {XF} {UP} {NHV}", warns="half-precision")
row("NVIDIA Graphics Device", None, f"{MED} {XF}", warns="vram-unknown", compute_capability=(8, 9))


row("NVIDIA GeForce RTX 3060", 10, f"{SDXL} {XF}", warns="vram-size", says="8 GB or 12 GB")


# ---- several cards (3e)
def visible(index: int) -> dict[str, str]:
    return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": str(index)}


row(
    [gpu("NVIDIA GeForce GTX 1080", 8, index=0), gpu("NVIDIA GeForce RTX 5070", 12, index=1)],
    None,
    SDP,
    CU128,
    "several-gpus",
    env={**NEW, **visible(1)},
    why_not={"--device-id": "several-cards"},
)
row(
    [gpu("NVIDIA GeForce RTX 3060", 12, index=0), gpu("NVIDIA GeForce RTX 3060", 12, index=1)],
    None,
    XF,
    CU121,
    "several-gpus",
    env=visible(0),
)
row(
    [gpu("NVIDIA GeForce GT 710", 2, index=0), gpu("NVIDIA GeForce RTX 4090", 24, index=1)],
    None,
    XF,
    CU121,
    "several-gpus",
    env=visible(1),
)
row(
    [gpu("NVIDIA GeForce GTX 1660", 6, index=0), gpu("NVIDIA GeForce GTX 1080", 8, index=1)],
    None,
    f"{SDXL} {XF} {NHV}",
    CU121,
    "several-gpus legacy-gpu",
    env=visible(1),
)
row(
    [gpu("NVIDIA GeForce RTX 4060", 8, index=0), gpu("NVIDIA GeForce RTX 3060", 12, index=1)],
    None,
    XF,
    CU121,
    "several-gpus",
    env=visible(1),
)
row(
    [gpu("Tesla K80", 11.17, index=0), gpu("Tesla K80", 11.17, index=1)],
    None,
    NH,
    CU118,
    "several-gpus legacy-gpu",
    env=visible(0),
    os="linux",
)
row(
    [
        gpu("Tesla P40", 22.4, index=0),
        gpu("Tesla P40", 22.4, index=1),
        gpu("AMD Radeon Graphics (Ryzen 4000 Renoir)", 0.5, integrated=True),
    ],
    None,
    f"{XF} {UP} {NHV}",
    CU121,
    "several-gpus legacy-gpu",
    env=visible(0),
    os="linux",
)
row(
    [gpu("Intel(R) UHD Graphics 630", 0.1, integrated=True), gpu("NVIDIA GeForce RTX 4060 Laptop GPU", 8)],
    None,
    f"{SDXL} {XF}",
)
row([gpu("NVIDIA GeForce GT 710", 2), gpu("AMD Radeon RX 6800 XT", 16)], None, NHV, ROCM57, os="linux")

# ---- system memory and page file (3f)
row("NVIDIA GeForce RTX 3060", 12, f"{XF} --lowram", warns="ram", ram=7.9)
row("NVIDIA GeForce RTX 3060", 12, f"{XF} --lowram", warns="ram pagefile", ram=7.9, pagefile=2)
row(
    "NVIDIA GeForce RTX 3060",
    12,
    f"{XF} --lowram",
    warns="ram pagefile",
    ram=5.9,
    pagefile=4,
    says="less than the 8 GB",
)
row("NVIDIA GeForce GTX 1650", 4, f"{MED} {XF} {UP} {NHV}", warns="half-precision ram", ram=7.9, pagefile=12)
row("NVIDIA GeForce RTX 4070", 12, XF, warns="ram", ram=13.9, says="14 GB")
row(
    "NVIDIA GeForce RTX 4070",
    12,
    XF,
    warns="ram",
    ram=15.8,
    pagefile=4,
    model="sdxl",
    says="24 GB; you have 4 GB",
)
row("NVIDIA GeForce RTX 4070", 12, XF, ram=15.8, pagefile=4)
row("NVIDIA GeForce RTX 4070", 12, XF, warns="ram", ram=15.8, pagefile=None, model="sdxl", says="24 GB")
row("NVIDIA GeForce RTX 4070", 12, XF, ram=15.8, pagefile=24, model="sdxl")
row("NVIDIA GeForce RTX 4070", 12, XF, warns="pagefile", ram=24, pagefile=4, model="sdxl")
row("NVIDIA GeForce RTX 4090", 24, XF, ram=64, pagefile=0, model="sdxl")
row("Tesla T4", 14.6, f"{XF} --lowram", warns="ram pagefile", os="linux", ram=12.7, pagefile=0)
row("NVIDIA GeForce RTX 4070", 12, f"{XF} --lowram", warns="ram", os="wsl", ram=7.8, pagefile=2, says=".wslconfig")
row("NVIDIA GeForce RTX 4070", 12, XF, warns="ram", os="wsl", ram=15.6, pagefile=4, model="sdxl", says="24 GB")
row("NVIDIA GeForce RTX 4070", 12, XF, ram=None, pagefile=None)

# ---- Python
row(
    "NVIDIA GeForce RTX 4070",
    12,
    XF,
    warns="python",
    pythons=(Python(path="C:/Python313/python.exe", version=(3, 13, 1), bits=64),),
)
row(
    "NVIDIA GeForce RTX 4070",
    12,
    XF,
    pythons=(
        Python(path="C:/Python313/python.exe", version=(3, 13, 1), bits=64),
        Python(path="C:/Python310/python.exe", version=(3, 10, 6), bits=64),
    ),
)
row("NVIDIA GeForce RTX 4070", 12, XF, os="linux", installation=Installation(environment_python=(3, 11, 2)))
row("NVIDIA GeForce RTX 4070", 12, XF, warns="python", installation=Installation(environment_python=(3, 11, 2)))
row(
    "NVIDIA GeForce RTX 4070",
    12,
    XF,
    warns="python",
    os="linux",
    installation=Installation(environment_python=(3, 12, 4)),
)
row(
    "Intel(R) Arc(TM) A770 Graphics",
    16,
    "--use-ipex",
    "ipex-2.0-windows",
    "python ended",
    installation=Installation(environment_python=(3, 11, 2)),
)

# ---- what is tried when the build does not run on the card after all (2d, 4)
row("NVIDIA GeForce RTX 3090", 24, XF, **driver("560.94"), then=(CU118, CU126, CU128))
row(
    "NVIDIA GeForce GTX 1080 Ti",
    11,
    f"{SDXL} {XF} {NHV}",
    warns="legacy-gpu",
    **driver("560.94"),
    then=(CU118, CU126),
)
row("NVIDIA GeForce RTX 5070", 12, SDP, CU128, env=NEW, **driver("591.86"), then=())
row("Tesla K80", 11.17, NH, CU118, "legacy-gpu", **driver("472.12"), then=())
row("AMD Radeon RX 7900 XTX", 23.9, f"{SDP} {NHV}", ROCM57, os="linux", then=(ROCM64,))


# ---- AMD on Linux (3b, 3c, 3d)
def hsa(version: str, **more: str) -> dict[str, str]:
    return {"HSA_OVERRIDE_GFX_VERSION": version, **more}


OLD = f"{SUB} {UP} {NHV}"
GFX803 = {"os": "linux", "refused": True, "says": "pytorch-gfx803"}
row("AMD Radeon RX 580", 8, PROCESSOR, CPU, "legacy-gpu cpu-slow", **GFX803)
row("AMD Radeon RX 570", 4, PROCESSOR, CPU, "legacy-gpu cpu-slow", **GFX803)
row("AMD Radeon RX 550", 2, PROCESSOR, CPU, "legacy-gpu cpu-slow", **GFX803)
row("AMD Radeon R9 390X", 8, PROCESSOR, CPU, "legacy-gpu cpu-slow", **GFX803)
row("Radeon HD 7970/8970 OEM / R9 280X", 3, PROCESSOR, CPU, "legacy-gpu cpu-slow", **GFX803)
row("AMD Radeon RX Vega 64", 8, f"{MED} {OLD}", ROCM52, "legacy-gpu", os="linux", env=hsa("9.0.0"))
row("AMD Radeon Vega Frontier Edition", 16, OLD, ROCM52, "legacy-gpu", os="linux", env=hsa("9.0.0"))
row("AMD Radeon VII", 16, OLD, ROCM57, "legacy-gpu", os="linux", env=hsa("9.0.6"))
row("AMD Instinct MI100", 32, f"{SDP} {NHV}", ROCM57, os="linux", why_not={XF: "amd-linux"})
row("AMD Instinct MI300X", 192, f"{SDP} {NHV}", ROCM64, os="linux", env=NEW)
row("AMD Radeon RX 5700 XT", 8, f"{MED} {OLD}", ROCM52, "legacy-gpu", os="linux", env=hsa("10.3.0"))
row("AMD Radeon RX 5600 XT", 6, f"{MED} {OLD}", ROCM52, "legacy-gpu vram", os="linux", env=hsa("10.3.0"))
row("AMD Radeon RX 5500 XT", 4, f"{MED} {OLD}", ROCM52, "legacy-gpu vram", os="linux", env=hsa("10.3.0"))
row("AMD Radeon RX 6800 XT", 16, NHV, ROCM57, os="linux", why_not={SDP: "attention-rocm-rdna2"})
row("AMD Radeon RX 6700 XT", 12, NHV, ROCM57, os="linux", env=hsa("10.3.0"))
row("AMD Radeon RX 6700", 10, f"{SDXL} {SUB} {NHV}", ROCM57, os="linux", env=hsa("10.3.0"))
row("AMD Radeon RX 6600", 8, f"{MED} {SUB} {NHV}", ROCM57, os="linux", env=hsa("10.3.0"))
row("AMD Radeon RX 6500 XT", 4, f"{MED} {SUB} {NHV}", ROCM57, "vram", os="linux", env=hsa("10.3.0"))
row("AMD Radeon RX 6500 XT", 4, f"{LOW} {SUB} {NHV}", ROCM57, "vram", os="linux", env=hsa("10.3.0"), model="sdxl")
row("AMD Radeon RX 7900 XTX", 24, f"{SDP} {NHV}", ROCM57, os="linux")
row("AMD Radeon RX 7800 XT", 16, f"{SDP} {NHV}", ROCM57, os="linux", env=hsa("11.0.0"))
row("AMD Radeon RX 7600", 8, f"{MED} {SUB} {NHV}", ROCM57, os="linux", env=hsa("11.0.0"))
row("AMD Radeon RX 7600 XT", 16, f"{SDP} {NHV}", ROCM57, os="linux", env=hsa("11.0.0"))
row("AMD Radeon RX 9060 XT", 8, f"{MED} {SUB} {NHV}", ROCM64, "untested", os="linux", env=NEW)
row("AMD Radeon RX 9070 XT", 16, f"{SDP} {NHV}", ROCM64, "untested", os="linux", env=NEW)
row("AMD Radeon RX 7900 XT", 20, f"{SDP} {NHV}", ROCM57, "groups", os="linux", system={"groups": ("me", "video")})
row("AMD Radeon RX 7900 XT", 20, f"{SDP} {NHV}", ROCM57, os="linux", system={"groups": ("me", "video", "render")})
row("AMD Instinct MI350X", 288, f"{SDP} {NHV}", None, "unsupported-gpu", os="linux", refused=True, gfx="gfx950")
row("AMD Radeon 780M", 0.5, PROCESSOR, CPU, "unsupported-gpu cpu-slow", os="linux", integrated=True)

row("AMD Radeon 8060S", 64, PROCESSOR, CPU, "unsupported-gpu cpu-slow", os="linux", says="ROCm 7", gfx="gfx1151")
row("Phoenix1", 4, PROCESSOR, CPU, "unsupported-gpu cpu-slow", os="linux", vendor="amd", gfx="gfx1103")
row("Raphael", 0.5, PROCESSOR, CPU, "unsupported-gpu cpu-slow", os="linux", vendor="amd", gfx="gfx1036")

# ---- AMD on Linux by the names of the public list of devices, with and without a driver
SLASH57 = "Radeon RX 5600 OEM/5600 XT / 5700/5700 XT"
row(SLASH57, 8, f"{MED} {OLD}", ROCM52, "legacy-gpu", os="linux", env=hsa("10.3.0"), gfx="gfx1010")
row(
    "Radeon Pro VII/Radeon Instinct MI50 32GB",
    16,
    OLD,
    ROCM57,
    "legacy-gpu",
    os="linux",
    env=hsa("9.0.6"),
    gfx="gfx906",
    says="no longer supports",
)
row("Radeon RX 6800/6800 XT / 6900 XT", 16, NHV, ROCM57, os="linux", gfx="gfx1030")
row("Radeon RX 6890 XT", 16, NHV, ROCM57, os="linux", env=hsa("10.3.0"))
row("Radeon RX 7890 XT", 16, f"{SDP} {NHV}", ROCM57, os="linux", env=hsa("11.0.0"))
row("Radeon RX 5650 XT", 8, f"{MED} {OLD}", ROCM52, "legacy-gpu", os="linux", env=hsa("10.3.0"))
row(
    "Radeon RX 9070/9070 XT/9070 GRE",
    None,
    f"{SDP} {NHV}",
    ROCM64,
    "untested driver vram-unknown",
    os="linux",
    env=NEW,
    source="sysfs",
    says="amdgpu",
)
row(
    [Gpu(vendor="amd", name=None, source="sysfs")],
    None,
    PROCESSOR,
    CPU,
    "gpu-unknown cpu-slow",
    os="linux",
    refused=True,
    says="AMD's driver",
)


# ---- several AMD processors: the CPU's own graphics must not be taken
def hip(index: int, **more: str) -> dict[str, str]:
    return {"HIP_VISIBLE_DEVICES": str(index), **more}


RAPHAEL = gpu("Raphael", 0.5, vendor="amd", gfx="gfx1036")
row(
    [gpu("AMD Radeon RX 7900 XTX", 24), RAPHAEL],
    None,
    f"{SDP} {NHV}",
    ROCM57,
    "several-gpus",
    os="linux",
    env=hip(0),
    why_not={"--device-id": "several-radeons"},
)
row(
    [
        gpu("Phoenix1", 16, vendor="amd", gfx="gfx1103", pci_bus_id="0000:01:00.0"),
        gpu("Radeon RX 7600/7600 XT", 8, gfx="gfx1102", pci_bus_id="0000:03:00.0"),
    ],
    None,
    f"{MED} {SUB} {NHV}",
    ROCM57,
    "several-gpus",
    os="linux",
    env=hip(1, **hsa("11.0.0")),
)

# ---- a card that nobody knows
row("NVIDIA GeForce RTX 6090", 32, f"{SDP} {NHV}", CU128, "gpu-unknown", env=NEW, **driver("620.10"))
row("NVIDIA GeForce RTX 6090", 32, f"{SDP} {NHV}", CU121, "gpu-unknown", **driver("560.94"))
row("NVIDIA GeForce RTX 5055", 8, f"{SDXL} {SDP}", CU128, env=NEW, **driver("580.88"))

# ---- a driver that no longer knows the card
row(
    "NVIDIA GeForce GTX 1070",
    8,
    f"{SDXL} {XF} {NHV}",
    CU121,
    "driver",
    **driver("591.86"),
    says="580.xx",
)

# ---- mining cards whose full precision is cut down
row("CMP 50HX", 10, f"{SDXL} {XF}", warns="mining", os="linux", why_not={NH: "precision-slow-fp32"})
row("NVIDIA CMP 90HX", 10, f"{SDXL} {XF}", warns="mining", os="linux", **driver("535.129.03"))

# ---- a slice of a card whose id is not known
row(
    "NVIDIA A100-SXM4-80GB",
    40,
    XF,
    warns="several-gpus",
    os="linux",
    **driver("535.129.03", mig=True, uuid="GPU-5f2a"),
    why_not={"--device-id": "mig-unknown-instance"},
)

# ---- computers with ARM processors, for their own reason
row(
    "NVIDIA GH200 480GB",
    95,
    "",
    None,
    "unsupported-gpu",
    os="linux",
    refused=True,
    system={"arch": "aarch64"},
    says="several other packages",
)

# ---- AMD elsewhere: the fork is named
row(
    "AMD Radeon RX 6700 XT",
    12,
    PROCESSOR,
    CPU,
    "amd-windows cpu-slow",
    refused=True,
    says="stable-diffusion-webui-amdgpu",
)
row("AMD Radeon RX 580", 8, PROCESSOR, CPU, "amd-windows cpu-slow", refused=True)
row("AMD Radeon RX 7900 XTX", 24, PROCESSOR, CPU, "unsupported-gpu cpu-slow", os="wsl", refused=True)
row("AMD Radeon(TM) Graphics", 0.5, PROCESSOR, CPU, "unsupported-gpu amd-windows cpu-slow", integrated=True)
row("AMD Radeon(TM) RX Vega 11 Graphics", 2, PROCESSOR, CPU, "unsupported-gpu amd-windows cpu-slow")
row("AMD Radeon RX 9070 XT", 16, PROCESSOR, CPU, "amd-windows cpu-slow", refused=True, says="HIP SDK 6.4")

# ---- Intel (3d)
row("Intel(R) Arc(TM) A770 Graphics", 16, "--use-ipex", "ipex-2.0-windows", "ended", why_not={XF: "intel-arc"})
row("Intel(R) Arc(TM) A770 Graphics", 8, f"--use-ipex {SDXL}", "ipex-2.0-windows", "ended")
row("Intel(R) Arc(TM) A380 Graphics", 6, f"--use-ipex {MED}", "ipex-2.0-windows", "ended")
row("Intel(R) Arc(TM) A310 Graphics", 4, f"--use-ipex {MED}", "ipex-2.0-linux", "oneapi ended", os="linux")
row("Intel(R) Arc(TM) B580 Graphics", 12, PROCESSOR, CPU, "unsupported-gpu cpu-slow", refused=True, says="SD.Next")
row("Intel(R) Arc(TM) A750 Graphics", 8, PROCESSOR, CPU, "unsupported-gpu cpu-slow", os="wsl", refused=True)
row("Intel(R) UHD Graphics 630", 0.1, PROCESSOR, CPU, "unsupported-gpu cpu-slow", integrated=True)
row("Intel(R) Iris(R) Xe Graphics", 0.1, PROCESSOR, CPU, "unsupported-gpu cpu-slow", integrated=True, os="linux")

# ---- Macs (3d)
FALLBACK = {"PYTORCH_ENABLE_MPS_FALLBACK": "1"}
row("Apple M1", 8, MAC, "mps-2.3", "ram", os="macos", env=FALLBACK, ram=8, system={"arch": "arm64"})
row("Apple M2 Pro", 16, MAC, "mps-2.3", os="macos", env=FALLBACK, ram=16, system={"arch": "arm64"})
row("Apple M4 Max", 64, MAC, "mps-2.3", os="macos", env=FALLBACK, ram=64, system={"arch": "arm64"})
row("AMD Radeon Pro 5500M", 4, MAC, "mac-intel-2.1", os="macos", env=FALLBACK)

# ---- no card
row(None, None, PROCESSOR, CPU, "cpu-slow", why_not={XF: "no-card", MED: "memory-shared"})
row(None, None, PROCESSOR, CPU, "cpu-slow", os="linux")
row(None, None, PROCESSOR, CPU, "cpu-slow", os="wsl")
row("Microsoft Basic Display Adapter", None, PROCESSOR, CPU, "cpu-slow", vendor="other")
row(None, None, "", None, "unsupported-gpu", os="linux", refused=True, system={"arch": "aarch64"})
row(
    "NVIDIA GeForce RTX 4060",
    8,
    "",
    None,
    "unsupported-gpu",
    refused=True,
    system={"arch": "AMD64", "native_arch": "ARM64"},
)
