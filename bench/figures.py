"""How figures are counted and shown: percentiles, tables, what was required, one JSON line last."""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of them do not exceed; nan of none."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def median(values: Sequence[float]) -> float:
    """nan of none."""
    return statistics.median(values) if values else math.nan


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print the rows in columns, numbers to the right."""
    written = [[cell if isinstance(cell, str) else shown(cell) for cell in row] for row in rows]
    widths = [max(len(line[place]) for line in [list(head), *written]) for place in range(len(head))]
    for line in (list(head), ["-" * width for width in widths], *written):
        cells = [
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  ".join(cells).rstrip(), flush=True)


def shown(value: object) -> str:
    """A number with three or so digits that matter."""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
    return "-" if value is None else str(value)


@dataclass
class Verdicts:
    """Figures against their limits. A limit is `required` or an `aim`; only a required one fails the run."""

    lines: list[dict[str, Any]] = field(default_factory=list)

    def at_most(self, name: str, value: float, limit: float, *, required: bool = True) -> None:
        self._add(name, value, "<=", limit, value <= limit, required)

    def at_least(self, name: str, value: float, limit: float, *, required: bool = True) -> None:
        self._add(name, value, ">=", limit, value >= limit, required)

    def _add(self, name: str, value: float, sign: str, limit: float, met: bool, required: bool) -> None:
        kind = "required" if required else "aim"
        self.lines.append({"name": name, "kind": kind, "value": value, "limit": f"{sign} {limit:g}", "met": met})

    @property
    def failed(self) -> bool:
        return any(line["kind"] == "required" and not line["met"] for line in self.lines)

    def show(self) -> None:
        rows = [
            (line["name"], line["kind"], line["value"], line["limit"], "met" if line["met"] else "MISSED")
            for line in self.lines
        ]
        table(("figure", "kind", "value", "limit", ""), rows)


def closing(bench: str, figures: Mapping[str, Any], verdicts: Verdicts) -> int:
    """Print the verdicts and the JSON line; returns the exit code: 1 when a required figure was missed."""
    print()
    verdicts.show()
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "load_average": os.getloadavg()}
    print(json.dumps({"bench": bench, "machine": machine, **_rounded(figures), "verdicts": _rounded(verdicts.lines)}))
    return int(verdicts.failed)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 3)
    if isinstance(value, Mapping):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return value
