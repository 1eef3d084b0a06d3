import attrs
import pytest

import c3p
from pyc3p.roster import changes, rows, short_uri, status_words


def endpoint(entity: str = "{A}", **fields: object) -> c3p.Endpoint:
    return c3p.Endpoint(entity=entity, session_type="audio-video", **fields)  # type: ignore[arg-type]


def roster(*users: c3p.User) -> c3p.ConferenceInfo:
    return c3p.ConferenceInfo(entity="conf", users=c3p.Users(users=users))


def bob(*endpoints: c3p.Endpoint) -> c3p.User:
    return c3p.User(entity="sip:bob@example.com", display_text="Bob", roles=("attendee",), endpoints=endpoints)


@pytest.mark.parametrize(
    ("uri", "short"),
    [
        ("sip:bob@example.com", "bob@example.com"),
        ("sip:bob@example.com;opaque=user:epid:x;gruu", "bob@example.com"),
        ("tel:+4930123;phone-context=x", "+4930123"),
        ("sip:a@example.com;gruu;opaque=app:conf:focus:id:0123456789AB", "focus:01234567"),
        ("sip:a@example.com;gruu;opaque=app:conf:audio-video:id:0123456789AB", "audio-video:01234567"),
        ("sip:a@example.com;gruu;opaque=app:conf:focusfactory", "focusfactory"),
        ("", ""),
    ],
)
def test_addresses_are_said_in_short(uri: str, short: str) -> None:
    assert short_uri(uri) == short


def test_changes_between_two_rosters_are_told() -> None:
    dialing, connected = endpoint(status="dialing-out"), endpoint(status="connected")
    muted = endpoint(status="connected", media=(c3p.Media(id="1", ingress_filter="block"),))
    busy = endpoint(status="disconnected", disconnection_method="busy")
    assert list(map(str, changes(None, roster(bob(dialing))))) == ["bob@example.com: audio-video dialing-out"]
    assert list(map(str, changes(roster(bob(dialing)), roster(bob(connected))))) == [
        "bob@example.com: audio-video connected"
    ]
    assert list(map(str, changes(roster(bob(connected)), roster(bob(muted))))) == [
        "bob@example.com: audio-video connected muted"
    ]
    assert list(map(str, changes(roster(bob(dialing)), roster(bob(busy))))) == [
        "bob@example.com: audio-video disconnected (busy)"
    ]
    assert list(map(str, changes(roster(bob(busy)), roster()))) == ["bob@example.com: audio-video gone"]
    assert list(map(str, changes(roster(bob(busy)), roster(bob(busy))))) == []


def test_an_endpoint_is_the_same_whatever_case_and_braces() -> None:
    before = roster(bob(endpoint("{AB}", status="connected")))
    assert list(map(str, changes(before, roster(bob(endpoint("ab", status="connected")))))) == []


def test_the_roster_as_a_table_has_a_row_for_each_endpoint() -> None:
    table = list(rows(roster(bob(endpoint(status="connected"), endpoint("{B}", status="alerting")))))
    assert [(row.name, row.role, row.session_type, row.status) for row in table] == [
        ("Bob", "attendee", "audio-video", "connected"),
        ("Bob", "attendee", "audio-video", "alerting"),
    ]
    assert list(rows(c3p.ConferenceInfo(entity="conf"))) == []


def test_a_deleted_endpoint_is_gone() -> None:
    assert status_words(bob(endpoint(state="deleted"))) == "audio-video gone"
    assert status_words(attrs.evolve(bob(), state="deleted")) == "gone"
