"""Who somebody is, as the network vouches for it (RFC 3325). Whether the network is believed, its callers know."""

from __future__ import annotations

from typing import Final

from sip import NameAddr, Request, Response, SipError

_HEADER: Final = "P-Asserted-Identity"


def asserted_identities(message: Request | Response) -> tuple[NameAddr, ...]:
    """The identities that a message asserts: one of SIP, one of a telephone, or both; none when nobody can read it."""
    try:
        found = message.header(_HEADER)
    except SipError:
        return ()
    return tuple(each for each in found if isinstance(each, NameAddr)) if isinstance(found, tuple) else ()
