"""``getEncryptionKey`` (docs/commands.rst; shape inferred)."""

from __future__ import annotations

from typing import Annotated, ClassVar

import attrs

from c3p.binding.fields import Child
from c3p.commands.command import Command
from c3p.conference.description import EncryptionKey
from c3p.namespaces import MSCI


@attrs.frozen(kw_only=True, slots=False)
class GetEncryptionKey(Command):
    """Asks for the certificate of the Focus Factory."""

    NAME: ClassVar[str] = "getEncryptionKey"
    IDEMPOTENT: ClassVar[bool] = True

    encryption_key: Annotated[EncryptionKey | None, Child(MSCI, "encryption-key")] = None
