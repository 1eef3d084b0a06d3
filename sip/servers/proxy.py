"""A stateful, record-routing, forking proxy: a transparent core of the endpoint (RFC 3261 section 16)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from sip.authentication.authenticator import Authenticator
from sip.authentication.digest_server import CredentialStore
from sip.authentication.identification import Identification
from sip.core.routing import Claim
from sip.deadlines import first_due
from sip.endpoint.endpoint import Endpoint
from sip.entropy import Entropy
from sip.errors import RemoteProtocolError
from sip.events import (
    AckReceived,
    CancelReceived,
    Event,
    FlowClosed,
    ProvisionalReceived,
    RequestFailed,
    RequestReceived,
    ResponseReceived,
    ServerTransactionEnded,
)
from sip.flow import Flow
from sip.ids import RequestId, TransactionId
from sip.message.request import Request
from sip.message.response import Response
from sip.servers.caller_limits import CallerLimits
from sip.servers.flow_token import FlowTokens
from sip.servers.location import Target
from sip.servers.proxy_admission import Admission, Answered, ProxyConfig, SenderPending, keys_of
from sip.servers.proxy_copy import Copies
from sip.servers.proxy_route import OwnAddresses, strict_route, was_recorded
from sip.servers.proxy_targets import Alternatives, Targeting, Users, hop_of
from sip.servers.response_context import Branch, ResponseContext
from sip.servers.undecided import UNKNOWN_IN_TIME, Undecided, UndecidedRequests
from sip.syntax.uri import Uri
from sip.syntax.uri_parts import canonical_host
from sip.timers import Timers

_ELSEWHERE: Final = (("Reason", 'SIP;cause=200;text="Call completed elsewhere"'),)
_REFUSED_FOR_ALL: Final = (("Reason", 'SIP;cause=600;text="Busy Everywhere"'),)


class Proxy:
    """Forwards what no other core of the endpoint claims.

    ``location`` gives the targets of a URI of our domains (`Registrar.lookup`), ``bound`` the binding of a Contact
    (`Registrar.at`): all may call our users. A request leaves our domains when it goes to the other end of a dialog
    that went through us, when a trusted network or peer sends it, or when a user of ours sends it to where
    `ProxyConfig.relay_to` says: one who proves it (``credentials``), or is ``registered`` on its flow
    (`Registrar.knows`). Else 403. ``may_relay`` is an application's own word: anywhere. ``claims`` may leave some to
    others. ``moved`` is the open flow of a device that left one (`Registrar.flow_after`); without, 430. With an
    ``authenticator`` all say who they are, and it goes on as ``P-Asserted-Identity``; dialogs that went through us, ACK
    (it stays in our domains), OPTIONS about the proxy are not asked. Raises LocalProtocolError for bad settings.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        config: ProxyConfig | None = None,
        *,
        entropy: Entropy,
        location: Callable[[Uri], Sequence[Target]] | None = None,
        claims: Callable[[Request, Flow], bool] = lambda request, flow: True,
        claim: Claim = Claim.PROXY,
        may_relay: Callable[[Request, Flow], bool] | None = None,
        registered: Callable[[Flow], bool] | None = None,
        credentials: CredentialStore | None = None,
        authenticator: Authenticator | None = None,
        moved: Callable[[Flow, Uri], Flow | None] | None = None,
        bound: Callable[[Uri], Target | None] | None = None,
    ) -> None:
        self.config = config or ProxyConfig()
        self.counters: Counter[str] = Counter()  #: what was dropped without an answer, by reason
        self._endpoint, self._entropy = endpoint, entropy.child(f"proxy {self.config.owner}")
        self._server: list[tuple[str, object]] = [("Server", name)] if (name := endpoint.config.user_agent) else []
        key, epoch = keys_of(self.config, self._entropy)
        self._tokens = FlowTokens(key, limit=self.config.max_flows, epoch=epoch)
        self._own = OwnAddresses(lambda: endpoint.listen, frozenset(map(canonical_host, self.config.domains)))
        self.serves = self._own.include  #: whether a URI of what came by a flow leads here
        self._admission = Admission(
            self.config,
            key=key,
            entropy=self._entropy.child("nonces"),
            endpoint=endpoint,
            may_relay=may_relay,
            registered=registered,
            credentials=credentials,
            authenticator=authenticator,
        )
        parts = (endpoint, self.config, self._own, self._tokens, self._admission)
        self._targeting = Targeting(*parts, Users.known_to(location, moved, bound))
        self._copies = Copies(*parts)
        self.untaken: list[Event] = []  #: what `take_events` gives; always the same list
        self._timers, self._callers = Timers(), CallerLimits(self.config)
        self._undecided = UndecidedRequests(self.config.owner, endpoint, self.untaken)
        self.deadlines = (self._timers, self._undecided)  #: all that has its time
        self._contexts: dict[TransactionId, ResponseContext] = {}
        self._branches: dict[RequestId, ResponseContext] = {}
        endpoint.add_core(
            self.config.owner,
            lambda request, flow: claims(request, flow) or was_recorded(request, self._tokens),
            claim=claim,
            methods=(),
            supported=self.config.options,
            transparent=True,
        )
        if authenticator is not None:  # only then something waits
            endpoint.watch_flows(self.config.owner)

    @property
    def owner(self) -> str:
        """The name under which the endpoint knows this core."""
        return self.config.owner

    @property
    def sizes(self) -> dict[str, int]:
        """How much is kept at the moment; zero when nothing goes on."""
        own = {"contexts": len(self._contexts), "branches": len(self._branches), "undecided": len(self._undecided)}
        return {**own, "callers": len(self._callers), "timers": len(self._timers)}

    # The core --------------------------------------------------------------------------------------------------------

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        """Forward, answer or cancel."""
        if isinstance(event, RequestReceived):
            if event.transaction is None:
                self._forward_unanswered(event.request, event.flow, now)
            else:
                self._receive(Undecided.of(event, event.transaction), now)
        elif isinstance(event, ProvisionalReceived):
            self._on_provisional(event.request_id, event.response, now)
        elif isinstance(event, ResponseReceived):
            self._on_final(event.request_id, event.response, now)
        elif isinstance(event, RequestFailed):
            self._on_failure(event.request_id, event.reason, now)
        elif isinstance(event, AckReceived):
            self._forward_unanswered(event.request, event.flow, now)
        elif isinstance(event, CancelReceived):
            self._on_cancel(event.transaction, event.request, now)
        elif isinstance(event, ServerTransactionEnded):
            self._undecided.forget(event.transaction)
            self._forget(self._contexts.get(event.transaction))
        elif isinstance(event, FlowClosed):
            for undecided in self._undecided.flow_closed(event.flow):
                self._answer(undecided.transaction, undecided.request, Answered(430), now)
        return self.take_events()

    def abandon(self, event: Event, *, now: float) -> None:
        """Answer 500 to the request of an event whose handling raised, and forget it (`sip.Pump` calls it)."""
        number: Any = getattr(event, "transaction", None) or getattr(event, "request_id", None)
        context = self._contexts.get(number) or self._branches.get(number)
        if context is not None and not context.answered:
            self._callers.answered(context)
            self._cancel_others(context, (), now)
            self._answer(context.transaction, context.request, Answered(500), now)
        self._forget(context)

    def next_timeout(self) -> float | None:
        """When Timer C of some branch is due, or a request that waits is given up."""
        return first_due(self._timers.first, self._undecided.first)

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Cancel branches that rang for too long; answer who waited for too long."""
        self._timers.run(now)
        for undecided in self._undecided.expire(now):
            self._answer(undecided.transaction, undecided.request, Answered.by(UNKNOWN_IN_TIME), now)
        return self.take_events()

    def take_events(self) -> list[Event]:
        """Events for the application: `IdentificationPending`, `DomainNotServed`."""
        taken, self.untaken[:] = self.untaken[:], ()
        return taken

    # Requests --------------------------------------------------------------------------------------------------------

    def identified(self, pending_id: str, identification: Identification, *, now: float) -> list[Event]:
        """Who sent the request of an `IdentificationPending`; nothing happens when it has given up.

        Raises LocalProtocolError when nothing waits for it, or the answer is that it is to wait again.
        """
        undecided = self._undecided.decided(pending_id, identification)
        if undecided is not None:
            self._receive(undecided, now, identification)
        return self.take_events()

    def _receive(self, held: Undecided, now: float, identification: Identification | None = None) -> None:
        transaction, request = held.transaction, held.request
        try:
            context = self._admitted(held, now, identification)
        except Answered as answered:
            self._answer(transaction, request, answered, now)
        except SenderPending as asked:
            if not self._undecided.hold(asked.pending, held, now=now):
                self._answer(transaction, request, Answered.by(UNKNOWN_IN_TIME), now)
        except RemoteProtocolError as error:
            self._answer(transaction, request, Answered(error.status_hint, reason=error.phrase), now)
        else:
            self._contexts[transaction] = context
            self._next_group(context, now)

    def _answer(self, transaction: TransactionId, request: Request, answer: Answered, now: float) -> None:
        self._endpoint.send_response(transaction, self._made(request, answer), now=now)

    def _made(self, request: Request, answer: Answered) -> Response:
        """An answer of our own, and said to be that."""
        self.untaken += answer.events
        headers = [*answer.headers, *self._server]
        return request.response(answer.status, answer.reason, to_tag=self._entropy.token(8), headers=headers)

    def _admitted(self, held: Undecided, now: float, identification: Identification | None) -> ResponseContext:
        """Validate, take our Route values off, and find the targets (sections 16.3 to 16.5)."""
        request, flow = held.request, held.flow
        fingerprint = self._admission.validate(request)
        found = self._targeting.find(request, flow, now, identification)
        breadth, is_invite = self._admission.breadth(request), request.method == "INVITE"
        return ResponseContext(
            transaction=held.transaction,
            is_invite=is_invite,
            request=found.request,
            located=found.located,
            vouched=found.vouched,
            astray=found.astray,
            flow=flow,
            fingerprint=fingerprint,
            breadth=breadth,
            realm=self._admission.realm,
            groups=self._targeting.grouped(found.targets, breadth),
            caller=self._callers.begin(found.caller, now=now) if is_invite and found.caller is not None else None,
        )

    # Forwarding ------------------------------------------------------------------------------------------------------

    def _next_group(self, context: ResponseContext, now: float) -> None:
        for alternatives in (group := context.groups.pop(0)):
            self._try(context, alternatives, context.breadth // len(group), now)
        if not context.branches:
            self._finish(context, now)

    def _try(self, context: ResponseContext, alternatives: Alternatives, share: int, now: float) -> None:
        """Send the request to the first of some alternatives to which there is a way."""
        for number, target in enumerate(alternatives):
            if not self._targeting.is_reachable(target, context.request):
                continue  # it was when the target set was made
            request, hop = strict_route(self._copies.of(context, target, share))
            request_id = self._endpoint.forward(
                self.owner,
                request,
                flow=target.flow,
                next_hop=hop or hop_of(target),
                branch=f"{context.fingerprint}-{self._entropy.token(8)}",
                alone=context.located,
                now=now,
            )
            self._branches[request_id] = context
            context.sent(request_id, believed=self._admission.trusts(target, context.request, hop_of(target)))
            branch = Branch(had_flow=target.flow is not None, others=alternatives[number + 1 :], share=share)
            context.branches[request_id] = branch
            if context.is_invite:
                self._restart_timer_c(context, request_id, branch, now)
            return
        context.finals.append(self._made(context.request, Answered(430)))

    def _forward_unanswered(self, request: Request, flow: Flow, now: float) -> None:
        """An ACK for a 2xx, or a BENOTIFY: on without state, dropped where another request would be refused."""
        try:
            fingerprint = self._admission.validate(request)
            found = self._targeting.find(request, flow, now)
        except (Answered, SenderPending, RemoteProtocolError):
            self.counters[f"dropped: {request.method} that may not pass"] += 1
            return
        branch = f"{fingerprint}-{self._entropy.token(8)}"
        target = found.targets[0]
        copy, hop = strict_route(self._copies.plain(found.request, target, 1))
        self._endpoint.forward_stateless(copy, flow=target.flow, next_hop=hop or hop_of(target), branch=branch, now=now)

    # Answers ---------------------------------------------------------------------------------------------------------

    def _on_provisional(self, request_id: RequestId, response: Response, now: float) -> None:
        context = self._branches.get(request_id)
        branch = None if context is None else context.branches.get(request_id)
        if context is None or branch is None or response.status == 100 or not context.is_invite:
            return  # 100 is ours to send; other methods have no other (RFC 4320 section 4.1)
        self._restart_timer_c(context, request_id, branch, now)
        if not context.answered:
            self._endpoint.send_response(context.transaction, context.seen(request_id, response), now=now)

    def _on_final(self, request_id: RequestId, response: Response, now: float) -> None:
        context = self._branches.get(request_id)
        if context is None:
            return
        branch, response = context.branches.pop(request_id, None), context.seen(request_id, response)
        if branch is not None:
            self._timers.stop(branch.timer_c)
        if response.status < 300:
            if context.may_pass(request_id, response.to.tag or "", self.config.max_forks):
                self._on_success(context, response, now)
            else:
                self.counters["dropped: too many 2xx of one branch"] += 1
        elif branch is not None:
            if response.status in (408, 430) and self._try_others(context, branch, now):
                return
            late = branch.expired and response.status == 487
            self._on_refusal(context, self._made(context.request, Answered(408)) if late else response, now)

    def _on_success(self, context: ResponseContext, response: Response, now: float) -> None:
        """A 2xx goes back at once, and each one of an INVITE does (section 16.7 step 5)."""
        if context.is_invite or not context.answered:
            self._endpoint.send_response(context.transaction, response, now=now)
        self._callers.answered(context)
        self._cancel_others(context, _ELSEWHERE, now)
        self._finish(context, now)

    def _on_refusal(self, context: ResponseContext, response: Response, now: float) -> None:
        context.finals.append(response)
        if response.status >= 600:
            self._cancel_others(context, _REFUSED_FOR_ALL, now)
        self._finish(context, now)

    def _on_failure(self, request_id: RequestId, reason: str, now: float) -> None:
        """No answer: like 408 when nobody spoke, like 503 when there was no way (section 16.9).

        A flow that broke is 430 (RFC 5626 section 5.3.1), an answer that is none for us to pass on 502.
        """
        context = self._branches.get(request_id)
        branch = None if context is None else context.branches.pop(request_id, None)
        if context is None or branch is None:
            return
        self._timers.stop(branch.timer_c)
        # When another method was met with silence, its sender has given up by now (RFC 4320 section 4.1).
        in_time = reason in ("transport", "withheld") or (reason == "timeout" and context.is_invite)
        if in_time and self._try_others(context, branch, now):
            return
        context.finals.append(self._made(context.request, context.unanswered(self.config, branch, reason)))
        self._finish(context, now)

    def _try_others(self, context: ResponseContext, branch: Branch, now: float) -> bool:
        """Reach the same device by another of its flows, when this one failed (RFC 5626 section 7)."""
        if not branch.others or context.answered or context.cancelled:
            return False
        self._try(context, branch.others, branch.share, now)
        return bool(context.branches)

    def _finish(self, context: ResponseContext, now: float) -> None:
        """When no branch is open: the next group, or the best answer."""
        if context.branches:
            return
        if context.groups and not context.answered:
            self._next_group(context, now)
            return
        if not context.answered:
            best = context.best(self._entropy, self._server)
            self._callers.answered(context)
            # A 408 to anything but INVITE would come too late to be of use (RFC 4320 section 4.2).
            if context.is_invite or best.status != 408:
                self._endpoint.send_response(context.transaction, best, now=now)
        if context.is_invite:
            context.settle()
        else:
            self._forget(context)

    def _forget(self, context: ResponseContext | None) -> None:
        if context is None:
            return
        self._callers.forget(context)
        self._contexts.pop(context.transaction, None)
        for branch in context.branches.values():
            self._timers.stop(branch.timer_c)
        for request_id in context.tried:
            self._branches.pop(request_id, None)

    # Cancelling ------------------------------------------------------------------------------------------------------

    def _on_cancel(self, transaction: TransactionId, request: Request, now: float) -> None:
        if (undecided := self._undecided.forget(transaction)) is not None:
            self._answer(transaction, undecided.request, Answered(487), now)
        context = self._contexts.get(transaction)
        if context is None or context.answered:
            return
        context.cancelled = True
        self._cancel_others(context, [("Reason", each) for each in request.headers.get_all("Reason")], now)

    def _cancel_others(self, context: ResponseContext, headers: Iterable[tuple[str, object]], now: float) -> None:
        """Give up what still waits or rings (section 16.10)."""
        context.groups.clear()
        for request_id in context.branches if context.is_invite else ():
            self._endpoint.cancel_request(request_id, headers=headers, now=now)

    def _restart_timer_c(self, context: ResponseContext, request_id: RequestId, branch: Branch, now: float) -> None:
        def expired(now: float) -> None:
            branch.expired = True
            self._endpoint.cancel_request(request_id, now=now)

        self._timers.stop(branch.timer_c)
        branch.timer_c = self._timers.start(now + self.config.timer_c, expired)
