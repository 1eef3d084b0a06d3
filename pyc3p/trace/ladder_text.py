"""A ladder in characters: for the terminal as it happens, and for a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pyc3p.trace.ladder import Act, Band, Item, Ladder, Remark, Step
from pyc3p.trace.summary import Kind

TIME_WIDTH: Final = 9
MIN_COLUMN: Final = 13
MAX_COLUMN: Final = 19
#: What is left for the words beside the lines.
MIN_DETAIL: Final = 36
FILE_DETAIL: Final = 90

#: Styles of the rich library.
STYLES: Final = {
    Kind.REQUEST: "bold cyan",
    Kind.PROVISIONAL: "yellow",
    Kind.SUCCESS: "green",
    Kind.REDIRECT: "yellow",
    Kind.FAILURE: "bold red",
    Kind.CONTROL: "magenta",
    Kind.MALFORMED: "bold red",
}
DIM: Final = "dim"
MEDIA: Final = "bold blue"
ACT: Final = "bold yellow"
SLOW, FAILED = "yellow", "bold red"

Span = tuple[str, str]  #: text and style
Line = list[Span]


class TextLadder:
    """Draws the lines of a ladder with a fixed set of columns."""

    def __init__(self, columns: Sequence[str], *, width: int = 160) -> None:
        self.columns = tuple(columns)
        self._width = width
        #: Too many columns for this width: each line names both ends in place of drawing them.
        self.compact = TIME_WIDTH + len(self.columns) * MIN_COLUMN + MIN_DETAIL // 2 > width
        room = (width - TIME_WIDTH - MIN_DETAIL) // max(len(self.columns), 1)
        self._pitch = max(MIN_COLUMN, min(MAX_COLUMN, room))
        self._detail = max(MIN_DETAIL, width - TIME_WIDTH - self._pitch * len(self.columns))

    def header(self) -> Line:
        """The names of the elements."""
        if self.compact:
            return [(_fit(", ".join(self.columns), self._width), "bold")]
        names = (_fit(name, self._pitch - 1).center(self._pitch) for name in self.columns)
        return [(" " * TIME_WIDTH, ""), ("".join(names), "bold")]

    def line(self, item: Item) -> Line:
        """One step, band, heading or note."""
        if isinstance(item, Act):
            return [(f"{item.at:8.3f} ", DIM), (_fit(f"▸ {item.text}", self._width - TIME_WIDTH), ACT)]
        if isinstance(item, Remark):
            mark, style = ("✘", FAILED) if item.failed else ("⧗", SLOW)
            return [(" " * TIME_WIDTH, ""), (_fit(f"{mark} {item.text}", self._width - TIME_WIDTH), style)]
        if self.compact:
            return self._compact_line(item)
        if isinstance(item, Band):
            return self._band(item)
        style = STYLES[item.kind]
        if item.source == item.target or not {item.source, item.target} <= set(self.columns):
            return [*self._rails(item.at), (f"{item.source} → {item.target} {item.label} {item.detail}", style)]
        return self._arrow(item.at, item.source, item.target, item.label, item.detail, style)

    def _compact_line(self, item: Step | Band) -> Line:
        band = isinstance(item, Band)
        ends = f"{item.left} ⇄ {item.right}" if isinstance(item, Band) else f"{item.source} → {item.target}"
        style = MEDIA if isinstance(item, Band) else STYLES[item.kind]
        detail = "" if band else item.detail
        room = self._width - TIME_WIDTH - 30 - len(item.label) - 2
        return [(f"{item.at:8.3f} ", DIM), (f"{ends:29} ", ""), (f"{item.label}  ", style), (_fit(detail, room), "")]

    def _arrow(self, at: float, source: str, target: str, label: str, detail: str, style: str) -> Line:
        here, there = self._rail(source), self._rail(target)
        left, right = min(here, there), max(here, there)
        room = right - left - 1
        shaft = _fit(f" {label} ", room - 2).center(room - 1, "─")
        arrow = shaft + "▶" if here < there else "◀" + shaft
        return self._row(at, left, right, arrow, detail, style)

    def _band(self, band: Band) -> Line:
        if band.left == band.right or not {band.left, band.right} <= set(self.columns):
            return [*self._rails(band.at), (f"{band.left} ⇄ {band.right} {band.label} {band.detail}", MEDIA)]
        here, there = self._rail(band.left), self._rail(band.right)
        left, right = min(here, there), max(here, there)
        room = right - left - 1
        arrow = "◀" + _fit(f" {band.label} ", room - 2).center(room - 2, "═") + "▶"
        return self._row(band.at, left, right, arrow, band.detail if band.forth + band.back > 1 else "", MEDIA)

    def _row(self, at: float, left: int, right: int, arrow: str, detail: str, style: str) -> Line:
        rails = self._rails_text()
        before, after = rails[: left + 1], rails[right:]
        return [
            (f"{at:8.3f} ", DIM),
            (before, DIM),
            (arrow, style),
            (after, DIM),
            (_fit(detail, self._detail), style if style == STYLES[Kind.FAILURE] else ""),
        ]

    def _rails(self, at: float) -> Line:
        return [(f"{at:8.3f} ", DIM), (self._rails_text(), DIM)]

    def _rails_text(self) -> str:
        return "".join("│".center(self._pitch) for _ in self.columns)

    def _rail(self, column: str) -> int:
        # str.center puts the odd blank on a side of its own choosing: ask it.
        return self.columns.index(column) * self._pitch + "│".center(self._pitch).index("│")


def render_text(ladder: Ladder, *, width: int | None = None, title: str = "") -> str:
    """The whole ladder as text, with the names above and, when it is long, below; as wide as it needs to be."""
    needed = TIME_WIDTH + len(ladder.columns) * (MIN_COLUMN + 2) + FILE_DETAIL
    drawing = TextLadder(ladder.columns, width=width or needed)
    lines = [[(title, "bold")]] if title else []
    lines.append(drawing.header())
    lines += [drawing.line(item) for item in ladder.items]
    if len(ladder.items) > 30:
        lines.append(drawing.header())
    if ladder.dropped:
        lines.append([(f"{ladder.dropped} more messages are in the capture", "")])
    return "\n".join(plain(line) for line in lines) + "\n"


def plain(line: Line) -> str:
    """A line without its styles."""
    return "".join(text for text, _ in line).rstrip()


def _fit(text: str, room: int) -> str:
    text = " ".join(text.split()) if not text.startswith(" ") else text
    return text if len(text) <= room else text[: max(room - 1, 0)] + "…"
