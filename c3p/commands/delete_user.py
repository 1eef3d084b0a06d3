"""``deleteUser``: eject (docs/commands.rst)."""

from __future__ import annotations

from typing import Annotated, ClassVar

import attrs

from c3p.binding.fields import Child
from c3p.commands.command import Command
from c3p.keys import UserKeys
from c3p.namespaces import CCCP


@attrs.frozen(kw_only=True, slots=False)
class DeleteUser(Command):
    """Removes a user from the conference, or with ``mcu_uri`` from that MCU only."""

    NAME: ClassVar[str] = "deleteUser"
    IDEMPOTENT: ClassVar[bool] = True

    user_keys: Annotated[UserKeys, Child(CCCP, "userKeys")]
