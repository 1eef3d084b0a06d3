"""Conference records as documents and back (docs/commands.rst)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from c3p import (
    C3PError,
    ConferenceDescription,
    ConferenceInfo,
    ConferenceView,
    EntityView,
    Organizer,
    PstnAccess,
    State,
    User,
    Users,
    conf_id_of,
    format_timestamp,
    mcu_type_of,
    parse_timestamp,
)
from focus.policy import ROLES
from focus.records import ConferenceRecord, is_passcode
from focus.roster_document import conf_uris_of
from sip import ConferenceAddress, SipError, Uri


def mcu_types_in(info: ConferenceInfo) -> tuple[str, ...]:
    """The media types that a record asks for: the entity of a view is the type, or in an answer the URI of its MCU."""
    views = info.conference_view.views if info.conference_view is not None else ()
    return tuple(dict.fromkeys(mcu_type_of(view.entity) or view.entity for view in views if view.entity))


def describe(
    record: ConferenceRecord,
    *,
    updated_at: float | None = None,
    for_a_focus: bool = False,
) -> ConferenceInfo:
    """A record as a Focus Factory answers it; times are wall-clock seconds. Only a Focus is told the passcode."""
    description = ConferenceDescription(
        display_text=record.display_text,
        subject=record.subject,
        conf_uris=conf_uris_of(record),
        organizer=Organizer(entity=record.organizer),
        conference_id=record.conference_id,
        expiry_time=format_timestamp(record.expires_at) if record.expires_at is not None else None,
        last_update=format_timestamp(updated_at) if updated_at is not None else None,
        admission_policy=record.admission_policy,
        autopromote=record.autopromote,
        pstn_access=None if record.dial_in is None else PstnAccess(id=record.dial_in),
        lobby_capable=record.lobby_capable,
        pstn_lobby_bypass=record.pstn_lobby_bypass or None,
        anonymous_dialout_allowed=record.anonymous_dialout,
        passcode=record.passcode if for_a_focus else None,
    )
    users = tuple(User(entity=user, state=State.FULL, roles=(role,)) for user, role in record.roles)
    views = tuple(EntityView(entity=kind, state=State.FULL) for kind in record.mcu_types)
    return ConferenceInfo(
        entity=record.focus_uri,
        state=State.FULL,
        version=record.version,
        description=description,
        users=Users(state=State.FULL, users=users) if users else None,
        conference_view=ConferenceView(state=State.FULL, views=views) if views else None,
    )


def read(info: ConferenceInfo, base: ConferenceRecord) -> ConferenceRecord:
    """`base` with what a document says of it; what it leaves out stays."""
    description = info.description if info.description is not None else ConferenceDescription()
    said = {
        "subject": description.subject,
        "display_text": description.display_text,
        "admission_policy": description.admission_policy,
        "autopromote": description.autopromote,
        "lobby_capable": description.lobby_capable,
        "anonymous_dialout": description.anonymous_dialout_allowed,
        "pstn_lobby_bypass": description.pstn_lobby_bypass,
    }
    changes: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    if description.passcode is not None:
        changes["passcode"] = _passcode_in(description.passcode)
    if description.expiry_time is not None:
        changes["expires_at"] = parse_timestamp(description.expiry_time)
    if info.users is not None:
        changes["roles"] = tuple(_roles_in(info.users))
    if info.conference_view is not None:
        changes["mcu_types"] = mcu_types_in(info)
    return attrs.evolve(base, **changes)


def _passcode_in(text: str) -> str | None:
    """The passcode that is set; an empty one takes it away. Raises C3PError for one that nobody could type."""
    if text and not is_passcode(text):
        raise C3PError("not a passcode")
    return text or None


def _roles_in(users: Users) -> Iterator[tuple[str, str]]:
    """The roles set for users. Raises C3PError for one that is none: its user would not be invited, and nobody told."""
    for user in users.users:
        if len(user.roles) > 1 or not ROLES.issuperset(user.roles):
            raise C3PError(f"not a role: {', '.join(user.roles)[:200]!r}")
        if user.entity and user.roles:
            yield user.entity, user.roles[0]


def read_fetched(info: ConferenceInfo, focus_uri: str) -> ConferenceRecord | None:
    """The record in a Focus Factory's answer to a Focus elsewhere; None when it is another one, or broken."""
    description = info.description
    organizer = description.organizer.entity if description is not None and description.organizer is not None else None
    conference_id = conf_id_of(info.entity)
    if organizer is None or conference_id is None or not ConferenceAddress.read(focus_uri).is_named_by(info.entity):
        return None
    access = description.pstn_access if description is not None else None
    base = ConferenceRecord(
        conference_id=conference_id,
        organizer=organizer,
        focus_uri=info.entity,
        dial_in=None if access is None else access.id,
        version=info.version or 1,
    )
    try:
        Uri.parse(organizer)
        record = read(info, base)
        describe(record)
    except (C3PError, SipError):
        return None
    return record
