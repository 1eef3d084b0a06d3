"""What a client is told of the end of its command."""

from __future__ import annotations

import attrs

from c3p import (
    CCCP_TYPE,
    AddUser,
    Code,
    CommandReason,
    ConferenceInfo,
    DeleteConference,
    Reason,
    Request,
    Response,
)
from focus.context import Context
from focus.mcus.relay import ClientCommand, Failure
from focus.participant import Participant
from sip import MsDiagnostics, RequestId


def send_result(
    context: Context, conference: str, participant: Participant, body: bytes, *, of: str | None = None, now: float
) -> None:
    """Send a response as INFO. Whether the client answers it does not matter (docs/design-decisions.rst).

    ``of`` is the requestId of a command that ended with it: where state is written, it is sent again after a restart
    unless it was answered. ``conference`` is the key of that.
    """
    session = participant.session
    info = context.endpoint.request_in_session(session, "INFO", body=body, content_type=CCCP_TYPE, now=now)
    if of is not None and participant.remembered.unsaved is not None:
        context.results[info] = (conference, participant.remembered, of)


def result_told(context: Context, info: RequestId) -> str:
    """A request has ended: what it carried need not be sent again. The key of the conference; empty for any other."""
    if info not in context.results:
        return ""
    key, remembered, request_id = context.results.pop(info)
    remembered.told(request_id)
    return key


def success(command: ClientCommand) -> Response:
    """It was carried out. That of deleteConference names the conference (MS-CONFBAS section 2.2.3.14)."""
    asked = command.request.command
    if isinstance(asked, DeleteConference):
        ended = ConferenceInfo(entity=asked.conference_keys.conf_entity)
        return command.request.respond(Code.SUCCESS, command=attrs.evolve(asked.echo(), conference_info=ended))
    return command.request.respond(Code.SUCCESS)


def failed(command: ClientCommand, failure: Failure) -> Response:
    """It was not."""
    dialled = isinstance(command.request.command, AddUser) and not failure.unheard
    called = dialled and failure.general != Reason.REQUEST_CANCELLED
    response = command.request.respond(
        Code.FAILURE,
        reason=failure.general,
        command_reason=CommandReason.DIAL_OUT_FAILED if called else None,
        retry_after=failure.retry_after,
    )
    if not failure.detail:
        return response
    return attrs.evolve(response, diagnostics=str(MsDiagnostics(error_id=0, reason=failure.detail)))


def translated(response: Response, request: Request) -> Response:
    """The MCU's answer under the client's requestId, with everything that it carries."""
    command = response.command if response.command is not None else request.command.echo()
    return attrs.evolve(
        response, request_id=request.request_id, from_=request.to, to=request.from_, command=command, more=()
    )
