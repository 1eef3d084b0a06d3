"""What an endpoint reports. Every event names the core that owns it; ``""`` means the application or driver."""

from __future__ import annotations

import enum

import attrs

from sip.failure import Failure
from sip.flow import Destination, Flow
from sip.ids import RequestId, SessionId, SubscriptionId, TransactionId, WantId
from sip.message.request import Request
from sip.message.response import Response
from sip.shown import Shown
from sip.syntax.uri import Uri


class FailureCause(enum.Enum):
    """Why an INVITE of ours came to nothing."""

    RESPONSE = "response"  #: a final answer other than 2xx
    TIMEOUT = "timeout"  #: nobody answered in time
    TRANSPORT = "transport"  #: the request could not be sent, or the connection broke
    CANCELLED = "cancelled"  #: we cancelled it
    LIMIT = "limit"  #: a limit of this endpoint was reached
    UNUSABLE = "unusable"  #: a 2xx that cannot be used: it was acknowledged and ended with BYE; ``detail`` says why


class EndCause(enum.Enum):
    """Why a session that was answered is over."""

    BYE_RECEIVED = "bye received"
    BYE_SENT = "bye sent"
    NO_ACK = "no ack"  #: our 2xx was never acknowledged (RFC 3261 section 13.3.1.4)
    EXPIRED = "expired"  #: the session timer ran out (RFC 4028 section 10)
    DIALOG_GONE = "dialog gone"  #: the peer answered 481, or 408 or nothing where that ends the session
    FLOW_LOST = "flow lost"  #: the connection broke before the session was confirmed


@attrs.frozen(kw_only=True)
class Event(Shown):
    """Something happened."""

    owner: str  #: the core that it is for


# Plain requests ------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class RequestReceived(Event):
    """A new request that waits for ``respond``; for a transparent core any method but ACK and CANCEL.

    ``session`` and ``subscription`` name the usage when it came inside a dialog. A BENOTIFY for a
    transparent core has ``transaction`` None: it is forwarded without state and never answered.
    """

    transaction: TransactionId | None
    request: Request
    flow: Flow
    session: SessionId | None = None
    subscription: SubscriptionId | None = None


@attrs.frozen(kw_only=True)
class CredentialsRefused(Event):
    """Somebody showed a wrong password, or a right one where it is not heard or for a name that is not his.

    Never for credentials that can be forged by who does not read our answers, nor for those that are merely old.
    """

    realm: str  #: whose passwords they are; the conference of a passcode
    username: str  #: as the sender wrote it
    source: str  #: address, of IPv6 the /64 network; of what a proxy of ours passed on, where that got it from
    reason: str  #: for people


@attrs.frozen(kw_only=True)
class RequestFromElsewhere(Event):
    """A request of a dialog that came by another flow than the dialog, for a core that ``guards_dialogs``.

    It waits: for ``take_request`` if its sender is who he should be, else for ``respond``. ``session`` and
    ``subscriptions`` are what the dialog is used for.
    """

    transaction: TransactionId
    request: Request
    flow: Flow
    session: SessionId | None
    subscriptions: tuple[SubscriptionId, ...]


@attrs.frozen(kw_only=True)
class AckReceived(Event):
    """An ACK for a 2xx, for a transparent core to forward without state."""

    request: Request
    flow: Flow


@attrs.frozen(kw_only=True)
class CancelReceived(Event):
    """A CANCEL for the INVITE ``transaction`` of a transparent core. It has been answered 200 already."""

    transaction: TransactionId
    request: Request


@attrs.frozen(kw_only=True)
class ServerTransactionEnded(Event):
    """An INVITE server transaction of a transparent core is over; nothing can be sent in it any more."""

    transaction: TransactionId


@attrs.frozen(kw_only=True)
class ProvisionalReceived(Event):
    """A 1xx. For a forwarded request the Via that the endpoint pushed is already removed."""

    request_id: RequestId
    response: Response


@attrs.frozen(kw_only=True)
class ResponseReceived(Event):
    """The final answer: terminal, but several 2xx may follow each other for a forwarded INVITE.

    For a forwarded request the Via that the endpoint pushed is already removed.
    """

    request_id: RequestId
    response: Response


@attrs.frozen(kw_only=True)
class RequestFailed(Event):
    """No final answer will come: terminal."""

    request_id: RequestId
    #: "timeout", "transport", "limit", "ended" (the session that it belonged to is over) or "glare" (it was not sent,
    #: because an offer of the other side came first); of a proxy also "withheld" (`Endpoint.forward`)
    reason: str


# INVITE sessions -----------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class InviteReceived(Event):
    """Somebody calls: answer with ``progress``, ``accept`` or ``reject``.

    After ``reject`` nothing more is reported; otherwise exactly one of SessionCancelled and SessionEnded follows.
    """

    session: SessionId
    transaction: TransactionId
    request: Request
    flow: Flow


@attrs.frozen(kw_only=True)
class SessionProgressed(Event):
    """A 101-199 to our INVITE; several To tags mean that it was forked.

    With ``awaits_prack`` call ``prack``: the answer is a reliable one that carries an offer, which PRACK has to answer
    (RFC 3262 section 5), or ``invite`` was told that the core acknowledges. Every other reliable one has been
    acknowledged.
    """

    session: SessionId
    response: Response
    awaits_prack: bool = False


@attrs.frozen(kw_only=True)
class SessionAnswered(Event):
    """A 2xx to our INVITE; it has been acknowledged, unless the INVITE had no body (then call ``ack``)."""

    session: SessionId
    response: Response


@attrs.frozen(kw_only=True)
class SessionRedirected(Event):
    """A 3xx to our INVITE: call ``redirect`` with one of the targets, or ``give_up``."""

    session: SessionId
    response: Response
    targets: tuple[Uri, ...]  #: Contacts by falling q (RFC 3261 section 8.1.3.4)


@attrs.frozen(kw_only=True)
class SessionFailed(Failure, Event):
    """Our INVITE was not answered with 2xx: terminal."""

    session: SessionId
    status: int | None
    response: Response | None
    cause: FailureCause
    before_provisional: bool  #: no sign of the INVITE having arrived: safe to try elsewhere
    detail: str = ""  #: what of the 2xx could not be read or used


@attrs.frozen(kw_only=True)
class SessionConfirmed(Event):
    """The ACK for our 2xx arrived. Of a re-INVITE only one that has a body is told, or that should answer our offer."""

    session: SessionId
    request: Request


@attrs.frozen(kw_only=True)
class SessionCancelled(Event):
    """The caller gave up before we answered: terminal. The INVITE has been answered 487."""

    session: SessionId
    request: Request | None  #: the CANCEL or BYE; None when the caller went silent or its connection broke


@attrs.frozen(kw_only=True)
class ReinviteReceived(Event):
    """An INVITE inside the session: answer it with ``respond``."""

    session: SessionId
    transaction: TransactionId
    request: Request


@attrs.frozen(kw_only=True)
class UpdateReceived(Event):
    """An UPDATE with a body: answer it at once with ``respond`` (RFC 3311 section 5.2)."""

    session: SessionId
    transaction: TransactionId
    request: Request


@attrs.frozen(kw_only=True)
class PrackReceived(Event):
    """A PRACK with a body (RFC 3262 section 5).

    ``transaction`` None: it is the answer to the offer in our reliable provisional answer, and has been answered 200.
    Otherwise it is an offer: answer it at once with ``respond``, status 200. A 2xx to the INVITE waits for that.
    """

    session: SessionId
    transaction: TransactionId | None
    request: Request


@attrs.frozen(kw_only=True)
class SessionRefreshed(Event):
    """The session timer was restarted by either side (RFC 4028)."""

    session: SessionId


@attrs.frozen(kw_only=True)
class SessionFlowLost(Event):
    """The connection that the dialog used is closed. The dialog lives on; the next request opens another one."""

    session: SessionId


@attrs.frozen(kw_only=True)
class SessionEnded(Event):
    """An answered session is over: terminal."""

    session: SessionId
    cause: EndCause
    request: Request | None = None  #: the BYE that was received


# Subscriptions -------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class SubscribeReceived(Event):
    """Somebody subscribes, refreshes (``initial`` False) or ends (``expires`` 0).

    Answer each of them with ``accept_subscription`` or ``reject_subscription``.
    """

    subscription: SubscriptionId
    transaction: TransactionId
    request: Request
    flow: Flow
    expires: int | None  #: seconds asked for, None when the request did not say
    initial: bool


@attrs.frozen(kw_only=True)
class SubscriptionAccepted(Event):
    """The notifier answered 2xx to our SUBSCRIBE, first or refresh."""

    subscription: SubscriptionId
    response: Response
    expires: int  #: seconds granted


@attrs.frozen(kw_only=True)
class NotifyReceived(Event):
    """A notification: NOTIFY (already answered 200), BENOTIFY, or a first document piggybacked in the 2xx."""

    subscription: SubscriptionId
    request: Request | Response
    body: bytes
    content_type: str | None
    state: str  #: "active", "pending" or "terminated"


@attrs.frozen(kw_only=True)
class SubscriptionFlowLost(Event):
    """The connection that the dialog of a subscription of ours used is closed. The subscription lives on.

    A notifier that has no other way to us, or sends BENOTIFY, has lost us with it: refresh the subscription, which
    opens another connection, and asks for the whole state.
    """

    subscription: SubscriptionId


@attrs.frozen(kw_only=True)
class SubscriptionRestarted(Event):
    """The notifier forgot a subscription of ours ("gone") or fell silent ("unreachable"): it is begun anew.

    It keeps its number; its dialog and its documents begin again. SubscriptionAccepted and NotifyReceived follow, or
    SubscriptionEnded.
    """

    subscription: SubscriptionId
    reason: str


@attrs.frozen(kw_only=True)
class SubscriptionFailed(Failure, Event):
    """Our first SUBSCRIBE was refused or not answered: terminal."""

    subscription: SubscriptionId
    status: int | None  #: None when nobody answered
    response: Response | None


@attrs.frozen(kw_only=True)
class SubscriptionEnded(Event):
    """A subscription is over, on either side: terminal.

    ``reason`` is that of RFC 6665 section 4.1.3 when one was given, otherwise "timeout" (it expired),
    "unsubscribed", "gone" (refused as not there any more, such as 481), "unreachable" (a NOTIFY or refresh was not
    answered, or a SUBSCRIBE not followed by a NOTIFY) or "rejected".
    """

    subscription: SubscriptionId
    reason: str
    retry_after: int | None = None  #: seconds


@attrs.frozen(kw_only=True)
class NotifyFailed(Event):
    """A NOTIFY was answered with an error that does not end the subscription; the document is lost."""

    subscription: SubscriptionId
    status: int


# Questions to the driver ---------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class ConnectWanted(Event):
    """A flow to ``destination`` is wanted: answer with ``flow_opened`` or ``flow_failed``."""

    id: WantId
    destination: Destination


@attrs.frozen(kw_only=True)
class ResolveWanted(Event):
    """A name is to be located (RFC 3263): answer with ``resolved`` or ``flow_failed``."""

    id: WantId
    uri: Uri
    host: str
    port: int | None  #: None when the URI has none
    transport: str | None  #: "UDP", "TCP" or "TLS"; None when the URI leaves it open


@attrs.frozen(kw_only=True)
class FlowClosed(Event):
    """A connection is gone: for cores that keep something of it and said so (`Endpoint.watch_flows`)."""

    flow: Flow


@attrs.frozen(kw_only=True)
class FlowLost(Event):
    """The endpoint gave a flow up (it took no more data, or broke framing): the driver should close it."""

    flow: Flow
    reason: str
