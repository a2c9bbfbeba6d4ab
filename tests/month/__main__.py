"""`python -m tests.month [--days N] [--seed S]`: a month of two businesses in a few minutes, judged from outside.

Exit code 0 when nothing left that should not have and the product's own checkers agree, 1 when not. Last line: JSON.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.interleavings.__main__ import database
from tests.month.figures import lived
from tests.world import World


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.month", description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    if not 1 <= asked.days <= 60:
        parser.error("--days: from 1 to 60")
    logging.disable(logging.CRITICAL)  # what a bad moment of the carrier brings about would fill the screen
    with database() as (made, engine), tempfile.TemporaryDirectory(prefix="smsbot-month-") as home:
        month = lived(World(made.app_url, engine, Path(home)), made.superuser_url, seed=asked.seed, days=asked.days)
    print("\n".join([*month.lines(), *month.wrong]))
    figures = {
        "days": month.days, "people": month.people, "events": month.events, "texts_judged": month.judged,
        "explained": month.explained, "violations": len(month.wrong), "seconds": round(month.seconds, 1),
    }  # fmt: skip
    print(json.dumps(figures))
    return int(bool(month.wrong))


if __name__ == "__main__":
    sys.exit(main())
