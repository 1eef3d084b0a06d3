"""Names of conferences, users and endpoints, and the keys under which they are found.

Spelling that differs without meaning is folded in a key. Each is computed once, where its document is read.
"""

from __future__ import annotations

from sip import Entropy, SipError, Uri, aor_key, conference_key

__all__ = ["conference_id", "endpoint_id", "guid", "user_id"]


def conference_id(uri: str) -> str | None:
    """Key of a Conference-URI or MCU-Conference-URI, ``None`` when it is no SIP URI."""
    try:
        return conference_key(Uri.parse(uri))
    except SipError:
        return None


def user_id(uri: str) -> str:
    """Key of a user: the address of record without parameters; any other text folded to lower case."""
    try:
        return aor_key(Uri.parse(uri))
    except SipError:
        return uri.strip().lower()


def endpoint_id(entity: str) -> str:
    """Key of an endpoint: GUIDs are compared without regard to case and braces (conference-info 4.3)."""
    return entity.strip().strip("{}").lower()


def guid(entropy: Entropy) -> str:
    """A random name for an endpoint, in braces and upper case (c3p 2.3, RFC 9562 section 5.4)."""
    digits = list(entropy.token(16).upper())
    digits[12] = "4"
    digits[16] = "89AB"[int(digits[16], 16) % 4]
    text = "".join(digits)
    return "{" + "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:])) + "}"
