"""Hypothesis strategies for C3P documents, valid and broken.

Entities come from small pools, so that two documents are likely to speak of the same users, endpoints and media.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar, cast

try:
    from hypothesis import strategies as st
except ImportError as error:  # pragma: no cover - the extra is there wherever tests run
    raise ImportError("c3p.testing needs hypothesis: pip install '.[testing]' in a checkout") from error

from c3p.altering import altered as altered
from c3p.binding.binding import BoundField, bound_fields, evolved, ordered_extra
from c3p.binding.fields import Attribute, Child, Children, Kind, Text, Texts
from c3p.binding.node import Extra, Node, Placed, Trimming, Unknown
from c3p.commands import COMMANDS, Command, UnknownCommand
from c3p.conference.info import ConferenceInfo
from c3p.conference.uri_entry import UriEntry
from c3p.conference.user import Endpoint, Media, User
from c3p.conference.view import EntityView, MediaEntry
from c3p.documents import Document
from c3p.envelope import Notify, Request, Response
from c3p.vocabulary import Code, State

N = TypeVar("N", bound=Node)

FOCUS_URI: Final = "sip:organizer@example.com;gruu;opaque=app:conf:focus:id:0123456789ABCDEF"
MCU_URI: Final = "sip:organizer@example.com;gruu;opaque=app:conf:audio-video:id:0123456789ABCDEF"
USER_URIS: Final = tuple(f"sip:{name}@example.com" for name in ("alice", "bob", "Carol", "dave"))
GUIDS: Final = tuple(f"{{BA5328CC-C663-438C-BA63-F94FA4FF1D{number:02X}}}" for number in range(3))
_ILLEGAL: Final = "".join(map(chr, {*range(32)} - {9, 10, 13})) + "\ufffe\uffff"
#: Pool of the key of each class of items.
POOLS: Final[dict[tuple[type[Node], str], tuple[str, ...]]] = {
    (User, "entity"): USER_URIS,
    (Endpoint, "entity"): GUIDS,
    (Media, "id"): ("1", "2", "3"),
    (MediaEntry, "label"): ("main-audio", "main-video"),
    (EntityView, "entity"): (FOCUS_URI, MCU_URI),
    (UriEntry, "uri"): (MCU_URI, *USER_URIS[:2]),
    (ConferenceInfo, "entity"): (FOCUS_URI,),
}
MOST_ITEMS: Final = 3  #: items in a list; more only makes examples slower
MOST_FIELDS: Final = 5  #: optional fields of one element that have a value


def texts() -> st.SearchStrategy[str]:
    """Text that XML 1.0 can carry, markup and line ends among it."""
    legal = st.characters(codec="utf-8", exclude_characters=_ILLEGAL)
    return st.text(legal, max_size=12) | st.sampled_from(("<&>\"'", "a\r\nb\tc", "]]>", "Zoë 東京 🎧", " "))


def tokens() -> st.SearchStrategy[str]:
    """Text without white space around it, not empty."""
    return texts().map(str.strip).filter(bool)


def unknown_elements(depth: int = 2) -> st.SearchStrategy[Unknown]:
    """Elements that this package has no class for."""
    content: st.SearchStrategy[str | Unknown] = texts().filter(bool)
    if depth:
        content = content | unknown_elements(depth - 1)
    return st.builds(
        Unknown,
        _foreign_names(),
        _foreign_attributes(),
        st.lists(content, max_size=2).map(_without_neighbouring_texts),
    )


def _foreign_names() -> st.SearchStrategy[str]:
    return st.sampled_from(("{urn:example:one}a", "{urn:example:two}b", "x-c", "{urn:ietf:params:xml:ns:cccp}x-d"))


def _foreign_attributes() -> st.SearchStrategy[tuple[tuple[str, str], ...]]:
    names = ("{urn:example:one}e", "{urn:example:two}e", "x-e", "{http://www.w3.org/XML/1998/namespace}lang")
    pairs = st.tuples(st.sampled_from(names), texts())
    return st.lists(pairs, max_size=2, unique_by=lambda pair: pair[0]).map(tuple)


def _without_neighbouring_texts(content: list[str | Unknown]) -> tuple[str | Unknown, ...]:
    kept: list[str | Unknown] = []
    for part in content:
        if not (kept and isinstance(part, str) and isinstance(kept[-1], str)):
            kept.append(part)
    return tuple(kept)


def nodes(cls: type[N], *, unknown: bool = True, **given: object) -> st.SearchStrategy[N]:
    """Instances of a document class; ``given`` fields are taken as they are, ``unknown`` adds unknown content."""
    make = cast("Callable[..., N]", cls)
    return _node_values(cls, unknown, given).map(lambda values: make(**values))


@st.composite
def _node_values(draw: st.DrawFn, cls: type[Node], unknown: bool, given: dict[str, object]) -> dict[str, object]:
    values: dict[str, object] = dict(given)
    fields = [field for field in bound_fields(cls) if field.name not in given]
    chosen = draw(st.sets(st.sampled_from([field.name for field in fields]), max_size=MOST_FIELDS)) if fields else ()
    for field in fields:
        if field.required or field.name in chosen or (cls, field.name) in POOLS:
            values[field.name] = draw(_values(cls, field, unknown))
        else:
            values[field.name] = field.blank
    if unknown and draw(st.integers(0, 5)) == 0:
        values["extra"] = draw(_extras(cls, values))
    return values


def _values(cls: type[Node], field: BoundField, unknown: bool) -> st.SearchStrategy[object]:
    spec = field.spec
    if (cls, field.name) in POOLS:
        return st.sampled_from(POOLS[cls, field.name])
    if isinstance(spec, Children) and field.item:
        return st.lists(nodes(field.item, unknown=unknown), max_size=MOST_ITEMS).map(tuple)
    if isinstance(spec, Texts):
        return st.lists(tokens(), max_size=2).map(tuple)
    if isinstance(spec, Child) and field.item:
        return nodes(field.item, unknown=unknown)
    if field.name.endswith("state") and not isinstance(spec, Text):
        return st.none() | st.sampled_from([state.value for state in State])
    assert isinstance(spec, Attribute | Text)
    return _of_kind(spec.kind)


def _of_kind(kind: Kind) -> st.SearchStrategy[object]:
    strategies: dict[Kind, st.SearchStrategy[object]] = {
        Kind.TEXT: texts(),
        Kind.TOKEN: tokens(),
        Kind.BOOLEAN: st.booleans(),
        Kind.UINT: st.integers(0, 2**32),
        Kind.NUMBER: st.text("0123456789", min_size=1, max_size=11),
        Kind.CODE: st.sampled_from(Code),
    }
    return strategies[kind]


@st.composite
def _extras(draw: st.DrawFn, cls: type[Node], values: dict[str, object]) -> Extra:
    written = {field.name: field for field in bound_fields(cls) if values[field.name] != field.blank}
    shown = Text | Child | Texts | Children
    elements = {name: field for name, field in written.items() if isinstance(field.spec, shown)}
    placed = []
    for element in draw(st.lists(unknown_elements(), max_size=2)):
        name = draw(st.sampled_from(["", *elements]))
        placed.append(Placed(element, name, _places(elements.get(name), values, draw)))
    leaves = [name for name, field in elements.items() if isinstance(field.spec, Text)]
    trimmings = []
    if leaves and (attributes := draw(_foreign_attributes())):
        trimmings.append(Trimming(draw(st.sampled_from(leaves)), 0, attributes))
    return ordered_extra(cls, draw(_foreign_attributes()), placed, trimmings)


def _places(field: BoundField | None, values: dict[str, object], draw: st.DrawFn) -> int:
    if field is None:
        return 0
    value = values[field.name]
    if not isinstance(value, tuple):
        return 1
    wrapped = isinstance(field.spec, Texts | Children) and field.spec.wrapper is not None
    return len(value) if wrapped else draw(st.integers(1, len(value)))


def conference_infos(*, unknown: bool = True) -> st.SearchStrategy[ConferenceInfo]:
    """Whole documents and changes, of one conference."""
    return nodes(ConferenceInfo, unknown=unknown)


def conference_states(*, unknown: bool = True) -> st.SearchStrategy[ConferenceInfo]:
    """Whole states of one conference, each user once and each of its endpoints once."""
    return conference_infos(unknown=unknown).map(lambda info: _EMPTY.apply(_partial(info)))


_EMPTY: Final = ConferenceInfo(entity=FOCUS_URI, state=State.FULL, version=0)


def _partial(info: ConferenceInfo) -> ConferenceInfo:
    return evolved(info, {"state": State.PARTIAL})


def commands(*, unknown: bool = True) -> st.SearchStrategy[Command]:
    """Every command; with ``unknown`` some that are not known as well, and unknown content."""
    known = [nodes(command, unknown=unknown) for command in COMMANDS.values()]
    strange = st.builds(UnknownCommand, element=unknown_elements())
    return st.one_of(*known, strange) if unknown else st.one_of(*known)


def requests(*, unknown: bool = True) -> st.SearchStrategy[Request]:
    """Requests; with ``unknown`` now and then with more than one command, which nobody carries out."""

    def of(command: Command) -> st.SearchStrategy[Request]:
        alone = nodes(Request, unknown=False, command=command, more=())
        return alone | _with_more(command) if unknown else alone

    return commands(unknown=unknown).flatmap(of)


def _with_more(command: Command) -> st.SearchStrategy[Request]:
    return commands().flatmap(lambda other: nodes(Request, unknown=False, command=command, more=(other,)))


def responses(*, unknown: bool = True) -> st.SearchStrategy[Response]:
    """Responses, with and without command."""
    return (st.none() | commands(unknown=unknown)).flatmap(
        lambda command: nodes(Response, unknown=False, command=command, more=())
    )


def notifications(*, unknown: bool = True) -> st.SearchStrategy[Notify]:
    """What an MCU reports."""
    return nodes(Notify, unknown=unknown)


def documents(*, unknown: bool = True) -> st.SearchStrategy[Document]:
    """Every kind of document; without ``unknown`` those that the schemas of this package allow (`c3p.validate`)."""
    return st.one_of(
        requests(unknown=unknown),
        responses(unknown=unknown),
        notifications(unknown=unknown),
        conference_infos(unknown=unknown),
    )


_PIECES: Final = (b"", b"<", b">", b'"', b"&", b"&amp;", b"\x00", b"\xff", b"<!DOCTYPE a>", b"&#x1;")


@st.composite
def mutated(draw: st.DrawFn, data: bytes) -> bytes:
    """The bytes with a few cuts, insertions and copies, as a broken or hostile peer might send them."""
    result = data
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(result)))
        end = min(len(result), start + draw(st.integers(0, 40)))
        pieces = (*_PIECES, result[start:end] * 2)
        result = result[:start] + draw(st.sampled_from(pieces) | st.binary(max_size=6)) + result[end:]
    return result


def mutated_documents() -> st.SearchStrategy[bytes]:
    """Bytes that were a document once."""
    return documents().flatmap(lambda document: mutated(bytes(document)))
