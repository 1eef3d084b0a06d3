"""Offers and answers while a call goes on: hold that is asked for here, and whatever the other side offers."""

from __future__ import annotations

from typing import Final

import attrs

from sip.deadlines import Deadlines
from sip.endpoint.endpoint import Endpoint
from sip.errors import LocalProtocolError
from sip.events import ReinviteReceived, SessionConfirmed, UpdateReceived
from sip.headers.name_addr import NameAddr
from sip.ids import RequestId, SessionId
from sip.message.bodies import SDP, body_of, refusal_of_body
from sip.message.response import Response
from sip.ua.call_media import CallMedia, refusal_status

#: Re-INVITEs sent for one hold when both sides offer at the same moment (RFC 3261 section 14.1).
MAX_GLARES: Final = 3


@attrs.frozen(kw_only=True)
class HoldOutcome:
    """What became of a hold."""

    held: bool  #: what was asked for
    agreed: bool
    status: int | None = None  #: of a refusal
    reason: str = ""


class Renegotiation:
    """That of one call."""

    def __init__(
        self, endpoint: Endpoint, session: SessionId, contact: NameAddr | None, deadlines: Deadlines[object]
    ) -> None:
        """``deadlines`` are those of the user agent."""
        self._endpoint, self._session, self._contact = endpoint, session, contact
        self._deadlines = deadlines
        self._wish: bool | None = None  # a hold that is not agreed yet
        self._media: CallMedia | None = None
        self._request: RequestId | None = None  # of ours, open
        self._offering: CallMedia | None = None  # our offer is in a 2xx, and the ACK will answer it
        self._glares = 0

    @property
    def again_at(self) -> float | None:
        """When it is asked for again (monotonic seconds)."""
        return self._deadlines.deadline(self)

    @property
    def open(self) -> bool:
        """Whether a hold that was asked for is neither agreed nor refused, or an ACK has our offer to answer."""
        return self._wish is not None or self._offering is not None

    def hold(self, held: bool, media: CallMedia, *, now: float) -> None:
        """Ask for it. Raises LocalProtocolError when something is open."""
        if self.open:
            raise LocalProtocolError("another offer is open")
        self._media, self._glares = media, 0
        self._ask(held, media, now)

    def handle_timeout(self, *, now: float) -> None:
        """Ask again, after both sides had asked at once."""
        again_at = self.again_at
        if again_at is not None and again_at <= now and self._wish is not None and self._media is not None:
            self._deadlines.set(self, None)
            self._ask(self._wish, self._media, now)

    def _ask(self, held: bool, media: CallMedia, now: float) -> None:
        offer = media.make_offer(held=held, now=now)
        self._wish = held
        self._request = self._endpoint.reinvite(self._session, body=offer, content_type=SDP, now=now)

    def is_asking(self, request: RequestId) -> bool:
        """Whether a request is our offer."""
        return request == self._request

    def answered(self, response: Response | None, why: str, *, now: float) -> HoldOutcome | None:
        """Our offer was answered, or will not be; None: it is asked for again."""
        assert self._wish is not None
        assert self._media is not None
        held, self._request = self._wish, None
        if response is not None and response.status < 300:
            self._wish = None
            try:
                self._media.receive_answer(body_of(response, SDP), now=now)
            except ValueError as error:
                self._media.roll_back()
                return HoldOutcome(held=held, agreed=False, reason=str(error))
            return HoldOutcome(held=held, agreed=True)
        self._media.roll_back()
        status = None if response is None else response.status
        if status == 491 or why == "glare":
            self._glares += 1
            if self._glares < MAX_GLARES:
                self._deadlines.set(self, now + self._endpoint.glare_delay(self._session))
                return None
        self._wish = None
        return HoldOutcome(held=held, agreed=False, status=status, reason=why if response is None else response.reason)

    def end(self) -> HoldOutcome | None:
        """The call is over; the outcome of a hold that was open."""
        held, self._wish, self._request, self._offering = self._wish, None, None, None
        self._deadlines.set(self, None)
        return None if held is None else HoldOutcome(held=held, agreed=False, reason="the call is over")

    def offered(self, event: ReinviteReceived | UpdateReceived, media: CallMedia | None, *, now: float) -> None:
        """Answer an offer of the other side: hold, another address, another codec.

        A re-INVITE without one asks for ours, which the ACK answers (RFC 3261 section 14.2): so whoever controls both
        sides of a call connects them with others (RFC 3725).
        """
        refused = refusal_of_body(event.request, (SDP,))
        if refused is not None:
            self._endpoint.respond(event.transaction, refused.status, headers=refused.headers, now=now)
            return
        if self._request is not None or self._offering is not None or media is None:
            # An offer of ours is open (RFC 3261 section 14.2).
            self._endpoint.respond(event.transaction, 491, now=now)
            return
        offer = body_of(event.request, SDP)
        try:
            body = media.receive_offer(offer, now=now) if offer else media.make_offer(now=now)
        except ValueError as error:
            self._endpoint.respond(event.transaction, refusal_status(error), now=now)
            return
        contact = () if self._contact is None else (("Contact", self._contact),)
        self._endpoint.respond(event.transaction, 200, headers=contact, body=body, content_type=SDP, now=now)
        if not offer:
            self._offering = media

    def confirmed(self, event: SessionConfirmed, *, now: float) -> None:
        """Take the answer that the ACK has for our offer; without one that can be used all stays as it was."""
        media, self._offering = self._offering, None
        if media is None:
            return
        answer = body_of(event.request, SDP)
        if not answer:
            media.roll_back()
            return
        try:
            media.receive_answer(answer, now=now)
        except ValueError:
            media.roll_back()  # nobody can be told: nothing answers an ACK
