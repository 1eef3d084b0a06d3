"""What the open commands need of the conference that they belong to."""

from __future__ import annotations

from typing import Protocol

from focus.commands.plan import Activation, Facts
from focus.mcus.relay import ClientCommand, Relay
from focus.participant import Participant


class ActiveConference(Activation, Protocol):
    """The conference, as far as commands need it."""

    focus_uri: str

    def facts_for(self, participant: Participant) -> Facts:
        """What a decision about this sender depends on."""

    def role_of(self, participant: Participant) -> str:
        """What a sender may do now."""

    def is_in(self, user: str) -> bool:
        """Whether somebody with that key is in the roster."""

    def is_here(self, participant: Participant) -> bool:
        """Whether a dialog has not ended."""

    def submit(self, relay: Relay, *, now: float) -> None:
        """Send a command to the MCU of its type."""

    def adopt(self, relay: Relay) -> None:
        """A command was sent to an MCU before a restart."""

    def give_up(self, relay: Relay, *, now: float) -> None:
        """Nobody waits for a command any more."""

    def participant(self, command: ClientCommand) -> Participant | None:
        """The dialog that gets the result, None when it is gone."""
