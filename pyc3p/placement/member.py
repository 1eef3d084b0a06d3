"""One node among others: its lease, its claims, and its share of what a node that is gone has left.

**The lease is the node's, not the conference's.** One key is renewed every second, however many conferences there are.
A node whose lease has lapsed is gone: its claims are worth nothing, and every other node takes its share of them at
once (`pyc3p.placement.share`), without asking anybody. Two that take the same one are told apart by the store, where a
claim is one step.

**What a node does that cannot reach the store.** It cannot know whether the store is away for everybody or only for
itself. So it goes on with what it has and begins nothing new. If the others could still reach the store, they have
taken its conferences, with higher epochs, and MCUs obey them: what this node still tells an MCU is refused. When it
reaches the store again it makes each of its claims again; those that others have are lost. Whoever is in them hears
from the new owner, or is sent there by a last word (`focus.Ownership.lost`).

**What a node does whose store was started anew.** What the store had written last may be lost, claims among it, or it
is empty. Each claim is made again, with its own epoch, and the state of the conference is written whole. Nothing that
was done is done again. No node has a lease at that moment, and whoever comes first would take all the others for gone.
So a node that has its lease anew waits for as long as a lease lasts before it takes anything over; in that time
everybody who is there has renewed. Of two that believe in a claim the later one has it, whoever comes first; the other
one cannot be told at once, and sees by the number of its claims in the store that it has one less.

**Whoever makes a claim again** cannot know whether another one had it meanwhile, and is gone or has lost it again. What
that one told people is above what this node was about to tell them, so all of it goes on well above that
(`focus.Ownership.renewed`).

Crossings. A claim whose answer does not come in time may have been made. So after every failure the store is asked what
this node has, and what it did not know of is claimed once more, and goes on from the state that is there. In the same
way a node that was started again takes back what it had, unless others were quicker. A release is repeated until the
store has it, and until then nothing takes that conference for one that goes on.
"""

from __future__ import annotations

import enum
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

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
from pyc3p.placement.share import node_for
from pyc3p.placement.store import Claimed, Granted, Node, Nodes, Refused, Whole
from sip import Event, Life


class Membership(enum.Enum):
    """Whether this node may claim."""

    OUTSIDE = "outside"  #: it has no lease, or does not know of one
    MEMBER = "member"
    LEFT = "left"  #: for good


class MemberInput(enum.Enum):
    """What can happen to it."""

    RENEWED = "renewed"
    LAPSED = "lapsed"
    LEAVE = "leave"


MEMBER: Final[Mapping[tuple[Membership, MemberInput], Membership]] = {
    (Membership.OUTSIDE, MemberInput.RENEWED): Membership.MEMBER,
    (Membership.MEMBER, MemberInput.RENEWED): Membership.MEMBER,
    (Membership.MEMBER, MemberInput.LAPSED): Membership.OUTSIDE,
    (Membership.OUTSIDE, MemberInput.LEAVE): Membership.LEFT,
    (Membership.MEMBER, MemberInput.LEAVE): Membership.LEFT,
}


class _Purpose(enum.Enum):
    """What an operation is for, where the operation does not say it."""

    ASKED = "asked"  #: by a command
    AGAIN = "again"  #: a claim of ours, to see that it still is
    HEIR = "heir"  #: a claim of a node that is gone


@attrs.define(eq=False)
class _Begun:
    operation: Operation
    purpose: _Purpose
    want: int = 0
    at: float = 0.0  #: when it was given to be carried out


class Member:
    """Decides; the store carries out (``operations``), and its answers come back (``done``, ``failed``).

    After every call read ``operations``, ``take_events`` and ``next_timeout``. ``held`` are the conferences that are
    ours, with the epochs of the claims.
    """

    def __init__(
        self, node: Node, settings: LeaseSettings | None = None, *, owner: str = "placement", now: float
    ) -> None:
        self.node = node
        self.owner = owner
        self.settings = settings or LeaseSettings()
        self.held: dict[str, int] = {}
        self.addresses: Mapping[str, str] = {}  #: SIP URIs of the nodes that are there, this one too
        self._life = Life(MEMBER, Membership.OUTSIDE, of="a member")
        self._events: list[Event] = []
        self._waiting: deque[_Begun] = deque()
        self._begun: dict[int, _Begun] = {}
        self._last_id = 0
        self._renew_at: float | None = now
        self._lease_until = now
        self._run = ""  #: of the store
        self._unsure: set[str] = set()  #: claims to be made again: the store may have lost them, or their state
        self._settled_at = now  #: monotonic seconds until which others may be on their way back
        self._gone: dict[str, int] = {}  #: nodes that are gone, and for how many renewals
        self._claiming: Counter[str] = Counter()  #: keys with claims under way, or waiting
        self._disowned: set[str] = set()  #: conferences that are ours in the store alone
        self._releasing: dict[str, int] = {}  #: conferences that have ended, and the epochs, until the store knows
        self._known = False  #: whether all that the store has under our name is held, and nothing else
        self._miscounted = False  #: whether the last renewal found another number of claims than are held

    @property
    def state(self) -> Membership:
        """Whether it may claim."""
        return self._life.state

    @property
    def is_writing(self) -> bool:
        """Whether a `Rewrite` is under way, or waiting."""
        return any(isinstance(each.operation, Rewrite) for each in (*self._begun.values(), *self._waiting))

    # Commands --------------------------------------------------------------------------------------------------------

    def claim(self, want: int, key: str, *, above: int = 0, now: float) -> None:
        """Make a conference ours: ClaimMade, ClaimRefused or ClaimFailed with ``want`` follows."""
        if self.state is not Membership.MEMBER:
            self._events.append(ClaimFailed(owner=self.owner, want=want))
            return
        self._begin(_Begun(Claim(key, self.node, self.held.get(key, 0), above), _Purpose.ASKED, want))

    def find_owner(self, want: int, key: str, *, now: float) -> None:
        """See who has a conference: OwnerFound or ClaimFailed with ``want`` follows."""
        if key in self.held:
            self._events.append(OwnerFound(owner=self.owner, want=want, node=self.node.name, alive=True))
        elif self.state is Membership.OUTSIDE:
            self._events.append(ClaimFailed(owner=self.owner, want=want))
        else:
            self._begin(_Begun(FindOwner(key), _Purpose.ASKED, want))

    def release(self, key: str, *, epoch: int, now: float) -> None:
        """A conference has ended, or was never begun."""
        if self.held.get(key, epoch) == epoch:
            self.held.pop(key, None)
            self._unsure.discard(key)
        self._release(key, epoch)

    def disown(self, key: str) -> None:
        """What a claim brought is of no use here. The claim stays in the store, and may be made again."""
        self.held.pop(key, None)
        self._unsure.discard(key)
        self._disowned.add(key)

    def rewrite(self, key: str, pieces: Whole, *, now: float) -> None:
        """All that there is to write of a conference of ours. It is asked for again when the store did not take it."""
        self._begin(_Begun(Rewrite(key, self.node, pieces), _Purpose.ASKED))

    def leave(self, *, now: float) -> None:
        """Be gone for good, as when the lease had lapsed: others take what there is. Their addresses stay known."""
        self._life.command(MemberInput.LEAVE)
        self._renew_at = None
        self.held.clear()
        self._unsure.clear()
        self._begin(_Begun(Leave(self.node), _Purpose.ASKED))

    # The machine -----------------------------------------------------------------------------------------------------

    def operations(self, *, now: float) -> list[tuple[int, Operation]]:
        """What the store is to do now, each with the id of its answer; in any order, at the same time."""
        started = []
        while self._waiting and len(self._begun) < self.settings.at_once:
            begun = self._waiting.popleft()
            self._last_id += 1
            begun.at = now
            self._begun[self._last_id] = begun
            started.append((self._last_id, begun.operation))
        return started

    def take_events(self) -> list[Event]:
        """What happened since the last call."""
        events, self._events = self._events, []
        return events

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` is due."""
        lapse = self._lease_until if self.state is Membership.MEMBER else None
        answers = min((each.at for each in self._begun.values()), default=None)
        late = None if answers is None else answers + self.settings.answer
        return min((at for at in (self._renew_at, lapse, late) if at is not None), default=None)

    def handle_timeout(self, *, now: float) -> None:
        """Renew the lease, notice that it has lapsed, give up answers that do not come."""
        for number, begun in list(self._begun.items()):
            if begun.at + self.settings.answer <= now:
                self.failed(number, now=now)
        if self.state is Membership.MEMBER and self._lease_until <= now:
            self._lapsed()
        if self._renew_at is not None and self._renew_at <= now:
            self._renew_at = now + self.settings.interval
            if not any(isinstance(each.operation, Renew) for each in self._begun.values()):
                # Before everything that waits: without it nothing else will be granted.
                self._waiting.appendleft(_Begun(Renew(self.node, self.settings.lifetime), _Purpose.ASKED))

    def done(self, number: int, result: object, *, now: float) -> None:
        """The answer to an operation; one that comes after its time changes nothing."""
        begun = self._ended(number)
        if begun is None:
            return
        operation = begun.operation
        if isinstance(operation, Renew) and isinstance(result, Nodes):
            self._renewed(result, begun.at, now)
        elif isinstance(operation, Claim) and isinstance(result, Granted):
            self._granted(begun, operation, result)
        elif isinstance(operation, Claim) and isinstance(result, Refused):
            self._refused(begun, operation, result)
        elif isinstance(operation, FindOwner):
            found = OwnerFound(owner=self.owner, want=begun.want, node=None)
            if isinstance(result, Claimed):
                found = attrs.evolve(found, node=result.node, alive=result.alive)
            self._events.append(found)
        elif isinstance(operation, ListClaims) and isinstance(result, Sequence):
            self._inherit(operation.name, result)
        elif isinstance(operation, Release) and self._releasing.get(operation.key) == operation.epoch:
            del self._releasing[operation.key]

    def failed(self, number: int, *, lost: bool = False, now: float) -> None:
        """An operation brought no answer, or, with ``lost``, the answer that this node has no lease."""
        begun = self._ended(number)
        if begun is None:
            return
        self._known = False
        operation = begun.operation
        if lost and self.state is Membership.MEMBER:
            self._lapsed()
        if isinstance(operation, Claim | FindOwner) and begun.purpose is _Purpose.ASKED:
            self._events.append(ClaimFailed(owner=self.owner, want=begun.want))
        if isinstance(operation, Claim | Rewrite) and operation.key in self.held:
            self._unsure.add(operation.key)  # a higher epoch may be there, and a release of ours would not be for it

    def _begin(self, begun: _Begun) -> None:
        self._waiting.append(begun)
        if isinstance(begun.operation, Claim):
            self._claiming[begun.operation.key] += 1

    def _ended(self, number: int) -> _Begun | None:
        begun = self._begun.pop(number, None)
        if begun is not None:
            self._forget(begun)
        return begun

    def _forget(self, begun: _Begun) -> None:
        if isinstance(begun.operation, Claim):
            self._claiming[begun.operation.key] -= 1
            if not self._claiming[begun.operation.key]:
                del self._claiming[begun.operation.key]

    # The lease -------------------------------------------------------------------------------------------------------

    def _renewed(self, nodes: Nodes, sent_at: float, now: float) -> None:
        if self.state is Membership.LEFT:
            return
        again = self.state is Membership.OUTSIDE
        anew = bool(self._run) and nodes.run != self._run
        self._life.command(MemberInput.RENEWED)
        self._run, self._lease_until = nodes.run, sent_at + self.settings.lifetime
        self.addresses = {**nodes.alive, self.node.name: self.node.address}
        if again or anew:
            self._unsure.update(self.held)
            self._settled_at = now + self.settings.lifetime
        if again:
            self._events.append(LeaseHeld(owner=self.owner, nodes=tuple(sorted(self.addresses))))
        for key in sorted(self._unsure):
            self._claim_again(key)
        asked = {
            each.operation for each in (*self._begun.values(), *self._waiting) if isinstance(each.operation, Release)
        }
        for key, epoch in self._releasing.items():
            if (release := Release(key, self.node, epoch)) not in asked:
                self._begin(_Begun(release, _Purpose.ASKED))
        self._count(nodes.claims)
        self._look_after_gone(nodes, now)

    def _count(self, claims: int) -> None:
        """A store that forgot our claim gave the conference to another, and could not tell us: the number shows it.

        What is under way may have been counted or not, so a number that is wrong has to be wrong twice.
        """
        wrong = claims != len(self.held) + len(self._disowned) + len(self._releasing)
        if wrong and self._miscounted:
            self._known = False
        self._miscounted = wrong and self._known

    def _compare(self, keys: Sequence[str]) -> None:
        """What is claimed in our name: the rest of what is held may be another's now."""
        self._disowned.intersection_update(keys)
        for key in sorted(set(self.held).difference(keys)):
            self._claim_again(key)

    def _lapsed(self) -> None:
        """Nothing that waits would be granted: who asked is told, the rest is done when there is a lease again."""
        self._life.command(MemberInput.LAPSED)
        self._events.append(LeaseLapsed(owner=self.owner))
        waiting, self._waiting = self._waiting, deque()
        for begun in waiting:
            self._forget(begun)
            if isinstance(begun.operation, Claim | FindOwner) and begun.purpose is _Purpose.ASKED:
                self._events.append(ClaimFailed(owner=self.owner, want=begun.want))

    def _claim_again(self, key: str) -> None:
        epoch = self.held.get(key)
        if epoch is not None and key not in self._claiming:
            self._begin(_Begun(Claim(key, self.node, epoch, 0), _Purpose.AGAIN))

    def _release(self, key: str, epoch: int) -> None:
        self._releasing[key] = epoch
        self._begin(_Begun(Release(key, self.node, epoch), _Purpose.ASKED))

    # Claims ----------------------------------------------------------------------------------------------------------

    def _granted(self, begun: _Begun, claim: Claim, granted: Granted) -> None:
        key, was_held = claim.key, claim.key in self.held
        if begun.purpose is _Purpose.AGAIN and not was_held:
            self._release(key, granted.epoch)  # it has ended in the meantime
            return
        self._unsure.discard(key)
        self._disowned.discard(key)
        self.held[key] = max(granted.epoch, self.held.get(key, 0))
        if begun.purpose is _Purpose.ASKED:
            over = was_held or self._releasing.pop(key, None) is not None
            pieces = () if over else granted.pieces
            made = ClaimMade(owner=self.owner, want=begun.want, key=key, epoch=granted.epoch, pieces=pieces)
            self._events.append(made)
        elif was_held:
            self._events.append(ClaimRenewed(owner=self.owner, key=key, epoch=granted.epoch))
        else:
            taken = TakenOver(owner=self.owner, key=key, epoch=granted.epoch, pieces=granted.pieces)
            self._events.append(taken)

    def _refused(self, begun: _Begun, claim: Claim, refused: Refused) -> None:
        if begun.purpose is _Purpose.ASKED:
            self._events.append(ClaimRefused(owner=self.owner, want=begun.want, node=refused.node))
        if self.held.pop(claim.key, None) is not None:
            self._unsure.discard(claim.key)
            self._events.append(ClaimLost(owner=self.owner, key=claim.key, node=refused.node))

    # What nodes that are gone have left ------------------------------------------------------------------------------

    def is_settling(self, *, now: float) -> bool:
        """Whether a node without a lease may only not have renewed it yet, because the store was away for all."""
        return now < self._settled_at

    def _look_after_gone(self, nodes: Nodes, now: float) -> None:
        gone = set() if self.is_settling(now=now) else set(nodes.gone) - {self.node.name}
        self._gone = {name: self._gone.get(name, 0) + 1 for name in gone}
        names = [*gone] if self._known else [*gone, self.node.name]
        self._known = True
        for name in sorted(names):
            self._begin(_Begun(ListClaims(name), _Purpose.HEIR))

    def _inherit(self, name: str, keys: Sequence[str]) -> None:
        own = name == self.node.name
        if own:
            self._compare(keys)
        overdue = self._gone.get(name, 0) > self.settings.patience
        for key in keys:
            if key in self.held or key in self._claiming or key in self._releasing:
                continue
            if own or overdue or node_for(key, self.addresses) == self.node.name:
                self._begin(_Begun(Claim(key, self.node, 0, 0), _Purpose.HEIR))
