"""Which MCU is tried: its URL, and by what it knows its Focus."""

from __future__ import annotations

import ssl
from typing import Final
from urllib.parse import urlsplit

import attrs

from pyc3p.conform.target import address_of
from pyc3p.problems import UsageProblem
from sip import Address, Uri

_PORTS: Final = {"http": 80, "https": 443}


@attrs.frozen(kw_only=True)
class McuTarget:
    """An MCU at a URL."""

    url: str
    secure: bool
    host: str
    address: str  #: the IP address that the host stands for
    port: int
    path: str
    organizer: Uri  #: whose conferences they are
    kind: str = "audio-video"  #: type of MCU
    phones: str | None = None  #: ``sip:NAME@HOST:PORT`` of phones is at this host; None: our own address
    secret: str = attrs.field(default="", repr=False)  #: the bearer token by which it knows its Focus
    other_secret: str = attrs.field(default="", repr=False)  #: that of another Focus which it knows
    tls: ssl.SSLContext | None = attrs.field(default=None, repr=False)
    options: tuple[str, ...] = ()  #: with which it was named

    @property
    def transport(self) -> str:
        """As of the cases: what an MCU is told goes over HTTP."""
        return "TLS" if self.secure else "TCP"

    @property
    def remote(self) -> Address:
        """Where it listens."""
        return Address(self.address, self.port)

    @property
    def words(self) -> tuple[str, ...]:
        """What names it at the command line."""
        return (self.url, *self.options)

    def __str__(self) -> str:
        return self.url


def parse_mcu_target(
    text: str,
    *,
    organizer: str | None = None,
    kind: str = "audio-video",
    secret: str = "",
    other_secret: str = "",
    tls: ssl.SSLContext | None = None,
) -> McuTarget:
    """``http://HOST:PORT/PATH`` or https. Raises UsageProblem.

    ``organizer`` is whose conferences are made there, by default somebody at its host.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise UsageProblem(f"{text!r} is no target; write it as http://HOST:PORT/PATH")
    try:
        aor = Uri.parse(organizer) if organizer else Uri("sip", parts.hostname, "conform")
    except ValueError as error:
        raise UsageProblem(f"--as must be a SIP URI such as sip:ann@example.com, not {organizer!r}") from error
    if not aor.user:
        raise UsageProblem(f"--as must name a user, such as sip:ann@example.com, not {organizer!r}")
    given = (("--as", organizer), ("--type", kind if kind != "audio-video" else None))
    return McuTarget(
        url=text,
        secure=parts.scheme == "https",
        host=parts.hostname,
        address=address_of(parts.hostname),
        port=port or _PORTS[parts.scheme],
        path=parts.path or "/",
        organizer=aor,
        kind=kind,
        secret=secret,
        other_secret=other_secret,
        tls=tls if parts.scheme == "https" else None,
        options=tuple(word for name, value in given if value for word in (name, value)),
    )
