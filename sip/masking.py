"""Credentials in SIP headers are covered before a message is shown to anybody.

Covered with asterisks, length kept: those of ``Authorization`` and ``Proxy-Authorization``, and what the digest of the
two ``-Info`` headers gives away (RFC 3261 section 22, RFC 9110 section 11.6.2).
"""

from __future__ import annotations

import re
from typing import Final

from sip.message import Message

__all__ = ["mask_credentials", "masked_head"]

_HEADER: Final = re.compile(
    rb"(?im)^((?:proxy-)?authorization|authentication-info|proxy-authentication-info)"
    rb"([ \t]*:[ \t]*)([^\r\n]*(?:\r?\n[ \t]+[^\r\n]+)*)"
)
#: Digest parameters from which the password could be guessed off-line.
_DIGEST_PARAMETER: Final = re.compile(rb'(?i)\b(response|rspauth|cnonce|nextnonce)([ \t]*=[ \t]*"?)([^",\r\n]+)')
_SCHEME: Final = re.compile(rb"([A-Za-z][\w-]*)([ \t]+)")
_VISIBLE: Final = re.compile(rb"[^\s]")


def mask_credentials(data: bytes) -> bytes:
    """The same bytes, of the same length, with the credentials in header lines covered."""
    return _HEADER.sub(_mask_value, data)


def masked_head(message: Message) -> bytes:
    """Start line and headers of a message, credentials covered.

    The body is left out: to SIP it is bytes, and which secrets they hold (SRTP keys, passcodes) others know.
    """
    head, separator, _ = bytes(message).partition(b"\r\n\r\n")
    return mask_credentials(head + separator)


def _mask_value(match: re.Match[bytes]) -> bytes:
    name, colon, value = match[1], match[2], match[3]
    scheme = _SCHEME.match(value)
    if b"info" in name.lower() or (scheme and scheme[1].lower() == b"digest"):
        return name + colon + _DIGEST_PARAMETER.sub(_mask_parameter, value)
    if scheme is None:
        return name + colon + _cover(value)
    return name + colon + scheme[0] + _cover(value[scheme.end() :])


def _mask_parameter(match: re.Match[bytes]) -> bytes:
    return match[1] + match[2] + _cover(match[3])


def _cover(secret: bytes) -> bytes:
    return _VISIBLE.sub(b"*", secret)
