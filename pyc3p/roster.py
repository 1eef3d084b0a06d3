"""Rosters in words: who is in a conference, and what has changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import attrs

import c3p

_CONFERENCE: Final = re.compile(r"^sips?:.*;opaque=app:conf:([\w-]+)(?::id:([^;?]+))?", re.IGNORECASE)
_SCHEME: Final = re.compile(r"^(?:sips?|tel):", re.IGNORECASE)


def short_uri(uri: str) -> str:
    """A URI as people say it: user and domain, or kind and start of the id of a conference."""
    conference = _CONFERENCE.match(uri)
    if conference:
        kind, conference_id = conference[1], conference[2] or ""
        return f"{kind}:{conference_id[:8]}" if conference_id else kind
    return _SCHEME.sub("", uri).split(";", 1)[0].split("?", 1)[0]


def dial_in_address(info: c3p.ConferenceInfo, server: tuple[str, int] | None = None) -> str | None:
    """What a plain phone calls to get into a conference, None where nothing is said of it.

    Where the conference is at the very host of ``server``, the port of that is in it, if it is not the usual one.
    """
    entries = info.description.conf_uris if info.description is not None else ()
    found = next((one.uri for one in entries if one.purpose == "participation" and one.uri), None)
    if found is None or server is None or server[1] == 5060:
        return found
    host = found.partition("@")[2]
    return f"{found}:{server[1]}" if host.strip("[]").lower() == server[0].strip("[]").lower() else found


def status_words(user: c3p.User) -> str:
    """What a user's endpoints do, such as ``audio-video alerting``."""
    if user.state == "deleted":
        return "gone"
    told = []
    for endpoint in user.endpoints:
        if endpoint.state == "deleted":
            told.append(_words(endpoint.session_type, "gone"))
        else:
            told.append(_words(endpoint.session_type, endpoint.status, _because(endpoint), _muted(endpoint)))
    return ", ".join(told)


def _because(endpoint: c3p.Endpoint) -> str | None:
    return f"({endpoint.disconnection_method})" if endpoint.disconnection_method else None


def _muted(endpoint: c3p.Endpoint) -> str | None:
    return "muted" if any(media.ingress_filter == "block" for media in endpoint.media) else None


def _words(*words: str | None) -> str:
    return " ".join(word for word in words if word)


@attrs.frozen
class Row:
    """One endpoint of one user."""

    user: str
    name: str
    role: str
    session_type: str
    status: str
    muted: bool


def rows(info: c3p.ConferenceInfo) -> Iterator[Row]:
    """The roster as a table, one row an endpoint, users in the order of the document."""
    for user in info.users.users if info.users else ():
        for endpoint in user.endpoints:
            yield Row(
                user=user.entity,
                name=user.display_text or short_uri(user.entity),
                role=", ".join(user.roles),
                session_type=endpoint.session_type or "",
                status=_words(endpoint.status, _because(endpoint)),
                muted=_muted(endpoint) is not None,
            )


@attrs.frozen(kw_only=True)
class Change:
    """What became of one endpoint of one user; as a text ``bob@example.com: audio-video alerting``."""

    user: str
    name: str  #: as others see it, else the address
    session_type: str
    status: str | None
    because: str | None = None  #: how it left
    muted: bool = False
    gone: bool = False  #: it is in the roster no more

    @property
    def state(self) -> str:
        """In the words of the document, such as ``audio-video disconnected (busy)``."""
        if self.gone:
            return _words(self.session_type, "gone")
        because = f"({self.because})" if self.because else None
        return _words(self.session_type, self.status, because, "muted" if self.muted else None)

    def __str__(self) -> str:
        return f"{short_uri(self.user)}: {self.state}"


def _endpoints(info: c3p.ConferenceInfo | None) -> dict[tuple[str, str], Change]:
    """By user and endpoint (entity without braces, in lower case)."""
    users = info.users.users if info is not None and info.users is not None else ()
    return {
        (user.entity, endpoint.entity.strip("{}").lower()): Change(
            user=user.entity,
            name=user.display_text or short_uri(user.entity),
            session_type=endpoint.session_type or "",
            status=endpoint.status,
            because=endpoint.disconnection_method,
            muted=_muted(endpoint) is not None,
        )
        for user in users
        for endpoint in user.endpoints
    }


def endpoint_states(info: c3p.ConferenceInfo) -> dict[tuple[str, str], str]:
    """Status by user and endpoint (entity without braces, in lower case)."""
    return {key: change.state for key, change in _endpoints(info).items()}


def changes(before: c3p.ConferenceInfo | None, after: c3p.ConferenceInfo) -> list[Change]:
    """What happened between two states, in the order of the document; who is gone last."""
    old, new = _endpoints(before), _endpoints(after)
    told = [change for key, change in new.items() if key not in old or old[key].state != change.state]
    gone = [attrs.evolve(was, gone=True) for key, was in old.items() if key not in new]
    return told + gone
