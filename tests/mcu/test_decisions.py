"""A policy that decides later, and what cannot be had called by way of an MCU."""

from __future__ import annotations

import contextlib

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c3p import (
    AddConference,
    AddUser,
    Code,
    ConferenceInfo,
    ConferenceKeys,
    DeleteConference,
    DeleteUser,
    Endpoint,
    ModifyConferenceLock,
    User,
    UserKeys,
    focus_uri,
)
from mcu import (
    Allowed,
    Cause,
    CommandRefused,
    Decision,
    DialOutPolicy,
    DialOutQuestion,
    DialOutRules,
    Gateway,
    GatewayTable,
    LegConnected,
    LegEnded,
    LocalError,
    Refusal,
    RefusalReason,
)
from sip import Address, Flow, Pending, Request, Response, parse_message
from sip.testing import held
from tests.mcu.harness import (
    CALLBACK,
    CONFERENCE,
    MCU_HOST,
    World,
    answering,
    diagnostics_of,
    guid,
    refusing,
    ringing,
)

NO = Refusal(RefusalReason.TARGET_DENIED, "not on Sundays")
PREMIUM = "+19005550100"
TRUNK = GatewayTable((Gateway(prefix="+", domain="198.51.100.9", next_hop="sip:198.51.100.9"),))


class Later(DialOutPolicy):
    """Decides nothing at once; remembers what it was asked."""

    def __init__(self, at_once: dict[str, Decision] | None = None) -> None:
        self.at_once, self.questions = at_once or {}, list[DialOutQuestion]()

    def decide(self, question: DialOutQuestion) -> Decision:
        self.questions.append(question)
        return self.at_once.get(question.user or "") or Pending(f"{len(self.questions)}")


def meeting(policy: DialOutPolicy, **settings: object) -> World:
    world = World(policy, **settings)
    world.start()
    return world


def decide(world: World, pending_id: str, decision: Decision) -> None:
    world.mcu.decided(pending_id, decision, now=world.now)
    world.settle()


def code(reply: object) -> str:
    document = reply.document  # type: ignore[attr-defined]
    return Code(document.code).value


# Later ---------------------------------------------------------------------------------------------------------------


def test_a_call_waits_for_the_decision_and_is_made_when_it_is_allowed() -> None:
    world = meeting(Later())
    phone = world.phone(7)
    assert code(world.dial(7)) == "pending"
    world.run(10.0)
    assert (phone.invites, world.mcu.legs, world.focus.history(guid(7))) == ([], 0, [])
    decide(world, "1", Allowed())
    world.run(1.0)
    assert len(world.of(LegConnected)) == 1
    assert world.focus.final("2").code == Code.SUCCESS


def test_a_call_that_is_refused_later_ends_as_one_that_was_refused_at_once() -> None:
    world = meeting(Later())
    phone = world.phone(7)
    world.dial(7)
    decide(world, "1", NO)
    world.run(60.0)
    final = world.focus.final("2")
    assert (final.code, final.command_reason) == (Code.FAILURE, "dialOutDeclined")
    assert "not on Sundays" in (diagnostics_of(final) or "")
    assert (phone.invites, world.mcu.legs) == ([], 0)


def test_what_nobody_decides_in_time_is_refused_and_a_late_decision_changes_nothing() -> None:
    world = meeting(Later(), policy_timeout=20.0)
    phone = world.phone(7)
    world.dial(7)
    world.run(19.9)
    assert world.focus.responses("2") == []
    world.run(0.2)
    assert "in time" in (diagnostics_of(world.focus.final("2")) or "")
    decide(world, "1", Allowed())
    world.run(5.0)
    assert phone.invites == []


def test_only_so_many_calls_wait() -> None:
    world = meeting(Later(), max_undecided=2)
    for number in (7, 8):
        assert code(world.dial(number)) == "pending"
    refused = world.dial(9)
    assert code(refused) == "failure"
    assert refused.document is not None
    assert refused.document.retry_after is not None


def test_one_conference_does_not_take_every_place() -> None:
    world = meeting(Later(), max_undecided=4, max_undecided_share=2)
    assert [code(world.dial(number)) for number in (7, 8, 9)] == ["pending", "pending", "failure"]
    assert code(world.dial(10, originator="sip:bob@example.com")) == "failure"
    decide(world, "1", NO)
    assert code(world.dial(11)) == "pending"


def test_one_presenter_does_not_take_every_place() -> None:
    world = meeting(Later(), max_undecided=4, max_undecided_share=2)
    other = focus_uri("sip:alice@example.com", "CONF00000002")
    world.post(AddConference(conference_info=ConferenceInfo(entity=other), callback_uri=CALLBACK), conference=other)

    def added_there(number: int, **more: str) -> str:
        one = Endpoint(entity=guid(number), joining_method="dialed-out")
        user = User(entity=f"sip:user{number}@198.51.100.{number}", endpoints=(one,))
        command = AddUser(conference_keys=ConferenceKeys(conf_entity=other), user=user)
        return code(world.post(command, conference=other, **more))

    assert code(world.dial(7)) == "pending"
    assert [added_there(8), added_there(9)] == ["pending", "failure"]
    assert added_there(10, originator="sip:bob@example.com") == "pending"


@attrs.frozen
class Slow(DialOutPolicy):
    """Asks somebody about all that the rules allow."""

    rules: DialOutRules
    questions: list[DialOutQuestion] = attrs.Factory(list)

    def decide(self, question: DialOutQuestion) -> Decision:
        self.questions.append(question)
        decision = self.rules.decide(question)
        return Pending(f"{len(self.questions)}") if isinstance(decision, Allowed) else decision


@pytest.mark.parametrize(
    "caps",
    [
        {"max_legs": 2},
        {"max_dialing": 2},
        {"max_legs_of_user": 2},
        {"calls_a_minute": 2},
        {"calls_a_minute_of_user": 2},
    ],
)
def test_calls_that_wait_for_a_decision_count_before_it(caps: dict[str, int]) -> None:
    world = meeting(Slow(DialOutRules(domains=None, **caps)))  # type: ignore[arg-type]
    phones = [world.phone(number) for number in (7, 8, 9)]
    assert [code(world.dial(number)) for number in (7, 8, 9)] == ["pending", "pending", "failure"]
    for number in (1, 2):
        decide(world, f"{number}", Allowed())
    world.run(1.0)
    assert [len(phone.invites) for phone in phones] == [1, 1, 0]
    assert code(world.dial(10)) == ("pending" if "max_dialing" in caps else "failure")  # they have answered


def test_mistakes_of_the_application_raise_and_change_nothing() -> None:
    world = meeting(Later())
    phone = world.phone(7)
    world.dial(7)
    for pending_id, decision in (("2", Allowed()), ("1", Pending("1")), ("1", None), ("1", True)):
        with pytest.raises(LocalError):
            world.mcu.decided(pending_id, decision, now=world.now)  # type: ignore[arg-type]
    decide(world, "1", Allowed())
    world.run(1.0)
    assert len(phone.invites) == 1
    with pytest.raises(LocalError):
        world.mcu.decided("1", Allowed(), now=world.now)


@pytest.mark.parametrize("decision", [None, True, "yes", 1])
def test_what_is_no_decision_has_nobody_called(decision: object) -> None:
    class Forgetful(DialOutPolicy):
        def decide(self, question: DialOutQuestion) -> Decision:
            return decision  # type: ignore[return-value]

    world = meeting(Forgetful())
    phone = world.phone(7)
    assert code(world.dial(7)) == "failure"
    assert phone.invites == []


def test_who_is_ejected_while_the_decision_is_awaited_is_not_called() -> None:
    world = meeting(Later())
    phone = world.phone(7)
    world.dial(7)
    keys = UserKeys(conf_entity=CONFERENCE, user_entity="sip:user7@198.51.100.7")
    world.post(DeleteUser(user_keys=keys))
    assert world.focus.final("2").reason == "requestCancelled"
    decide(world, "1", Allowed())
    world.run(5.0)
    assert phone.invites == []


def test_a_conference_that_ends_takes_what_waits_with_it() -> None:
    world = meeting(Later())
    phone = world.phone(7)
    world.dial(7)
    world.post(DeleteConference(conference_keys=ConferenceKeys(conf_entity=CONFERENCE)))
    assert world.focus.final("2").reason == "requestCancelled"
    decide(world, "1", Allowed())
    world.run(5.0)
    assert phone.invites == []


def test_what_has_changed_in_the_meantime_counts() -> None:
    world = meeting(Later())
    world.dial(7, originator_role="attendee", originator="sip:user7@198.51.100.7")
    world.post(ModifyConferenceLock(conference_keys=ConferenceKeys(conf_entity=CONFERENCE), locked=True))
    decide(world, "1", Allowed())
    assert world.focus.final("2").command_reason == "conferenceLocked"
    world.dial(8)
    world.mcu.drain(now=world.now)
    decide(world, "2", Allowed())
    assert world.focus.final("4").code == Code.FAILURE


def test_an_endpoint_that_waits_is_not_added_twice() -> None:
    world = meeting(Later())
    world.dial(7)
    assert code(world.dial(7)) == "failure"


def test_a_redirection_waits_for_the_decision_about_each_target_in_their_order() -> None:
    policy = Later({"user7": Allowed()})
    world = meeting(policy)
    targets = "<sip:user8@198.51.100.8>, <sip:user9@198.51.100.9>"
    world.phone(7, refusing(302, ("Contact", targets)))
    eight, nine = world.phone(8), world.phone(9)
    world.dial(7)
    world.run(1.0)
    assert [each.user for each in policy.questions] == ["user7", "user8"]
    assert policy.questions[1].cause is Cause.REDIRECTION
    decide(world, "2", NO)
    world.run(1.0)
    assert [each.user for each in policy.questions] == ["user7", "user8", "user9"]
    decide(world, "3", Allowed())
    world.run(1.0)
    assert (len(eight.invites), len(nine.invites)) == (0, 1)
    assert len(world.of(LegConnected)) == 1


def test_a_redirection_that_nobody_decides_ends_the_attempt() -> None:
    world = meeting(Later({"user7": Allowed()}))
    world.phone(7, refusing(302, ("Contact", "<sip:user8@198.51.100.8>")))
    world.dial(7)
    world.run(25.0)
    assert world.ended().status == 302


@pytest.mark.parametrize("end", ["eject", "rings out"])
def test_a_leg_that_waits_for_a_decision_about_where_to_go_can_be_given_up(end: str) -> None:
    world = meeting(Later({"user7": Allowed()}), ring_timeout=10.0)
    world.phone(7, refusing(302, ("Contact", "<sip:user8@198.51.100.8>")))
    eight = world.phone(8)
    world.dial(7)
    world.run(1.0)
    if end == "eject":
        world.eject(7)
    world.run(12.0)
    assert isinstance(world.ended(), LegEnded)
    decide(world, "2", Allowed())
    world.run(30.0)
    assert (eight.invites, world.mcu.legs) == ([], 0)


@given(
    acts=st.lists(
        st.tuples(st.sampled_from(["dial", "allow", "refuse", "eject", "wait"]), st.integers(0, 3)), max_size=12
    )
)
@settings(max_examples=25, deadline=None)
def test_whenever_decisions_come_each_command_gets_one_final_answer_and_nothing_stays(
    acts: list[tuple[str, int]],
) -> None:
    world = meeting(Later())
    for number in range(4):
        world.phone(number + 2, answering if number % 2 else ringing)
    dialled: list[str] = []
    for act, number in acts:
        if act == "dial":
            if code(world.dial(number + 2)) == "pending":
                dialled.append(str(world.requests))
        elif act in ("allow", "refuse"):
            with contextlib.suppress(LocalError):  # nothing waits for it
                decide(world, str(number + 1), Allowed() if act == "allow" else NO)
        elif act == "eject":
            world.eject(number + 2)
        world.run(1.0 if act != "wait" else 15.0)
    world.post(DeleteConference(conference_keys=ConferenceKeys(conf_entity=CONFERENCE)))
    world.run(100.0)
    assert [request for request in dialled if len([e for e in world.focus.responses(request) if e.final]) != 1] == []
    left = held(
        world.mcu._dial_out.awaiting_policy, but=("_late", "_deadlines", "_owner")
    )  # what remains are names of what is over
    assert left == {}


# Attacks -------------------------------------------------------------------------------------------------------------


def guarded(**rules: object) -> World:
    """An MCU with a trunk, to which the numbers of one prefix may be called."""
    policy = attrs.evolve(DialOutRules(numbers=("+1555",), domains=frozenset({"198.51.100.7"})), **rules)
    world = World(policy, gateways=TRUNK)  # type: ignore[arg-type]
    world.start()
    return world


def reached(world: World) -> list[str]:
    """Who was called at the trunk."""
    return [str(each.request.uri) for each in world.phones["198.51.100.9"].invites]


@pytest.mark.parametrize(
    "address",
    [
        f"tel:{PREMIUM}",
        f"sip:{PREMIUM}@198.51.100.7",
        "sip:+1-900-555-0100,p@198.51.100.7",
        f"sip:{PREMIUM}ww1@198.51.100.7",
        f"sip:x@{MCU_HOST}",
    ],
)
def test_a_presenter_has_no_number_called_that_no_setting_allows(address: str) -> None:
    world = guarded()
    world.phone(9), world.phone(7)
    assert code(world.dial(7, endpoint_uri=address)) == "failure"
    (told,) = world.of(CommandRefused)
    assert (told.command, told.target, told.reason) == ("addUser", address, "target denied")
    assert world.mcu.counters["refused: target denied"] == 1
    assert code(world.dial(8, endpoint_uri="tel:+1-555-0100")) == "pending"
    world.run(1.0)
    assert reached(world) == ["sip:+15550100@198.51.100.9;user=phone"]
    assert world.phones["198.51.100.7"].invites == []


@pytest.mark.parametrize(
    "contact",
    [
        f"<tel:{PREMIUM}>",
        "<tel:+1(900)555-0100>",
        f"<sip:{PREMIUM}@198.51.100.7;user=phone>",
        "<sip:%2B19005550100@198.51.100.7>",
        f"<sip:{PREMIUM}@198.51.100.9>",
    ],
)
def test_a_redirect_to_a_premium_number_is_not_followed(contact: str) -> None:
    world = guarded()
    trunk = world.phone(9)
    phone = world.phone(7, refusing(302, ("Contact", contact)))
    world.dial(7)
    world.run(5.0)
    assert (len(phone.invites), trunk.invites) == (1, [])
    assert world.ended().status == 302
    (told,) = world.of(CommandRefused)
    assert (told.command, told.reason) == ("redirection", "target denied")


def test_an_attendees_address_with_a_port_is_another_server() -> None:
    world = meeting(DialOutRules(domains=None))
    attendee = {"originator": "sip:user8@198.51.100.8", "originator_role": "attendee"}
    assert code(world.dial(8, endpoint_uri="sip:user8@198.51.100.8:7777", **attendee)) == "failure"
    assert code(world.dial(8, endpoint_uri="sip:user8@198.51.100.8:5061", **attendee)) == "failure"
    assert code(world.dial(8, **attendee)) == "pending"
    assert code(world.dial(8, endpoint_uri="sip:user8@198.51.100.8:5060", **attendee)) == "pending"


@pytest.mark.parametrize("port", ["", ":5060"])
def test_an_address_that_leads_elsewhere_by_maddr_is_not_called(port: str) -> None:
    world = meeting(DialOutRules(domains=None))
    victim = world.phone(9)
    address = f"sip:user7@198.51.100.7{port};maddr=198.51.100.9"
    phone = world.phone(7, refusing(302, ("Contact", f"<{address}>")))
    assert code(world.dial(8, endpoint_uri=address)) == "failure"
    world.dial(7)
    world.run(5.0)
    assert (len(phone.invites), victim.invites) == (1, [])


def test_a_refer_to_a_premium_number_has_nobody_called() -> None:
    world = guarded(numbers=None)
    trunk, phone = world.phone(9), world.phone(7)
    world.dial(7)
    world.run(1.0)
    assert phone.session is not None
    # From the other end of the call, and from anybody.
    phone.endpoint.refer(
        phone.owner,
        f"sip:mcu@{MCU_HOST}:5060",
        refer_to=f"tel:{PREMIUM}",
        from_="<sip:user7@198.51.100.7>",
        to="<sip:mcu@example.com>",
        session=phone.session,
        now=world.now,
    )
    stranger = Flow(77, "UDP", Address(MCU_HOST, 5060), Address("203.0.113.77", 5060))
    refer = Request.build(
        "REFER",
        f"sip:mcu@{MCU_HOST}:5060",
        [
            ("Via", "SIP/2.0/UDP 203.0.113.77;branch=z9hG4bKr"),
            ("Max-Forwards", "70"),
            ("From", "<sip:x@example.com>;tag=x"),
            ("To", f"<sip:mcu@{MCU_HOST}>"),
            ("Call-ID", "r"),
            ("CSeq", "1 REFER"),
            ("Contact", "<sip:x@203.0.113.77>"),
            ("Refer-To", f"<tel:{PREMIUM}>"),
        ],
    )
    world.mcu_agent.take(world.mcu_agent.endpoint.receive_data(bytes(refer), flow=stranger, now=world.now))
    answers = [parse_message(each.data) for each in world.mcu_agent.endpoint.data_to_send() if each.flow == stranger]
    assert [each.status for each in answers if isinstance(each, Response)] == [405]
    world.run(5.0)
    assert trunk.invites == []


@pytest.mark.parametrize(
    "address",
    [
        "sip:user8@198.51.100.8;maddr=198.51.100.7",
        "sip:carol@198.51.100.7",
        "sip:user8@198.51.100.7",
        "sip:user8@example.com",
        f"tel:{PREMIUM}",
    ],
)
def test_an_attendees_own_phone_is_not_that_of_somebody_else(address: str) -> None:
    world = guarded()
    world.phone(7), world.phone(8), world.phone(9)
    attendee = {"originator": "sip:user8@198.51.100.8", "originator_role": "attendee"}
    assert code(world.dial(8, endpoint_uri=address, **attendee)) == "failure"
    world.run(1.0)
    assert [phone.invites for phone in world.phones.values()] == [[], [], []]


def test_calls_a_minute_are_limited_for_a_user_and_a_conference() -> None:
    world = meeting(DialOutRules(domains=None, calls_a_minute_of_user=2, calls_a_minute=3))
    bob = {"originator": "sip:bob@example.com"}
    assert [code(world.dial(number)) for number in (2, 3, 4)] == ["pending", "pending", "failure"]
    assert [code(world.dial(number, **bob)) for number in (5, 6)] == ["pending", "failure"]
    world.run(61.0)
    assert code(world.dial(7)) == "pending"
