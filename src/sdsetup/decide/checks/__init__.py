"""DECIDE: what the facts mean. Every check is a pure function of facts and need, and all stand in one tuple."""

from __future__ import annotations

from collections.abc import Callable

from sdsetup.catalog.doctor import Requirements
from sdsetup.decide.checks import cards, driver, memory, network, place, port, settings, system, tools, webui
from sdsetup.decide.checks.tools import best_python
from sdsetup.values.facts import Facts
from sdsetup.values.findings import Finding, Report

__all__ = ["CHECKS", "INSTALLED_CHECKS", "REPAIRED_BY_INSTALL", "Check", "best_python", "diagnose"]

Check = Callable[[Facts, Requirements], Finding]

CHECKS: tuple[Check, ...] = (
    system.os,
    system.cpu,
    memory.memory,
    memory.pagefile,
    cards.gpu,
    driver.driver,
    cards.card,
    tools.python,
    tools.git,
    system.libraries,
    place.disk,
    place.folder,
    system.long_paths,
    port.port,
    network.network,
    network.proxy,
    webui.webui,
)
# What only an installation has.
INSTALLED_CHECKS: tuple[Check, ...] = (
    webui.environment,
    webui.repositories,
    webui.models,
    settings.launch_file,
    settings.settings,
    settings.last_run,
)

# What `install` repairs by itself, so that it does not stand in its way.
REPAIRED_BY_INSTALL = frozenset(
    ("webui", "environment", "repositories", "models", "launch-file", "settings", "last-run")
)


def diagnose(facts: Facts, need: Requirements) -> Report:
    """One finding per check, in the order in which users read them."""
    checks = CHECKS if facts.installation is None else (*CHECKS, *INSTALLED_CHECKS)
    return Report(facts=facts, findings=tuple(check(facts, need) for check in checks))
