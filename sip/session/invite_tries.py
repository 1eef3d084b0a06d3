"""What the refusals of an INVITE change about the next try of it, and how many of them are believed."""

from __future__ import annotations

from typing import Final

from sip.context import Context
from sip.message.lines import NO_LINES, Lines
from sip.message.request import Request
from sip.message.response import Response
from sip.session.session_timer import MAX_422

#: Redirections of one INVITE, one after the other, that a core may follow; more is a circle (RFC 3261 section 8.1.3.4).
MAX_REDIRECTIONS: Final = 10


class InviteTries:
    """The tries of one INVITE: credentials (RFC 3261 section 22), a longer session interval (RFC 4028 section 7.3)."""

    __slots__ = ("_challenged", "_context", "_min_se", "_raised", "_redirections", "_session_expires", "authorization")

    def __init__(self, context: Context, session_expires: int | None) -> None:
        self._context = context
        self._session_expires = session_expires  # seconds
        self._min_se = 0
        self._challenged = self._raised = self._redirections = 0
        self.authorization = NO_LINES  #: credentials of the next try

    @property
    def timer_lines(self) -> Lines:
        """Return what the next try says about the session timer."""
        lines: Lines = []
        if self._session_expires is not None:
            lines.append(("Session-Expires", str(self._session_expires)))
        if self._min_se:
            lines.append(("Min-SE", str(self._min_se)))
        return lines

    def is_worth_another(self, request: Request | None, response: Response) -> bool:
        """Whether a refusal says how to do better; the next try does."""
        authorization = self._context.authorize(request, response, self._challenged)
        if authorization is not None:
            self._challenged += 1
            self.authorization = authorization
            return True
        if response.status == 422 and response.min_se is not None and self._raised < MAX_422:
            self._raised += 1
            self._min_se = max(self._min_se, response.min_se)
            self._session_expires = max(self._session_expires or 0, self._min_se)
            return True
        return False

    def may_be_redirected(self) -> bool:
        """Whether the core is told of one more redirection."""
        self._redirections += 1
        return self._redirections <= MAX_REDIRECTIONS
