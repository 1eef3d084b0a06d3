"""Answers to a UDP source that may be an invention: what it can be sent, and what it is sent in place of the rest.

The theory is in `sip.transport.return_routability`.
"""

from __future__ import annotations

from typing import Final

from sip.context import Context
from sip.flow import Flow
from sip.message.request import Request
from sip.message.response import Response
from sip.transport.transport import Transport

#: What is kept for the final answer to an INVITE, in octets beside five quarters of the request: an answer has the Vias
#: of the request and a description of about the same size, and some headers more.
_KEPT: Final = 64


def kept_for_final(request: Request) -> int:
    """Return the octets that are kept for the final answer to an INVITE when a provisional one is sent."""
    size = len(bytes(request))
    return size + size // 4 + _KEPT


def kept_for_ringing(request: Request) -> int:
    """Return the octets that have to be left after 100.

    It has to wait for a repetition of the INVITE, which is all that it prevents, so that ringing can be told at once.
    """
    return len(bytes(request))


def affordable(context: Context, transport: Transport, request: Request, response: Response, flow: Flow) -> Response:
    """Return a final answer that a source can be sent: ``response``, or the advice to ask over TCP."""
    if flow in transport.proven or len(bytes(response)) <= transport.sources.unproven.credit(flow):
        return response
    # Nothing of the answer may be in it: an ACK for it must not be taken for one of a session that began.
    tag = None if request.to.tag is not None else context.new_tag()
    if any(each.transport == "TCP" for each in transport.listen) and request.uri.scheme == "sip":
        context.count("redirected to TCP: source that may be an invention")
        there = request.uri.with_params(transport="tcp")
        return request.response(302, to_tag=tag, headers=[("Contact", f"<{there}>")])
    context.count("refused: source that may be an invention")
    return request.response(503, to_tag=tag, headers=[("Retry-After", "5")])
