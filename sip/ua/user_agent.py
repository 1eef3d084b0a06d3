"""A user agent: it registers, calls and is called, writes and follows, for one address or several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sip.core.base_core import BaseCore
from sip.core.routing import Claim
from sip.deadlines import Deadlines
from sip.endpoint.endpoint import Endpoint
from sip.entropy import Entropy
from sip.errors import LocalProtocolError
from sip.events import (
    Event,
    InviteReceived,
    NotifyReceived,
    RequestFailed,
    RequestReceived,
    ResponseReceived,
    SubscriptionAccepted,
    SubscriptionEnded,
    SubscriptionFailed,
    SubscriptionFlowLost,
    SubscriptionRestarted,
)
from sip.headers.name_addr import NameAddr
from sip.headers.retry_after import RetryAfter
from sip.ids import RequestId, SessionId, SubscriptionId, TransactionId
from sip.message.bodies import SDP, refusal_of_body
from sip.message.request import Request
from sip.message.response import Response
from sip.syntax.uri import Uri, aor_key
from sip.ua.account import Account, as_uri
from sip.ua.call import Call, CallEnded, CallReceived
from sip.ua.call_media import CallMedia
from sip.ua.config import UserAgentConfig
from sip.ua.message import MessageDelivered, MessageFailed, MessageReceived
from sip.ua.registration import Registration

#: What a user agent takes; the endpoint answers OPTIONS.
METHODS: Final = ("INVITE", "ACK", "CANCEL", "BYE", "UPDATE", "INFO", "NOTIFY", "MESSAGE")


class UserAgent(BaseCore):
    """A core of ``endpoint``. Where servers ask for a password, ``EndpointConfig.credentials`` has it by realm.

    Each command ends in one event: ``register`` in Registered or RegistrationFailed (and so each refresh), ``call`` in
    CallEnded, ``message`` in MessageDelivered or MessageFailed. Of subscriptions the events of the endpoint are told as
    they are. After every call, commands included, drain the endpoint and ``take_events()``, and read ``next_timeout()``
    again; a `Pump` does that.
    """

    def __init__(self, endpoint: Endpoint, config: UserAgentConfig, *, entropy: Entropy) -> None:
        super().__init__(config.owner)
        self.config = config
        self._endpoint = endpoint
        tell = self.untaken.append
        #: When registrations are refreshed and holds asked for again: shown, so that nobody has to ask after each step.
        self.deadlines: Deadlines[object] = Deadlines()
        self.registrations: dict[Account, Registration] = {
            account: Registration(
                endpoint,
                config.owner,
                account,
                entropy=entropy.child(f"{number} {account.aor}"),
                tell=tell,
                deadlines=self.deadlines,
            )
            for number, account in enumerate(config.accounts)
        }
        self._calls: dict[SessionId, Call] = {}
        self._messages: set[RequestId] = set()
        self._aors = {aor_key(account.aor): account for account in config.accounts}
        endpoint.add_core(
            config.owner,
            lambda request, flow: self._account_of(request) is not None,
            claim=Claim.ELEMENT,
            methods=METHODS,
            supported=("timer",),
            media_types=(SDP,),
        )

    def _account_of(self, request: Request) -> Account | None:
        """Whom a request is for: by the address, else by the user of our Contact."""
        found = self._aors.get(aor_key(request.uri))
        if found is not None or request.uri.user is None:
            return found
        for account in self.config.accounts:
            if request.uri.user == (account.contact or account.aor).user:
                return account
        return None

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint that it is a core of."""
        return self._endpoint

    @property
    def calls(self) -> tuple[Call, ...]:
        """Those that are not over."""
        return tuple(self._calls.values())

    # Commands --------------------------------------------------------------------------------------------------------

    def register(self, account: Account | None = None, *, now: float) -> None:
        """Register an account, or all, and go on doing so. Raises LocalProtocolError for one that is not ours."""
        for each in self._chosen(account):
            self.registrations[each].register(now=now)

    def unregister(self, account: Account | None = None, *, now: float) -> None:
        """Take it back; Unregistered or RegistrationFailed follows. Raises LocalProtocolError as ``register``."""
        for each in self._chosen(account):
            self.registrations[each].unregister(now=now)

    def call(
        self,
        target: Uri | str,
        *,
        media: CallMedia,
        account: Account | None = None,
        headers: Iterable[tuple[str, object]] = (),
        now: float,
    ) -> Call:
        """Call somebody; CallProgressed and CallAnswered may follow, CallEnded does.

        Raises LocalProtocolError for what cannot be called, or when there are too many calls.
        """
        who = self._caller(account)
        where = as_uri(target, "target", "sip:bob@example.com")
        if len(self._calls) >= self.config.max_calls:
            raise LocalProtocolError(f"there are {len(self._calls)} calls already (max_calls)")
        to = NameAddr(where)
        session = self._endpoint.invite(
            self.owner,
            where,
            from_=who.address,
            to=to,
            headers=headers,
            body=media.make_offer(now=now),
            content_type=SDP,
            route=who.route(self.registrations[who].proxy),
            contact=None if who.contact is None else NameAddr(who.contact),
            session_expires=self.config.session_expires,
            now=now,
        )
        return self._begun(session, who, None, to, media)

    def message(
        self,
        target: Uri | str,
        text: str | bytes,
        *,
        content_type: str = "text/plain;charset=utf-8",
        account: Account | None = None,
        headers: Iterable[tuple[str, object]] = (),
        now: float,
    ) -> RequestId:
        """Write to somebody (RFC 3428); MessageDelivered or MessageFailed follows. Raises LocalProtocolError."""
        who = self._caller(account)
        where = as_uri(target, "target", "sip:bob@example.com")
        body = text.encode() if isinstance(text, str) else text
        message = self._endpoint.request(
            self.owner,
            "MESSAGE",
            where,
            from_=who.address,
            to=NameAddr(where),
            headers=headers,
            body=body,
            content_type=content_type,
            route=who.route(self.registrations[who].proxy),
            now=now,
        )
        self._messages.add(message)
        return message

    def subscribe(
        self,
        target: Uri | str,
        *,
        event: str,
        accept: Sequence[str] = (),
        expires: int | None = None,
        account: Account | None = None,
        now: float,
    ) -> SubscriptionId:
        """Follow somebody's state (RFC 6665): NotifyReceived each time, SubscriptionFailed or SubscriptionEnded last.

        ``Endpoint.unsubscribe`` ends it. Raises LocalProtocolError.
        """
        who = self._caller(account)
        where = as_uri(target, "target", "sip:bob@example.com")
        return self._endpoint.subscribe(
            self.owner,
            where,
            event=event,
            from_=who.address,
            to=NameAddr(where),
            expires=expires,
            accept=accept,
            route=who.route(self.registrations[who].proxy),
            contact=None if who.contact is None else NameAddr(who.contact),
            now=now,
        )

    def unsubscribe(self, subscription: SubscriptionId, *, now: float) -> None:
        """Stop following; SubscriptionEnded comes. Raises LocalProtocolError for one that never was."""
        self._endpoint.unsubscribe(subscription, now=now)

    def close(self, *, now: float) -> None:
        """End all calls, and take all registrations back that were granted."""
        for call in self.calls:
            call.hang_up(now=now)
        for registration in self.registrations.values():
            if registration.is_granted(now):
                registration.unregister(now=now)

    # Core ------------------------------------------------------------------------------------------------------------

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        """Act on an event of the endpoint."""
        match event:
            case InviteReceived():
                self._invited(event, now)
            case RequestReceived(transaction=transaction) if transaction is not None:
                self._requested(event, transaction, now)
            case ResponseReceived():
                self._answered(event.request_id, event.response, "", now)
            case RequestFailed():
                self._answered(event.request_id, None, _NO_ANSWER.get(event.reason, event.reason), now)
            case (
                NotifyReceived()
                | SubscriptionAccepted()
                | SubscriptionEnded()
                | SubscriptionFailed()
                | SubscriptionFlowLost()
                | SubscriptionRestarted()
            ):
                if not any(call.handle_transfer(event, now=now) for call in self.calls):
                    self.untaken.append(event)
            case _:
                call = self._calls.get(getattr(event, "session", SessionId(0)))
                if call is not None:
                    call.handle_session(event, now=now)
        return self.take_events()

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` is due."""
        return self.deadlines.first

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Register again, and what calls have to do."""
        for registration in self.registrations.values():
            registration.handle_timeout(now=now)
        for call in self.calls:
            call.handle_timeout(now=now)
        return self.take_events()

    def take_events(self) -> list[Event]:
        """Events for the application."""
        if not self.untaken:
            return []
        taken = super().take_events()
        for event in taken:
            if isinstance(event, CallEnded):
                self._calls.pop(event.call.session, None)
        return taken

    # Inside ----------------------------------------------------------------------------------------------------------

    def _chosen(self, account: Account | None) -> tuple[Account, ...]:
        return self.config.accounts if account is None else (self._caller(account),)

    def _caller(self, account: Account | None) -> Account:
        if account is None:
            return self.config.accounts[0]
        if account not in self.registrations:
            raise LocalProtocolError(f"account must be one of UserAgentConfig.accounts, not {account!r}")
        return account

    def _begun(
        self, session: SessionId, who: Account, invite: Request | None, remote: NameAddr, media: CallMedia | None
    ) -> Call:
        made = Call(
            self._endpoint,
            self.owner,
            who,
            session,
            invite=invite,
            remote=remote,
            media=media,
            deadlines=self.deadlines,
            tell=self.untaken.append,
        )
        self._calls[session] = made
        return made

    def _invited(self, event: InviteReceived, now: float) -> None:
        who = self._account_of(event.request) or self.config.accounts[0]
        refused = refusal_of_body(event.request, (SDP,))
        if refused is not None:
            self._endpoint.reject(event.session, refused.status, headers=refused.headers, now=now)
            return
        if len(self._calls) >= self.config.max_calls:
            self._endpoint.reject(event.session, 486, now=now)
            return
        call = self._begun(event.session, who, event.request, event.request.from_, None)
        if self.config.ring:
            call.ring(now=now)
        self.untaken.append(CallReceived(owner=self.owner, call=call))

    def _requested(self, event: RequestReceived, transaction: TransactionId, now: float) -> None:
        """A request that asks for nothing but an answer; an INFO may have a key in it, a MESSAGE something to read."""
        request, status = event.request, 200
        call = None if event.session is None else self._calls.get(event.session)
        if request.method == "INFO" and call is not None:
            status = call.read_key(request)
        elif request.method == "NOTIFY":
            status = 489  # of no event that anybody asked for (RFC 6665 section 4.1.3)
        elif request.method == "MESSAGE":
            kind = request.headers.get("Content-Type") or "text/plain"
            self.untaken.append(
                MessageReceived(
                    owner=self.owner, sender=request.from_, content_type=kind, body=request.body, request=request
                )
            )
        self._endpoint.respond(transaction, status, now=now)

    def _answered(self, request: RequestId, response: Response | None, why: str, now: float) -> None:
        if request in self._messages:
            self._messages.discard(request)
            self._message_answered(request, response, why)
            return
        for registration in self.registrations.values():
            if registration.answered(request, response, why, now=now):
                return
        for call in self.calls:
            if call.handle_answer(request, response, why, now=now):
                return

    def _message_answered(self, message: RequestId, response: Response | None, why: str) -> None:
        if response is not None and response.status < 300:
            self.untaken.append(MessageDelivered(owner=self.owner, message=message, status=response.status))
            return
        again = None if response is None else response.header("Retry-After")
        self.untaken.append(
            MessageFailed(
                owner=self.owner,
                message=message,
                status=None if response is None else response.status,
                reason=why if response is None else response.reason,
                retry_after=again.seconds if isinstance(again, RetryAfter) else None,
            )
        )


#: What `RequestFailed` says, in words.
_NO_ANSWER: Final = {
    "timeout": "no answer",
    "transport": "could not be sent: nobody listens there, or the connection broke",
    "limit": "too much is under way at this endpoint",
}
