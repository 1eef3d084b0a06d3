"""Patterns of the components of URIs, and what is checked when a URI is not written in the common way.

RFC 3261 sections 19.1.1 and 25.1.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from sip.errors import LocalProtocolError, MalformedHeader
from sip.syntax.escaping import well_escaped
from sip.syntax.grammar import Report

# RFC 3261 section 25.1:
#   SIP-URI           =  "sip:" [ userinfo ] hostport uri-parameters [ headers ]
#   SIPS-URI          =  "sips:" [ userinfo ] hostport uri-parameters [ headers ]
#   userinfo          =  ( user / telephone-subscriber ) [ ":" password ] "@"
#   user              =  1*( unreserved / escaped / user-unreserved )
#   user-unreserved   =  "&" / "=" / "+" / "$" / "," / ";" / "?" / "/"
#   password          =  *( unreserved / escaped / "&" / "=" / "+" / "$" / "," )
#   unreserved        =  alphanum / mark
#   mark              =  "-" / "_" / "." / "!" / "~" / "*" / "'" / "(" / ")"
#   uri-parameters    =  *( ";" uri-parameter)
#   other-param       =  pname [ "=" pvalue ]
#   pname             =  1*paramchar
#   pvalue            =  1*paramchar
#   paramchar         =  param-unreserved / unreserved / escaped
#   param-unreserved  =  "[" / "]" / "/" / ":" / "&" / "+" / "$"
#   headers           =  "?" header *( "&" header )
#   header            =  hname "=" hvalue
#   hname             =  1*( hnv-unreserved / unreserved / escaped )
#   hvalue            =  *( hnv-unreserved / unreserved / escaped )
#   hnv-unreserved    =  "[" / "]" / "/" / "?" / ":" / "+" / "$"
UNRESERVED: Final = r"A-Za-z0-9\-_.!~*'()"
USER: Final = UNRESERVED + r"&=+$,;?/"
COMMON_USER: Final = USER.replace("?", "")
PASSWORD: Final = UNRESERVED + r"&=+$,"
PARAM: Final = UNRESERVED + r"\[\]/:&+$"
HEADER: Final = UNRESERVED + r"\[\]/?:+$"

#   hostport       =  host [ ":" port ]
#   host           =  hostname / IPv4address / IPv6reference
#   hostname       =  *( domainlabel "." ) toplabel [ "." ]
#   domainlabel    =  alphanum / alphanum *( alphanum / "-" ) alphanum
#   toplabel       =  ALPHA / ALPHA *( alphanum / "-" ) alphanum
#   IPv6reference  =  "[" IPv6address "]"
#   port           =  1*DIGIT
#: A port that fits into 16 bits.
PORT: Final = r"[0-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]|[0-9]{1,4}"
HOSTNAME: Final = r"[A-Za-z0-9][A-Za-z0-9.\-]*+"
#: Parameters of a URI in which nothing is escaped, and nothing empty.
COMMON_PARAMS: Final = rf"(?:;[{PARAM}]++(?:=[{PARAM}]++)?+)*+"
#: A sip or sips URI as nearly everybody writes it: in the grammar, nothing escaped, no IPv6, no `?` in the user part.
#: Groups: scheme, user, password, host, port, parameters.
COMMON: Final = (
    r"([Ss][Ii][Pp][Ss]?+):"
    rf"(?:([{COMMON_USER}]++)(?::([{PASSWORD}]*+))?+@)?"
    rf"({HOSTNAME})(?::({PORT}))?+"
    rf"({COMMON_PARAMS})"
)
COMMON_URI = re.compile(COMMON)
SIP = re.compile(r"([Ss][Ii][Pp][Ss]?+):(.*+)", re.DOTALL)
#   absoluteURI  =  scheme ":" ( hier-part / opaque-part )
#   scheme       =  ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )
ABSOLUTE = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*+):([^\s\x00-\x1f\x7f<>\"]++)")
# RFC 3966 section 3; that there is a digit among the separators is not checked:
#   global-number-digits  =  "+" *phonedigit DIGIT *phonedigit
#   local-number-digits   =  *phonedigit-hex (HEXDIG / "*" / "#") *phonedigit-hex
#   phonedigit            =  DIGIT / [ visual-separator ]
#   phonedigit-hex        =  HEXDIG / "*" / "#" / [ visual-separator ]
#   visual-separator      =  "-" / "." / "(" / ")"
TEL_NUMBER = re.compile(r"\+[0-9\-.()]++|[0-9A-Fa-f*#\-.()]++")
TOLERABLE_HOST = re.compile(r"([\w.\-]++\.?+|\[[0-9A-Fa-f:.]++(?:%[\w.\-]++)?+\])(?:[ \t]*+:[ \t]*+([0-9]{0,9}+))?+")
STRICT_HOST = re.compile(rf"{HOSTNAME}|\[[0-9A-Fa-f:.]++\]")
_ZONE = re.compile(r"[\w.\-]{1,32}", re.ASCII)
FORBIDDEN = re.compile(r"[\x00-\x20\x7f<>\"]")
USER_TEXT = re.compile(rf"[{USER}%]*+")
PASSWORD_TEXT = re.compile(rf"[{PASSWORD}%]*+")
HEADER_TEXT = re.compile(rf"[{HEADER}%]++=[{HEADER}%]*+")


def split_user(rest: str) -> tuple[str | None, str]:
    """The user part ends at the first @ before any question mark; a ``?`` is in it only if nothing else makes sense."""
    at, question = rest.find("@"), rest.find("?")
    if at < 0:
        return None, rest
    if 0 <= question < at and TOLERABLE_HOST.fullmatch(rest[:question].partition(";")[0]) and "=" in rest[question:]:
        return None, rest
    return rest[:at], rest[at + 1 :]


def checked_host(host: str, text: str, report: Report) -> str:
    """A host as peers write it, with brackets, in the one form that compares by value (`canonical_host`).

    Raises MalformedHeader.
    """
    if host[0] != "[":
        if not STRICT_HOST.fullmatch(host):
            report("a host name has characters that host names do not have")
        return without_root(host.lower())
    address, percent, zone = host[1:-1].partition("%")
    if percent:
        # Only the sender knows the interface that it names (RFC 4007 section 11); RFC 3261 has no place for it.
        report("a zone in an IPv6 address")
        zone = zone.removeprefix("25")  # as RFC 6874 writes it
    if ":::" in address:  # RFC 5118 section 4.10
        report("three colons in an IPv6 address")
        address = address.replace(":::", "::", 1)
    try:
        return _ipv6(address) + (f"%{zone}" if zone else "")
    except ValueError:
        raise MalformedHeader("host", text, "IPv6 address") from None


def without_root(name: str) -> str:
    """A host name without the dot that may end it; one of dots alone as it is."""
    return name.removesuffix(".") or name


def _ipv6(address: str) -> str:
    """The form of RFC 5952, by which addresses that are one compare equal; raises ValueError."""
    parsed = IPv6Address(address)
    # Section 5: not all versions of Python write these with dots, and operating systems do.
    return str(parsed) if parsed.ipv4_mapped is None else f"::ffff:{parsed.ipv4_mapped}"


@lru_cache(maxsize=1024)
def canonical_host(host: str) -> str:
    """A host of any origin, with or without brackets, as ``Uri.host`` has it.

    Lower case, without the dot that may end a name; an IPv6 address in the form of RFC 5952, because they compare by
    value (RFC 5954 section 4.2).
    """
    bare = host[1:-1] if host[:1] == "[" else host
    if ":" not in bare:
        return without_root(bare.lower())
    address, percent, zone = bare.partition("%")
    try:
        return f"{_ipv6(address)}{percent}{zone}"
    except ValueError:
        return bare.lower()


@lru_cache(maxsize=1024)
def ip_address(host: str) -> str | None:
    """An IP address of any origin, with or without brackets, as ``Uri.host`` has it; None for what is none.

    Whatever asks a system for a way must know this: systems take names where addresses are wanted, and wait for DNS.
    """
    bare = host[1:-1] if host[:1] == "[" and host[-1:] == "]" else host
    address, percent, zone = bare.partition("%")
    if percent and not _ZONE.fullmatch(zone):
        return None
    try:
        return f"{_ipv6(address)}{percent}{zone}" if ":" in address else str(IPv4Address(bare))
    except ValueError:
        return None


def local_host(host: str) -> str:
    """A host that somebody wants to write, in lower case and without brackets; raises LocalProtocolError."""
    bare = host[1:-1] if host[:1] == "[" else host
    if not STRICT_HOST.fullmatch(f"[{bare}]" if ":" in bare else bare):
        raise LocalProtocolError(f"not a host: {host!r}")
    if ":" in bare:
        try:
            return _ipv6(bare)
        except ValueError:
            raise LocalProtocolError(f"not an IPv6 address: {host!r}") from None
    return without_root(bare.lower())


def checked_port(port: str | None, text: str, report: Report) -> int | None:
    """A port as peers write it; raises MalformedHeader."""
    if port == "":
        report("a colon without a port")
    if not port:
        return None
    if int(port) > 65535:
        raise MalformedHeader("URI", text, "port")
    return int(port)


def checked_userinfo(userinfo: str | None, text: str, report: Report) -> tuple[str | None, str | None]:
    if userinfo is None:
        return None, None
    user, colon, password = userinfo.partition(":")
    if not user:
        report("an empty user part")
    if not (USER_TEXT.fullmatch(user) and well_escaped(user)) or not (
        PASSWORD_TEXT.fullmatch(password) and well_escaped(password)
    ):
        report("unescaped characters in the user part")
    return user, password if colon else None


def checked_headers(headers: str, text: str, report: Report) -> str:
    if headers and not all(HEADER_TEXT.fullmatch(item) and well_escaped(item) for item in headers.split("&")):
        report("a malformed header in a URI")
    return headers
