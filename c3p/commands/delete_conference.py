"""``deleteConference`` (docs/commands.rst)."""

from __future__ import annotations

from typing import Annotated, ClassVar

import attrs

from c3p.binding.fields import Attribute, Child
from c3p.commands.command import Command
from c3p.conference.info import ConferenceInfo
from c3p.keys import ConferenceKeys
from c3p.namespaces import CCCP, CI, MSCP


@attrs.frozen(kw_only=True, slots=False)
class DeleteConference(Command):
    """Ends a conference (INFO), deletes its record (SERVICE), or frees it on an MCU (HTTP)."""

    NAME: ClassVar[str] = "deleteConference"
    IDEMPOTENT: ClassVar[bool] = True

    conference_keys: Annotated[ConferenceKeys, Child(CCCP, "conferenceKeys")]
    #: To an MCU: requestId of the addConference that is over, so that a late one ends no later one (of this project).
    assignment: Annotated[str | None, Attribute("assignment", MSCP)] = None
    #: In a response of the Focus: ``entity`` names the conference that has ended, and that is all (MS-CONFBAS
    #: section 2.2.3.14).
    conference_info: Annotated[ConferenceInfo | None, Child(CI, "conference-info")] = None
