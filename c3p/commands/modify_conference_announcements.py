"""``modifyConferenceAnnouncements`` (docs/commands.rst)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

import attrs

from c3p.binding.fields import Child, Kind, Text
from c3p.binding.node import Extra
from c3p.commands.command import Command
from c3p.keys import ConferenceKeys
from c3p.namespaces import CCCP


@attrs.frozen(kw_only=True, slots=False)
class ModifyConferenceAnnouncements(Command):
    """Turns entry and exit announcements of the A/V MCU ``mcu_uri`` on or off."""

    NAME: ClassVar[str] = "modifyConferenceAnnouncements"
    IDEMPOTENT: ClassVar[bool] = True

    conference_keys: Annotated[ConferenceKeys, Child(CCCP, "conferenceKeys")]
    enabled: Annotated[bool | None, Text(CCCP, "enabled", Kind.BOOLEAN)] = None

    def after_reading(self) -> Self:
        """Some put ``enabled`` inside ``conferenceKeys``: it is moved beside it."""
        misplaced = self.conference_keys.extra.find(f"{{{CCCP}}}enabled") or self.conference_keys.extra.find("enabled")
        word = misplaced.text.strip().lower() if misplaced else ""
        if self.enabled is not None or word not in ("true", "false", "1", "0"):
            return self
        extra = self.conference_keys.extra
        rest = Extra(
            extra.attributes, tuple(one for one in extra.elements if one.element is not misplaced), extra.trimmings
        )
        keys = attrs.evolve(self.conference_keys, extra=rest)
        return attrs.evolve(self, conference_keys=keys, enabled=word in ("true", "1"))
