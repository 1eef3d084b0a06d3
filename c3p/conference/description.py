"""``conference-description``: what a conference is, apart from who is in it (RFC 4575 section 5.3)."""

from __future__ import annotations

from typing import Annotated

import attrs

from c3p.binding.fields import Child, Children, Kind, Text, WrapperAttribute
from c3p.binding.node import Node
from c3p.conference.uri_entry import UriEntry
from c3p.conference.user import full_by_default
from c3p.conference.view import MediaEntry
from c3p.namespaces import CI, MSCI, MSCP


@attrs.frozen(kw_only=True, slots=False)
class Organizer(Node):
    """``msci:organizer``."""

    entity: Annotated[str | None, Text(MSCI, "entity")] = None
    display_name: Annotated[str | None, Text(MSCI, "display-name", Kind.TEXT)] = None


@attrs.frozen(kw_only=True, slots=False)
class PstnAccess(Node):
    """``msci:pstn-access``: how telephones reach the conference."""

    id: Annotated[str | None, Text(MSCI, "id")] = None  #: digits that a caller keys in


@attrs.frozen(kw_only=True, slots=False)
class CustomInvite(Node):
    """``msci:custom-invite``: what an invitation by mail shows."""

    logo_url: Annotated[str | None, Text(MSCI, "logo-url")] = None
    legal_url: Annotated[str | None, Text(MSCI, "legal-url")] = None
    help_url: Annotated[str | None, Text(MSCI, "help-url")] = None
    custom_footer_text: Annotated[str | None, Text(MSCI, "custom-footer-text", Kind.TEXT)] = None


@attrs.frozen(kw_only=True, slots=False)
class EncryptionKey(Node):
    """``msci:encryption-key``: the certificate that a passcode is to be encrypted to."""

    x509_certificate: Annotated[str | None, Text(MSCI, "x509-certificate")] = None


@attrs.frozen(kw_only=True, slots=False)
class ConferenceDescription(Node):
    """The record of a conference. Date and time values are xs:dateTime in UTC, see :mod:`c3p.timestamps`."""

    display_text: Annotated[str | None, Text(CI, "display-text", Kind.TEXT)] = None
    subject: Annotated[str | None, Text(CI, "subject", Kind.TEXT)] = None
    free_text: Annotated[str | None, Text(CI, "free-text", Kind.TEXT)] = None
    keywords: Annotated[str | None, Text(CI, "keywords", Kind.TEXT)] = None
    conf_uris: Annotated[tuple[UriEntry, ...], Children(CI, "entry", wrapper=(CI, "conf-uris"))] = ()
    conf_uris_state: Annotated[str | None, WrapperAttribute("conf_uris", "state")] = attrs.field(
        default=None, eq=full_by_default
    )
    service_uris: Annotated[tuple[UriEntry, ...], Children(CI, "entry", wrapper=(CI, "service-uris"))] = ()
    service_uris_state: Annotated[str | None, WrapperAttribute("service_uris", "state")] = attrs.field(
        default=None, eq=full_by_default
    )
    maximum_user_count: Annotated[int | None, Text(CI, "maximum-user-count", Kind.UINT)] = None
    available_media: Annotated[tuple[MediaEntry, ...], Children(CI, "entry", wrapper=(CI, "available-media"))] = ()
    organizer: Annotated[Organizer | None, Child(MSCI, "organizer")] = None
    conference_id: Annotated[str | None, Text(MSCI, "conference-id")] = None
    expiry_time: Annotated[str | None, Text(MSCI, "expiry-time")] = None
    last_update: Annotated[str | None, Text(MSCI, "last-update")] = None
    last_activate: Annotated[str | None, Text(MSCI, "last-activate")] = None
    is_active: Annotated[bool | None, Text(MSCI, "is-active", Kind.BOOLEAN)] = None
    admission_policy: Annotated[str | None, Text(MSCI, "admission-policy")] = None
    notification_data: Annotated[str | None, Text(MSCI, "notification-data", Kind.TEXT)] = None
    organizer_data: Annotated[str | None, Text(MSCI, "organizer-data", Kind.TEXT)] = None
    encryption_key: Annotated[EncryptionKey | None, Child(MSCI, "encryption-key")] = None
    pstn_access: Annotated[PstnAccess | None, Child(MSCI, "pstn-access", 1)] = None
    lobby_capable: Annotated[bool | None, Text(MSCI, "lobby-capable", Kind.BOOLEAN, 2)] = None
    anonymous_type_allowed: Annotated[bool | None, Text(MSCI, "anonymous-type-allowed", Kind.BOOLEAN, 2)] = None
    join_url: Annotated[str | None, Text(MSCI, "join-url", Kind.TOKEN, 2)] = None
    autopromote: Annotated[int | None, Text(MSCI, "autopromote", Kind.UINT, 2)] = None  #: bit mask
    autopromote_allowed: Annotated[int | None, Text(MSCI, "autopromote-allowed", Kind.UINT, 2)] = None  #: bit mask
    pstn_lobby_bypass: Annotated[bool | None, Text(MSCI, "pstn-lobby-bypass", Kind.BOOLEAN, 2)] = None
    pstn_lobby_bypass_allowed: Annotated[bool | None, Text(MSCI, "pstn-lobby-bypass-allowed", Kind.BOOLEAN, 2)] = None
    recording_allowed: Annotated[bool | None, Text(MSCI, "recording-allowed", Kind.BOOLEAN, 2)] = None
    externaluser_recording_allowed: Annotated[
        bool | None, Text(MSCI, "externaluser-recording-allowed", Kind.BOOLEAN, 2)
    ] = None
    recording_notification: Annotated[bool | None, Text(MSCI, "recording-notification", Kind.BOOLEAN, 2)] = None
    custom_invite: Annotated[CustomInvite | None, Child(MSCI, "custom-invite", 3)] = None
    server_mode: Annotated[int | None, Text(MSCI, "server-mode", Kind.UINT, 3)] = None
    anonymous_dialout_allowed: Annotated[bool | None, Text(MSCI, "anonymous-dialout-allowed", Kind.BOOLEAN, 3)] = None
    endorse_allowed: Annotated[bool | None, Text(MSCI, "endorse-allowed", Kind.BOOLEAN, 3)] = None
    main_video_mute_allowed: Annotated[bool | None, Text(MSCI, "main-video-mute-allowed", Kind.BOOLEAN, 3)] = None
    pano_video_mute_allowed: Annotated[bool | None, Text(MSCI, "pano-video-mute-allowed", Kind.BOOLEAN, 3)] = None
    is_large_meeting: Annotated[bool | None, Text(MSCI, "is-large-meeting", Kind.BOOLEAN, 3)] = None
    #: what guests have to know; ours, in what an organizer writes and a Focus reads, and in no roster
    passcode: Annotated[str | None, Text(MSCP, "passcode", Kind.TEXT, 3)] = attrs.field(default=None, repr=False)
