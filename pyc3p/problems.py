"""What goes wrong at the command line: one line that says what to do, and an exit code."""

from __future__ import annotations

import errno
import socket
from typing import ClassVar


class Problem(Exception):
    """Something failed; exit code 1."""

    exit_code: ClassVar[int] = 1


class UsageProblem(Problem):
    """The command line or the configuration is wrong; exit code 2."""

    exit_code: ClassVar[int] = 2


def port_problem(what: str, host: str, port: int, option: str, error: OSError) -> Problem:
    """A listener that could not be opened."""
    if error.errno == errno.EADDRINUSE:
        who = "a server of this kind runs there already, or another program"
        return Problem(f"{what}: port {port} on {host} is in use: {who}; stop it or choose another with {option}")
    if error.errno == errno.EACCES:
        return Problem(f"{what}: port {port} needs more rights; choose one above 1023 with {option}")
    if error.errno == errno.EADDRNOTAVAIL:
        return Problem(f"{what}: {host} is no address of this machine; choose one with --host")
    if isinstance(error, socket.gaierror):
        return Problem(f"{what}: there is no host {host}; choose an address of this machine with --host")
    return Problem(f"{what}: cannot listen on {host} port {port}: {error.strerror or error}")
