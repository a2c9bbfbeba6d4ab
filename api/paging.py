"""Lists a page at a time: `limit`, and a signed cursor that is good for the list that it came from and no other."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from itsdangerous import BadData, URLSafeSerializer

from conversations.leads import Place
from conversations.models import Direction
from smsbot.errors import InvalidInput

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200
LIMIT = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What was asked for: at most `limit` rows after `after`, the place that our own cursor named, or None."""

    limit: int
    after: Any | None
    cursors: URLSafeSerializer

    def page(self, rows: Sequence[Row], place: Callable[[Row], Any]) -> tuple[list[Row], str | None]:
        """The rows of this page out of up to `limit` + 1, and the cursor of the next page if there is one.

        `place` gives a row's place as a JSON value.
        """
        shown = list(rows[: self.limit])
        if len(rows) <= self.limit:
            return shown, None
        return shown, str(self.cursors.dumps(place(shown[-1])))


def page_request(args: Mapping[str, str], *, secret_key: str, listing: str) -> PageRequest:
    """`limit` and `cursor` of a query string. `listing` names the list and its filter. Raises InvalidInput."""
    limit = DEFAULT_LIMIT
    if "limit" in args:
        if not LIMIT.fullmatch(args["limit"]) or int(args["limit"]) > LARGEST_LIMIT:
            raise InvalidInput("limit", f"give a whole number from 1 to {LARGEST_LIMIT}")
        limit = int(args["limit"])
    # Signed, so that what comes back is what was given out: nothing else of its shape has to be checked.
    cursors = URLSafeSerializer(
        secret_key,
        salt=f"smsbot|cursor|{listing}",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
    after = None
    if "cursor" in args:
        try:
            after = cursors.loads(args["cursor"])
        except (BadData, UnicodeEncodeError) as error:
            raise InvalidInput("cursor", "this is no cursor of this list: take `next` of its last page") from error
    return PageRequest(limit, after, cursors)


def place_to_json(at: datetime, row_id: UUID, direction: str | None = None) -> list[str | None]:
    return [at.isoformat(), str(row_id), direction]


def place_from_json(value: Any | None) -> Place | None:
    """The inverse of `place_to_json`; None stays None, the beginning of the list."""
    if value is None:
        return None
    at, row_id, direction = value
    return Place(datetime.fromisoformat(at), UUID(row_id), Direction(direction) if direction else None)
