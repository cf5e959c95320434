"""Windows job objects: a tree of processes that ends as one."""

from __future__ import annotations

import ctypes
import subprocess
import sys

CREATE_SUSPENDED = 0x4  # a creation flag that subprocess has no name for

if sys.platform == "win32":
    from ctypes import wintypes

    _KILL_ON_JOB_CLOSE = 0x2000
    _EXTENDED_LIMIT_INFORMATION = 9

    class _Basic(ctypes.Structure):
        _fields_ = (
            ("PerProcessUserTimeLimit", ctypes.c_int64),
            ("PerJobUserTimeLimit", ctypes.c_int64),
            ("LimitFlags", wintypes.DWORD),
            ("MinimumWorkingSetSize", ctypes.c_size_t),
            ("MaximumWorkingSetSize", ctypes.c_size_t),
            ("ActiveProcessLimit", wintypes.DWORD),
            ("Affinity", ctypes.c_size_t),
            ("PriorityClass", wintypes.DWORD),
            ("SchedulingClass", wintypes.DWORD),
        )

    class _Extended(ctypes.Structure):
        _fields_ = (
            ("BasicLimitInformation", _Basic),
            ("IoInfo", ctypes.c_uint64 * 6),
            ("ProcessMemoryLimit", ctypes.c_size_t),
            ("JobMemoryLimit", ctypes.c_size_t),
            ("PeakProcessMemoryUsed", ctypes.c_size_t),
            ("PeakJobMemoryUsed", ctypes.c_size_t),
        )

    _kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    _kernel.CreateJobObjectW.restype = wintypes.HANDLE
    _kernel.CreateJobObjectW.argtypes = (ctypes.c_void_p, wintypes.LPCWSTR)
    _kernel.SetInformationJobObject.argtypes = (wintypes.HANDLE, ctypes.c_int, ctypes.c_void_p, wintypes.DWORD)
    _kernel.AssignProcessToJobObject.argtypes = (wintypes.HANDLE, wintypes.HANDLE)
    _kernel.TerminateJobObject.argtypes = (wintypes.HANDLE, wintypes.UINT)
    _kernel.CloseHandle.argtypes = (wintypes.HANDLE,)
    # The one way to wake a process whose thread handle Popen has closed; as old as Windows XP.
    _native = ctypes.WinDLL("ntdll")
    _native.NtResumeProcess.argtypes = (wintypes.HANDLE,)

    def assign(process: subprocess.Popen[bytes]) -> int | None:
        """A new job holding this process, or None where jobs cannot nest (before Windows 8)."""
        job = _kernel.CreateJobObjectW(None, None)
        if not job:
            return None
        limits = _Extended()
        limits.BasicLimitInformation.LimitFlags = _KILL_ON_JOB_CLOSE
        _kernel.SetInformationJobObject(
            job, _EXTENDED_LIMIT_INFORMATION, ctypes.byref(limits), ctypes.sizeof(limits)
        )
        if not _kernel.AssignProcessToJobObject(job, int(process._handle)):  # type: ignore[attr-defined]
            _kernel.CloseHandle(job)
            return None
        return int(job)

    def resume(process: subprocess.Popen[bytes]) -> None:
        """Let a process run that was created suspended.

        Raises:
            OSError: when Windows refuses; the process is then ended.
        """
        status = _native.NtResumeProcess(int(process._handle))  # type: ignore[attr-defined]
        if status != 0:
            process.kill()
            raise OSError(f"the program could not be started (status {status & 0xFFFFFFFF:#x})")

    def has_console() -> bool:
        """Whether this process has a console that a child could share."""
        return bool(_kernel.GetConsoleCP())

    def terminate(job: int) -> bool:
        """End every process of the job and let go of it."""
        ended = bool(_kernel.TerminateJobObject(job, 1))
        _kernel.CloseHandle(job)
        return ended
