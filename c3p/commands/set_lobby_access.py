"""``setLobbyAccess`` (docs/commands.rst; shape inferred)."""

from __future__ import annotations

from typing import Annotated, ClassVar

import attrs

from c3p.binding.fields import Child, Text, Texts
from c3p.commands.command import Command
from c3p.keys import ConferenceKeys
from c3p.namespaces import CCCP


@attrs.frozen(kw_only=True, slots=False)
class SetLobbyAccess(Command):
    """Lets users out of the lobby into the conference (``granted``), or sends them away (``denied``)."""

    NAME: ClassVar[str] = "setLobbyAccess"

    conference_keys: Annotated[ConferenceKeys, Child(CCCP, "conferenceKeys")]
    user_entities: Annotated[tuple[str, ...], Texts(CCCP, "userEntity")] = ()
    access: Annotated[str | None, Text(CCCP, "access")] = None
