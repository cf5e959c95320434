"""Makes what was found out about a machine postable: nobody's names, secrets, paths, addresses or numbers.

What a check needs stays recognisable: a user's name of plain letters becomes "user", another one "usér", so that a
helper's doctor judges a path as this one did. Of a log, a line that cannot be cut with certainty is left out.
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from sdsetup.redaction.paths import FOREIGN, PLAIN, own_parts, redact_paths, said_place
from sdsetup.redaction.personal import hide_addresses, hide_numbers, tells_of_pictures
from sdsetup.redaction.secrets import HIDDEN, hide_secrets, secret_name, words

_VERSION = re.compile(r"[\w.+-]{1,40}")
LEFT_OUT = "[line left out]"
_LONGEST_LINE = 4000  # a longer one is left out: what is in it is no message
_OWN_REPOSITORIES = (
    "blip",
    "generative-models",
    "k-diffusion",
    "stable-diffusion-stability-ai",
    "stable-diffusion-webui-assets",
)
_SHORT = 3  # letters; such a name stands inside and beside too many words
_MODELS = re.compile(r"(?i)\.(safetensors|ckpt|pt|pth)$")
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|\\[0-7]{3}|&#?\w+;|\+")
# Names of accounts and computers that are words of every log, too.
_WORDS = words(
    """
    user admin administrator root test guest owner home desktop laptop computer windows linux python torch
    model models default public system local localhost server main stable diffusion webui cuda nvidia gpu
    cpu amd intel sdsetup error warning info debug true false none null data file folder path name image
    images the and for with not pip git uv http https web app ubuntu debian fedora mint arch time from into
    line load loading loaded start started version memory
    """
)


@dataclass(frozen=True, kw_only=True)
class Redaction:
    """`names`: the user's names, of accounts and in mails; `hosts`: names of this computer and its domain;
    `secrets`: values that are secret here; `files`: names of the user's own models, without their endings;
    `public`: names of model files that everybody knows; `places`: folders whose whole path is the user's own."""

    names: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    public: tuple[str, ...] = ()
    places: tuple[str, ...] = ()

    def text(self, text: str) -> str:
        """The text with everything personal replaced; where the end of a path cannot be told, without the rest."""
        return self._text(text, log=True)

    def log(self, text: str) -> str:
        """A log that may be posted. What it says of pictures and of the user's models is left out whole, as is
        each line that hides something in another spelling."""
        lines = hide_secrets(text, self.secrets).split("\n")
        tells = tells_of_pictures(lines, self.public)
        return "\n".join(
            LEFT_OUT if told else self._log_line(line) for line, told in zip(lines, tells, strict=True)
        )

    def value(self, value: Any, *, again: bool = False) -> Any:
        """The same for every text in a JSON value, keys included; versions have no addresses in them. `again`:
        it was made from redacted facts, so that no path in it needs a guess."""
        if isinstance(value, str):
            return self._text(value, log=not again)
        if isinstance(value, list):
            return [self.value(part, again=again) for part in value]
        if isinstance(value, dict):
            return {self.text(str(key)): self._entry(str(key), part, again) for key, part in value.items()}
        return value

    def _entry(self, key: str, value: Any, again: bool) -> Any:
        if isinstance(value, str) and value:
            if key.endswith("version") and _VERSION.fullmatch(value):
                return value
            if key in ("path", "root", "cloud_root", "protected_root"):
                return self._text(said_place(self._text(value, log=False)), log=False)
            if secret_name(key):
                return HIDDEN
        return self.value(value, again=again)

    def machine(self, machine: dict[str, Any]) -> dict[str, Any]:
        """Facts as JSON, without what no pattern can know: serial numbers, names of the user's files."""
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
            found["installation"] = {
                **there,
                "models": model_names(there.get("models", [])),
                "changed_files": [
                    _public_file(name, n) for n, name in enumerate(there.get("changed_files", []), 1)
                ],
                "branch": there.get("branch")
                if there.get("branch") in (None, "master", "main", "dev")
                else "[branch]",
            }
        if isinstance(proxy := machine.get("proxy"), dict):
            found["proxy"] = {**proxy, "url": "http://[proxy]"}
        parts = found.pop("parts", None)
        said = dict(self.value(found))
        if "parts" in machine:
            said["parts"] = None if not isinstance(parts, dict) else self._parts(parts)
        return said

    def _parts(self, parts: dict[str, Any]) -> dict[str, Any]:
        """Versions stay as they are, though some look like addresses; packages that an extension brought, and
        files that the user has, keep no name."""
        locked = parts.get("locked") or []
        ours = {name for name, _version in locked}
        rest = {key: value for key, value in parts.items() if key not in ("locked", "packages")}
        models = parts.get("models") or []
        names = model_names(one["name"].rpartition("/")[2] for one in models)
        rest["models"] = [{**one, "name": name} for one, name in zip(models, names, strict=True)]
        rest["checkouts"] = [
            {**one, "changed": [_public_file(name, n) for n, name in enumerate(one.get("changed") or [], 1)]}
            for one in parts.get("checkouts") or []
            if one["path"].rpartition("/")[2].lower() in (*_OWN_REPOSITORIES, "")
        ]
        if rest.get("unfinished") is not None:
            rest["unfinished"] = {**rest["unfinished"], "words": ["install"]}
        packages = [pair for pair in parts.get("packages") or [] if pair[0] in ours]
        return {
            **self.value(rest),
            "locked": parts.get("locked"),
            "packages": None if parts.get("packages") is None else packages,
        }

    def _log_line(self, line: str) -> str:
        if len(line) > _LONGEST_LINE:
            return LEFT_OUT
        line = hide_addresses(line)
        said = self._text(line, log=True)
        if any(self._holds(name, line) for name in self._short(self.hosts)):
            return LEFT_OUT
        if _ENCODED.search(said) and any(self._text(other, log=True) != other for other in _decoded(said)):
            return LEFT_OUT
        return said

    def _text(self, text: str, *, log: bool) -> str:
        text = hide_secrets(text, self.secrets)
        text = hide_numbers(text)
        for name in self._long(self.files):
            text = re.sub(rf"(?i)(?<![^\W_]){re.escape(name)}(?![^\W_])", "[model]", text)
        for place in self._long(self.places):
            text = re.sub(_place_pattern(place), lambda found: said_place(found[0]), text)
        text = self._without_hosts(text)
        # Before paths lose their names, so that a name of two words in the middle of one is known.
        for name in self._long(self.names):
            text = _without_name(text, name)
        text = redact_paths(text, log=log, public={name.lower() for name in self.public})
        for name in self._long({part for place in self.places for part in own_parts(place)}):
            text = re.sub(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", "[folder]", text)
        return text

    def _without_hosts(self, text: str) -> str:
        for host in self._long(self.hosts):
            if host.lower() not in _WORDS:
                domain = r"(?:\.(?:[a-z][a-z-]*\.)*[a-z]+)?"
                text = re.sub(rf"(?i)(?<![^\W_]){re.escape(host)}{domain}(?![^\W_])", "[computer]", text)
        for host in self._short(self.hosts):
            said_of = r"(?:host(?:name)?|computer(?:[ _]?name)?|node|machine)[\"']?\s*[:=]?\s*[\"']?"
            text = re.sub(rf"(?i)({said_of}|[\\/]{{2}}|@){re.escape(host)}(?![^\W_])", r"\1[computer]", text)
        return text

    def _holds(self, name: str, line: str) -> bool:
        return name.lower() not in _WORDS | {"pc"} and bool(
            re.search(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", line)
        )

    def _short(self, names: Iterable[str]) -> list[str]:
        return sorted({name for name in names if 2 <= len(name) < _SHORT or name.lower() in _WORDS})

    def _long(self, names: Iterable[str]) -> list[str]:
        return sorted({name for name in names if len(name) >= _SHORT}, key=len, reverse=True)


def model_names(names: Iterable[str]) -> list[str]:
    """How many models of which kind: what a user's models are called is nobody's business."""
    told = []
    for number, name in enumerate(names, 1):
        kind = _MODELS.search(name)
        told.append(name if name == "model.safetensors" else f"[model {number}]{kind[0] if kind else ''}")
    return told


def _place_pattern(place: str) -> str:
    """A path in either kind of slashes, doubled or not."""
    parts = [re.escape(part) for part in re.split(r"[\\/]+", place.rstrip("\\/"))]
    return "(?i)" + r"[\\/]+".join(parts) + r"(?![^\W_])"


def _public_file(name: str, number: int) -> str:
    """A file of the web UI's own by its name; what a user has put there is only counted."""
    usual = re.fullmatch(
        r"(?:[\w.-]+\.(?:py|js|css|bat|sh|html|ya?ml|toml)|(?:modules|javascript|html|scripts|configs)/.*)", name
    )
    return name if usual and name.isascii() else f"[file {number}]"


def _without_name(text: str, name: str) -> str:
    """An account's name, wherever it stands for itself; a usual word only where it must be the name."""
    instead = name if name.lower() in (PLAIN, FOREIGN) else PLAIN if name.isascii() else FOREIGN
    if name.lower() in _WORDS or len(name) < 4:
        # In a path, before an @, behind "user": a name such as "win" must not eat Windows.
        text = re.sub(rf"(?i)(?<=[\\/]){re.escape(name)}(?=[\\/]|$|[\"'\s])", instead, text)
        text = re.sub(rf"(?i)\b{re.escape(name)}(?=@)", instead, text)
        return re.sub(
            rf"(?i)(\b(?:user(?:name)?|account|owner|login|logname|author)\b[\"']?\s*[:=]?\s*[\"']?){re.escape(name)}(?![^\W_])",
            rf"\1{instead}",
            text,
        )
    return re.sub(rf"(?i)(?<![^\W_]){re.escape(name)}(?:'?s)?(?![^\W_])", instead, text)


def _decoded(line: str) -> list[str]:
    """What a line says to those who read its escapes: of addresses, of programs' texts, of pages."""
    found = [unquote(unquote(line.replace("+", " "))), unquote(line), html.unescape(line)]
    if "\\" in line and line.isascii():
        try:
            found.append(codecs.decode(line, "unicode_escape"))
            found.append(found[-1].encode("latin-1").decode("utf-8"))
        except (UnicodeDecodeError, UnicodeEncodeError):
            pass
    return [other for other in dict.fromkeys(found) if other != line]
