"""The user's own flags and variables beside ours: they stay, or the user is told what happens to them.

Where they make a model larger, the memory settings follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sdsetup.catalog.flags import KnownFlags, Setting
from sdsetup.catalog.tuning import Rules
from sdsetup.decide.tuning.engine import tune
from sdsetup.text import Text, all_of, message
from sdsetup.values.facts import Facts
from sdsetup.values.flags import ARGS, Flag, LaunchFile, grouped
from sdsetup.values.install_record import InstallRecord
from sdsetup.values.tuning import Tuning, Warning

_TOPIC = "own-flags"
_SCRIPT_NAMES = ("GIT", "PYTHON", "VENV_DIR")  # what webui.bat itself reads
# Rules that come from images created here, with the user's flags in place.
_SEEN = ("measured", "seen-here")


@dataclass(frozen=True, kw_only=True)
class Own:
    """What of a launch file is the user's: neither this tuning nor an earlier one of ours set it.

    `flags`: those of COMMANDLINE_ARGS; `at_start`: those on the line that calls webui.bat, which we leave alone.
    `env`: variables; None for a value that cannot be told from the file. `unexported`: names of those that only
    webui.sh itself sees. `lines`: what is to be said of lines without an effect, of those that take in another
    file, and of those that set the flags of another start, which we leave alone.
    """

    flags: tuple[Flag, ...] = ()
    at_start: tuple[Flag, ...] = ()
    env: Mapping[str, str | None] = field(default_factory=dict)
    unexported: frozenset[str] = frozenset()
    lines: tuple[Text, ...] = ()

    @property
    def all_flags(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(str(flag) for flag in (*self.flags, *self.at_start)))

    def value(self, name: str) -> str | None:
        return self.env.get(name)

    def sets(self, name: str) -> bool:
        return name in self.env or any(flag.name == name for flag in (*self.flags, *self.at_start))


def own_settings(seen: LaunchFile, tuning: Tuning, recorded: InstallRecord | None, known: KnownFlags) -> Own:
    """The user's part of a launch file. `recorded`: what we wrote there before."""
    ours = {Flag.parse(text).name for text in (*tuning.flags, *(recorded.flags if recorded else ()))}
    written = {**(dict(recorded.env) if recorded else {}), **dict(tuning.env)}
    before = dict(recorded.env) if recorded else {}
    env: dict[str, str | None] = {}
    for spelt, value in (*seen.env.items(), *((one.name or ARGS, None) for one in seen.unclear)):
        name = _known_name(spelt, (*written, *known.variables, *_SCRIPT_NAMES), seen.kind)
        entry = known.of(name)
        ours_too = value is not None and value in (written.get(name), before.get(name))
        # A list may be theirs in part, whoever wrote it last.
        if name == ARGS or (ours_too and not (entry is not None and entry.list)):
            continue
        env[name] = value
    return Own(
        flags=tuple(flag for flag in grouped(seen.flags) if flag.name not in ours),
        at_start=tuple(grouped(seen.start_flags)),
        env=env,
        unexported=frozenset(name for name, value in seen.variables.items() if value != written.get(name)),
        lines=tuple(_of_lines(seen)),
    )


def _of_lines(seen: LaunchFile) -> Iterator[Text]:
    for one in seen.without_effect:
        yield Text(
            "Line {line} of your launch file has no effect: {why}", line=one.line, name=one.name, why=one.why
        )
    for line, what in dict.fromkeys(seen.runs):
        yield Text(
            "Line {line} of your launch file runs {what}, and sdsetup doesn't see the flags and variables "
            "set there. They can override the recommended settings",
            line=line,
            what=what,
        )
    for line in seen.second_starts:
        yield Text(
            "Line {line} of your launch file sets {name} for a second start, "
            "which doesn't get the recommended flags",
            line=line,
            name=ARGS,
        )


def _known_name(spelt: str, names: Iterable[str], kind: str) -> str:
    """The name as we write it: Windows knows no letter case."""
    if kind == "sh":
        return spelt
    return next((name for name in names if name.upper() == spelt.upper()), spelt)


def beside(own: Own, tuning: Tuning, known: KnownFlags) -> Tuning:
    """The tuning as it can stand beside what the user set, with a warning for each point where the two meet."""
    flags, of_flags = _flags_beside(own, tuning, known)
    env, of_env = _env_beside(own, tuning, known)
    said = (
        *of_flags,
        *of_env,
        *_other_packages(own, tuning, known),
        *_among_themselves(own, tuning, known),
        *own.lines,
    )
    left = {*flags, *dict(env)}
    left_out = {*tuning.flags, *dict(tuning.env)} - left
    return replace(
        tuning,
        flags=flags,
        env=env,
        kept=tuple(dict.fromkeys((*tuning.kept, *own.env))),
        reasons=tuple(reason for reason in tuning.reasons if reason.setting not in left_out),
        warnings=tuple(dict.fromkeys((*tuning.warnings, *map(_warning, said)))),
    )


# --- flags ---


def _flags_beside(own: Own, tuning: Tuning, known: KnownFlags) -> tuple[tuple[str, ...], list[Text]]:
    flags = list(tuning.flags)
    said: list[Text] = []
    for theirs in own.at_start:
        for ours in _same_job(theirs.name, flags, known):
            flags.remove(ours)
            said.append(
                Text(
                    "Your own {own} is on the line that starts the web UI, so {ours} is left out. "
                    "To use the recommended flag, move your flags to COMMANDLINE_ARGS",
                    own=theirs,
                    ours=ours,
                )
            )
    for theirs in own.flags:
        said += [
            Text(
                "{ours} replaces your own {own}, because only one of them takes effect. A backup is kept",
                own=theirs,
                ours=ours,
            )
            for ours in _same_job(theirs.name, flags, known)
        ]
    return tuple(flags), [*said, *_against(own, flags, known)]


def _against(own: Own, flags: Sequence[str], known: KnownFlags) -> Iterator[Text]:
    """What flags of the user's do by themselves, and which of ours they exclude while both stay."""
    for theirs in dict.fromkeys((*own.flags, *own.at_start)):
        entry = known.of(str(theirs))
        if entry is not None and entry.own:
            yield Text("Your own {own} {effect}", own=theirs, effect=Text(entry.own))
            continue
        replaced = _same_job(theirs.name, flags, known)
        against = [ours for ours in flags if known.exclude(str(theirs), ours) and ours not in replaced]
        if against:
            yield Text(
                "Your own {own} conflicts with the recommended {ours} and stays. "
                "To use the recommended flag, remove yours from the launch file",
                own=theirs,
                ours=all_of(against),
            )


def _same_job(name: str, ours: Sequence[str], known: KnownFlags) -> list[str]:
    """Those of ours that do what `name` does in another degree: a launch file may hold one of them."""
    return [
        text
        for group in known.exclusive_groups
        if name in group
        for text in ours
        if Flag.parse(text).name in group and Flag.parse(text).name != name
    ]


def _among_themselves(own: Own, tuning: Tuning, known: KnownFlags) -> list[Text]:
    """What the user set twice in ways that exclude each other, and nothing of ours replaces."""
    theirs = list(dict.fromkeys((*own.flags, *own.at_start)))
    stay = [one for one in theirs if one in own.at_start or not _same_job(one.name, tuning.flags, known)]
    pairs = [
        (str(one), other)
        for place, one in enumerate(stay)
        for other in (
            *(str(later) for later in stay[place + 1 :] if _same_job(one.name, (str(later),), known)),
            *(name for name in own.env if known.exclude(str(one), name)),
        )
    ]
    return [
        Text(
            "Your launch file has both {one} and {other}, which conflict. Remove one of them", one=one, other=other
        )
        for one, other in pairs
    ]


# --- variables ---


def _env_beside(own: Own, tuning: Tuning, known: KnownFlags) -> tuple[tuple[tuple[str, str], ...], list[Text]]:
    env: list[tuple[str, str]] = []
    said: list[Text] = []
    left_out: dict[str, list[str]] = {}  # what of theirs is in the way -> ours
    for name, ours in tuning.env:
        entry = known.of(name)
        in_the_way = [other for other in (entry.yields_to if entry else ()) if own.sets(other)]
        if in_the_way and not own.sets(name):
            left_out.setdefault(_shown(in_the_way[0], own), []).append(name)
            continue
        value, words = _one_beside(name, ours, own, entry)
        env += [(name, value)] if value is not None else []
        said += [words] if words is not None else []
    said += [
        Text("Your own {own} stays, so sdsetup doesn't set {names}", own=theirs, names=all_of(names))
        for theirs, names in left_out.items()
    ]
    return tuple(env), said


def _one_beside(name: str, ours: str, own: Own, entry: Setting | None) -> tuple[str | None, Text | None]:
    """What one variable becomes (None: it stays as the user has it), and what is to be said of it."""
    if not own.sets(name):
        if name not in own.unexported:
            return ours, None
        return ours, Text(
            "Your own {name} isn't exported, so the web UI doesn't see it; {ours} replaces it. A backup is kept",
            name=name,
            ours=ours,
        )
    theirs = own.value(name)
    if entry is not None and theirs is not None:
        if any(dead in theirs for dead in entry.gone):
            return ours, Text(
                "{name} in your launch file points to a deleted address; {ours} replaces it. A backup is kept",
                name=name,
                ours=ours,
            )
        if entry.list:
            whole = extended(theirs, ours)
            # Also where nothing is missing: it may be whole because we wrote it, and stays ours to keep.
            return whole, None if whole == theirs else Text(
                "Your own {name} becomes {whole}", name=name, whole=whole
            )
    if entry is None or entry.fits is None:
        return None, Text("Your own {name} stays. The recommended value is {ours}", name=name, ours=ours)
    return None, None


def _other_packages(own: Own, tuning: Tuning, known: KnownFlags) -> Iterator[Text]:
    """Variables of the user's that would install another version than the one for this PC."""
    wanted = {"torch": tuning.torch.torch, "xformers": tuning.torch.xformers} if tuning.torch else {}
    for name, value in own.env.items():
        entry = known.of(name)
        package = entry.fits if entry is not None else None
        version = (wanted.get(package or "") or "").split("+")[0]
        if version and f"{package}=={version}" not in (value or ""):
            yield Text(
                "Your own {name} stays, but this PC needs {package} {version}. "
                "It takes effect only if the web UI installs {package} itself",
                name=name,
                package=package,
                version=version,
            )


def extended(theirs: str, ours: str) -> str:
    """A list of names with ours behind theirs; both separate with commas."""
    there = [one.strip() for one in theirs.split(",") if one.strip()]
    if "*" in there:
        return theirs
    more = [one for one in map(str.strip, ours.split(",")) if one not in there]
    return ",".join([theirs.rstrip(", "), *more]) if more else theirs


def _shown(name: str, own: Own) -> str:
    return next((str(flag) for flag in (*own.flags, *own.at_start) if flag.name == name), name)


def _warning(text: Text) -> Warning:
    return Warning(topic=_TOPIC, text=text)


def with_own_precision(own: Own, tuning: Tuning, facts: Facts, rules: Rules) -> Tuning:
    """The tuning with the memory settings of a smaller card where the user's own flags make the model larger."""
    larger = {
        str(flag): entry.memory
        for flag in (*own.flags, *own.at_start)
        if (entry := rules.known.of(str(flag))) is not None and entry.memory is not None
    }
    card = tuning.gpu
    groups = {name for group in rules.known.exclusive_groups for name in group}
    if any(flag.name in groups for flag in own.at_start):
        return tuning  # decided there, where nothing of ours counts
    if not larger or card is None or card.vram_bytes is None or tuning.device in ("cpu", "none"):
        return tuning
    smaller = replace(card, vram_bytes=int(card.vram_bytes / max(larger.values())))
    there = replace(facts, gpus=tuple(smaller if gpu == card else gpu for gpu in facts.gpus))
    other = tune(there, rules, model_class="sdxl" if tuning.model_class == "sdxl" else "sd15", chosen_gpu=smaller)

    def of_memory(flags: Sequence[str]) -> list[str]:
        return [flag for flag in flags if Flag.parse(flag).name in groups]

    wanted, before = of_memory(other.flags), of_memory(tuning.flags)
    seen_here = any(one.rule in _SEEN and one.setting in before for one in tuning.reasons)
    if other.device != tuning.device or wanted == before or seen_here:
        return tuning
    said = _warning(
        Text(
            "With your own {own}, a model needs more video memory, so these flags are set: {flags}",
            own=all_of(list(larger)),
            flags=" ".join(wanted) or message("none"),
        )
    )
    return replace(
        tuning,
        flags=(*(flag for flag in tuning.flags if flag not in before), *wanted),
        reasons=(
            *(reason for reason in tuning.reasons if reason.setting not in before),
            *(reason for reason in other.reasons if reason.setting in wanted),
        ),
        warnings=(*tuning.warnings, said),
    )
