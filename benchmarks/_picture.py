"""The rows against other libraries as one picture: how many times memo's time each of them takes, on a scale of tens."""

import math
from collections.abc import Callable, Iterable, Iterator
from html import escape

from benchmarks._harness import Row, Skipped, amount

_LEFT, _WIDTH, _LINE, _TOP = 370, 560, 22, 58
_FONT = 'font-family="system-ui, sans-serif" font-size="12"'
_COLOURS = {
    "vcrpy": "#d62728",
    "cassetter": "#ff7f0e",
    "cashews": "#9467bd",
    "joblib": "#8c564b",
    "cachier": "#e377c2",
    "aiocache": "#17becf",
    "diskcache": "#bcbd22",
    "async-lru": "#7f7f7f",
}


def picture(rows: Iterable[Row | Skipped]) -> str:
    """An SVG: a line for each subject, a dot for each library."""
    subjects: dict[str, list[Row]] = {}
    for row in rows:
        if isinstance(row, Row) and row.against.partition(",")[0] in _COLOURS:
            subjects.setdefault(row.subject, []).append(row)
    ratios = [row.other / row.memo for each in subjects.values() for row in each]
    low = min(-1, *(math.floor(math.log10(ratio)) for ratio in ratios), 0)
    high = max(1, *(math.ceil(math.log10(ratio)) for ratio in ratios), 0)
    height = _TOP + _LINE * len(subjects) + 34

    def x(ratio: float) -> float:
        return _LEFT + _WIDTH * (math.log10(ratio) - low) / (high - low)

    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 30} {height}" {_FONT}>',
            '<rect width="100%" height="100%" fill="white"/>',
            *_legend(),
            *(line for power in range(low, high + 1) for line in _grid(power, x(10**power), height)),
            *(line for number, each in enumerate(subjects.items()) for line in _subject(number, *each, x)),
            f'<text x="{x(1) + 6}" y="{height - 8}" font-weight="bold">times what memo takes →</text>',
            "</svg>\n",
        ]
    )


def _legend() -> Iterator[str]:
    yield '<line x1="20" y1="12" x2="20" y2="26" stroke="#1f77b4" stroke-width="3"/><text x="28" y="24">memo</text>'
    for number, (name, colour) in enumerate(_COLOURS.items(), 1):
        at = 20 + 92 * number
        yield f'<circle cx="{at}" cy="20" r="5" fill="{colour}"/><text x="{at + 9}" y="24">{name}</text>'


def _grid(power: int, at: float, height: int) -> Iterator[str]:
    colour, width = ("#1f77b4", 3) if power == 0 else ("#ddd", 1)
    label = f"{10**power:,}" if power >= 0 else f"1/{10**-power:,}"
    yield f'<line x1="{at:.1f}" y1="{_TOP - 8}" x2="{at:.1f}" y2="{height - 24}" stroke="{colour}" stroke-width="{width}"/>'
    yield f'<text x="{at:.1f}" y="{_TOP - 12}" text-anchor="middle" fill="#555">{label}</text>'


def _subject(number: int, subject: str, rows: list[Row], x: Callable[[float], float]) -> Iterator[str]:
    at = _TOP + _LINE * number + 12
    yield f'<text x="{_LEFT - 14}" y="{at + 4}" text-anchor="end">{escape(subject)}</text>'
    for row in rows:
        name = row.against.partition(",")[0]
        told = f"{row.against}: {amount(row.other, row.unit)}, memo: {amount(row.memo, row.unit)}"
        yield (
            f'<circle cx="{x(row.other / row.memo):.1f}" cy="{at}" r="5" fill="{_COLOURS[name]}" fill-opacity="0.85">'
            f"<title>{escape(told)}</title></circle>"
        )
