"""Events as entries of a log: what they say, how grave they are, and the names by which they are found again."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Final

import c3p
import focus
import mcu
from pyc3p.commands.narration import narrate
from pyc3p.commands.output import Output
from pyc3p.elements.node import StrangerRefused
from pyc3p.roster import short_uri
from sip import (
    CredentialsRefused,
    DomainNotServed,
    Event,
    InternalFault,
    MsDiagnostics,
    SipError,
    StateUnreadable,
    TokenBuckets,
)
from sip.aio import TlsFault

#: Events that somebody should look at.
_WARNINGS: Final = (
    focus.McuLost,
    focus.McuSilent,
    mcu.McuForgotten,
    mcu.AnnouncementRefused,
    mcu.RegistrationRefused,
    StrangerRefused,
    StateUnreadable,
    TlsFault,
    CredentialsRefused,
    DomainNotServed,
    focus.RequestRefused,
    mcu.CommandRefused,
)


#: Refusals, of which a stranger can cause any number: of one source ten lines at once and one in ten seconds after, for
#: who counts them to shut somebody out; of all together fifty, and one a second.
_REFUSALS: Final = (CredentialsRefused, DomainNotServed, focus.RequestRefused, mcu.CommandRefused)
_MOST_SOURCES: Final = 1_000  #: that are told apart


class EventLog:
    """The events of one part, told; ``clock`` gives monotonic seconds."""

    def __init__(self, output: Output, part: str, clock: Callable[[], float]) -> None:
        self._output, self._part, self._clock = output, part, clock
        self._of_one = TokenBuckets(rate=0.1, burst=10.0, limit=_MOST_SOURCES)
        self._of_all = TokenBuckets(rate=1.0, burst=50.0, limit=1)
        self._left_out = 0

    def tell(self, event: Event) -> None:
        """Tell of an event, refusals not too often: the next line says how many were left out."""
        if not isinstance(event, _REFUSALS):
            log_event(self._output, self._part, event)
            return
        now, source = self._clock(), getattr(event, "source", None) or getattr(event, "originator", None) or ""
        if self._of_one.take(source, now=now) and self._of_all.take("", now=now):
            more, self._left_out = self._left_out, 0
            log_event(self._output, self._part, event, more=f" ({more} more were left out)" if more else "")
        else:
            self._left_out += 1


def log_event(output: Output, part: str, event: Event, *, more: str = "") -> None:
    """Tell of an event; what only operators look for is told in a log alone."""
    text = narrate(event) or (_of_command(event) if output.is_log else None)
    if text is not None:
        text += more
        output.tell(text, event=type(event).__name__, level=level_of(event), part=part, **names_of(event))


def level_of(event: Event) -> str:
    """``error`` for a fault of ours, ``warning`` for what somebody should look at, else ``info``."""
    if isinstance(event, InternalFault):
        return "error"
    failed = isinstance(event, focus.CommandFinished) and not event.succeeded
    return "warning" if failed or isinstance(event, _WARNINGS) else "info"


def names_of(event: Event) -> dict[str, str]:
    """Ids of the conference, the call (Call-ID) and the command (correlation id) that an event is about."""
    uri = getattr(event, "conference_uri", None) or getattr(event, "conference", None) or ""
    if isinstance(event, CredentialsRefused):
        return {"source": event.source, "user": event.username, "realm": event.realm}
    if isinstance(event, DomainNotServed):
        return {"source": event.source, "user": event.sender, "domain": event.domain}
    if isinstance(event, focus.RequestRefused):
        return {"source": event.source, "user": event.sender, "conference": c3p.conf_id_of(uri) or ""}
    found = {
        "conference": c3p.conf_id_of(uri) or "" if isinstance(uri, str) and uri else "",
        "call": getattr(event, "call_id", ""),
        "command": getattr(event, "correlation", ""),
    }
    return {name: value for name, value in found.items() if value}


def _of_command(event: Event) -> str | None:
    match event:
        case focus.CommandRelayed():
            about = f" {short_uri(event.target)}" if event.target else ""
            return f"{short_uri(event.requester)} wants {event.command}{about}"
        case focus.CommandFinished():
            why = " ".join(filter(None, (event.reason, event.specific_reason)))
            why += f": {cause}" if (cause := _cause(event.diagnostics)) else ""
            end = "done" if event.succeeded else f"failed ({why})"
            return f"{event.command} of {short_uri(event.requester)} {end} after {event.took:.3f} s"
        case _:
            return None


def _cause(diagnostics: str | None) -> str:
    """What an MCU says of a failure: status and words of the far end, or what went wrong on the way there."""
    if diagnostics is None:
        return ""
    try:
        read = MsDiagnostics.parse(diagnostics)
    except SipError:
        return ""
    status = read.params.get("sip-status") or ""
    return f"{status} {read.reason or ''}".strip().strip('"')


class LogHandler(logging.Handler):
    """Brings what libraries and our own adapters log into the same log, in the same form."""

    def __init__(self, output: Output, part: str = "serve") -> None:
        super().__init__(logging.WARNING)
        self._output, self._part = output, part
        self.setFormatter(logging.Formatter())

    def emit(self, record: logging.LogRecord) -> None:
        """Tell of one record. Never raises: where a log cannot be written nobody is helped by an exception."""
        try:
            level = "warning" if record.levelno < logging.ERROR else "error"
            self._output.tell(self.format(record), level=level, part=self._part, logger=record.name)
        except Exception:
            self.handleError(record)


@contextlib.contextmanager
def log_libraries(output: Output, part: str = "serve") -> Iterator[None]:
    """Have what is logged with ``logging`` told by ``output``; a person at a terminal reads it on standard error."""
    handler = LogHandler(output, part)
    if output.is_log:
        logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
