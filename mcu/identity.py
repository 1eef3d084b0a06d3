"""Names of conferences, users and endpoints, and the keys under which they are found.

Spelling that differs without meaning is folded in a key. Each is computed once, where its document is read.
"""

from __future__ import annotations

import attrs

from sip import Entropy, SipError, Uri, aor_key, conference_key

__all__ = ["Identity", "conference_id", "endpoint_id", "guid", "user_id"]


@attrs.frozen
class Identity:
    """A user as a document names it, with what is derived from the name."""

    text: str  #: as it came
    uri: Uri | None  #: ``None`` when the text is no URI
    key: str  #: see ``user_id``

    @classmethod
    def read(cls, text: str) -> Identity:
        """Take a name apart, once."""
        try:
            uri = Uri.parse(text)
        except SipError:
            return cls(text, None, text.strip().lower())
        return cls(text, uri, aor_key(uri))


def conference_id(uri: str) -> str | None:
    """Key of a Conference-URI or MCU-Conference-URI, ``None`` when it is no SIP URI."""
    try:
        return conference_key(Uri.parse(uri))
    except SipError:
        return None


def user_id(uri: str) -> str:
    """Key of a user: the address of record without parameters; any other text folded to lower case."""
    return Identity.read(uri).key


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
