"""The registration of a phone: refreshed at half of its life, tried again when it fails (RFC 3261 section 10.2)."""

from __future__ import annotations

import sip
from pyc3p.phone.config import PhoneConfig
from pyc3p.phone.events import PhoneNotRegistered, PhoneRegistered
from sip import Event

#: A registrar that grants less would be asked without pause.
MIN_EXPIRES = 10


class Registration:
    """One binding: one Call-ID, CSeq counting up."""

    def __init__(self, endpoint: sip.Endpoint, config: PhoneConfig, *, entropy: sip.Entropy) -> None:
        self._endpoint = endpoint
        self._config = config
        self._call_id = entropy.token(16)
        self._cseq = 0
        self._request: sip.RequestId | None = None
        self._leaving = False
        self.refresh_at: float | None = None  #: monotonic seconds

    def register(self, *, now: float) -> None:
        """Register, and go on doing so."""
        self._leaving = False
        self._send(self._config.register_expires, now)

    def unregister(self, *, now: float) -> None:
        """Take the binding back."""
        self._leaving = True
        self._send(0, now)

    def handle_timeout(self, *, now: float) -> None:
        """Register again when that is due."""
        if self.refresh_at is not None and self.refresh_at <= now:
            self._send(self._config.register_expires, now)

    def answered(self, request_id: sip.RequestId, response: sip.Response | None, *, now: float) -> list[Event]:
        """Take the answer to a request, None when none came; not ours: nothing happens."""
        if request_id != self._request:
            return []
        self._request = None
        if self._leaving:
            return []
        owner = self._config.owner
        if response is None or response.status >= 300:
            self.refresh_at = now + self._config.register_retry
            return [PhoneNotRegistered(owner=owner, status=response.status if response else None)]
        expires = max(self._granted(response), MIN_EXPIRES)
        self.refresh_at = now + expires / 2
        return [PhoneRegistered(owner=owner, expires=expires)]

    def _send(self, expires: int, now: float) -> None:
        self.refresh_at = None
        if self._config.registrar is None:
            return
        self._cseq += 1
        self._request = self._endpoint.request(
            self._config.owner,
            "REGISTER",
            self._config.registrar,
            from_=self._config.address,
            to=self._config.address,
            headers=[("Expires", str(expires))],
            contact=sip.NameAddr(self._config.contact),
            route=self._config.route,
            call_id=self._call_id,
            cseq=self._cseq,
            now=now,
        )

    def _granted(self, response: sip.Response) -> int:
        """Life of our own binding, which may stand among those of other phones (RFC 3261 section 10.2.4)."""
        for contact in response.contact:
            if isinstance(contact, sip.NameAddr) and contact.uri.equivalent(self._config.contact):
                value = contact.params.get("expires") or ""
                if value.isascii() and value.isdigit():
                    return int(value)
        return response.expires or self._config.register_expires
