"""``modifyConferenceLock`` (docs/commands.rst)."""

from __future__ import annotations

from typing import Annotated, ClassVar

import attrs

from c3p.binding.fields import Child, Kind, Text
from c3p.commands.command import Command
from c3p.keys import ConferenceKeys
from c3p.namespaces import CCCP, MSCI


@attrs.frozen(kw_only=True, slots=False)
class ModifyConferenceLock(Command):
    """Locks or unlocks the conference for new participants."""

    NAME: ClassVar[str] = "modifyConferenceLock"
    IDEMPOTENT: ClassVar[bool] = True

    conference_keys: Annotated[ConferenceKeys, Child(CCCP, "conferenceKeys")]
    locked: Annotated[bool | None, Text(CCCP, "locked", Kind.BOOLEAN)] = None
    admission_policy: Annotated[str | None, Text(MSCI, "admission-policy")] = None
