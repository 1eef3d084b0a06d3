"""Names of users and conferences, read once: what was written, and the key that its other spellings share.

Documents, headers and tables name the same user in many ways: case, a password or parameters differ, an IPv6 address
is written at length. Whoever reads a name keeps the value made of it here, and compares keys from then on.
"""

from __future__ import annotations

import attrs

from sip.errors import SipError
from sip.syntax.uri import Uri, aor_key, conference_key


@attrs.frozen(eq=False)
class AddressOfRecord:
    """A user as somebody named one (RFC 3261 section 6). Two of them are compared by `same_user`, not by ``==``."""

    text: str  #: as it was spelt, but for a password, which is no part of it
    uri: Uri | None  #: None for what is no URI, which has a key all the same
    key: str  #: what all spellings have in common

    @classmethod
    def read(cls, text: str) -> AddressOfRecord:
        """Read a name. Raises nothing: what is no URI is known by its folded text."""
        try:
            uri = Uri.parse(text)
        except SipError:
            return cls(text, None, text.strip().lower())
        if uri.password is not None:
            uri = uri.without_password()
            text = str(uri)
        return cls(text, uri, aor_key(uri))

    def is_named_by(self, text: str) -> bool:
        """Whether `text` names the same user; it is not read where it is spelt alike."""
        return self.uri is not None and (text == self.text or same_user(self, AddressOfRecord.read(text)))

    def __str__(self) -> str:
        return self.text


def same_user(one: AddressOfRecord, other: AddressOfRecord) -> bool:
    """Whether two names are of one user; never for what is no URI, which nobody can be authenticated as."""
    return one.uri is not None and other.uri is not None and one.key == other.key


def is_own_address(uri: Uri | None, user: AddressOfRecord) -> bool:
    """Whether an address leads to a user where the user's domain has him, and to no other server of that host.

    Another port is another server (RFC 3261 section 19.1.4), and ``maddr`` is anywhere. The default port is where a
    domain is reached that says nothing else in DNS (RFC 3263 section 4.2).
    """
    if uri is None or uri.scheme not in ("sip", "sips") or "maddr" in uri.params:
        return False
    default = 5061 if uri.scheme == "sips" or uri.transport == "tls" else 5060
    return uri.port in (None, default) and user.uri is not None and aor_key(uri) == user.key


@attrs.frozen(eq=False)
class ConferenceAddress:
    """A Conference-URI or MCU-Conference-URI as somebody wrote it."""

    text: str
    key: str  #: `conference_key`, or the folded text of what is no URI

    @classmethod
    def read(cls, text: str) -> ConferenceAddress:
        """Read a URI. Raises nothing."""
        try:
            return cls(text, conference_key(Uri.parse(text)))
        except SipError:
            return cls(text, text.strip().lower())

    @classmethod
    def of(cls, uri: Uri) -> ConferenceAddress:
        """What a header names."""
        return cls(str(uri), conference_key(uri))

    def is_named_by(self, text: str) -> bool:
        """Whether `text` is another spelling of it; it is not read where it is spelt alike."""
        return text == self.text or ConferenceAddress.read(text).key == self.key

    def __str__(self) -> str:
        return self.text
