"""Pictures that a person on the phone page may attach, drawn here so that none has to be stored. Pure."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType

WIDTH, HEIGHT = 320, 240
RED_GREEN_BLUE = 2  # the PNG colour type

Colour = tuple[int, int, int]

SKY, GRASS, WALL, ROOF, DOOR, GLASS = (156, 202, 232), (112, 158, 92), (238, 226, 205), (148, 74, 60), (94, 62, 44), (86, 126, 156)  # fmt: skip
ROAD, PAINT, TYRE, RIM, LAMP, RUST = (120, 124, 130), (32, 88, 158), (34, 36, 40), (190, 194, 200), (250, 214, 110), (158, 92, 52)  # fmt: skip
PAPER, INK, WATER = (250, 248, 242), (58, 66, 78), (196, 220, 234)


@dataclass
class _Canvas:
    """Rows of red, green and blue, painted from the back to the front; what lies outside is cut off."""

    rows: list[bytearray] = field(default_factory=lambda: [bytearray(3 * WIDTH) for _ in range(HEIGHT)])

    def span(self, y: int, left: float, right: float, colour: Colour) -> None:
        start, end = max(0, round(left)), min(WIDTH, round(right))
        if 0 <= y < HEIGHT and start < end:
            self.rows[y][3 * start : 3 * end] = bytes(colour) * (end - start)

    def box(self, left: int, top: int, right: int, bottom: int, colour: Colour) -> None:
        for y in range(top, bottom):
            self.span(y, left, right, colour)

    def wedge(self, top: int, bottom: int, above: tuple[int, int], below: tuple[int, int], colour: Colour) -> None:
        """A shape with straight sides from the edges `above` to the edges `below`."""
        for y in range(top, bottom):
            part = (y - top) / (bottom - top)
            left, right = (a + (b - a) * part for a, b in zip(above, below, strict=True))
            self.span(y, left, right, colour)

    def disc(self, x: int, y: int, radius: int, colour: Colour) -> None:
        for row in range(-radius, radius + 1):
            half = (radius * radius - row * row) ** 0.5
            self.span(y + row, x - half, x + half, colour)

    def png(self) -> bytes:
        """https://www.w3.org/TR/png/: signature, header, one block of rows without filters, end."""
        header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, RED_GREEN_BLUE, 0, 0, 0)
        rows = b"".join(b"\0" + bytes(row) for row in self.rows)
        chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _house(canvas: _Canvas) -> None:
    canvas.box(0, 0, WIDTH, 170, SKY)
    canvas.box(0, 170, WIDTH, HEIGHT, GRASS)
    canvas.disc(268, 46, 20, LAMP)
    canvas.box(222, 62, 240, 104, ROOF)
    canvas.wedge(56, 112, (160, 160), (58, 262), ROOF)
    canvas.box(76, 112, 244, 192, WALL)
    canvas.box(146, 140, 176, 192, DOOR)
    canvas.disc(170, 168, 2, LAMP)
    for left in (94, 196):
        canvas.box(left, 130, left + 32, 160, GLASS)
        canvas.box(left + 15, 130, left + 17, 160, WALL)
        canvas.box(left, 144, left + 32, 146, WALL)
    canvas.wedge(192, HEIGHT, (146, 176), (120, 204), PAPER)


def _car(canvas: _Canvas) -> None:
    canvas.box(0, 0, WIDTH, 150, SKY)
    canvas.box(0, 150, WIDTH, HEIGHT, ROAD)
    canvas.wedge(84, 126, (124, 208), (94, 242), PAINT)
    canvas.wedge(91, 124, (129, 162), (108, 162), GLASS)
    canvas.wedge(91, 124, (170, 203), (170, 228), GLASS)
    canvas.wedge(124, 172, (48, 272), (38, 284), PAINT)
    canvas.box(266, 136, 282, 148, LAMP)
    canvas.disc(196, 150, 9, RUST)
    canvas.disc(200, 147, 5, ROAD)
    for x in (92, 228):
        canvas.disc(x, 172, 25, TYRE)
        canvas.disc(x, 172, 11, RIM)


def _plan(canvas: _Canvas) -> None:
    canvas.box(0, 0, WIDTH, HEIGHT, PAPER)
    canvas.box(36, 26, 284, 214, INK)
    canvas.box(41, 31, 279, 209, PAPER)
    canvas.box(168, 31, 173, 209, INK)
    canvas.box(41, 118, 168, 123, INK)
    canvas.box(173, 86, 279, 91, INK)
    canvas.box(173, 31, 279, 86, WATER)
    for left, top, right, bottom in ((168, 136, 173, 170), (90, 118, 120, 123), (204, 86, 232, 91), (168, 52, 173, 78)):
        canvas.box(left, top, right, bottom, PAPER)
    canvas.box(56, 44, 118, 96, WATER)
    canvas.disc(228, 150, 22, WATER)


_DRAWN: Mapping[str, tuple[str, Callable[[_Canvas], None]]] = MappingProxyType(
    {"house": ("House front", _house), "car": ("Car with a dent", _car), "plan": ("Floor plan", _plan)}
)
PICTURES: Mapping[str, str] = MappingProxyType({name: title for name, (title, _) in _DRAWN.items()})


@cache
def picture(name: str) -> bytes:
    """The PNG of one of PICTURES. Raises KeyError for any other name."""
    canvas = _Canvas()
    _DRAWN[name][1](canvas)
    return canvas.png()
