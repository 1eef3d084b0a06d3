"""``modifyEndpointMedia``: mute and unmute (docs/commands.rst)."""

from __future__ import annotations

from typing import Annotated, ClassVar

import attrs

from c3p.binding.fields import Child
from c3p.commands.command import Command
from c3p.conference.user import Media
from c3p.keys import MediaKeys
from c3p.namespaces import CCCP, CI


@attrs.frozen(kw_only=True, slots=False)
class ModifyEndpointMedia(Command):
    """Changes direction and filters of one stream of an endpoint."""

    NAME: ClassVar[str] = "modifyEndpointMedia"
    IDEMPOTENT: ClassVar[bool] = True

    media_keys: Annotated[MediaKeys, Child(CCCP, "mediaKeys")]
    media: Annotated[Media | None, Child(CI, "media")] = None
