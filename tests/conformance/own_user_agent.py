"""A user agent of ours, as the conformance machine wants it."""

from __future__ import annotations

from sip import (
    Claim,
    Endpoint,
    EndpointConfig,
    Event,
    InviteReceived,
    Listen,
    ReinviteReceived,
    RequestReceived,
    SeededEntropy,
    SessionAnswered,
    SessionEnded,
    SessionFailed,
    SessionId,
    UpdateReceived,
)
from sip.testing import EndpointElement

SDP = (
    b"v=0\r\no=- 3 3 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    b"m=audio 30000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)
_SDP = "application/sdp"


class OwnUserAgent(EndpointElement):
    """Takes calls to ``bob``, lets those to ``slow`` ring, refuses those to ``busy``, and calls when it is told."""

    def __init__(self) -> None:
        config = EndpointConfig(listen=(Listen("UDP", "192.0.2.1", 5060),), trusted_networks=("192.0.2.0/24",))
        super().__init__(Endpoint(config, entropy=SeededEntropy(b"element")), react=self._react_to)
        self.endpoint.add_core(
            "ua",
            lambda request, flow: True,
            claim=Claim.ELEMENT,
            methods=("INVITE", "INFO", "MESSAGE", "UPDATE"),
            accept=(_SDP,),
        )
        self._session: SessionId | None = None
        self._answered = False
        self._thinking: list[tuple[float, SessionId]] = []

    def next_timeout(self) -> float | None:
        return min(
            (at for at in (super().next_timeout(), *(at for at, _ in self._thinking)) if at is not None), default=None
        )

    def handle_timeout(self, *, now: float) -> None:
        due = [session for at, session in self._thinking if at <= now]
        self._thinking = [each for each in self._thinking if each[0] > now]
        for session in due:
            if not self.endpoint.is_over(session):
                self.endpoint.progress(session, 180, now=now)
        super().handle_timeout(now=now)

    def call(self, uri: str, *, now: float) -> None:
        self._session = self.endpoint.invite(
            "ua", uri, from_="<sip:bob@example.com>", to=f"<{uri}>", body=SDP, content_type=_SDP, now=now
        )
        self._now, self._answered = now, False
        self._take((), now)

    def hang_up(self, *, now: float) -> None:
        session, self._now = self._session, now
        if session is not None and not self.endpoint.is_over(session):
            if self._answered:
                self.endpoint.bye(session, now=now)
            else:
                self.endpoint.cancel(session, now=now)
        self._take((), now)

    def _react_to(self, event: Event, now: float) -> None:
        endpoint = self.endpoint
        match event:
            case InviteReceived():
                user = event.request.uri.user
                if user == "busy":
                    endpoint.reject(event.session, 486, now=now)
                elif user == "slow":
                    self._thinking.append((now + 0.6, event.session))  # long enough for a 100
                else:
                    endpoint.accept(event.session, body=SDP, content_type=_SDP, now=now)
            case ReinviteReceived() | UpdateReceived():
                endpoint.respond(event.transaction, 200, body=SDP, content_type=_SDP, now=now)
            case RequestReceived() if event.transaction is not None:
                endpoint.respond(event.transaction, 200, now=now)
            case SessionAnswered() if event.session == self._session:
                self._answered = True
                endpoint.ack(event.session, now=now)
            case SessionEnded() | SessionFailed() if event.session == self._session:
                self._session = None
