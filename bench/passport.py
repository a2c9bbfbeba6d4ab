"""How long the consent passport of a busy number takes: 10,000 events, 10,000 messages, among many other people's.

The business is old: 200,000 seals were made in which this number's ledger did not grow.

Timed are the export as the command makes it (one snapshot, everything decrypted, its checksum, the record that it was
taken), the page to print, and the stand-alone check in a process of its own. The events are the ledger's own; reading
the same rows plainly, with nothing done to them, is the measure beside it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import psycopg
from sqlalchemy import insert, select

from bench.figures import Verdicts, closing, median, table
from bench.stand import Stand, stand
from consent.ledger import Fact, append, lock, seal, state_of
from consent.ledger_tree import BRANCHES, bucket_of, key_of
from consent.models import Contact, DecisionRow
from consent.policy import POLICY_VERSION, Allow, SendFacts, decide, facts_to_json
from consent.purposes import Purpose
from consent.state import Basis, EventKind
from conversations.inbound import contact_for, lead_for, open_conversation
from conversations.models import Author, Direction, Kind, Message, State
from privacy import verify_passport
from privacy.invariants import Held, check
from privacy.passport import export, written
from privacy.passport_page import page
from smsbot.actor import SYSTEM, Actor, ActorKind
from smsbot.phone import address
from smsbot.runtime import Runtime, runtime_for
from smsbot.settings import load_settings
from smsbot.tenancy import Number, Tenant

FOLDER = Path(__file__).resolve().parent.parent
BUSY, QUIET = "+13125550171", "+13125550172"
EVENTS = 10_000
OTHERS = 200_000  # messages of somebody else
TIMES = 3
SEALS = 200_000  # five months of nothing but busy minutes
LIMIT_S = 2.0
SEALED_EACH = 500

Result = TypeVar("Result")
Connection = psycopg.Connection[tuple[Any, ...]]

NOISE = """
INSERT INTO messages (id, tenant_id, conversation_id, contact_id, number_id, direction, author, body, state, created_at)
SELECT gen_random_uuid(), tenant_id, id, contact_id, number_id, 'inbound', 'lead', 'Is it still there?', 'received',
       now() - n * interval '1 second'
FROM conversations, generate_series(1, %(count)s) n WHERE contact_id = %(contact)s
"""
# Each changed the root and one of its branches, which is the place of nobody whom this bench knows.
AGE = """
WITH first AS (SELECT * FROM ledger_heads WHERE seq = 1)
INSERT INTO ledger_heads (tenant_id, seq, at, ends, prev_hash, hash, version, root)
SELECT tenant_id, seq + n, at, ends, hash, hash, version, root FROM first, generate_series(1, %(count)s) n
"""
AGE_OF_THE_TREE = """
INSERT INTO ledger_nodes (tenant_id, place, seal, content)
SELECT tenant_id, place, seq, sha256(seq::text::bytea || place)
FROM ledger_heads, (VALUES (''::bytea), (%(branch)s)) places (place) WHERE seq > 1
"""
PLAINLY = (
    "SELECT * FROM consent_events e JOIN consent_evidence p ON p.event_id = e.id WHERE e.contact_id = %(contact)s"
    " ORDER BY e.seq",
    "SELECT m.* FROM messages m JOIN conversations c ON c.id = m.conversation_id WHERE c.contact_id = %(contact)s",
    "SELECT d.* FROM decisions d JOIN messages m ON m.id = d.message_id JOIN conversations c ON c.id = m.conversation_id"
    " WHERE c.contact_id = %(contact)s",
)


def tell(runtime: Runtime, tenant_id: UUID, events: int, connect: Callable[[], Connection]) -> UUID:
    """Half as many questions as events, each answered; after each somebody asks for help. Returns the contact's id."""
    now = runtime.clock.now() - timedelta(days=80)
    with runtime.transaction(tenant_id) as session:
        tenant = session.get_one(Tenant, tenant_id)
        number = session.scalars(select(Number).where(Number.tenant_id == tenant_id)).first()
        assert number is not None
        ids = []
        for written_number in (BUSY, QUIET):
            contact = contact_for(session, address(written_number))
            lead = lead_for(session, contact, source="text", now=now, new=True)
            conversation = open_conversation(session, lead, contact, number.id, now)
            ids.append((contact.id, conversation.id))
    (contact_id, conversation_id), (quiet_id, _) = ids
    cipher = runtime.cipher(tenant.data_key)
    grow_old(runtime, tenant, quiet_id, {contact_id, quiet_id}, connect)
    common = {"tenant_id": tenant_id, "conversation_id": conversation_id, "contact_id": contact_id}
    for first in range(0, events // 2, SEALED_EACH):
        with runtime.transaction(tenant_id) as session:
            quiet, busy = lock(session, quiet_id), lock(session, contact_id)
            assert busy is not None and quiet is not None
            append(session, quiet, cipher, Fact(EventKind.INQUIRY, now, "bench", {}), actor=SYSTEM, now=now)
            messages, decisions = [], []
            for count in range(first, min(first + SEALED_EACH, events // 2)):
                now += timedelta(minutes=10)
                asked, answer = uuid4(), uuid4()
                words = f"Question {count}: is the house with the blue door by the lake still there, and what is it?"
                event = _ask(session, busy, cipher, asked, words, now)
                decision = _decision(busy, now, tenant_id, answer)
                message = common | {"number_id": number.id, "language": "en", "flags": [], "lookups": 0}
                messages.append(
                    message
                    | {"id": asked, "direction": Direction.INBOUND, "author": Author.LEAD, "state": State.RECEIVED}
                    | {
                        "body": words,
                        "created_at": now,
                        "provider_sid": f"SM{asked.hex}",
                        "purpose": None,
                        "kind": None,
                    }
                    | {"in_reply_to": None, "consent_event_id": None, "sending_at": None, "sent_at": None}
                )
                messages.append(
                    message
                    | {"id": answer, "direction": Direction.OUTBOUND, "author": Author.AI, "state": State.DELIVERED}
                    | {"body": f"Yes. {words}", "created_at": now, "provider_sid": f"SM{answer.hex}"}
                    | {"purpose": Purpose.REPLY, "kind": Kind.AI_REPLY, "in_reply_to": asked}
                    | {"consent_event_id": event, "sending_at": now, "sent_at": now}
                )
                decisions.append(decision)
                fact = Fact(EventKind.HELP, now, "sms_keyword", {"address": BUSY, "words": "HELP"}, rule="keyword.help")
                append(session, busy, cipher, fact, actor=Actor(ActorKind.LEAD, contact_id), now=now)
            session.flush()
            session.execute(insert(Message), messages)
            session.execute(insert(DecisionRow), decisions)
        with runtime.transaction(tenant_id) as session:
            seal(session, now)
    return contact_id


def grow_old(
    runtime: Runtime, tenant: Tenant, first: UUID, known: set[UUID], connect: Callable[[], Connection]
) -> None:
    """A seal that knows the contact `first`, and so many more of other people."""
    now = runtime.clock.now() - timedelta(days=400)
    with runtime.transaction(tenant.id) as session:
        contact = lock(session, first)
        assert contact is not None
        fact = Fact(EventKind.INQUIRY, now, "bench", {})
        append(session, contact, runtime.cipher(tenant.data_key), fact, actor=SYSTEM, now=now)
        seal(session, now)
    taken = {bucket_of(key_of(tenant.id, contact_id))[0] for contact_id in known}
    branch = next(bytes([one]) for one in range(BRANCHES) if one not in taken)
    with connect() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(AGE, {"count": SEALS})
        connection.execute(AGE_OF_THE_TREE, {"branch": branch})
        connection.execute("ANALYZE ledger_heads, ledger_nodes")


def _ask(session: Any, contact: Contact, cipher: Any, message_id: UUID, words: str, now: Any) -> UUID:
    evidence = {"address": BUSY, "our_number": "+13125550100", "words": words, "verdict": "none"}
    fact = Fact(
        EventKind.INQUIRY, now, "sms_text", evidence, basis=Basis.CONVERSATIONAL, rule="plain", rule_version="words.3",
        message_id=message_id,
    )  # fmt: skip
    return append(session, contact, cipher, fact, actor=Actor(ActorKind.LEAD, contact.id), now=now)


def _decision(contact: Contact, now: Any, tenant_id: UUID, message_id: UUID) -> dict[str, Any]:
    facts = SendFacts(Purpose.REPLY, now, state_of(contact), True, True, "US", frozenset({"US"}), in_reply_to_at=now)
    allowed = decide(facts)
    assert isinstance(allowed, Allow)
    return {
        "id": uuid4(), "tenant_id": tenant_id, "message_id": message_id, "contact_id": contact.id,
        "purpose": Purpose.REPLY, "at": now, "outcome": "allow", "rule": allowed.rule,
        "consent_event_id": allowed.consent_event_id, "versions": {"policy": POLICY_VERSION},
        "inputs": facts_to_json(facts) | {"ledger_seq": contact.ledger_seq},
    }  # fmt: skip


def timed(times: int, work: Callable[[], Result]) -> tuple[float, Result]:
    """The median seconds of so many times, and the last result."""
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - began)
    return median(seconds), result


def read_plainly(place: Stand, contact_id: UUID) -> int:
    """The same rows, read and thrown away. Returns how many."""
    with psycopg.connect(place.postgres.url("smsbot"), autocommit=True) as connection:
        return sum(len(connection.execute(query, {"contact": contact_id}).fetchall()) for query in PLAINLY)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS)
    asked = parser.parse_args()
    with stand() as place:
        runtime = runtime_for(load_settings(place.environment | {"REDIS_URL": ""}, FOLDER), pool_size=2)
        with runtime.transaction(None) as session:
            tenant_id = session.scalars(select(Tenant.id).order_by(Tenant.created_at)).first()
        assert tenant_id is not None
        began = time.monotonic()

        def connect() -> Connection:
            return psycopg.connect(place.postgres.url("smsbot"), autocommit=True)

        contact_id = tell(runtime, tenant_id, asked.events, connect)
        with connect() as connection:
            quiet = connection.execute("SELECT id FROM contacts WHERE address = %s", (QUIET,)).fetchone()
            assert quiet is not None
            connection.execute("SET session_replication_role = replica")
            connection.execute(NOISE, {"count": OTHERS, "contact": quiet[0]})
            connection.execute("VACUUM ANALYZE")
        print(
            f"{asked.events:,} events after {time.monotonic() - began:.0f} s; load {os.getloadavg()[0]:.1f}", flush=True
        )
        plain_s, rows = timed(TIMES, lambda: read_plainly(place, contact_id))
        cpu_s = time.process_time()
        export_s, (document, text) = timed(TIMES, lambda: _exported(runtime, tenant_id, contact_id))
        cpu_s = (time.process_time() - cpu_s) / TIMES
        page_s, html = timed(1, lambda: page(document))
        check_s, held = timed(TIMES, lambda: check(runtime, tenant_id))
        runtime.engine.dispose()
        file = place.folder / "passport.json"
        file.write_text(text, encoding="utf-8")
        script = str(verify_passport.__file__)
        verify_s, done = timed(
            TIMES,
            lambda: subprocess.run([sys.executable, "-I", script, file], capture_output=True, text=True, check=False),
        )
        print(done.stdout or done.stderr)
        event = document["events"][asked.events // 2]
        event["method"] = "web_form"
        file.write_text(written(document), encoding="utf-8")
        named = subprocess.run([sys.executable, "-I", script, file], capture_output=True, text=True, check=False)
        print(f"with one event changed: {named.stdout}")
    if not isinstance(held, Held) or done.returncode != 0:
        raise RuntimeError(f"the passport or its texts do not hold: {held} {done.stdout} {done.stderr}")
    if named.returncode != 1 or event["id"] not in named.stdout:
        raise RuntimeError("the check did not name the event that was changed")
    figures: dict[str, Any] = {
        "events": len(document["events"]), "messages": len(document["messages"]), "rows_read_plainly": rows,
        "megabytes": len(text) / 1e6, "plain_read_s": plain_s, "export_s": export_s, "export_cpu_s": cpu_s, "verify_s": verify_s,
        "page_s": page_s, "page_megabytes": len(html) / 1e6, "tenant_check_s": check_s,
        "export_to_plain_read": export_s / plain_s,
    }  # fmt: skip
    table(("figure", "value"), list(figures.items()))
    verdicts = Verdicts()
    verdicts.at_most("passport s", export_s, LIMIT_S)
    verdicts.at_most("passport to a plain read of the same rows", figures["export_to_plain_read"], 10.0, required=False)
    return closing("passport", figures, verdicts)


def _exported(runtime: Runtime, tenant_id: UUID, contact_id: UUID) -> tuple[dict[str, Any], str]:
    taken = export(runtime, tenant_id, contact_id, actor=SYSTEM, cause="bench")
    return taken.document, taken.text


if __name__ == "__main__":
    sys.exit(main())
