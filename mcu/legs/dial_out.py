"""Dialling out (docs/wire-flow.rst): from ``addUser`` to a leg in the mix, or to the row of the table it ends in."""

from __future__ import annotations

from collections.abc import Sequence

from c3p import ErrorId, Request, Response, legible
from mcu.conference import Conference
from mcu.config import SDP
from mcu.context import Context, Wait
from mcu.events import LegAlerting, LegConnected, LegDialing, LegHeld
from mcu.leg import Attempt, Leg
from mcu.leg_state import Input, State
from mcu.legs.add_user import Participant
from mcu.legs.asserted import asserted_identities
from mcu.legs.permission import Call, Permission
from mcu.legs.termination import Termination, disconnection_of
from mcu.legs.undecided import HeldCommand, HeldRedirection, Undecided
from mcu.medium import Carried, Medium, Unusable
from mcu.outcome import Ending, ending_of_status
from mcu.policy import Allowed, Cause, Decision, Refusal, RefusalReason
from mcu.refusals import refuse_command, refuse_redirection
from mcu.responses import accepted, failed, pending, refused
from sip import (
    FailureCause,
    NameAddr,
    Pending,
    SessionAnswered,
    SessionFailed,
    SessionId,
    SessionProgressed,
    SessionRedirected,
    SipError,
    Uri,
    body_of,
)
from sip import Response as SipResponse

PENDING_SECONDS = 180  #: how long a requester may wait after each ``pending`` (docs/wire-flow.rst)
MAX_FORKS = 16  #: provisional answers with SDP that are kept for one call; as many as the endpoint keeps forks
NOT_ACCEPTABLE = 488  #: RFC 3261 section 21.4.26: the same with another description may be
_ENDINGS = {
    FailureCause.TIMEOUT: Ending.UNANSWERED,
    FailureCause.CANCELLED: Ending.CANCELLED,
    FailureCause.LIMIT: Ending.OVERLOADED,
    FailureCause.UNUSABLE: Ending.LOST,  # it was answered: whoever calls again makes it ring again
}
_NOT_NOW = Refusal(RefusalReason.CAPACITY, "too many calls wait for a decision")
_NOT_IN_TIME = Refusal(RefusalReason.TARGET_DENIED, "nobody has decided it in time")
#: Nobody else is asked after these: a person said no, or the answer holds everywhere (RFC 3261 section 21.6).
_FINAL = frozenset({Ending.BUSY, Ending.CANCELLED})


class DialOut:
    """Drives every dial-out leg of one MCU."""

    def __init__(self, context: Context, medium: Medium, termination: Termination) -> None:
        self._context, self._medium, self._termination = context, medium, termination
        self._descriptions = medium.descriptions
        self._call_ids = context.entropy.child("call-ids")
        config = context.config
        self.awaiting_policy = Undecided(
            context.deadlines,
            self,
            limit=config.max_undecided,
            share=config.max_undecided_share,
            lifetime=config.policy_timeout,
        )
        self._permission = Permission(context, self.awaiting_policy, self._descriptions.terms)

    # The command -----------------------------------------------------------------------------------------------------

    def add(
        self, conference: Conference, request: Request, participant: Participant, *, now: float
    ) -> Response | Refusal:
        """Begin to dial, or wait for the policy: the answer is ``pending``, or a refusal with nothing changed."""
        call = Call.of_command(conference, participant, request.originator_role)
        decision = self._permission.decide(call, participant.address, cause=Cause.COMMAND, now=now)
        if isinstance(decision, Pending):
            held = HeldCommand(conference=conference, request=request, participant=participant)
            if not self.awaiting_policy.hold(decision, held, now=now):
                return _NOT_NOW
        elif isinstance(decision, Refusal):
            return decision
        else:
            attempt = self._permission.attempt(participant.address)
            if isinstance(attempt, Refusal):
                return attempt
            self._begin(conference, request, participant, attempt, now)
        return pending(request, seconds=PENDING_SECONDS)

    def _begin(
        self, conference: Conference, request: Request, participant: Participant, attempt: Attempt, now: float
    ) -> None:
        leg = participant.leg(self._context.next_leg_id(), conference, State.OPENING, request, now=now)
        leg.attempt = attempt
        self._permission.begun(Call.of_leg(leg), now=now)
        self._context.legs[leg.id] = leg
        conference.add(leg)
        prepared = self._medium.prepare(leg, now=now)
        self._context.notify(conference, self._context.documents.added(leg), now=now)
        if prepared:
            self.prepared(leg, now=now)

    # What the policy decides later -----------------------------------------------------------------------------------

    @property
    def undecided(self) -> int:
        """How many addresses wait for the policy."""
        return len(self.awaiting_policy)

    def due(self, *, now: float) -> None:
        """Refuse what nobody decided."""
        for held in self.awaiting_policy.expire(now):
            self._resume(held, _NOT_IN_TIME, now)

    def decided(self, pending_id: str, decision: Decision, *, now: float) -> None:
        """The decision for a `sip.Pending`; nothing happens when the wait has been given up. Raises ``LocalError``."""
        held = self.awaiting_policy.decided(pending_id, decision)
        if held is not None:
            self._resume(held, decision, now)

    def is_held(self, endpoint: str, conference: Conference) -> bool:
        """Whether a command that waits would add that endpoint."""
        return self.awaiting_policy.is_held(endpoint, conference)

    def abandon(self, conference: Conference, user_key: str | None = None, *, now: float) -> bool:
        """Give up what waits, for one user or for all; whether there was anything. Its command gets its response."""
        held = self.awaiting_policy.commands_of(conference, user_key)
        for each in held:
            response = failed(each.request, Ending.CANCELLED, source=self._context.config.mcu_id)
            self._context.respond(conference, response, now=now)
        return bool(held)

    def _resume(self, held: HeldCommand | HeldRedirection, decision: Decision, now: float) -> None:
        if isinstance(held, HeldCommand):
            self._resume_command(held, decision, now)
        elif held.leg.id in self._context.legs and held.leg.disconnection is None:
            if isinstance(decision, Allowed):
                self._add_attempt(held.leg, held.uri)
            elif isinstance(decision, Refusal):
                refuse_redirection(self._context, held.leg, held.uri, decision)
            self._follow(held.leg, held.session, held.rest, now)

    def _resume_command(self, held: HeldCommand, decision: Decision, now: float) -> None:
        conference, request, participant = held.conference, held.request, held.participant
        outcome: Decision | Attempt = decision
        if isinstance(decision, Allowed):
            changed = self._permission.changed(Call.of_command(conference, participant, request.originator_role))
            outcome = changed or self._permission.attempt(participant.address)
        if isinstance(outcome, Attempt):
            self._begin(conference, request, participant, outcome, now)
        elif isinstance(outcome, Refusal):
            refuse_command(self._context, request, outcome, conference.uri)
            response = refused(request, outcome, source=self._context.config.mcu_id)
            self._context.respond(conference, response, now=now)

    # The INVITE ------------------------------------------------------------------------------------------------------

    def prepared(self, leg: Leg, *, now: float) -> None:
        """What the medium needs is there, such as open ports: the INVITE can leave."""
        leg.life.process(Input.PORT_OPENED)
        leg.invited_at = now
        self._context.deadlines.set((Wait.ANSWER, leg), now + self._context.config.ring_timeout)
        self._context.deadlines.set((Wait.PORT, leg), None)
        self._invite(leg, now=now)

    def _invite(self, leg: Leg, *, now: float) -> None:
        attempt, config = leg.attempt, self._context.config
        assert attempt is not None
        leg.call_id = ".".join(filter(None, (leg.correlation, self._call_ids.token(8 if leg.correlation else 16))))
        try:
            session = self._context.endpoint.invite(
                config.owner,
                attempt.target,
                from_=NameAddr(attempt.caller or leg.conference.mcu_address, self._caller_name(leg)),
                to=NameAddr(attempt.target, leg.display_name and " ".join(leg.display_name.split())),
                headers=self._headers(leg),
                body=self._descriptions.offer(leg),
                content_type=SDP,
                route=attempt.route,
                contact=NameAddr(config.sip_contact, params={"isfocus": None} if config.isfocus else {}),
                session_expires=config.session_expires,
                call_id=leg.call_id,
                now=now,
            )
        except SipError as error:  # pragma: no cover - the endpoint refuses what cannot be written; none is known
            self._termination.refused(leg, disconnection_of(Ending.UNREACHABLE, reason=str(error)), now=now)
            return
        self._context.bind(leg, session)
        self._dialing(leg)

    def _caller_name(self, leg: Leg) -> str:
        return " ".join((leg.conference.subject or "").split()) or self._context.config.display_name

    def _headers(self, leg: Leg) -> list[tuple[str, object]]:
        headers: list[tuple[str, object]] = [("Ms-Conversation-ID", leg.conference.conversation_id)]
        if leg.replaces is not None and not leg.redirects:
            # Not required: who does not know the extension is called all the same. The dialog is of the first address.
            headers.append(("Replaces", leg.replaces))
        if leg.attempt is not None and leg.attempt.asserted is not None:
            # A trunk knows the identities that it gave, and nobody else's are its business.
            return [*headers, ("P-Asserted-Identity", NameAddr(leg.attempt.asserted))]
        presenter = leg.originator.uri if leg.originator is not None else None
        if presenter is None:
            return headers
        # RFC 3325 wants sip, sips or tel there, RFC 3892 any address.
        return [*headers, ("P-Asserted-Identity", NameAddr(presenter)), ("Referred-By", NameAddr(presenter))]

    def _dialing(self, leg: Leg) -> None:
        assert leg.attempt is not None
        self._context.emit(LegDialing(**leg.about(self._context.config.owner), target=str(leg.attempt.target)))

    # What the far end does -------------------------------------------------------------------------------------------

    def progressed(self, leg: Leg, event: SessionProgressed, *, now: float) -> None:
        """180, 183 and the like: it rings. Reported once, and the requester may go on waiting."""
        if not leg.allows(Input.PROVISIONAL):
            return  # A 180 that the network delivered after the 2xx.
        leg.life.process(Input.PROVISIONAL)
        answer = body_of(event.response, SDP)
        if answer and len(leg.early_answers) < MAX_FORKS:
            leg.early_answers[event.response.to.tag] = answer
        if leg.state is not State.RINGING or leg.alerted:
            return
        leg.alerted = True
        self._context.notify(leg.conference, self._context.documents.status(leg), now=now)
        assert leg.request is not None  # answered when the attempt is over, not before
        self._context.respond(leg.conference, pending(leg.request, seconds=PENDING_SECONDS), now=now)
        self._context.emit(LegAlerting(**leg.about(self._context.config.owner)))

    def answered(self, leg: Leg, event: SessionAnswered, *, now: float) -> None:
        """A 2xx, acknowledged already: into the mix, or BYE when its SDP cannot be used."""
        unusable = self._descriptions.receive_answer(leg, event.response)
        self._context.deadlines.set((Wait.ANSWER, leg), None)  # what it guards stands now, or is ended below
        if unusable is not None:
            self._unusable(leg, event, unusable, now=now)
            return
        leg.life.process(Input.ANSWERED)
        leg.connected_at = now
        leg.more_attempts.clear()
        if leg.attempt is not None:
            leg.terms = leg.attempt.terms
        if leg.attempt is not None and leg.attempt.vouched_for:
            leg.asserted_identity = _asserted(event.response)
        self.report_connected(leg, self._medium.connect(leg, now=now), now=now)
        assert leg.request is not None
        self._context.answer(leg, accepted(leg.request, self._context.documents.endpoint(leg)), now=now)

    def report_connected(self, leg: Leg, carried: Carried, *, now: float) -> None:
        """Tell Focus and application that the leg is in the conference."""
        self._context.notify(leg.conference, self._context.documents.connected(leg), now=now)
        rang = now - (leg.invited_at if leg.invited_at is not None else now)
        about = leg.about(self._context.config.owner)
        self._context.emit(LegConnected(**about, codec=carried.codec, rang_for=rang, encrypted=carried.encrypted))
        if carried.held:
            leg.life.process(Input.HOLD)
            self._medium.apply_filters(leg)
            self._context.notify(leg.conference, self._context.documents.media(leg), now=now)
            self._context.emit(LegHeld(**leg.about(self._context.config.owner)))

    def _unusable(self, leg: Leg, event: SessionAnswered, why: Unusable, *, now: float) -> None:
        leg.life.process(Input.UNUSABLE)
        self._context.endpoint.bye(event.session, now=now)
        disconnection = disconnection_of(
            Ending.NO_MEDIA, status=event.response.status, reason=why.text, error_id=why.error_id
        )
        self._termination.over(leg, disconnection, now=now)

    def redirected(self, leg: Leg, event: SessionRedirected, *, now: float) -> None:
        """A 3xx: each target passes the policy again; at most ``max_redirects`` are called."""
        left = self._context.config.max_redirects - leg.redirects - len(leg.more_attempts)
        self._follow(leg, event.session, event.targets[: max(0, left)], now)

    def _follow(self, leg: Leg, session: SessionId, targets: Sequence[Uri], now: float) -> None:
        """Ask about each target, in their order; when all is decided, call the first that may be called."""
        for number, uri in enumerate(targets):
            decision = self._permission.decide(Call.of_leg(leg), uri, cause=Cause.REDIRECTION, now=now)
            if isinstance(decision, Allowed):
                self._add_attempt(leg, uri)
            elif isinstance(decision, Refusal):
                refuse_redirection(self._context, leg, uri, decision)
            elif isinstance(decision, Pending):
                rest = tuple(targets[number + 1 :])
                if self.awaiting_policy.hold(
                    decision, HeldRedirection(leg=leg, session=session, uri=uri, rest=rest), now=now
                ):
                    return
        if not leg.more_attempts or not _same_offer(leg, leg.more_attempts[0]):
            # Over, or on to ``failed``, which makes another offer for the next.
            self._context.endpoint.give_up(session, now=now)
            return
        attempt = self._next_attempt(leg)
        assert attempt is not None
        leg.life.process(Input.RETRY)
        leg.attempt = attempt
        self._context.endpoint.redirect(session, attempt.target, now=now)
        self._dialing(leg)

    def _add_attempt(self, leg: Leg, uri: Uri) -> None:
        attempt = self._permission.attempt(uri)
        if isinstance(attempt, Attempt):
            leg.more_attempts.append(attempt)
        else:
            refuse_redirection(self._context, leg, uri, attempt)

    def _next_attempt(self, leg: Leg) -> Attempt | None:
        if not leg.more_attempts:
            return None
        leg.redirects += 1
        return leg.more_attempts.pop(0)

    def failed(self, leg: Leg, event: SessionFailed, *, now: float) -> None:
        """No 2xx will come: the next target of a redirection is called, or the leg is over."""
        ending = _ending(event)
        if leg.disconnection is None and ending not in _FINAL and not 600 <= (event.status or 0) < 700:
            attempt = self._after(leg, event) if leg.allows(Input.RETRY) else None
            if attempt is not None:
                leg.life.process(Input.RETRY)
                leg.attempt = attempt
                self._invite(leg, now=now)
                return
        response = event.response
        disconnection = disconnection_of(
            ending,
            status=event.status,
            reason=event.detail or (response.reason if response is not None else event.cause.value),
            diagnostics=response.headers.get("ms-diagnostics") if response is not None else None,
            error_id=ErrorId.ONLY_SDP_SUPPORTED if event.status == 415 else None,
        )
        self._termination.refused(leg, disconnection, now=now)

    def _after(self, leg: Leg, event: SessionFailed) -> Attempt | None:
        """What is tried next: another form of the offer where this one is not acceptable, else the next target."""
        form = leg.attempt.next_form if leg.attempt is not None and event.status == NOT_ACCEPTABLE else None
        return form or self._next_attempt(leg)

    def rang_out(self, leg: Leg, *, now: float) -> None:
        """Nobody answered within the ring time: CANCEL."""
        leg.more_attempts.clear()
        self._termination.give_up(leg, disconnection_of(Ending.UNANSWERED, reason="no answer"), now=now)


def _same_offer(leg: Leg, attempt: Attempt) -> bool:
    """Whether the INVITE that is out is the one that this target is to get; a dialog is replaced at the first alone."""
    return leg.replaces is None and leg.attempt is not None and leg.attempt.forms[0] is attempt.forms[0]


def _ending(event: SessionFailed) -> Ending:
    """The row for a failure; a transport that broke is safe to retry only if nothing was heard before."""
    if event.cause is FailureCause.RESPONSE and event.status is not None:
        return ending_of_status(event.status)
    if event.cause is FailureCause.TRANSPORT:
        return Ending.UNREACHABLE if event.before_provisional else Ending.LOST
    return _ENDINGS.get(event.cause, Ending.UNAVAILABLE)


def _asserted(response: SipResponse) -> str | None:
    """Who answered, as the network vouches for it: ``"Name"<sip:uri>``."""
    return next((legible(str(each)) for each in asserted_identities(response)), None)
