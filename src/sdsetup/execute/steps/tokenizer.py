"""The text encoder's tokenizer, where the web UI finds it without the network.

transformers looks for a folder `openai/clip-vit-large-patch14` below the current one before it asks the
hub, and the web UI always runs in its own folder: so the files need no variable, no patch, and survive
an update of the web UI (git neither knows nor reports them: see the checkout's exclude file).
"""

from __future__ import annotations

from typing import Any

from sdsetup.execute.context import Context
from sdsetup.values.plan import FetchFiles


def place(action: FetchFiles, context: Context) -> dict[str, Any]:
    """Fetch each file to its pinned place; those that are right already are only checked.

    Returns:
        `{"files": count, "transferred": bytes}`.

    Raises:
        SdsetupError: from the download.
    """
    from sdsetup.execute.download import fetch

    transferred = 0
    for file in action.files:
        transferred += fetch(file, context).transferred_bytes
    return {"files": len(action.files), "transferred": transferred}
