"""Client transactions (RFC 3261 section 17.1): a request on its way to a final answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from sip.errors import LocalProtocolError, RemoteProtocolError
from sip.flow import Destination, Flow
from sip.headers.retry_after import RetryAfter
from sip.ids import RequestId
from sip.life import Life
from sip.message.lines import Lines, assemble
from sip.message.request import Request
from sip.message.response import Response
from sip.syntax.uri import Uri
from sip.timers import Timer
from sip.transactions.owner import TransactionOwner
from sip.transactions.tables import CLIENT, INVITE_CLIENT, Input, State
from sip.transport.next_hop import Search
from sip.transport.secure import leaves_in_the_clear

#: Builds the request once its flow and the Via value for it are known.
Finish = Callable[[Flow, str], Request]

#: Copies of a request of somebody else to a host that may be an invention: two may get lost, and that is no flood.
_COPIES: Final = 3
_INPUTS: Final = (Input.RECEIVE_1XX, Input.RECEIVE_2XX, *(Input.RECEIVE_FINAL,) * 4)


def _finished(flow: Flow, via: str) -> Request:
    raise LocalProtocolError("the request was sent")


class ClientUser(Protocol):
    """What a client transaction reports to."""

    def on_response(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """Take a provisional or the final answer; for INVITE every 2xx."""
        ...

    def on_failure(self, transaction: ClientTransaction, reason: str, now: float) -> None:
        """Learn that no answer comes: ``timeout``, ``transport``, ``limit`` or ``withheld``."""
        ...


class IgnoringUser:
    """The user of a request whose outcome does not matter, such as CANCEL."""

    def on_response(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """Ignore the answer."""

    def on_failure(self, transaction: ClientTransaction, reason: str, now: float) -> None:
        """Ignore the failure."""


IGNORING = IgnoringUser()


class ClientOwner(TransactionOwner, Protocol):
    """What a client transaction is registered with, and what goes on with its request when it cannot."""

    def register(self, transaction: ClientTransaction, flow: Flow) -> None:
        """Note a transaction whose request went out: answers are for it, and so is the end of the flow."""
        ...

    def unregister(self, transaction: ClientTransaction) -> None:
        """Drop a transaction that is over."""
        ...

    def move_on(self, failed: ClientTransaction, search: Search, *, refused: bool, now: float) -> None:
        """Send its request to the next server that was found, in a new transaction."""
        ...

    def send_again(self, failed: ClientTransaction, next_hop: Uri, size: int, now: float) -> None:
        """Send its request over another connection, in a new transaction."""
        ...


class ClientTransaction:
    """One request of ours. INVITE and the other methods differ by table and timers only."""

    __slots__ = (
        "_ends",
        "_finish",
        "_interval",
        "_life",
        "_search",
        "_timer",
        "_transactions",
        "ack",
        "after_silence",
        "again",
        "alone",
        "attempt",
        "branch",
        "cancelled",
        "cancelling",
        "data",
        "flow",
        "id",
        "method",
        "passed_on",
        "progressed",
        "provisional",
        "request",
        "server",
        "user",
    )

    def __init__(
        self,
        transactions: ClientOwner,
        request_id: RequestId,
        method: str,
        branch: str,
        user: ClientUser,
        finish: Finish,
    ) -> None:
        self._transactions = transactions
        self.id = request_id
        self.method = method
        self.branch = branch
        self.user = user
        self._finish = finish
        self._life = Life(INVITE_CLIENT if method == "INVITE" else CLIENT, State.WAITING)
        self.request: Request | None = None
        self.data = b""
        self.flow: Flow | None = None
        self.ack: bytes | None = None
        self.cancelling: Callable[[float], None] | None = None  #: to be called when a provisional arrives
        self.provisional = False  #: whether a 1xx was seen
        self.progressed = False  #: whether one beyond 100 was seen
        self.cancelled = False  #: whether CANCEL was sent
        self.again: Uri | None = None  #: where it goes when the connection that it was sent on breaks
        self.attempt = 1
        self.server: Destination | None = None  #: the one of several that got it; the next try is for the same
        self.after_silence = True  #: whether another server is tried when one does not answer
        self.passed_on = (
            False  #: whether somebody else sent it, so that a host which may be an invention gets few copies
        )
        self.alone = False  #: whether such a host gets one of these at a time
        self._search: Search | None = None
        self._interval = 0.0  # until the request is sent again
        self._ends = 0.0  # when nobody waits for an answer any more
        self._timer: Timer | None = None  # for the earlier of both

    @property
    def state(self) -> State:
        """Return how far it is."""
        return self._life.state

    # Getting out -----------------------------------------------------------------------------------------------------

    def start(self, search: Callable[[], Search | None], now: float) -> None:
        """Begin to look for a flow; timer B or F runs from here, so a look-up counts as waiting for an answer."""
        self._ends = now + self._transactions.patience
        self._search = search()
        if self.state is State.WAITING:
            self._set_timer(self._ends)

    def start_again(self, failed: ClientTransaction, search: Search, *, refused: bool, now: float) -> None:
        """Take the place of a transaction that failed, with the next destination of its search."""
        self.attempt, self.after_silence = failed.attempt + 1, failed.after_silence
        self._ends, self._search = now + self._transactions.patience, search
        self._transactions.transport.try_next(search, self, refused=refused, now=now)
        if self.state is State.WAITING:
            self._set_timer(self._ends)

    def for_another_server(self) -> ClientTransaction:
        """Return the same request with another branch; what a proxy put into the branch stays in it."""
        self._search = None  # it goes on without this one
        branch = f"{self.branch}.{self.attempt}"
        following = ClientTransaction(self._transactions, self.id, self.method, branch, self.user, self._finish)
        following.passed_on, following.alone = self.passed_on, self.alone
        return following

    def _others(self) -> Search | None:
        """The search that still has other servers, where the request may go there (RFC 3263 section 4.3)."""
        search = self._search
        if search is None or len(search.destinations) < 2 or self.attempt >= self._transactions.config.max_attempts:
            return None
        if self.progressed or self.cancelled or self.cancelling is not None:
            return None
        return search

    def flow_ready(self, flow: Flow, now: float) -> None:
        """Send on the flow that was found."""
        if not self._life.follow(Input.SEND_REQUEST):
            return
        self.flow = flow
        transactions = self._transactions
        self.request = self._finish(flow, transactions.transport.via(flow, self.branch))
        if self.method == "INVITE" or not flow.reliable:
            self.again = None
        if self._search is None or len(self._search.destinations) < 2:
            self._finish = self._finish if self.again is not None else _finished
        else:
            self.server = self._search.destinations[0]
        self.data = bytes(self.request)
        if leaves_in_the_clear(self.data, flow):
            transactions.context.count("refused: a sips request over a flow without TLS")
            self.transport_error(now)
            return
        sources = transactions.transport.sources
        if self.alone and flow not in sources.proven and not sources.unproven.opens(flow, self.id):
            transactions.context.count("refused: another request to a host that may be an invention")
            self._fail(Input.TRANSPORT_ERROR, "withheld", now)
            return
        if sources.unproven.words or flow.remote.host not in sources.proven.hosts:
            sources.asks(flow, self.request, len(self.data))
        transactions.transport.send(flow, self.data)
        transactions.register(self, flow)
        if flow.transport == "UDP":
            self._interval = transactions.config.t1
            self._set_timer(now + self._interval)
        elif self._timer is None:
            self._set_timer(self._ends)

    def flow_unavailable(self, now: float) -> None:
        """Fail: there is no way to the next hop."""
        self.transport_error(now)

    # Inputs ----------------------------------------------------------------------------------------------------------

    def receive(self, response: Response, now: float) -> None:
        """Take a response that matches (RFC 3261 section 17.1.3)."""
        before = self._life.state
        if not self._life.follow(_INPUTS[response.status // 100 - 1]):
            self._transactions.context.count("ignored: response in a state that has no use for it")
            return
        following = self._life.state
        if following is State.PROCEEDING:
            self._proceed(response, now)
        elif following is before:
            self._final_again(response, now)
        else:
            self._finalise(response, now)

    def _proceed(self, response: Response, now: float) -> None:
        if self.method == "INVITE":
            if self.cancelling is None and not self.provisional:
                self._stop_timer()
        elif self._interval:
            self._interval = self._transactions.config.t2  # from the next time on: timer E is T2 in Proceeding
        self.provisional = True
        self.progressed = self.progressed or response.status > 100
        if self.cancelling is not None:
            send_cancel, self.cancelling = self.cancelling, None
            send_cancel(now)
        self.user.on_response(self, response, now)

    def _final_again(self, response: Response, now: float) -> None:
        if self.state is State.ACCEPTED:
            self.user.on_response(self, response, now)
        elif self.ack is not None and self.flow is not None:
            self._transactions.transport.send(self.flow, self.ack)

    def _finalise(self, response: Response, now: float) -> None:
        self._stop_timer()
        others = self._refused(response, now) if response.status == 503 else None
        self.cancelling = None
        assert self.flow is not None
        reliable = self.flow.transport != "UDP"
        transactions = self._transactions
        if self.state is State.ACCEPTED:
            transactions.lingering.add(self, now)  # Timer M
        elif self.method == "INVITE":
            self.ack = self._acknowledge(response)
            transactions.transport.send(self.flow, self.ack)
            self.waited(now) if reliable else transactions.lingering.add(self, now)  # Timer D
        else:
            self.waited(now) if reliable else transactions.settling.add(self, now)  # Timer K
        if others is not None:
            transactions.move_on(self, others, refused=True, now=now)
        else:
            self.user.on_response(self, response, now)
        self.forget()

    def _refused(self, response: Response, now: float) -> Search | None:
        """Note how long a server does not want to be asked (RFC 3261 section 21.5.4); return where others are."""
        try:
            again = response.header("Retry-After")
        except RemoteProtocolError:
            again = None
        if isinstance(again, RetryAfter) and self._search is not None and self._search.destinations:
            wait = min(float(again.seconds), self._transactions.config.max_avoidance)
            self._transactions.transport.avoid(self._search.destinations[0], now + wait)
        return self._others()

    def forget(self) -> None:
        """Keep only what absorbs repetitions: there are many of these, for half a minute each."""
        self.request, self.data, self._finish, self._search = None, b"", _finished, None
        if self._life.state is not State.ACCEPTED:  # of which alone the user hears once more
            self.user = IGNORING

    def _acknowledge(self, response: Response) -> bytes:
        """Build the ACK for 300-699 (RFC 3261 section 17.1.1.3)."""
        assert self.request is not None
        headers = self.request.headers
        lines: Lines = [
            ("Via", headers.get_all("Via")[0]),
            *(("Route", route) for route in headers.get_all("Route")),
            ("Max-Forwards", "70"),
            ("From", headers.get("From", "")),
            ("To", response.headers.get("To", "")),
            ("Call-ID", headers.get("Call-ID", "")),
            ("CSeq", f"{self.request.cseq.number} ACK"),
        ]
        return bytes(assemble("ACK", str(self.request.uri), lines))

    def expect_end(self, now: float) -> None:
        """Give an INVITE that was cancelled 64*T1 to come to its final answer (RFC 3261 section 9.1)."""
        self.cancelled = True
        self._ends = now + self._transactions.patience
        self._set_timer(self._ends)

    def transport_error(self, now: float) -> None:
        """Fail: the flow broke, or none was found."""
        self._fail(Input.TRANSPORT_ERROR, "transport", now)

    def settle(self) -> None:
        """Come to an end, although the final answer could not be handled; 2xx to an INVITE may still be repeated."""
        if self.state is not State.ACCEPTED:
            self.abandon()

    def abandon(self) -> None:
        """End without a word: whoever sent the request has no use for the answer."""
        self._life.follow(Input.ABANDON)
        self._release()

    # Timers ----------------------------------------------------------------------------------------------------------

    def _set_timer(self, at: float) -> None:
        self._stop_timer()
        self._timer = self._transactions.timers.start(min(at, self._ends), self._on_timer)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._transactions.timers.stop(self._timer)
        self._timer = None

    def _on_timer(self, now: float) -> None:
        self._timer = None
        if now >= self._ends:
            self._fail(Input.TIMEOUT, "timeout", now)
        elif self._life.follow(Input.RESEND):
            self._resend(now)

    def _resend(self, now: float) -> None:
        assert self.flow is not None
        transactions = self._transactions
        if self._may_repeat(self.flow):
            transactions.transport.send(self.flow, self.data)
        self._interval *= 2
        if self.method != "INVITE":
            ceiling = transactions.config.t2
            self._interval = ceiling if self.state is State.PROCEEDING else min(self._interval, ceiling)
        self._set_timer(now + self._interval)

    def _may_repeat(self, flow: Flow) -> bool:
        """Whether one more copy is sent, which is not what an invented peer, or a victim, should get many of."""
        sources, t1 = self._transactions.transport.sources, self._transactions.config.t1
        if self.passed_on:
            return flow in sources.proven or self._interval <= t1 * 2 ** (_COPIES - 2)
        # A peer can cause a NOTIFY, or a BYE for want of an ACK: no more copies of them than it paid for.
        caused = self.request is not None and self.request.to.tag is not None
        return not caused or sources.affords(flow, len(self.data))

    def waited(self, now: float) -> None:
        """Learn that no repetition of the answer comes any more."""
        if self._life.follow(Input.LINGERED):
            self._release()

    def _fail(self, given: Input, reason: str, now: float) -> None:
        before = self._life.state
        if not self._life.follow(given):
            return
        silent = before in (State.CALLING, State.TRYING)
        broken = given is Input.TRANSPORT_ERROR
        others = self._others() if silent and (self.after_silence or broken) else None
        again, size = self.again if silent and broken else None, len(self.data)
        self._release()
        if others is not None:
            self._transactions.move_on(self, others, refused=False, now=now)
        elif again is not None:
            self._transactions.send_again(self, again, size, now)
        elif before is not State.COMPLETED:  # there the user has its answer already
            self.user.on_failure(self, reason, now)

    def _release(self) -> None:
        """Let go of everything: it is over."""
        self._stop_timer()
        self._transactions.transport.abandon(self._search)
        self._search = None
        if self.alone and self.flow is not None:
            self._transactions.transport.sources.unproven.closes(self.flow, self.id)
        self._transactions.unregister(self)
