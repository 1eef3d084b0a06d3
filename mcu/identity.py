"""Keys under which conferences and users are found, and new names for endpoints.

Spelling that differs without meaning is folded in a key (`sip.AddressOfRecord`; of endpoints `c3p.guid_key`). Each is
computed once, where its document is read.
"""

from __future__ import annotations

from c3p import new_guid
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
    """A random name for an endpoint (`c3p.new_guid`)."""
    return new_guid(entropy.token(16))
