"""A receiver's copy, by the rules of versions (RFC 4575 section 4.3)."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from c3p import (
    REPLICA,
    C3PError,
    ConferenceInfo,
    Endpoint,
    Receipt,
    Replica,
    ReplicaInput,
    ReplicaState,
    User,
    UserAdded,
    Users,
    changes,
    diff,
    parse_document,
)
from c3p.altering import altered
from c3p.testing import FOCUS_URI, GUIDS, USER_URIS, conference_infos, conference_states


def document(version: int | None, state: str = "full", *users: str) -> ConferenceInfo:
    roster = Users(state=state, users=tuple(User(entity=entity, state="full") for entity in users))
    return ConferenceInfo(entity=FOCUS_URI, state=state, version=version, users=roster)


def replica_at(version: int) -> Replica:
    replica = Replica()
    assert replica.receive(document(version)) is Receipt.APPLIED
    return replica


def test_next_partial_is_merged() -> None:
    replica = replica_at(5)
    assert replica.receive(document(6, "partial", "sip:bob@example.com")) is Receipt.APPLIED
    assert (replica.version, replica.state) == (6, ReplicaState.CURRENT)
    assert [type(change) for change in replica.changes] == [UserAdded]
    assert replica.receive(document(6, "partial")) is Receipt.IGNORED
    assert replica.changes == ()


@given(
    st.lists(
        st.tuples(
            st.lists(
                st.tuples(
                    st.sampled_from(
                        ("sip:a@example.com", "SIP:A@example.com", "sip:b@example.com", "sip:c@example.com")
                    ),
                    st.sampled_from(("full", "partial", "deleted", "sideways")),
                    st.sampled_from((None, "Name", "Another")),
                ),
                max_size=3,
            ),
            st.sampled_from(("partial", None, "full", "deleted")),
        ),
        max_size=8,
    )
)
def test_changes_one_after_the_other_are_what_each_is_by_itself(
    steps: list[tuple[list[tuple[str, str, str | None]], str | None]],
) -> None:
    """What a replica remembers of its users for the next change makes no difference."""
    replica, known = replica_at(1), document(1).settled()
    for said, state in steps:
        users = Users(
            state=state, users=tuple(User(entity=entity, state=each, display_text=name) for entity, each, name in said)
        )
        version = (replica.version or 0) + 1
        change = ConferenceInfo(entity=FOCUS_URI, state="partial", version=version, users=users)
        try:
            after = known.apply(change)
        except C3PError:
            assert replica.receive(change) is Receipt.GAP
            assert replica.changes == ()
            return
        assert replica.receive(change) is Receipt.APPLIED
        assert replica.info == after
        assert [user.entity for user in replica.info.users.users] == [user.entity for user in after.users.users]
        assert replica.changes == tuple(changes(known, after))
        known = after


@pytest.mark.parametrize("version", [4, 5])
def test_partial_that_passed_by_is_ignored(version: int) -> None:
    replica = replica_at(5)
    assert replica.receive(document(version, "partial", "sip:bob@example.com")) is Receipt.IGNORED
    assert replica.info == document(5)


def test_gap_keeps_the_old_state_and_ignores_partials_until_a_full_document() -> None:
    replica = replica_at(5)
    assert replica.receive(document(7, "partial")) is Receipt.GAP
    assert replica.stale
    assert replica.info == document(5)
    assert replica.receive(document(8, "partial")) is Receipt.IGNORED
    assert replica.receive(document(9)) is Receipt.APPLIED
    assert (replica.stale, replica.version) == (False, 9)


def test_older_full_document_is_ignored_unless_it_answers_our_own_subscription() -> None:
    replica = replica_at(5)
    assert replica.receive(document(1)) is Receipt.IGNORED
    assert replica.receive(document(1), solicited=True) is Receipt.APPLIED
    assert replica.version == 1


def test_partial_before_anything_else_is_a_gap() -> None:
    replica = Replica()
    assert replica.receive(document(1, "partial")) is Receipt.GAP
    assert replica.info is None


def test_deleted_ends_it() -> None:
    replica = replica_at(5)
    assert replica.receive(ConferenceInfo(entity=FOCUS_URI, state="deleted", version=6)) is Receipt.DELETED
    assert replica.info is None
    assert replica.receive(document(7)) is Receipt.IGNORED


BOB = "sip:bob@example.com"


@pytest.mark.parametrize(
    "broken",
    [
        document(None),
        document(None, "partial", BOB),
        ConferenceInfo(entity=FOCUS_URI, state="deleted"),
        document(6, "Partial", BOB),
        document(6, "", BOB),
        attrs.evolve(document(6, "partial"), users=Users(state="Full", users=(User(entity=BOB),))),
        attrs.evolve(document(6, "partial"), users=Users(state="partial", users=(User(entity=BOB, state="Deleted"),))),
        attrs.evolve(document(6), entity=""),
        attrs.evolve(document(6, "partial"), entity=""),
        document(6, "partial", ""),
        attrs.evolve(document(6, "partial"), users=Users(state="partial", users=(User(entity=" ", state="deleted"),))),
        attrs.evolve(
            document(6, "partial"),
            users=Users(users=(User(entity=BOB, state="partial", endpoints=(Endpoint(entity="", state="deleted"),)),)),
        ),
    ],
    ids=lambda one: f"{one.state} {one.version} of {one.entity[:3]}",
)
def test_what_cannot_be_read_changes_nothing_and_a_full_document_is_asked_for(broken: ConferenceInfo) -> None:
    replica = Replica()
    replica.receive(document(5, "full", BOB))
    before = replica.info
    assert replica.receive(broken) is Receipt.GAP
    assert (replica.info, replica.version, replica.state) == (before, 5, ReplicaState.STALE)
    assert replica.changes == ()
    assert replica.receive(document(6, "partial")) is Receipt.IGNORED
    assert replica.receive(document(6), solicited=True) is Receipt.APPLIED
    fresh = Replica()
    assert fresh.receive(broken) is Receipt.GAP
    assert fresh.info is None


@pytest.mark.parametrize("state", ["full", "partial", "deleted"])
@pytest.mark.parametrize("version", [4, 5])
def test_equal_and_lower_versions_are_ignored_whatever_the_state(version: int, state: str) -> None:
    replica = replica_at(5)
    before = replica.info
    assert replica.receive(document(version, state, BOB)) is Receipt.IGNORED
    assert (replica.info, replica.version, replica.state) == (before, 5, ReplicaState.CURRENT)


def test_only_a_full_document_begins_the_versions_anew() -> None:
    for state in ("partial", "deleted"):
        assert replica_at(5).receive(document(1, state), solicited=True) is Receipt.IGNORED
    assert replica_at(5).receive(document(5, "full", BOB), solicited=True) is Receipt.APPLIED


@pytest.mark.parametrize(
    "attributes",
    ['state="Partial" version="6"', 'state="partial" version="six"', 'state="partial" version="-6"', 'state="partial"'],
)
def test_what_a_peer_spells_wrongly_does_not_wipe_the_roster(attributes: str) -> None:
    replica = Replica()
    replica.receive(document(5, "full", BOB))
    text = f'<conference-info xmlns="urn:ietf:params:xml:ns:conference-info" entity="{FOCUS_URI}" {attributes}/>'
    change = parse_document(text.encode())
    assert isinstance(change, ConferenceInfo)
    assert replica.receive(change) is Receipt.GAP
    assert replica.info is not None
    assert replica.info.users is not None
    assert [user.entity for user in replica.info.users.users] == [BOB]


def test_document_of_another_conference_is_ignored() -> None:
    replica = replica_at(1)
    assert replica.receive(attrs.evolve(document(2), entity="sip:other@example.com")) is Receipt.IGNORED
    assert Replica(entity="sip:other@example.com").receive(document(1)) is Receipt.IGNORED


def test_a_conference_is_known_in_any_spelling() -> None:
    user, _, rest = FOCUS_URI.partition(";gruu;")
    for spelling in (FOCUS_URI.upper(), f"{user};{rest};gruu", f"{user.replace('sip:', 'sips:')};{rest}"):
        assert Replica(entity=spelling).receive(document(1)) is Receipt.APPLIED


def test_strict_replica_reads_a_missing_state_as_full() -> None:
    replica = Replica(strict=True)
    replica.receive(document(1, "full", "sip:bob@example.com"))
    assert replica.receive(attrs.evolve(document(2, "partial"), users=Users())) is Receipt.APPLIED
    assert replica.info is not None
    assert replica.info.users == Users()


@given(st.sampled_from(ReplicaState), st.sampled_from(ReplicaInput))
def test_nothing_leaves_gone(state: ReplicaState, kind: ReplicaInput) -> None:
    assert (ReplicaState.GONE, kind) not in REPLICA
    assert REPLICA.get((state, ReplicaInput.OLD)) is None


@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.lists(conference_infos(), max_size=4))
def test_no_document_raises_through_the_replica(documents: list[ConferenceInfo]) -> None:
    replica = Replica()
    for one in documents:
        replica.receive(one)


@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.data(), conference_states(), conference_states())
def test_an_altered_document_is_applied_whole_or_not_at_all(
    data: st.DataObject, known: ConferenceInfo, wanted: ConferenceInfo
) -> None:
    replica = Replica()
    replica.receive(attrs.evolve(known, version=1))
    before, version = replica.info, replica.version
    change = diff(attrs.evolve(known, version=1), attrs.evolve(wanted, version=2))
    try:
        document = parse_document(data.draw(altered(bytes(change))))
    except C3PError:
        return
    if not isinstance(document, ConferenceInfo):
        return
    receipt = replica.receive(document)
    if receipt in (Receipt.IGNORED, Receipt.GAP):
        assert (replica.info, replica.version, replica.changes) == (before, version, ())
    else:
        assert document.version is not None
        assert document.version > 1
        assert document.state in (None, "full", "partial", "deleted")
        assert replica.version == document.version
    assert replica.receive(attrs.evolve(wanted, version=1), solicited=True) is (
        Receipt.IGNORED if replica.state is ReplicaState.GONE else Receipt.APPLIED
    )


@settings(max_examples=30, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.lists(conference_states(unknown=False), min_size=1, max_size=4))
def test_replica_follows_any_sequence_of_states(states: list[ConferenceInfo]) -> None:
    replica = Replica()
    known = None
    for version, state in enumerate(states, 1):
        state = attrs.evolve(state, version=version)
        replica.receive(diff(known, state) if known else state)
        known = state
        assert replica.info == state.settled()


class Rosters(RuleBasedStateMachine):
    """A publisher changes its roster; a watcher that loses documents catches up with the next full one."""

    def __init__(self) -> None:
        super().__init__()
        self.roster = document(1).settled()
        self.watcher = Replica()
        self.watcher.receive(self.roster)
        self.missed = False

    def publish(self, users: tuple[User, ...], lost: bool) -> None:
        roster = attrs.evolve(
            self.roster, version=(self.roster.version or 0) + 1, users=Users(state="full", users=users)
        )
        change = diff(self.roster, roster)
        self.roster = roster
        self.missed = (self.missed or lost) and not (change.state == "full" and not lost)
        if not lost:
            self.watcher.receive(change)

    @property
    def users(self) -> tuple[User, ...]:
        return self.roster.users.users if self.roster.users else ()

    @rule(entity=st.sampled_from(USER_URIS), lost=st.booleans())
    def admit(self, entity: str, lost: bool) -> None:
        if entity not in {user.entity for user in self.users}:
            self.publish((*self.users, User(entity=entity, state="full")), lost)

    @rule(entity=st.sampled_from(USER_URIS), lost=st.booleans())
    def eject(self, entity: str, lost: bool) -> None:
        self.publish(tuple(user for user in self.users if user.entity != entity), lost)

    @rule(guid=st.sampled_from(GUIDS), status=st.sampled_from(("alerting", "connected")), lost=st.booleans())
    def report(self, guid: str, status: str, lost: bool) -> None:
        if self.users:
            first, *rest = self.users
            endpoints = (
                *(one for one in first.endpoints if one.entity != guid),
                Endpoint(entity=guid, state="full", status=status),
            )
            self.publish((attrs.evolve(first, endpoints=endpoints), *rest), lost)

    @rule()
    def resubscribe(self) -> None:
        self.watcher.receive(self.roster, solicited=True)
        self.missed = False

    @invariant()
    def watcher_has_what_the_publisher_has(self) -> None:
        if not self.missed:
            assert self.watcher.info == self.roster


TestRosters = Rosters.TestCase
TestRosters.settings = settings(max_examples=30, stateful_step_count=15, deadline=None)
