"""A scatter on two logarithmic axes as a plain SVG, for documents that show no script."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Point", "scatter_svg"]

_WIDTH, _HEIGHT = 920.0, 520.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 64.0, 20.0, 44.0, 48.0
_INK, _GRID = "#6e7681", "#d0d4d9"
_PALETTE = ("#0072b2", "#d55e00", "#e69f00", "#009e73", "#6a51a3", "#cc79a7", "#56b4e9", "#b8a13a")
_STEPS = (1.0, 2.0, 5.0)
_MANY = 1e3
"""Ends of an axis so far apart are marked by powers of ten alone."""
_LETTER = 6.2
"""Width of a letter of a label [px]."""


@dataclass(frozen=True)
class Point:
    """Where a thing stands, with its ranges; ``strong`` ones are filled and named."""

    name: str
    group: str
    x: float
    y: float
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    strong: bool = False


def _ticks(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = _STEPS if high / low < _MANY else (1.0,)
    found = [step * 10.0**power for power in powers for step in steps]
    return [tick for tick in found if low <= tick <= high]


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    margin = max((high / low) ** 0.04, 1.02)
    return low / margin, high * margin


def scatter_svg(points: Sequence[Point], *, title: str, x: str, y: str) -> str:
    """The drawing as text.

    Parameters
    ----------
    points : sequence of Point
        At least one; all coordinates and ends of ranges above 0.
    title, x, y : str
        Words above, and along the axes.

    Raises
    ------
    ValueError
        Nothing to draw, or a number that has no logarithm.
    """
    if not points or min(min(p.x, p.y, *p.x_range, *p.y_range) for p in points) <= 0.0:
        raise ValueError("a point or more, all above nought")
    spans = (
        _span([value for p in points for value in (p.x, *p.x_range)]),
        _span([value for p in points for value in (p.y, *p.y_range)]),
    )

    def at(value: float, axis: int) -> float:
        low, high = spans[axis]
        share = math.log(value / low) / math.log(high / low)
        if axis == 0:
            return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="{_INK}" role="img">',
        f"<title>{html.escape(title)}</title>",
        f'<rect width="{_WIDTH:g}" height="{_HEIGHT:g}" fill="#ffffff"/>',
    ]
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    for tick in _ticks(*spans[0]):
        px = at(tick, 0)
        drawn.append(f'<line x1="{px:.1f}" y1="{_TOP}" x2="{px:.1f}" y2="{bottom}" stroke="{_GRID}"/>')
        drawn.append(f'<text x="{px:.1f}" y="{bottom + 16}" text-anchor="middle">{tick:,.10g}</text>')
    for tick in _ticks(*spans[1]):
        py = at(tick, 1)
        drawn.append(f'<line x1="{_LEFT}" y1="{py:.1f}" x2="{right}" y2="{py:.1f}" stroke="{_GRID}"/>')
        drawn.append(f'<text x="{_LEFT - 6}" y="{py + 4:.1f}" text-anchor="end">{tick:,.10g}</text>')
    middle = (_TOP + bottom) / 2.0
    drawn.append(
        f'<text x="{(_LEFT + right) / 2}" y="{_HEIGHT - 12}" text-anchor="middle">{html.escape(x)}</text>'
    )
    drawn.append(
        f'<text x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">'
        f"{html.escape(y)}</text>"
    )
    drawn += _legend(points)
    groups = list(dict.fromkeys(p.group for p in points))
    taken: list[tuple[float, float, float]] = []
    for p in sorted(points, key=lambda one: one.strong):
        hue = _PALETTE[groups.index(p.group) % len(_PALETTE)]
        px, py = at(p.x, 0), at(p.y, 1)
        across = (at(p.x_range[0], 0), at(p.x_range[1], 0))
        along = (at(p.y_range[0], 1), at(p.y_range[1], 1))
        drawn.append(
            f'<g stroke="{hue}" stroke-width="0.8" opacity="0.75"><line x1="{across[0]:.1f}" y1="{py:.1f}" '
            f'x2="{across[1]:.1f}" y2="{py:.1f}"/><line x1="{px:.1f}" y1="{along[0]:.1f}" '
            f'x2="{px:.1f}" y2="{along[1]:.1f}"/></g>'
        )
        fill = hue if p.strong else "#ffffff"
        drawn.append(
            f'<circle cx="{px:.1f}" cy="{py:.1f}" r="4.5" fill="{fill}" stroke="{hue}" stroke-width="1.4">'
            f"<title>{html.escape(p.name)}</title></circle>"
        )
        if p.strong:
            drawn.append(_label(p.name, px, py, taken))
    return "\n".join([*drawn, "</svg>", ""])


def _legend(points: Sequence[Point]) -> list[str]:
    drawn: list[str] = []
    px = _LEFT
    for number, group in enumerate(dict.fromkeys(p.group for p in points)):
        hue = _PALETTE[number % len(_PALETTE)]
        drawn.append(f'<circle cx="{px + 5:.1f}" cy="22" r="5" fill="{hue}"/>')
        drawn.append(f'<text x="{px + 15:.1f}" y="26">{html.escape(group)}</text>')
        px += 30.0 + _LETTER * 1.15 * len(group)
    return drawn


def _label(name: str, px: float, py: float, taken: list[tuple[float, float, float]]) -> str:
    """Above its point, higher where another label stands."""
    width = _LETTER * len(name)
    left = min(px + 6.0, _WIDTH - _RIGHT - width)
    top = py - 7.0
    while any(abs(top - other) < 12.0 and left < b and left + width > a for a, b, other in taken):
        top -= 12.0
    taken.append((left, left + width, top))
    return f'<text x="{left:.1f}" y="{max(top, _TOP):.1f}">{html.escape(name)}</text>'
