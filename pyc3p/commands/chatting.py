"""What ``pyc3p invite`` says and shows of the chat of its conference, and whom it asks to come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import c3p
import focus
from pyc3p.commands.invite_commands import Command
from pyc3p.commands.output import Output
from pyc3p.roster import short_uri
from sip import Event

#: Seconds until a chat that was lost is opened again: by then another MCU has it.
OPEN_AGAIN: Final = 5.0
#: What a new conference is to have; the server leaves out what it cannot give.
TYPES: Final = (c3p.McuType.AUDIO_VIDEO, c3p.McuType.CHAT)
Give = Callable[[Callable[[float], focus.CommandId]], focus.CommandId]


class Chatting:
    """The chat of one conference. It is opened when somebody wants to say something, or at once with ``follow``."""

    def __init__(self, client: focus.Client, give: Give, output: Output, *, follow: bool) -> None:
        """``give`` gives a command to the client and carries it."""
        self._client, self._give, self._output, self._follow = client, give, output, follow
        self._opening: focus.CommandId | None = None
        self._waiting: list[str] = []  #: said before the chat was open
        self._said: dict[focus.CommandId, str] = {}
        self._asked: dict[focus.CommandId, str] = {}

    def obey(self, command: Command) -> None:
        """Carry out ``say`` or ``ask``. Raises LocalProtocolError outside of a conference."""
        if command.name == "say":
            self.say(command.text)
        else:
            self.ask(command.user)

    def say(self, text: str) -> None:
        """Say something, as soon as that can be done. Raises LocalProtocolError outside of a conference."""
        if self._client.in_chat:
            self._said[self._give(lambda now: self._client.say(text, now=now))] = text
        else:
            self._open()
            self._waiting.append(text)

    def ask(self, user: str) -> None:
        """Ask somebody's client to come; a phone is called. Raises LocalProtocolError outside of a conference."""
        self._asked[self._give(lambda now: self._client.invite_to_conference(user, now=now))] = user

    def _open(self) -> None:
        if self._opening is None:
            self._opening = self._give(lambda now: self._client.open_chat(now=now))

    def happened(self, event: Event) -> None:
        """Show what is of the chat, and of whom was asked."""
        match event:
            case focus.RosterChanged() if self._follow and not self._client.in_chat and _has_chat(event.roster):
                self._open()
            case focus.ChatOpened():
                self._opening = None
                self._output.tell("chat opened", "green", chat="opened")
                waiting, self._waiting = self._waiting, []
                for text in waiting:
                    self.say(text)
            case focus.ChatClosed():
                self._output.tell("chat closed", "yellow", chat="closed", dismissed=event.dismissed)
                if event.lost and self._follow:
                    asyncio.get_running_loop().call_later(OPEN_AGAIN, self._again)
            case focus.MessageReceived():
                who = event.display_name or short_uri(event.sender)
                self._output.tell(f"{who}: {event.text}", "bold", said=event.text, by=event.sender)
            case focus.MessageNotDelivered():
                for user, status in event.recipients:
                    self._output.tell(f"not told to {short_uri(user)} ({status})", "red", untold=user, status=status)
            case focus.CommandSucceeded():
                self._said.pop(event.command, None)
            case focus.CommandFailed():
                self._failed(event)
            case focus.InvitationAccepted():
                self._answered(event.command, "means to come", "green")
            case focus.InvitationFailed():
                self._answered(event.command, f"does not come: {event.cause.value}", "red")
            case focus.CalledInstead():
                self._answered(event.command, "knows no invitations, and is called", "yellow")

    def _again(self) -> None:
        if self._client.state is focus.ClientState.JOINED and not self._client.in_chat:
            self._open()

    def _failed(self, event: focus.CommandFailed) -> None:
        if event.command == self._opening:
            self._opening = None
            self._waiting.clear()
            self._follow = False
            self._output.tell(f"there is no chat here: {event.text}", "red", chat="failed", error=event.text)
        elif (text := self._said.pop(event.command, None)) is not None:
            self._output.tell(f"not said, {event.text}: {text}", "red", unsaid=text, error=event.text)

    def _answered(self, command: focus.CommandId, what: str, style: str) -> None:
        user = self._asked.pop(command, None)
        if user is not None:
            self._output.tell(f"{short_uri(user)} {what}", style, asked=user, result=what)


def _has_chat(roster: c3p.ConferenceInfo) -> bool:
    about = roster.description
    return about is not None and any(entry.purpose == c3p.McuType.CHAT for entry in about.conf_uris)
