"""The hours and days at which a lead says texts are welcome: "only after 6pm", "not before noon", "weekdays only". Pure.

Only what is stated becomes a window: a wish for one day ("text me after 4 today") and a vague one ("not so late") give
none. The window can only narrow the legal one (C-025, C-081).
"""

import re
from datetime import time
from typing import NamedTuple

from consent.normalise import folded, without_accents


class PreferredTimes(NamedTuple):
    """Local time of the lead. `opens` inclusive, `closes` exclusive, None where nothing was said; Monday is 0."""

    opens: time | None
    closes: time | None
    days: frozenset[int] | None


NOON, WORK_ENDS, EVENING, NIGHT = time(12), time(17), time(17), time(21)
OFFICE = (time(9), time(17))
_WEEK = frozenset(range(7))
_WEEKDAYS, _WEEKEND = frozenset(range(5)), frozenset({5, 6})
_NAMED_TIMES = {
    "work": WORK_ENDS,
    "school": WORK_ENDS,
    "el trabajo": WORK_ENDS,
    "le travail": WORK_ENDS,
    "dinner": time(18),
}
_ANY_HOUR, _AFTERNOON, _AFTERNOON_ONLY = (
    range(1, 12),
    range(1, 8),
    range(1, 6),
)  # "not after 9", "after 7", "not before 5"
_LONGEST_BARE = 7  # words; a text this short that names only hours and days is about when to text

_DAYS = {
    name: number
    for number, names in enumerate(
        (
            "monday mon lunes lundi",
            "tuesday tue tues martes mardi",
            "wednesday wed miercoles mercredi",
            "thursday thu thur thurs jueves jeudi",
            "friday fri viernes vendredi",
            "saturday sat sabado samedi",
            "sunday sun domingo dimanche",
        )
    )
    for name in names.split()
}
_DAY = rf"(?:{'|'.join(sorted(_DAYS, key=len, reverse=True))})s?"
_CLOCK = (
    r"(?:(?:las |la )?(?P<hour{n}>\d{{1,2}})(?:(?::| ?h ?|\.)(?P<minute{n}>\d{{2}}))?(?: ?h)?"
    r" ?(?P<half{n}>a\.?m\.?|p\.?m\.?|o'?clock|de la (?:manana|tarde|noche))?(?![\d%k])|(?P<named{n}>noon|midday|mediodia|midi|work|lunch|dinner|"
    r"school|el trabajo|le travail))"
)
_ONE, _TWO = _CLOCK.format(n=1), _CLOCK.format(n=2)

_CONTACT = re.compile(
    r"\b(?:text|texts|texting|txt|message|messages|msg|contact|reach|reachable|call|ping|hit me up|hmu|write|send|"
    r"available|bother|disturb|notify|escrib\w+|mensaj\w+|contact\w+|mand\w+|envi\w+|llam\w+|ecri\w+|textos?|sms|joindre|"
    r"contactez|hear from|dispo\w*|disponible)\b"
)
_TEXTS = re.compile(r"\b(?:text\w*|txt\w*|message\w*|msg\w*|sms|contact\w*|escrib\w+|mensaj\w+|ecri\w+)\b")
_CALLS = re.compile(r"\b(?:call|calls|calling|ring|llam\w+|appel\w+)\b")
_NO_CALLS = re.compile(r"\b(?:don'?t|do not|never|no|not) (?:call|calls|ring)\b")
_BOTH = re.compile(r"\b(?:call|text|message) (?:or|and|nor) (?:call|text|message)\b")
_STARTS_WITH_TIME = re.compile(
    r"^(?:please |pls )?(?:not|nothing|only|never|no texts?) (?:before|after|between|past|until)\b"
)
_ABOUT_BUSINESS = re.compile(
    r"\b(?:appointment|appt|showing|tour|open house|test drive|visit|close|closing|open|come|meet|stop by|see it|see the|"
    r"pick ?up|drop ?off|service|inspection|cita|visita|rendez|can we|could we|does|do you|is it|are you|is there|what time|"
    r"move in|deliver\w*|works?(?! after| only| at)\b)"
)
_ONE_DAY = re.compile(
    r"\b(?:today|tonight|tomorrow|this (?:morning|afternoon|evening|week|weekend)|next week|right now|hoy|(?<!de la )(?<!por la )manana(?! por)|"
    r"esta (?:noche|tarde)|demain|ce soir|traveling|vacation|meeting|meetings|until (?:next|june|july|spring|summer))\b"
)
_STANDING = re.compile(
    r"\b(?:only|always|never|ever|not|dont|don't|do not|no|best|better|prefer|rather|please|anytime|any time|mornings|evenings|"
    r"afternoons|nights|weekdays|weekends|solo|solamente|nunca|siempre|mejor|prefiero|favor|seulement|jamais|toujours|pas|"
    r"mieux|prefere|uniquement|svp|from now on|business hours|work hours|office hours)\b|s only\b"
)
_NOT = r"(?:not|don'?t|do not|never|no|nothing|nada|nunca|pas|jamais|ne)\b[^.!?;]{0,40}?"
_REFUSED_BEFORE = re.compile(rf"\b{_NOT}\b(?:before|earlier than|prior to|until|till|til|antes de|avant) {_ONE}")
_REFUSED_AFTER = re.compile(rf"\b{_NOT}\b(?:after|later than|past|despues de|apres) {_ONE}")
_BETWEEN = re.compile(rf"\b(?:between|from|entre|de)? ?{_ONE} ?(?:-|–|and|to|until|till|til|y|a|et) ?{_TWO}")
_REFUSED_BETWEEN = re.compile(rf"\b{_NOT}\bbetween {_ONE} ?(?:-|–|and|to) ?{_TWO}")
_AFTER = re.compile(rf"\b(?:after|later than|past|despues de|apres|from|starting at|a partir de) {_ONE}")
_BEFORE = re.compile(rf"\b(?:before|by|until|till|til|earlier than|antes de|avant|hasta) {_ONE}")
_REFUSED_DAYS = re.compile(
    rf"\b{_NOT}\b(?:on |los |el |le |during (?:the )?|en )?(?P<days>weekends?|week days|weekdays|fines? de semana|{_DAY}(?:,? (?:and|or|y|o|et|ou) {_DAY})*)\b"
)
_WANTED_DAYS = re.compile(
    rf"\b(?P<days>week ?days|weekends?|entre semana|fines? de semana|en semaine|monday (?:-|to|through|thru) friday|mon ?(?:-|to|thru) ?fri|m-f|"
    rf"{_DAY}(?:(?:,|,? and|,? or| y| et) {_DAY})*)\b"
)
_LASTING_DAYS = re.compile(
    r"s\b|week|semana|semaine|-|to|thru|through|and"
)  # "Saturdays", "Monday to Friday", not "Tuesday"
_PARTS: tuple[tuple[re.Pattern[str], time | None, time | None], ...] = (
    (
        re.compile(
            r"\b(?:in the )mornings?\b|\bmornings\b(?! (?:are |is )?(?:nuts|bad|busy|hard|crazy|rough|hectic|not|no|out))|\bpor las? mananas?\b|\ble matin\b"
        ),
        None,
        NOON,
    ),
    (
        re.compile(
            r"\b(?:in the )afternoons?\b|\bafternoons\b(?! (?:are |is )?(?:nuts|bad|busy|hard|crazy|rough|hectic|not|no|out))|\bpor las? tardes?\b|\bl'?apres-?midi\b"
        ),
        NOON,
        EVENING,
    ),
    (
        re.compile(
            r"\b(?:in the )evenings?\b|\bevenings\b(?! (?:are |is )?(?:nuts|bad|busy|hard|crazy|rough|hectic|not|no|out))|\bpor las? noches?\b|\ble soir\b"
        ),
        EVENING,
        None,
    ),
    (re.compile(r"\b(?:business|office|work|working) hours\b|\bhoras? de oficina\b"), *OFFICE),
)
_REFUSED_PART = re.compile(
    rf"\b{_NOT}\b(?:in the |during (?:the )?|at |por la |le )?(?P<part>mornings?|afternoons?|evenings?|nights?|manana|tarde|noche|"
    r"matin|soir|(?:business|office|work|working) hours)\b"
)


def time_preference(text: str) -> PreferredTimes | None:
    """When `text` asks to be texted, as a standing wish; None when it says nothing of the kind or nothing definite."""
    s = " ".join(without_accents(folded(text)).split())
    words = len(s.split())
    if _CALLS.search(s) and (not _TEXTS.search(s) or (_NO_CALLS.search(s) and not _BOTH.search(s))):
        return None  # about the telephone
    if (
        not _CONTACT.search(s)
        and not _STARTS_WITH_TIME.search(s)
        and (words > _LONGEST_BARE or _ABOUT_BUSINESS.search(s) or "?" in s)
    ):
        return None
    if _ONE_DAY.search(s) or not _STANDING.search(s):
        return None
    if _ABOUT_BUSINESS.search(s) and not _TEXTS.search(s):
        return None
    opens, closes = _hours(s)
    days = _days(s)
    return PreferredTimes(opens, closes, days) if (opens, closes, days) != (None, None, None) else None


def _hours(s: str) -> tuple[time | None, time | None]:
    if _REFUSED_BETWEEN.search(s):
        return None, None  # that leaves two windows; a person decides which
    before, after = _REFUSED_BEFORE.search(s), _REFUSED_AFTER.search(s)
    if before or after:
        opens = _clock(before, 1, _AFTERNOON_ONLY) if before else None
        return opens, _clock(after, 1, _ANY_HOUR) if after else None
    between = _BETWEEN.search(s)
    if between:
        last = _clock(between, 2, _ANY_HOUR)
        first = _clock(between, 1, _ANY_HOUR if _half(between, 2) == "p" and _lower(between) else _AFTERNOON)
        if first is not None and last is not None and first < last:
            return first, last
    after, before = _AFTER.search(s), _BEFORE.search(s)
    if after or before:
        return _clock(after, 1, _AFTERNOON) if after else None, _clock(before, 1, _AFTERNOON) if before else None
    part = _REFUSED_PART.search(s)
    if part:
        return _outside(part["part"])
    for pattern, opens, closes in _PARTS:
        if pattern.search(s):
            return opens, closes
    return None, None


def _outside(part: str) -> tuple[time | None, time | None]:
    """The window that is left when a part of the day is refused."""
    match part[:4]:
        case "morn" | "mana" | "mati":
            return NOON, None
        case "even" | "soir":
            return None, EVENING
        case "nigh" | "noch":
            return None, NIGHT
        case "busi" | "offi" | "work":
            return WORK_ENDS, None
    return None, None


def _half(match: re.Match[str], n: int) -> str:
    half = match[f"half{n}"] or ""
    if half.startswith("de la"):
        return "a" if half.endswith("manana") else "p"
    return half[:1]


def _lower(match: re.Match[str]) -> bool:
    """Whether the first of two hours is the lower one, so that both are in the same half of the day ("5 and 8pm")."""
    return match["hour1"] is not None and match["hour2"] is not None and int(match["hour1"]) < int(match["hour2"]) % 12


def _clock(match: re.Match[str], n: int, as_pm: range) -> time | None:
    """The clock time of part `n`. `as_pm`: the hours that are read as p.m. where nothing says which half is meant."""
    named = match[f"named{n}"]
    if named:
        return _NAMED_TIMES.get(named, NOON)
    hour, minute = int(match[f"hour{n}"]), int(match[f"minute{n}"] or 0)
    if hour > 23 or minute > 59:
        return None
    half = _half(match, n)
    if half == "a":
        hour %= 12
    elif half == "p":
        hour = hour % 12 + 12
    elif hour in as_pm:
        hour += 12
    return time(hour, minute)


def _days(s: str) -> frozenset[int] | None:
    refused = _REFUSED_DAYS.search(s)
    if refused and (_TEXTS.search(s) or refused["days"].endswith("s")):
        return _WEEK - _named(refused["days"])
    wanted = _WANTED_DAYS.search(s)
    lasting = wanted and (_LASTING_DAYS.search(wanted["days"]) or re.search(r"\bonly\b|\bsolo\b|seulement", s))
    return _named(wanted["days"]) if wanted and lasting else None


def _named(words: str) -> frozenset[int]:
    if words.startswith(("weekend", "fin")):
        return _WEEKEND
    if words.startswith(("week", "entre", "en sem", "m-f")) or re.search(r"(?:-|to|through|thru)", words):
        return _WEEKDAYS
    return frozenset(
        _DAYS[name] for word in re.findall(r"[a-z]+", words) for name in (word, word.rstrip("s")) if name in _DAYS
    )
