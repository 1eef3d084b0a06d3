"""``addUser``: join the Focus, dial out, announce a dial-in (docs/commands.rst)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

import attrs

from c3p.binding.fields import Child, Kind, Text
from c3p.binding.node import Node
from c3p.commands.command import Command
from c3p.conference.user import Endpoint, User
from c3p.connection_info import ConnectionInfo
from c3p.error_ids import ErrorId
from c3p.keys import ConferenceKeys
from c3p.namespaces import CCCP, CI, MSCP


@attrs.frozen(kw_only=True, slots=False)
class EntryCheck(Node):
    """What a caller has to do before an MCU lets it into the mix (of this project).

    The Focus writes it for whoever calls without a Focus dialog; it is in no answer.
    """

    passcode: Annotated[str | None, Text(MSCP, "passcode", Kind.TEXT)] = attrs.field(default=None, repr=False)
    tries: Annotated[int | None, Text(MSCP, "tries", Kind.UINT)] = None  #: how often it may key the passcode in
    lobby: Annotated[bool | None, Text(MSCP, "lobby", Kind.BOOLEAN)] = None  #: whether it may wait to be let in
    source: Annotated[str | None, Text(MSCP, "source")] = None  #: where its wrong passcodes count; None: nowhere
    #: Wrong passcodes of that source, and for the conference, that are still heard, as far as the Focus knows.
    source_guesses: Annotated[int | None, Text(MSCP, "source-guesses", Kind.UINT)] = None
    conference_guesses: Annotated[int | None, Text(MSCP, "conference-guesses", Kind.UINT)] = None


@attrs.frozen(kw_only=True, slots=False)
class AddUser(Command):
    """Adds ``user`` to the conference, or with ``mcu_uri`` to one of its MCUs."""

    NAME: ClassVar[str] = "addUser"
    CONTENT_ERROR: ClassVar[ErrorId] = ErrorId.ADD_USER_CONTENT_INVALID

    conference_keys: Annotated[ConferenceKeys, Child(CCCP, "conferenceKeys")]
    user: Annotated[User, Child(CI, "user")]
    connection_info: Annotated[ConnectionInfo | None, Child(MSCP, "connection-info")] = None  #: in dial-in answers
    entry_check: Annotated[EntryCheck | None, Child(MSCP, "entry-check")] = None  #: of a dial-in, from Focus to MCU

    @property
    def endpoint(self) -> Endpoint | None:
        """The endpoint that is to be added, None when the request names none."""
        return self.user.endpoints[0] if self.user.endpoints else None

    def echo(self, reason: str | None = None) -> Self:
        """As of any command, without the entry check: what somebody has to know goes one way only."""
        return attrs.evolve(super().echo(reason), entry_check=None)

    @property
    def joining_method(self) -> str | None:
        """``dialed-out``, ``dialed-in``, or None: a join of the Focus."""
        return self.endpoint.joining_method if self.endpoint else None
