"""Makes what was found out about a machine postable: no names, user folders, tokens, serial numbers, addresses.

What a check needs stays recognisable: a user's name of plain letters becomes "user", another one "usér",
so that a helper's doctor judges the path as this one did.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_PLAIN, _FOREIGN = "user", "usér"
_SHORTEST = 3  # a shorter name stands inside too many words

# Users\NAME on Windows (from WSL as well), /home/NAME, /Users/NAME, /media/NAME and /run/media/NAME.
_HOMES = re.compile(
    r"(?i)((?:[a-z]:|/mnt/[a-z])?[\\/]+(?:users|home|media|documents and settings)[\\/]+)([^\\/:*?\"<>|\r\n]+)"
)
_KEPT = {"public", "default", "all users", "shared", _PLAIN, _FOREIGN}

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # Tokens of the hub and of code hosts, bearer headers, keys and signatures in addresses, passwords.
    (re.compile(r"\b(?:hf|ghp|gho|github_pat|glpat|sk)[_-][A-Za-z0-9_-]{8,}"), "[token]"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{8,}"), r"\1 [token]"),
    (
        re.compile(
            r"(?i)\b((?:access_|auth_|api_?|x-amz-)?(?:token|key|signature|secret|passw(?:or)?d|credential)s?\"?\s*[=:]\s*\"?)[^\s&\"',;]+"
        ),
        r"\1[token]",
    ),
    (re.compile(r"(?i)(--(?:gradio-auth|api-auth|ngrok)(?:-\w+)*[= ]+)\S+"), r"\1[token]"),
    (re.compile(r"(?<=://)[^/\s@]+@"), ""),
    (re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"), "[mail]"),
    (re.compile(r"\b(GPU|MIG)-[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), r"\1-[id]"),
    (re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), "[id]"),
    (re.compile(r"\bS-1-5-21(?:-\d+){3,4}\b"), "[id]"),
    (re.compile(r"\b(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\b"), "[address]"),
    (
        # IPv6, whole or shortened; two short groups alone ("a::b") are a name in a program.
        re.compile(
            r"(?i)\b(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}\b"
            r"|\b(?:[0-9a-f]{1,4}:){2,6}:[0-9a-f]{0,4}"
            r"|\b[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*::(?:[0-9a-f]{1,4}:)+[0-9a-f]{1,4}\b"
        ),
        "[address]",
    ),
)
_IPV4 = re.compile(r"(?<![\w.])(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?![\w.])")
_MODELS = re.compile(r"(?i)\.(safetensors|ckpt|pt|pth)$")


@dataclass(frozen=True, kw_only=True)
class Redaction:
    """`names`: the person's account names; `hosts`: this computer's names."""

    names: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()

    def text(self, text: str) -> str:
        """The text with everything personal replaced."""
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        text = _IPV4.sub(_address, text)
        text = _HOMES.sub(lambda found: found[1] + _person(found[2]), text)
        for name in self._long(self.names):
            # As a part of a path or before an @: a name such as "win" must not eat "Windows".
            text = re.sub(rf"(?i)(?<=[\\/]){re.escape(name)}(?=[\\/]|$|[\"'\s])", _person(name), text)
            text = re.sub(rf"(?i)\b{re.escape(name)}(?=@)", _person(name), text)
        for host in self._long(self.hosts):
            text = re.sub(rf"(?i)(?<![\w.-]){re.escape(host)}(?![\w-])", "[computer]", text)
        return text

    def value(self, value: Any) -> Any:
        """The same for every text in a JSON value, keys included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(part) for part in value]
        if isinstance(value, dict):
            return {self.text(str(key)): self.value(part) for key, part in value.items()}
        return value

    def machine(self, machine: dict[str, Any]) -> dict[str, Any]:
        """Facts as JSON, without what no pattern can know: serial numbers, names of the person's files."""
        found = dict(machine)
        found["gpus"] = [{**gpu, "uuid": None} for gpu in machine.get("gpus", [])]
        if isinstance(folder := machine.get("folder"), dict):
            remote = folder.get("remote")
            found["folder"] = {
                **folder,
                "entries": [f"[file {n}]" for n, _ in enumerate(folder.get("entries", []), 1)],
                "remote": remote
                if remote and "AUTOMATIC1111/stable-diffusion-webui" in remote
                else remote and "[address]",
            }
        if isinstance(there := machine.get("installation"), dict):
            found["installation"] = {**there, "models": model_names(there.get("models", []))}
        if isinstance(proxy := machine.get("proxy"), dict):
            found["proxy"] = {**proxy, "url": "http://[proxy]"}
        return dict(self.value(found))

    def _long(self, names: Iterable[str]) -> list[str]:
        return sorted({name for name in names if len(name) >= _SHORTEST}, key=len, reverse=True)


def model_names(names: Iterable[str]) -> list[str]:
    """How many models of which kind: what a person's models are called is nobody's business."""
    told = []
    for number, name in enumerate(names, 1):
        kind = _MODELS.search(name)
        told.append(name if name == "model.safetensors" else f"[model {number}]{kind[0] if kind else ''}")
    return told


def _person(name: str) -> str:
    if name.lower() in _KEPT:
        return name
    return _PLAIN if name.isascii() else _FOREIGN


def _address(found: re.Match[str]) -> str:
    numbers = [int(part) for part in found.groups()]
    if any(number > 255 for number in numbers) or numbers[0] in (0, 127):
        return found[0]
    return "[address]"
