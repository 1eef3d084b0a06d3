"""Keys under which conferences, users and endpoints are found: spelling that differs without meaning is folded."""

from __future__ import annotations

from sip import SipError, Uri, aor_key, conference_key

__all__ = ["conference_id", "endpoint_id", "user_id"]


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


def endpoint_id(guid: str) -> str:
    """Key of an endpoint: GUIDs are compared without regard to case and braces (conference-info 4.3)."""
    return guid.strip().strip("{}").lower()
