"""What a command means for a conference, as values: facts in, a plan out. The functions between are one module each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import attrs

from c3p import Command
from focus.events import EndReason
from focus.mcus.relay import ClientCommand
from focus.policy import CommandQuestion, ConferencePolicy, Decision, Requester
from focus.records import ConferenceRecord
from focus.roster import Roster
from sip import AddressOfRecord, Pending


@attrs.frozen(kw_only=True)
class Facts:
    """What the decision depends on."""

    record: ConferenceRecord
    roster: Roster  #: only read
    requester: Requester
    policy: ConferencePolicy
    locked: bool
    linked: frozenset[str]  #: MCU types that have, or are getting, an MCU
    dialling: Mapping[str, frozenset[str]]  #: keys of users who are being called, and the MCU types told of it
    decided: tuple[CommandQuestion, Decision] | None = None  #: what the policy took its time for

    def decision(self, question: CommandQuestion) -> Decision:
        """What the policy says: what it said before to the same question, or anew."""
        if self.decided is not None and same_question(self.decided[0], question):
            return self.decided[1]
        return self.policy.authorise(question)


def same_question(one: object, other: object) -> bool:
    """Whether nothing has changed between two questions, however the users in them are spelt."""
    if isinstance(one, AddressOfRecord) and isinstance(other, AddressOfRecord):
        return one.key == other.key
    kind = type(one)
    if kind is type(other) and attrs.has(kind):
        return all(same_question(getattr(one, each.name), getattr(other, each.name)) for each in attrs.fields(kind))
    return one == other


class Postponed(Exception):
    """The policy decides later; then the command is planned anew. Never leaves this package."""

    def __init__(self, question: CommandQuestion, pending: Pending) -> None:
        super().__init__(pending.id)
        self.question = question
        self.pending = pending


class Activation(Protocol):
    """The active conference, as far as effects change it."""

    roster: Roster

    def set_lock(self, locked: bool, admission_policy: str | None) -> None:
        """Lock or unlock it; a policy replaces that of the record for as long as it is active."""

    def eject(self, user: AddressOfRecord, *, now: float) -> None:
        """End every Focus dialog of a user and forget commands that would call it."""

    def let_in(self, user: AddressOfRecord) -> None:
        """Take a user out of the lobby."""

    def end(self, reason: EndReason, *, by: ClientCommand | None = None, now: float) -> None:
        """It is over."""


class Effect(Protocol):
    """What a command does to the Focus itself; a value that carries itself out."""

    def apply(self, conference: Activation, command: ClientCommand, *, now: float) -> Command | None:
        """Do it. A command that is returned is what the answer carries."""


@attrs.frozen
class DialOut:
    """A user that only an MCU will know gets this role in the roster."""

    user: AddressOfRecord
    role: str


@attrs.frozen(kw_only=True)
class Plan:
    """What is to be done: here, and on MCUs."""

    effect: Effect | None = None  #: at once when no MCU is concerned, else when the command is accepted
    dial_out: DialOut | None = None  #: whom an MCU is to call
    for_mcus: tuple[tuple[str, Command], ...] = ()  #: (MCU type, command for that MCU)
    everywhere: bool = False  #: succeeds when the Focus accepted it, whatever MCUs say (docs/commands.rst)
    agreed: bool = False  #: ... no: succeeds when every MCU has done it
    later: bool = False  #: answered 202 first even when no MCU is concerned
