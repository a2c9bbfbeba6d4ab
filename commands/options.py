"""What several commands take: ids, numbers, accounts, zones, and secrets that come in through stdin."""

from __future__ import annotations

import getpass
import json
import re
import sys
import zoneinfo
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import click

from smsbot.errors import InvalidInput
from smsbot.phone import address

F = TypeVar("F", bound=Callable[..., Any])
ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}")
SERVICE_SID = re.compile(r"MG[0-9a-fA-F]{32}")
AUTH_TOKEN = re.compile(r"[0-9a-fA-F]{32}")
SHORT_CODE = re.compile(r"[0-9]{5,6}")
EMAIL = re.compile(r"[^\s@:<>\"]+@[^\s@:<>\"]+\.[^\s@:<>\"]+")
LONGEST_SECRET = 256
LONGEST_EMAIL = 254


class OurNumber(click.ParamType[str]):
    """One of our numbers: E.164 with its plus sign, or a short code of five or six digits."""

    name = "+1..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        written = str(value).strip()
        if SHORT_CODE.fullmatch(written):
            return written
        if not written.startswith("+") or address(written).e164 != written:
            self.fail("give the number in E.164, such as +13125550171", param, ctx)
        return written


class Matching(click.ParamType[str]):
    """A text of one shape."""

    def __init__(self, name: str, pattern: re.Pattern[str], wanted: str) -> None:
        self.name, self.pattern, self.wanted = name, pattern, wanted

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        written = str(value).strip()
        if not self.pattern.fullmatch(written):
            self.fail(self.wanted, param, ctx)
        return written


class TenantId(click.ParamType[UUID]):
    """A tenant's id, which nobody knows by heart."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> UUID:
        try:
            return UUID(str(value).strip())
        except ValueError:
            self.fail("give a tenant's id: manage.py tenant list shows them all", param, ctx)


class Zone(click.ParamType[str]):
    """A time zone of the IANA database, by its full name: an abbreviation has no summer time."""

    name = "zone"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        written = str(value).strip()
        named = "/" in written or written == "UTC"
        if not named or written not in zoneinfo.available_timezones():
            self.fail("give a time zone such as America/Chicago", param, ctx)
        return written


class Line(click.ParamType[str]):
    """One line of text for people: printable, not empty, of limited length."""

    name = "text"

    def __init__(self, longest: int) -> None:
        self.longest = longest

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        written = " ".join(str(value).split())
        if not written or not written.isprintable() or len(written) > self.longest:
            self.fail(f"give one line of 1 to {self.longest} characters", param, ctx)
        return written


NUMBER = OurNumber()
TENANT = TenantId()
ZONE = Zone()
ACCOUNT = Matching("AC...", ACCOUNT_SID, "give an AccountSid: AC and 32 hexadecimal digits")
SERVICE = Matching("MG...", SERVICE_SID, "give a Messaging Service's SID: MG and 32 hexadecimal digits")
ADDRESS = Matching("e-mail", EMAIL, "give an e-mail address")


def tenant_option(function: F) -> F:
    """`--tenant ID`, passed as `tenant_id`."""
    return click.option("--tenant", "tenant_id", type=TENANT, required=True, help="See tenant list.")(function)


def secret_flag(name: str, what: str) -> Callable[[F], F]:
    """`--<name>-stdin`: a secret never stands in the arguments, where every user of the machine can read it."""
    return click.option(
        f"--{name}-stdin",
        "from_stdin",
        is_flag=True,
        required=True,
        callback=_set,
        help=f"Read {what} from standard input.",
    )


def _set(ctx: click.Context, param: click.Parameter, value: bool) -> bool:
    if not value:
        raise click.UsageError(f"add {param.opts[0]} and give the secret on standard input", ctx)
    return value


def secret_from_stdin(what: str) -> str:
    """The secret on standard input; asked for without echo at a terminal."""
    text = getpass.getpass(f"{what}: ") if sys.stdin.isatty() else sys.stdin.read(LONGEST_SECRET * 4)
    secret = text.strip("\r\n")
    if not secret.strip():
        raise InvalidInput("stdin", f"standard input holds no {what}")
    if len(secret) > LONGEST_SECRET or not secret.isprintable():
        raise InvalidInput("stdin", f"standard input holds no usable {what}: one line of at most {LONGEST_SECRET}")
    return secret


def token_from_stdin(what: str) -> str:
    """A secret without blanks."""
    secret = secret_from_stdin(what).strip()
    if " " in secret:
        raise InvalidInput("stdin", f"standard input holds no usable {what}: it has blanks in it")
    return secret


def warn_of(auth_token: str) -> None:
    """A warning on stderr when it does not look like the carrier's. It is taken all the same: they may look otherwise
    one day. Call it when all is done, so that a refusal stays one line."""
    if not AUTH_TOKEN.fullmatch(auth_token):
        click.echo(
            "warning: this auth token is not 32 hexadecimal digits, as the carrier's are: is it the right one?",
            err=True,
        )


def say(value: Any) -> None:
    """One line of JSON on stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str))
