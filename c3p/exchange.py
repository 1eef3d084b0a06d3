"""C3P over HTTP without HTTP: what machines hand to whoever carries their documents (docs/c3p-over-http.rst)."""

from __future__ import annotations

from enum import Enum

import attrs

from c3p.envelope import Notify, Request, Response


class ExchangeFailure(Enum):
    """Why an exchange brought no reply."""

    CONNECT = "connect"  #: the peer was never reached: nothing was done there
    TIMEOUT = "timeout"  #: no answer in time, or the connection was lost before it: it may have been done
    UNUSABLE = "unusable"  #: an answer that is no C3P response and no known status


@attrs.frozen
class Exchange:
    """One document to be posted to ``url``; it ends in one :class:`Reply` or one :class:`ExchangeFailure`."""

    id: int  #: chosen by the machine, to be given back with the outcome
    url: str
    document: Request | Response | Notify
    timeout: float = 30.0  #: seconds until the answer must be there
    idempotent: bool = False  #: may be sent again once after a connect failure
    peer: str = ""  #: principal that it is meant for and that has to prove itself; empty: whoever serves ``url``


@attrs.frozen
class Reply:
    """Answer to one posted document."""

    status: int  #: HTTP status: 200 with or without document, 202, 4xx, 503
    document: Response | None = None
    retry_after: int | None = None  #: seconds, with 503
