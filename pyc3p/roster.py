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


def endpoint_states(info: c3p.ConferenceInfo) -> dict[tuple[str, str], str]:
    """Status by user and endpoint (entity without braces, in lower case)."""
    return {
        (user.entity, endpoint.entity.strip("{}").lower()): _words(
            endpoint.session_type, endpoint.status, _because(endpoint), _muted(endpoint)
        )
        for user in (info.users.users if info.users else ())
        for endpoint in user.endpoints
    }


def changes(before: c3p.ConferenceInfo | None, after: c3p.ConferenceInfo) -> list[str]:
    """What happened between two states, one line each, such as ``bob@example.com: audio-video alerting``."""
    old = endpoint_states(before) if before else {}
    new = endpoint_states(after)
    told = [f"{short_uri(key[0])}: {state}" for key, state in new.items() if old.get(key) != state]
    gone = [(user, state.split(" ")[0]) for (user, endpoint), state in old.items() if (user, endpoint) not in new]
    return told + [f"{short_uri(user)}: {_words(session_type, 'gone')}" for user, session_type in gone]
