"""A network of our own, since a server that is sent altered messages calls whatever address they name."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import struct
import sys
from typing import Final

_CLONE_NEWUSER, _CLONE_NEWNET = 0x1000_0000, 0x4000_0000
_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP_RUNNING: Final = 0x41
_PR_SET_PDEATHSIG: Final = 1


def confine() -> bool:
    """Leave the network for an empty one that has loopback alone (Linux). False where that is not allowed.

    To be called before any thread or loop is started; children stay inside.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_CLONE_NEWNET) != 0:
        if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
            return False
        _become_root_inside(user, group)
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP_RUNNING))
    return True


def die_with_parent() -> None:
    """For ``preexec_fn``: a child of a run that was killed ends with it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _become_root_inside(user: int, group: int) -> None:
    """Whoever may set up the interface is root of the new user namespace, and nobody outside of it."""
    for path, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        with open(f"/proc/self/{path}", "w", encoding="ascii") as file:
            file.write(text)
