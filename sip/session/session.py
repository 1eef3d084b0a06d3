"""One INVITE session."""

from __future__ import annotations

from sip.core.dialog import Dialog
from sip.core.routing import CoreEntry
from sip.headers.name_addr import NameAddr
from sip.ids import SessionId
from sip.life import Life
from sip.message.bodies import SDP, description_in
from sip.message.lines import Lines
from sip.message.request import Request
from sip.message.response import Response
from sip.session.ack import Ack
from sip.session.invites import CalleeInvite, CallerInvite
from sip.session.retransmission import Retransmission
from sip.session.session_timer import Interval, SessionTimer
from sip.session.tables import SESSION, SessionInput, SessionState
from sip.session.view import SessionView
from sip.transactions.client import ClientTransaction
from sip.transactions.server import ServerTransaction


class Session:
    """State of one call. What changes ``state`` goes through the table of sip.session.tables."""

    __slots__ = (
        "_life",
        "_remote_allow",
        "_remote_supported",
        "awaiting",
        "bye_headers",
        "called",
        "contact",
        "core",
        "dialog",
        "forks",
        "id",
        "invite",
        "last_body",
        "late_prack",
        "min_se",
        "offered",
        "open_pracks",
        "outgoing",
        "owner",
        "raised",
        "received_invite",
        "reinvite",
        "removed",
        "source",
        "timer",
        "unacknowledged",
        "update",
        "updates",
    )

    def __init__(self, session_id: SessionId, core: CoreEntry, state: SessionState) -> None:
        self.id = session_id
        self.core = core
        self.owner = core.owner  #: name of the core
        self._life = Life(SESSION, state, of="a session")
        self.dialog: Dialog | None = None
        self.source: str | None = None  #: where it counts in limits by source, if a peer began it
        self.called = False  #: whether we began it, and chose its Call-ID
        self.contact: str | None = None  #: Contact that the core gave; None takes the address of the flow
        self.invite: CallerInvite | None = None  #: our INVITE, first or re-INVITE, that can still get a 2xx
        self.forks: dict[str, Dialog] = {}  #: early dialogs of our INVITE by remote tag
        self.awaiting: Ack | None = None  #: the ACK that the core is to give
        self.removed = False  #: whether the end was reported
        self.received_invite: CalleeInvite | None = None  #: the INVITE that made the session, while unanswered
        self.late_prack: tuple[str, ...] = ()  #: RAck of a provisional that was open when our 2xx went out
        self.reinvite: ServerTransaction | None = None  #: a re-INVITE that the core has not answered
        self.update: ServerTransaction | None = None  #: an UPDATE with an offer that the core has not answered
        self.outgoing: ClientTransaction | None = None  #: our re-INVITE without final answer
        self.open_pracks = 0  #: our PRACKs without final answer
        self.updates = 0  #: our UPDATEs with an offer that wait for their answer
        self.unacknowledged: dict[int, Retransmission] = {}  #: 2xx of ours without ACK, by CSeq
        self.offered: int | None = None  #: CSeq of a re-INVITE whose 2xx has our offer, until the ACK that answers it
        self.bye_headers: Lines | None = None  #: a BYE that waits for the ACK
        self.last_body: tuple[bytes, str | None] = (b"", None)  #: the session description we sent last
        self.timer: SessionTimer | None = None
        self.min_se = 0  #: seconds, the largest Min-SE that was heard in this dialog (RFC 4028 section 7.4)
        self.raised = 0  #: 422 in a row to refreshes of ours
        # Kept as they came: few sessions are ever asked.
        self._remote_supported: tuple[str, ...] = ()
        self._remote_allow: tuple[str, ...] = ()

    @property
    def state(self) -> SessionState:
        """Return how far it is."""
        return self._life.state

    @property
    def over(self) -> bool:
        """Whether nothing can happen any more."""
        return self._life.state is SessionState.TERMINATED

    @property
    def interval(self) -> Interval | None:
        """Return the session interval in force."""
        return None if self.timer is None else self.timer.interval

    def process(self, given: SessionInput) -> bool:
        """Change the state for what a peer or a timer did; False when the table has no use for it."""
        changed = self._life.follow(given)
        if self.dialog is not None and self.dialog.unsaved is not None:
            self.dialog.touch()
        return changed

    def command(self, given: SessionInput) -> None:
        """Change the state for what the core does; raises LocalProtocolError."""
        self._life.command(given)
        if self.dialog is not None and self.dialog.unsaved is not None:
            self.dialog.touch()

    def check(self, given: SessionInput) -> None:
        """Raise LocalProtocolError where ``command`` would; changes nothing."""
        self._life.check(given)

    def hear(self, message: Request | Response) -> None:
        """Note what the other side says that it can do."""
        known = message.headers.by_key
        self._remote_supported = known.get("supported", self._remote_supported)
        self._remote_allow = known.get("allow", self._remote_allow)
        if "min-se" in known:
            self.hear_min_se(message)

    def hear_min_se(self, message: Request | Response) -> bool:
        """Note how short a session may be at least, from a request or a 422; whether that is more than was known."""
        before, self.min_se = self.min_se, max(self.min_se, message.min_se or 0)
        return self.min_se > before

    @property
    def remote_supported(self) -> tuple[str, ...]:
        """Return the option tags, in lower case, of the last message that listed any."""
        return tuple(tag.lower() for tag in _listed(self._remote_supported))

    @property
    def remote_allow(self) -> tuple[str, ...]:
        """Return the methods of the last message that listed any."""
        return tuple(_listed(self._remote_allow))

    def recall(self, supported: tuple[str, ...], allow: tuple[str, ...]) -> None:
        """Know again what the other side once said that it can do."""
        self._remote_supported, self._remote_allow = supported, allow

    def disallow(self, method: str) -> None:
        """Note that the other side refused a method that it listed."""
        self._remote_allow = tuple(each for each in self.remote_allow if each != method)

    def sent(self, body: bytes, content_type: str | None) -> None:
        """Note a body that describes our side of the session, for refreshes by re-INVITE."""
        description = b"" if content_type is None else description_in(body, content_type)
        if description:
            self.last_body = (description, content_type if description is body else SDP)

    def release(self) -> None:
        """Let go of what a session that is over has no use for, although lingering transactions may still know it."""
        if self.invite is not None:
            self.invite.release()
        self.invite = self.timer = None
        self.last_body = (b"", None)
        if self.outgoing is None:  # otherwise a 2xx to our re-INVITE still gets its ACK
            self.dialog = None

    def view(self) -> SessionView:
        """Return a frozen picture."""
        dialog = self.dialog or next(iter(self.forks.values()), None)
        interval = self.interval
        if dialog is None:
            assert self.invite is not None
            return self._view_before_dialog(
                self.invite.ours.local_value, self.invite.remote_value, self.invite.ours.call_id
            )
        return SessionView(
            state=self.state,
            call_id=dialog.call_id,
            local_tag=dialog.local_tag,
            remote_tag=dialog.remote_tag,
            local_uri=NameAddr.parse(dialog.local_value),
            remote_uri=NameAddr.parse(dialog.remote_value),
            remote_target=dialog.target,
            route_set=tuple(NameAddr.parse(each) for each in dialog.route_set),
            flow=dialog.flow,
            remote_supported=self.remote_supported,
            remote_allow=self.remote_allow,
            session_interval=None if interval is None else interval.seconds,
        )

    def _view_before_dialog(self, local: str, remote: str, call_id: str) -> SessionView:
        local_uri = NameAddr.parse(local)
        return SessionView(
            state=self.state,
            call_id=call_id,
            local_tag=local_uri.tag or "",
            remote_tag="",
            local_uri=local_uri,
            remote_uri=NameAddr.parse(remote),
            remote_target=None,
            route_set=(),
            flow=None,
            remote_supported=(),
            remote_allow=(),
            session_interval=None,
        )


def session_of(dialog: Dialog) -> Session | None:
    """Return the session that uses a dialog."""
    session = dialog.session
    assert session is None or isinstance(session, Session)
    return session


def _listed(lines: tuple[str, ...]) -> list[str]:
    return [item.strip() for line in lines for item in line.split(",") if item.strip()]
