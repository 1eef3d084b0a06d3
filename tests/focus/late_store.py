"""A store that answers Focus and Focus Factory when it is told to: soon, late, in any order, or never."""

from __future__ import annotations

from focus_site import Site

from focus import (
    ConferenceRecord,
    Focus,
    FocusFactory,
    RecordExists,
    RecordsWanted,
    RecordWanted,
    RecordWriteWanted,
    StoreFull,
    Written,
)
from sip import Event

Wanted = RecordWanted | RecordsWanted | RecordWriteWanted


class LateStore:
    """The questions of one site, open until they are answered out of its memory."""

    def __init__(self, site: Site, *, at_once: bool = False) -> None:
        self.site = site
        self.open: list[Wanted] = []
        self.answered = 0
        self.at_once = at_once
        for kind in (RecordWanted, RecordsWanted, RecordWriteWanted):
            site.node.on(kind, self._asked)

    def _asked(self, wanted: Event) -> None:
        assert isinstance(wanted, Wanted)
        if self.at_once:
            self.answer(wanted)
        else:
            self.open.append(wanted)

    def core(self, wanted: Wanted) -> Focus | FocusFactory:
        """Who asked."""
        return self.site.focus if wanted.owner == self.site.focus.owner else self.site.factory

    def answer(self, wanted: Wanted | None = None) -> None:
        """Answer a question as things are now, the oldest if none is given, and let everything settle."""
        wanted = self._taken(wanted)
        core, now = self.core(wanted), self.site.net.now
        if isinstance(wanted, RecordWanted):
            core.record_found(wanted.id, self.site.store.get(wanted.key), now=now)
        else:
            assert isinstance(core, FocusFactory)
            if isinstance(wanted, RecordsWanted):
                core.records_found(wanted.id, self.site.store.of_organizer(wanted.organizer_key), now=now)
            else:
                core.record_written(wanted.id, self.write(wanted), now=now)
        self._settle()

    def fail(self, wanted: Wanted | None = None) -> None:
        """Have the store say that it cannot answer."""
        wanted = self._taken(wanted)
        self.core(wanted).store_failed(wanted.id, now=self.site.net.now)
        self._settle()

    def answer_all(self) -> None:
        """Answer until nobody asks any more."""
        while self.open:
            self.answer()

    def write(self, wanted: RecordWriteWanted) -> Written:
        """Do what is asked, as a database would: in one step, and only on what was read."""
        present = self.site.store.get(wanted.key)
        if wanted.after is None:
            self.site.store.remove(wanted.key)
            return Written.DONE
        if wanted.before is None:
            return self._add(wanted.key, wanted.after)
        if present is None or present.version != wanted.before.version:
            return Written.CHANGED
        self.site.store.replace(wanted.key, wanted.after)
        return Written.DONE

    def _add(self, key: str, record: ConferenceRecord) -> Written:
        try:
            self.site.store.add(key, record)
        except RecordExists:
            return Written.EXISTS
        except StoreFull:
            return Written.FULL
        return Written.DONE

    def _taken(self, wanted: Wanted | None) -> Wanted:
        if wanted is None:
            wanted = self.open[0]
        if wanted in self.open:
            self.open.remove(wanted)
        self.answered += 1
        return wanted

    def _settle(self) -> None:
        self.site.node.take([])
        self.site.net.run()
