"""The copy of a request that a proxy sends to one target (RFC 3261 section 16.6 steps 1 to 6)."""

from __future__ import annotations

from collections.abc import Iterable

from sip.authentication.asserted import kept_private
from sip.message.request import Request
from sip.servers.location import Target
from sip.servers.proxy_admission import Admission
from sip.servers.proxy_marks import Marks
from sip.servers.response_context import ResponseContext

__all__ = ["Copies"]


class Copies:
    """Makes the copies of one proxy."""

    def __init__(self, admission: Admission, marks: Marks) -> None:
        self._admission, self._marks = admission, marks

    def marked(self, context: ResponseContext, target: Target, breadth: int) -> Request:
        """A copy with which we stay on the way."""
        marks = self._marks.of(context.request, context.flow, target, located=context.located, vouched=context.vouched)
        return self.of(context.request, target, breadth, marks)

    def of(self, request: Request, target: Target, breadth: int, marks: Iterable[tuple[str, object]] = ()) -> Request:
        """A copy with these lines on top."""
        hops = 70 if request.max_forwards is None else request.max_forwards - 1
        changes: dict[str, object] = {"Max-Forwards": hops, "Max-Breadth": breadth}
        if target.route:
            changes["Route"] = [*target.route, *request.route]
        seen = request if self._admission.trusts(target, request) else kept_private(request)
        return seen.evolve(uri=target.uri.without_headers(), set=changes, prepend=marks)
