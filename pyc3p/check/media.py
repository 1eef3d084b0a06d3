"""Session descriptions and media in a trace, judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import attrs

import rtp
import sip
from pyc3p.check.elements import Elements
from pyc3p.check.verdict import AnyFinding, Verdict
from pyc3p.trace.trace import Address, Record
from rtp.testing import MediaPacket, check_answer, check_description, check_next_description, check_stream
from sip.testing import Passage, dialogs_of, exchanged

_SDP: Final = "application/sdp"


@attrs.define
class Described:
    """What the descriptions of a trace say of one address, all of them together."""

    formats: dict[int, rtp.Codec] = attrs.Factory(dict)
    profiles: set[str] = attrs.Factory(set)
    encrypted: bool = False
    offers_keys: bool = False  #: whether it may be encrypted, though nothing but ``a=crypto`` says so
    reduced_size: bool = False


def described(passages: Iterable[Passage], elements: Elements) -> dict[Address, Described]:
    """What each address takes, as its owner has said."""
    found: dict[Address, Described] = {}
    for each in passages:
        body = sip.body_of(each.message, _SDP) if each.message.body else b""
        if not body:
            continue
        try:
            description = rtp.SessionDescription.parse(body)
        except rtp.RtpError:
            continue
        for media in description.media:
            connection = description.connection_of(media)
            if connection is None or media.rejected:
                continue
            of_address = found.setdefault((connection.address, media.port), Described())
            of_address.formats.update({codec.payload_type: codec for codec in media.codecs})
            names = {attribute.name for attribute in media.attributes}
            elements.own(str(each.sender), (connection.address, media.port))
            elements.own(str(each.sender), (connection.address, media.port + 1))
            of_address.encrypted |= "SAVP" in media.proto.upper()
            of_address.offers_keys |= "crypto" in names
            of_address.reduced_size |= "rtcp-rsize" in names or media.proto.upper().endswith("F")
            of_address.profiles |= {
                (attribute.value or "").split()[1]
                for attribute in media.attributes
                if attribute.name == "crypto" and len((attribute.value or "").split()) > 1
            }
    return found


def streams(records: Iterable[Record]) -> dict[tuple[Address, Address], list[Record]]:
    """RTP between two addresses, with the RTCP of the same, or of the ports above (RFC 3550 section 11)."""
    found: dict[tuple[Address, Address], list[Record]] = {}
    for record in records:
        key = (record.source, record.destination)
        if record.layer == "rtcp" and key not in found:
            below = ((key[0][0], key[0][1] - 1), (key[1][0], key[1][1] - 1))
            key = below if below in found else key
        found.setdefault(key, []).append(record)
    return found


def judged(records: Sequence[Record], known: dict[Address, Described], elements: Elements) -> Iterator[Verdict]:
    """What is wrong with the media of a trace."""
    for (source, destination), sent in streams(records).items():
        here, there = known.get(source), known.get(destination)
        sides = [each for each in (here, there) if each is not None]
        encrypted = any(each.encrypted for each in sides)
        profile = _profile(here, there) if encrypted else None
        media = sent
        if profile is None and (encrypted or any(each.offers_keys for each in sides)):
            # Of the header everything can be read; where the index of SRTCP is, nobody knows.
            profile, media = "AES_CM_128_HMAC_SHA1_80", [each for each in sent if each.layer == "rtp"]
        packets = [MediaPacket(each.at, each.data) for each in media]
        of_data = {id(each.data): each for each in media}
        findings = check_stream(
            packets,
            formats=there.formats if there is not None and there.formats else None,
            srtp=profile,
            reduced_size=any(each.reduced_size for each in sides),
        )
        for finding in findings:
            shown = [each.data if isinstance(each, MediaPacket) else each for each in finding.messages]
            found = tuple(of_data[id(each)] for each in shown if id(each) in of_data)
            yield Verdict(finding=finding, records=found, by=elements.owner(source))


def _profile(*sides: Described | None) -> str | None:
    """The profile that both sides have, where it is one: the others are not known to be used."""
    said = [each.profiles for each in sides if each is not None and each.profiles]
    common = set.intersection(*said) if said else set()
    return common.pop() if len(common) == 1 else None


def descriptions_judged(passages: Sequence[Passage], records: dict[int, Record]) -> Iterator[Verdict]:
    """What is wrong with offers and answers; of what is passed on, where it began."""
    found = [each for dialog in dialogs_of(passages) for each in _of_dialog(dialog)]
    told: set[tuple[object, ...]] = set()
    for finding, shown in sorted(found, key=lambda each: each[1][-1].at):
        key = (finding.source, finding.clause, finding.seen, *(sip.body_of(each.message, _SDP) for each in shown))
        if key not in told:
            told.add(key)
            where = tuple(records[id(each.message)] for each in shown if id(each.message) in records)
            yield Verdict(finding=finding, records=where, by=str(shown[-1].sender))


def _of_dialog(dialog: Sequence[Passage]) -> Iterator[tuple[AnyFinding, tuple[Passage, ...]]]:
    last: dict[object, Passage] = {}
    for each in exchanged(dialog):
        for shown in (each.offered, each.answered):
            if shown is None:
                continue
            data = sip.body_of(shown.message, _SDP)
            for finding in check_description(data):
                yield finding, (shown,)
            before = last.get(shown.sender)
            if before is not None:
                for finding in check_next_description(sip.body_of(before.message, _SDP), data):
                    yield finding, (before, shown)
            last[shown.sender] = shown
        if each.answered is not None:
            for finding in check_answer(each.offer, each.answer or b""):
                yield finding, (each.offered, each.answered)
