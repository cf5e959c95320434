"""The proof of torch: each way it fails, and the next build that is tried. Real environments, stand-in torches."""

from __future__ import annotations

import os
import sys
import venv
from pathlib import Path

import pytest

from execute.gitlab import Heard, context_for
from execute.package_index import PIP, Index
from execute.test_environment import action, context
from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.environment import build
from sdsetup.execute.steps import proofs
from sdsetup.rehearsal.torch_stand_in import torch_module
from sdsetup.text import Text
from sdsetup.values.plan import BuildEnvironment, ProveTorch, Step
from sdsetup.values.tuning import TorchBuild

CARD = "NVIDIA GeForce RTX 5090"
GOOD = torch_module("2.7.0", CARD)
# Compiled for cards up to Hopper, on a card of capability 12.0.
OLD = torch_module("2.1.2", CARD)
OLD = OLD.replace(
    "get_device_capability = staticmethod(lambda _n=0: None)", "get_device_capability = lambda _n: (12, 0)"
)
OLD = OLD.replace("get_arch_list = staticmethod(lambda: [])", 'get_arch_list = lambda: ["sm_50", "sm_90"]')
NAN = GOOD.replace("return False", "return True")


def raising(text: str) -> str:
    """A torch whose look at the card ends with this error."""
    return GOOD + f"\n\ndef _broken():\n    raise RuntimeError({text!r})\n\n\ncuda.is_available = _broken\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("torch") / "web ui"
    venv.create(made / "venv", symlinks=os.name != "nt")
    return made


def with_torch(folder: Path, code: str) -> Context:
    place = "Lib/site-packages" if os.name == "nt" else f"lib/python3.{sys.version_info.minor}/site-packages"
    package = folder / "venv" / place / "torch"
    package.mkdir(exist_ok=True)
    (package / "__init__.py").write_text(code, encoding="utf-8")
    for kept in (package / "__pycache__").glob("*"):
        kept.unlink()  # two of one size in one second look the same to Python
    return context_for(folder)


@pytest.mark.parametrize(
    ("code", "torch", "why"),
    [
        ("torch-no-gpu", torch_module("2.1.2", None), "no usable graphics card"),
        ("torch-wrong-architecture", OLD, CARD),
        (
            "torch-wrong-architecture",
            raising("CUDA error: no kernel image is available"),
            "doesn't support the graphics card",
        ),
        ("torch-driver-too-old", raising("The NVIDIA driver on your system is too old (found 11040)"), "driver"),
        ("torch-broken-import", "raise OSError('libcudart.so.12: cannot open shared object')", "libcudart.so.12"),
        ("torch-broken-import", "raise OSError('[WinError 126] c10.dll')", "Visual C++"),
        ("torch-broken-import", "import os; os._exit(3)", "exit code 3"),
        ("torch-failed", raising("an unspecified launch failure"), "unspecified launch failure"),
    ],
)
def test_why_torch_does_not_work(folder: Path, code: str, torch: str, why: str) -> None:
    with pytest.raises(SdsetupError) as caught:
        proofs.torch(ProveTorch(expect_gpu=True), with_torch(folder, torch), {}, ())
    assert caught.value.code == code
    assert why in str(caught.value.why)
    assert caught.value.hint is not None and "two builds" not in str(caught.value.message)


def test_a_torch_that_calculates(folder: Path) -> None:
    proved = proofs.torch(ProveTorch(expect_gpu=True), with_torch(folder, GOOD), {}, ())
    assert (proved.result["outcome"], proved.corrections) == ("ok", ())
    assert CARD in str(proved.summary)


def test_half_precision_without_numbers_needs_a_flag_and_no_other_torch(folder: Path) -> None:
    proved = proofs.torch(ProveTorch(expect_gpu=True), with_torch(folder, NAN), {}, ())
    assert proved.result["outcome"] == "broken-half"
    (correction,) = proved.corrections
    assert correction.add_flags == ("--no-half",) and correction.torch is None


@pytest.mark.slow
@pytest.mark.parametrize("second", [GOOD, raising("an unspecified launch failure")], ids=["works", "fails too"])
def test_the_next_build_is_installed_and_proved_once(tmp_path: Path, second: str) -> None:
    """What the first build cannot, the next one may; no third is tried, and a failure says that two were."""
    with Index(tmp_path / "wheels") as index:
        index.add("pip", "26.3", code=PIP)
        for name in ("gradio", "torchvision", "packaging"):
            index.add(name, {"gradio": "3.41.2", "torchvision": "0.16.2", "packaging": "26.3"}[name])
        index.add("torchvision", "0.22.0")
        index.add("torch", "2.1.2", code=OLD)
        index.add("torch", "2.7.0", code=second)
        heard = Heard()
        here = context(tmp_path, index, heard)
        first = action()
        build(first, here)
        next_one = TorchBuild(
            family="next",
            torch="2.7.0",
            torchvision="0.22.0",
            xformers=None,
            index_url=None,
            command="pip install torch==2.7.0 torchvision==0.22.0",
        )
        steps = (environment_step(first),)
        proof = ProveTorch(expect_gpu=True, fallbacks=(next_one,))
        if second != GOOD:
            with pytest.raises(SdsetupError) as caught:
                proofs.torch(proof, here, {}, steps)
            assert (caught.value.code, "two builds were tried" in str(caught.value.message)) == (
                "torch-failed",
                True,
            )
            return
        proved = proofs.torch(proof, here, {}, steps)
        assert (proved.result["outcome"], proved.result["torch"]) == ("ok", "2.7.0")
        (correction,) = proved.corrections
        assert correction.torch == next_one and CARD in str(correction.because)
        assert any("Trying PyTorch 2.7.0 instead" in note for note in heard.notes)


def environment_step(work: BuildEnvironment) -> Step:
    return Step(id="environment", title=Text("environment"), detail=Text(""), action=work)
