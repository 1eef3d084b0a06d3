"""A responder's memory of what it was asked, so that a repeated request is answered and not carried out again."""

from __future__ import annotations

from typing import Final

from c3p.envelope import Response

#: Requests remembered for one sender; a repetition comes within seconds, so a few dozen would do.
MOST_ANSWERS: Final = 256


class AnswerBook:
    """Requests of one sender, by ``requestId``. Keep one for each dialog: a restarted client counts from 0 again."""

    def __init__(self, *, limit: int = MOST_ANSWERS) -> None:
        self._limit = limit
        self._answers: dict[str, Response | None] = {}

    def __len__(self) -> int:
        return len(self._answers)

    def admit(self, request_id: str) -> bool:
        """Note a request. False when it was noted before: repeat :meth:`answer`, or that it is being worked on."""
        if request_id in self._answers:
            return False
        self._remember(request_id, None)
        return True

    def store(self, response: Response) -> None:
        """The latest answer to a request, ``pending`` or final. A final one is never replaced by ``pending``."""
        known = self._answers.pop(response.request_id, None)
        self._remember(response.request_id, known if known and known.final and not response.final else response)

    def answer(self, request_id: str) -> Response | None:
        """The latest answer, None when there is none yet or the request is not known."""
        return self._answers.get(request_id)

    def _remember(self, request_id: str, response: Response | None) -> None:
        while len(self._answers) >= self._limit:
            del self._answers[next(iter(self._answers))]
        self._answers[request_id] = response
