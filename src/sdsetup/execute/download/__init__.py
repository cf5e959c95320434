"""Downloads that end with the pinned file or with a reason: `fetch` for every large file."""

from __future__ import annotations

from sdsetup.execute.download.fetching import fetch
from sdsetup.execute.download.options import DownloadOptions, Fetched

__all__ = ["DownloadOptions", "Fetched", "fetch"]
