"""Asks the new environment's torch to calculate on the card."""

from __future__ import annotations

import logging
from pathlib import Path

from sdsetup.decide.default_folder import environment_python
from sdsetup.decide.torch_verdict import TorchVerdict, judge, parse_said
from sdsetup.execute.context import Context
from sdsetup.values.plan import ProveTorch

_log = logging.getLogger("sdsetup.torch")
_SECONDS = 300.0  # a first import reads gigabytes from a slow disk, and the first kernel is compiled


def prove(action: ProveTorch, context: Context) -> TorchVerdict:
    """Run the small calculation; never raises for what torch does."""
    python = environment_python(context.dir, context.machine.family)
    script = Path(__file__).with_name("torch_probe_script.py")
    wanted = "mps" if context.machine.family == "macos" else "cuda"
    # Isolated (-I): the modules beside the script must not shadow what torch imports.
    # CUDA counts cards fastest first unless told otherwise; the launch file counts as nvidia-smi does.
    env = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "PYTHONDONTWRITEBYTECODE": "", **dict(action.env)}
    done = context.machine.run(
        [str(python), "-I", str(script), wanted], timeout=_SECONDS, cwd=context.dir, env=env
    )
    said = parse_said(done.out)
    _log.info("torch said %r; rc %r, %s %s", said, done.rc, done.problem, done.err[-2000:])
    if said is None:
        said = {"broken": done.problem or done.err.strip()[-300:] or f"exit code {done.rc}"}
    return judge(said, expect_gpu=action.expect_gpu)
