"""HTML that cannot be broken out of: every string that is put into an element is escaped. Pure."""

from __future__ import annotations

import html
from typing import TypeAlias

VOID = frozenset({"img", "input", "br"})


class Markup(str):
    """Text that is HTML already. Only `element` and `joined` make it from what others wrote."""

    __slots__ = ()


Child: TypeAlias = "Markup | str | None"
Attribute: TypeAlias = "str | bool | int | None"


def joined(*children: Child) -> Markup:
    """The children one after the other; plain strings are escaped, None is nothing."""
    whole = (child if isinstance(child, Markup) else html.escape(child) for child in children if child is not None)
    return Markup("".join(whole))


def element(name: str, attributes: dict[str, Attribute] | None = None, *children: Child) -> Markup:
    """`<name …>children</name>`. An attribute that is True stands alone; one that is False or None is left out."""
    written = []
    for key, value in (attributes or {}).items():
        if value is True:
            written.append(f" {key}")
        elif value is not None and value is not False:
            written.append(f' {key}="{html.escape(str(value))}"')
    head = f"<{name}{''.join(written)}>"
    return Markup(head if name in VOID else f"{head}{joined(*children)}</{name}>")
