"""What one conference tells its Focus: changes of state, and responses that were pending (docs/design-decisions.rst).

One document is under way at a time. While the Focus answers, each change goes out as a document of its own,
in order; after any failure nothing is kept and the next document is the whole state. A response is sent
when no change waits that could still be delivered, so that it never overtakes the change it belongs to.

The link is a machine of its own and calls nobody: after each call its owner posts what ``document_to_send`` gives, if
anything, and reads ``next_timeout`` again.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable
from typing import Final

import attrs

from c3p import ConferenceInfo, Notify, Reply, Response, State
from sip import Shown, checks_types


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class FocusLinkSettings(Shown):
    """How long to wait and how much to keep."""

    retry_first: float = 1.0  #: seconds before the first retry; doubles
    retry_longest: float = 30.0  #: seconds, upper end of that doubling
    answer_timeout: float = 30.0  #: seconds for one answer (docs/c3p-over-http.rst)
    give_up: float = 60.0  #: seconds without an answer after which the Focus counts as gone
    probe: float = 30.0  #: seconds without an exchange after which it is asked whether it is still there
    max_documents: int = 256
    max_responses: int = 512


class _Kind(enum.Enum):
    __hash__ = object.__hash__

    NOTIFY = "notify"
    RESPONSE = "response"


_KINDS: Final = tuple(_Kind)


@attrs.define
class _Retry:
    """When the next try is due, and how long to wait after it."""

    at: float = 0.0
    delay: float = 0.0

    def failed(self, settings: FocusLinkSettings, now: float, *, at_least: float, left: float) -> None:
        self.delay = min(settings.retry_longest, self.delay * 2 or settings.retry_first)
        wait = max(self.delay, at_least)
        if wait >= left and left / 2 >= settings.retry_first:
            # The Focus would be given up before: one that has come back meanwhile deserves another try.
            wait = left / 2
        self.at = now + wait

    def succeeded(self) -> None:
        self.at = self.delay = 0.0


class FocusLink:
    """The way from one conference to the callback URL of its Focus."""

    def __init__(
        self,
        *,
        conference: str,
        mcu_uri: str,
        url: str,
        assignment: str,
        settings: FocusLinkSettings,
        now: float,
    ) -> None:
        """``assignment`` is the requestId of the addConference by which the Focus assigned this MCU."""
        self.url = url
        self.version = 0  #: of the last document that was sent
        self.assignment = assignment
        self._conference, self._mcu_uri = conference, mcu_uri
        self._settings = settings
        self._documents: deque[ConferenceInfo] = deque()
        self._responses: deque[Response] = deque()
        self._whole = True
        self._closed = False
        self._under_way: _Kind | None = None
        self._misdirected = False  #: whether the response under way goes to who owned the conference before
        self._retry = {_Kind.NOTIFY: _Retry(), _Kind.RESPONSE: _Retry()}
        self._heard = now
        self._missing_since: float | None = None
        self._notifications = 0
        self.dropped = 0  #: responses that found no room or no Focus

    # What is to be told ----------------------------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether the conference is gone, and only responses are told."""
        return self._closed

    @property
    def waiting(self) -> int:
        """Documents that have not reached the Focus yet."""
        return len(self._documents) + len(self._responses)

    def notify(self, document: ConferenceInfo) -> None:
        """Report one change, given as a partial document without version."""
        if not self._whole and not self._closed:
            self._documents.append(document)
            if len(self._documents) > self._settings.max_documents:
                self.start_over()

    def respond(self, response: Response) -> None:
        """Send a response to the callback. A final one makes those before it for the same request superfluous."""
        if response.final:
            self._forget_pending(response.request_id)
        if len(self._responses) >= self._settings.max_responses:
            self.dropped += 1
            return
        self._responses.append(response)

    def _forget_pending(self, request_id: str) -> None:
        under_way = 1 if self._under_way is _Kind.RESPONSE else 0
        kept = [
            each
            for index, each in enumerate(self._responses)
            if index < under_way or each.final or each.request_id != request_id
        ]
        self._responses = deque(kept)

    def start_over(self) -> None:
        """Forget queued changes: the next document is the whole state."""
        self._documents.clear()
        self._whole = not self._closed

    def snapshot(self) -> int:
        """The whole state is told in an answer to ``getConference``; returns the version that it is to have.

        Queued changes are in it: they are not sent any more.
        """
        self._documents.clear()
        self._whole = False
        self.version += 1
        return self.version

    def close(self) -> None:
        """The conference is gone: changes are not reported any more, responses still are."""
        self._documents.clear()
        self._whole = False
        self._closed = True

    def abandon(self) -> None:
        """Nobody is there to be told anything."""
        self.close()
        self.dropped += len(self._responses)
        self._responses.clear()
        self._missing_since = None

    def redirect(self, url: str, assignment: str, *, now: float) -> None:
        """The conference has another owner, or the owner another address, or it has assigned this MCU anew."""
        if url != self.url:
            self._misdirected = self._under_way is _Kind.RESPONSE
        self.url, self.assignment = url, assignment
        for retry in self._retry.values():
            retry.succeeded()
        self.start_over()
        self.focus_heard(now=now)

    def focus_heard(self, *, now: float) -> None:
        """The Focus showed that it is there."""
        self._heard, self._missing_since = now, None

    # The machine -----------------------------------------------------------------------------------------------------

    def focus_lost(self, now: float) -> bool:
        """Whether the Focus has been away for too long."""
        return self._missing_since is not None and now >= self._missing_since + self._settings.give_up

    def next_timeout(self) -> float | None:
        """When something is to be sent again, or the Focus counts as gone."""
        due = [] if self._missing_since is None else [self._missing_since + self._settings.give_up]
        if self._under_way is None:
            for kind in _KINDS:
                if self._waiting(kind):
                    due.append(self._retry[kind].at)
            if not due and not self._closed:
                due.append(self._heard + self._settings.probe)
        return min(due, default=None)

    def handle_timeout(self, *, now: float) -> None:
        """Ask after the Focus when it was silent for long. What is due to be sent is ready from now on."""
        quiet = self._under_way is None and not any(self._waiting(kind) for kind in _KINDS)
        if quiet and not self._closed and now >= self._heard + self._settings.probe:
            self._documents.append(ConferenceInfo(entity=self._conference, state=State.PARTIAL))

    def document_to_send(self, full: Callable[[int], ConferenceInfo], *, now: float) -> Notify | Response | None:
        """The next document, if one may be posted now; it counts as under way from then on.

        ``full`` writes the whole state for a version. It is asked only when that is what the Focus needs.
        """
        if self._under_way is not None:
            return None
        for kind in _KINDS:
            if self._waiting(kind) and now >= self._retry[kind].at:
                self._under_way = kind
                return self._responses[0] if kind is _Kind.RESPONSE else self._notification(full)
        return None

    @property
    def answer_timeout(self) -> float:
        """Seconds for the answer to a document."""
        return self._settings.answer_timeout

    def replied(self, reply: Reply, *, now: float) -> None:
        """The answer to the document under way."""
        kind = self._landed()
        if kind is _Kind.RESPONSE and self._misdirected:
            self._misdirected = False  # the new owner needs it, whatever the old one said
        elif 200 <= reply.status < 300:
            self._retry[kind].succeeded()
            self.focus_heard(now=now)
            self._settled(kind)
        elif kind is _Kind.RESPONSE and 400 <= reply.status < 500 and (reply.status != 404 or self._closed):
            # What the Focus refuses it will not want later either. A refused change becomes a whole document. One that
            # does not know the conference has given it away: the next owner, which claims it soon, wants to know.
            self._settled(kind)
        else:
            self._failed(kind, now, reply.retry_after or 0)

    def _settled(self, kind: _Kind) -> None:
        if kind is _Kind.RESPONSE and self._responses:
            self._responses.popleft()

    def failed(self, *, now: float) -> None:
        """The document under way brought no answer."""
        kind = self._landed()
        if kind is _Kind.RESPONSE and self._misdirected:
            self._misdirected = False
        else:
            self._failed(kind, now, 0)

    def _waiting(self, kind: _Kind) -> bool:
        return bool(self._responses) if kind is _Kind.RESPONSE else self._whole or bool(self._documents)

    def _notification(self, full: Callable[[int], ConferenceInfo]) -> Notify:
        self.version += 1
        if self._whole:
            self._whole = False
            info = full(self.version)
        else:
            info = attrs.evolve(self._documents.popleft(), version=self.version)
        self._notifications += 1
        return Notify(
            notification_id=self._notifications,
            from_=self._mcu_uri,
            to=self._conference,
            assignment=self.assignment,
            conference_info=info,
        )

    def _landed(self) -> _Kind:
        assert self._under_way is not None
        kind, self._under_way = self._under_way, None
        return kind

    def _failed(self, kind: _Kind, now: float, at_least: float) -> None:
        if self._missing_since is None:
            self._missing_since = now
        left = self._missing_since + self._settings.give_up - now
        self._retry[kind].failed(self._settings, now, at_least=at_least, left=left)
        if kind is _Kind.NOTIFY:
            self.start_over()
