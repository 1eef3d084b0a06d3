"""A directory that takes its time says who may be called: examples/policy_later.py"""

import asyncio
import itertools

import mcu
import pyc3p
import sip


class Directory:
    """A `mcu.DialOutPolicy` that answers each question later."""

    def __init__(self) -> None:
        self.questions: asyncio.Queue[tuple[str, mcu.DialOutQuestion]] = asyncio.Queue()
        self.numbers = itertools.count(1)

    def decide(self, question: mcu.DialOutQuestion) -> sip.Pending:
        pending = sip.Pending(f"call {next(self.numbers)}")
        self.questions.put_nowait((pending.id, question))
        return pending


async def look_up(
    server: pyc3p.RunningServer, pending_id: str, question: mcu.DialOutQuestion
) -> None:
    await asyncio.sleep(0.1)  # in place of a request to a directory
    known = question.user == "bob"
    no = mcu.Refusal(mcu.RefusalReason.TARGET_DENIED, "not in the directory")
    server.decided(pending_id, mcu.Allowed() if known else no)


async def main() -> None:
    directory = Directory()
    async with (
        pyc3p.server(dial_out_policy=directory) as server,
        asyncio.TaskGroup() as tasks,
    ):
        print("serving at", server.address, flush=True)
        while True:
            tasks.create_task(look_up(server, *await directory.questions.get()))


asyncio.run(main())
