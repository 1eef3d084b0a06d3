"""One participant of a chat: what it can show, and what waits for it."""

from __future__ import annotations

from collections import deque

import attrs

from mcu.chat.delivery import Delivery
from mcu.chat.formats import AcceptTypes, Content
from mcu.leg import Leg


@attrs.frozen(kw_only=True)
class Letter:
    """One MESSAGE to one member."""

    content: Content
    named: str = attrs.field(repr=False)  #: value of ``Ms-Sender``
    sent_at: float | None = None  #: when the message came, for one of the past; monotonic seconds
    delivery: Delivery | None = None  #: whose result is told; None for what nobody waits for


@attrs.define(eq=False)
class Member:
    """One letter is under way at a time, so that they arrive in their order by UDP too."""

    leg: Leg
    accept: AcceptTypes
    waiting: deque[Letter] = attrs.Factory(deque)
    octets: int = 0  #: of the bodies that wait
    under_way: Letter | None = None

    def put(self, letter: Letter, *, most: int, most_octets: int) -> bool:
        """Let it wait for its turn; False when too much does."""
        size = len(letter.content.body)
        if len(self.waiting) >= most or (self.waiting and self.octets + size > most_octets):
            return False
        self.waiting.append(letter)
        self.octets += size
        return True

    def next(self) -> Letter | None:
        """The one whose turn it is; None while another is under way."""
        if self.under_way is not None or not self.waiting:
            return None
        self.under_way = self.waiting.popleft()
        self.octets -= len(self.under_way.content.body)
        return self.under_way

    def arrived(self) -> Letter | None:
        """The one under way has been answered."""
        letter, self.under_way = self.under_way, None
        return letter

    def take_all(self) -> list[Letter]:
        """Everything that has not been answered: the member is gone."""
        rest = [*([self.under_way] if self.under_way is not None else []), *self.waiting]
        self.waiting.clear()
        self.under_way, self.octets = None, 0
        return rest
