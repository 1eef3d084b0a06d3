"""``getConferences`` (docs/commands.rst)."""

from __future__ import annotations

from typing import Annotated, ClassVar

import attrs

from c3p.binding.fields import Children
from c3p.commands.command import Command
from c3p.conference.info import ConferenceInfo
from c3p.namespaces import CCCP, CI


@attrs.frozen(kw_only=True, slots=False)
class GetConferences(Command):
    """Asks for all records of an organizer."""

    NAME: ClassVar[str] = "getConferences"
    IDEMPOTENT: ClassVar[bool] = True

    conference_infos: Annotated[
        tuple[ConferenceInfo, ...], Children(CI, "conference-info", wrapper=(CCCP, "conference-infos"))
    ] = ()
