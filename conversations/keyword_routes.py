"""Words that people text in from a sign or an advertisement (HOME12, a stock number), and what they tell of a lead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, bindparam, cast, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from consent.words import Verdict, WordContext, judge
from conversations.models import KeywordRoute
from smsbot.actor import Actor
from smsbot.database import TenantSession
from smsbot.errors import InvalidInput
from smsbot.events import record
from smsbot.texts import cleaned
from smsbot.writes import prepared

KEYWORD = "keyword"  # flag of a text that was one
LONGEST = 40
MOST_FIELDS = 20
NOT_A_WORD = re.compile(r"[^0-9a-z]+")
# What stands on a sign is what is compared: a word that loses a letter here would be another one than people read there.
ON_A_SIGN = re.compile(rf"[0-9A-Za-z]{{2,{LONGEST}}}", re.ASCII)

_OF_TENANT = select(KeywordRoute.word, KeywordRoute.source, KeywordRoute.fields).where(
    KeywordRoute.tenant_id == bindparam("tenant_id")
)
ROUTE = prepared(_OF_TENANT.where(KeywordRoute.word == bindparam("word")))
ROUTES = prepared(_OF_TENANT.where(KeywordRoute.word == func.any(cast(bindparam("words"), ARRAY(Text)))))


@dataclass(frozen=True, slots=True)
class Route:
    """What the one word of a text tells: where it stood, and what the person asks about."""

    source: str
    fields: Mapping[str, Any]


def word_in(body: str) -> str | None:
    """The text as a keyword is compared, letters and digits only: "Home 12!" is home12. None for what can be none."""
    if len(body) > 2 * LONGEST:
        return None
    word = NOT_A_WORD.sub("", body.casefold())
    return word if 2 <= len(word) <= LONGEST else None


def put_route(
    session: TenantSession,
    written: str,
    *,
    source: str,
    fields: Mapping[str, Any],
    actor: Actor,
    cause: str,
    now: datetime,
) -> str:
    """Have whoever texts this word be a lead of `source` who asked about `fields`. Returns the word as it is compared.

    Raises InvalidInput: for a word that means something about consent, which it always will, and for what is no word.
    """
    written = written.strip()
    word = word_in(written) if ON_A_SIGN.fullmatch(written) else None
    if word is None:
        raise InvalidInput(
            "word", f"the word can hold only letters A to Z and digits, 2 to {LONGEST} together, such as HOME12"
        )
    for context in WordContext:
        if judge(written, context).verdict is not Verdict.NONE:
            raise InvalidInput("word", "this word already ends or begins texts, or asks for help")
    if not source.strip() or len(source) > 60:
        raise InvalidInput("source", "say where the word stands, in at most 60 characters")
    if len(fields) > MOST_FIELDS or any(not isinstance(value, str) for value in fields.values()):
        raise InvalidInput("fields", f"give at most {MOST_FIELDS} fields, each a text")
    values = {"source": cleaned(source).text.strip(), "fields": dict(fields)}
    session.execute(
        insert(KeywordRoute)
        .values(tenant_id=session.tenant_id, word=word, created_at=now, **values)
        .on_conflict_do_update(index_elements=["tenant_id", "word"], set_=values)
    )
    record(session, "keyword.set", at=now, actor=actor, cause=cause, details={"word": word, **values})
    return word


def route_of(session: TenantSession, written: str) -> Route | None:
    """What this word tells at present."""
    row = session.execute(
        select(KeywordRoute.source, KeywordRoute.fields).where(
            KeywordRoute.tenant_id == session.tenant_id, KeywordRoute.word == word_in(written)
        )
    ).first()
    return None if row is None else Route(row.source, row.fields)


def drop_route(session: TenantSession, written: str, *, actor: Actor, cause: str, now: datetime) -> bool:
    """Forget the word; whether it was there."""
    word = word_in(written)
    gone = session.execute(
        delete(KeywordRoute)
        .where(KeywordRoute.tenant_id == session.tenant_id, KeywordRoute.word == word)
        .returning(KeywordRoute.id)
    ).first()
    if gone is not None:
        record(session, "keyword.dropped", at=now, actor=actor, cause=cause, details={"word": word})
    return gone is not None


def routes(session: TenantSession) -> list[tuple[UUID, str, str, Mapping[str, Any]]]:
    """Id, word, source and fields of every keyword, by word."""
    rows = session.execute(
        select(KeywordRoute.id, KeywordRoute.word, KeywordRoute.source, KeywordRoute.fields)
        .where(KeywordRoute.tenant_id == session.tenant_id)
        .order_by(KeywordRoute.word)
    )
    return [(row.id, row.word, row.source, row.fields) for row in rows]
