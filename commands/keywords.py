"""`manage.py keyword set|drop|list`: words that people text in from signs and advertisements."""

from __future__ import annotations

from uuid import UUID

import click

from commands.composition import open_runtime, tenant_named
from commands.options import say, tenant_option
from conversations.keyword_routes import drop_route, put_route, routes
from smsbot.actor import SYSTEM
from smsbot.errors import InvalidInput, NotFound

CAUSE = "command:keyword"


@click.group
def command() -> None:
    """Words on signs: what whoever texts one asks about, and where the word stood."""


@command.command("set")
@tenant_option
@click.option("--word", required=True, help="Such as HOME12.")
@click.option("--source", required=True, help='Where it stands, such as "sign 412 Maple".')
@click.option("--field", "fields", multiple=True, help='What is known of who texts it: "listing=412 Maple St".')
def put(tenant_id: UUID, word: str, source: str, fields: tuple[str, ...]) -> None:
    """Have whoever texts WORD be a lead of SOURCE; the same word again changes it."""
    known = {}
    for field in fields:
        name, equals, value = field.partition("=")
        if not (equals and name.strip() and value.strip()):
            raise InvalidInput("field", "--field: give name=value, such as listing=412 Maple St")
        known[name.strip()] = value.strip()
    with open_runtime() as runtime:
        tenant_named(runtime, tenant_id)
        with runtime.transaction(tenant_id) as session:
            compared = put_route(
                session, word, source=source, fields=known, actor=SYSTEM, cause=CAUSE, now=runtime.clock.now()
            )
    say({"word": compared, "source": source, "fields": known})


@command.command("drop")
@tenant_option
@click.option("--word", required=True)
def drop(tenant_id: UUID, word: str) -> None:
    """Forget a word; leads that came by it stay."""
    with open_runtime() as runtime:
        tenant_named(runtime, tenant_id)
        with runtime.transaction(tenant_id) as session:
            if not drop_route(session, word, actor=SYSTEM, cause=CAUSE, now=runtime.clock.now()):
                raise NotFound("--word: this tenant has no such word")
    say({"word": word, "dropped": True})


@command.command("list")
@tenant_option
def show(tenant_id: UUID) -> None:
    """Print each word as a line of JSON."""
    with open_runtime() as runtime:
        tenant_named(runtime, tenant_id)
        with runtime.transaction(tenant_id) as session:
            for _, word, source, fields in routes(session):
                say({"word": word, "source": source, "fields": fields})
