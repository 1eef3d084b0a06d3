"""Judge documents: each by itself, a command with what answers it, and the notifications of one subscription."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from c3p.commands import Command, UnknownCommand
from c3p.conference.entity_key import guid_key, text_key, uri_key
from c3p.conference.info import ConferenceInfo
from c3p.conference.merge import read_state
from c3p.conference.user import Endpoint, User
from c3p.documents import Document, parse_document
from c3p.envelope import Request, Response
from c3p.errors import C3PError, MalformedDocument
from c3p.testing.finding import Finding, Force
from c3p.vocabulary import Code, State

_Found = Iterator[tuple[str, Force, str, str]]
_ENVELOPE: Final = "C3P, request and response"
_INFO: Final = "RFC 4575 section 5.2"
#: What RFC 4575 section 5.7.3 lists.
STATUSES: Final = frozenset(
    (
        *("connected", "disconnected", "on-hold", "muted-via-focus", "pending", "alerting", "dialing-in"),
        *("dialing-out", "disconnecting"),
    )
)


def _findings(found: Iterable[tuple[str, Force, str, str]], *messages: object) -> list[Finding]:
    return [
        Finding(source=source, force=force, clause=clause, seen=seen, messages=messages)
        for source, force, clause, seen in found
    ]


def check_document(data: bytes) -> list[Finding]:
    """Judge one document of C3P or conference-info by itself. Raises nothing.

    Of a conference-info document it is judged whether it can be a notification (RFC 4575 sections 4.3 to 4.5, 5.2).
    """
    try:
        document = parse_document(data)
    except C3PError as error:
        clause = "a document is well-formed and valid"
        return _findings([("RFC 4575 section 4", Force.MUST, clause, str(error))], data)
    return _findings(_document(document), data)


def _document(document: Document) -> _Found:
    match document:
        case Request():
            yield from _one_command(document.more)
            if isinstance(document.command, UnknownCommand):
                clause, seen = "the command is one of C3P", document.command.name
                yield _ENVELOPE, Force.OURS, clause, seen
        case Response():
            yield from _one_command(document.more)
            if document.code is Code.FAILURE and document.reason is None and document.command_reason is None:
                yield _ENVELOPE, Force.OURS, "a failure has a reason", "none"
        case ConferenceInfo():
            yield from _info(document)
        case _:
            yield from _states(document.conference_info)


def _one_command(more: Sequence[Command]) -> _Found:
    if more:
        clause = "there is exactly one command in a document"
        yield _ENVELOPE, Force.MUST, clause, f"{len(more) + 1} commands"


def _info(info: ConferenceInfo) -> _Found:
    if info.version is None:
        yield "RFC 4575 section 4.3", Force.MUST, "the root has a version", "none"
    if not info.entity:
        yield _INFO, Force.MUST, "the root names the conference", "no entity"
    if _state(info.state) is State.FULL:
        for name, child in (("conference-description", info.description), ("users", info.users)):
            if child is None:
                yield _INFO, Force.MUST, f"a full document has {name}", f"no {name}"
    yield from _states(info)


def _state(word: str | None) -> State | None:
    try:
        return read_state(word)
    except MalformedDocument:
        return None


def _states(info: ConferenceInfo) -> _Found:
    """RFC 4575 sections 4.4, 4.5 and 5.7.3, through the whole tree."""
    yield from _state_is_one("conference-info", info.state)
    users = info.users
    if users is None:
        return
    yield from _child_of("users", users.state, "conference-info", info.state)
    yield from _keys("user", [user.entity for user in users.users], uri_key)
    for user in users.users:
        yield from _child_of(f"user {user.entity}", user.state, "users", users.state)
        yield from _user(user)


def _user(user: User) -> _Found:
    yield from _keys(f"endpoint of {user.entity}", [each.entity for each in user.endpoints], guid_key)
    if _state(user.state) is State.DELETED and user.endpoints:
        clause = "what is deleted has no children"
        yield "RFC 4575 section 4.4", Force.SHOULD, clause, f"{len(user.endpoints)} endpoints of {user.entity}"
        return
    for endpoint in user.endpoints:
        name = f"endpoint {endpoint.entity} of {user.entity}"
        yield from _child_of(name, endpoint.state, f"user {user.entity}", user.state)
        yield from _keys(f"media of {name}", [media.id for media in endpoint.media], text_key)
        if endpoint.status is not None and endpoint.status not in STATUSES:
            clause = "the status of an endpoint is one of the list"
            yield "RFC 4575 section 5.7.3", Force.SHOULD, clause, f"{endpoint.status!r} of {name}"


def _state_is_one(name: str, state: str | None) -> _Found:
    if _state(state) is None:
        yield "RFC 4575 section 4.4", Force.MUST, "a state is full, partial or deleted", f"{state!r} of {name}"


def _child_of(name: str, state: str | None, parent: str, of_parent: str | None) -> _Found:
    yield from _state_is_one(name, state)
    if _state(of_parent) is State.FULL and _state(state) not in (State.FULL, None):
        clause = "what is in something full is full"
        yield "RFC 4575 section 4.4", Force.MUST, clause, f"{state} of {name} in a full {parent}"


def _keys(name: str, keys: Sequence[str], key: Callable[[str], str]) -> _Found:
    compared = [key(each) for each in keys]
    for each in dict.fromkeys(each for each in compared if compared.count(each) > 1):
        clause = "keys are unique among siblings"
        yield "RFC 4575 section 4.5", Force.MUST, clause, f"{name} {each} {compared.count(each)} times"


def check_exchange(request: Request, responses: Sequence[Response]) -> list[Finding]:
    """Judge what answers a command: its responses in the order of sending, ``pending`` ones first. Raises nothing."""
    found = [each for response in responses for each in _findings(_response(request, response), request, response)]
    finals = [response for response in responses if response.final]
    if len(finals) > 1:
        clause, seen = "a request has one final response", ", ".join(each.code.value for each in finals)
        found += _findings([(_ENVELOPE, Force.MUST, clause, seen)], request, *finals)
    elif finals and responses[-1] is not finals[0]:
        clause, seen = "nothing follows the final response", responses[-1].code.value
        found += _findings([(_ENVELOPE, Force.MUST, clause, seen)], request, *responses[-2:])
    return found


def _response(request: Request, response: Response) -> _Found:
    for name, wanted, seen in (
        ("requestId", request.request_id, response.request_id),
        ("from", request.to, response.from_),
        ("to", request.from_, response.to),
    ):
        if wanted != seen and uri_key(wanted) != uri_key(seen):
            of = {"from": "to", "to": "from"}.get(name, name)
            yield _ENVELOPE, Force.MUST, f"{name} of a response is {of} of its request", f"{seen!r}, not {wanted!r}"
    if response.command is None:
        if response.final:
            yield _ENVELOPE, Force.OURS, "a response has the command of its request", "none"
    elif response.command.name != request.command.name:
        clause = "a response has the command of its request"
        yield _ENVELOPE, Force.MUST, clause, f"{response.command.name}, not {request.command.name}"


def check_roster_sequence(documents: Sequence[ConferenceInfo], *, from_the_start: bool = True) -> list[Finding]:
    """Judge the notifications of one subscription in the order of sending (RFC 4575 sections 4.6 and 5.2).

    With ``from_the_start`` none before the first is missing. Raises nothing.
    """
    found: list[Finding] = []
    before: ConferenceInfo | None = None
    state: ConferenceInfo | None = None
    for document in documents:
        shown = [each for each in (before, document) if each is not None]
        found += _findings(_in_order(before, document, from_the_start=from_the_start), *shown)
        if state is not None and _state(document.state) is State.PARTIAL:
            found += _findings(_known(state, document), *shown)
        state = _after(state, document)
        before = document
    return found


def _in_order(before: ConferenceInfo | None, document: ConferenceInfo, *, from_the_start: bool) -> _Found:
    kind = _state(document.state)
    if before is None:
        if from_the_start and kind is State.PARTIAL:
            yield "RFC 6665 section 4.2.2", Force.SHOULD, "the first notification has the whole state", "a partial one"
        return
    if _state(before.state) is State.DELETED:
        clause = "nothing follows the end of a conference"
        yield "RFC 4575 section 4.6", Force.SHOULD, clause, f"a {document.state or 'full'} document"
    if before.version is None or document.version is None:
        return
    seen = f"{document.version} after {before.version}"
    again = kind is State.FULL and document.version == before.version
    if document.version <= before.version and not again:
        yield _INFO, Force.MUST, "the version increases with each notification", seen
    elif kind is State.PARTIAL and document.version != before.version + 1:
        yield _INFO, Force.MUST, "the version of a partial notification is greater by one", seen


def _known(state: ConferenceInfo, document: ConferenceInfo) -> _Found:
    """What a partial document takes away has been there (of this project: receivers can live with it)."""
    users = {uri_key(user.entity): user for user in (state.users.users if state.users else ())}
    for user in document.users.users if document.users else ():
        there = users.get(uri_key(user.entity))
        if there is None and _state(user.state) is State.DELETED:
            clause = "who is deleted has been there"
            yield "RFC 4575 section 4.6", Force.OURS, clause, user.entity
        elif there is not None:
            yield from _known_endpoints(there.endpoints, user)


def _known_endpoints(endpoints: Sequence[Endpoint], user: User) -> _Found:
    known = {guid_key(each.entity) for each in endpoints}
    for each in user.endpoints:
        if _state(each.state) is State.DELETED and guid_key(each.entity) not in known:
            clause = "an endpoint that is deleted has been there"
            yield "RFC 4575 section 4.6", Force.OURS, clause, f"{each.entity} of {user.entity}"


def _after(state: ConferenceInfo | None, document: ConferenceInfo) -> ConferenceInfo | None:
    try:
        if state is None or _state(document.state) is not State.PARTIAL:
            return document.settled()
        return state.apply(document)
    except MalformedDocument:
        return None
