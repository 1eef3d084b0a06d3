"""Judge session descriptions: each by itself, an answer by its offer, and one by that which it follows (RFC 3264)."""

from __future__ import annotations

from collections.abc import Iterator

from rtp.errors import RtpError
from rtp.sdp.codec import FIRST_DYNAMIC
from rtp.sdp.direction import Direction
from rtp.sdp.media_description import MediaDescription
from rtp.sdp.session_description import SessionDescription
from rtp.testing.judges.finding import Finding, Force

_ANSWERS = {
    Direction.SENDONLY: {Direction.RECVONLY, Direction.INACTIVE},
    Direction.RECVONLY: {Direction.SENDONLY, Direction.INACTIVE},
    Direction.INACTIVE: {Direction.INACTIVE},
}
_Found = Iterator[tuple[str, Force, str, str]]


def check_description(data: bytes) -> list[Finding]:
    """Judge one session description by itself. Raises nothing."""
    try:
        description = SessionDescription.parse(data)
    except RtpError as error:
        clause = "a description is valid SDP"
        found = [("RFC 3264 section 5", Force.MUST, clause, str(error))]
    else:
        found = list(_valid(description))
    return [_finding(each, data) for each in found]


def check_answer(offer: bytes, answer: bytes) -> list[Finding]:
    """Judge an answer by its offer; each by itself is for `check_description`. Raises nothing."""
    try:
        asked, given = SessionDescription.parse(offer), SessionDescription.parse(answer)
    except RtpError:
        return []
    return [_finding(each, offer, answer) for each in _answer(asked, given)]


def check_next_description(before: bytes, after: bytes) -> list[Finding]:
    """Judge a description by the last that the same side gave. Raises nothing."""
    try:
        earlier, later = SessionDescription.parse(before), SessionDescription.parse(after)
    except RtpError:
        return []
    return [_finding(each, before, after) for each in _next(earlier, later)]


def _finding(found: tuple[str, Force, str, str], *messages: bytes) -> Finding:
    source, force, clause, seen = found
    return Finding(source=source, force=force, clause=clause, seen=seen, messages=messages)


def _valid(description: SessionDescription) -> _Found:
    """RFC 3264 section 5, RFC 8866 section 5."""
    for defect in description.defects:
        yield "RFC 8866 section 9", Force.MUST, "a description follows the grammar", str(defect)
    for place, media in enumerate(description.media, start=1):
        if media.rejected or media.malformed:
            continue
        if description.connection_of(media) is None:
            clause = "there is a c= line for each stream"
            yield "RFC 8866 section 5.7", Force.MUST, clause, f"none for stream {place}"
        for number in media.payload_types:
            if number >= FIRST_DYNAMIC and media.rtpmap(number) is None:
                clause = "a dynamic payload type has an rtpmap"
                yield "RFC 3264 section 5.1", Force.MUST, clause, f"none for {number}"


def _answer(offer: SessionDescription, answer: SessionDescription) -> _Found:
    """RFC 3264 sections 6 and 6.1."""
    if len(answer.media) != len(offer.media):
        clause = "an answer has as many streams as its offer"
        yield "RFC 3264 section 6", Force.MUST, clause, f"{len(answer.media)} in place of {len(offer.media)}"
        return
    if answer.timing != offer.timing:
        clause = "t= of an answer equals that of its offer"
        yield "RFC 3264 section 6", Force.MUST, clause, f"{' '.join(answer.timing)!r}, not {' '.join(offer.timing)!r}"
    for place, (asked, given) in enumerate(zip(offer.media, answer.media, strict=True), start=1):
        if given.kind != asked.kind:
            clause = "a stream of an answer has the media type of the offer"
            yield "RFC 3264 section 6.1", Force.MUST, clause, f"{given.kind} in place of {asked.kind}"
            continue
        if asked.rejected and not given.rejected:
            clause = "a stream that is offered with port 0 is answered with port 0"
            yield "RFC 3264 section 8.2", Force.MUST, clause, f"port {given.port} for stream {place}"
        elif not given.rejected:
            yield from _stream(place, asked, given, offer.direction_of(asked), answer.direction_of(given))


def _stream(
    place: int, asked: MediaDescription, given: MediaDescription, offered: Direction, answered: Direction
) -> _Found:
    allowed = _ANSWERS.get(offered)
    if allowed is not None and answered not in allowed:
        clause = f"a stream that is offered {offered} is answered {' or '.join(sorted(allowed))}"
        yield "RFC 3264 section 6.1", Force.MUST, clause, f"{answered} for stream {place}"
    if given.proto.upper() != asked.proto.upper():
        clause = "the transport of a stream is that of the offer"  # of which RFC 3264 says nothing
        yield "RFC 3264 section 6", Force.OURS, clause, f"{given.proto} in place of {asked.proto}"
    offers, answers = _codecs(asked), _codecs(given)
    if offers and answers and not offers & answers:
        clause = "an answer has a format of the offer, or rejects the stream"
        yield "RFC 3264 section 6.1", Force.MUST, clause, f"{' '.join(given.formats)} for stream {place}"


def _codecs(media: MediaDescription) -> set[tuple[str, int, int]]:
    return {codec.key for codec in media.codecs if codec.encoding.lower() != "telephone-event"}


def _next(before: SessionDescription, after: SessionDescription) -> _Found:
    """RFC 3264 section 8: how a description follows another of the same side."""
    section = "RFC 3264 section 8"
    here, there = before.origin, after.origin
    if here.session_id != there.session_id:
        return  # another session, as that behind a B2BUA
    if len(after.media) < len(before.media):
        clause, seen = "no stream is removed", f"{len(after.media)} of {len(before.media)} streams"
        yield section, Force.MUST, clause, seen
    if not after.same_content(before):
        if there.session_version == here.session_version:
            clause = "a description that has changed has another version in o="
            yield section, Force.MUST, clause, f"version {there.session_version} as before"
        elif there.session_version != here.session_version + 1:
            clause = "the version in o= increments by one"
            yield section, Force.MUST, clause, f"{there.session_version} after {here.session_version}"
