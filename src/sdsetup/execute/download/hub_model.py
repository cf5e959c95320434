"""A model that is not in our profiles, by its name at the hub: what the hub says about it becomes the pin."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sdsetup.catalog.models import MODEL_FOLDER
from sdsetup.catalog.names import path_problem
from sdsetup.errors import SdsetupError, UsageError
from sdsetup.execute.context import Context
from sdsetup.execute.download.options import DownloadOptions
from sdsetup.execute.download.problems import hint_for
from sdsetup.execute.download.sources import hub_address, hub_token
from sdsetup.machine.web_errors import BrokenError
from sdsetup.text import Text
from sdsetup.values.plan import FetchFile, Source

_T = TypeVar("_T")
_REFERENCE = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w.-]+))?:(?P<file>[^\s:\\]+)")


@dataclass(frozen=True, kw_only=True)
class HubFile:
    """`owner/repository[@revision]:file`."""

    repo: str
    file: str
    revision: str = "main"


def parse_reference(text: str) -> HubFile | None:
    """The file a name means at the hub; None when the name is not of that form."""
    found = _REFERENCE.fullmatch(text)
    if found is None or any(map(path_problem, (found["repo"], found["file"]))):
        return None
    return HubFile(repo=found["repo"], file=found["file"], revision=found["revision"] or "main")


def look_up(wanted: HubFile, context: Context) -> FetchFile:
    """Ask the hub for commit, size and SHA-256 of a file, through its own client.

    Raises:
        SdsetupError: `gated`, `login-needed`, `gone`, `hub-unreachable`, `no-hash-at-hub`.
        UsageError: `not-a-safetensors`.
    """
    if not wanted.file.lower().endswith(".safetensors"):
        raise UsageError(
            Text(
                "Only .safetensors files can be downloaded from the hub, and {file} is not one", file=wanted.file
            ),
            code="not-a-safetensors",
            hint=Text("Download it in a browser, then run: sdsetup model import FILE --allow-pickle"),
        )
    from huggingface_hub import get_hf_file_metadata, hf_hub_url, set_client_factory

    from sdsetup.execute.download.hub_transport import client

    base = hub_address(context, DownloadOptions())
    set_client_factory(lambda: client(context.machine))
    url = hf_hub_url(wanted.repo, wanted.file, revision=wanted.revision, endpoint=base)
    token = hub_token(context) or False
    found = _asked(wanted, base, lambda: get_hf_file_metadata(url, token=token, endpoint=base))
    if found.size is None or found.etag is None or not re.fullmatch(r"[0-9a-f]{64}", found.etag):
        raise SdsetupError(
            Text("The hub lists no SHA-256 for {file}, so the download can't be verified", file=wanted.file),
            where=url,
            code="no-hash-at-hub",
            hint=Text("Download it in a browser, then run: sdsetup model import FILE"),
        )
    name = wanted.file.rsplit("/", 1)[-1]
    return FetchFile(
        name=name,
        save_as=f"{MODEL_FOLDER}/{name}",
        size=int(found.size),
        sha256=found.etag,
        sources=(Source(hub=wanted.repo, revision=found.commit_hash or wanted.revision, file=wanted.file),),
    )


def _asked(wanted: HubFile, base: str, ask: Callable[[], _T]) -> _T:
    """Call the hub's client; its refusals become ours, with its own wording as the reason."""
    import httpx2
    from huggingface_hub import errors

    page = f"{base}/{wanted.repo}"
    try:
        return ask()
    except errors.GatedRepoError as error:
        raise SdsetupError(
            Text("You have to accept the license of {repo} first", repo=wanted.repo),
            where=page,
            why=_first_line(error),
            code="gated",
            hint=Text(
                "Open the page in a browser and accept the license. Then set HF_TOKEN to your access "
                "token and run the same command again."
            ),
        ) from error
    except errors.LocalEntryNotFoundError as error:  # the client's word for "no answer"
        raise _unreachable(base, _first_line(error)) from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.EntryNotFoundError) as error:
        raise SdsetupError(
            Text("{repo} has no file named {file}", file=wanted.file, repo=wanted.repo),
            where=page,
            why=_first_line(error),
            code="gone",
            hint=Text("Check the name on the model's page. The form is owner/repository:file."),
        ) from error
    except BrokenError as error:
        raise _unreachable(base, error.why, hint_for(error.code)) from error
    except (
        errors.HfHubHTTPError,
        httpx2.HTTPError,
        httpx2.InvalidURL,
        OSError,
        ValueError,
        RuntimeError,
    ) as error:
        raise _unreachable(base, _first_line(error)) from error


def _unreachable(base: str, why: Text | str, hint: Text | None = None) -> SdsetupError:
    return SdsetupError(
        Text("The model hub did not respond"),
        where=base,
        why=why,
        code="hub-unreachable",
        hint=hint or Text("Check your internet connection and proxy, then run the same command again."),
    )


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
