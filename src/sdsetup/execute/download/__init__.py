"""Downloads that end with the pinned file or with a reason: `fetch` for every large file.

From the outside in: one file (`fetching`), one source (`attempts`), one stretch of bytes (`stream`), one address
with its redirects (`opening`), one question over HTTP (`transport`). Beside them: the unfinished file (`part`),
connections side by side (`connections`), the rate and the stall clock (`pace`), what is said of a failure
(`problems`).
"""

from __future__ import annotations

from sdsetup.execute.download.fetching import fetch
from sdsetup.execute.download.options import DownloadOptions, Fetched

__all__ = ["DownloadOptions", "Fetched", "fetch"]
