"""What is said to a command: the SIP response, the C3P in it or in a later INFO, the diagnostics."""

from __future__ import annotations

import contextlib
import re
from abc import ABC, abstractmethod
from typing import Final

import attrs

from c3p import CCCP_TYPE, C3PError, Code, Request, Response, parse_document
from pyc3p.conform.peer import told
from sip import Response as SipResponse
from sip import body_of

#: ErrorId of ms-diagnostics and ms-diagnostics-public (MS-OCER section 8.4).
_DIAGNOSTICS: Final = ("ms-diagnostics", "ms-diagnostics-public")
_ERROR_ID: Final = re.compile(r"\s*([0-9]{1,9})")
ACCEPTED: Final = 202


class Ending(ABC):
    """What documents say to a command; the others say how they came."""

    responses: tuple[Response, ...]

    @property
    @abstractmethod
    def status(self) -> int:
        """Of what carried the first of them: SIP or HTTP."""

    @property
    def final(self) -> Response | None:
        """The document that ends it."""
        return next((each for each in self.responses if each.code is not Code.PENDING), None)

    @property
    def succeeded(self) -> bool:
        """Whether it was done."""
        return self.status < 300 and self.final is not None and self.final.code is Code.SUCCESS

    @property
    def refused(self) -> bool:
        """Whether it was not."""
        return self.status >= 300 or (self.final is not None and self.final.code is Code.FAILURE)

    @property
    def reason(self) -> str | None:
        """The general reason of a failure."""
        return None if self.final is None else self.final.reason

    @property
    def specific(self) -> str | None:
        """The reason on the command of a failure."""
        return None if self.final is None else self.final.command_reason

    def words(self, problem: str) -> list[str]:
        """The documents in a few words; ``problem`` is why there is no end."""
        words = []
        for each in self.responses:
            words.append(" ".join(filter(None, (each.code.value, each.reason, each.command_reason))))
        if self.status < 300 and self.final is None:
            words.append(problem or "no final response")
        return words


@attrs.frozen(kw_only=True, eq=False)
class Answered(Ending):
    """A command and all that was said to it by SIP."""

    request: Request | None  #: None for what is no document
    sip: SipResponse  #: final
    responses: tuple[Response, ...] = ()  #: documents in their order: in the SIP response, and in INFO
    problem: str = ""  #: why a document among them cannot be read

    @property
    def status(self) -> int:
        """Of the SIP response."""
        return self.sip.status

    @property
    def error_id(self) -> int | None:
        """The ErrorId that is told, None for none."""
        for name in _DIAGNOSTICS:
            found = _ERROR_ID.match(self.sip.headers.get(name) or "")
            if found is not None:
                return int(found[1])
        return None

    @property
    def told(self) -> str:
        """All of it in a few words."""
        diagnosis = [] if self.error_id is None else [f"ErrorId {self.error_id}"]
        return ", ".join((told(self.sip), *diagnosis, *self.words(self.problem)))


def document_in(response: SipResponse) -> tuple[Response | None, str]:
    """The C3P response in a SIP response, and why there is none where there should be one."""
    body = body_of(response, CCCP_TYPE)
    if not body:
        return None, "no C3P document"
    with contextlib.suppress(C3PError):
        found = parse_document(body)
        if isinstance(found, Response):
            return found, ""
    return None, "a document that is no C3P response"
