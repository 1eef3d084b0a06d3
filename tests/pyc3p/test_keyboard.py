import asyncio
import os
from pathlib import Path

from pyc3p.commands.keyboard import MAX_LINE, Keyboard


def test_lines_come_whole_in_whatever_pieces_they_are_typed() -> None:
    seen: list[str] = []

    async def typing() -> None:
        reading, writing = os.pipe()
        keyboard = Keyboard(seen.append)
        keyboard.listen(reading)
        for piece in (b"lo", b"ck\nmute b", b"ob\n", "\xe4\n".encode("latin-1"), b"x" * 3 * MAX_LINE):
            os.write(writing, piece)
            await asyncio.sleep(0.01)
        os.close(writing)
        await asyncio.sleep(0.01)
        keyboard.stop()
        os.close(reading)

    asyncio.run(typing())
    assert seen == ["lock", "mute bob", "\ufffd"]


def test_what_cannot_be_waited_for_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("lock\n")
    seen: list[str] = []

    async def typing() -> None:
        with (tmp_path / "a").open() as file:
            keyboard = Keyboard(seen.append)
            keyboard.listen(file.fileno())
            await asyncio.sleep(0.01)
            keyboard.stop()

    asyncio.run(typing())
    assert seen == []
