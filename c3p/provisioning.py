"""What a client is told when it logs in: where conferences are made, and how media are to be sent (MS-SIPREGE 2.2.2).

A client asks with ``provisioningGroupList``, which names groups; the answer is ``provisionGroupList``, with those that
the server knows.
"""

from __future__ import annotations

from typing import Annotated, Final, Self

import attrs

from c3p.binding.fields import Attribute, Children, Kind, Text
from c3p.binding.node import Node
from c3p.binding.reader import reader
from c3p.binding.writer import render
from c3p.binding.xml import STRANGERS_LIMITS, DocumentLimits, local_name_of, parse_xml, tag_of
from c3p.errors import MalformedDocument

PROVISIONING_TYPE: Final = "application/vnd-microsoft-roaming-provisioning-v2+xml"
PROVISIONING_EVENT: Final = "vnd-microsoft-provisioning-v2"  #: the package in which a client asks for it
SERVER_CONFIGURATION: Final = "ServerConfiguration"  #: the group that conferences need
_ASKING: Final = "http://schemas.microsoft.com/2006/09/sip/provisioninggrouplist"
_TELLING: Final = "http://schemas.microsoft.com/2006/09/sip/provisiongrouplist-notification"
_ASKING_ROOT: Final = "provisioningGroupList"
_TELLING_ROOT: Final = "provisionGroupList"


@attrs.frozen(kw_only=True, slots=False)
class WantedGroup(Node):
    """One ``provisioningGroup``."""

    name: Annotated[str, Attribute("name")] = ""


@attrs.frozen(kw_only=True, slots=False)
class ProvisioningQuestion(Node):
    """``provisioningGroupList``: the groups that a client wants."""

    groups: Annotated[tuple[WantedGroup, ...], Children(_ASKING, "provisioningGroup")] = ()

    def wants(self, name: str) -> bool:
        """Whether it asks for a group."""
        return any(group.name == name for group in self.groups)

    @classmethod
    def parse(cls, data: bytes, *, limits: DocumentLimits = STRANGERS_LIMITS) -> Self:
        """Read one. Raises MalformedDocument or DocumentTooLarge, both C3PError."""
        root = parse_xml(data, limits)
        if local_name_of(root) != _ASKING_ROOT:
            raise MalformedDocument(f"not a question for provisioning: {tag_of(root)[:200]}")
        return reader(cls).read(root)

    def __bytes__(self) -> bytes:
        """XML, UTF-8. Raises LocalProtocolError for values that do not fit."""
        return render(self, _ASKING_ROOT, _ASKING)


@attrs.frozen(kw_only=True, slots=False)
class ProvisionGroup(Node):
    """One ``provisionGroup``; of what there is in ``ServerConfiguration`` this is what a server of ours has to say."""

    name: Annotated[str, Attribute("name")] = ""
    focus_factory_uri: Annotated[str | None, Text(_TELLING, "focusFactoryUri")] = None
    #: ``SupportEncryption``, ``RequireEncryption`` or ``DoNotSupportEncryption``; absent counts as required
    av_encryption: Annotated[str | None, Text(_TELLING, "ucPC2PCAVEncryption")] = None
    #: whether the ports of media are limited
    port_range_enabled: Annotated[bool | None, Text(_TELLING, "ucPortRangeEnabled", Kind.BOOLEAN)] = None


@attrs.frozen(kw_only=True, slots=False)
class Provisioning(Node):
    """``provisionGroupList``: the groups that the server knows of those that were asked for."""

    groups: Annotated[tuple[ProvisionGroup, ...], Children(_TELLING, "provisionGroup")] = ()

    @property
    def focus_factory_uri(self) -> str | None:
        """Where the client makes conferences; None when it is not told."""
        found = (group.focus_factory_uri for group in self.groups if group.name == SERVER_CONFIGURATION)
        return next((uri for uri in found if uri), None)

    @classmethod
    def parse(cls, data: bytes, *, limits: DocumentLimits = STRANGERS_LIMITS) -> Self:
        """Read one. Raises MalformedDocument or DocumentTooLarge, both C3PError."""
        root = parse_xml(data, limits)
        if local_name_of(root) != _TELLING_ROOT:
            raise MalformedDocument(f"not provisioning: {tag_of(root)[:200]}")
        return reader(cls).read(root)

    def __bytes__(self) -> bytes:
        """XML, UTF-8. Raises LocalProtocolError for values that do not fit."""
        return render(self, _TELLING_ROOT, _TELLING)
