"""How many segments a text takes on the air (3GPP TS 23.038, TS 23.040). Pure."""

from __future__ import annotations

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("\f^{}\\[~]|€")  # each takes an escape and a character


def segments_in(body: str) -> int:
    """At least 1: an empty text is one segment."""
    if BASIC.issuperset(body):
        return 1 if len(body) <= 160 else -(-len(body) // 153)
    if all(character in BASIC or character in EXTENDED for character in body):
        widths, whole, part = [2 if character in EXTENDED else 1 for character in body], 160, 153
    else:
        widths, whole, part = [2 if ord(character) > 0xFFFF else 1 for character in body], 70, 67
    if sum(widths) <= whole:
        return 1
    segments, used = 1, 0
    for width in widths:  # an escape pair or a surrogate pair never straddles two segments
        if used + width > part:
            segments, used = segments + 1, 0
        used += width
    return segments
