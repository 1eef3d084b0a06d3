"""A dialog of ours with the target, or through it (RFC 3261 section 12)."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from pyc3p.conform.peer import SDP, Exchange, Peer
from pyc3p.conform.wire import Arrival
from sip import NameAddr, Request, Response, SipError, Uri


@attrs.define(kw_only=True, eq=False)
class Call:
    """One side of it."""

    peer: Peer
    call_id: str
    local: NameAddr
    remote: NameAddr
    target: Uri  #: the Contact of the other side
    routes: tuple[NameAddr, ...] = ()
    cseq: int
    invite: Request
    response: Response

    @classmethod
    def of_caller(cls, peer: Peer, invite: Request, response: Response) -> Call:
        """After a response that made a dialog. What cannot be read in it is as if it were absent."""
        contacts = _read(response, "contact")
        uri = contacts[0].uri if contacts and isinstance(contacts[0], NameAddr) else invite.uri
        return cls(
            peer=peer,
            call_id=invite.call_id,
            local=invite.from_,
            remote=response.to,
            target=uri,
            routes=tuple(reversed(_read(response, "record_route"))),
            cseq=invite.cseq.number,
            invite=invite,
            response=response,
        )

    @classmethod
    def of_callee(cls, peer: Peer, arrival: Arrival, response: Response) -> Call:
        """After a response of ours that made a dialog."""
        invite = arrival.message
        assert isinstance(invite, Request)
        contacts = _read(invite, "contact")
        uri = contacts[0].uri if contacts and isinstance(contacts[0], NameAddr) else invite.from_.uri
        return cls(
            peer=peer,
            call_id=invite.call_id,
            local=response.to,
            remote=invite.from_,
            target=uri,
            routes=tuple(_read(invite, "record_route")),
            cseq=0,
            invite=invite,
            response=response,
        )

    def request(
        self,
        method: str,
        *,
        headers: Iterable[tuple[str, object]] = (),
        body: bytes = b"",
        content_type: str = SDP,
        cseq: int | None = None,
    ) -> Request:
        """A request in the dialog, with the next CSeq unless another is given (RFC 3261 section 12.2.1.1)."""
        if cseq is None:
            self.cseq += method != "ACK"
            cseq = self.cseq
        lines: list[tuple[str, object]] = [
            ("Via", self.peer.via(self.peer.branch())),
            ("Max-Forwards", "70"),
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{cseq} {method}"),
            *[("Route", route) for route in self.routes],
        ]
        if method in ("INVITE", "UPDATE", "SUBSCRIBE"):
            lines.append(("Contact", f"<{self.peer.contact_uri}>"))
        lines += headers
        if body:
            lines.append(("Content-Type", content_type))
        return Request.build(method, self.target, lines, body)

    def acknowledge(self, *, body: bytes = b"") -> Request:
        """The ACK of the 2xx, with the credentials of the INVITE (RFC 3261 section 13.2.2.4)."""
        return self.acknowledge_again(self.invite, self.response, body=body)

    def acknowledge_again(self, invite: Request, response: Response, *, body: bytes = b"") -> Request:
        """The ACK of the 2xx to a re-INVITE."""
        credentials = [
            (name, value) for name in ("Authorization", "Proxy-Authorization") for value in invite.headers.get_all(name)
        ]
        ack = self.request("ACK", headers=credentials, body=body, cseq=invite.cseq.number)
        self.peer.acknowledge(invite, response, ack)
        return ack

    def ask(
        self, method: str, *, headers: Iterable[tuple[str, object]] = (), body: bytes = b"", content_type: str = SDP
    ) -> Exchange:
        """A request in the dialog and its final response; the ACK of a re-INVITE goes out."""
        exchange = self.peer.ask(self.request(method, headers=headers, body=body, content_type=content_type))
        self.cseq = max(self.cseq, exchange.request.cseq.number)
        if method == "INVITE" and exchange.status < 300:
            self.acknowledge_again(exchange.request, exchange.final)
        return exchange

    def hang_up(self) -> Exchange:
        """BYE and what is answered."""
        return self.ask("BYE")


def _read(message: Request | Response, name: str) -> tuple[NameAddr, ...]:
    try:
        found: tuple[NameAddr, ...] = getattr(message, name)
    except SipError:
        return ()
    return found


def place_call(
    peer: Peer, uri: Uri | None = None, *, offer: bytes | None = None, headers: Iterable[tuple[str, object]] = ()
) -> Call:
    """A call that is taken and acknowledged; ends the case where it is not taken."""
    exchange = peer.call(uri, offer=offer, headers=headers)
    call = Call.of_caller(peer, exchange.request, exchange.final)
    call.acknowledge()
    return call
