"""Every candidate in its turn, until there is none: the web UI with its flags, the pictures, and what was seen
meanwhile."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from sdsetup.catalog.failures import FailureBook
from sdsetup.catalog.measure import Pictures
from sdsetup.command import Command
from sdsetup.decide.diagnosis import Diagnosis
from sdsetup.decide.measuring.candidates import Candidate, Measurement, Outcome, Trial, fastest, next_candidate
from sdsetup.decide.measuring.winner import Key
from sdsetup.decide.picture import PngError, as_arguments, decode_png, judge, proof_arguments
from sdsetup.decide.picture.attempts import Outcome as PictureOutcome
from sdsetup.decide.startup import LaunchPlan, ModelClass
from sdsetup.errors import SdsetupError
from sdsetup.execute.context import Context
from sdsetup.execute.measuring.peaks import Gauge, Peaks
from sdsetup.execute.measuring.remembered import remember, remembered
from sdsetup.execute.webui.api import ApiAnswer, call, free_port, peak_vram
from sdsetup.execute.webui.launch_plan import planned, refuse_unclear
from sdsetup.execute.webui.painting import (
    PORTS,
    STOPPING,
    Patience,
    await_model,
    blamed,
    first_picture,
    hear_out,
    own_settings,
    paint,
    wanted,
)
from sdsetup.execute.webui.process import WebUI, start
from sdsetup.launchfile import FILE_NAMES, Kind, LaunchFile, Settings, arguments, grouped, merge
from sdsetup.machine.launch_files import read_launch_file, read_launch_settings
from sdsetup.text import Text, message
from sdsetup.values.facts import Vendor
from sdsetup.values.flags import names_of

_OUTCOMES: dict[PictureOutcome, Outcome] = {
    "out-of-memory": "out-of-memory",
    "black": "black",
    "constant": "black",
    "nan-vae": "black",
    "nan-unet": "black",
}
_log = logging.getLogger("sdsetup.measuring")
# Once one has worked: what takes so many times longer will not win, and a start that hangs is not waited for.
_TIMES = 10
_AT_LEAST = 120.0  # seconds


class Told(Protocol):
    """Who hears how far it is."""

    def began(self, candidate: Candidate, done: Sequence[Measurement]) -> None: ...

    def doing(self, text: Text) -> None: ...

    def ended(self, measurement: Measurement) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Bench:
    """`settings`: what the rules want in the launch file; the flags are those of each candidate.
    `decided`: flags that candidates differ in; a candidate without one has it taken out.
    `spill_bytes`: what a program may have in shared memory without having run out of the card's own.
    `unused`: flag -> the line by which the web UI says that it starts without it."""

    context: Context
    key: Key
    pictures: Pictures
    settings: Settings
    decided: tuple[str, ...]
    book: FailureBook
    gauge: Gauge
    told: Told
    spill_bytes: int
    unused: Mapping[str, re.Pattern[str]]
    vendors: tuple[Vendor, ...] | None = None
    patience: Patience = field(default_factory=Patience)


def measure(trial: Trial, bench: Bench) -> tuple[Measurement, ...]:
    """What every candidate did, those included that were measured before under the same key.

    It is remembered after each, so what is stopped at any moment goes on from there.

    Raises:
        SdsetupError: the web UI cannot be started at all: `webui-missing`, `environment-missing`,
            `webui-not-startable`; the launch file cannot be understood.
    """
    done = list(remembered(bench.context.state, bench.key))
    while (candidate := next_candidate(trial, done)) is not None:
        bench.told.began(candidate, done)
        _log.info("measuring %s: %s", candidate.name, candidate.flags)
        measurement = run_candidate(candidate, replace(bench, patience=patience_after(done, bench)))
        _log.info("measured: %s", measurement)
        done.append(measurement)
        remember(bench.context.state, bench.key, done)
        bench.told.ended(measurement)
    return tuple(done)


def patience_after(done: Sequence[Measurement], bench: Bench) -> Patience:
    """How long the next one may take: much less once it is known what is possible here."""
    best = fastest(done)
    if best is None or best.speed is None or best.seconds is None:
        return bench.patience
    given = bench.patience
    start = max(_AT_LEAST, _TIMES * best.seconds)
    picture = max(_AT_LEAST, _TIMES * best.speed * bench.pictures.steps)
    return Patience(
        start=min(given.start, start),
        model=min(given.model, start),
        unannounced=given.unannounced,
        picture=min(given.picture, picture),
    )


def run_candidate(candidate: Candidate, bench: Bench) -> Measurement:
    """Start, warm up, paint, end. What goes wrong with this candidate is its outcome.

    Raises:
        SdsetupError: nothing could be started here, with whatever flags; `flag-unused` where the web UI starts
            without a flag that the rules chose.
    """
    began = time.monotonic()
    for _ in range(PORTS):
        port = free_port()
        with start(_plan(candidate, bench, port), bench.context) as web:
            with Peaks(bench.gauge, web.pid) as peaks:
                run = _Run(web, bench, port)
                seen = run.all(candidate)
                peaks.look()
            web.stop(STOPPING)
        if run.diagnosis is None or run.diagnosis.id != "port-taken":
            break
    spilled = None if peaks.shared is None else peaks.shared if peaks.shared > bench.spill_bytes else 0
    return replace(
        seen,
        seconds=round(time.monotonic() - began, 1),
        card_peak_bytes=peaks.used,
        card_total_bytes=peaks.total,
        spilled_bytes=spilled,
    )


def _plan(candidate: Candidate, bench: Bench, port: int) -> LaunchPlan:
    """The start that the launch file would make with this candidate in it; the file itself stays as it is."""
    context = bench.context
    kind: Kind = "bat" if context.machine.family == "windows" else "sh"
    page = context.machine.windows().oem_code_page if kind == "bat" else None
    gone = names_of(flag for flag in bench.decided if flag not in candidate.flags)
    settings = replace(
        bench.settings,
        flags=candidate.flags,
        drop_flags=tuple(dict.fromkeys((*bench.settings.drop_flags, *gone))),
    )
    existing = read_launch_file(context.dir / FILE_NAMES[kind])
    content = merge(kind, existing, settings, oem_encoding=f"cp{page}" if page else None)
    seen = read_launch_settings(context.machine, context.dir, instead={FILE_NAMES[kind]: content})
    refuse_unclear(seen, context)
    _must_have(candidate, seen, context)
    flags = arguments(seen, context.machine.env)
    config = own_settings(context, flags, context.state / "measuring")
    return planned(context, proof_arguments(flags, port=port, settings=str(config)), seen)


def _must_have(candidate: Candidate, seen: LaunchFile, context: Context) -> None:
    """Another file that sets the flags as well would make every candidate the same."""
    present = {(one.name, one.values) for one in grouped(seen.flags)}
    lost = [one.name for one in grouped(as_arguments(candidate.flags)) if (one.name, one.values) not in present]
    if lost:
        raise SdsetupError(
            Text("The flags to measure would not reach the web UI: {flags}", flags=", ".join(lost)),
            where=context.dir,
            why=Text(
                "another file next to the launch file also sets flags (webui.settings.bat, or the one for Macs)"
            ),
            hint=Text("Move its flags into the launch file, then run the same command again."),
            code="launch-file-overridden",
        )


class _Run:
    """One start: `all` makes the pictures; `diagnosis` is why it did not."""

    def __init__(self, web: WebUI, bench: Bench, port: int) -> None:
        self.diagnosis: Diagnosis | None = None
        self._web = web
        self._bench = bench
        self._port = port

    def all(self, candidate: Candidate) -> Measurement:
        web, patience, pictures = self._web, self._bench.patience, self._bench.pictures
        seen = Measurement(candidate=candidate, outcome="failed")
        self._bench.told.doing(Text("starting the web UI"))
        if not web.until(lambda state: state.ready, patience.start):
            return self._ended(seen, patience.start)
        if (flag := self._unused(candidate)) is not None:
            if candidate.name == "rule":  # everything else would be compared with what was not tried
                raise SdsetupError(
                    Text("The web UI can't use {flag} and started without it", flag=flag),
                    where=web.log.path,
                    hint=Text(
                        "Repair the Python environment: {command}",
                        command=Command("sdsetup", "install", "--dir", self._bench.context.dir),
                    ),
                    code="flag-unused",
                )
            return replace(seen, problem=message("the web UI could not use a flag and started without it"))
        self._bench.told.doing(Text("loading the model"))
        await_model(web, patience)
        if web.over or web.state.model == "failed":
            return self._ended(seen, patience.model)
        self._must_be_of(web.state.model_class)
        body = wanted(
            prompt=pictures.prompt,
            seed=pictures.seed,
            steps=pictures.steps,
            width=pictures.width,
            height=pictures.height,
        )
        took: list[float] = []
        count = pictures.warm_up + pictures.count
        for number in range(count):
            self._bench.told.doing(Text("image {number} of {count}", number=number + 1, count=count))
            answer = paint(web, self._port, body, patience.picture)
            if answer is None or not answer.ok:
                return self._refused(seen, answer)
            took.append(answer.seconds)
            if (bad := self._bad(seen, answer)) is not None:
                return self._with_memory(bad)
        counted = tuple(round(seconds / pictures.steps, 5) for seconds in took[pictures.warm_up :])
        return self._with_memory(replace(seen, outcome="good", step_seconds=counted))

    def _unused(self, candidate: Candidate) -> str | None:
        lines = "\n".join(self._web.log.lines)
        unused = (flag for flag, line in self._bench.unused.items() if line.search(lines))
        return next((flag for flag in unused if flag in candidate.flags), None)

    def _must_be_of(self, loaded: ModelClass | None) -> None:
        asked = self._bench.key.model_class
        if loaded is None or loaded == asked:
            return
        names = {"sd15": "SD 1.5", "sdxl": "SDXL"}
        raise SdsetupError(
            Text("The web UI has loaded an {loaded} model", loaded=names[loaded]),
            where=self._web.state.model_file,
            why=Text("the measurement is for {asked}, with images of its size", asked=names[asked]),
            hint=Text("Add --model-class {loaded}, or choose another model in the web UI first.", loaded=loaded),
            code="model-class-differs",
        )

    def _bad(self, seen: Measurement, answer: ApiAnswer) -> Measurement | None:
        """What is wrong with the picture; None for a good one."""
        try:
            verdict = judge(decode_png(first_picture(answer.value)))
        except PngError as error:
            return replace(seen, problem=f"the image can't be read: {error}")
        if verdict == "good":
            return None
        said = message("the image is black") if verdict == "black" else message("the image is a single color")
        return replace(seen, outcome=_OUTCOMES.get(verdict, "failed"), problem=said)

    def _with_memory(self, seen: Measurement) -> Measurement:
        memory = call("GET", self._port, "/sdapi/v1/memory", seconds=30)
        return replace(seen, torch_peak_bytes=peak_vram(memory.value))

    def _refused(self, seen: Measurement, answer: ApiAnswer | None) -> Measurement:
        if answer is None and not self._web.over:
            return replace(seen, problem=f"an image took more than {self._bench.patience.picture:.0f} s")
        hear_out(self._web, answer)
        if answer is not None and not self._web.over:
            return self._with_memory(self._blamed(seen, answer.problem or f"the web UI answered {answer.status}"))
        return self._ended(seen, 0)

    def _ended(self, seen: Measurement, limit: float) -> Measurement:
        """It ended, or its model did not load, or the time (seconds) was over."""
        if self._web.over:
            return self._blamed(seen, f"the web UI exited with code {self._web.rc}")
        if self._web.state.model == "failed":
            return self._blamed(seen, message("the model did not load"))
        return self._blamed(seen, f"not ready after {limit:.0f} s")

    def _blamed(self, seen: Measurement, otherwise: str) -> Measurement:
        self.diagnosis = found = self._web.diagnose(self._bench.book, self._bench.vendors)
        outcome = _OUTCOMES.get(blamed(found, "failed"), "failed")
        return replace(seen, outcome=outcome, problem=str(found.title) if found else otherwise)
