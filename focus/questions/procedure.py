"""A procedure: what becomes of one request, as a generator that yields where it has to wait."""

from __future__ import annotations

import enum
from collections.abc import Callable, Generator, Hashable
from typing import Any, Generic, TypeVar

import attrs

from sip import Event, Pending

T = TypeVar("T")


class Kind(enum.Enum):
    """What a question is about; an answer of another kind is none."""

    RECORD = "record"
    RECORDS = "records of an organizer"
    WRITE = "write"
    IDENTITY = "identity"
    DECISION = "decision"
    EXCHANGE = "exchange"
    CLAIM = "claim"
    NUMBER = "dial-in number"
    RELAY = "relayed command"


@attrs.frozen(kw_only=True)
class Later(Generic[T]):
    """An answer that is not there yet."""

    kind: Kind
    id: int | str
    question: Event | None = None  #: what the application is asked with
    ask: Callable[[], object] | None = None  #: how somebody else is asked: called when it really is waited for


@attrs.frozen
class Line:
    """The end of a line: whoever yields it goes on when nobody is before it, and has left the line it was in."""

    key: Hashable


Steps = Generator[Later[Any] | Line, Any, T]


@attrs.define
class Turn:
    """The present, for a procedure: each time it goes on it is another one."""

    now: float


def awaited(question: Later[T]) -> Steps[T]:
    """The answer to a question. Raises Refused when none comes."""
    answer: T = yield question
    return answer


def settled(found: T | Later[T]) -> Steps[T]:
    """An answer that is there, or else comes. Raises Refused when none does."""
    return (yield from awaited(found)) if isinstance(found, Later) else found


def decided(found: T | Pending, kind: Kind = Kind.DECISION) -> Steps[T]:
    """A decision of the policy, waited for as often as it says that it comes later. Raises Refused when none does."""
    while isinstance(found, Pending):
        question: Later[T | Pending] = Later(kind=kind, id=found.id)
        found = yield from awaited(question)
    return found
