"""How large a wheel is, asked from the server where its index does not say."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from sdsetup.execute.context import Context
from sdsetup.execute.environment.locking import Wheel

_log = logging.getLogger("sdsetup.wheels")

# Of the packages that an index without sizes serves to us, only these are large.
_WORTH_ASKING = ("torch", "xformers", "nvidia-", "triton", "pytorch-triton", "intel-extension")


def with_sizes(wheels: Sequence[Wheel], context: Context) -> list[Wheel]:
    """The same wheels; sizes that are missing are asked for, one short question each. Unknown stays None."""
    return [
        replace(wheel, size=_ask(wheel.url, context))
        if wheel.size is None and wheel.name.startswith(_WORTH_ASKING) and wheel.url.startswith("http")
        else wheel
        for wheel in wheels
    ]


def _ask(url: str, context: Context) -> int | None:
    import requests

    from sdsetup.machine.web_session import session

    try:
        with session(context.machine) as asking, asking.head(url, timeout=20, allow_redirects=True) as answer:
            size = answer.headers.get("Content-Length", "")
            return int(size) if answer.status_code == 200 and size.isdecimal() and len(size) < 19 else None
    except (requests.RequestException, ValueError) as error:
        _log.info("no size for %s: %s", url.rsplit("/", 1)[-1], error)
        return None
