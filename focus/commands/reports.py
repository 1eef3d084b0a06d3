"""What the application is told of a command."""

from __future__ import annotations

from c3p import AddUser, Code, Response
from focus.events import CommandFinished, CommandRelayed
from focus.mcus.relay import ClientCommand
from sip import AddressOfRecord


def relayed(command: ClientCommand, focus_uri: str, *, owner: str) -> CommandRelayed:
    """It was taken, and is for MCUs to carry out."""
    asked = command.request.command
    return CommandRelayed(
        owner=owner,
        conference_uri=focus_uri,
        requester=command.requester,
        command=asked.name,
        request_id=command.request.request_id,
        correlation=command.correlation,
        target=AddressOfRecord.read(asked.user.entity).text if isinstance(asked, AddUser) else None,
    )


def finished(
    command: ClientCommand, response: Response, focus_uri: str, *, owner: str, delivered: bool = True, now: float
) -> CommandFinished:
    """It came to its one end. ``delivered`` is whether the requester was there to hear of it."""
    return CommandFinished(
        owner=owner,
        conference_uri=focus_uri,
        requester=command.requester,
        command=command.request.command.name,
        request_id=command.request.request_id,
        succeeded=response.code is Code.SUCCESS,
        reason=response.reason,
        specific_reason=response.command_reason,
        diagnostics=response.diagnostics,
        delivered=delivered,
        correlation=command.correlation,
        took=now - command.received_at,
    )
