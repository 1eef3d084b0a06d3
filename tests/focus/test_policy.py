"""Who may do what, as facts in and a verdict out."""

from __future__ import annotations

import attrs
import pytest

from focus import (
    Admission,
    AdmissionVerdict,
    ConferencePolicy,
    ConferenceRecord,
    ConferenceRules,
    Refusal,
    Requester,
    from_header,
)
from focus.identity import is_authenticated
from focus.policy import (
    admit,
    authorise_dial_in,
    authorise_dial_out,
    authorise_eject,
    authorise_media,
    authorise_presenter,
    authorise_roles,
    granted_role,
)
from sip import Address, AddressOfRecord, Flow, Request, same_user

ALICE, BOB, FED, GUEST = map(
    AddressOfRecord.read,
    ("sip:alice@example.com", "sip:bob@example.com", "sip:fred@example.org", "sip:guest@anonymous.invalid"),
)
POLICY = ConferenceRules()
RECORD = ConferenceRecord(
    conference_id="ABCDEF0123",
    organizer=ALICE.text,
    focus_uri="sip:alice@example.com;gruu;opaque=app:conf:focus:id:ABCDEF0123",
)
PRESENTER = Requester(user=BOB, role="presenter")
ATTENDEE = Requester(user=BOB, role="attendee")
WAITING = Requester(user=BOB, role="presenter", in_lobby=True)


def verdict(record: ConferenceRecord = RECORD, entity: AddressOfRecord = BOB, **facts: object) -> object:
    known = {"wish": None, "locked": False, "lobby_capable": False, "already_in": False, "policy": POLICY}
    found = admit(record, entity, **{**known, **facts})  # type: ignore[arg-type]
    return found.verdict if isinstance(found, Admission) else found.error_id


@pytest.mark.parametrize(
    ("admission_policy", "entity", "expected"),
    [
        ("openAuthenticated", ALICE, AdmissionVerdict.ADMITTED),
        ("openAuthenticated", BOB, AdmissionVerdict.ADMITTED),
        ("openAuthenticated", FED, 3014),
        ("openAuthenticated", GUEST, 3014),
        ("closedAuthenticated", ALICE, AdmissionVerdict.ADMITTED),
        ("closedAuthenticated", BOB, 3014),
        ("closedAuthenticated", FED, 3014),
        ("anonymous", GUEST, AdmissionVerdict.ADMITTED),
        ("anonymous", FED, AdmissionVerdict.ADMITTED),
    ],
)
def test_admission_by_policy(admission_policy: str, entity: AddressOfRecord, expected: object) -> None:
    assert verdict(attrs.evolve(RECORD, admission_policy=admission_policy), entity) == expected


def test_the_invited_get_into_closed_conferences_from_anywhere() -> None:
    record = attrs.evolve(RECORD, admission_policy="closedAuthenticated", roles=((FED.text, "attendee"),))
    assert verdict(record, FED) is AdmissionVerdict.ADMITTED


def test_a_lock_keeps_attendees_out_or_waiting_and_lets_presenters_and_devices_in() -> None:
    assert verdict(locked=True) == 3014
    assert verdict(locked=True, lobby_capable=True) is AdmissionVerdict.LOBBY
    assert verdict(locked=True, already_in=True) is AdmissionVerdict.ADMITTED
    assert verdict(entity=ALICE, locked=True) is AdmissionVerdict.ADMITTED
    presenters = attrs.evolve(RECORD, roles=((BOB.text, "presenter"),))
    assert verdict(presenters, locked=True) is AdmissionVerdict.ADMITTED


def test_a_lobby_is_for_strangers_only_where_the_record_has_one() -> None:
    closed = attrs.evolve(RECORD, admission_policy="closedAuthenticated")
    assert verdict(closed, lobby_capable=True) == 3014
    assert verdict(attrs.evolve(closed, lobby_capable=True), lobby_capable=True) is AdmissionVerdict.LOBBY
    assert verdict(attrs.evolve(closed, lobby_capable=True)) == 3014


@pytest.mark.parametrize(
    ("changes", "entity", "wish", "role"),
    [
        ({}, ALICE, "attendee", "presenter"),
        ({}, BOB, "presenter", "attendee"),
        ({"roles": ((BOB.text, "presenter"),)}, BOB, None, "presenter"),
        ({"roles": ((BOB.text, "attendee"),), "autopromote": 0x80008000}, BOB, None, "attendee"),
        ({"autopromote": 2147516416}, BOB, "attendee", "presenter"),
        ({"autopromote": 2147516416}, FED, None, "attendee"),
        ({"autopromote": 2147516416}, GUEST, "presenter", "attendee"),
        ({"autopromote": 0}, BOB, None, "attendee"),
    ],
)
def test_roles_at_the_join(changes: dict[str, object], entity: AddressOfRecord, wish: str | None, role: str) -> None:
    assert granted_role(attrs.evolve(RECORD, **changes), entity, wish, POLICY) == role  # type: ignore[arg-type]


def test_a_wish_to_present_is_granted_only_where_the_policy_says_so() -> None:
    lenient = ConferenceRules(presenters_wish=True)
    assert granted_role(RECORD, BOB, "presenter", lenient) == "presenter"
    assert granted_role(RECORD, BOB, "attendee", lenient) == "attendee"
    assert granted_role(RECORD, FED, "presenter", lenient) == "attendee"


def error(refusal: Refusal | None) -> int | None:
    return refusal.error_id if refusal is not None else None


def test_dialling_out() -> None:
    def ask(
        requester: Requester, target: AddressOfRecord = FED, record: ConferenceRecord = RECORD, locked: bool = False
    ) -> int | None:
        return error(authorise_dial_out(record, requester, target, locked=locked))

    guest = Requester(user=GUEST, role="attendee")
    assert ask(PRESENTER, locked=True) is None
    assert ask(ATTENDEE) == 3015
    assert ask(ATTENDEE, BOB) is None
    assert ask(ATTENDEE, BOB, locked=True) == 3014
    assert ask(ATTENDEE, record=attrs.evolve(RECORD, attendee_dialout=True)) is None
    assert ask(WAITING) == 3014
    assert ask(guest, GUEST) == 3014
    assert ask(guest, GUEST, attrs.evolve(RECORD, anonymous_dialout=True)) is None
    assert error(authorise_dial_out(RECORD, ATTENDEE, BOB, locked=False, own_phone=False)) == 3015


def test_dialling_in_is_for_oneself() -> None:
    assert error(authorise_dial_in(ATTENDEE, BOB)) is None
    assert error(authorise_dial_in(ATTENDEE, FED)) == 3002
    assert error(authorise_dial_in(WAITING, BOB)) == 3014


def test_presenting() -> None:
    assert [error(authorise_presenter(one)) for one in (PRESENTER, ATTENDEE, WAITING)] == [None, 3014, 3014]


def test_ejecting() -> None:
    def ask(
        requester: Requester, target: AddressOfRecord, *, one: bool = False, policy: ConferenceRules = POLICY
    ) -> int | None:
        return error(authorise_eject(RECORD, requester, target, from_one_mcu=one, policy=policy))

    assert ask(PRESENTER, FED) is None
    assert ask(ATTENDEE, FED) == 3014
    assert ask(ATTENDEE, BOB) == 3014
    assert ask(ATTENDEE, BOB, one=True) is None
    assert ask(PRESENTER, ALICE) == 3014
    assert ask(PRESENTER, ALICE, one=True) is None
    assert ask(PRESENTER, ALICE, policy=ConferenceRules(organizer_may_be_ejected=True)) is None


def test_changing_roles() -> None:
    def ask(requester: Requester, target: AddressOfRecord, role: str, policy: ConferenceRules = POLICY) -> int | None:
        return error(authorise_roles(RECORD, requester, target, role, policy=policy))

    assert ask(PRESENTER, FED, "presenter") is None
    assert ask(PRESENTER, FED, "attendee") is None
    assert ask(ATTENDEE, FED, "presenter") == 3014
    assert ask(PRESENTER, ALICE, "attendee") == 3014
    assert ask(PRESENTER, FED, "attendee", ConferenceRules(demotion=False)) == 3004


def test_changing_media() -> None:
    def ask(requester: Requester, target: AddressOfRecord, *, opens: bool = False, may: bool = True) -> int | None:
        return error(authorise_media(requester, target, opens=opens, may_modify_own=may))

    assert ask(PRESENTER, FED, opens=True, may=False) is None
    assert ask(ATTENDEE, FED) == 3014
    assert ask(ATTENDEE, BOB, may=False) is None
    assert ask(ATTENDEE, BOB, opens=True) is None
    assert ask(ATTENDEE, BOB, opens=True, may=False) == 3014
    assert ask(WAITING, BOB) == 3014


def test_users_are_compared_without_regard_to_case_and_never_raise() -> None:
    assert same_user(AddressOfRecord.read("sip:Alice@EXAMPLE.com"), ALICE)
    nobody = AddressOfRecord.read("not a uri")
    assert not same_user(nobody, nobody)


def test_the_identity_of_a_sender_is_the_from_uri_unless_told_otherwise() -> None:
    flow = Flow(1, "TCP", Address("192.0.2.1", 5060), Address("192.0.2.2", 5060))
    named = Request.build("INFO", ALICE.text, [("From", f'"Bob" <{BOB};x=y>;tag=1')])
    assert from_header(named, flow) == f"{BOB};x=y"
    assert from_header(Request.build("INFO", ALICE.text), flow) is None
    assert from_header(Request.build("INFO", ALICE.text, [("From", "<tel:+1555>;tag=1")]), flow) is None
    assert is_authenticated(BOB)
    assert not is_authenticated(GUEST)


def test_settings_written_in_the_older_way_are_rules() -> None:
    assert ConferencePolicy(demotion=False) == ConferenceRules(demotion=False)
