"""The documents that say a roster, or what changed in it (RFC 4575 sections 4 and 5): where each of them is built."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from c3p import (
    ConferenceDescription,
    ConferenceInfo,
    ConferenceView,
    EntityView,
    Organizer,
    PstnAccess,
    State,
    UriEntry,
    User,
    Users,
    mcu_uri,
)
from focus.records import ConferenceRecord
from focus.roster import Changes, Roster, RosterUser

#: Purpose of the address in ``conf-uris`` that brings whoever calls it into the conference.
PARTICIPATION: Final = "participation"


def whole_document(roster: Roster) -> ConferenceInfo:
    """The whole conference."""
    return _document(roster, State.FULL, map(whole_user, roster.users.values()), roster.views.values())


def lobby_document(roster: Roster, user: str) -> ConferenceInfo:
    """What a user (key) in the lobby may see: the conference and itself (docs/design-decisions.rst)."""
    found = roster.users.get(user)
    return _document(
        roster, State.FULL, [whole_user(found)] if found is not None else [], roster.views.values(), count=1
    )


def partial_document(roster: Roster, changes: Changes, *, count: int | None = None) -> ConferenceInfo:
    """What changed: each changed user whole, removed ones as deleted, the others not at all.

    `count` replaces the number of participants, for those who may not know it.
    """
    users = [User(entity=entity, state=State.DELETED) for _, entity in changes.removed_users]
    users += [whole_user(roster.users[key]) for key in changes.users]
    views = [EntityView(entity=entity, state=State.DELETED) for entity in changes.removed_views]
    views += [roster.views[key] for key in changes.views]
    return _document(roster, State.PARTIAL, users, views, description=changes.description, count=count)


def deleted_document(roster: Roster) -> ConferenceInfo:
    """The conference is over."""
    return ConferenceInfo(entity=roster.focus_uri, state=State.DELETED)


def whole_user(user: RosterUser) -> User:
    """The user whole, as it stands in documents of what changed."""
    return User(
        entity=user.entity,
        state=State.FULL,
        display_text=user.display_text,
        roles=(user.role,),
        endpoints=tuple(user.endpoints.values()),
    )


def _document(
    roster: Roster,
    state: State,
    users: Iterable[User],
    views: Iterable[EntityView],
    *,
    description: bool = True,
    count: int | None = None,
) -> ConferenceInfo:
    whole, shown = state is State.FULL, tuple(views)
    return ConferenceInfo(
        entity=roster.focus_uri,
        state=state,
        version=roster.version,
        description=roster.description if description else None,
        users=Users(state=state, participant_count=len(roster.users) if count is None else count, users=tuple(users)),
        conference_view=ConferenceView(state=state, views=shown) if shown or whole else None,
    )


def dial_in_of(record: ConferenceRecord) -> str | None:
    """What a plain phone calls to get into a conference, ``sip:NUMBER@domain``; None without a number."""
    organizer = record.owner.uri
    return None if record.dial_in is None or organizer is None else f"sip:{record.dial_in}@{organizer.host}"


def conf_uris_of(record: ConferenceRecord) -> tuple[UriEntry, ...]:
    """The MCUs of a conference, and what phones call (RFC 4575 section 5.3.1, ``participation``)."""
    kinds = record.mcu_types
    uris = [UriEntry(uri=mcu_uri(record.focus_uri, kind), display_text=kind, purpose=kind) for kind in kinds]
    phone = dial_in_of(record)
    if phone is not None:
        uris.append(UriEntry(uri=phone, display_text=record.dial_in, purpose=PARTICIPATION))
    return tuple(uris)


def description_of(record: ConferenceRecord) -> ConferenceDescription:
    """What subscribers are told about a conference as such (RFC 4575 section 5.3)."""
    return ConferenceDescription(
        display_text=record.display_text,
        subject=record.subject,
        conf_uris=conf_uris_of(record),
        organizer=Organizer(entity=record.organizer),
        admission_policy=record.admission_policy,
        pstn_access=None if record.dial_in is None else PstnAccess(id=record.dial_in),
        lobby_capable=record.lobby_capable,
    )
