"""Who is in a conference, as it is at the moment."""

from __future__ import annotations

from collections.abc import Iterator

from c3p import ConferenceInfo, Endpoint, Media, MediaType, State, Status, User
from focus.client import Client
from sip import AddressOfRecord, Uri


class Roster:
    """A live view: it shows what the last document of the Focus has shown. ``len`` and iteration are of users."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def info(self) -> ConferenceInfo | None:
        """The whole document, None before the first."""
        return self._client.roster

    @property
    def users(self) -> tuple[User, ...]:
        """Everybody."""
        info = self._client.roster
        return info.users.users if info is not None and info.users is not None else ()

    def __iter__(self) -> Iterator[User]:
        return iter(self.users)

    def __len__(self) -> int:
        return len(self.users)

    def __contains__(self, uri: object) -> bool:
        return isinstance(uri, Uri | str) and self._find(uri) is not None

    def __getitem__(self, uri: Uri | str) -> User:
        """A user by URI, however it is spelt. Raises KeyError."""
        found = self._find(uri)
        if found is None:
            raise KeyError(uri)
        return found

    def _find(self, uri: Uri | str) -> User | None:
        wanted = AddressOfRecord.read(str(uri))
        return next((user for user in self.users if wanted.is_named_by(user.entity)), None)

    def statuses(self, uri: Uri | str) -> tuple[str, ...]:
        """Status of each endpoint of a user, such as ``connected`` or ``alerting``; empty for who is not there."""
        return tuple(str(endpoint.status) for endpoint in self._endpoints(uri) if endpoint.status)

    def is_connected(self, uri: Uri | str) -> bool:
        """Whether an endpoint of a user is."""
        return Status.CONNECTED in self.statuses(uri)

    def is_in_lobby(self, uri: Uri | str) -> bool:
        """Whether a user waits to be let in."""
        found = self._find(uri)
        return found is not None and found.in_lobby

    def streams(self, uri: Uri | str, media_type: str = MediaType.AUDIO) -> tuple[tuple[Endpoint, Media], ...]:
        """The streams of a user, each with its endpoint."""
        return tuple(
            (endpoint, media)
            for endpoint in self._endpoints(uri)
            for media in endpoint.media
            if media.type == media_type
        )

    def _endpoints(self, uri: Uri | str) -> tuple[Endpoint, ...]:
        user = self._find(uri)
        endpoints = user.endpoints if user is not None else ()
        return tuple(endpoint for endpoint in endpoints if endpoint.state != State.DELETED)

    def __repr__(self) -> str:
        return f"<Roster of {len(self)}: {', '.join(user.entity for user in self.users[:5])}>"
