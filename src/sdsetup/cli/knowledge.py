"""Reads the profiles a command needs, and tunes with them."""

from __future__ import annotations

from sdsetup.cli.session import Session
from sdsetup.decide.facts import Facts
from sdsetup.decide.planning import Knowledge
from sdsetup.decide.request import Request
from sdsetup.decide.tuning.values import Tuning
from sdsetup.storage import Profiles


def tuned(profiles: Profiles, facts: Facts, profile: str) -> Tuning:
    """The tuning of this machine by a named profile.

    Raises:
        ProfileError: with every problem of the files read.
        UsageError: a profile of that name does not exist.
    """
    from sdsetup.cli.tuning import load_rules
    from sdsetup.decide.tuning.engine import tune

    rules = load_rules(profiles, profile)
    return tune(facts, rules.profile, rules.gpus, rules.builds)


def known(session: Session, request: Request, facts: Facts, tuning: Tuning) -> Knowledge:
    """What the profiles say about the things to install.

    Raises:
        ProfileError, UsageError: a bad profile, an unknown model or commit.
    """
    from sdsetup.cli.doctor import need_of, read_profile
    from sdsetup.decide.checks.tools import best_python
    from sdsetup.decide.fingerprint import left_over
    from sdsetup.decide.profiles.flags import parse_flags
    from sdsetup.decide.profiles.models import find_model, parse_models
    from sdsetup.decide.profiles.tools import parse_tools
    from sdsetup.decide.profiles.webui import parse_webui
    from sdsetup.storage import data_folder

    webui = parse_webui(session.profiles.raw("webui"), "webui.toml")
    python = best_python(facts, need_of(read_profile(session), facts))
    drop_flags, drop_env = left_over(facts.recorded, tuning.flags, dict(tuning.env))
    return Knowledge(
        webui=webui.at(request.ref) if request.ref else webui,
        model=find_model(parse_models(session.profiles.raw("models")), request.model) if request.model else None,
        fallbacks=tuning.fallbacks,
        exclusive=parse_flags(session.profiles.raw("flags")).exclusive_groups,
        mingit=parse_tools(session.profiles.raw("tools"), "tools.toml").mingit
        if facts.system.family == "windows"
        else None,
        python=python.path if python else None,
        tools=str(data_folder(session.machine.env) / "tools"),
        drop_flags=drop_flags,
        drop_env=drop_env,
    )
