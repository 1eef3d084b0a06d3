"""Dialling out (conferencing flows 4): from ``addUser`` to a leg in the mix, or to the row of the table it ends in."""

from __future__ import annotations

from c3p import ErrorId, Request, Response, legible
from mcu.conference import Conference
from mcu.config import SDP
from mcu.context import Context, Wait
from mcu.events import LegAlerting, LegConnected, LegDialing, LegHeld, MediaPortWanted
from mcu.leg import Attempt, Leg, MediaAddress
from mcu.leg_state import Input, State
from mcu.legs.add_user import Participant
from mcu.legs.targets import Targets, number_or_user
from mcu.legs.termination import Termination, disconnection_of
from mcu.media import Media
from mcu.outcome import Ending, ending_of_status
from mcu.policy import DialOutQuestion, Refusal, RefusalReason
from mcu.responses import accepted, pending
from rtp import Agreement, NegotiationError, RemoteRtpError, SessionDescription
from sip import (
    FailureCause,
    NameAddr,
    SessionAnswered,
    SessionFailed,
    SessionProgressed,
    SessionRedirected,
    SipError,
    Uri,
    body_of,
)
from sip import Response as SipResponse

__all__ = ["DialOut"]

PENDING_SECONDS = 180  #: how long a requester may wait after each ``pending`` (c3p 9)
MAX_FORKS = 16  #: provisional answers with SDP that are kept for one call; as many as the endpoint keeps forks
NOT_ACCEPTABLE = 488  #: RFC 3261 section 21.4.26: the same with another description may be
_ENDINGS = {
    FailureCause.TIMEOUT: Ending.UNANSWERED,
    FailureCause.CANCELLED: Ending.CANCELLED,
    FailureCause.LIMIT: Ending.OVERLOADED,
    FailureCause.UNUSABLE: Ending.LOST,  # it was answered: whoever calls again makes it ring again
}
#: Nobody else is asked after these: a person said no, or the answer holds everywhere (RFC 3261 section 21.6).
_FINAL = frozenset({Ending.BUSY, Ending.CANCELLED})


class DialOut:
    """Drives every dial-out leg of one MCU."""

    def __init__(self, context: Context, media: Media, termination: Termination) -> None:
        self._context, self._media, self._termination = context, media, termination
        self._targets = Targets(context.config)

    # The command -----------------------------------------------------------------------------------------------------

    def add(
        self, conference: Conference, request: Request, participant: Participant, *, now: float
    ) -> Response | Refusal:
        """Begin to dial: the answer is ``pending``, or a refusal with nothing changed."""
        attempt = self._settle(conference, request, participant.address, role=participant.role, own=participant.own)
        if isinstance(attempt, Refusal):
            return attempt
        leg = participant.leg(self._context.next_leg_id(), conference, State.OPENING, request, now=now)
        leg.attempt = attempt
        self._context.legs[leg.id] = leg
        conference.add(leg)
        self._context.deadlines.set((Wait.PORT, leg), now + self._context.config.media_timeout)
        self._context.emit(MediaPortWanted(owner=self._context.config.owner, leg=leg.id))
        self._context.notify(conference, self._context.documents.added(leg), now=now)
        return pending(request, seconds=PENDING_SECONDS)

    def _settle(
        self, conference: Conference, request: Request, uri: Uri, *, role: str, own: bool, redirected: bool = False
    ) -> Attempt | Refusal:
        question = DialOutQuestion(
            scheme=uri.scheme,
            domain=uri.host.lower() if uri.scheme in ("sip", "sips") else None,
            user=number_or_user(uri),
            originator=request.originator,
            originator_role=request.originator_role,
            role=role,
            locked=conference.locked,
            legs=len(conference.legs),
            dialing=conference.dialing,
            redirected=redirected,
            own=own,
        )
        refusal = self._context.policy.decide(question)
        if refusal is not None:
            return refusal
        attempt = self._targets.attempt(uri)
        if attempt is None:
            return Refusal(RefusalReason.TARGET, "no gateway for this number")
        if not attempt.forms:
            return Refusal(RefusalReason.MEDIA, "SRTP is required, and the signalling to there is not encrypted")
        return attempt

    # Ports -----------------------------------------------------------------------------------------------------------

    def port_opened(self, leg: Leg, ports: MediaAddress, *, now: float) -> None:
        """The application opened the ports: the INVITE can leave."""
        config = self._context.config
        leg.life.process(Input.PORT_OPENED)
        leg.ports = ports
        assert leg.attempt is not None
        leg.negotiation = self._context.negotiation(leg.attempt.forms[0], ports)
        leg.invited_at = now
        self._context.deadlines.set((Wait.ANSWER, leg), now + config.ring_timeout)
        self._context.deadlines.set((Wait.PORT, leg), None)
        self._invite(leg, bytes(leg.negotiation.make_offer()), now=now)

    def _invite(self, leg: Leg, offer: bytes, *, now: float) -> None:
        attempt, config = leg.attempt, self._context.config
        assert attempt is not None
        try:
            session = self._context.endpoint.invite(
                config.owner,
                attempt.target,
                from_=NameAddr(attempt.caller or leg.conference.mcu_address, self._caller_name(leg)),
                to=NameAddr(attempt.target, leg.display_name and " ".join(leg.display_name.split())),
                headers=self._headers(leg),
                body=offer,
                content_type=SDP,
                route=attempt.route,
                contact=NameAddr(config.sip_contact, params={"isfocus": None} if config.isfocus else {}),
                session_expires=config.session_expires,
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
        agreed = self._agree(leg, event.response)
        self._context.deadlines.set((Wait.ANSWER, leg), None)  # what it guards stands now, or is ended below
        if not isinstance(agreed, Agreement):
            self._unusable(leg, event, *agreed, now=now)
            return
        leg.life.process(Input.ANSWERED)
        leg.connected_at = now
        leg.more_attempts.clear()
        if leg.attempt is not None:
            leg.terms = leg.attempt.terms
        leg.asserted_identity = _asserted(event.response)
        self._media.connect(leg, agreed, now=now)
        self.report_connected(leg, now=now)
        assert leg.request is not None
        self._context.answer(leg, accepted(leg.request, self._context.documents.endpoint(leg)), now=now)

    def report_connected(self, leg: Leg, *, now: float) -> None:
        """Tell Focus and application that the leg is in the mix."""
        agreement = leg.negotiation.agreement if leg.negotiation is not None else None
        audio = agreement.audio if agreement is not None else None
        codec, encrypted = (audio.codec.encoding, audio.secure) if audio is not None else ("", False)
        self._context.notify(leg.conference, self._context.documents.connected(leg), now=now)
        rang = now - (leg.invited_at if leg.invited_at is not None else now)
        about = leg.about(self._context.config.owner)
        self._context.emit(LegConnected(**about, codec=codec, rang_for=rang, encrypted=encrypted))
        if audio is not None and audio.held:
            leg.life.process(Input.HOLD)
            self._media.apply_filters(leg)
            self._context.notify(leg.conference, self._context.documents.media(leg), now=now)
            self._context.emit(LegHeld(**leg.about(self._context.config.owner)))

    def _agree(self, leg: Leg, response: SipResponse) -> Agreement | tuple[int, str]:
        """What both sides will do, or ErrorId and words for why that cannot be."""
        assert leg.negotiation is not None
        body = body_of(response, SDP) or leg.early_answers.get(response.to.tag, b"")
        if not body:
            return ErrorId.ONLY_SDP_SUPPORTED, "the answer has no SDP"
        try:
            description = SessionDescription.parse(body)
        except RemoteRtpError as error:
            return ErrorId.SDP_DOES_NOT_PARSE, str(error)
        try:
            return leg.negotiation.receive_answer(description)
        except NegotiationError as error:
            return ErrorId.SDP_ATTRIBUTE_INVALID, str(error)

    def _unusable(self, leg: Leg, event: SessionAnswered, error_id: int, why: str, *, now: float) -> None:
        leg.life.process(Input.UNUSABLE)
        self._context.endpoint.bye(event.session, now=now)
        disconnection = disconnection_of(Ending.NO_MEDIA, status=event.response.status, reason=why, error_id=error_id)
        self._termination.over(leg, disconnection, now=now)

    def redirected(self, leg: Leg, event: SessionRedirected, *, now: float) -> None:
        """A 3xx: each target passes the policy again; at most ``max_redirects`` are called (decisions 9)."""
        left = self._context.config.max_redirects - leg.redirects - len(leg.more_attempts)
        assert leg.request is not None
        for uri in event.targets[: max(0, left)]:
            settled = self._settle(leg.conference, leg.request, uri, role=leg.role, own=leg.own, redirected=True)
            if isinstance(settled, Attempt):
                leg.more_attempts.append(settled)
        if not leg.more_attempts or not _same_offer(leg, leg.more_attempts[0]):
            # Over, or on to ``failed``, which makes another offer for the next.
            self._context.endpoint.give_up(event.session, now=now)
            return
        attempt = self._next_attempt(leg)
        assert attempt is not None
        leg.life.process(Input.RETRY)
        leg.attempt = attempt
        self._context.endpoint.redirect(event.session, attempt.target, now=now)
        self._dialing(leg)

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
            if attempt is not None and leg.negotiation is not None:
                leg.life.process(Input.RETRY)
                leg.attempt = attempt
                leg.negotiation.roll_back()
                # With another key: the one before is known where it was refused.
                leg.negotiation.capabilities = self._context.capabilities(attempt.forms[0])
                self._invite(leg, bytes(leg.negotiation.make_offer()), now=now)
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
    """Whether the offer that is out is the one that this target is to get."""
    return leg.attempt is not None and leg.attempt.forms[0] is attempt.forms[0]


def _ending(event: SessionFailed) -> Ending:
    """The row for a failure; a transport that broke is safe to retry only if nothing was heard before."""
    if event.cause is FailureCause.RESPONSE and event.status is not None:
        return ending_of_status(event.status)
    if event.cause is FailureCause.TRANSPORT:
        return Ending.UNREACHABLE if event.before_provisional else Ending.LOST
    return _ENDINGS.get(event.cause, Ending.UNAVAILABLE)


def _asserted(response: SipResponse) -> str | None:
    """Who answered, as the network vouches for it (RFC 3325): ``"Name"<sip:uri>``."""
    text = response.headers.get("P-Asserted-Identity")
    try:
        identity = NameAddr.parse(text) if text else None
    except SipError:
        return None
    return legible(str(identity)) if identity is not None else None
