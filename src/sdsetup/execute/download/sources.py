"""Where a file can be had: addresses in order, and the token that the hub (and only the hub) may see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sdsetup.catalog.addresses import AddressError, parse_address
from sdsetup.catalog.models import ModelProfile
from sdsetup.errors import UsageError
from sdsetup.execute.context import Context
from sdsetup.execute.download.options import DownloadOptions
from sdsetup.text import Text
from sdsetup.values.plan import FetchFile, Source

_TOKEN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, kw_only=True)
class Place:
    """One address of a file. `name` is for people; `page` is where a licence can be accepted."""

    url: str
    name: str
    hub: bool = False
    page: str | None = None


def places(file: FetchFile, context: Context, options: DownloadOptions) -> tuple[Place, ...]:
    """The addresses of a file, in the order to try them: the hub, its mirrors, plain addresses.

    Mirrors of the hub carry the same paths and, since the hash is pinned, the same bytes. They are left
    out when HF_ENDPOINT names the hub to use: that is a user's or a company's choice.
    """
    hubs = [source for source in file.sources if source.hub]
    bases: list[str] = []
    if hubs:
        bases = [hub_address(context, options)]
        if not context.machine.env.get("HF_ENDPOINT"):
            bases += options.mirrors if options.mirrors is not None else model_profile(context).mirrors
    found = [_at(base.rstrip("/"), source, file, hub=n == 0) for n, base in enumerate(bases) for source in hubs]
    found += [Place(url=source.url, name=_host(source.url)) for source in file.sources if source.url]
    return tuple(found)


def _at(base: str, source: Source, file: FetchFile, *, hub: bool) -> Place:
    path = quote(source.file or Path(file.save_as).name, safe="/")
    return Place(
        url=f"{base}/{source.hub}/resolve/{quote(source.revision or 'main', safe='')}/{path}",
        name=f"{_host(base)}, {source.hub}",
        hub=hub,
        page=f"{base}/{source.hub}" if hub else None,
    )


def hub_address(context: Context, options: DownloadOptions) -> str:
    """The model hub: HF_ENDPOINT where a user set it, else the profile's. Without a slash at its end.

    Raises:
        UsageError: `bad-endpoint`: HF_ENDPOINT names no address that we may go to.
    """
    named = context.machine.env.get("HF_ENDPOINT")
    if named:
        try:
            parse_address(named)
        except AddressError as error:
            raise UsageError(
                Text("HF_ENDPOINT can't be used: {why}", why=error.why),
                code="bad-endpoint",
                hint=Text("Set it to an https address, such as https://huggingface.co, or unset it."),
            ) from error
    return (named or options.hub or model_profile(context).hub).rstrip("/")


def model_profile(context: Context) -> ModelProfile:
    """models.toml with the user's folder laid over it."""
    return context.catalog.models


def hub_token(context: Context) -> str | None:
    """The user's own token, from where the hub's client keeps it too.

    Raises:
        UsageError: `bad-token`: what is there cannot be one (it would not fit into a header).
    """
    env = context.machine.env
    if env.get("HF_HUB_DISABLE_IMPLICIT_TOKEN", "").strip().lower() in ("1", "true", "yes", "on"):
        return None
    where: str | Path = "HF_TOKEN"
    token = env.get("HF_TOKEN") or env.get("HUGGING_FACE_HUB_TOKEN")
    if not token:
        where = env.get("HF_TOKEN_PATH") or hub_home(env, context.machine.home) / "token"
        token = context.machine.read_text(where, limit=4096)
    token = (token or "").strip()
    if not token:
        return None
    if not _TOKEN.fullmatch(token):
        raise UsageError(
            Text("The access token for the model hub contains invalid characters"),
            where=where,
            code="bad-token",
            hint=Text("Copy it again from https://huggingface.co/settings/tokens, or remove it."),
        )
    return token


def hub_home(env: Mapping[str, str], home: Path) -> Path:
    """The hub client's folder, by its own rule."""
    if moved := env.get("HF_HOME"):
        # Not `expanduser`: it raises for a user that there is not.
        return home / moved[2:] if moved.startswith(("~/", "~\\")) else Path(moved)
    return Path(env.get("XDG_CACHE_HOME") or home / ".cache") / "huggingface"


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].rpartition("@")[2]
