"""The proofs (torch calculates on the card, the web UI makes a picture), and what they teach: another torch build,
other flags."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sdsetup.decide.picture.attempts import Attempt
from sdsetup.decide.torch_verdict import TorchVerdict, judge, parse_said
from sdsetup.errors import SdsetupError
from sdsetup.execute import environment, launch_file
from sdsetup.execute.context import Context, Outcome
from sdsetup.execute.webui.picture import prove
from sdsetup.launchfile import FILE_NAMES, LaunchFile, arguments, flag, grouped, read
from sdsetup.launchfile.effective import kind_of
from sdsetup.machine.launch_files import environment_in_use, read_launch_file, read_launch_settings
from sdsetup.text import Text
from sdsetup.values.corrections import Correction, apply_corrections
from sdsetup.values.layout import python_in
from sdsetup.values.plan import BuildEnvironment, ProvePicture, ProveTorch, Step, WriteLauncher
from sdsetup.values.tuning import TorchBuild

# What helps a card whose half precision gives no numbers, before any picture was tried.
_NO_HALF = Correction(
    because=Text("Half precision failed a test on this graphics card (NaN values)."), add_flags=("--no-half",)
)
_log = logging.getLogger("sdsetup.torch")
_CALCULATING = 300.0  # a first import reads gigabytes from a slow disk, and the first kernel is compiled


def torch(
    action: ProveTorch, context: Context, results: Mapping[str, Mapping[str, Any]], steps: tuple[Step, ...]
) -> Outcome:
    """Prove torch on the card; on failure the next suitable build is installed and proved, once.

    Raises:
        SdsetupError: `torch-OUTCOME` when no build calculates here.
    """
    corrections: list[Correction] = []
    verdict = _calculated(action, context)
    if not verdict.good and verdict.another_build and action.fallbacks:
        build, first = action.fallbacks[0], verdict
        context.tell(Text("{why}. Trying PyTorch {torch} instead.", why=first.why, torch=build.torch))
        _rebuild(build, context, results, steps)
        verdict = _calculated(action, context)
        because = Text("The first choice did not work on this graphics card: {why}.", why=first.why)
        corrections.append(Correction(because=because, torch=build))
    if not verdict.good:
        raise _no_torch(action, context, verdict)
    if verdict.outcome == "broken-half":
        corrections.append(_NO_HALF)
        _rewrite(steps, [_NO_HALF], context)
    result = {"outcome": verdict.outcome, **verdict.said}
    return Outcome(result=result, summary=verdict.why, corrections=tuple(corrections))


def _calculated(action: ProveTorch, context: Context) -> TorchVerdict:
    """Run the small calculation; never raises for what torch does."""
    python = python_in(environment_in_use(context.machine, context.dir), context.machine.family)
    script = Path(__file__).with_name("torch_probe_script.py")
    wanted = "mps" if context.machine.family == "macos" else "cuda"
    # Isolated (-I): the modules beside the script must not shadow what torch imports.
    # CUDA counts cards fastest first unless told otherwise; the launch file counts as nvidia-smi does.
    env = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "PYTHONDONTWRITEBYTECODE": "", **dict(action.env)}
    done = context.machine.run(
        [str(python), "-I", str(script), wanted], timeout=_CALCULATING, cwd=context.dir, env=env
    )
    said = parse_said(done.out)
    _log.info("torch said %r; rc %r, %s %s", said, done.rc, done.problem, done.err[-2000:])
    if said is None:
        said = {"broken": done.problem or done.err.strip()[-300:] or f"exit code {done.rc}"}
    return judge(said, expect_gpu=action.expect_gpu)


def picture(action: ProvePicture, context: Context, steps: tuple[Step, ...]) -> Outcome:
    """Make the proof picture as the launch file would, and keep in it what worked.

    Raises:
        SdsetupError: what stopped the web UI or the picture.
    """
    seen = _launch_settings(steps, context)
    flags = tuple(flag(one.name, *one.values) for one in grouped(arguments(seen, context.machine.env)))
    book = context.catalog.failures
    proof = prove(action, context, flags=flags, seen=seen, book=book)
    corrections: tuple[Correction, ...] = ()
    if proof.changed:
        because = proof.reasons[0].because if proof.reasons else Text("The test image needed it.")
        corrections = (Correction(because=because, add_flags=proof.added, drop_flags=proof.dropped),)
        _rewrite(steps, corrections, context)
    return Outcome(result=proof.result(), summary=_took(proof.kept), corrections=corrections)


def _took(attempt: Attempt) -> Text:
    seconds, peak = attempt.picture_seconds or 0.0, attempt.peak_bytes
    if peak is None or peak < 2**28:  # less than any web UI holds: not measured
        return Text("created in {seconds:.1f} s", seconds=seconds)
    peak_gib = peak / 2**30
    if attempt.memory == "vram":
        return Text(
            "created in {seconds:.1f} s, {peak:.1f} GB of video memory used", seconds=seconds, peak=peak_gib
        )
    return Text("created in {seconds:.1f} s, {peak:.1f} GB of system memory used", seconds=seconds, peak=peak_gib)


def _rebuild(
    build: TorchBuild, context: Context, results: Mapping[str, Mapping[str, Any]], steps: tuple[Step, ...]
) -> None:
    for step in steps:
        if isinstance(step.action, BuildEnvironment):
            python = step.action.python or str(results["python"]["python"])
            environment.build(replace(step.action, torch=build, python=python), context)


def _rewrite(
    steps: tuple[Step, ...], corrections: tuple[Correction, ...] | list[Correction], context: Context
) -> None:
    for action in _launchers(steps):
        dropped = tuple(flag for correction in corrections for flag in correction.drop_flags)
        corrected = replace(
            action, flags=apply_corrections(action.flags, corrections), drop_flags=(*action.drop_flags, *dropped)
        )
        launch_file.write(corrected, context)


def _launchers(steps: tuple[Step, ...]) -> Iterator[WriteLauncher]:
    for step in steps:
        if isinstance(step.action, WriteLauncher):
            yield step.action


def _launch_settings(steps: tuple[Step, ...], context: Context) -> LaunchFile:
    """What the web UI would be started with; where only the other system's launch file is written, that one."""
    kinds = {action.kind: action for action in _launchers(steps)}
    own = kind_of(context.machine.family)
    if own in kinds or not kinds:
        return read_launch_settings(context.machine, context.dir)
    action = next(iter(kinds.values()))
    content = read_launch_file(context.dir / FILE_NAMES[action.kind]) or b""
    return read(
        action.kind, content, encoding=action.encoding, environment=context.machine.env, folder=str(context.dir)
    )


def _no_torch(action: ProveTorch, context: Context, verdict: TorchVerdict) -> SdsetupError:
    hints = {
        "driver-too-old": Text("Update the graphics driver, restart the PC, and run the same command again."),
        "broken-import": Text("See what is missing and how to fix it: sdsetup doctor"),
        "no-gpu": Text("Restart the PC. If that doesn't help, reinstall the graphics driver."),
    }
    return SdsetupError(
        Text("PyTorch does not work on this PC (two builds were tried)")
        if action.fallbacks
        else Text("PyTorch does not work on this PC"),
        where=environment_in_use(context.machine, context.dir),
        why=verdict.why,
        hint=hints.get(verdict.outcome, Text("Create a support report: sdsetup report")),
        code=f"torch-{verdict.outcome}",
    )
