"""The user's pip settings (index, proxy, certificates) in uv's words.

uv does not read pip's configuration. Who lives behind a company mirror has usually told pip about it,
so what pip would do is what we do. uv's own settings (`UV_*`, uv.toml) win where the user has any.
Where pip looks: https://pip.pypa.io/en/stable/topics/configuration/
"""

from __future__ import annotations

import configparser
from collections.abc import Iterable, Mapping
from pathlib import Path

from sdsetup.machine import Machine
from sdsetup.machine.web_policy import CERTIFICATE_VARIABLES

# pip option -> uv variable that takes the same value, and other variables that already say it.
_SAME = {
    "index-url": ("UV_DEFAULT_INDEX", ("UV_INDEX_URL",)),
    "cert": ("SSL_CERT_FILE", CERTIFICATE_VARIABLES),
    "client-cert": ("SSL_CLIENT_CERT", ()),
    "proxy": ("ALL_PROXY", ("all_proxy", "HTTPS_PROXY", "https_proxy")),
}
_LISTS = {
    "extra-index-url": ("UV_INDEX", ("UV_EXTRA_INDEX_URL",), " "),
    "find-links": ("UV_FIND_LINKS", (), ","),
    "trusted-host": ("UV_INSECURE_HOST", (), " "),
}
_SHORTEST_TIMEOUT = 30  # seconds; uv's own default, a shorter one of pip's would make things worse


def uv_variables(machine: Machine) -> dict[str, str]:
    """What to lay over the environment of a uv child; only what the user has not said in uv's own words."""
    return translate(settings(machine), machine.env)


def settings(machine: Machine) -> dict[str, str]:
    """pip's options in force: files first, the more personal later, then `PIP_*` variables. Values as written."""
    found: dict[str, str] = {}
    for path in _files(machine):
        content = machine.read_text(path)
        if content is not None:
            found.update(read_file(content))
    for name, value in machine.env.items():
        if name.upper().startswith("PIP_") and name.upper() != "PIP_CONFIG_FILE" and value:
            found[_option(name[4:])] = value
    return found


def read_file(content: str) -> dict[str, str]:
    """Options of one pip.conf that count for `pip install`; a damaged file counts as empty."""
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(content.lstrip("\ufeff"))
    except configparser.Error:
        return {}
    found: dict[str, str] = {}
    for section in ("global", "install"):
        if parser.has_section(section):
            found.update({_option(name): value for name, value in parser.items(section)})
    return found


def translate(options: Mapping[str, str], env: Mapping[str, str]) -> dict[str, str]:
    """uv variables with the meaning of pip's options."""
    said: dict[str, str] = {}
    for option, (variable, others) in _SAME.items():
        value = options.get(option, "").strip()
        if value and not _already(env, variable, others):
            said[variable] = value
    for option, (variable, others, between) in _LISTS.items():
        values = options.get(option, "").split()
        if values and not _already(env, variable, others):
            said[variable] = between.join(values)
    if "UV_INDEX" in said and "UV_INDEX_STRATEGY" not in env:
        # pip takes the best version from all indexes; uv by default only looks into the first that has the name.
        said["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    if options.get("no-index", "").strip().lower() in ("1", "true", "yes", "on") and "UV_NO_INDEX" not in env:
        said["UV_NO_INDEX"] = "1"
    seconds = options.get("timeout", options.get("default-timeout", "")).strip()
    if seconds.isdigit() and int(seconds) > _SHORTEST_TIMEOUT and "UV_HTTP_TIMEOUT" not in env:
        said["UV_HTTP_TIMEOUT"] = seconds
    return said


def _already(env: Mapping[str, str], variable: str, others: Iterable[str]) -> bool:
    return any(env.get(name) for name in (variable, *others))


def _option(name: str) -> str:
    return name.strip().lower().replace("_", "-")


def _files(machine: Machine) -> list[Path]:
    env, home = machine.env, machine.home
    own = env.get("PIP_CONFIG_FILE")
    if own in ("/dev/null", "nul", "NUL"):
        return []
    if machine.family == "windows":
        program_data = env.get("PROGRAMDATA", r"C:\ProgramData")
        app_data = env.get("APPDATA")
        files = [Path(program_data) / "pip" / "pip.ini", home / "pip" / "pip.ini"]
        files += [Path(app_data) / "pip" / "pip.ini"] if app_data else []
    elif machine.family == "macos":
        files = [Path("/Library/Application Support/pip/pip.conf"), home / ".pip" / "pip.conf"]
        files += [home / ".config" / "pip" / "pip.conf"]
        files += [home / "Library" / "Application Support" / "pip" / "pip.conf"]
    else:
        everyone = [
            Path(folder) / "pip" / "pip.conf" for folder in env.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":")
        ]
        config = Path(env.get("XDG_CONFIG_HOME") or home / ".config")
        files = [*everyone, Path("/etc/pip.conf"), home / ".pip" / "pip.conf", config / "pip" / "pip.conf"]
    return [*files, Path(own)] if own else files
