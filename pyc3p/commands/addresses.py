"""Addresses as people write them at the command line."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Sequence
from typing import Final

import c3p
import mcu
import sip
from pyc3p.problems import Problem, UsageProblem
from sip import is_numeric


def parse_target(text: str) -> sip.Uri:
    """A SIP address from the command line, ``sip:`` may be left out; raises UsageProblem."""
    if not text.isprintable() or "\ufffd" in text:  # bytes that were no text, as a terminal may send them
        raise UsageProblem(f"{text!r} is no SIP address; write it as sip:user@host")
    written = text if ":" in text.split("@", 1)[0] else f"sip:{text}"
    try:
        uri = sip.Uri.parse(written)
    except sip.SipError as error:
        raise UsageProblem(f"{text!r} is no SIP address; write it as sip:user@host") from error
    if uri.scheme == "tel":
        if mcu.number_in(uri) is None:
            raise UsageProblem(f"{text!r} is no telephone number; write it as tel:+15550100")
        return uri
    if uri.scheme not in ("sip", "sips") or not uri.user or not uri.host:
        raise UsageProblem(f"{text!r} is no SIP address; write it as sip:user@host")
    return uri


def check_host(text: str, *, option: str) -> None:
    """Raises UsageProblem for what can be no host: a blank in it, a scheme before it."""
    try:
        sip.Uri("sip", text.strip("[]"))
    except sip.SipError as error:
        raise UsageProblem(f"{option} wants the name or address of a host, not {text!r}") from error


def parse_proxy(text: str, *, option: str) -> sip.Uri:
    """A SIP or SIPS address of a server, ``sip:`` may be left out; raises UsageProblem."""
    try:
        uri = sip.Uri.parse(text if text.lower().startswith(("sip:", "sips:")) else f"sip:{text}")
    except sip.SipError as error:
        raise UsageProblem(f"{option} {text!r} is no SIP address; write it as sip:host or sip:host:port") from error
    if uri.password is not None:
        raise UsageProblem(f"{option} must not hold a password, which others could read; name it with --credentials")
    check_host(uri.host, option=option)
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
    check_host(host, option=option)
    return host, int(port) if port else default_port


def parse_port_range(text: str, *, option: str) -> tuple[int, int]:
    """``first-last``, at least one even and odd pair; raises UsageProblem."""
    first, dash, last = text.partition("-")
    if not (dash and first.isdigit() and last.isdigit() and 1023 < int(first) < int(last) < 65536):
        raise UsageProblem(f"{option} wants a range of ports above 1023 such as 30000-31999, not {text!r}")
    return int(first), int(last)


#: Hosts that stand for all addresses of this machine.
EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})
LOCALHOST: Final = "localhost"
#: What that name means, whatever the hosts file says of it (RFC 6761 section 6.3).
_LOOPBACK: Final = ("127.0.0.1", "::1")
#: Seconds to try whether something listens at an address of this machine; the kernel answers at once.
_PROBE: Final = 1.0


def is_loopback(host: str) -> bool:
    """Whether a host is this machine and nothing else: ``localhost`` and its subdomains (RFC 6761 section 6.3) too."""
    name = host.lower().rstrip(".")
    if name == LOCALHOST or name.endswith(f".{LOCALHOST}"):
        return True
    return is_numeric(name) and ipaddress.ip_address(name.strip("[]").partition("%")[0]).is_loopback


def names_of_host(listening: str) -> tuple[str, ...]:
    """What an address that is listened on is also called on this machine."""
    if listening in EVERYWHERE:
        return (LOCALHOST, "127.0.0.1", "::1") if listening == "::" else (LOCALHOST, "127.0.0.1")
    return (listening, LOCALHOST) if is_loopback(listening) else (listening,)


def numeric_host(host: str) -> str:
    """The address to listen on when a name was given; a name that there is not stays, and opening it will fail."""
    if is_numeric(host):
        return host.strip("[]")
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return host
    addresses = [str(address[0]) for *_, address in found]
    return next((each for each in addresses if "." in each), addresses[0])


def server_address(host: str, port: int) -> tuple[str, int]:
    """Where to go for a server that was named.

    ``localhost`` can be two addresses, of which a server listens on one: the one that takes a connection. Other names
    stay what they are, for there DNS has a say (RFC 3263).
    """
    if is_numeric(host) or not is_loopback(host):
        return host, port
    for each in _LOOPBACK:
        with contextlib.suppress(OSError), socket.create_connection((each, port), timeout=_PROBE):
            return each, port
    return _LOOPBACK[0], port


def local_host_towards(host: str, port: int) -> str:
    """The address of this machine that faces a server; nothing is sent. Raises Problem when there is no way to it."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        family, _, _, _, address = found[0]
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(address)
            return str(probe.getsockname()[0])
    except (OSError, UnicodeError) as error:  # the latter: labels that are empty or too long
        why = error.strerror if isinstance(error, OSError) else "it is no name of a host"
        raise Problem(f"there is no way to {host}: {why}; is the name right?") from error


def server_of(uri: sip.Uri, *, default_port: int = 5060) -> tuple[str, int]:
    """Where the server of an address is: its host, the default port unless it says another. Raises UsageProblem."""
    if uri.scheme == "tel":
        raise UsageProblem(f"{uri} does not say where the server is; add --server HOST")
    return uri.host, uri.port or default_port


def proxy_at(address: tuple[str, int], transport: str | None) -> sip.Uri:
    """A server as the first hop of requests; without a transport it is UDP."""
    params = {"lr": None} if transport is None else {"transport": transport, "lr": None}
    return sip.Uri("sip", address[0], port=address[1], params=params)


def server_for(people: Sequence[sip.Uri], *, default_port: int = 5060) -> tuple[str, int]:
    """Where the server is when it was not said: at the host of the first address that has one.

    Numbers have none; for them alone it is the one of ``pyc3p serve`` on this machine.
    """
    first = next((each for each in people if each.scheme != "tel"), None)
    return server_of(first, default_port=default_port) if first is not None else (_LOOPBACK[0], default_port)


def without_port(uri: sip.Uri, server: tuple[str, int]) -> sip.Uri:
    """An address of a user of this server: the port that led there is no part of it."""
    return sip.Uri(uri.scheme, uri.host, uri.user, params=uri.params) if (uri.host, uri.port) == server else uri


def parse_conference(text: str) -> str:
    """A Conference-URI, or the link around it; raises UsageProblem."""
    try:
        return c3p.parse_join_link(text)
    except c3p.C3PError as error:
        raise UsageProblem(
            f"{text!r} is no conference; it looks like sip:...;gruu;opaque=app:conf:focus:id:..."
        ) from error
