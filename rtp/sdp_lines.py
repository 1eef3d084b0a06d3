"""The small lines of a session description: ``o=``, ``c=``, ``a=`` (RFC 8866 sections 5.2, 5.7, 5.13)."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

import attrs

from rtp.errors import MalformedSdp

_HOST_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\.?", re.ASCII)
_TOKEN: Final = re.compile(r"[!#-'*+\-.0-9A-Z^-~]+", re.ASCII)
_ID_LIMIT: Final = 2**64  #: both numbers of o= are NTP time stamps by recommendation, so 64 bits


def _field(text: str, what: str, line: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 20 or int(text) >= _ID_LIMIT:
        raise MalformedSdp(f"{what} is not a decimal number of at most 64 bits", line)
    return int(text)


def address_type(address: str) -> str:
    """``IP6`` for a numeric IPv6 address, else ``IP4``."""
    return "IP6" if ":" in address else "IP4"


@attrs.frozen
class Origin:
    """Who wrote a description, and which edition it is. Microsoft clients always write ``- 0 0``."""

    session_id: int
    session_version: int
    address: str
    username: str = "-"
    network_type: str = "IN"
    address_type: str = attrs.field(default=attrs.Factory(lambda self: address_type(self.address), takes_self=True))

    @classmethod
    def parse(cls, text: str) -> Origin:
        fields = text.split()
        if len(fields) != 6:
            raise MalformedSdp("o= has not six fields", text)
        username, session_id, edition, network, family, address = fields
        numbers = _field(session_id, "session id", text), _field(edition, "version", text)
        return cls(*numbers, address, username, network, family)

    def __str__(self) -> str:
        identity = f"{self.username} {self.session_id} {self.session_version}"
        return f"{identity} {self.network_type} {self.address_type} {self.address}"


@attrs.frozen
class Connection:
    """Where media is to be sent. ``suffix`` is what follows the first slash (TTL and count of multicast)."""

    address: str
    suffix: str = ""
    network_type: str = "IN"
    address_type: str = attrs.field(default=attrs.Factory(lambda self: address_type(self.address), takes_self=True))

    @classmethod
    def parse(cls, text: str) -> Connection:
        fields = text.split()
        if len(fields) != 3:
            raise MalformedSdp("c= has not three fields", text)
        network, family, target = fields
        address, _, suffix = target.partition("/")
        if not address:
            raise MalformedSdp("c= has no address", text)
        return cls(address, suffix, network, family)

    @property
    def on_hold(self) -> bool:
        """The hold of RFC 2543: the unspecified address, to which nothing may be sent (RFC 3264 section 8.4)."""
        return self.address in ("0.0.0.0", "::")

    @property
    def usable(self) -> bool:
        """An address of a known family to which packets could be sent; ``(null)`` of one client is not."""
        if self.network_type != "IN" or self.on_hold:
            return False
        try:
            parsed = ipaddress.ip_address(self.address)
        except ValueError:
            # A dotted number that is no address must not be handed to a resolver.
            looks_numeric = self.address.replace(".", "").isdigit()
            return not looks_numeric and _HOST_NAME.fullmatch(self.address) is not None
        return not parsed.is_multicast and self.address_type == f"IP{parsed.version}"

    def __str__(self) -> str:
        suffix = f"/{self.suffix}" if self.suffix else ""
        return f"{self.network_type} {self.address_type} {self.address}{suffix}"


@attrs.frozen
class Attribute:
    """``a=name`` (value None) or ``a=name:value``. Names are case-sensitive."""

    name: str
    value: str | None = None

    @classmethod
    def parse(cls, text: str) -> Attribute:
        name, colon, value = text.partition(":")
        if not _TOKEN.fullmatch(name.rstrip()):
            raise MalformedSdp("a= has no attribute name", text)
        return cls(name.rstrip(), value if colon else None)

    def __str__(self) -> str:
        return self.name if self.value is None else f"{self.name}:{self.value}"
