"""All transactions of one endpoint: matching, limits, and what a broken flow means for them."""

from __future__ import annotations

from collections.abc import Callable

from sip.context import Context
from sip.events import Event
from sip.flow import Destination, Flow
from sip.headers.via import Via
from sip.ids import RequestId, TransactionId
from sip.message.lines import Lines, assemble
from sip.message.request import Request
from sip.message.response import Response
from sip.syntax.uri import Uri
from sip.timers import Queue
from sip.transactions.client import ClientTransaction, ClientUser, Finish
from sip.transactions.server import ServerTransaction
from sip.transactions.tables import State
from sip.transport.next_hop import Search
from sip.transport.transport import Transport

_COOKIE = "z9hG4bK"

#: A request whose final answer could not be handled, and the events that it had caused by then.
Broken = tuple[ClientTransaction, list[Event]]


class Transactions:
    """Client and server transactions by their keys (RFC 3261 sections 17.1.3 and 17.2.3)."""

    def __init__(self, context: Context, transport: Transport) -> None:
        self.context = context
        self.config = context.config
        self.timers = context.timers
        self.transport = transport
        self.patience = 64 * context.config.t1
        self.lingering = Queue(context.timers, self.patience)  # timers D, J, L and M
        self.settling = Queue(context.timers, context.config.t4)  # timers I and K
        self._clients: dict[tuple[str, str], ClientTransaction] = {}
        self._by_request: dict[int, ClientTransaction] = {}
        self._by_flow: dict[int, set[ClientTransaction]] = {}
        self._servers: dict[object, ServerTransaction] = {}
        self._by_transaction: dict[int, ServerTransaction] = {}
        self._merging: dict[object, ServerTransaction] = {}

    def __len__(self) -> int:
        return len(self._by_request) + len(self._by_transaction)

    # Client side -----------------------------------------------------------------------------------------------------

    def send(
        self,
        method: str,
        user: ClientUser,
        finish: Finish,
        *,
        now: float,
        flow: Flow | None = None,
        next_hop: Uri | None = None,
        size: int = 0,
        branch: str | None = None,
        request_id: RequestId | None = None,
        after_silence: bool = True,
        server: Destination | None = None,
        may_leave_flow: bool = False,
        passed_on: bool = False,
        alone: bool = False,
    ) -> ClientTransaction:
        """Start a client transaction on ``flow``, or on one to ``next_hop``.

        ``size`` is about how many octets will be sent; ``request_id`` goes on with a number given before. Where
        several servers were found, the next is tried when one fails; ``after_silence`` False gives up instead when
        one did not answer in time, and ``server`` is tried first if it is among them. ``may_leave_flow`` says that
        ``flow`` is a convenience: when it is a connection of ours that breaks, the request goes to ``next_hop``.
        ``passed_on`` has few copies sent to a host that may be an invention, ``alone`` one such request at a time.
        """
        number = RequestId(self.context.new_id()) if request_id is None else request_id
        transaction = ClientTransaction(self, number, method, branch or self.context.new_branch(), user, finish)
        if len(self) >= self.config.max_transactions:
            self.context.count("refused: too many transactions")
            transaction.abandon()
            user.on_failure(transaction, "limit", now)
            return transaction
        self._by_request[number] = transaction
        transaction.after_silence, transaction.passed_on, transaction.alone = after_silence, passed_on, alone
        if flow is not None and self.transport.is_open(flow):
            transaction.again = next_hop if may_leave_flow and self.transport.opened(flow) else None
            transaction.start(lambda: None, now)
            transaction.flow_ready(flow, now)
        elif next_hop is not None:
            hop = transaction.again = next_hop
            transaction.start(lambda: self.transport.find(hop, transaction, size=size, first=server, now=now), now)
            if transaction.state is State.WAITING:
                transaction.again = None  # a connection of its own, and not one that was about to be closed
        else:
            transaction.transport_error(now)
        return transaction

    def move_on(self, failed: ClientTransaction, search: Search, *, refused: bool, now: float) -> None:
        """Send a request to the next server in a new transaction under its old number (RFC 3263 section 4.3)."""
        self.context.count("request sent to another server")
        # What follows, with credentials perhaps, should not wait for it once more.
        self.transport.avoid(search.destinations[0], now + self.patience)
        following = failed.for_another_server()
        self._by_request[failed.id] = following
        following.start_again(failed, search, refused=refused, now=now)

    def send_again(self, failed: ClientTransaction, next_hop: Uri, size: int, now: float) -> None:
        """Send a request once more whose connection broke, perhaps because it had been idle for long."""
        self.context.count("request sent over another connection")
        following = failed.for_another_server()
        self._by_request[failed.id] = following
        following.start(lambda: self.transport.find(next_hop, following, size=size, now=now), now)

    def register(self, transaction: ClientTransaction, flow: Flow) -> None:
        """Note a transaction whose request went out."""
        self.context.traffic.request("out", transaction.method)
        self._clients[transaction.branch, transaction.method] = transaction
        on_flow = self._by_flow.get(flow.id)
        if on_flow is None:
            self._by_flow[flow.id] = {transaction}
        else:
            on_flow.add(transaction)

    def unregister(self, transaction: ClientTransaction) -> None:
        """Drop a transaction that is over."""
        if self._by_request.get(transaction.id) is transaction:
            del self._by_request[transaction.id]
        key = (transaction.branch, transaction.method)
        if self._clients.get(key) is transaction:
            del self._clients[key]
        if transaction.flow is not None:
            on_flow = self._by_flow.get(transaction.flow.id)
            if on_flow is not None:
                on_flow.discard(transaction)
                if not on_flow:
                    del self._by_flow[transaction.flow.id]

    def client(self, request_id: int) -> ClientTransaction | None:
        """Return the transaction of a request of ours that is not over."""
        return self._by_request.get(request_id)

    def receive_response(self, response: Response, flow: Flow, now: float) -> Broken | None:
        """Hand a response to its transaction; a stray one is dropped (RFC 6026 section 7).

        Returns what a final answer left open that could not be handled, None when all is well.
        """
        vias = response.via
        transaction = self._clients.get((vias[0].branch or "", response.cseq.method)) if vias else None
        if transaction is None:
            self.context.count("dropped: response without transaction")
            return None
        self.context.traffic.response("in", transaction.method, response.status)
        if (
            flow.remote.host not in self.transport.sources.proven.hosts
            and not flow.reliable
            and transaction.flow is not None
        ):
            self.transport.sources.answered(transaction.flow, flow)
        before = len(self.context.events)
        try:
            transaction.receive(response, now)
        except Exception as error:
            self.context.fault(error, f"receive {response.status} to {transaction.method}", message=response)
            if response.status >= 200:
                return transaction, self.context.events[before:]
        return None

    def cancel(
        self,
        invite: ClientTransaction,
        user: ClientUser,
        *,
        headers: Lines | None = None,
        now: float,
    ) -> None:
        """Send CANCEL for an INVITE, at once or when its first provisional comes (RFC 3261 section 9.1).

        Once: a second CANCEL would share its branch with the first, and both ends would take them for one.
        """
        if invite.cancelled:
            return
        if invite.state is State.PROCEEDING:
            self._send_cancel(invite, user, headers, now)
        elif invite.state in (State.CALLING, State.WAITING):
            invite.cancelling = lambda then: self._send_cancel(invite, user, headers, then)

    def _send_cancel(self, invite: ClientTransaction, user: ClientUser, headers: Lines | None, now: float) -> None:
        request, flow = invite.request, invite.flow
        if request is None or flow is None:
            return
        invite.expect_end(now)
        lines: Lines = [
            ("Via", str(request.via[0])),
            *(("Route", route) for route in request.headers.get_all("Route")),
            ("Max-Forwards", "70"),
            ("From", request.headers.get("From", "")),
            ("To", request.headers.get("To", "")),
            ("Call-ID", request.headers.get("Call-ID", "")),
            ("CSeq", f"{request.cseq.number} CANCEL"),
            *(headers or ()),
        ]
        cancel = assemble("CANCEL", str(request.uri), lines)
        self.send("CANCEL", user, lambda flow, via: cancel, flow=flow, branch=invite.branch, now=now)

    # Server side -----------------------------------------------------------------------------------------------------

    def key_of(self, request: Request, via: Via, flow: Flow, method: str) -> object:
        """Return what tells one server transaction from another (RFC 3261 section 17.2.3).

        ``via`` is the top one as the sender wrote it.
        """
        branch = via.branch
        if branch is not None and branch.startswith(_COOKIE) and branch != _COOKIE:
            return branch, via.host, via.port, method
        sender = (request.call_id, request.cseq.number, method, request.from_.tag)
        if flow.reliable:
            # Nothing is sent twice on a connection: it needs no more than a name (Microsoft clients, no branch).
            return flow.id, *sender
        return str(request.uri), str(via), *sender

    def find_server(self, key: object) -> ServerTransaction | None:
        """Return the server transaction with that key."""
        return self._servers.get(key)

    def server(self, transaction_id: int) -> ServerTransaction | None:
        """Return a server transaction that is not over."""
        return self._by_transaction.get(transaction_id)

    def room_for(self, flow: Flow, method: str, shows_itself: Callable[[], bool] = lambda: False) -> str | None:
        """What a new request on a flow counts under; None when it is refused: there are too many, or of that source.

        ``shows_itself`` is that of `SourceLimits.asker`.
        """
        if len(self) >= self.config.max_transactions:
            self.context.count("refused: too many transactions")
            return None
        source = self.context.limits.asker(flow, method, shows_itself)
        if source is None:
            self.context.count("refused: too many transactions of one source")
        return source

    def open_server(self, key: object, request: Request, via: Via, flow: Flow, source: str) -> ServerTransaction:
        """Begin a server transaction for a new request that there is `room_for`.

        Whoever does not answer at once lets it ``wait``.
        """
        self.context.traffic.request("in", request.method)
        transaction = ServerTransaction(self, TransactionId(self.context.new_id()), key, request, via, flow)
        self._servers[key] = transaction
        self._by_transaction[transaction.id] = transaction
        transaction.source = source
        held = self.context.limits.transactions.held
        held[source] = held.get(source, 0) + 1
        if request.method == "INVITE":
            held = self.context.limits.invites.held
            held[source] = held.get(source, 0) + 1
        return transaction

    def answered(self, transaction: ServerTransaction) -> None:
        """Note that an INVITE has its final answer, or gets none any more."""
        self.context.limits.invites.give_back(transaction.source)

    def is_merged(self, request: Request) -> bool:
        """Whether the same request is already here by another way (RFC 3261 section 8.2.2.2)."""
        return self._merge_key(request) in self._merging

    def watch_merging(self, transaction: ServerTransaction) -> None:
        """Take a request without To tag into account for ``is_merged``."""
        key = transaction.merge_key = self._merge_key(transaction.request)
        self._merging[key] = transaction

    def _merge_key(self, request: Request) -> object:
        cseq = request.cseq
        return request.call_id, cseq.number, cseq.method, request.from_.tag

    def forget(self, transaction: ServerTransaction) -> None:
        """Drop a server transaction that is over."""
        self._servers.pop(transaction.key, None)
        self.context.limits.transactions.give_back(transaction.source)
        self._by_transaction.pop(transaction.id, None)
        if transaction.merge_key is not None and self._merging.get(transaction.merge_key) is transaction:
            del self._merging[transaction.merge_key]
        if not self._by_transaction:
            # A dict that only loses keys keeps the room that its busiest hour needed.
            for table in (self._servers, self._by_transaction, self._merging):
                table.clear()

    # Flows -----------------------------------------------------------------------------------------------------------

    def fail_on(self, flow: Flow, now: float) -> None:
        """Fail the requests of ours that wait for an answer on a flow that is gone."""
        for transaction in sorted(self._by_flow.get(flow.id, ()), key=lambda each: each.id):
            if transaction.flow == flow:
                self.context.attempt("fail a request", transaction.transport_error, now)
