"""Key elements: what a command is about (docs/commands.rst)."""

from __future__ import annotations

from typing import Annotated

import attrs

from c3p.binding.fields import Attribute
from c3p.binding.node import Node
from c3p.namespaces import MSCI, MSCP
from c3p.uris import shown


@attrs.frozen(kw_only=True, slots=False)
class ConferenceKeys(Node):
    """``conferenceKeys``: the conference, by Focus URI, or towards the Focus Factory by ``conference_id``."""

    conf_entity: Annotated[str, Attribute("confEntity")] = ""
    conference_id: Annotated[str | None, Attribute("conference-id", MSCI)] = None
    telemetry_id: Annotated[str | None, Attribute("telemetry-id", MSCP)] = None


@attrs.frozen(kw_only=True, slots=False)
class UserKeys(Node):
    """``userKeys``: one user of a conference."""

    conf_entity: Annotated[str, Attribute("confEntity")]
    user_entity: Annotated[str, Attribute("userEntity")] = attrs.field(repr=shown)


@attrs.frozen(kw_only=True, slots=False)
class EndpointKeys(Node):
    """``endpointKeys``: one endpoint of a user (shape inferred)."""

    conf_entity: Annotated[str, Attribute("confEntity")]
    user_entity: Annotated[str, Attribute("userEntity")] = attrs.field(repr=shown)
    endpoint_entity: Annotated[str, Attribute("endpointEntity")]


@attrs.frozen(kw_only=True, slots=False)
class MediaKeys(Node):
    """``mediaKeys``: one stream of an endpoint."""

    conf_entity: Annotated[str, Attribute("confEntity")]
    user_entity: Annotated[str, Attribute("userEntity")] = attrs.field(repr=shown)
    endpoint_entity: Annotated[str, Attribute("endpointEntity")]
    media_id: Annotated[str, Attribute("mediaId")]
