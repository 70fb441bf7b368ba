"""A log-log plot as SVG: how the cost of each step grows with the records."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Points = list[tuple[float, float]]  # records, seconds
WIDTH, HEIGHT, LEFT, TOP, SIDE = 900, 520, 70, 20, 230
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000", "#8c564b")


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The exponent with which the second number grows with the first: least squares of logs."""
    xs = [math.log(x) for x, _y in points]
    ys = [math.log(y) for _x, y in points]
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    across = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True))
    return across / sum((x - x_mean) ** 2 for x in xs)


def log_log(lines: Mapping[str, Points], across: str, up: str) -> str:
    """The picture. A dashed line shows what grows in proportion."""
    xs = [math.log10(x) for points in lines.values() for x, _y in points]
    ys = [math.log10(y) for points in lines.values() for _x, y in points]
    frame = _Frame(
        math.floor(min(xs)), math.ceil(max(xs)), math.floor(min(ys)), math.ceil(max(ys))
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" font-size="12"><rect width="{WIDTH}" height="{HEIGHT}" '
        'fill="#fff"/>',
        *frame.grid(across, up),
        *frame.in_proportion(),
    ]
    for number, (name, points) in enumerate(lines.items()):
        parts += frame.line(name, points, number)
    return "\n".join([*parts, "</svg>\n"])


class _Frame:
    """The decades that the axes show, and where a point stands between them."""

    def __init__(self, x0: int, x1: int, y0: int, y1: int) -> None:
        self.x0, self.x1, self.y0, self.y1 = x0, max(x1, x0 + 1), y0, max(y1, y0 + 1)

    def x(self, decade: float) -> float:
        return LEFT + (decade - self.x0) / (self.x1 - self.x0) * (WIDTH - LEFT - SIDE)

    def y(self, decade: float) -> float:
        room = HEIGHT - 2 * TOP - 30
        return TOP + room - (decade - self.y0) / (self.y1 - self.y0) * room

    def grid(self, across: str, up: str) -> list[str]:
        low, high = self.y(self.y0), self.y(self.y1)
        left, right = self.x(self.x0), self.x(self.x1)
        parts = []
        for at in range(self.x0, self.x1 + 1):
            x = self.x(at)
            parts.append(_line((x, low), (x, high), 'stroke="#ddd"'))
            parts.append(_text((x, low + 18), f"{10**at:,}", "middle"))
        for at in range(self.y0, self.y1 + 1):
            y = self.y(at)
            parts.append(_line((left, y), (right, y), 'stroke="#ddd"'))
            parts.append(_text((left - 8, y + 4), f"{10.0**at:g}", "end"))
        parts.append(_text(((left + right) / 2, low + 38), across, "middle"))
        parts.append(_text((8, TOP - 6), up, "start"))
        return parts

    def in_proportion(self) -> list[str]:
        end = min(self.x1, self.x0 + self.y1 - self.y0)
        start = self.x(self.x0), self.y(self.y0)
        there = self.x(end), self.y(self.y0 + end - self.x0)
        return [_line(start, there, 'stroke="#999" stroke-dasharray="5 5"')]

    def line(self, name: str, points: Points, number: int) -> list[str]:
        color = COLORS[number % len(COLORS)]
        places = [(self.x(math.log10(x)), self.y(math.log10(y))) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        label = WIDTH - SIDE + 14, TOP + 16 + 20 * number
        return [
            f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>',
            *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in places),
            _line((label[0], label[1] - 4), (label[0] + 18, label[1] - 4), f'stroke="{color}"'),
            _text((label[0] + 24, label[1]), f"{name}: {slope(points):.2f}", "start"),
        ]


def _line(start: tuple[float, float], end: tuple[float, float], how: str) -> str:
    return (
        f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" '
        f"{how}/>"
    )


def _text(at: tuple[float, float], text: str, anchor: str) -> str:
    return f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
