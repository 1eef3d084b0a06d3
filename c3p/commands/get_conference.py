"""``getConference`` (docs/commands.rst)."""

from __future__ import annotations

from typing import Annotated, ClassVar

import attrs

from c3p.binding.fields import Child
from c3p.commands.command import Command
from c3p.conference.description import EncryptionKey
from c3p.conference.info import ConferenceInfo
from c3p.keys import ConferenceKeys
from c3p.namespaces import CCCP, CI, MSCI


@attrs.frozen(kw_only=True, slots=False)
class GetConference(Command):
    """Asks for the state or the record of a conference; the answer has it in ``conference_info``."""

    NAME: ClassVar[str] = "getConference"
    IDEMPOTENT: ClassVar[bool] = True

    conference_keys: Annotated[ConferenceKeys | None, Child(CCCP, "conferenceKeys")] = None
    encryption_key: Annotated[EncryptionKey | None, Child(MSCI, "encryption-key")] = None
    conference_info: Annotated[ConferenceInfo | None, Child(CI, "conference-info")] = None
