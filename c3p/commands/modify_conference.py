"""``modifyConference`` (docs/commands.rst)."""

from __future__ import annotations

from typing import Annotated, ClassVar

import attrs

from c3p.binding.fields import Child
from c3p.commands.command import Command
from c3p.conference.info import ConferenceInfo
from c3p.keys import ConferenceKeys
from c3p.namespaces import CCCP, CI


@attrs.frozen(kw_only=True, slots=False)
class ModifyConference(Command):
    """Changes settings of the Focus or of the MCU ``mcu_uri`` (INFO), or replaces a record (SERVICE, with keys)."""

    NAME: ClassVar[str] = "modifyConference"
    IDEMPOTENT: ClassVar[bool] = True

    conference_keys: Annotated[ConferenceKeys | None, Child(CCCP, "conferenceKeys")] = None
    conference_info: Annotated[ConferenceInfo | None, Child(CI, "conference-info")] = None
