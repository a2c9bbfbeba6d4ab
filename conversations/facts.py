"""What the assistant may know: one tenant's facts and a conversation's turns, as plain values. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Vertical = Literal["real_estate", "auto", "general"]
ItemKind = Literal["listing", "vehicle"]
Author = Literal["lead", "ai", "agent", "system"]

OPEN_STATUSES = frozenset({"active", "available", "in stock", "for sale"})
EXACT = 10  # likeness of a reference number or a full address
NICKNAMES: dict[str, re.Pattern[str]] = {
    "truck": re.compile(
        r"\b(f-?[1-4]50|silverado|ram|tundra|tacoma|ranger|sierra|frontier|ridgeline|maverick|colorado)\b"
    ),
    "suv": re.compile(
        r"\b(escape|explorer|expedition|edge|bronco|cr-?v|rav4|rogue|equinox|tahoe|highlander|pilot|cx-?5)\b"
    ),
}
NICKNAME_WORDS = {"truck": re.compile(r"\b(truck|pickup|troca|camioneta)s?\b"), "suv": re.compile(r"\bsuvs?\b")}
# Words of titles that many vehicles share, so that they name none.
PLAIN_TITLE_WORDS = frozenset(
    {
        *(
            "used",
            "new",
            "certified",
            "cpo",
            "ford",
            "chevrolet",
            "chevy",
            "toyota",
            "honda",
            "nissan",
            "jeep",
            "dodge",
        ),
        *("ram", "bmw", "kia", "hyundai", "subaru", "mazda", "gmc", "cadillac", "audi", "lexus", "the", "and", "with"),
        *("of", "in", "for", "sport", "limited", "base", "premium"),
    }
)


@dataclass(frozen=True)
class Item:
    """One listing or vehicle.

    `ref` is the MLS id or stock number, `title` the address or "2024 Ford F-150 XLT (used)", `price` whole dollars.
    Keys of `details` are lower case (beds, baths, sqft, built, miles, msrp, hoa_month, taxes_year, open_house_start,
    open_house_end); a time among them is ISO 8601. A detail that is not there is unknown, never "none".
    """

    kind: ItemKind
    ref: str
    title: str
    status: str
    price: int | None = None
    details: Mapping[str, str | int] = field(default_factory=dict)
    as_of: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether it can still be had without a "but"."""
        return self.status.casefold() in OPEN_STATUSES

    @property
    def name(self) -> str:
        """The title as a person would text it: without the town of an address."""
        return self.title.split(",")[0].strip() if self.kind == "listing" else self.title


@dataclass(frozen=True)
class FactAnswer:
    """The tenant's own answer to a question: used when every word of one keyword entry stands in the question.

    `keywords`: entries of one or more words ("test drive", "prueba manejo"); `answer` is quoted as it is.
    """

    keywords: tuple[str, ...]
    answer: str
    language: str = "en"


@dataclass(frozen=True)
class TenantFacts:
    """All that a reply may state about a tenant.

    `hours` are (weekday 0-6 with Monday 0, opens, closes) in `zone`; a weekday without an entry is closed, no entry
    at all means unknown. `slots` are the times offered to this lead. `assigned` is who of the staff has this lead, "" for
    nobody: no text names a person whose lead it is not. `as_of` counts for items that have none of their own; an item
    older than `max_age_h`, or of unknown age, is not quoted as current.
    """

    brand: str
    zone: str
    vertical: Vertical = "general"
    languages: tuple[str, ...] = ("en", "es")
    hours: tuple[tuple[int, time, time], ...] = ()
    address: str = ""
    city: str = ""
    phone: str = ""
    email: str = ""
    secure_url: str = ""
    staff: tuple[str, ...] = ()
    assigned: str = ""
    items: tuple[Item, ...] = ()
    answers: tuple[FactAnswer, ...] = ()
    as_of: datetime | None = None
    max_age_h: int = 24
    slots: tuple[datetime, ...] = ()

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    def age_known_of(self, item: Item) -> datetime | None:
        """The instant that `item` was last known to be true."""
        return item.as_of or self.as_of

    def is_stale(self, item: Item, now: datetime) -> bool:
        """Whether `item` is too old, or of unknown age, to be quoted as current."""
        as_of = self.age_known_of(item)
        return as_of is None or now - as_of > timedelta(hours=self.max_age_h)

    def hours_on(self, weekday: int) -> tuple[tuple[time, time], ...]:
        """The opening periods of a weekday, in order."""
        return tuple(sorted((opens, closes) for day, opens, closes in self.hours if day == weekday))

    def is_open(self, now: datetime) -> bool:
        local = now.astimezone(self.tz)
        return any(opens <= local.time() < closes for opens, closes in self.hours_on(local.weekday()))

    def next_open(self, now: datetime) -> datetime | None:
        """The next instant after `now` at which a period begins, in the tenant's zone; None when hours are unknown."""
        local = now.astimezone(self.tz)
        for days in range(8):
            day = local.date() + timedelta(days=days)
            for opens, _ in self.hours_on(day.weekday()):
                at = datetime.combine(day, opens, tzinfo=self.tz)
                if at > local:
                    return at
        return None


@dataclass(frozen=True)
class Turn:
    """One message of the transcript. `kind` is the stored message's (ai_reply, unknown, bridge, reminder) or ""."""

    author: Author
    body: str
    at: datetime
    kind: str = ""


def plain_text(text: str) -> str:
    """Lower case, without accents, with straight quotes and single spaces."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text)).casefold()
    bare = "".join(letter for letter in folded if not unicodedata.combining(letter))
    return re.sub(r"\s+", " ", bare.replace("’", "'").replace("‘", "'")).strip()


def named_items(items: Sequence[Item], plain: str, *, by_kind: bool = True) -> list[Item]:
    """The items that a plain text names most clearly; none when it names none.

    With `by_kind` "the truck" names every truck; without it, only a name, year or number counts.
    """
    scored = [(score, item) for item in items if (score := _likeness(item, plain, by_kind=by_kind))]
    best = max((score for score, _ in scored), default=0)
    return [item for score, item in scored if score == best or score >= EXACT]


def _likeness(item: Item, plain: str, *, by_kind: bool) -> int:
    """How clearly a text names an item; 0 is not at all, EXACT its reference or full address."""
    squeezed = re.sub(r"\b([a-z]{1,2})[ -](\d{2,4})\b", r"\1\2", plain)
    if re.search(rf"(?<![\w]){re.escape(plain_text(item.ref))}(?![\w])", squeezed):
        return EXACT
    words = set(re.findall(r"[a-z0-9]+", plain))
    if item.kind == "listing":
        tokens = re.findall(r"[a-z0-9#]+", plain_text(item.name))
        if len(tokens) < 2:
            return 0
        number, street = tokens[0], tokens[1]
        if re.search(rf"\b{re.escape(number)} (\w+ )?{re.escape(street)}\b", plain):
            return EXACT
        own = re.escape(street)
        near_home = rf"\b{own} (st|street|ave|avenue|blvd|rd|road|dr|ln|house|home|place|listing|condo|one|property)\b"
        before = r"the|on|at|en|calle|(?:la|el|casa|propiedad|condo|condominio|departamento) (?:de|en)"
        in_place = rf"\b(?:{before})(?: la| calle)* {own}\b"
        alone = rf"^\W*(?:the |la |el |de )*{own}(?: one)?\W*$"
        return 3 if any(re.search(pattern, plain) for pattern in (near_home, in_place, alone)) else 0
    score = 0
    for token in re.findall(r"[a-z0-9-]+", plain_text(item.title)):
        bare = token.replace("-", "")
        is_model = any(letter.isalpha() for letter in bare) and len(bare) > 1 and token not in PLAIN_TITLE_WORDS
        is_year = bool(re.fullmatch(r"(19|20)\d\d", token))
        if is_model and re.search(rf"\b{_joined(bare, token)}s?\b", plain):
            score += 3
        elif is_year and token in words:
            score += 1
    for name, models in NICKNAMES.items():
        if by_kind and NICKNAME_WORDS[name].search(plain) and models.search(plain_text(item.title)):
            score = max(score, 2)
    return score if score >= 2 else 0


def _joined(bare: str, token: str) -> str:
    """A pattern for a model however people join its parts: CR-V, crv and cr v; F-150, f150 and f 150."""
    parts = re.findall(r"[a-z]+|\d+", token)
    if len(parts) < 2 or "".join(parts) != bare:
        return re.escape(bare)
    # "a 4" and "x 5" stand in many texts; two letters, or two digits, are enough of a name to be parted by a space
    spaced = len(parts[0]) > 1 or len(parts[1]) > 1
    return ("[ -]?" if spaced else "-?").join(parts)
