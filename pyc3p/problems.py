"""What goes wrong at the command line: one line that says what to do, and an exit code."""

from __future__ import annotations

import errno
from typing import ClassVar

import sip


class Problem(Exception):
    """Something failed; exit code 1."""

    exit_code: ClassVar[int] = 1


class UsageProblem(Problem):
    """The command line or the configuration is wrong; exit code 2."""

    exit_code: ClassVar[int] = 2


def port_problem(what: str, host: str, port: int, option: str, error: OSError) -> Problem:
    """A listener that could not be opened."""
    if error.errno == errno.EADDRINUSE:
        return Problem(f"{what}: port {port} on {host} is in use; stop its owner or choose another with {option}")
    if error.errno == errno.EACCES:
        return Problem(f"{what}: port {port} needs more rights; choose one above 1023 with {option}")
    if error.errno == errno.EADDRNOTAVAIL:
        return Problem(f"{what}: {host} is no address of this machine; choose one with --host")
    return Problem(f"{what}: cannot listen on {host} port {port}: {error.strerror or error}")


def parse_target(text: str) -> sip.Uri:
    """A SIP address from the command line, ``sip:`` may be left out; raises UsageProblem."""
    written = text if ":" in text.split("@", 1)[0] else f"sip:{text}"
    try:
        uri = sip.Uri.parse(written)
    except sip.SipError as error:
        raise UsageProblem(f"{text!r} is no SIP address; write it as sip:user@host") from error
    if uri.scheme == "tel":
        return uri
    if uri.scheme not in ("sip", "sips") or not uri.user or not uri.host:
        raise UsageProblem(f"{text!r} is no SIP address; write it as sip:user@host")
    return uri


def parse_address(text: str, *, default_port: int, option: str) -> tuple[str, int]:
    """``host``, ``host:port`` or ``[v6]:port``; raises UsageProblem."""
    host, port = text, ""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not host or (port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536)):
        raise UsageProblem(f"{option} wants host or host:port, not {text!r}")
    return host, int(port) if port else default_port


def parse_port_range(text: str, *, option: str) -> tuple[int, int]:
    """``first-last``, at least one even and odd pair; raises UsageProblem."""
    first, dash, last = text.partition("-")
    if not (dash and first.isdigit() and last.isdigit() and 1023 < int(first) < int(last) < 65536):
        raise UsageProblem(f"{option} wants a range of ports above 1023 such as 30000-31999, not {text!r}")
    return int(first), int(last)
