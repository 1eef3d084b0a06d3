"""A Focus and a Focus Factory with records in an SQLite file, in a thread of its own.

The machines never wait for the disk: they ask with events, the thread works, and its
answers come in as commands. A database behind a network takes the place of the thread
without any other change.

Run: .venv/bin/python examples/sqlite_records.py records.db --host 127.0.0.1 --port 5060
     and, for one, .venv/bin/pyc3p invite sip:bob@127.0.0.1
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs

from focus import (
    ConferenceRecord,
    FactoryConfig,
    Focus,
    FocusConfig,
    FocusFactory,
    RecordsWanted,
    RecordWanted,
    RecordWriteWanted,
    Written,
)
from sip import Endpoint, EndpointConfig, Event, Listen, Pump
from sip.aio import SipTransport, live_entropy, wall_clock

SCHEMA = (
    "create table if not exists record (key primary key, organizer, version, document)"
)


def text_of(record: ConferenceRecord) -> str:
    """A record as JSON."""
    return json.dumps(attrs.asdict(record))


def record_of(text: str) -> ConferenceRecord:
    """The record in such a text."""
    found = json.loads(text)
    found |= {
        "mcu_types": tuple(found["mcu_types"]),
        "roles": tuple(tuple(role) for role in found["roles"]),
    }
    return ConferenceRecord(**found)


class Records:
    """The table, used by one thread only."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute(SCHEMA)

    def get(self, key: str) -> ConferenceRecord | None:
        row = self._db.execute(
            "select document from record where key = ?", (key,)
        ).fetchone()
        return None if row is None else record_of(row[0])

    def of_organizer(self, organizer: str, limit: int) -> list[ConferenceRecord]:
        query = "select document from record where organizer = ? order by rowid limit ?"
        return [
            record_of(row[0]) for row in self._db.execute(query, (organizer, limit))
        ]

    def write(self, wanted: RecordWriteWanted) -> Written:
        """One statement each, so that of two programs none undoes the other's work."""
        if wanted.after is None:
            self._db.execute("delete from record where key = ?", (wanted.key,))
            return Written.DONE
        version, document = wanted.after.version, text_of(wanted.after)
        if wanted.before is None:
            row = (wanted.key, wanted.organizer_key, version, document)
            done = self._db.execute(
                "insert or ignore into record values (?, ?, ?, ?)", row
            )
            return Written.DONE if done.rowcount else Written.EXISTS
        change = (
            "update record set version = ?, document = ? where key = ? and version = ?"
        )
        done = self._db.execute(
            change, (version, document, wanted.key, wanted.before.version)
        )
        return Written.DONE if done.rowcount else Written.CHANGED

    def close(self) -> None:
        self._db.close()


class Server:
    """One SIP address with both machines, and the thread that answers them."""

    def __init__(self, domain: str, listen: Listen, path: Path) -> None:
        entropy = live_entropy()
        # Records expire by the clock on the wall.
        endpoint = Endpoint(
            EndpointConfig(listen=(listen,)),
            entropy=entropy.child("endpoint"),
            wall_clock=wall_clock(),
        )
        self.focus = Focus(
            endpoint,
            FocusConfig(domain=domain),
            store=None,
            entropy=entropy.child("focus"),
        )
        self.factory = FocusFactory(
            endpoint,
            FactoryConfig(domain=domain),
            store=None,
            entropy=entropy.child("factory"),
            activations=self.focus,
        )
        self.transport = SipTransport(
            Pump(endpoint, [self.focus, self.factory]), on_events=self._take
        )
        self._records = Records(path)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="records")
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        await self.transport.start()

    async def stop(self) -> None:
        await self.transport.stop()
        await asyncio.gather(*self._tasks)
        self._thread.shutdown()
        self._records.close()

    def _take(self, events: list[Event]) -> None:
        """Whatever the machines say; what is no question is for a log."""
        for event in events:
            if isinstance(event, RecordWanted | RecordsWanted | RecordWriteWanted):
                task = asyncio.create_task(self._answer(event))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            else:
                print(
                    type(event).__name__,
                    getattr(event, "conference_uri", ""),
                    flush=True,
                )

    async def _answer(
        self, wanted: RecordWanted | RecordsWanted | RecordWriteWanted
    ) -> None:
        core = self.focus if wanted.owner == self.focus.owner else self.factory
        try:
            await self._look(core, wanted)
        except sqlite3.Error as error:
            print(f"records: {error}", flush=True)
            core.store_failed(wanted.id, now=self.transport.now)
        self.transport.kick()

    async def _look(
        self,
        core: Focus | FocusFactory,
        wanted: RecordWanted | RecordsWanted | RecordWriteWanted,
    ) -> None:
        work, loop, records = self._thread, asyncio.get_running_loop(), self._records
        if isinstance(wanted, RecordWanted):
            found = await loop.run_in_executor(work, records.get, wanted.key)
            core.record_found(wanted.id, found, now=self.transport.now)
        elif isinstance(wanted, RecordsWanted):
            listed = await loop.run_in_executor(
                work, records.of_organizer, wanted.organizer_key, wanted.limit
            )
            self.factory.records_found(wanted.id, listed, now=self.transport.now)
        else:
            outcome = await loop.run_in_executor(work, records.write, wanted)
            self.factory.record_written(wanted.id, outcome, now=self.transport.now)


async def main(given: argparse.Namespace) -> None:
    over = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, over.set)
    server = Server(given.domain, Listen("TCP", given.host, given.port), given.database)
    await server.start()
    try:
        print(
            *(
                f"sip:{at.host}:{at.port};transport=tcp"
                for at in server.transport.listening
            ),
            flush=True,
        )
        await over.wait()
    finally:
        await server.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description="Conferences with their records in a file."
    )
    parser.add_argument("database", type=Path, help="the SQLite file")
    parser.add_argument("--domain", default="example.com")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5060, help="0: any that is free")
    asyncio.run(main(parser.parse_args()))
