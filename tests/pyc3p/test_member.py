"""Nodes that share conferences through a store: what each decides, whatever becomes of nodes, store and the way."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pyc3p.placement.events import (
    Claim,
    ClaimFailed,
    ClaimLost,
    ClaimMade,
    ClaimRefused,
    ClaimRenewed,
    FindOwner,
    LeaseHeld,
    LeaseLapsed,
    Leave,
    ListClaims,
    Operation,
    OwnerFound,
    Release,
    Renew,
    Rewrite,
    TakenOver,
)
from pyc3p.placement.lease import LeaseSettings
from pyc3p.placement.member import Member, Membership
from pyc3p.placement.memory import MemoryPlacement
from pyc3p.placement.share import node_for
from pyc3p.placement.store import LeaseLost, Node
from sip import Event, Piece

NAMES = ("focus-1", "focus-2", "focus-3")
STEP = 0.25  #: seconds


@attrs.define(eq=False)
class Site:
    """One node, and how well it reaches the store: ``away`` loses what it asks, ``deaf`` the answers."""

    group: Group
    name: str
    member: Member
    events: list[Event] = attrs.Factory(list)
    away: bool = False
    deaf: bool = False
    alive: bool = True
    wants: int = 0

    def step(self) -> None:
        """Let the member work, as far as it gets."""
        now = self.group.now
        due = self.member.next_timeout()
        if due is not None and due <= now:
            self.member.handle_timeout(now=now)
        for number, operation in self.member.operations(now=now):
            self.group.asked[self.name].append(operation)
            if self.away or self.group.store_away:
                continue  # no answer comes
            try:
                answer = self.group.carry_out(operation)
            except LeaseLost:
                if not self.deaf:
                    self.member.failed(number, lost=True, now=now)
                continue
            if not self.deaf:
                self.member.done(number, answer, now=now)
        new = self.member.take_events()
        self.events += new
        for event in new:
            if self.group.state is not None and isinstance(event, ClaimMade | TakenOver):
                self.group.store.rewrite_now(event.key, self.member.node, partial(self.group.state, event.key))

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    def claim(self, key: str, *, above: int = 0) -> Event:
        """Claim, and wait for what comes of it."""
        self.wants += 1
        self.member.claim(self.wants, key, above=above, now=self.group.now)
        self.group.run(2.0)
        kinds = (ClaimMade, ClaimRefused, ClaimFailed)
        (answer,) = [each for each in self.events if isinstance(each, kinds) and each.want == self.wants]
        return answer


class Group:
    """Some nodes, one store and the time."""

    def __init__(self, count: int = 3, *, state: Callable[[str], list[Piece]] | None = None) -> None:
        self.now = 100.0
        self.store = MemoryPlacement(lambda: self.now)
        self.state = state  #: what a node writes of a conference as soon as it has it
        self.store_away = False
        self.asked: dict[str, list[Operation]] = {}
        self.sites: list[Site] = []
        self.lives = 0
        for name in NAMES[:count]:
            self.start(name)
        self.run(2.0)

    def start(self, name: str) -> Site:
        self.lives += 1
        node = Node(name=name, incarnation=f"life-{self.lives}", address=f"sip:{name}.example.com")
        self.asked[name] = []
        site = Site(self, name, Member(node, now=self.now))
        self.sites = [each for each in self.sites if each.name != name] + [site]
        return site

    def kill(self, site: Site) -> None:
        """As with kill -9."""
        site.alive = False
        self.sites.remove(site)

    def carry_out(self, operation: Operation) -> object:
        store = self.store
        match operation:
            case Renew():
                return store.renew_now(operation.node, lifetime=operation.lifetime)
            case Leave():
                return store.leave_now(operation.node)
            case Claim():
                return store.claim_now(operation.key, operation.node, held=operation.held, above=operation.above)
            case FindOwner():
                return store.owner_now(operation.key)
            case ListClaims():
                return store.claims_of_now(operation.name)
            case Rewrite():
                return store.rewrite_now(operation.key, operation.node, operation.pieces)
            case Release():
                return store.release_now(operation.key, operation.node, epoch=operation.epoch)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP)):
            self.now += STEP
            for site in self.sites:
                site.step()

    def holders(self, key: str) -> list[str]:
        return sorted(each.name for each in self.sites if key in each.member.held)

    def __getitem__(self, name: str) -> Site:
        return next(each for each in self.sites if each.name == name)


# One claim -----------------------------------------------------------------------------------------------------------


def test_of_two_that_claim_the_same_conference_one_gets_it_and_the_other_hears_who() -> None:
    group = Group()
    first, second = group["focus-1"], group["focus-2"]
    made = first.claim("a")
    assert isinstance(made, ClaimMade)
    assert made.epoch == 1
    refused = second.claim("a")
    assert isinstance(refused, ClaimRefused)
    assert refused.node == "focus-1"
    second.member.find_owner(77, "a", now=group.now)
    group.run(1.0)
    assert second.of(OwnerFound) == [OwnerFound(owner="placement", want=77, node="focus-1", alive=True)]
    assert second.member.addresses["focus-1"] == "sip:focus-1.example.com"


def test_a_claim_is_one_operation_and_a_running_conference_none() -> None:
    group = Group()
    site = group["focus-1"]
    group.asked["focus-1"].clear()
    site.claim("a")
    group.run(30.0)
    others = [each for each in group.asked["focus-1"] if not isinstance(each, Renew)]
    assert others == [Claim("a", site.member.node, 0, 0)]
    assert len(group.asked["focus-1"]) - len(others) in range(31, 34)  # one renewal a second


def test_what_is_released_is_for_anybody() -> None:
    group = Group()
    made = group["focus-1"].claim("a")
    assert isinstance(made, ClaimMade)
    group["focus-1"].member.release("a", epoch=made.epoch, now=group.now)
    group.run(1.0)
    assert isinstance(group["focus-2"].claim("a"), ClaimMade)


def test_a_higher_claim_goes_above_what_an_mcu_named() -> None:
    group = Group()
    group["focus-1"].claim("a")
    again = group["focus-1"].claim("a", above=41)
    assert isinstance(again, ClaimMade)
    assert (again.epoch, again.pieces) == (42, ())
    assert group["focus-1"].member.held == {"a": 42}


def test_who_is_outranked_by_the_real_owner_does_not_get_the_conference_back() -> None:
    """Its MCU obeys another, because another has it: a number to claim above is no right to it."""
    group = Group()
    first = group["focus-1"]
    first.claim("a")
    group.store.claims["a"] = ("focus-2", 2)
    answer = first.claim("a", above=99)
    assert isinstance(answer, ClaimRefused)
    assert first.of(ClaimLost) == [ClaimLost(owner="placement", key="a", node="focus-2")]
    assert first.member.held == {}


# A node that is gone -------------------------------------------------------------------------------------------------


def test_survivors_take_what_a_node_had_within_five_seconds_each_its_share_and_none_twice() -> None:
    keys = [f"conference-{number}" for number in range(40)]
    group = Group(state=lambda key: [Piece(f"conference/{key}/head", key.encode())])
    for number, key in enumerate(keys):
        group["focus-1"].member.claim(number, key, now=group.now)
    group.run(1.0)
    group.kill(group["focus-1"])
    group.run(5.0)
    taken = {name: [each for each in group[name].events if isinstance(each, TakenOver)] for name in NAMES[1:]}
    assert sorted(each.key for some in taken.values() for each in some) == sorted(keys)
    assert {each.key for each in taken["focus-2"]} == {key for key in keys if node_for(key, NAMES[1:]) == "focus-2"}
    assert all(10 <= len(some) <= 30 for some in taken.values())
    assert all(each.pieces == (Piece(f"conference/{each.key}/head", each.key.encode()),) for each in taken["focus-2"])
    assert all(each.epoch == 2 for some in taken.values() for each in some)


def test_a_node_that_is_started_again_takes_back_what_it_had() -> None:
    group = Group(count=1, state=lambda key: [Piece("p", b"1")])
    group["focus-1"].claim("a")
    group.kill(group["focus-1"])
    site = group.start("focus-1")
    group.run(5.0)
    (taken,) = site.of(TakenOver)
    assert taken == TakenOver(owner="placement", key="a", epoch=2, pieces=(Piece("p", b"1"),))


def test_a_name_that_is_in_use_is_no_member() -> None:
    group = Group(count=2)
    twin = Site(group, "focus-1", Member(attrs.evolve(group["focus-1"].member.node, incarnation="x"), now=group.now))
    group.sites.append(twin)
    group.run(10.0)
    assert twin.member.state is Membership.OUTSIDE
    assert isinstance(twin.claim("a"), ClaimFailed)


def test_a_node_that_leaves_hands_over_at_its_next_word() -> None:
    group = Group()
    site = group["focus-1"]
    site.claim("a")
    site.member.leave(now=group.now)
    group.run(1.5)
    assert site.member.state is Membership.LEFT
    assert len(group.holders("a")) == 1
    assert "focus-1" not in group.holders("a")
    site.member.find_owner(5, "a", now=group.now)  # it still sends those on who come to it
    group.run(0.5)
    assert site.of(OwnerFound)[-1].node == group.holders("a")[0]  # type: ignore[attr-defined]


def test_what_an_heir_does_not_take_others_take() -> None:
    keys = [f"conference-{number}" for number in range(12)]
    group = Group()
    for number, key in enumerate(keys):
        group["focus-1"].member.claim(number, key, now=group.now)
    group.run(1.0)
    group.kill(group["focus-1"])
    group["focus-2"].member._inherit = lambda name, keys: None  # type: ignore[method-assign]
    group.run(10.0)
    assert all(group.holders(key) == ["focus-3"] for key in keys)


# A node that was cut off ---------------------------------------------------------------------------------------------


def test_a_node_that_was_cut_off_goes_on_and_forgets_what_others_have_when_it_is_back() -> None:
    group = Group()
    site = group["focus-1"]
    site.claim("a")
    site.away = True
    group.run(10.0)
    assert len(site.of(LeaseLapsed)) == 1
    assert site.member.held == {"a": 1}  # it cannot know
    assert isinstance(site.claim("b"), ClaimFailed)
    (heir,) = [name for name in group.holders("a") if name != "focus-1"]
    site.away = False
    group.run(2.0)
    assert site.of(ClaimLost) == [ClaimLost(owner="placement", key="a", node=heir)]
    assert group.holders("a") == [heir]


def test_a_store_that_was_away_takes_nothing_from_anybody() -> None:
    group = Group()
    for name in NAMES:
        group[name].claim(f"of {name}")
    group.store_away = True
    group.run(30.0)
    assert isinstance(group["focus-1"].claim("new"), ClaimFailed)
    group.store_away = False
    group.run(4.0)
    assert all(group.holders(f"of {name}") == [name] for name in NAMES)
    assert not any(site.of(ClaimLost) or site.of(TakenOver) for site in group.sites)
    assert isinstance(group["focus-1"].claim("new"), ClaimMade)


def test_a_store_that_comes_back_empty_gets_each_claim_again_as_it_was_and_the_whole_state() -> None:
    group = Group()
    group["focus-1"].claim("a")
    group["focus-2"].claim("b", above=6)
    group.store_away = True
    group.run(5.0)
    group.store.forget_everything(run="2")
    group.store_away = False
    group.run(3.0)
    assert group["focus-1"].of(ClaimRenewed) == [ClaimRenewed(owner="placement", key="a", epoch=1)]
    assert group["focus-2"].of(ClaimRenewed) == [ClaimRenewed(owner="placement", key="b", epoch=7)]
    assert group.store.claims == {"a": ("focus-1", 1), "b": ("focus-2", 7)}


@pytest.mark.parametrize("first", ["focus-1", "focus-2"])
def test_of_two_that_believe_in_a_claim_the_later_one_has_it_whoever_comes_first(first: str) -> None:
    """The one whose claim is taken away is not told by the store, and finds it out by the number of its claims."""
    group = Group(2)
    group["focus-1"].claim("a")
    group["focus-1"].away = True
    group.run(6.0)
    assert sorted(group.holders("a")) == ["focus-1", "focus-2"]
    group["focus-2"].away = True
    group.run(6.0)
    group.store.forget_everything(run="2")
    group[first].away = False
    group.run(2.0)
    for site in group.sites:
        site.away = False
    group.run(6.0)
    assert group.holders("a") == ["focus-2"]
    assert group.store.claims["a"][0] == "focus-2"
    assert [event.node for event in group["focus-1"].of(ClaimLost)] == ["focus-2"]  # type: ignore[attr-defined]
    assert not group["focus-2"].of(ClaimLost)


def test_a_store_that_forgot_the_last_claim_gives_the_conference_to_who_made_it() -> None:
    """It remembers that of an owner before, who is there: the higher epoch tells them apart."""
    group = Group()
    group["focus-1"].claim("a")
    group["focus-1"].member.release("a", epoch=1, now=group.now)
    group.run(1.0)
    group["focus-2"].claim("a", above=1)
    group.store.claims["a"] = ("focus-1", 1)
    group.store.run = "2"
    group.run(3.0)
    assert group.holders("a") == ["focus-2"]
    assert group.store.claims["a"][0] == "focus-2"
    assert not group["focus-1"].of(TakenOver)


def test_a_claim_whose_answer_was_lost_is_found_and_goes_on() -> None:
    group = Group(count=1, state=lambda key: [Piece("p", key.encode())])
    site = group["focus-1"]
    site.deaf = True
    failed = site.claim("a")
    assert isinstance(failed, ClaimFailed)
    assert group.store.claims["a"] == ("focus-1", 1)
    site.deaf = False
    group.run(3.0)
    assert [each.key for each in site.events if isinstance(each, TakenOver)] == ["a"]


def test_a_higher_claim_whose_answer_was_lost_is_made_again_so_that_its_end_is_known() -> None:
    """The store would take no release of the epoch before, and the claim would stay for ever."""
    group = Group(count=1)
    site = group["focus-1"]
    site.claim("a")
    site.deaf = True
    site.member.claim(77, "a", above=41, now=group.now)
    group.run(STEP)
    site.deaf = False
    group.run(3.0)
    assert site.of(ClaimFailed) == [ClaimFailed(owner="placement", want=77)]
    assert group.store.claims["a"] == ("focus-1", site.member.held["a"])
    site.member.release("a", epoch=site.member.held["a"], now=group.now)
    group.run(1.0)
    assert group.store.claims == {}


@pytest.mark.parametrize("way", ["no answer", "no lease"])
def test_what_a_store_did_not_take_of_a_conference_is_asked_for_again(way: str) -> None:
    group = Group(count=1)
    site = group["focus-1"]
    site.claim("a")
    site.events.clear()
    site.member.rewrite("a", lambda: [Piece("p", b"1")], now=group.now)
    assert site.member.is_writing
    if way == "no lease":
        (number,) = [each for each, _ in site.member.operations(now=group.now)]
        site.member.failed(number, lost=True, now=group.now)
    else:
        site.away = True
        group.run(1.0)
        site.away = False
    group.run(2.0)
    assert not site.member.is_writing
    assert bool(site.of(LeaseLapsed)) == (way == "no lease")
    assert site.of(ClaimRenewed) == [ClaimRenewed(owner="placement", key="a", epoch=2)]
    assert group.store.written == {}
    site.member.rewrite("a", lambda: [Piece("p", b"1")], now=group.now)
    group.run(5.0)
    assert group.store.written["a"] == {"p": Piece("p", b"1")}
    assert len(site.of(ClaimRenewed)) == 1  # what was taken is not asked for


def test_a_conference_that_has_ended_is_not_asked_for_although_it_was_not_written() -> None:
    group = Group(count=1)
    site = group["focus-1"]
    site.claim("a")
    site.away = True
    site.member.rewrite("a", lambda: [Piece("p", b"1")], now=group.now)
    group.run(STEP)
    site.member.release("a", epoch=1, now=group.now)
    group.run(1.5)
    site.away = False
    group.run(5.0)
    assert not site.of(ClaimRenewed)
    assert group.store.claims == group.store.written == {}


def test_when_a_store_is_back_whoever_is_first_takes_nothing_of_those_who_come_a_moment_later() -> None:
    """No node has a lease then: leases ended while the store was away, and all renew within a second."""
    for first in NAMES[1:]:
        group = Group(state=lambda key: [Piece("p", key.encode())])
        for number in range(6):
            group["focus-1"].claim(f"key {number}")
        group.store_away = True
        group.run(8.0)
        for site in group.sites:
            site.away = site.name != first
        group.store_away = False
        group.run(1.2)  # it has its lease again, and sees nobody else
        for site in group.sites:
            site.away = False
        group.run(8.0)
        assert all(group.holders(f"key {number}") == ["focus-1"] for number in range(6))
        assert not any(each.of(TakenOver) for each in group.sites)


def test_what_has_ended_while_the_store_was_away_does_not_come_back() -> None:
    group = Group(state=lambda key: [Piece("p", key.encode())])
    site = group["focus-1"]
    site.claim("a")
    group.store_away = True
    site.member.release("a", epoch=1, now=group.now)
    group.run(8.0)
    group.store_away = False
    group.run(8.0)
    assert group.holders("a") == []
    assert group.store.claims == {}
    assert not any(each.of(TakenOver) for each in group.sites)


def test_a_lease_that_was_held_again_is_told() -> None:
    group = Group(count=1)
    site = group["focus-1"]
    site.away = True
    group.run(5.0)
    site.away = False
    group.run(2.0)
    assert [type(each) for each in site.events] == [LeaseHeld, LeaseLapsed, LeaseHeld]


def test_no_more_operations_are_under_way_than_the_settings_say() -> None:
    group = Group(count=1)
    member = Member(group["focus-1"].member.node, LeaseSettings(at_once=4), now=0.0)
    member.handle_timeout(now=0.0)
    for number in range(20):
        member.find_owner(number, f"key {number}", now=0.0)
        member.release(f"other {number}", epoch=1, now=0.0)
    assert len(member.operations(now=0.0)) == 4
    assert member.operations(now=0.0) == []


# Whatever happens ----------------------------------------------------------------------------------------------------

KEYS = st.sampled_from(["a", "b"])
WHO = st.sampled_from(NAMES)
ACTIONS = st.one_of(
    st.tuples(st.just("claim"), WHO, KEYS),
    st.tuples(st.just("claim"), WHO, KEYS),
    st.tuples(st.just("claim"), WHO, KEYS),
    st.tuples(st.just("end"), WHO, KEYS),
    st.tuples(st.just("kill"), WHO, KEYS),
    st.tuples(st.just("start"), WHO, KEYS),
    st.tuples(st.just("cut"), WHO, KEYS),
    st.tuples(st.just("deaf"), WHO, KEYS),
    st.tuples(st.just("heal"), WHO, KEYS),
    st.tuples(st.just("store away"), WHO, KEYS),
    st.tuples(st.just("store back"), WHO, KEYS),
    st.tuples(st.just("store forgets"), WHO, KEYS),
)


@settings(deadline=None)
@given(st.lists(st.tuples(ACTIONS, st.sampled_from([0.25, 1.0, 5.0])), max_size=25))
@example([(("claim", "focus-1", "a"), 0.25), (("deaf", "focus-1", "a"), 0.25), (("claim", "focus-1", "a"), 0.25)])
def test_in_the_end_each_conference_has_one_owner_and_none_has_two_at_one_epoch(
    actions: list[tuple[tuple[str, str, str], float]],
) -> None:
    group = Group()
    wants = 1000
    forgot = False
    ended: set[str] = set()  # the store knows nothing of a conference that has ended: epochs begin again
    for (what, name, key), seconds in actions:
        site = next((each for each in group.sites if each.name == name), None)
        wants += 1
        if what == "start" and site is None:
            group.start(name)
        elif what == "store away":
            group.store_away = True
        elif what == "store back":
            group.store_away = False
        elif what == "store forgets":
            group.store.forget_everything(run=str(wants))
            forgot = True
        elif site is None:
            pass
        elif what == "claim":
            site.member.claim(wants, key, now=group.now)
        elif what == "end" and key in site.member.held:
            ended.add(key)
            site.member.release(key, epoch=site.member.held[key], now=group.now)
        elif what == "kill" and len(group.sites) > 1:
            group.kill(site)
        elif what in ("cut", "deaf", "heal"):
            site.away, site.deaf = what == "cut", what == "deaf"
        group.run(seconds)
        granted = [
            (each.key, each.epoch)
            for one in group.sites
            for each in one.events
            if isinstance(each, ClaimMade | TakenOver | ClaimRenewed) and each.key not in ended
        ]
        assert forgot or len(granted) == len(set(granted))
    group.store_away = False
    for site in group.sites:
        site.away = site.deaf = False
    group.run(20.0)
    for key in ("a", "b"):
        owner, epoch = group.store.claims.get(key, ("", 0))
        assert group.holders(key) == ([owner] if owner else [])
        assert all(group[owner].member.held[key] == epoch for _ in range(1) if owner)
    assert all(each.member.state is Membership.MEMBER for each in group.sites)


@given(st.sets(st.text(min_size=1, max_size=5), min_size=1, max_size=6), st.text(max_size=8), st.data())
def test_when_a_node_goes_only_its_own_keys_move(nodes: set[str], key: str, data: st.DataObject) -> None:
    before = node_for(key, nodes)
    gone = data.draw(st.sampled_from(sorted(nodes)))
    after = node_for(key, nodes - {gone})
    assert before in (after, gone)
    assert node_for(key, []) is None
