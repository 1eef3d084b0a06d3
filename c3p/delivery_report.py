"""What became of a message to a conference, for each who was to get it (MS-CONFIM 2.2.2)."""

from __future__ import annotations

from typing import Annotated, Final, Self

import attrs

from c3p.binding.fields import Attribute, Children, Kind, Text
from c3p.binding.node import Node
from c3p.binding.reader import reader
from c3p.binding.writer import render
from c3p.binding.xml import STRANGERS_LIMITS, DocumentLimits, local_name_of, parse_xml, tag_of
from c3p.errors import MalformedDocument

DELIVERY_REPORT_TYPE: Final = "application/ms-imdn+xml"
_NAMESPACE: Final = "http://schemas.microsoft.com/rtc/2005/08/imdn"
_ROOT: Final = "imdn"


@attrs.frozen(kw_only=True, slots=False)
class ReportEntry(Node):
    """One more thing that is said of a failure, such as ``ms-diagnostics``."""

    key: Annotated[str, Text(_NAMESPACE, "key")]
    value: Annotated[str, Text(_NAMESPACE, "value", Kind.TEXT)] = ""


@attrs.frozen(kw_only=True, slots=False)
class ReportRecipient(Node):
    """Somebody who did not get it."""

    uri: Annotated[str, Attribute("uri")]  #: a name-addr in angle brackets
    status: Annotated[int | None, Text(_NAMESPACE, "status", Kind.UINT)] = None  #: as SIP has it
    entries: Annotated[tuple[ReportEntry, ...], Children(_NAMESPACE, "entry")] = ()


@attrs.frozen(kw_only=True, slots=False)
class DeliveryReport(Node):
    """``imdn``: all who are not named got the message."""

    message_id: Annotated[str, Text(_NAMESPACE, "message-id")]  #: ``Message-Id`` of the 202
    recipients: Annotated[tuple[ReportRecipient, ...], Children(_NAMESPACE, "recipient")] = ()

    @classmethod
    def parse(cls, data: bytes, *, limits: DocumentLimits = STRANGERS_LIMITS) -> Self:
        """Read one. Raises MalformedDocument or DocumentTooLarge, both C3PError."""
        root = parse_xml(data, limits)
        if local_name_of(root) != _ROOT:
            raise MalformedDocument(f"not a report of delivery: {tag_of(root)[:200]}")
        return reader(cls).read(root)

    def __bytes__(self) -> bytes:
        """XML, UTF-8. Raises LocalProtocolError for values that do not fit."""
        return render(self, _ROOT, _NAMESPACE)
