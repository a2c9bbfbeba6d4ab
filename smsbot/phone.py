"""Phone numbers and the other addresses a carrier names: what they are, one way to write each. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, ValidationResult

from smsbot.errors import InvalidInput
from smsbot.texts import cleaned

ADDRESS_LENGTH = 128  # characters kept of an address
REMEMBERED = 4096  # numbers that were parsed lately: one webhook asks for the same three times

# ITU-T E.164: a country code, which never begins with 0, and at most 15 digits in all.
E164 = re.compile(r"\+[1-9][0-9]{1,14}", re.ASCII)
NORTH_AMERICA = 1  # country code of the North American Numbering Plan: +1 is not "US"
SHORT_CODE = re.compile(r"[0-9]{3,8}", re.ASCII)
WRITTEN_NUMBER = re.compile(r"\+?[0-9][0-9 ().\-]*", re.ASCII)
EMAIL = re.compile(r"[^\s@:]+@[^\s@:]+")

# A caller without number has one of these names, or what the name spells on a keypad: +266696687 is ANONYMOUS.
WITHHELD = ("anonymous", "blocked", "private", "restricted", "unavailable", "unknown")
KEYPAD = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")
WITHHELD_SPELLED = frozenset(name.translate(KEYPAD) for name in WITHHELD)


class AddressKind(StrEnum):
    NUMBER = "number"
    SHORT_CODE = "short_code"
    RCS = "rcs"
    WHATSAPP = "whatsapp"
    ANONYMOUS = "anonymous"
    CLIENT = "client"
    EMAIL = "email"
    OTHER = "other"
    ERASED = "erased"  # nobody's: whoever had it was erased


PREFIXED = {"rcs": AddressKind.RCS, "whatsapp": AddressKind.WHATSAPP, "client": AddressKind.CLIENT}


@dataclass(frozen=True, slots=True)
class Address:
    """Who a text or call is from or to.

    `value` is the one way we write it, at most 128 characters: E.164 for a number, the digits of a short code, prefix
    and rest for other channels. `e164` is the number behind it, also for "rcs:+1…" and "whatsapp:+1…".
    """

    kind: AddressKind
    value: str
    e164: str | None = None

    @property
    def textable(self) -> bool:
        """Whether a text may be sent there: only to a number, never to a short code or another channel."""
        return self.kind is AddressKind.NUMBER


# Any ten digits that no national prefix can be read into are a possible number of North America, as they stand.
PLAIN_NANP = re.compile(r"\+1[2-9][0-9]{9}")


@lru_cache(maxsize=REMEMBERED)
def address(raw: str) -> Address:
    """What a carrier wrote in From or To. Never raises; what is none of the kinds is OTHER, as is an extension."""
    if PLAIN_NANP.fullmatch(raw):
        return Address(AddressKind.NUMBER, raw, raw)
    written = " ".join(cleaned(raw).text.split())[:ADDRESS_LENGTH]
    lower = written.lower()
    if lower in ("", *WITHHELD) or lower.removeprefix("+") in WITHHELD_SPELLED:
        return Address(AddressKind.ANONYMOUS, "anonymous")
    prefix, colon, rest = written.partition(":")
    if colon:
        return _prefixed(prefix.lower(), rest.strip())
    if SHORT_CODE.fullmatch(written):
        return Address(AddressKind.SHORT_CODE, written)
    if EMAIL.fullmatch(written):
        return Address(AddressKind.EMAIL, lower[:ADDRESS_LENGTH])
    number = _number_in(written)
    return Address(AddressKind.NUMBER, number, number) if number else Address(AddressKind.OTHER, written)


def _prefixed(prefix: str, rest: str) -> Address:
    kind = PREFIXED.get(prefix, AddressKind.OTHER)
    number = _number_in(rest) if kind in (AddressKind.RCS, AddressKind.WHATSAPP) else None
    return Address(kind, f"{prefix}:{number or rest}"[:ADDRESS_LENGTH], number)


def _number_in(written: str) -> str | None:
    return _e164_or_none(_parsed(written, "US")) if WRITTEN_NUMBER.fullmatch(written) else None


def _parsed(written: str, region: str | None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(written, region)
    except NumberParseException:
        return None


def _e164_or_none(number: PhoneNumber | None) -> str | None:
    """The number in E.164, unless it has an extension or is too short or long for its country.

    Possible is enough: the fictitious 555-0100 to 555-0199 are no valid numbers. A number that is possible only
    within its area ("555-0171") has no E.164 form, so that `is_possible_number`, which takes it, will not do.
    """
    if number is None or number.extension:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None
    written = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    again = _parsed(written, None)
    if again is None or phonenumbers.format_number(again, PhoneNumberFormat.E164) != written:
        return None
    return written if E164.fullmatch(written) else None


def e164(raw: str, region: str = "US") -> str:
    """The number that a person wrote, in E.164; without country code it is one of `region` (ISO 3166-1, "US").

    Raises InvalidInput("number", …) for what is no number, is too short or long, or has an extension or letters.
    """
    number = _parsed(raw, region)
    if number is not None and number.extension:
        raise InvalidInput("number", "give the number without an extension")
    written = _e164_or_none(number)
    if written is None or any(character.isalpha() for character in raw.strip().lower().removeprefix("tel:")):
        raise InvalidInput("number", "give a phone number with area code, such as +1 312 555 0171")
    return written


@lru_cache(maxsize=REMEMBERED)
def region_of(number: str) -> str | None:
    """The country or territory of an E.164 number, as ISO 3166-1 ("US", "CA", "JM"), None when it has none."""
    parsed = _parsed(number, None)
    return phonenumbers.region_code_for_number(parsed) if parsed else None


def shown(number: str) -> str:
    """The number as a log may show it: country code and last two digits, "+1********71"; else only stars."""
    parsed = _parsed(number, None)
    if parsed is None or _e164_or_none(parsed) != number:
        return "*" * min(len(number), 12)
    country = f"+{parsed.country_code}"
    return country + "*" * (len(number) - len(country) - 2) + number[-2:]


def national(number: str) -> str:
    """The number as people read it: "(312) 555-0171" in North America, with its country code elsewhere."""
    parsed = _parsed(number, None)
    if parsed is None:
        return number
    here = parsed.country_code == NORTH_AMERICA
    return phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL if here else PhoneNumberFormat.INTERNATIONAL)
