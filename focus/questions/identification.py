"""Who sent a request: found out at once, or asked and waited for."""

from __future__ import annotations

from collections.abc import Hashable

from focus.identity import Identify, Known
from focus.questions.procedure import Kind, Later, Steps, awaited
from sip import AddressOfRecord, Flow, Identification, Identified, Pending, Request, SipError

Found = str | None | Identification


def identification(identify: Identify, request: Request, flow: Flow) -> Steps[Known]:
    """What ``identify`` knows of a sender, in the end."""
    found: Found = identify(request, flow)
    while isinstance(found, Pending):
        asked: Later[Found] = Later(kind=Kind.IDENTITY, id=found.id)
        found = yield from awaited(asked)
    return Identified(user=AddressOfRecord.read(found)) if isinstance(found, str) else found


def sender_of(request: Request, flow: Flow) -> Hashable:
    """Whose requests are identified one after the other: of one name, on one connection or from one address."""
    try:
        name = str(request.from_.uri)
    except SipError:  # pragma: no cover (the endpoint has read it)
        name = ""
    return flow.id if flow.reliable else flow.remote, name
