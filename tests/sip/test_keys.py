"""Names are read once: what they have in common is a key, whatever they are."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip import AddressOfRecord, ConferenceAddress, same_user

CONFERENCE = "sip:alice@example.com;gruu;opaque=app:conf:focus:id:ABCDEF0123"
#: Users of which no two are the same, each in all the ways in which it can be written.
SPELLINGS = (
    ("sip:bob@example.com", "SIP:Bob@EXAMPLE.com", "sips:bob@example.com", "sip:bob@example.com;transport=tcp"),
    ("sip:bob@example.org", "sip:BOB@example.org:5070"),
    ("sip:bob@[2001:db8::1]", "sip:bob@[2001:DB8:0:0:0:0:0:1]"),
    ("tel:+1-555-0100", "tel:+15550100"),
    ("sip:carol@example.com", "sip:%63arol@example.com"),
    ("bob", " Bob "),
)
USERS = st.sampled_from([(number, text) for number, texts in enumerate(SPELLINGS) for text in texts])


@given(USERS, USERS)
def test_users_have_one_key_exactly_where_they_are_the_same(one: tuple[int, str], other: tuple[int, str]) -> None:
    first, second = AddressOfRecord.read(one[1]), AddressOfRecord.read(other[1])
    assert (first.key == second.key) == (one[0] == other[0])
    assert same_user(first, second) == same_user(second, first) == (first.uri is not None and first.key == second.key)
    assert first.is_named_by(other[1]) == same_user(first, second)
    assert str(first) == one[1]


@settings(max_examples=200)
@given(st.text(max_size=60))
def test_any_text_has_a_key_and_only_a_uri_is_a_user(text: str) -> None:
    name = AddressOfRecord.read(text)
    assert name.is_named_by(text) == (name.uri is not None)
    assert name.key == AddressOfRecord.read(text).key
    assert ConferenceAddress.read(text).is_named_by(text)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        (CONFERENCE, True),
        (CONFERENCE.replace("alice", "Alice").replace("EXAMPLE", "example"), True),
        (CONFERENCE.replace("ABCDEF", "abcdef"), True),
        (CONFERENCE.replace(";gruu", ""), True),
        (CONFERENCE.replace("focus", "audio-video"), False),
        (CONFERENCE.replace("alice", "bob"), False),
        ("sip:alice@example.com", False),
        ("no URI", False),
        ("", False),
    ],
)
def test_a_conference_is_named_by_organizer_and_opaque_in_any_spelling(text: str, same: bool) -> None:
    address = ConferenceAddress.read(CONFERENCE)
    assert address.is_named_by(text) is same
    assert (ConferenceAddress.read(text).key == address.key) is same
