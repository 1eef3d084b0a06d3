"""The small lines of a session description: ``o=``, ``c=``, ``a=`` (RFC 8866 sections 5.2, 5.7, 5.13).

A value that came in an odd form keeps it in ``written`` and prints it again for as long as nothing in it is changed.
"""

from __future__ import annotations

import ipaddress
import re
from functools import cached_property
from typing import Final

import attrs

from rtp.sdp.defects import Defects, shown

_HOST_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\.?", re.ASCII)
_TOKEN: Final = re.compile(r"[!#-'*+\-.0-9A-Z^-~]+", re.ASCII)
_DOTTED: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){3}", re.ASCII)
_ZEROS: Final = re.compile(r"(?<![0-9])0+(?=[0-9])", re.ASCII)  #: in front of a number
_ID_LIMIT: Final = 2**64  #: RFC 3264 section 5 wants both numbers of o= in 64 bits
_ID_DIGITS: Final = 1_000  #: the grammar of RFC 8866 has no limit; far more digits than any clock or chance gives
_NOWHERE: Final = "0.0.0.0"  #: address of an origin that cannot be read

_STRICT: Final = Defects(strict=True)


def _number(text: str, what: str, line: str, report: Defects) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > _ID_DIGITS:
        report(f"{what} is not a decimal number", line)
        return 0
    if int(text) >= _ID_LIMIT:
        report(f"{what} has more than 64 bits", line)
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
    written: str | None = attrs.field(default=None, eq=False, repr=False)  #: the value as it came, when it was odd

    @classmethod
    def parse(cls, text: str, report: Defects = _STRICT) -> Origin:
        """Read one; raises MalformedSdp unless ``report`` tolerates. What cannot be read is 0 and nowhere then."""
        fields = text.split()
        if len(fields) < 6:
            report("o= has not six fields", text)
            return cls(0, 0, _NOWHERE, written=text)
        if len(fields) > 6:
            report("the user name in o= has blanks", text)
        if " ".join(fields) != text:
            report("odd blanks in o=", text)
        session_id, edition, network, family, address = fields[-5:]
        numbers = _number(session_id, "session id", text, report), _number(edition, "version", text, report)
        found = cls(*numbers, address, " ".join(fields[:-5]), network, family)
        return found if str(found) == text else attrs.evolve(found, written=text)

    def __str__(self) -> str:
        if self.written is not None and Origin.parse(self.written, Defects()) == self:
            return self.written
        identity = f"{self.username} {self.session_id} {self.session_version}"
        return f"{identity} {self.network_type} {self.address_type} {self.address}"


@attrs.frozen
class Connection:
    """Where media is to be sent. ``suffix`` is what follows the first slash (TTL and count of multicast)."""

    address: str  #: empty when the line names none
    suffix: str = ""
    network_type: str = "IN"
    address_type: str = attrs.field(default=attrs.Factory(lambda self: address_type(self.address), takes_self=True))
    written: str | None = attrs.field(default=None, eq=False, repr=False)  #: the value as it came, when it was odd

    @classmethod
    def parse(cls, text: str, report: Defects = _STRICT) -> Connection:
        """Read one; raises MalformedSdp unless ``report`` tolerates. What cannot be read has no address then."""
        fields = text.split()
        if len(fields) != 3:
            report("c= has not three fields", text)
        if len(fields) < 3:
            return cls("", written=text)
        if " ".join(fields) != text:
            report("odd blanks in c=", text)
        network, family, target = fields[:3]
        kept, network, family = (network, family), network.upper(), family.upper().replace("IPV", "IP")
        if kept != (network, family):
            report("c= has names in an odd form", text)
        written_address, _, suffix = target.partition("/")
        address = _plain_address(written_address)
        if not address:
            report("c= has no address", text)
        elif address != written_address:
            report("c= has an address in an odd form", text)
        actual = _numeric_type(address) if network == "IN" else None
        if actual not in (None, family):
            report("c= names another type than its address has", text)
            family = actual or family
        found = cls(address, suffix, network, family)
        return found if str(found) == text else attrs.evolve(found, written=text)

    @property
    def on_hold(self) -> bool:
        """The hold of RFC 2543: the unspecified address, to which nothing may be sent (RFC 3264 section 8.4)."""
        return self.address in (_NOWHERE, "::")

    @cached_property
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
        if self.written is not None and Connection.parse(self.written, Defects()) == self:
            return self.written
        suffix = f"/{self.suffix}" if self.suffix else ""
        return f"{self.network_type} {self.address_type} {self.address}{suffix}"


def _numeric_type(address: str) -> str | None:
    """What type a numeric address has, which it says by itself; None for a name."""
    try:
        return f"IP{ipaddress.ip_address(address).version}"
    except ValueError:
        return None


def _plain_address(text: str) -> str:
    """An address without zeros in front of its numbers (they are decimal here) and without the brackets of URIs."""
    if _DOTTED.fullmatch(text):
        return _ZEROS.sub("", text)
    return text[1:-1] if text.startswith("[") and text.endswith("]") else text


@attrs.frozen(repr=False)
class Attribute:
    """``a=name`` (value None) or ``a=name:value``. Names are case-sensitive."""

    name: str
    value: str | None = None

    def __repr__(self) -> str:
        return f"Attribute({self.name!r}, {None if self.value is None else shown(str(self))!r})"

    @classmethod
    def parse(cls, text: str, report: Defects = _STRICT) -> Attribute:
        """Read one; raises MalformedSdp unless ``report`` tolerates. An odd name is kept as it is then."""
        written, colon, value = text.partition(":")
        name = written.strip(" \t")
        if name != written:
            report("a= has a blank beside its name", text)
        if not _TOKEN.fullmatch(name):
            report("a= has an odd name" if name else "a= has no attribute name", text)
        return cls(name, value if colon else None)

    def __str__(self) -> str:
        return self.name if self.value is None else f"{self.name}:{self.value}"


def is_token(text: str) -> bool:
    """Whether it is a ``token`` of the grammar."""
    return _TOKEN.fullmatch(text) is not None
