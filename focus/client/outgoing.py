"""C3P requests of a client on their way: by SERVICE, INFO or INVITE, answered there or by a later INFO."""

from __future__ import annotations

from collections.abc import Iterable

from c3p import (
    CCCP_TYPE,
    AddConference,
    C3PError,
    Command,
    ConferenceInfo,
    GetConferencingCapabilities,
    OpenRequests,
    Outcome,
    Request,
    RequestEnded,
    RequestEvent,
    Response,
    parse_document,
)
from focus.client.config import ClientConfig
from focus.client.events import (
    CapabilitiesReceived,
    CommandAccepted,
    CommandFailed,
    CommandId,
    CommandSucceeded,
    ConferenceCreated,
    FailureReason,
)
from focus.client.learned import shown_in
from sip import (
    Due,
    Endpoint,
    Event,
    MsDiagnostics,
    NameAddr,
    RequestFailed,
    RequestId,
    RequestReceived,
    ResponseReceived,
    SessionId,
    SessionState,
    SipError,
    body_of,
    refusal_of_body,
)
from sip import Response as SipResponse

_REASONS = {
    Outcome.FAILED: FailureReason.FAILURE,
    Outcome.REFUSED: FailureReason.REFUSED,
    Outcome.TIMED_OUT: FailureReason.TIMEOUT,
    Outcome.DIALOG_ENDED: FailureReason.DIALOG_ENDED,
    Outcome.UNKNOWN: FailureReason.UNKNOWN,
}


def response_in(message: SipResponse | None) -> Response | None:
    """The C3P response in a body, None when there is none that can be read."""
    body = b"" if message is None else body_of(message, CCCP_TYPE)
    if not body:
        return None
    try:
        document = parse_document(body)
    except C3PError:
        return None
    return document if isinstance(document, Response) else None


def diagnostics_in(message: SipResponse | None) -> MsDiagnostics | None:
    """The ms-diagnostics of an answer, of either spelling."""
    for name in ("ms-diagnostics", "ms-diagnostics-public") if message is not None else ():
        text = message.headers.get(name) if message is not None else None
        if text is not None:
            return _read_diagnostics(text)
    return None


def _carried(response: Response | None) -> MsDiagnostics | None:
    """What an MCU says in its response about a call that failed."""
    return _read_diagnostics(response.diagnostics) if response is not None else None


def _read_diagnostics(text: str | None) -> MsDiagnostics | None:
    try:
        return MsDiagnostics.parse(text) if text is not None else None
    except SipError:
        return None


class Outgoing:
    """The commands of one client that have not ended. Each ends in exactly one event."""

    def __init__(self, endpoint: Endpoint, config: ClientConfig) -> None:
        self._endpoint = endpoint
        self._config = config
        self._next_id = 0
        self._next_command = 0
        self._in_dialog = OpenRequests(limit=config.max_commands, timeout=config.command_timeout)
        self._services = OpenRequests(limit=config.max_commands, timeout=config.command_timeout)
        self._commands: dict[str, CommandId] = {}
        self._carriers: dict[RequestId, str] = {}  #: SIP request -> requestId
        self._unanswered: set[str] = set()  #: requestIds whose carrier found nobody
        self._doubted: set[str] = set()  #: requestIds whose answer got lost, until the roster is known

    def new_command(self) -> CommandId:
        """A number for a command."""
        self._next_command += 1
        return CommandId(self._next_command)

    def document(self, to: str, command: Command) -> Request:
        """A request with the next requestId (they count up)."""
        document = Request(request_id=str(self._next_id), from_=self._config.aor, to=to, command=command)
        self._next_id += 1
        return document

    # Sending ---------------------------------------------------------------------------------------------------------

    def service(self, command: Command, *, now: float) -> CommandId:
        """Send a command to the Focus Factory."""
        factory = self._config.focus_factory
        document = self.document(factory, command)
        self._services.send(document, now=now)
        carrier = self._endpoint.request(
            self._config.owner,
            "SERVICE",
            factory,
            from_=self._config.sender,
            to=NameAddr(factory),
            body=bytes(document),
            content_type=CCCP_TYPE,
            route=self._config.route,
            now=now,
        )
        return self._sent(document, carrier)

    def info(self, session: SessionId, conference_uri: str, command: Command, *, now: float) -> CommandId:
        """Send a command to the Focus in the dialog; it fails when the dialog has just ended, or is about to."""
        document = self.document(conference_uri, command)
        self._in_dialog.send(document, now=now)
        if self._is_ending(session):
            # Our BYE to a Focus that was lost is out: the command ends with the dialog.
            return self._sent(document, None)
        carrier = self._endpoint.request_in_session(
            session, "INFO", body=bytes(document), content_type=CCCP_TYPE, now=now
        )
        return self._sent(document, carrier)

    def prove(self, session: SessionId, *, now: float) -> RequestId | None:
        """Ask whether the Focus is still there, None where our BYE to it is out."""
        return None if self._is_ending(session) else self._endpoint.update(session, now=now)

    def _is_ending(self, session: SessionId) -> bool:
        return not self._endpoint.is_over(session) and self._endpoint.session(session).state is SessionState.ENDING

    def _sent(self, document: Request, carrier: RequestId | None) -> CommandId:
        command = self.new_command()
        self._commands[document.request_id] = command
        if carrier is not None:
            self._carriers[carrier] = document.request_id
        return command

    # Answers ---------------------------------------------------------------------------------------------------------

    def answered(self, event: ResponseReceived, *, now: float) -> list[Event]:
        """The transaction that carried a command was answered."""
        request_id = self._carriers.pop(event.request_id, None)
        if request_id is None:
            return []
        message = event.response
        response = response_in(message)
        if message.status >= 300:
            return self._events(self._refused(request_id, message, response))
        if response is not None:
            return self.received(response, now=now)
        if request_id in self._services:
            return self._events(self._refused(request_id, message, None))
        return self._events(self._in_dialog.receive_accepted(request_id, now=now))

    def _refused(self, request_id: str, message: SipResponse, response: Response | None) -> list[RequestEvent]:
        book = self._services if request_id in self._services else self._in_dialog
        diagnostics = diagnostics_in(message)
        return book.receive_error(
            request_id,
            message.status,
            response=response,
            diagnostics=str(diagnostics) if diagnostics is not None else None,
        )

    def unanswered(self, event: RequestFailed) -> list[Event]:
        """The transaction that carried a command got no answer."""
        request_id = self._carriers.pop(event.request_id, None)
        if request_id is None:
            return []
        self._unanswered.add(request_id)
        book = self._services if request_id in self._services else self._in_dialog
        events = self._events(book.receive_error(request_id, 408))
        self._unanswered.discard(request_id)
        return events

    def requested(self, event: RequestReceived, *, now: float) -> list[Event]:
        """A request of the Focus in the dialog: an INFO with a response."""
        assert event.transaction is not None  # None is for transparent cores
        refused = refusal_of_body(event.request, (CCCP_TYPE,))
        if refused is not None and "Content-Type" in event.request.headers:
            self._endpoint.respond(event.transaction, refused.status, headers=refused.headers, now=now)
            return []
        try:
            document = parse_document(body_of(event.request, CCCP_TYPE))
        except C3PError:
            document = None
        if not isinstance(document, Response):
            self._endpoint.respond(event.transaction, 400, now=now)
            return []
        self._endpoint.respond(event.transaction, 200, now=now)
        return self.received(document, now=now)

    def received(self, response: Response, *, now: float) -> list[Event]:
        """A C3P response, wherever it came from."""
        book = self._services if response.request_id in self._services else self._in_dialog
        return self._events(book.receive_response(response, now=now))

    def dialog_lost(self) -> None:
        """The Focus dialog died; what the commands in it came to shows when there is a roster again."""
        self._doubted.update(self._in_dialog)
        self._carriers = {carrier: one for carrier, one in self._carriers.items() if one in self._services}

    def doubt(self, event: RequestFailed) -> bool:
        """Nobody answered the INFO of a command: the roster is to show what it came to. False for anything else."""
        request_id = self._carriers.get(event.request_id)
        if request_id is None or request_id not in self._in_dialog:
            return False
        del self._carriers[event.request_id]
        self._doubted.add(request_id)
        return True

    def learn(self, roster: ConferenceInfo | None) -> list[Event]:
        """The roster is known, or is not followed (None): end the commands in doubt that are not under way."""
        events: list[Event] = []
        for request_id in sorted(self._doubted):
            request = self._in_dialog.request(request_id)
            shown = shown_in(roster, request.command) if roster is not None and request is not None else False
            if shown is not None:
                self._doubted.discard(request_id)
                events += self._events(self._in_dialog.settle(request_id, shown=shown))
        return events

    def dialog_ended(self) -> list[Event]:
        """The Focus dialog is gone."""
        self._doubted.clear()
        return self._events(self._in_dialog.dialog_ended())

    @property
    def deadlines(self) -> tuple[Due, ...]:
        """What shows when a command times out; always the same."""
        return self._in_dialog, self._services

    def handle_timeout(self, *, now: float) -> list[Event]:
        """The commands whose time has come."""
        return self._events([*self._in_dialog.handle_timeout(now=now), *self._services.handle_timeout(now=now)])

    # Events ----------------------------------------------------------------------------------------------------------

    def _events(self, events: Iterable[RequestEvent]) -> list[Event]:
        return [self._event(event) for event in events]

    def _event(self, event: RequestEvent) -> Event:
        if not isinstance(event, RequestEnded):
            return CommandAccepted(owner=self._config.owner, command=self._commands[event.request.request_id])
        command = self._commands.pop(event.request.request_id)
        if event.outcome is Outcome.SUCCEEDED:
            return self._succeeded(command, event)
        return self._failed(command, event)

    def _succeeded(self, command: CommandId, event: RequestEnded) -> Event:
        answer = event.response.command if event.response is not None else None
        if isinstance(event.request.command, AddConference):
            info = answer.conference_info if isinstance(answer, AddConference) else None
            if info is None or not info.entity:
                return CommandFailed(
                    owner=self._config.owner,
                    command=command,
                    reason=FailureReason.UNUSABLE,
                    response=event.response,
                )
            return ConferenceCreated(owner=self._config.owner, command=command, conference_uri=info.entity, info=info)
        if isinstance(answer, GetConferencingCapabilities):
            return CapabilitiesReceived(owner=self._config.owner, command=command, mcu_types=answer.mcu_types)
        return CommandSucceeded(owner=self._config.owner, command=command, response=event.response)

    def _failed(self, command: CommandId, event: RequestEnded) -> CommandFailed:
        unanswered = event.request.request_id in self._unanswered
        unusable = event.outcome is Outcome.REFUSED and event.status is not None and event.status < 300
        reason = FailureReason.UNUSABLE if unusable else _REASONS[event.outcome]
        return CommandFailed(
            owner=self._config.owner,
            command=command,
            reason=FailureReason.TRANSPORT if unanswered else reason,
            status=None if unanswered else event.status,
            response=event.response,
            diagnostics=_read_diagnostics(event.diagnostics) or _carried(event.response),
        )
