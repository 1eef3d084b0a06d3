"""``request``, ``response`` and ``notify``: what a C3P document is (MS-CONFBAS)."""

from __future__ import annotations

from typing import Annotated, Final

import attrs

from c3p.binding.fields import Attribute, Child, Kind
from c3p.binding.node import Node, Unknown
from c3p.binding.writer import render
from c3p.binding.xml import indented
from c3p.commands import Command, UnknownCommand
from c3p.conference.info import ConferenceInfo
from c3p.errors import LocalProtocolError
from c3p.namespaces import CCCP, CI, MSCP
from c3p.vocabulary import Code

C3P_VERSION = "1"
#: The highest epoch: as many as a conference could use up in a thousand years, and exact in every language of a store.
MAX_EPOCH: Final = 2**53 - 2


@attrs.frozen(kw_only=True, slots=False)
class Request(Node):
    """A command on its way to the one who carries it out (MS-CONFBAS)."""

    #: Decimal digits, unique among all requests of one sender (MS-CONFBAS).
    request_id: Annotated[str, Attribute("requestId", kind=Kind.NUMBER)]
    from_: Annotated[str, Attribute("from")]  #: URI of the sender
    to: Annotated[str, Attribute("to")]  #: URI in the To header of the carrying request
    c3p_version: Annotated[str | None, Attribute("C3PVersion")] = C3P_VERSION
    target: Annotated[str | None, Attribute("target")] = None  #: final server, when ``to`` is an intermediary
    originator: Annotated[str | None, Attribute("originator")] = None  #: identity of the original sender, when relayed
    originator_role: Annotated[str | None, Attribute("originator-role", MSCP)] = None  #: and its role
    #: Names all that one command sets in motion, at whoever takes part in it (of this project).
    correlation_id: Annotated[str | None, Attribute("correlation-id", MSCP)] = None
    #: Of the sender's claim to the conference: of two Foci the higher one owns it (of this project).
    epoch: Annotated[int | None, Attribute("epoch", MSCP, kind=Kind.UINT)] = None
    command: Command
    more: tuple[Command, ...] = ()  #: further commands, which the protocol does not allow: answer 3006

    def respond(
        self,
        code: Code,
        *,
        command: Command | None = None,
        reason: str | None = None,
        command_reason: str | None = None,
        time_out: int | None = None,
        retry_after: int | None = None,
        version: int | None = None,
        responder: str | None = None,
    ) -> Response:
        """The answer to this request: ``from`` and ``to`` swapped, the id copied, the command echoed unless given."""
        answer = command if command is not None else self.command.echo()
        if command_reason is not None:
            answer = attrs.evolve(answer, reason=command_reason)
        return Response(
            request_id=self.request_id,
            from_=self.to,
            to=self.from_,
            code=code,
            reason=reason,
            time_out=time_out,
            retry_after=retry_after,
            version=version,
            responder=responder,
            command=answer,
        )

    def __bytes__(self) -> bytes:
        """XML, UTF-8. Raises LocalProtocolError for values that do not fit."""
        return render(self, "request", CCCP, [_child(self.command), *map(_child, self.more)])

    def pretty(self) -> str:
        """The same XML for people, an element a line. Raises LocalProtocolError for values that do not fit."""
        return indented(bytes(self))


@attrs.frozen(kw_only=True, slots=False)
class Response(Node):
    """What became of a request (MS-CONFBAS)."""

    request_id: Annotated[str, Attribute("requestId", kind=Kind.NUMBER)]
    from_: Annotated[str, Attribute("from")]
    to: Annotated[str, Attribute("to")]
    code: Annotated[Code, Attribute("code", kind=Kind.CODE)]
    c3p_version: Annotated[str | None, Attribute("C3PVersion")] = C3P_VERSION
    reason: Annotated[str | None, Attribute("reason")] = None  #: general reason of a failure
    responder: Annotated[str | None, Attribute("responder")] = None  #: trusted identity of the responder
    time_out: Annotated[int | None, Attribute("timeOut", kind=Kind.UINT)] = None  #: seconds to go on waiting
    retry_after: Annotated[int | None, Attribute("retryAfter", kind=Kind.UINT)] = None  #: seconds before a retry
    version: Annotated[int | None, Attribute("version", kind=Kind.UINT)] = None  #: of the state it reflects
    #: Why it failed, in the shape of an ``ms-diagnostics`` header (of this project; docs/commands.rst).
    diagnostics: Annotated[str | None, Attribute("diagnostics", MSCP)] = None
    #: The claim that the request stays behind, and is refused for (of this project).
    epoch: Annotated[int | None, Attribute("epoch", MSCP, kind=Kind.UINT)] = None
    command: Command | None = None
    more: tuple[Command, ...] = ()

    @property
    def final(self) -> bool:
        """Whether this ends the life of the request."""
        return self.code is not Code.PENDING

    @property
    def command_reason(self) -> str | None:
        """Specific reason of a failure."""
        return self.command.reason if self.command else None

    def __bytes__(self) -> bytes:
        """XML, UTF-8. Raises LocalProtocolError for values that do not fit."""
        return render(
            self, "response", CCCP, [*([_child(self.command)] if self.command else []), *map(_child, self.more)]
        )

    def pretty(self) -> str:
        """The same XML for people, an element a line. Raises LocalProtocolError for values that do not fit."""
        return indented(bytes(self))


@attrs.frozen(kw_only=True, slots=False)
class Notify(Node):
    """A change of state that an MCU reports to the Focus (MS-CONFBAS, of this project)."""

    notification_id: Annotated[int, Attribute("notificationId", kind=Kind.UINT)]  #: +1 for each (MCU, conference)
    from_: Annotated[str, Attribute("from")]  #: MCU-Conference-URI
    to: Annotated[str, Attribute("to")]  #: Conference-URI
    #: requestId of the addConference by which the MCU was assigned: several of one principal are told apart by it.
    assignment: Annotated[str | None, Attribute("assignment", MSCP)] = None
    c3p_version: Annotated[str | None, Attribute("C3PVersion")] = C3P_VERSION
    conference_info: Annotated[ConferenceInfo, Child(CI, "conference-info")]

    def __bytes__(self) -> bytes:
        """XML, UTF-8. Raises LocalProtocolError for values that do not fit."""
        return render(self, "notify", CCCP)

    def pretty(self) -> str:
        """The same XML for people, an element a line. Raises LocalProtocolError for values that do not fit."""
        return indented(bytes(self))


def _child(command: Command) -> tuple[str, Node | Unknown]:
    if not isinstance(command, Command):
        raise LocalProtocolError(f"expected a command, not {command!r:.200}")
    return ("", command.as_element()) if isinstance(command, UnknownCommand) else (command.NAME, command)
