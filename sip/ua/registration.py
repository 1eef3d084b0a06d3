"""A registration: refreshed at half of its life, tried again when it fails (RFC 3261 section 10.2).

One refusal ends nothing. A registrar says when to come again (Retry-After) or for how long to ask (423); a proxy that
does not answer has the next one asked at once. Otherwise the waits grow (RFC 5626 section 4.5), but while a binding
lasts they stay short enough to save it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from sip.deadlines import Deadlines
from sip.endpoint.endpoint import Endpoint
from sip.entropy import Entropy
from sip.errors import LocalProtocolError
from sip.events import Event
from sip.headers.name_addr import NameAddr
from sip.headers.retry_after import RetryAfter
from sip.ids import RequestId
from sip.message.response import Response
from sip.syntax.uri import Uri
from sip.ua.account import Account

#: A registrar that grants less would be asked without pause.
MIN_EXPIRES: Final = 10
#: Seconds that a registrar may demand to be asked for; more is an error of somebody.
_MOST_DEMANDED: Final = 86_400
#: Digits of a duration that are read; with that many it is longer than anybody asks for.
_DIGITS: Final = 10
#: Statuses of a registrar or proxy that does not take our credentials, after they were shown.
_REFUSALS: Final = frozenset({401, 407})
#: Statuses after which another proxy may do better; None: no answer.
_ELSEWHERE: Final = frozenset({None, 408, 500, 502, 503, 504})
#: Doublings of the wait; more would make no difference.
_MOST_DOUBLINGS: Final = 16


@attrs.frozen(kw_only=True)
class Registered(Event):
    """The registrar took an address, for the first time or again."""

    account: Account
    expires: int  #: seconds granted
    contacts: tuple[NameAddr, ...] = attrs.field(repr=False)  #: all that are registered there, those of others too


@attrs.frozen(kw_only=True)
class RegistrationFailed(Event):
    """A registration was refused or not answered. It is tried again, unless it was to be taken back."""

    account: Account
    status: int | None  #: None when nobody answered
    reason: str  #: phrase of the refusal, or why there was no answer
    again_at: float | None  #: when the next try begins, monotonic seconds; None: not by itself

    @property
    def text(self) -> str:
        """Status and reason, for people."""
        return f"{self.status} {self.reason}" if self.status else self.reason


@attrs.frozen(kw_only=True)
class Unregistered(Event):
    """The registration was taken back, as asked."""

    account: Account


class Registration:
    """One binding of one account: one Call-ID, CSeq counting up."""

    def __init__(
        self,
        endpoint: Endpoint,
        owner: str,
        account: Account,
        *,
        entropy: Entropy,
        deadlines: Deadlines[object],
        tell: Callable[[Event], None],
    ) -> None:
        """``deadlines`` are those of the user agent."""
        self.account = account
        self._deadlines = deadlines
        self._endpoint, self._owner, self._tell = endpoint, owner, tell
        self._call_id = entropy.token(16)
        self._cseq = 0
        self._waits = entropy.child("registration")
        self._asked = account.expires  # seconds; more when the registrar wants more
        self._failures = 0  # in a row
        self._ends: float | None = None  # when the binding that was granted last ends
        self._request: RequestId | None = None
        self._leaving = False
        self._tried = 0  # proxies that failed since one was reached
        self.proxy = 0  #: the proxy in use, counted from 0

    @property
    def refresh_at(self) -> float | None:
        """When it is registered again (monotonic seconds)."""
        return self._deadlines.deadline(self)

    @property
    def contact(self) -> Uri:
        """Where calls reach the account; raises LocalProtocolError when it is nowhere."""
        if self.account.contact is not None:
            return self.account.contact
        user, listen = self.account.aor.user, self._endpoint.listen
        if not listen:
            raise LocalProtocolError("nobody could call: give Account.contact, or EndpointConfig.listen an address")
        wanted = self.account.transport
        first = next((each for each in listen if each.transport == wanted), listen[0])
        secure = self.account.aor.scheme == "sips"
        params: dict[str, str | None] = {} if secure else {"transport": (wanted or first.transport).lower()}
        host, port = first.public_host or first.host, first.public_port or first.port
        return Uri("sips" if secure else "sip", host, user, port=port, params=params)

    def is_granted(self, now: float) -> bool:
        """Whether the registrar has us, as far as we know."""
        return self._ends is not None and now < self._ends

    def register(self, *, now: float) -> None:
        """Register, and go on doing so; Registered or RegistrationFailed follows each time.

        Raises LocalProtocolError when there is no address to be called at.
        """
        self._leaving = False
        self._asked = self.account.expires
        self._send(self._asked, now)

    def unregister(self, *, now: float) -> None:
        """Take the binding back; Unregistered follows, or RegistrationFailed. Raises as ``register``."""
        self._leaving = True
        self._send(0, now)

    def handle_timeout(self, *, now: float) -> None:
        """Register again when that is due."""
        refresh_at = self.refresh_at
        if refresh_at is not None and refresh_at <= now:
            self._send(self._asked, now)

    def answered(self, request_id: RequestId, response: Response | None, why: str, *, now: float) -> bool:
        """Take the answer to a request, None when none came, and ``why`` not; False when it is not ours."""
        if request_id != self._request:
            return False
        self._request = None
        status = None if response is None else response.status
        if response is not None and response.status < 300:
            self._taken(response, now)
        elif self._leaving:
            self._ends = None
            self._fail(status, response, why, None)
        else:
            self._refused(status, response, why, now)
        return True

    def _taken(self, response: Response, now: float) -> None:
        self._failures = self._tried = 0
        if self._leaving:
            self._ends = None
            self._tell(Unregistered(owner=self._owner, account=self.account))
            return
        expires = max(self._granted(response), MIN_EXPIRES)
        self._ends = now + expires
        self._deadlines.set(self, now + expires / 2)
        contacts = tuple(each for each in response.contact if isinstance(each, NameAddr))
        self._tell(Registered(owner=self._owner, account=self.account, expires=expires, contacts=contacts))

    def _refused(self, status: int | None, response: Response | None, why: str, now: float) -> None:
        self._failures += 1
        if response is not None and self._asks_for_longer(response) and self._failures == 1:
            self._send(self._asked, now)  # its answer is the outcome
            return
        if status in _ELSEWHERE and self._tried + 1 < len(self.account.proxies):
            self._tried += 1
            self.proxy += 1
            self._fail(status, response, why, now)
            self._send(self._asked, now)
            return
        if status in _ELSEWHERE and self.account.proxies:
            self.proxy, self._tried = self.proxy + 1, 0
        self._deadlines.set(self, now + self._wait(response, now))
        self._fail(status, response, why, self.refresh_at)

    def _fail(self, status: int | None, response: Response | None, why: str, again_at: float | None) -> None:
        reason = why if response is None else response.reason
        self._tell(
            RegistrationFailed(owner=self._owner, account=self.account, status=status, reason=reason, again_at=again_at)
        )

    def _asks_for_longer(self, response: Response) -> bool:
        """Whether the registrar wants to be asked for more seconds (423), which we do from now on."""
        demanded = response.min_expires
        if response.status != 423 or demanded is None or not self._asked < demanded <= _MOST_DEMANDED:
            return False
        self._asked = demanded
        return True

    def _wait(self, response: Response | None, now: float) -> float:
        """Seconds until the next try after one that failed."""
        account = self.account
        if response is not None and response.status in _REFUSALS:
            doubled = account.refused_retry * 2.0 ** min(self._failures - 1, _MOST_DOUBLINGS)
            return max(min(doubled, account.max_retry), account.refused_retry)
        if response is not None:
            again = response.header("Retry-After")
            if isinstance(again, RetryAfter) and again.seconds > 0:
                # Not before that; and never without pause, whatever it says.
                return min(max(float(again.seconds), account.retry), account.max_retry)
        doubled = account.retry * 2.0 ** min(self._failures - 1, _MOST_DOUBLINGS)
        # Between half and all of it, so that those who lost a server together do not come back together.
        wait = min(doubled, account.max_retry) * (0.5 + self._waits.uniform() / 2)
        left = 0.0 if self._ends is None else self._ends - now
        return max(min(wait, left / 2), min(wait, account.retry / 2)) if left > 0 else wait

    def _send(self, expires: int, now: float) -> None:
        self._deadlines.set(self, None)
        self._cseq += 1
        self._request = self._endpoint.request(
            self._owner,
            "REGISTER",
            self.account.domain,
            from_=self.account.address,
            to=self.account.address,
            headers=[("Expires", str(expires))],
            contact=NameAddr(self.contact),
            route=self.account.route(self.proxy),
            call_id=self._call_id,
            cseq=self._cseq,
            now=now,
        )

    def _granted(self, response: Response) -> int:
        """Life of our own binding, which may stand among those of other phones (RFC 3261 section 10.2.4).

        A registrar may grant less than was asked for, and no more (section 10.3 step 7). Where none of its Contacts is
        ours and there is one only, it wrote our address down as it saw it.
        """
        listed = [each for each in response.contact if isinstance(each, NameAddr)]
        ours = [each for each in listed if each.uri.equivalent(self.contact)]
        for contact in ours or (listed if len(listed) == 1 else ()):
            value = contact.params.get("expires") or ""
            if value.isascii() and value.isdigit():
                return min(int(value.lstrip("0")[:_DIGITS] or "0"), self._asked)
        return min(response.expires or self._asked, self._asked)
