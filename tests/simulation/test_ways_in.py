"""Ways into a conference with media (docs/ways-in.rst): a plain phone at the dial-in number, and participants."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest

import focus
from c3p import MCU_SERVER_URI, AddUser, mcu_uri
from pyc3p.simnet import Meeting
from sip import Challenged, SessionEnded
from tests.simulation.caller import Caller

Meet = Callable[..., Meeting]
ANN = "sip:ann@example.com"
OPEN = focus.FactoryConfig(pstn_lobby_bypass=True)


def number(meeting: Meeting) -> str:
    """What a phone calls, as the organizer's client was told it."""
    created = meeting.host("presenter").of(focus.ConferenceCreated)[-1]
    assert created.info.description is not None
    (entry,) = [one for one in created.info.description.conf_uris if one.purpose == "participation"]
    assert entry.uri is not None
    assert created.info.description.pstn_access is not None
    assert entry.uri == f"sip:{created.info.description.pstn_access.id}@example.com"
    return entry.uri


def create(meeting: Meeting, **record: object) -> str:
    """Another conference, with what its record says; nobody is in it."""
    before = len(meeting.host("presenter").of(focus.ConferenceCreated))
    meeting.client("presenter").create_conference(now=meeting.network.now, **record)  # type: ignore[arg-type]
    meeting.sim.kick("presenter")
    seen = meeting.host("presenter")
    meeting.network.run_until(lambda: len(seen.of(focus.ConferenceCreated)) > before, 10.0, what="a record")
    return seen.of(focus.ConferenceCreated)[-1].conference_uri


def hold(meeting: Meeting, **record: object) -> None:
    """The presenter goes over into another conference, with what its record says."""
    create(meeting, **record)
    meeting.uri = meeting.host("presenter").of(focus.ConferenceCreated)[-1].conference_uri
    meeting.client("presenter").leave(now=meeting.network.now)
    meeting.sim.kick("presenter")
    meeting.network.run_for(1.0)
    before = len(meeting.host("presenter").of(focus.Joined))
    meeting.client("presenter").join(meeting.uri, now=meeting.network.now)
    meeting.sim.kick("presenter")
    seen = meeting.host("presenter")
    meeting.network.run_until(lambda: len(seen.of(focus.Joined)) > before, 10.0, what="the join")


def lock(meeting: Meeting) -> None:
    command = meeting.command("presenter", lambda client, now: client.set_lock(True, now=now))
    assert meeting.outcome("presenter", command).succeeded


def let_in(meeting: Meeting, who: str, *, granted: bool = True) -> None:
    command = meeting.command("presenter", lambda client, now: client.set_lobby_access([who], granted=granted, now=now))
    assert meeting.outcome("presenter", command).succeeded


def statuses(meeting: Meeting, uri: str = "") -> dict[str, str]:
    """Who is on the MCU, as the Focus has it, by the name that is shown, else the address."""
    conferences = meeting.sim.farm.cores["focus"].focus
    info = conferences.roster(uri or meeting.uri) if conferences is not None else None
    users = info.users.users if info is not None and info.users is not None else ()
    return {
        user.display_text or user.entity: one.status or ""
        for user in users
        for one in user.endpoints
        if one.session_type == "audio-video"
    }


def entity(meeting: Meeting, shown: str) -> str:
    conferences = meeting.sim.farm.cores["focus"].focus
    assert conferences is not None
    info = conferences.roster(meeting.uri)
    assert info is not None
    assert info.users is not None
    return next(user.entity for user in info.users.users if shown in (user.display_text, user.entity))


def endpoint_of(meeting: Meeting, who: str) -> str:
    roster = meeting.client("presenter").roster
    assert roster is not None
    assert roster.users is not None
    user = next(user for user in roster.users.users if user.entity == who)
    return next(one.entity for one in user.endpoints if one.session_type == "audio-video")


def caller(meeting: Meeting, name: str = "granny", host: str = "198.51.100.7", **more: str) -> Caller:
    return Caller(meeting, name, host, **more)


# Plain phones ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_a_plain_phone_calls_the_number_and_is_in(meet: Meet, transport: str) -> None:
    meeting = meet(factory=OPEN)
    phone = caller(meeting, transport=transport)
    phone.call(number(meeting))
    phone.answered()
    meeting.network.run_for(1.0)
    who = f"sip:granny@{phone.host}"
    assert statuses(meeting) == {who: "connected"}
    for name in ("presenter", "watcher"):
        assert meeting.history(name, who) == ["audio-video dialing-in", "audio-video connected"]
    user = next(user for user in meeting.client("watcher").roster.users.users if user.entity == who)  # type: ignore[union-attr]
    assert [one.joining_method for one in user.endpoints] == ["dialed-in"]
    phone.hang_up()
    meeting.network.run_for(1.0)
    assert statuses(meeting) == {}
    assert meeting.history("watcher", who)[-1] == "gone"


def test_a_caller_can_be_muted_and_ejected(meet: Meet) -> None:
    meeting = meet(factory=OPEN)
    phone = caller(meeting)
    phone.call(number(meeting))
    phone.answered()
    meeting.network.run_for(1.0)
    who = f"sip:granny@{phone.host}"
    guid = endpoint_of(meeting, who)
    muted = meeting.command("presenter", lambda client, now: client.mute(who, endpoint=guid, now=now))
    assert meeting.outcome("presenter", muted).succeeded
    assert meeting.outcome("presenter", meeting.eject("presenter", who)).succeeded
    phone.until(lambda: bool(phone.of(SessionEnded)), "the BYE")
    assert statuses(meeting) == {}


def test_the_phone_hangs_up_and_is_hung_up_through_a_connection_that_it_made(meet: Meet) -> None:
    meeting = meet(factory=OPEN)
    phone = caller(meeting, transport="TCP")
    phone.call(number(meeting))
    phone.answered()
    meeting.network.run_for(1.0)
    meeting.eject("presenter", f"sip:granny@{phone.host}")
    phone.until(lambda: bool(phone.of(SessionEnded)), "the BYE")


def test_a_number_wakes_a_conference_in_which_nobody_is_and_it_ends_with_the_call(meet: Meet) -> None:
    meeting = meet(factory=OPEN)
    uri = create(meeting)
    phone = caller(meeting)
    phone.call(number(meeting))
    phone.answered()
    meeting.network.run_for(700.0)  # a phone keeps its conference alive, however long nobody else is there
    assert statuses(meeting, uri) == {f"sip:granny@{phone.host}": "connected"}
    phone.hang_up()
    meeting.network.run_for(2.0)
    conferences = meeting.sim.farm.cores["focus"].focus
    assert conferences is not None
    assert uri not in conferences.conferences
    assert all(uri != each for each in meeting.sim.farm.mcus["mcu"].conferences)


def test_a_number_that_is_none_is_nobody(meet: Meet) -> None:
    meeting = meet(factory=OPEN)
    phone = caller(meeting)
    phone.call("sip:222222222@example.com")
    assert phone.refused()[0] == 404


def test_a_record_that_is_deleted_has_no_number_any_more(meet: Meet) -> None:
    meeting = meet(factory=OPEN)
    create(meeting, conference_id="GONE0001")
    where = number(meeting)
    meeting.command("presenter", lambda client, now: client.delete_record("GONE0001", now=now))
    meeting.network.run_for(1.0)
    phone = caller(meeting)
    phone.call(where)
    assert phone.refused()[0] == 404


def test_a_stranger_without_passcode_and_lobby_is_not_let_in(meet: Meet) -> None:
    meeting = meet()
    phone = caller(meeting)
    phone.call(number(meeting))
    assert phone.refused() == (403, "3014")
    assert statuses(meeting) == {}


def test_somebody_of_the_domain_needs_nothing_else(meet: Meet) -> None:
    meeting = meet()
    phone = caller(meeting)
    phone.call(number(meeting), user="sip:bob@example.com")
    phone.answered()
    meeting.network.run_for(1.0)
    assert statuses(meeting) == {"sip:bob@example.com": "connected"}


@pytest.mark.parametrize("granted", [True, False])
def test_the_lobby_of_a_phone(meet: Meet, granted: bool) -> None:
    meeting = meet()
    hold(meeting, lobby=True)
    phone = caller(meeting)
    phone.call(number(meeting))
    phone.answered()
    meeting.network.run_for(1.0)
    who = f"sip:granny@{phone.host}"
    assert statuses(meeting) == {who: "pending"}
    let_in(meeting, who, granted=granted)
    meeting.network.run_for(1.0)
    assert statuses(meeting) == ({who: "connected"} if granted else {})
    assert bool(phone.of(SessionEnded)) is not granted


def test_a_passcode_by_keys(meet: Meet) -> None:
    meeting = meet()
    hold(meeting, passcode="2468", admission_policy="anonymous")
    phone = caller(meeting)
    phone.call(number(meeting))
    phone.answered()
    meeting.network.run_for(1.0)
    who = f"sip:granny@{phone.host}"
    assert statuses(meeting) == {who: "pending"}
    phone.press("1357#")
    meeting.network.run_for(1.0)
    assert statuses(meeting) == {who: "pending"}
    phone.press("2468#")
    meeting.network.run_for(1.0)
    assert statuses(meeting) == {who: "connected"}


def test_a_passcode_that_no_phone_can_key_in_leaves_the_lobby_or_nothing(meet: Meet) -> None:
    meeting = meet()
    hold(meeting, passcode="letters", admission_policy="anonymous")
    phone = caller(meeting)
    phone.call(number(meeting))
    assert phone.refused() == (403, "3014")
    hold(meeting, passcode="letters", admission_policy="anonymous", lobby=True)
    phone.events.clear()
    phone.call(number(meeting))
    phone.answered()
    meeting.network.run_for(1.0)
    assert statuses(meeting) == {f"sip:granny@{phone.host}": "pending"}


def test_a_locked_conference_has_phones_wait_or_refuses_them(meet: Meet) -> None:
    meeting = meet(factory=OPEN)
    lock(meeting)
    phone = caller(meeting)
    phone.call(number(meeting))
    assert phone.refused() == (403, "3014")
    hold(meeting, lobby=True)
    lock(meeting)
    phone.events.clear()
    phone.call(number(meeting))
    phone.answered()
    meeting.network.run_for(1.0)
    who = f"sip:granny@{phone.host}"
    assert statuses(meeting) == {who: "pending"}
    let_in(meeting, who)
    meeting.network.run_for(1.0)
    assert statuses(meeting) == {who: "connected"}


@pytest.mark.parametrize("lobby", [True, False])
def test_a_passcode_that_is_keyed_in_after_the_lock_opens_no_door(meet: Meet, lobby: bool) -> None:
    meeting = meet()
    hold(meeting, passcode="2468", admission_policy="anonymous", lobby=lobby)
    phone = caller(meeting)
    phone.call(number(meeting))
    phone.answered()
    meeting.network.run_for(1.0)
    lock(meeting)
    phone.press("2468#")
    meeting.network.run_for(10.0)
    who = f"sip:granny@{phone.host}"
    assert statuses(meeting) == ({who: "pending"} if lobby else {})
    assert bool(phone.of(SessionEnded)) is not lobby
    assert "wrong passcodes" not in meeting.sim.farm.mcus["mcu"].counters
    if lobby:
        let_in(meeting, who)  # a presenter may
        meeting.network.run_for(1.0)
        assert statuses(meeting) == {who: "connected"}


def test_a_caller_who_gives_up_while_the_mcu_is_asked_is_gone(meet: Meet) -> None:
    meeting = meet(factory=OPEN)
    uri = create(meeting)
    meeting.sim.stop("mcu", without_a_word=True)  # so that it takes its time
    phone = caller(meeting)
    phone.call(number(meeting))
    meeting.network.run_for(2.0)
    phone.cancel()
    assert phone.refused()[0] == 487
    meeting.network.run_for(200.0)
    assert statuses(meeting, uri) == {}
    conferences = meeting.sim.farm.cores["focus"].focus
    assert conferences is not None
    assert uri not in conferences.conferences
    assert conferences.sizes["waiting"] == 0


@pytest.mark.parametrize(
    "header",
    [
        ("Require", "teleportation"),
        ("Proxy-Require", "teleportation"),
        ("Accept", "text/plain"),
        ("Max-Breadth", "0"),
        ("Session-Expires", "soon"),
    ],
)
def test_a_call_that_is_refused_leaves_nobody_behind(meet: Meet, header: tuple[str, str]) -> None:
    meeting = meet(factory=OPEN)
    phone = caller(meeting)
    phone.call(number(meeting), headers=(header,))
    assert phone.refused()[0] >= 400
    meeting.network.run_for(2.0)
    assert statuses(meeting) == {}
    assert meeting.sim.farm.mcus["mcu"].legs == 0


def test_a_call_that_is_given_up_while_the_mcu_is_asked_leaves_nobody_behind(meet: Meet) -> None:
    meeting = meet(factory=OPEN)
    phone = caller(meeting)
    phone.call(number(meeting))
    conferences = meeting.sim.farm.cores["focus"].focus
    assert conferences is not None
    waiting = conferences.sizes
    meeting.network.run_until(lambda: waiting != conferences.sizes and conferences.sizes["waiting"] > 0, 5.0, what="it")
    phone.cancel()
    meeting.network.run_for(2.0)
    assert statuses(meeting) == {}
    assert meeting.sim.farm.mcus["mcu"].legs == 0


def test_an_offer_that_no_mcu_can_use_is_488(meet: Meet) -> None:
    meeting = meet(factory=OPEN)
    phone = caller(meeting)
    phone.call(number(meeting), body=b"nonsense")
    assert phone.refused() == (488, "7008")
    meeting.network.run_for(1.0)
    assert statuses(meeting) == {}


def test_no_mcu_is_503_and_leaves_no_conference_behind(meet: Meet) -> None:
    meeting = meet(factory=OPEN)
    uri = create(meeting)
    meeting.sim.stop("mcu")
    meeting.network.run_for(40.0)
    phone = caller(meeting)
    phone.call(number(meeting))
    assert phone.refused()[0] == 503
    meeting.network.run_for(1.0)
    conferences = meeting.sim.farm.cores["focus"].focus
    assert conferences is not None
    assert uri not in conferences.conferences


def test_an_mcu_that_is_silent_is_504(meet: Meet) -> None:
    meeting = meet(factory=OPEN)
    meeting.outcome("presenter", meeting.dial("presenter", "sip:bob@example.com"))
    meeting.sim.stop("mcu", without_a_word=True)
    phone = caller(meeting)
    phone.call(number(meeting))
    assert phone.refused()[0] in (503, 504)


# Media INVITEs of participants ----------------------------------------------------------------------------------------


def av(meeting: Meeting) -> str:
    return mcu_uri(meeting.uri, "audio-video")


def test_a_participant_calls_the_mcu_of_its_conference(meet: Meet) -> None:
    meeting = meet()
    phone = caller(meeting, transport="TCP")
    phone.call(av(meeting), user="sip:wes@example.com")
    phone.answered()
    meeting.network.run_for(1.0)
    roster = meeting.client("presenter").roster
    assert roster is not None
    assert roster.users is not None
    wes = next(user for user in roster.users.users if user.entity == "sip:wes@example.com")
    assert sorted((one.session_type, one.status) for one in wes.endpoints) == [
        ("audio-video", "connected"),
        ("focus", "connected"),
    ]
    assert wes.roles == ("attendee",)
    # Who leaves the conference leaves its MCUs.
    meeting.client("watcher").leave(now=meeting.network.now)
    meeting.sim.kick("watcher")
    phone.until(lambda: bool(phone.of(SessionEnded)), "the BYE")


def test_who_is_not_in_the_conference_may_not_call_its_mcu(meet: Meet) -> None:
    meeting = meet(factory=OPEN)
    phone = caller(meeting)
    phone.call(av(meeting), user="sip:eve@example.com")
    assert phone.refused() == (403, "3014")
    phone.events.clear()
    phone.call(mcu_uri(meeting.uri.replace("id:", "id:NO"), "audio-video"), user="sip:wes@example.com")
    assert phone.refused() == (404, "3012")
    phone.events.clear()
    phone.call(mcu_uri(meeting.uri, "meeting"), user="sip:wes@example.com")
    assert phone.refused()[0] == 603
    assert statuses(meeting) == {}


def test_a_participant_of_a_locked_conference_may_call_its_mcu(meet: Meet) -> None:
    meeting = meet()
    lock(meeting)
    phone = caller(meeting)
    phone.call(av(meeting), user="sip:wes@example.com")
    phone.answered()


def test_who_is_in_the_lobby_may_not(meet: Meet) -> None:
    meeting = meet()
    hold(meeting, lobby=True)
    lock(meeting)
    meeting.client("watcher").leave(now=meeting.network.now)
    meeting.sim.kick("watcher")
    meeting.network.run_for(1.0)
    meeting.client("watcher").join(meeting.uri, now=meeting.network.now)
    meeting.sim.kick("watcher")
    meeting.network.run_for(1.0)
    phone = caller(meeting)
    phone.call(av(meeting), user="sip:wes@example.com")
    assert phone.refused() == (403, "3014")


def test_the_place_of_a_call_that_does_not_come_is_free_after_a_minute(meet: Meet) -> None:
    meeting = meet()
    announced = meeting.command("watcher", lambda client, now: client.dial_in(now=now))
    assert meeting.outcome("watcher", announced).succeeded
    meeting.network.run_for(1.0)
    assert meeting.statuses("sip:wes@example.com") == ["focus connected", "audio-video dialing-in"]
    meeting.network.run_for(61.0)
    assert meeting.statuses("sip:wes@example.com") == ["focus connected"]


# Announced by addUser (docs/ways-in.rst) ------------------------------------------------------------------------------


def announce(meeting: Meeting, name: str = "watcher") -> str:
    """Where the MCU expects the call of a client, as it was told."""
    command = meeting.command(name, lambda client, now: client.dial_in(now=now))
    outcome = meeting.outcome(name, command).event
    assert isinstance(outcome, focus.CommandSucceeded)
    answer = outcome.response.command
    assert isinstance(answer, AddUser)
    assert answer.connection_info is not None
    address = answer.connection_info.get(MCU_SERVER_URI)
    assert address is not None
    return address


def test_who_announced_a_call_makes_it_at_the_address_that_it_was_told(meet: Meet) -> None:
    meeting = meet()
    where = announce(meeting)
    phone = caller(meeting)
    phone.call(where, user="sip:wes@example.com", direct=True)
    phone.answered()
    meeting.network.run_for(1.0)
    assert meeting.statuses("sip:wes@example.com") == ["focus connected", "audio-video connected"]


def test_the_secret_redeems_a_reservation_and_no_name_does(meet: Meet) -> None:
    meeting = meet()
    where = announce(meeting)
    bare = where.partition(";reservation")[0]
    for address in (bare, f"{bare};reservation={'0' * 32}"):
        eve = caller(meeting, f"eve{len(address)}", f"198.51.100.{len(address) % 100}")
        eve.call(address, user="sip:wes@example.com", direct=True)
        assert eve.refused()[0] in (403, 404)
    phone = caller(meeting)
    phone.call(where, user="sip:somebody@elsewhere.example.net", direct=True)
    phone.answered()
    again = caller(meeting, "again", "198.51.100.99")
    again.call(where, user="sip:wes@example.com", direct=True)
    assert again.refused()[0] in (403, 404)


def test_a_call_to_the_mcu_uri_redeems_what_its_user_announced(meet: Meet) -> None:
    meeting = meet()
    announce(meeting)
    phone = caller(meeting)
    phone.call(av(meeting), user="sip:wes@example.com")
    phone.answered()
    meeting.network.run_for(1.0)
    assert meeting.statuses("sip:wes@example.com") == ["focus connected", "audio-video connected"]
    meeting.network.run_for(70.0)
    assert meeting.statuses("sip:wes@example.com") == ["focus connected", "audio-video connected"]


def test_nobody_announces_more_calls_than_the_roster_can_show(meet: Meet) -> None:
    meeting = meet()
    succeeded = 0
    for _ in range(22):
        command = meeting.command("watcher", lambda client, now: client.dial_in(now=now))
        succeeded += meeting.outcome("watcher", command).succeeded
    meeting.network.run_for(1.0)
    assert succeeded == 15  # and the Focus endpoint
    assert meeting.statuses("sip:wes@example.com") == ["focus connected"] + ["audio-video dialing-in"] * 15
    assert meeting.sim.farm.mcus["mcu"].legs == 15
    meeting.network.run_for(62.0)
    assert announce(meeting)


def test_nobody_announces_somebody_else(meet: Meet) -> None:
    meeting = meet()
    client = meeting.client("watcher")
    config = client.config
    client.config = attrs.evolve(config, aor="sip:ann@example.com")
    command = meeting.command("watcher", lambda client, now: client.dial_in(now=now))
    assert not meeting.outcome("watcher", command).succeeded


# Attacks --------------------------------------------------------------------------------------------------------------


def identified_by_nobody(request: object, flow: object) -> None:
    """A directory that knows nobody."""


def challenged(request: object, flow: object) -> Challenged:
    """A directory that asks everybody for a password."""
    return Challenged(status=401, headers=(("WWW-Authenticate", 'Digest realm="example.com", nonce="1"'),))


def ask(meeting: Meeting, identify: Callable[[object, object], object]) -> None:
    """Let the Focus find out who somebody is in another way."""
    conferences = meeting.sim.farm.cores["focus"].focus
    assert conferences is not None
    context = conferences.inside.context
    context.config = attrs.evolve(context.config, identify=identify)


@pytest.mark.parametrize(("user", "status"), [("sip:ann@example.com", 401), ("sip:eve@elsewhere.example.net", None)])
def test_who_calls_itself_a_user_of_the_domain_has_to_prove_it_and_others_have_not(
    meet: Meet, user: str, status: int | None
) -> None:
    meeting = meet(factory=OPEN)
    ask(meeting, challenged)
    phone = caller(meeting)
    phone.call(number(meeting), user=user)
    if status is None:
        phone.answered()
    else:
        assert phone.refused()[0] == status
        assert statuses(meeting) == {}


def test_whom_nothing_lets_in_is_asked_who_it_is(meet: Meet) -> None:
    meeting = meet()
    ask(meeting, challenged)
    phone = caller(meeting)
    phone.call(number(meeting), user="sip:eve@elsewhere.example.net")
    assert phone.refused()[0] == 401


def test_who_is_unknown_gets_a_name_that_is_nobodys(meet: Meet) -> None:
    meeting = meet(factory=OPEN)
    conferences = meeting.sim.farm.cores["focus"].focus
    assert conferences is not None
    context = conferences.inside.context
    context.config = attrs.evolve(context.config, identify=identified_by_nobody)
    phone = caller(meeting)
    phone.call(number(meeting), user="sip:+15550100@elsewhere.example.net")
    phone.answered()
    meeting.network.run_for(1.0)
    assert statuses(meeting) == {"unverified +15550100": "connected"}
    assert entity(meeting, "unverified +15550100").endswith("@anonymous.invalid")
