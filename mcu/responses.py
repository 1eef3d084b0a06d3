"""C3P responses of an MCU, and the diagnostics they carry.

Diagnostics have the shape of an ``ms-diagnostics`` header value (MS-OCER) and travel in the attribute
``mscp:diagnostics`` of the response (``Response.diagnostics``), an extension of this project that others ignore.
"""

from __future__ import annotations

import attrs

from c3p import AddUser, Code, ConnectionInfo, Endpoint, Request, Response
from mcu.outcome import OUTCOMES, Ending
from mcu.policy import Refusal


def diagnostics_of(response: Response) -> str | None:
    """The diagnostics that a response carries."""
    return response.diagnostics


def _quoted(text: str) -> str:
    return '"' + " ".join(text.replace("\\", " ").replace('"', "'").split()) + '"'


def _diagnosed(response: Response, source: str, error_id: int | None, values: dict[str, str | None]) -> Response:
    parts = [f"{name}={_quoted(value)}" for name, value in {"source": source, **values}.items() if value]
    text = ";".join([str(error_id or 0), *parts])
    return attrs.evolve(response, diagnostics=text)


def pending(request: Request, *, seconds: int) -> Response:
    """Being worked on; the requester may wait ``seconds`` more."""
    return request.respond(Code.PENDING, time_out=seconds)


def accepted(request: Request, endpoint: Endpoint, connection: ConnectionInfo | None = None) -> Response:
    """The ``addUser`` as it was carried out."""
    command = request.command.echo()
    assert isinstance(command, AddUser)
    done = attrs.evolve(command.user, roles=endpoint.roles, endpoints=(attrs.evolve(endpoint, state=None),))
    return request.respond(Code.SUCCESS, command=attrs.evolve(command, user=done, connection_info=connection))


def failed(
    request: Request,
    ending: Ending,
    *,
    source: str,
    status: int | None = None,
    reason: str | None = None,
    far_end: str | None = None,
    error_id: int | None = None,
) -> Response:
    """A dial-out that came to nothing: the row of the table, with what the far end said."""
    outcome = OUTCOMES[ending]
    response = request.respond(Code.FAILURE, reason=outcome.reason, command_reason=outcome.command_reason)
    values = {
        "reason": reason or ending.value,
        "sip-status": None if status is None else str(status),
        "retry-safe": "true" if outcome.retry_safe else "false",
        "far-end": far_end,
    }
    return _diagnosed(response, source, error_id or outcome.error_id, values)


def refused(request: Request, refusal: Refusal, *, source: str, retry_after: int | None = None) -> Response:
    """A command that is not carried out at all."""
    reason = refusal.reason
    response = request.respond(
        Code.FAILURE, reason=reason.reason, command_reason=reason.command_reason, retry_after=retry_after
    )
    return _diagnosed(response, source, reason.error_id, {"reason": refusal.text})
