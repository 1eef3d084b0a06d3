"""A ladder as one SVG file that needs nothing else: for tickets, documents and browsers.

Hovering over an arrow shows the beginning of the message. Colours have enough contrast on white, and nothing is said by
colour alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from pyc3p.trace.ladder import Act, Band, Item, Ladder, Remark, Step
from pyc3p.trace.summary import Kind

PITCH: Final = 168  #: pixels between columns
LEFT: Final = 92  #: pixels for the times
RIGHT: Final = 60
TOP: Final = 96
ROW: Final = 34
BOX: Final = 34
#: Advance of one character as a share of the font size, for text that must stay on the page.
ADVANCE: Final = 0.56
LABEL_SIZE: Final = 12.5
DETAIL_SIZE: Final = 11
#: Of a message, as much as a tooltip can show.
MAX_TOOLTIP: Final = 1500

COLOURS: Final = {
    Kind.REQUEST: "#0b5fa5",
    Kind.PROVISIONAL: "#8a6100",
    Kind.SUCCESS: "#1b7a3d",
    Kind.REDIRECT: "#8a6100",
    Kind.FAILURE: "#b3261e",
    Kind.CONTROL: "#7a3e9d",
    Kind.MALFORMED: "#b3261e",
}
MEDIA: Final = "#00697a"
SLOW, FAILED = "#8a6100", "#b3261e"

_STYLE: Final = """
text{font-family:ui-sans-serif,system-ui,"Segoe UI","Helvetica Neue",Arial,sans-serif;fill:#1f2328}
.time{font-family:ui-monospace,"SF Mono",Menlo,Consolas,monospace;font-size:11px;fill:#57606a;text-anchor:end}
.title{font-size:17px;font-weight:600}.sub{font-size:12px;fill:#57606a}
.box{fill:#f6f8fa;stroke:#8c959f}.name{font-size:13px;font-weight:600;text-anchor:middle}
.rail{stroke:#afb8c1;stroke-dasharray:3 4}
.label{font-size:12.5px;font-weight:600}
.detail{font-size:11px;font-weight:400;fill:#57606a}.stripe{fill:#f6f8fa}
.act{font-size:13.5px;font-weight:600}.band{fill:#eaeef2}.note{font-size:12px;font-style:italic}
.stage{fill:#1f2328}.number{font-size:11px;font-weight:700;fill:#fff;text-anchor:middle}
a:hover .label,a:focus .label{text-decoration:underline}
.halo,.halo .detail{fill:none;stroke:#fff;stroke-width:4px;stroke-linejoin:round}
"""


def render_svg(
    ladder: Ladder, *, title: str = "Ladder", subtitle: str = "", link: Callable[[int], str] | None = None
) -> str:
    """The whole ladder; ``title`` and ``subtitle`` stand above it.

    ``link`` gives where a click on the step with a place in ``ladder.items`` leads; without, a tooltip has the message.
    """
    return _Drawing(ladder, link).draw(title, subtitle)


def size_of(ladder: Ladder) -> tuple[int, int]:
    """Width and height of the picture in pixels."""
    drawing = _Drawing(ladder, None)
    return drawing.width, drawing.height


class _Drawing:
    def __init__(self, ladder: Ladder, link: Callable[[int], str] | None) -> None:
        self._ladder = ladder
        self._link = link
        self._columns = ladder.columns
        self.width = LEFT + PITCH * max(len(self._columns), 2) + RIGHT
        self._bottom = TOP + BOX + ROW * (len(ladder.items) + 1)
        self.height = self._bottom + BOX + 46

    def draw(self, title: str, subtitle: str) -> str:
        height = self.height
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{height}" '
            f'viewBox="0 0 {self.width} {height}" role="img">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style>",
            self._markers(),
            f'<rect width="{self.width}" height="{height}" fill="#fff"/>',
            f'<text class="title" x="24" y="38">{escape(title)}</text>',
            f'<text class="sub" x="24" y="60">{escape(subtitle)}</text>',
            *self._stripes(),
            *self._rails(),
            *(self._row(number, item) for number, item in enumerate(self._ladder.items)),
            self._legend(height),
            "</svg>",
        ]
        return "\n".join(part for part in parts if part) + "\n"

    def _markers(self) -> str:
        colours = dict.fromkeys((*COLOURS.values(), MEDIA))
        heads = "".join(
            f'<marker id="h{colour[1:]}" viewBox="0 0 10 10" refX="9.5" refY="5" markerWidth="9" markerHeight="9" '
            f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L10 5L0 10z" fill="{colour}"/></marker>'
            for colour in colours
        )
        return f"<defs>{heads}</defs>"

    def _stripes(self) -> list[str]:
        return [
            f'<rect class="stripe" x="{LEFT - 12}" y="{self._y(number) - ROW // 2 - 5}" '
            f'width="{self.width - LEFT - 12}" height="{ROW}"/>'
            for number in range(1, len(self._ladder.items), 2)
        ]

    def _rails(self) -> list[str]:
        parts = []
        for name in self._columns:
            x = self._x(name)
            parts.append(f'<line class="rail" x1="{x}" y1="{TOP + BOX}" x2="{x}" y2="{self._bottom}"/>')
            for y in (TOP, self._bottom):
                parts.append(
                    f'<rect class="box" x="{x - 72}" y="{y}" width="144" height="{BOX}" rx="6"/>'
                    f'<text class="name" x="{x}" y="{y + 22}">{escape(_clip(name, 19))}</text>'
                )
        return parts

    def _row(self, number: int, item: Item) -> str:
        y = self._y(number)
        match item:
            case Act():
                return self._act(item, y)
            case Remark():
                return self._remark(item, y)
            case Band():
                return f"<g>{_time(item.at, y)}{self._band(item, y)}</g>"
            case Step():
                drawn = f"<g>{_time(item.at, y)}{self._step(item, y)}</g>"
                return drawn if self._link is None else f"<a href={quoteattr(self._link(number))}>{drawn}</a>"

    def _act(self, act: Act, y: int) -> str:
        width = self.width - LEFT - 12
        rect = f'<rect class="band" x="{LEFT - 12}" y="{y - ROW // 2 - 5}" width="{width}" height="{ROW}"/>'
        words = escape(printable(_clip(act.text, int(width / (13.5 * ADVANCE)))))
        return f'<g>{rect}<text class="act" x="{LEFT}" y="{y}">{words}</text></g>'

    def _remark(self, remark: Remark, y: int) -> str:
        mark, colour = ("✘", FAILED) if remark.failed else ("⧗", SLOW)
        words = escape(printable(_clip(remark.text, int((self.width - LEFT) / (12 * ADVANCE)) - 4)))
        return f'<text class="note" x="{LEFT}" y="{y}" style="fill:{colour}">{mark} {words}</text>'

    def _step(self, step: Step, y: int) -> str:
        colour = COLOURS[step.kind]
        here, there = self._x(step.source), self._x(step.target)
        # A message of an element to itself is a small loop.
        path = f"M{here} {y}H{there}" if here != there else f"M{here} {y - 6}h26v12h-26"
        line = f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.6" {_head(colour)}/>'
        words = self._words(step.label, step.detail, here, there, y, colour)
        return f"{self._tooltip(step)}{line}{words}{_stage(step.number, y)}"

    def _tooltip(self, step: Step) -> str:
        ends = f"{step.source} → {step.target} ({step.transport})"
        if self._link is not None:  # for who reads with the ears: what the link is
            return f"<title>{escape(printable(f'{step.label}, {ends}'))}</title>"
        beginning = f"{ends}\n\n{step.message[:MAX_TOOLTIP]}"
        return f"<title>{escape(printable(beginning))}</title>"

    def _band(self, band: Band, y: int) -> str:
        here, there = sorted((self._x(band.left), self._x(band.right)))
        rect = (
            f'<rect x="{here + 5}" y="{y - 4}" width="{max(there - here - 10, 8)}" height="8" rx="4" fill="{MEDIA}" '
            f'fill-opacity="0.25" stroke="{MEDIA}"/>'
        )
        return rect + self._words(band.label, band.detail, here, there, y - 3, MEDIA)

    def _words(self, label: str, detail: str, here: int, there: int, y: int, colour: str) -> str:
        """Label and detail above the line, in its middle as far as the page allows."""
        room = int((self.width - LEFT - 24) / (DETAIL_SIZE * ADVANCE)) - len(label) - 4
        detail = _clip(detail, room)
        width = len(label) * LABEL_SIZE * ADVANCE + (len(detail) + 2) * DETAIL_SIZE * ADVANCE
        start = (here + there - width) / 2
        start = max(LEFT - 6.0, min(start, self.width - 16 - width))
        told = f'<tspan class="detail" dx="7">{escape(detail)}</tspan>' if detail else ""
        place = f'x="{start:.0f}" y="{y - 5}"'
        # The words stand twice, first as a white border: not every viewer knows paint-order.
        halo = f'<text class="label halo" {place} aria-hidden="true">{escape(label)}{told}</text>'
        return f'{halo}<text class="label" {place} style="fill:{colour}">{escape(label)}{told}</text>'

    def _legend(self, height: int) -> str:
        steps = sum(isinstance(item, Step) for item in self._ladder.items)
        streams = sum(isinstance(item, Band) for item in self._ladder.items)
        words = f"{_count(steps, 'message')}, {_count(streams, 'media stream')}; times in seconds"
        if self._ladder.dropped:
            words += f"; {self._ladder.dropped} more messages are in the capture"
        return f'<text class="sub" x="24" y="{height - 16}">{words}</text>'

    def _x(self, column: str) -> int:
        return LEFT + PITCH * self._columns.index(column) + PITCH // 2

    def _y(self, number: int) -> int:
        return TOP + BOX + ROW * (number + 1)


def _time(at: float, y: int) -> str:
    return f'<text class="time" x="{LEFT - 20}" y="{y + 4}">{at:.3f}</text>'


def _stage(number: str, y: int) -> str:
    if not number:
        return ""
    return (
        f'<circle class="stage" cx="16" cy="{y}" r="9"/><text class="number" x="16" y="{y + 4}">{escape(number)}</text>'
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _head(colour: str) -> str:
    return "marker-end=" + quoteattr(f"url(#h{colour[1:]})")


def _clip(text: str, room: int) -> str:
    return text if len(text) <= room else text[: max(room - 1, 0)] + "…"


def printable(text: str) -> str:
    """XML holds no control characters (XML 1.0 section 2.2)."""
    return "".join(character for character in text if character in "\n\t" or " " <= character < "\ufffe")
