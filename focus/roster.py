"""The state of one conference, mutable inside the Focus, and what changed in it (RFC 4575 section 5).

`roster_document` says it in documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from c3p import ConferenceDescription, Endpoint, EntityView, SessionType, State, Status, guid_key
from focus.durable.unsaved import Unsaved
from sip import AddressOfRecord, ConferenceAddress


@attrs.define
class RosterUser:
    """One participant, with all endpoints in the order in which they came."""

    address: AddressOfRecord
    role: str
    display_text: str | None = None
    endpoints: dict[str, Endpoint] = attrs.Factory(dict)

    @property
    def entity(self) -> str:
        """The name as it was spelt first."""
        return self.address.text

    def of_type(self, session_type: str) -> dict[str, Endpoint]:
        """The endpoints of one session type, by key."""
        return {key: one for key, one in self.endpoints.items() if one.session_type == session_type}

    @property
    def in_lobby(self) -> bool:
        """Whether every Focus endpoint still waits to be let in."""
        waiting = [one.status == Status.ON_HOLD for one in self.of_type(SessionType.FOCUS).values()]
        return bool(waiting) and all(waiting)

    @property
    def at_doors(self) -> tuple[str, ...]:
        """The types of MCUs at which a phone of this user waits to be let in."""
        types = [one.session_type for one in self.endpoints.values() if one.status == Status.PENDING]
        return tuple(dict.fromkeys(kind for kind in types if kind and kind != SessionType.FOCUS))


@attrs.frozen(kw_only=True)
class Changes:
    """What one step changed; keys of users and views."""

    version: int
    users: tuple[str, ...] = ()
    removed_users: tuple[tuple[str, str], ...] = ()  #: (key, entity as it was spelt)
    views: tuple[str, ...] = ()
    removed_views: tuple[str, ...] = ()  #: entities
    description: bool = False

    def only(self, user: str) -> Changes | None:
        """What of it a user in the lobby may see: itself (docs/design-decisions.rst); None when nothing is left."""
        users = tuple(key for key in self.users if key == user)
        removed = tuple(item for item in self.removed_users if item[0] == user)
        own = attrs.evolve(self, users=users, removed_users=removed)
        return own if users or removed or self.views or self.removed_views or self.description else None


class Roster:
    """Users, endpoints and views of one conference, and a version that counts its changes."""

    def __init__(self, *, address: ConferenceAddress, description: ConferenceDescription) -> None:
        self.address = address
        self.focus_uri = address.text
        self.description = description
        self.version = 0
        self.users: dict[str, RosterUser] = {}
        self.views: dict[str, EntityView] = {}
        self.unsaved: Unsaved | None = None  #: users and views that changed; None where nobody writes them
        self._changed_users: dict[str, None] = {}
        self._removed_users: dict[str, str] = {}
        self._changed_views: dict[str, None] = {}
        self._removed_views: dict[str, str] = {}
        self._description_changed = False

    # Reading ---------------------------------------------------------------------------------------------------------

    def find(self, user: AddressOfRecord) -> RosterUser | None:
        """The user of that name in any spelling."""
        return self.users.get(user.key)

    def find_endpoint(self, user: AddressOfRecord, endpoint: str) -> Endpoint | None:
        """One endpoint of a user, None when either is unknown."""
        found = self.find(user)
        return found.endpoints.get(guid_key(endpoint)) if found is not None else None

    def holders(self, session_type: str) -> Iterator[tuple[str, RosterUser]]:
        """The users that have an endpoint of that type."""
        return ((key, user) for key, user in list(self.users.items()) if user.of_type(session_type))

    def has_holders(self, session_type: str) -> bool:
        """Whether anybody has an endpoint of that type."""
        for user in self.users.values():
            for endpoint in user.endpoints.values():
                if endpoint.session_type == session_type:
                    return True
        return False

    def resume(self, users: Iterable[RosterUser], views: Iterable[EntityView], version: int) -> None:
        """Go on with what was known before a restart, after that version. Whoever is told anything is told all."""
        self.users = {one.address.key: one for one in users}
        self.views.update((ConferenceAddress.read(one.entity).key, one) for one in views)
        self._changed_views.clear()
        self.version = version

    # Changing --------------------------------------------------------------------------------------------------------

    def set_endpoint(
        self, address: AddressOfRecord, endpoint: Endpoint, *, role: str, display_text: str | None = None
    ) -> RosterUser:
        """Add an endpoint or put it in place of the one of that key; adds the user when it is new.

        `role` and `display_text` count for a new user only; a name is taken when there was none.
        """
        user = self.users.get(address.key)
        if user is None:
            user = self.users[address.key] = RosterUser(address=address, role=role)
        if display_text and not user.display_text:
            user.display_text = display_text
        guid = guid_key(endpoint.entity)
        present = user.endpoints.get(guid)
        # The first spelling of a GUID stays, so that subscribers who compare text follow.
        spelling = endpoint.entity if present is None else present.entity
        if endpoint.entity != spelling or endpoint.state != State.FULL:
            endpoint = attrs.evolve(endpoint, entity=spelling, state=State.FULL)
        if present != endpoint:
            user.endpoints[guid] = endpoint
            self._touch(address.key)
        return user

    def remove_endpoint(self, address: AddressOfRecord, endpoint: str) -> None:
        """Remove an endpoint, and the user with the last one (RFC 4575 section 5.7.3)."""
        user = self.users.get(address.key)
        if user is None or user.endpoints.pop(guid_key(endpoint), None) is None:
            return
        if user.endpoints:
            self._touch(address.key)
        else:
            self.remove_user(address)

    def remove_user(self, address: AddressOfRecord) -> None:
        """Remove a user with all endpoints."""
        user = self.users.pop(address.key, None)
        if user is not None:
            self._changed_users.pop(address.key, None)
            self._removed_users[address.key] = user.entity

    def set_role(self, address: AddressOfRecord, role: str) -> None:
        """Give a user another role."""
        user = self.users.get(address.key)
        if user is not None and user.role != role:
            user.role = role
            self._touch(address.key)

    def set_view(self, address: ConferenceAddress, view: EntityView) -> None:
        """Add the view of the conference or of an MCU, or put it in place of the one before."""
        if view.state != State.FULL:
            view = attrs.evolve(view, state=State.FULL)
        if self.views.get(address.key) != view:
            self.views[address.key] = view
            self._removed_views.pop(address.key, None)
            self._changed_views[address.key] = None

    def remove_view(self, address: ConferenceAddress) -> None:
        """Remove the view of an MCU."""
        view = self.views.pop(address.key, None)
        if view is not None:
            self._changed_views.pop(address.key, None)
            self._removed_views[address.key] = view.entity

    def set_description(self, description: ConferenceDescription) -> None:
        """Change what the conference is."""
        if description != self.description:
            self.description = description
            self._description_changed = True

    def take_changes(self) -> Changes | None:
        """What changed since the last call, None when nothing did; the version counts up."""
        if not (
            self._changed_users
            or self._removed_users
            or self._changed_views
            or self._removed_views
            or self._description_changed
        ):
            return None
        self.version += 1
        if self.unsaved is not None:
            self.unsaved.update(dict.fromkeys(("user", key) for key in (*self._changed_users, *self._removed_users)))
            self.unsaved.update(dict.fromkeys(("view", key) for key in (*self._changed_views, *self._removed_views)))
        changes = Changes(
            version=self.version,
            users=tuple(self._changed_users),
            removed_users=tuple(self._removed_users.items()),
            views=tuple(self._changed_views),
            removed_views=tuple(self._removed_views.values()),
            description=self._description_changed,
        )
        self._changed_users, self._removed_users = {}, {}
        self._changed_views, self._removed_views = {}, {}
        self._description_changed = False
        return changes

    def _touch(self, key: str) -> None:
        self._changed_users[key] = None
