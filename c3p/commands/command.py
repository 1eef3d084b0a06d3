"""What all commands have in common."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Self

import attrs

from c3p.binding.fields import Attribute
from c3p.binding.node import Node, Unknown
from c3p.error_ids import ErrorId
from c3p.namespaces import MSCP

_MCU_URI: Final = f"{{{MSCP}}}mcuUri"


@attrs.frozen(kw_only=True, slots=False)
class Command(Node):
    """The child of a request or of a response."""

    NAME: ClassVar[str] = ""  #: element name in the namespace of C3P
    IDEMPOTENT: ClassVar[bool] = False  #: may be sent again after a connect failure (docs/c3p-over-http.rst)
    CONTENT_ERROR: ClassVar[ErrorId] = ErrorId.DOCUMENT_DOES_NOT_PARSE  #: when its content is unusable

    mcu_uri: Annotated[str | None, Attribute("mcuUri", MSCP)] = None  #: MCU-Conference-URI of the MCU concerned
    reason: Annotated[str | None, Attribute("reason")] = None  #: specific reason, in a failed response

    @property
    def name(self) -> str:
        """Element name."""
        return self.NAME

    def echo(self, reason: str | None = None) -> Self:
        """The command as a response carries it back: same keys and objects, with ``reason`` when it failed."""
        return attrs.evolve(self, mcu_uri=None, reason=reason)


@attrs.frozen(kw_only=True, slots=False)
class UnknownCommand(Command):
    """A command that this package has no class for: 3004, ``notSupported``. Its XML is kept in ``element``."""

    element: Unknown

    @property
    def name(self) -> str:
        """Element name as received, without namespace."""
        return self.element.local_name

    def as_element(self) -> Unknown:
        """The element with the current ``reason`` and ``mcu_uri``."""
        current = {"reason": self.reason, _MCU_URI: self.mcu_uri, "mcuUri": self.mcu_uri}
        kept = {name: current.get(name, value) for name, value in self.element.attributes}
        kept.setdefault("reason", self.reason)
        if "mcuUri" not in kept:
            kept.setdefault(_MCU_URI, self.mcu_uri)
        return attrs.evolve(self.element, attributes=tuple((n, v) for n, v in kept.items() if v is not None))

    def echo(self, reason: str | None = None) -> UnknownCommand:
        """Only the name comes back; what the content means is not known."""
        return UnknownCommand(element=Unknown(self.element.name), reason=reason)
