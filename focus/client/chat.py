"""A client's part in the chat of its conference: one INVITE session with the chat MCU, and messages in it.

The session description says nothing but which forms of messages are shown: they run in the dialog (MS-CONFIM).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from c3p import (
    COMPOSING_TYPE,
    DELIVERY_REPORT_TYPE,
    C3PError,
    Composing,
    ConferenceInfo,
    DeliveryReport,
    McuType,
    SessionType,
    mcu_uri,
    uri_key,
)
from focus.client.config import ClientConfig
from focus.client.events import (
    ChatClosed,
    ChatOpened,
    CommandFailed,
    CommandId,
    CommandSucceeded,
    ComposingChanged,
    FailureReason,
    LeaveCause,
    MessageNotDelivered,
    MessageReceived,
)
from focus.client.outgoing import Outgoing, diagnostics_in
from focus.contact import own_name
from focus.errors import LocalProtocolError
from sip import (
    ContentType,
    EndCause,
    Endpoint,
    Event,
    NameAddr,
    ReinviteReceived,
    Request,
    RequestFailed,
    RequestId,
    RequestReceived,
    ResponseReceived,
    SessionAnswered,
    SessionEnded,
    SessionFailed,
    SessionId,
    SessionRedirected,
    SipError,
    TransactionId,
    UpdateReceived,
)

SDP: Final = "application/sdp"
PLAIN: Final = "text/plain"
UTF_8: Final = f"{PLAIN};charset=UTF-8"
#: What is shown: text in any form, and signs that somebody is writing.
TEXTS: Final = (PLAIN, "text/html", "text/rtf")
SHOWN: Final = (*TEXTS, COMPOSING_TYPE)
TAKEN: Final = (*SHOWN, DELIVERY_REPORT_TYPE)  #: what the session takes, reports in NOTIFY with it
MAX_MESSAGE: Final = 65_536  #: octets of one message that is shown; an MCU of ours takes half as much
#: Requests of one stay that wait for an answer; whoever types faster than a server answers has lost it.
MAX_OPEN: Final = 64
#: Seconds between the roster that does not show us any more and the end: a BYE of the MCU that says why may be coming.
GRACE: Final = 5.0


def _is_in_chat(roster: ConferenceInfo, aor: str) -> bool:
    """Whether a user is shown in the chat, by whatever device."""
    users = roster.users.users if roster.users is not None else ()
    own = (user for user in users if uri_key(user.entity) == uri_key(aor))
    return any(each.session_type == SessionType.CHAT for user in own for each in user.endpoints)


def description(host: str) -> bytes:
    """That messages can be had. Address, port and ``null`` mean nothing, and are there because they must."""
    family = "IP6" if ":" in host else "IP4"
    lines = (
        *("v=0", f"o=- 0 0 IN {family} {host}", "s=session", f"c=IN {family} {host}", "t=0 0"),
        *("m=message 5060 sip null", f"a=accept-types:{' '.join(TAKEN)}"),
    )
    return "".join(f"{line}\r\n" for line in lines).encode()


class Chat:
    """The one session of a client with the chat of the conference that it is in."""

    def __init__(self, endpoint: Endpoint, config: ClientConfig, outgoing: Outgoing) -> None:
        self._endpoint, self._config, self._outgoing = endpoint, config, outgoing
        self._description = description(own_name(endpoint, "0.0.0.0").strip("[]"))
        self._session: SessionId | None = None
        self._opening: CommandId | None = None
        self._said: dict[RequestId, CommandId] = {}
        self._passed_on: OrderedDict[str, CommandId] = OrderedDict()  # by Message-Id, of which a report may come
        self._shown = False  #: whether the roster has shown that we are in it
        self.first: float | None = None  #: when it is taken for lost, because the roster does not show us any more

    # Commands --------------------------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether something can be said."""
        return self._session is not None and self._opening is None

    def open(self, conference_uri: str, *, now: float) -> CommandId:
        """Call the chat MCU. Raises LocalProtocolError when that was done before."""
        if self._session is not None:
            raise LocalProtocolError("the chat is open, or being opened")
        uri = mcu_uri(conference_uri, McuType.CHAT)
        self._session = self._endpoint.invite(
            self._config.owner,
            uri,
            from_=self._config.sender,
            to=NameAddr(uri),
            body=self._description,
            content_type=SDP,
            route=self._config.route,
            now=now,
        )
        self._opening = self._outgoing.new_command()
        return self._opening

    def say(self, body: bytes, content_type: str, *, now: float) -> CommandId:
        """Send a message. Raises LocalProtocolError outside of the chat, or when too many wait for an answer."""
        if self._session is None or self._opening is not None:
            raise LocalProtocolError("not in the chat")
        if len(self._said) >= MAX_OPEN:
            raise LocalProtocolError("too many messages wait for an answer")
        request = self._endpoint.request_in_session(
            self._session, "MESSAGE", body=body, content_type=content_type, now=now
        )
        command = self._said[request] = self._outgoing.new_command()
        return command

    def close(self, cause: LeaveCause = LeaveCause.LEFT, *, now: float) -> list[Event]:
        """Leave the chat, if it is open or being opened; ``cause`` of the end of the stay in the conference."""
        session, opening = self._session, self._opening
        if session is None:
            return []
        if opening is not None:
            self._endpoint.cancel(session, now=now)
        elif not self._endpoint.is_over(session):
            self._endpoint.bye(session, now=now)
        return self._over(opening, cause)

    # The roster ------------------------------------------------------------------------------------------------------

    def look(self, roster: ConferenceInfo, *, now: float) -> None:
        """See whether the MCU has us. One that died tells nobody; the Focus takes us off (docs/flows.rst, 11)."""
        if not self.is_open:
            return
        if _is_in_chat(roster, self._config.aor):
            self._shown, self.first = True, None
        elif self._shown and self.first is None:
            self.first = now + GRACE

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Give a session up that the MCU does not have any more: it can be opened again."""
        if self.first is None or self.first > now:
            return []
        return self.close(LeaveCause.LOST, now=now)

    # Events of the endpoint ------------------------------------------------------------------------------------------

    def owns(self, event: Event) -> bool:
        """Whether an event is about this session, or about a request in it."""
        request = getattr(event, "request_id", None)
        session = getattr(event, "session", None)
        return request in self._said or (session is not None and session == self._session)

    def handle(self, event: Event, *, now: float) -> list[Event]:
        """Act on it: what the application is told."""
        match event:
            case SessionAnswered():
                return self._answered()
            case SessionRedirected():
                self._endpoint.give_up(event.session, now=now)  # an MCU is where its Focus says
            case SessionFailed():
                return self._failed(event)
            case SessionEnded():
                return self._over(None, _CAUSES.get(event.cause, LeaveCause.LOST))
            case RequestReceived() if event.transaction is not None:
                return self._requested(event.request, event.transaction, now)
            case ReinviteReceived() | UpdateReceived():
                body = self._description
                self._endpoint.respond(event.transaction, 200, body=body, content_type=SDP, now=now)
            case ResponseReceived() | RequestFailed():
                return self._told(event)
        return []

    def _answered(self) -> list[Event]:
        command, self._opening = self._opening, None
        return [ChatOpened(owner=self._config.owner, command=command)] if command is not None else []

    def _failed(self, event: SessionFailed) -> list[Event]:
        command, self._opening, self._session = self._opening, None, None
        if command is None:
            return []
        refused = event.status is not None
        return [
            CommandFailed(
                owner=self._config.owner,
                command=command,
                reason=FailureReason.REFUSED if refused else FailureReason.TRANSPORT,
                status=event.status,
                diagnostics=diagnostics_in(event.response),
            )
        ]

    def _over(self, opening: CommandId | None, cause: LeaveCause) -> list[Event]:
        """What was said and not answered will not be."""
        commands = [*([opening] if opening is not None else []), *self._said.values()]
        was_open = self._opening is None
        self._session, self._opening = None, None
        self._shown, self.first = False, None
        self._said.clear()
        self._passed_on.clear()
        owner = self._config.owner
        events: list[Event] = [
            CommandFailed(owner=owner, command=each, reason=FailureReason.DIALOG_ENDED) for each in commands
        ]
        if was_open:
            dismissed = cause in (LeaveCause.DISMISSED, LeaveCause.CONFERENCE_ENDED)
            events.append(ChatClosed(owner=owner, dismissed=dismissed, lost=cause is LeaveCause.LOST))
        return events

    def _told(self, event: ResponseReceived | RequestFailed) -> list[Event]:
        command = self._said.pop(event.request_id)
        owner = self._config.owner
        if isinstance(event, RequestFailed):
            return [CommandFailed(owner=owner, command=command, reason=FailureReason.TRANSPORT)]
        response = event.response
        if response.status < 300:
            self._passed_on[response.headers.get("Message-Id", "")] = command
            if len(self._passed_on) > MAX_OPEN:
                self._passed_on.popitem(last=False)
            return [CommandSucceeded(owner=owner, command=command, response=None)]
        return [
            CommandFailed(
                owner=owner,
                command=command,
                reason=FailureReason.REFUSED,
                status=response.status,
                diagnostics=diagnostics_in(response),
            )
        ]

    def _requested(self, request: Request, transaction: TransactionId, now: float) -> list[Event]:
        """A MESSAGE of the MCU, or a report about one of ours; INFO is understood, and of no interest."""
        if request.method == "NOTIFY":
            return self._reported(request, transaction, now)
        if request.method != "MESSAGE":
            self._endpoint.respond(transaction, 200, now=now)
            return []
        content_type = request.headers.get("Content-Type", "")
        media_type, charset = _read(content_type)
        sender = _sender(request)
        if media_type not in SHOWN:
            self._endpoint.respond(transaction, 415, headers=(("Accept", ", ".join(SHOWN)),), now=now)
        elif sender is None:
            self._endpoint.respond(transaction, 400, now=now)
        elif len(request.body) > MAX_MESSAGE:
            self._endpoint.respond(transaction, 413, now=now)
        elif media_type == COMPOSING_TYPE:
            return self._composing(request.body, sender, transaction, now)
        else:
            self._endpoint.respond(transaction, 200, now=now)
            return [
                MessageReceived(
                    owner=self._config.owner,
                    sender=str(sender.uri),
                    display_name=sender.display_name,
                    content_type=content_type,
                    body=request.body,
                    text=_decoded(request.body, charset),
                )
            ]
        return []

    def _reported(self, request: Request, transaction: TransactionId, now: float) -> list[Event]:
        """Somebody may not have got what was said here."""
        if _read(request.headers.get("Content-Type", ""))[0] != DELIVERY_REPORT_TYPE:
            self._endpoint.respond(transaction, 415, headers=(("Accept", DELIVERY_REPORT_TYPE),), now=now)
            return []
        try:
            report = DeliveryReport.parse(request.body)
        except C3PError:
            self._endpoint.respond(transaction, 400, now=now)
            return []
        self._endpoint.respond(transaction, 200, now=now)
        command = self._passed_on.pop(report.message_id, None)
        recipients = tuple((each.uri.strip("<>"), each.status) for each in report.recipients)
        if command is None or not recipients:
            return []
        return [MessageNotDelivered(owner=self._config.owner, command=command, recipients=recipients)]

    def _composing(self, body: bytes, sender: NameAddr, transaction: TransactionId, now: float) -> list[Event]:
        try:
            sign = Composing.parse(body)
        except C3PError:
            self._endpoint.respond(transaction, 400, now=now)
            return []
        self._endpoint.respond(transaction, 200, now=now)
        return [ComposingChanged(owner=self._config.owner, sender=str(sender.uri), active=sign.active)]


#: Others are taken for UTF-8: Python knows encodings that no message is in.
_CHARSETS: Final = frozenset(("utf-8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252", "utf-16"))
#: Ends of a session that somebody wanted.
_CAUSES: Final = {EndCause.BYE_SENT: LeaveCause.LEFT, EndCause.BYE_RECEIVED: LeaveCause.DISMISSED}


def _read(content_type: str) -> tuple[str, str]:
    """Media type and charset; empty type for what cannot be read."""
    try:
        read = ContentType.parse(content_type)
    except SipError:
        return "", ""
    return read.media_type, read.charset or "utf-8"


def _sender(request: Request) -> NameAddr | None:
    """Who says it, as the MCU knows: ``Ms-Sender``. None when it does not say."""
    try:
        return NameAddr.parse(request.headers.get("Ms-Sender", ""))
    except SipError:
        return None


def _decoded(body: bytes, charset: str) -> str:
    return body.decode(charset if charset in _CHARSETS else "utf-8", "replace")
