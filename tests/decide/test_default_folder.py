"""The default install folder."""

from __future__ import annotations

from sdsetup.decide.default_folder import default_folder
from sdsetup.values.facts import Drive, Facts, System

WINDOWS = System(family="windows")
C = Drive(root="C:\\", free_bytes=50 * 10**9, filesystem="NTFS", kind="fixed")
D = Drive(root="D:\\", free_bytes=500 * 10**9, filesystem="NTFS", kind="fixed")


def chosen(*drives: Drive, need: int = 0, home: str = "C:\\Users\\Иван") -> str:
    return default_folder(Facts(system=WINDOWS, drives=drives), home, need_bytes=need)


def test_the_system_s_drive_where_it_has_the_room() -> None:
    assert chosen(C, D, need=20 * 10**9) == "C:\\sd-webui"
    assert chosen(C, D, need=100 * 10**9) == "D:\\sd-webui"
    assert chosen(C, D, need=10**12) == "C:\\sd-webui"
    assert chosen() == "C:\\sd-webui"
    assert chosen(D, home="E:\\Users\\x") == "D:\\sd-webui"


def test_no_drive_that_can_be_unplugged_or_holds_no_large_file() -> None:
    stick = Drive(root="E:\\", free_bytes=10**12, filesystem="NTFS", kind="removable")
    share = Drive(root="F:\\", free_bytes=10**12, filesystem="NTFS", kind="network")
    fat = Drive(root="G:\\", free_bytes=10**12, filesystem="FAT32", kind="fixed")
    assert chosen(C, stick, share, fat, need=100 * 10**9) == "C:\\sd-webui"


def test_the_home_folder_elsewhere() -> None:
    linux = Facts(system=System(family="linux"))
    assert default_folder(linux, "/home/anna") == "/home/anna/stable-diffusion-webui"
