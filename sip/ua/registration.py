"""The registration of a phone: refreshed at half of its life, tried again when it fails (RFC 3261 section 10.2).

One refusal ends nothing. A registrar says when to come again (Retry-After) or for how long to ask (423); otherwise
the waits grow (RFC 5626 section 4.5), but while a binding lasts they stay short enough to save it.
"""

from __future__ import annotations

from typing import Final

import sip
from pyc3p.phone.config import PhoneConfig
from pyc3p.phone.events import PhoneNotRegistered, PhoneRegistered
from sip import Event

#: A registrar that grants less would be asked without pause.
MIN_EXPIRES: Final = 10
#: Seconds that a registrar may demand to be asked for; more is an error of somebody.
_MOST_DEMANDED: Final = 86_400
#: Statuses of a registrar or proxy that does not take our credentials, after they were shown.
_REFUSALS: Final = frozenset({401, 407})
#: Doublings of the wait; more would make no difference.
_MOST_DOUBLINGS: Final = 16


class Registration:
    """One binding: one Call-ID, CSeq counting up."""

    def __init__(self, endpoint: sip.Endpoint, config: PhoneConfig, *, entropy: sip.Entropy) -> None:
        self._endpoint = endpoint
        self._config = config
        self._call_id = entropy.token(16)
        self._cseq = 0
        self._waits = entropy.child("registration")
        self._asked = config.register_expires  # seconds; more when the registrar wants more
        self._failures = 0  # in a row
        self._ends: float | None = None  # when the binding that was granted last ends
        self._request: sip.RequestId | None = None
        self._leaving = False
        self.refresh_at: float | None = None  #: monotonic seconds

    def register(self, *, now: float) -> None:
        """Register, and go on doing so."""
        self._leaving = False
        self._asked = self._config.register_expires
        self._send(self._asked, now)

    def unregister(self, *, now: float) -> None:
        """Take the binding back."""
        self._leaving = True
        self._send(0, now)

    def handle_timeout(self, *, now: float) -> None:
        """Register again when that is due."""
        if self.refresh_at is not None and self.refresh_at <= now:
            self._send(self._asked, now)

    def answered(self, request_id: sip.RequestId, response: sip.Response | None, *, now: float) -> list[Event]:
        """Take the answer to a request, None when none came; not ours: nothing happens."""
        if request_id != self._request:
            return []
        self._request = None
        if self._leaving:
            return []
        owner = self._config.owner
        if response is None or response.status >= 300:
            self._failures += 1
            if response is not None and self._asks_for_longer(response) and self._failures == 1:
                self._send(self._asked, now)  # its answer is the outcome
                return []
            self.refresh_at = now + self._wait(response, now)
            return [PhoneNotRegistered(owner=owner, status=response.status if response else None)]
        expires = max(self._granted(response), MIN_EXPIRES)
        self._failures, self._ends = 0, now + expires
        self.refresh_at = now + expires / 2
        return [PhoneRegistered(owner=owner, expires=expires)]

    def _asks_for_longer(self, response: sip.Response) -> bool:
        """Whether the registrar wants to be asked for more seconds (423), which we do from now on."""
        demanded = response.min_expires
        if response.status != 423 or demanded is None or not self._asked < demanded <= _MOST_DEMANDED:
            return False
        self._asked = demanded
        return True

    def _wait(self, response: sip.Response | None, now: float) -> float:
        """Seconds until the next try after one that failed."""
        config = self._config
        if response is not None and response.status in _REFUSALS:
            doubled = config.register_refused_retry * 2.0 ** min(self._failures - 1, _MOST_DOUBLINGS)
            return max(min(doubled, config.register_max_retry), config.register_refused_retry)
        if response is not None:
            again = response.header("Retry-After")
            if isinstance(again, sip.RetryAfter) and again.seconds > 0:
                # Not before that; and never without pause, whatever it says.
                return min(max(float(again.seconds), config.register_retry), config.register_max_retry)
        doubled = config.register_retry * 2.0 ** min(self._failures - 1, _MOST_DOUBLINGS)
        # Between half and all of it, so that those who lost a server together do not come back together.
        wait = min(doubled, config.register_max_retry) * (0.5 + self._waits.uniform() / 2)
        left = 0.0 if self._ends is None else self._ends - now
        return max(min(wait, left / 2), min(wait, config.register_retry / 2)) if left > 0 else wait

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
