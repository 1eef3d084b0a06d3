"""Server transactions (RFC 3261 section 17.2): a request that waits for our answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from sip.errors import LocalProtocolError
from sip.flow import Destination, Flow
from sip.headers.via import Via
from sip.ids import TransactionId
from sip.life import Life
from sip.message.lines import Lines
from sip.message.request import Request
from sip.message.response import Response
from sip.syntax.uri_parts import ip_address
from sip.timers import Timer
from sip.transactions.affordable import affordable, kept_for_final, kept_for_ringing
from sip.transactions.owner import TransactionOwner
from sip.transactions.tables import INVITE_SERVER, SERVER, Input, State

_INPUTS: Final = (Input.SEND_1XX, Input.SEND_2XX, *(Input.SEND_FINAL,) * 4)


class ServerUser(Protocol):
    """What a server transaction reports to, beside the core that answers it."""

    def on_cancel(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """Take a CANCEL for an INVITE without final answer; it has been answered."""
        ...

    def on_ended(self, transaction: ServerTransaction, now: float) -> None:
        """Learn that the transaction is over."""
        ...


class Answerer(Protocol):
    """A usage that adds its own rules to the answers of a transaction (``ServerTransaction.answers``)."""

    def answer(
        self,
        transaction: ServerTransaction,
        status: int,
        reason: str | None,
        headers: Lines,
        body: bytes,
        content_type: str | None,
        now: float,
    ) -> None:
        """Send the answer, and change the usage accordingly."""
        ...


class ServerOwner(TransactionOwner, Protocol):
    """What a server transaction is registered with."""

    def forget(self, transaction: ServerTransaction) -> None:
        """Drop a transaction that is over."""
        ...

    def answered(self, transaction: ServerTransaction) -> None:
        """Note that an INVITE waits for no final answer any more."""
        ...


class ServerTransaction:
    """One request of a peer. INVITE and the other methods differ by table and timers only."""

    __slots__ = (
        "_deadline",
        "_flow",
        "_interval",
        "_is_invite",
        "_kept",
        "_life",
        "_request",
        "_resend",
        "_reserve",
        "_transactions",
        "_via",
        "answers",
        "cancelled",
        "cseq",
        "data",
        "flow",
        "id",
        "key",
        "merge_key",
        "method",
        "owner",
        "source",
        "status",
        "to_tag",
        "user",
    )

    def __init__(
        self,
        transactions: ServerOwner,
        transaction_id: TransactionId,
        key: object,
        request: Request,
        via: Via,
        flow: Flow,
    ) -> None:
        self._transactions = transactions
        self.id = transaction_id
        self.key = key
        self.merge_key: object = None
        self._request: Request | None = request
        self._via: Via | None = via  # until it is known where answers go, for datagrams
        self.cseq, self.method = request.cseq.number, request.method
        self.flow = flow  #: where the request came from
        self._flow: Flow | None = flow if flow.reliable else None  # where answers go, once that is known
        self.owner = ""
        self.source = ""  #: where it counts in limits by source
        self.user: ServerUser | None = None
        self.answers: Answerer | None = None  #: the usage whose rules an answer must follow, if any
        self.to_tag: str | None = None
        self.status = 0  #: of the last answer
        self.data = b""  #: the last answer
        self.cancelled = False
        self._interval = 0.0
        # Octets that a source which may be an invention can be sent: kept for our final answer, and for others.
        self._reserve = self._kept = 0
        self._resend: Timer | None = None
        self._deadline: Timer | None = None
        is_invite = request.method == "INVITE"
        self._life = Life(INVITE_SERVER, State.PROCEEDING) if is_invite else Life(SERVER, State.TRYING)
        self._is_invite = is_invite

    @property
    def state(self) -> State:
        """Return how far it is."""
        return self._life.state

    @property
    def request(self) -> Request:
        """Return the request, which is kept until it has its final answer. Raises LocalProtocolError afterwards."""
        if self._request is None:
            raise LocalProtocolError("the request was answered")
        return self._request

    def asked(self, name: str) -> Sequence[str]:
        """Return the values of a header of the request; none once it has its final answer."""
        return () if self._request is None else self._request.headers.get_all(name)

    def wait(self, now: float) -> None:
        """Begin to wait for the core: 100 goes out by itself if it takes long."""
        transactions, config = self._transactions, self._transactions.config
        if self._is_invite:
            self._resend = transactions.timers.start(now + config.trying_delay, self._on_trying)
        else:
            self._resend = transactions.timers.start(now + config.provisional_delay, self._on_trying)
            self._deadline = transactions.timers.start(now + transactions.patience, self._on_unanswered)

    # What our side does ----------------------------------------------------------------------------------------------

    def respond(self, response: Response, now: float) -> None:
        """Send an answer; raises LocalProtocolError when the final one was given."""
        status = response.status
        before = self._life.state
        self._life.command(_INPUTS[status // 100 - 1])
        following, self.status = self._life.state, status
        self._kept = 0
        flow, transport = self.flow, self._transactions.transport
        if (
            flow.remote.host not in transport.sources.proven.hosts
            and not flow.reliable
            and flow not in transport.proven
        ):
            response = self._afforded(response)
        self.data = bytes(response)
        self._transactions.context.traffic.response("out", self.method, status)
        self._send(now)
        if following is before:
            self._transactions.timers.stop(self._resend)  # an INVITE with a 1xx needs no 100
            self._resend = None
            return
        self._stop_timers()
        if following is State.PROCEEDING:  # 1xx to a non-INVITE
            self._deadline = self._transactions.timers.start(now + self._transactions.patience, self._on_unanswered)
            return
        if self._is_invite:
            self._transactions.answered(self)
        self.answers = self._request = None  # the answer is all that is needed from here on
        if following is State.COMPLETED:
            self._complete(now)
        else:
            self._transactions.lingering.add(self, now)  # Timer L

    def _afforded(self, response: Response) -> Response:
        """Return what is sent to a source that may be an invention."""
        transactions, request = self._transactions, self._request
        if request is None:  # one more 2xx of an INVITE that forked
            return response
        unproven = transactions.transport.sources.unproven
        if response.status >= 200:
            unproven.keep(self.flow, -self._reserve)
            self._reserve = 0
            return affordable(transactions.context, transactions.transport, request, response, self.flow)
        if self._is_invite:
            if not self._reserve:
                self._reserve = unproven.keep(self.flow, kept_for_final(request))
            self._kept = kept_for_ringing(request) if response.status == 100 else 0
        return response

    def repeat(self, now: float) -> None:
        """Send the last answer again: the user retransmits its 2xx, not the transaction (RFC 6026 section 7.1)."""
        if self.state is not State.TERMINATED:
            self._send(now)

    def acknowledged(self) -> None:
        """Let go of a 2xx that is not to be repeated any more."""
        self.data = b""

    def _complete(self, now: float) -> None:
        transactions, unreliable = self._transactions, self.flow.transport == "UDP"
        if self._is_invite:
            self._deadline = transactions.timers.start(now + transactions.patience, self._on_no_ack)  # Timer H
            if unreliable:
                self._interval = transactions.config.t1
                self._resend = transactions.timers.start(now + self._interval, self._on_resend)  # Timer G
        elif unreliable:
            transactions.lingering.add(self, now)  # Timer J
        else:
            self.waited(now)

    def _send(self, now: float) -> None:
        """Send the last answer where RFC 3261 section 18.2.2 and RFC 3581 say."""
        flow = self._flow
        if flow is not None and self._transactions.transport.is_open(flow):
            self._transactions.transport.answer(flow, self.data, kept=self._kept)
            return
        via = self._via
        assert via is not None
        if not self.flow.reliable:
            # Answers go to nobody's name: whoever sent this could make us look it up, and wait for it.
            # Nor do they go where a Via wants them, unless who is there has shown that it takes part.
            maddr = ip_address(via.params.get("maddr") or "")
            if maddr and not self._transactions.transport.sources.is_proven(maddr):
                maddr = None
            host = maddr or self.flow.remote.host
            port = self.flow.remote.port if via.wants_rport and not maddr else via.port or 5060
            if (host, port) == (self.flow.remote.host, self.flow.remote.port):
                self.flow_ready(self.flow, now)
                return
        else:
            host = self.flow.remote.host  # what received says
            port = via.port or (5061 if self.flow.transport == "TLS" else 5060)
        self._transactions.transport.find_destination(Destination(self.flow.transport, host, port), self, now=now)

    def flow_ready(self, flow: Flow, now: float) -> None:
        """Send the last answer on a flow that was found."""
        self._flow = flow
        if flow.transport == "UDP":
            self._via = None  # there is no other way than this one, and many of us wait for half a minute
        if self.data:
            self._transactions.transport.answer(flow, self.data, kept=self._kept)

    def flow_unavailable(self, now: float) -> None:
        """Count it: transport errors do not end a server transaction (RFC 6026 section 8.5)."""
        self._transactions.context.count("dropped: response without a way back")

    # What the peer does ----------------------------------------------------------------------------------------------

    def abandon(self, now: float) -> None:
        """End without an answer: none could be built."""
        self._life.follow(Input.ABANDON)
        self._release(now)

    def receive_again(self, now: float) -> None:
        """Take the same request once more."""
        if self._life.follow(Input.RECEIVE_REQUEST) and self.data and self.state is not State.ACCEPTED:
            self._send(now)

    def receive_ack(self, now: float) -> None:
        """Take the ACK for 300-699."""
        before = self._life.state
        if not self._life.follow(Input.RECEIVE_ACK) or before is not State.COMPLETED:
            return
        self._stop_timers()
        if self.flow.transport == "UDP":
            self._transactions.settling.add(self, now)  # Timer I
        else:
            self.waited(now)

    # Timers ----------------------------------------------------------------------------------------------------------

    def _on_trying(self, now: float) -> None:
        self._resend = None
        if self.status == 0:
            self.respond(self.request.response(100), now)

    def _on_resend(self, now: float) -> None:
        if not self._life.follow(Input.RESEND):
            return
        self._send(now)
        self._interval = min(2 * self._interval, self._transactions.config.t2)
        self._resend = self._transactions.timers.start(now + self._interval, self._on_resend)

    def waited(self, now: float) -> None:
        """Learn that no repetition of the request, or of its ACK, comes any more."""
        if self._life.follow(Input.LINGERED):
            self._release(now)

    def _on_no_ack(self, now: float) -> None:
        self._transactions.context.count("no ACK for a refused INVITE")
        self._time_out(now)

    def _on_unanswered(self, now: float) -> None:
        # RFC 4320 section 4.2: after that time no answer is of use, and 408 is never sent.
        self._transactions.context.count("request that no core answered in time")
        self._time_out(now)

    def _time_out(self, now: float) -> None:
        self._life.follow(Input.TIMEOUT)
        self._release(now)

    def _stop_timers(self) -> None:
        if self._resend is not None:
            self._transactions.timers.stop(self._resend)
        if self._deadline is not None:
            self._transactions.timers.stop(self._deadline)
        self._resend = self._deadline = None

    def _release(self, now: float) -> None:
        """Let go of everything: it is over."""
        self._stop_timers()
        if self._is_invite and self._request is not None:
            self._transactions.answered(self)
        self.answers = self._request = None
        self._transactions.forget(self)
        if self.user is not None:
            self.user.on_ended(self, now)
