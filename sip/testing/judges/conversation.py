"""The messages of one dialog at one hop, sorted: who asked what, and what the dialog is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from sip.message.request import Request
from sip.message.response import Response
from sip.syntax.uri import Uri
from sip.testing.judges.passage import Passage
from sip.testing.judges.reading import cseq_of, from_tag, is_of_its_author, recorded, target_of, to_tag, top_via

_REFRESHES_TARGET = frozenset(("INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY", "REFER"))


@attrs.define
class Asked:
    """One request, as often as it was sent, and the responses to it."""

    copies: list[Passage]
    responses: list[Passage] = attrs.Factory(list)

    @property
    def request(self) -> Request:
        """The request."""
        found = self.copies[0].request
        assert found is not None
        return found

    @property
    def at(self) -> float:
        """When it was sent first."""
        return self.copies[0].at

    @property
    def by(self) -> object:
        """Who sent it over this hop."""
        return self.copies[0].sender

    @property
    def tag(self) -> str | None:
        """The tag of From: which side of the dialog asks."""
        return from_tag(self.request)

    @property
    def number(self) -> int | None:
        """The number in CSeq."""
        cseq = cseq_of(self.request)
        return None if cseq is None else cseq.number

    @property
    def written_here(self) -> bool:
        """Whether whoever sent it over this hop has written it."""
        return is_of_its_author(self.request)

    def answers(self, least: int, below: int) -> list[Passage]:
        """Responses with a status from ``least``, below ``below``."""
        return [each for each in self.responses if least <= status_of(each) < below]

    @property
    def final(self) -> Passage | None:
        """The first final response."""
        return next(iter(self.answers(200, 700)), None)

    @property
    def challenged(self) -> bool:
        """Whether it has to come again, with credentials."""
        return any(status_of(each) in (401, 407) for each in self.responses)


def status_of(passage: Passage) -> int:
    """Status of a response."""
    assert isinstance(passage.message, Response)
    return passage.message.status


@attrs.define
class Conversation:
    """Everything of one dialog at one hop, in the order of sending."""

    passages: Sequence[Passage]
    asked: list[Asked]
    until: float

    @classmethod
    def of(cls, passages: Sequence[Passage], until: float | None = None) -> Conversation:
        """Sort the messages of one dialog."""
        found: dict[tuple[object, ...], Asked] = {}
        by_branch: dict[tuple[object, ...], Asked] = {}
        for passage in passages:
            via, cseq = top_via(passage.message), cseq_of(passage.message)
            if via is None or cseq is None:
                continue
            hop = (via.host.lower(), via.port, via.params.get("branch"), cseq.number)
            if passage.request is None:
                asked = by_branch.get((*hop, cseq.method))
                if asked is not None:
                    asked.responses.append(passage)
            elif (key := (*hop, passage.request.method)) in found:
                found[key].copies.append(passage)
            else:
                found[key] = by_branch[(*hop, cseq.method)] = Asked([passage])
        end = max([each.at for each in passages], default=0.0) if until is None else until
        return cls(passages, list(found.values()), end)

    @property
    def tags(self) -> tuple[str | None, ...]:
        """The tags of the sides that asked something."""
        return tuple(dict.fromkeys(each.tag for each in self.asked))

    @property
    def first(self) -> Asked | None:
        """The request that made the dialog: the last without a tag in To, as those before were challenged."""
        found = [each for each in self.asked if each.request.method in ("INVITE", "SUBSCRIBE", "REFER")]
        before = [each for each in found if to_tag(each.request) is None]
        return before[-1] if before else None

    def within(self) -> Iterator[Asked]:
        """Requests within the dialog, but CANCEL."""
        for each in self.asked:
            if to_tag(each.request) and each.request.method != "CANCEL" and not self._of_invite(each):
                yield each

    def _of_invite(self, asked: Asked) -> bool:
        """Whether it is the ACK to what is no 2xx, which belongs to the INVITE."""
        if asked.request.method != "ACK":
            return False
        via = top_via(asked.request)
        return any(
            each.request.method == "INVITE" and via is not None and top_via(each.request) == via for each in self.asked
        )

    def established(self) -> list[Passage]:
        """Responses that make the dialog, or have made it."""
        return [] if self.first is None else self.first.answers(101, 300)

    def targets_of(self, tag: str | None, until: float) -> list[Uri]:
        """Where the side with a tag said that it is reached, up to a time."""
        found = []
        for passage in self.passages:
            message = passage.message
            cseq = cseq_of(message)
            if passage.at > until or cseq is None or cseq.method not in _REFRESHES_TARGET:
                continue
            side = from_tag(message) if isinstance(message, Request) else to_tag(message)
            target = target_of(message) if side == tag and _tells_target(message) else None
            if target is not None:
                found.append(target)
        return found

    def recorded(self) -> bool:
        """Whether proxies asked to stay on the way, so that what follows comes by here as well."""
        return any(recorded(each.message) for each in self.established())

    def comes_by(self, tag: str | None) -> bool:
        """Whether requests of a side come by this hop for certain."""
        return self.recorded() or any(each.tag == tag and each.request.method != "ACK" for each in self.within())


def _tells_target(message: Request | Response) -> bool:
    return isinstance(message, Request) or 100 < message.status < 300
