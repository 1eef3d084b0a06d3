"""What stands in a piece is read as it was written, and what was never written so is refused."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c3p import ConferenceKeys, Endpoint, EntityView, Media, ModifyConferenceLock, guid_key
from c3p.testing import commands, nodes
from focus import ConferenceRecord
from focus.answers import Answer
from focus.durable.fields import (
    SavedAnswer,
    SavedHead,
    SavedIntent,
    SavedMuted,
    SavedRelay,
    SavedUser,
    SavedView,
    plain,
)
from focus.durable.read import WRONG, read_conferences
from focus.mcus.intent import Intent, IntentState, key_of
from focus.mcus.relay import Relay
from focus.roster import RosterUser
from sip import AddressOfRecord, Piece, StateUnreadable, write_piece

CONF = "sip:ann@example.com;gruu;opaque=app:conf:focus:id:0123456789ABCDEF"
KEY = "ann@example.com;app:conf:focus:id:0123456789abcdef"
WORDS = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=("Cs",)), max_size=20)


def again(saved: attrs.AttrsInstance) -> Any:
    """The same, over a store."""
    return type(saved)(**json.loads(json.dumps(plain(saved))))


@given(st.lists(nodes(Endpoint, unknown=False), max_size=3, unique_by=lambda one: guid_key(one.entity)), WORDS)
def test_a_user_is_read_as_it_was_written(endpoints: list[Endpoint], name: str) -> None:
    user = RosterUser(
        AddressOfRecord.read("sip:Bob@example.com"),
        "presenter",
        name.strip() or None,
        {guid_key(one.entity): one for one in endpoints},
    )
    saved = SavedUser.of(user, CONF)
    assert SavedUser.of(again(saved).user(), CONF) == saved


@given(nodes(EntityView))
def test_a_view_is_read_as_it_was_written(view: EntityView) -> None:
    saved = SavedView.of(view, CONF)
    assert SavedView.of(again(saved).view(), CONF) == saved


@given(nodes(Media, unknown=False))
def test_what_is_muted_is_read_as_it_was_written(media: Media) -> None:
    assert again(SavedMuted.of(media, "audio-video", CONF)).media() == media


@given(commands(), st.booleans())
def test_commands_on_their_way_are_read_as_they_were_written(command: Any, agreed: bool) -> None:
    relay = Relay("7", "audio-video", command, originator="sip:ann@example.com", originator_role="presenter")
    saved = SavedRelay.of(relay, 3, CONF)
    request = again(saved).as_request()
    assert bytes(request) == saved.request.encode()
    assert (request.originator, request.originator_role) == ("sip:ann@example.com", "presenter")
    if key_of(command) is None:
        return
    intent = Intent(key_of(command) or (), command, carrier="7", before=command if agreed else None, seen=agreed)
    kept = SavedIntent.of(intent, "audio-video", 0, CONF)
    read = again(kept).intent()
    assert read.state is IntentState.DOUBTED
    assert attrs.evolve(SavedIntent.of(read, "audio-video", 0, CONF)) == kept


@given(st.integers(200, 699), WORDS, st.lists(st.tuples(WORDS, WORDS), max_size=2), st.booleans())
def test_an_answer_is_read_as_it_was_written(
    status: int, body: str, headers: list[tuple[str, str]], told: bool
) -> None:
    answer = Answer(status, body.encode(), tuple(headers))
    saved = again(SavedAnswer.of(answer, told))
    assert (saved.answer(), saved.told) == (answer, told)


@given(
    st.builds(
        ConferenceRecord,
        conference_id=st.just("0123456789ABCDEF"),
        organizer=st.just("sip:ann@example.com"),
        focus_uri=st.just(CONF),
        mcu_types=st.lists(st.sampled_from(["audio-video", "chat"]), max_size=2).map(tuple),
        subject=st.none() | WORDS,
        roles=st.lists(st.tuples(WORDS, st.just("presenter")), max_size=2).map(tuple),
        expires_at=st.none() | st.floats(0, 1e10),
        autopromote=st.none() | st.integers(0, 2**32),
        passcode=st.none() | st.just("4711"),
        version=st.integers(1, 1000),
    )
)
def test_a_record_is_read_as_it_was_written(record: ConferenceRecord) -> None:
    head = SavedHead(record=attrs.asdict(record), locked=True, room=1, epoch=0, unattended_until=None)
    assert again(head).as_record() == record
    assert "4711" not in repr(head)


_NOTHING = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS
_JSON = st.recursive(_NOTHING, lambda each: st.lists(each, max_size=3) | st.dictionaries(WORDS, each, max_size=3))
_KINDS = ("head", "user", "view", "participant", "answer", "subscriber", "mcu", "command", "relay", "intent", "muted")
_FIELDS = st.sampled_from(
    ["record", "document", "user", "dialog", "request", "order", "status", "body", "mcu_id", "lost", "room", "locked"]
)


@given(
    st.sampled_from(_KINDS),
    st.lists(WORDS, max_size=3),
    st.binary(max_size=30) | st.dictionaries(_FIELDS | WORDS, _JSON, max_size=6),
)
def test_what_somebody_else_wrote_is_left_out_by_name(kind: str, name: list[str], value: Any) -> None:
    key = "/".join(["conference", KEY, kind, *[part.replace("/", "") for part in name]])
    piece = Piece(key, value) if isinstance(value, bytes) else write_piece(key, 1, {**value, "strange": 1})
    conferences, unreadable = read_conferences([piece], owner="focus")
    assert conferences == []
    assert [event.key for event in unreadable if event.key == key] == [key]
    assert all(isinstance(event, StateUnreadable) for event in unreadable)


def test_a_command_that_wants_nothing_is_no_intent() -> None:
    lock = ModifyConferenceLock(conference_keys=ConferenceKeys(conf_entity=CONF), locked=True)
    kept = SavedIntent.of(Intent(("lock",), lock), "audio-video", 0, CONF)
    assert again(kept).intent().command == lock
    other = attrs.evolve(kept, request=kept.request.replace("modifyConferenceLock", "getConference"))
    with pytest.raises(WRONG):
        other.intent()


def test_a_conference_without_a_head_is_reported_whatever_else_cannot_be_read() -> None:
    fields = {"user": "sip:a@example.com", "endpoint": "{x}", "host": "h", "dialog": ""}
    good = write_piece(f"conference/{KEY}/participant/1", 1, fields)
    for junk in ("conference/other/strange/y", f"conference/{KEY}/strange/y"):
        _, unreadable = read_conferences([good, write_piece(junk, 1, {})], owner="focus")
        assert {junk, KEY} <= {event.key for event in unreadable}


@pytest.mark.parametrize("name", ["user", "endpoint"])
@pytest.mark.parametrize("value", ["sip:\ud800@example.com", "sip:a\x00@example.com"])
def test_a_name_that_no_document_can_show_is_that_of_nobody(name: str, value: str) -> None:
    fields = {"user": "sip:a@example.com", "endpoint": "{x}", "host": "h", "dialog": "", name: value}
    piece = write_piece(f"conference/{KEY}/participant/1", 1, fields)
    _, unreadable = read_conferences([piece], owner="focus")
    assert piece.key in {event.key for event in unreadable}
