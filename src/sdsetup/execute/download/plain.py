"""One request for one file, without retries: for small files and for what is served on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from sdsetup.catalog.addresses import Address
from sdsetup.machine import Machine
from sdsetup.machine.web_policy import USER_AGENT, connections, proxy_for

_READ = 256 * 1024
_SECONDS = 60  # without a byte


def ask(base: Address, path: str, machine: Machine, start: int = 0) -> Any:
    """An answer whose body is still to be read, from byte `start` on where the server can do that.

    Raises:
        FileNotFoundError: the server has no such file.
        OSError, ValueError: no answer, or not with the file.
    """
    import urllib3

    manager = connections(base, proxy_for(base, machine), machine.env)
    address = f"{base.url.rstrip('/')}/{quote(path)}" if path else base.url
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        answer = manager.request(
            "GET",
            address,
            headers=headers,
            preload_content=False,
            redirect=False,
            retries=False,
            timeout=urllib3.Timeout(connect=10, read=_SECONDS),
        )
    except urllib3.exceptions.HTTPError as error:
        raise OSError(str(error)) from error
    if answer.status == 200 or (start and answer.status == 206):
        return answer
    answer.close()
    if answer.status == 404:
        raise FileNotFoundError(f"the server answered 404 for {path or base.plain}")
    raise OSError(f"the server answered {answer.status} for {path or base.plain}")


def whole(base: Address, path: str, machine: Machine, longest: int) -> bytes:
    """A small file; of a longer one than `longest` a little more than that, so that it is noticed.

    Raises:
        FileNotFoundError, OSError, ValueError: as `ask`; OSError as well where the connection broke.
    """
    import urllib3

    answer = ask(base, path, machine)
    try:
        return b"".join(_limited(answer, longest))
    except urllib3.exceptions.HTTPError as error:
        raise OSError(str(error)) from error
    finally:
        answer.close()


def _limited(answer: Any, longest: int) -> Iterator[bytes]:
    done = 0
    for data in answer.stream(_READ, decode_content=False):
        done += len(data)
        yield data
        if done > longest:
            return
