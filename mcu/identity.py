"""Keys under which conferences and users are found, and new names for endpoints.

Spelling that differs without meaning is folded in a key (`sip.AddressOfRecord`; of endpoints `c3p.guid_key`). Each is
computed once, where its document is read.
"""

from __future__ import annotations

from sip import AddressOfRecord, Entropy, SipError, Uri, conference_key


def conference_id(uri: str) -> str | None:
    """Key of a Conference-URI or MCU-Conference-URI, ``None`` when it is no SIP URI."""
    try:
        return conference_key(Uri.parse(uri))
    except SipError:
        return None


def user_id(uri: str) -> str:
    """Key of a user: the address of record without parameters; any other text folded to lower case."""
    return AddressOfRecord.read(uri).key


def guid(entropy: Entropy) -> str:
    """A random name for an endpoint, in braces and upper case (c3p 2.3, RFC 9562 section 5.4)."""
    digits = list(entropy.token(16).upper())
    digits[12] = "4"
    digits[16] = "89AB"[int(digits[16], 16) % 4]
    text = "".join(digits)
    return "{" + "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:])) + "}"
