"""What a client is told of the end of its command."""

from __future__ import annotations

import attrs

from c3p import AddUser, Code, CommandReason, Reason, Request, Response
from focus.mcus.relay import ClientCommand, Failure


def success(command: ClientCommand) -> Response:
    """It was carried out."""
    return command.request.respond(Code.SUCCESS)


def failed(command: ClientCommand, failure: Failure) -> Response:
    """It was not."""
    dial_out = isinstance(command.request.command, AddUser) and failure.general != Reason.REQUEST_CANCELLED
    return command.request.respond(
        Code.FAILURE,
        reason=failure.general,
        command_reason=CommandReason.DIAL_OUT_FAILED if dial_out else None,
        retry_after=failure.retry_after,
    )


def translated(response: Response, request: Request) -> Response:
    """The MCU's answer under the client's requestId, with everything that it carries."""
    command = response.command if response.command is not None else request.command.echo()
    return attrs.evolve(
        response, request_id=request.request_id, from_=request.to, to=request.from_, command=command, more=()
    )
