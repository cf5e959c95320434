"""Why uv failed, from what it prints."""

from __future__ import annotations

import pytest

from sdsetup.execute.environment.uv_messages import AGAIN, why_uv_failed
from sdsetup.redaction.secrets import hide_secrets

# As uv 0.13 words them; Windows' numbers beside Linux's.
SAID = """
disk-full           error: Failed to extract archive: No space left on device (os error 28)
disk-full           error: There is not enough space on the disk. (os error 112)
path-too-long       error: The filename or extension is too long. (os error 206)
file-held           error: failed to rename: The process cannot access the file ... (os error 32)
file-held           error: Operation did not complete because the file contains a virus (os error 225)
folder-not-writable error: failed to create directory `/opt/x`: Permission denied (os error 13)
certificate-refused cause: invalid peer certificate: UnknownIssuer
no-network          cause: dns error: failed to lookup address information: Name or service not known
package-changed     error: Hash mismatch for `torch @ https://h/torch-2.1.2.whl`
no-matching-package error: No solution found when resolving dependencies
no-matching-package hint: torch==2.1.2 has no wheels with a matching Python ABI tag (e.g., `cp312`)
build-failed        error: Failed to build `clip==1.0`
connection-broken   error: Failed to fetch: `https://h/simple/x/` cause: error sending request for url
connection-broken   cause: request or response body error: operation timed out
connection-broken   cause: HTTP status server error (503 Service Unavailable) for url
packages-failed     error: something new
"""


@pytest.mark.parametrize("line", SAID.strip().splitlines())
def test_why(line: str) -> None:
    code, said = line.split(maxsplit=1)
    error = why_uv_failed(f"Resolved 3 packages\n{said}\n")
    assert error.code == code
    assert error.hint is not None


@pytest.mark.parametrize(
    ("rc", "code"), [(-9, "-9"), (2, "2"), (0xC0000135, "0xC0000135"), (-1073741515, "0xC0000135")]
)
def test_one_that_says_nothing_is_told_by_its_exit_code(rc: int, code: str) -> None:
    error = why_uv_failed("\n", rc=rc)
    assert str(error).endswith(f"(uv stopped without a message, exit code {code})")
    assert error.hint is not None


def test_only_lines_that_may_mend_themselves_are_tried_again() -> None:
    assert set(AGAIN) == {"connection-broken", "no-network"}


def test_the_message_holds_the_cause_and_no_password() -> None:
    error = why_uv_failed("error: No solution found\n  cause: Because a needs b\n", "Nothing was done")
    assert str(error) == "Nothing was done (No solution found: Because a needs b)"
    secret = "error: Failed to fetch: `https://me:token@mirror.example/simple/x/`"
    assert "token" not in str(why_uv_failed(secret))
    assert hide_secrets("https://me:token@mirror.example/x") == "https://mirror.example/x"
