"""A guest's side of a passcode (docs/security.rst): known to the endpoint as long as the guest is in the conference."""

from __future__ import annotations

from focus.errors import LocalProtocolError
from focus.identity import ANONYMOUS_HOST, is_authenticated
from sip import AddressOfRecord, ConferenceAddress, Credentials, Endpoint, Entropy


def guest_aor(entropy: Entropy) -> str:
    """A name for a guest, which nobody else has and which says nothing of it (RFC 3323 section 4.1.1.3)."""
    return f"sip:{entropy.token(16)}@{ANONYMOUS_HOST}"


class Passcode:
    """The passcode of the conference that a client is in."""

    def __init__(self, endpoint: Endpoint, aor: str) -> None:
        self._endpoint = endpoint
        self._guest = AddressOfRecord.read(aor)
        self._realm: str | None = None

    def check(self, passcode: str | None) -> None:
        """Raises LocalProtocolError when the client is no guest and is given a passcode all the same."""
        if passcode is not None and is_authenticated(self._guest):
            raise LocalProtocolError(f"a passcode is for guests, whose address is of {ANONYMOUS_HOST}")

    def use(self, conference_uri: str, passcode: str | None) -> None:
        """Prove it to whoever asks for that of this conference, and to nobody else."""
        if passcode is not None and self._guest.uri is not None:
            self._realm = ConferenceAddress.read(conference_uri).key
            self._endpoint.set_credentials(self._realm, Credentials(self._guest.uri.user or "guest", passcode))

    def forget(self) -> None:
        """The client is out of the conference, or never got in."""
        if self._realm is not None:
            self._endpoint.set_credentials(self._realm, None)
            self._realm = None
