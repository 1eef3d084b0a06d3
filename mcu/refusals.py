"""What an MCU does not do, counted by its reason and told to the application."""

from __future__ import annotations

from c3p import AddUser, Request
from mcu.context import Context
from mcu.events import CommandRefused
from mcu.leg import Leg
from mcu.legs.add_user import correlation_of
from mcu.policy import Refusal
from sip import Uri


def refuse_command(context: Context, request: Request, refusal: Refusal, conference: str) -> None:
    """A command of a Focus, at once or after the policy took its time."""
    command, target = request.command, ""
    if isinstance(command, AddUser):
        target = next((each.endpoint_uri for each in command.user.endpoints if each.endpoint_uri), command.user.entity)
    _tell(
        context,
        refusal,
        conference=conference,
        command=command.name,
        originator=request.originator,
        target=target,
        correlation=correlation_of(request),
    )


def refuse_redirection(context: Context, leg: Leg, uri: Uri, refusal: Refusal) -> None:
    """An address that a far end names is not called."""
    _tell(
        context,
        refusal,
        conference=leg.conference.uri,
        command="redirection",
        originator=None if leg.originator is None else leg.originator.text,
        target=str(uri),
        correlation=leg.correlation,
    )


def _tell(
    context: Context,
    refusal: Refusal,
    *,
    conference: str,
    command: str,
    originator: str | None,
    target: str,
    correlation: str,
) -> None:
    reason = refusal.reason.name.lower().replace("_", " ")
    context.counters[f"refused: {reason}"] += 1
    context.emit(
        CommandRefused(
            owner=context.config.owner,
            conference=conference,
            command=command,
            originator=originator,
            target=target,
            reason=reason,
            text=refusal.text,
            correlation=correlation,
        )
    )
