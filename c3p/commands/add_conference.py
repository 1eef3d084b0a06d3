"""``addConference`` to the Focus Factory, to the MCU Factory and to an MCU (docs/commands.rst)."""

from __future__ import annotations

from typing import Annotated, ClassVar

import attrs

from c3p.binding.fields import Child, Text, Texts
from c3p.commands.command import Command
from c3p.conference.info import ConferenceInfo
from c3p.connection_info import ConnectionInfo
from c3p.keys import ConferenceKeys
from c3p.namespaces import CCCP, CI, MSCP


@attrs.frozen(kw_only=True, slots=False)
class AddConference(Command):
    """Creates a record, allocates an MCU, or bootstraps a conference on an MCU, by what it is sent to.

    The Focus Factory takes ``conference_info``; the MCU Factory ``conference_keys``, ``mcu_type`` and ``exclude`` and
    answers ``connection_info``; an MCU takes ``conference_info`` and ``callback_uri``. The last two forms are ours.
    """

    NAME: ClassVar[str] = "addConference"

    conference_keys: Annotated[ConferenceKeys | None, Child(CCCP, "conferenceKeys")] = None
    mcu_type: Annotated[str | None, Text(CCCP, "mcuType")] = None
    exclude: Annotated[tuple[str, ...], Texts(CCCP, "mcu-id", wrapper=(CCCP, "exclude"))] = ()  #: MCUs not to pick
    conference_info: Annotated[ConferenceInfo | None, Child(CI, "conference-info")] = None
    callback_uri: Annotated[str | None, Text(MSCP, "callback-uri")] = None  #: URL that late results are posted to
    connection_info: Annotated[ConnectionInfo | None, Child(MSCP, "connection-info")] = None
