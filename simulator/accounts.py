"""The customers of the stand-in carrier: accounts with their numbers, and how each number treats STOP. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}")
SERVICE_SID = re.compile(r"MG[0-9a-fA-F]{32}")
E164 = re.compile(r"\+[1-9]\d{6,14}")
SHORT_CODE = re.compile(r"\d{5,6}")
NORTH_AMERICAN = re.compile(r"\+1[2-9]\d{2}[2-9]\d{6}")  # no area or exchange code begins with 0 or 1


class SenderType(StrEnum):
    LONG_CODE = "long_code"
    TEN_DLC = "ten_dlc"
    TOLL_FREE = "toll_free"
    SHORT_CODE = "short_code"


class OptOut(StrEnum):
    """Who acts on STOP, START and HELP: Twilio's default, Advanced Opt-Out, or the customer alone."""

    TWILIO = "twilio"
    ADVANCED = "advanced"
    OURS = "ours"


@dataclass(frozen=True)
class Number:
    """One number of an account. `keywords` are Advanced Opt-Out's own words, upper case, to STOP, START or HELP."""

    number: str
    type: SenderType = SenderType.LONG_CODE
    opt_out: OptOut = OptOut.TWILIO
    messaging_service: str | None = None
    keywords: Mapping[str, str] = field(default_factory=dict)
    webhook: str | None = None

    @property
    def block_scope(self) -> str:
        """What an opt-out covers: the whole Messaging Service when the number is in one, else the number."""
        return self.messaging_service or self.number


@dataclass(frozen=True)
class SharedKey:
    """Signs webhooks with HMAC-SHA256 in place of the auth token."""

    sid: str
    secret: str


@dataclass(frozen=True)
class Account:
    """`token` signs webhooks; `secondary_token` opens the REST API too, as during a rotation, but never signs.

    `verified` is None for a paid account; a trial account may write to these numbers only. `name` is for the phone
    page alone: whom a person thinks to be texting with.
    """

    sid: str
    token: str
    secondary_token: str | None = None
    numbers: Mapping[str, Number] = field(default_factory=dict)
    shared_key: SharedKey | None = None
    verified: frozenset[str] | None = None
    name: str | None = None

    def pool(self, service: str) -> tuple[Number, ...]:
        """The numbers of a Messaging Service in the order they were given; empty when there is no such service."""
        return tuple(number for number in self.numbers.values() if number.messaging_service == service)


def e164(written: str) -> str | None:
    """`written` as an E.164 number, or None. A number without a country code counts as North American, as with Twilio."""
    bare = re.sub(r"[\s().-]", "", written)
    if re.fullmatch(r"[2-9]\d{9}", bare):
        bare = f"+1{bare}"
    elif re.fullmatch(r"1[2-9]\d{9}", bare):
        bare = f"+{bare}"
    if not E164.fullmatch(bare):
        return None
    return None if bare.startswith("+1") and not NORTH_AMERICAN.fullmatch(bare) else bare


def number_from(written: Mapping[str, Any]) -> Number:
    """Raises ValueError naming the field that is wrong."""
    _only(written, {"number", "type", "opt_out", "messaging_service", "keywords", "webhook"}, "number")
    own = str(written.get("number", ""))
    if not (E164.fullmatch(own) or SHORT_CODE.fullmatch(own)):
        raise ValueError("number: an E.164 number or a short code is needed")
    kind = SenderType(written.get("type", SenderType.SHORT_CODE if SHORT_CODE.fullmatch(own) else SenderType.LONG_CODE))
    # a stand-alone short code has no default handling: https://support.twilio.com/hc/en-us/articles/223181748
    usual = OptOut.OURS if kind is SenderType.SHORT_CODE else OptOut.TWILIO
    service = written.get("messaging_service")
    if service is not None and not SERVICE_SID.fullmatch(str(service)):
        raise ValueError("messaging_service: MG and 32 hex digits are needed")
    keywords = {str(word).upper(): str(meaning).upper() for word, meaning in (written.get("keywords") or {}).items()}
    if set(keywords.values()) - {"STOP", "START", "HELP"}:
        raise ValueError("keywords: each word stands for STOP, START or HELP")
    return Number(
        own, kind, OptOut(written.get("opt_out", usual)), service, MappingProxyType(keywords), written.get("webhook")
    )


def account_from(written: Mapping[str, Any], known: Account | None = None) -> Account:
    """The account as written; what is left out stays as `known` has it. Raises ValueError naming the wrong field."""
    fields = {"sid", "token", "secondary_token", "numbers", "shared_key", "verified", "name"}
    _only(written, fields, "account")
    sid = str(written.get("sid", ""))
    if not ACCOUNT_SID.fullmatch(sid):
        raise ValueError("sid: AC and 32 hex digits are needed")
    account = known or Account(sid, "")
    token = written.get("token", account.token)
    if not isinstance(token, str) or not token:
        raise ValueError("token: the account's auth token is needed")
    account = replace(account, token=token)
    if "secondary_token" in written:
        account = replace(account, secondary_token=written["secondary_token"])
    if "numbers" in written:
        numbers = {number.number: number for number in map(number_from, written["numbers"])}
        account = replace(account, numbers=MappingProxyType(numbers))
    if "shared_key" in written:
        key = written["shared_key"]
        account = replace(account, shared_key=SharedKey(key["sid"], key["secret"]) if key else None)
    if "verified" in written:
        verified = written["verified"]
        account = replace(account, verified=None if verified is None else frozenset(verified))
    if "name" in written:
        account = replace(account, name=None if written["name"] is None else str(written["name"]))
    return account


def _only(written: Mapping[str, Any], fields: set[str], what: str) -> None:
    if unknown := sorted(set(written) - fields):
        raise ValueError(f"{what}: unknown field {unknown[0]}; known are {', '.join(sorted(fields))}")
