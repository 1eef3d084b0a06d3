"""``endorseUser`` (docs/commands.rst)."""

from __future__ import annotations

from typing import Annotated, ClassVar

import attrs

from c3p.binding.fields import Attribute, Child
from c3p.commands.command import Command
from c3p.conference.user import User
from c3p.keys import ConferenceKeys
from c3p.namespaces import CCCP, CI


@attrs.frozen(kw_only=True, slots=False)
class EndorseUser(Command):
    """A presenter vouches for a user; ``result`` of the answer is ``success`` or ``otherFailure``."""

    NAME: ClassVar[str] = "endorseUser"

    result: Annotated[str | None, Attribute("result")] = None
    conference_keys: Annotated[ConferenceKeys, Child(CCCP, "conferenceKeys")]
    user: Annotated[User | None, Child(CI, "user")] = None
