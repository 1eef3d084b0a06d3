"""Secrets are covered before a trace record is kept.

Covered with asterisks, length kept so that Content-Length, ladders and captures stay true: credentials of
``Authorization`` and ``Proxy-Authorization`` (RFC 9110 section 11.6.2, RFC 3261 section 22), SRTP keys of ``a=crypto``
(RFC 4568 section 6.1), ``k=`` lines (RFC 4566 section 5.12), ICE passwords, and the passcodes and tokens of C3P
documents and links.
"""

from __future__ import annotations

import re
from typing import Final

_HEADER: Final = re.compile(
    rb"(?im)^((?:proxy-)?authorization|authentication-info|proxy-authentication-info)"
    rb"([ \t]*:[ \t]*)([^\r\n]*(?:\r?\n[ \t]+[^\r\n]+)*)"
)
#: Digest parameters from which the password could be guessed off-line.
_DIGEST_PARAMETER: Final = re.compile(rb'(?i)\b(response|rspauth|cnonce|nextnonce)([ \t]*=[ \t]*"?)([^",\r\n]+)')
_SCHEME: Final = re.compile(rb"([A-Za-z][\w-]*)([ \t]+)")

#: One secret each: the first group stays, the second is covered.
_SECRETS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rb"(?i)(\binline:)([^|\s]+)",
        rb"(?im)(^k=(?:clear|base64|uri):)([^\r\n]+)",
        rb"(?im)(^a=ice-pwd:[ \t]*)([^\r\n]+)",
        rb"(?i)(\bconf-key=)([^&;\s\"'<>]+)",
        rb"(?i)(<(?:[\w.-]{1,40}:)?[\w-]{0,40}(?:passcode|password|auth-token|conference-key)(?:\s[^<>]*)?>)([^<]+)",
        rb"(?i)(<(?:[\w.-]{1,40}:)?pin(?:\s[^<>]*)?>)([^<]+)",
        rb"(?i)(\b(?:passcode|password|pin)\s*=\s*[\"'])([^\"'<>\r\n]+)",
        rb"(?i)(<(?:[\w.-]{1,40}:)?key>\s*sAuthId\s*</[\w.:-]{1,48}>\s*<(?:[\w.-]{1,40}:)?value>)([^<]+)",
    )
)

_VISIBLE: Final = re.compile(rb"[^\s]")

#: Layers whose bytes are text with secrets in it; media packets are left alone.
TEXT_LAYERS: Final = frozenset({"sip", "http"})


def mask(layer: str, data: bytes) -> bytes:
    """The same bytes with every secret covered, of the same length."""
    if layer not in TEXT_LAYERS:
        return data
    data = _HEADER.sub(_mask_credentials, data)
    for pattern in _SECRETS:
        data = pattern.sub(_mask_second, data)
    return data


def _cover(secret: bytes) -> bytes:
    return _VISIBLE.sub(b"*", secret)


def _mask_second(match: re.Match[bytes]) -> bytes:
    return match[1] + _cover(match[2])


def _mask_credentials(match: re.Match[bytes]) -> bytes:
    name, colon, value = match[1], match[2], match[3]
    scheme = _SCHEME.match(value)
    if b"info" in name.lower() or (scheme and scheme[1].lower() == b"digest"):
        return name + colon + _DIGEST_PARAMETER.sub(_mask_parameter, value)
    if scheme is None:
        return name + colon + _cover(value)
    return name + colon + scheme[0] + _cover(value[scheme.end() :])


def _mask_parameter(match: re.Match[bytes]) -> bytes:
    return match[1] + match[2] + _cover(match[3])
