"""How long the gate takes when a tenant has a long list of people who opted out, and a ledger to match.

`consent.gate.check` is timed at 10,000 suppressed contacts and again at many more: the lock of the contact, the
decision, its row. What it costs must not grow with the list. The many contacts are written by SQL, with the shape of
real ones: an opt-out or an inquiry folded into their state, and chained events (the hashes are made up).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from sqlalchemy import select

from bench.figures import Verdicts, closing, percentile, table
from bench.stand import Stand, stand
from consent.gate import Circumstances, check
from consent.ledger import lock
from consent.models import Contact
from consent.policy import Allow, Block
from consent.policy_settings import current_settings
from consent.purposes import CONSENTED, Purpose
from consent.state import Basis, ConsentState, EventKind, LedgerEntry, state_after, state_to_json
from smsbot.runtime import Runtime, runtime_for
from smsbot.settings import load_settings
from smsbot.tenancy import Number, Tenant
from smsbot.writes import write

SMALL = (10_000, 50_000)
USUAL = (100_000, 500_000)
FULL = (1_120_000, 5_600_000)  # nine tenths of them have opted out: a million suppressions
CHECKS = 1500
WARM_UP = 100
FOLDER = Path(__file__).resolve().parent.parent
SUPPRESSED_OF = 10  # nine of ten contacts have opted out, the tenth has asked something
LIMIT_MS = 10.0  # p99
FLAT = 2.0  # what it may cost more than with the short list

CONTACTS = """
INSERT INTO contacts (id, tenant_id, address, address_kind, country, language, consent, ledger_seq, ledger_hash,
                      sealed_seq)
SELECT md5('contact' || n)::uuid, %(tenant)s, '+1312' || lpad(n::text, 7, '0'), 'number', 'US', 'en',
       replace(replace(CASE WHEN n %% %(of)s = 0 THEN %(asked)s ELSE %(suppressed)s END,
               %(inquiry)s, (md5(n || 'event1')::uuid)::text), %(opt_out)s, (md5(n || 'event' || %(each)s)::uuid)::text
       )::jsonb, %(each)s, sha256(n::text::bytea), %(each)s
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
"""
EVENTS = """
INSERT INTO consent_events (id, tenant_id, contact_id, seq, kind, purposes, basis, channel, scope, method, at,
                            recorded_at, actor_kind, evidence_hash, prev_hash, hash)
SELECT md5(n || 'event' || seq)::uuid, %(tenant)s, md5('contact' || n)::uuid, seq,
       CASE WHEN seq = %(each)s AND n %% %(of)s <> 0 THEN 'opt_out' ELSE 'inquiry' END, '[]'::jsonb, NULL, 'sms', 'all',
       'sms_text', now() - interval '1 day' * (10 - seq), now(), 'lead', sha256('e'), sha256('p'), sha256('h')
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n, generate_series(1, %(each)s) seq
"""


INQUIRY, OPT_OUT = UUID(int=1), UUID(int=2)  # stand for each contact's own events


def states(runtime: Runtime) -> tuple[str, str]:
    """The folded states of somebody who has asked something, and of somebody who has opted out after it."""
    now = runtime.clock.now()
    asked = LedgerEntry(INQUIRY, EventKind.INQUIRY, now - timedelta(hours=1), (), Basis.CONVERSATIONAL, "sms_text")
    stopped = LedgerEntry(OPT_OUT, EventKind.OPT_OUT, now - timedelta(minutes=30), CONSENTED, None, "sms_keyword")
    first = state_after(ConsentState(), asked)
    return json.dumps(state_to_json(first)), json.dumps(state_to_json(state_after(first, stopped)))


def grow(place: Stand, runtime: Runtime, tenant_id: UUID, before: int, contacts: int, events_each: int) -> float:
    """Add contacts up to `contacts`, with their events; returns the seconds it took."""
    asked, suppressed = states(runtime)
    began = time.monotonic()
    values = {
        "tenant": tenant_id,
        "of": SUPPRESSED_OF,
        "asked": asked,
        "suppressed": suppressed,
        "first": before + 1,
        "last": contacts,
        "each": events_each,
        "inquiry": str(INQUIRY),
        "opt_out": str(OPT_OUT),
    }
    with psycopg.connect(place.postgres.url("smsbot"), autocommit=True) as connection:
        connection.execute(
            "SET session_replication_role = replica"
        )  # no triggers: the rows fit by the way they are made
        connection.execute(CONTACTS, values)
        connection.execute(EVENTS, values)
        connection.execute("VACUUM ANALYZE contacts, consent_events")
    return time.monotonic() - began


def measure(runtime: Runtime, tenant_id: UUID, contacts: int) -> dict[str, float]:
    """Milliseconds of the gate (lock and read, decide, write the row), and of its whole transaction with the commit."""
    chance = random.Random(7)
    gate, whole = [], []
    outcomes = {"allow": 0, "block": 0}
    for count in range(WARM_UP + CHECKS):
        place = chance.randint(1, contacts)
        address = f"+1312{place:07d}"
        began = time.perf_counter()
        with runtime.transaction(tenant_id) as session:
            tenant = session.get_one(Tenant, tenant_id)
            number = session.scalars(select(Number).where(Number.tenant_id == tenant_id)).first()
            found = session.scalars(
                select(Contact.id).where(Contact.tenant_id == tenant_id, Contact.address == address)
            ).one()
            now = runtime.clock.now()
            started = time.perf_counter()
            contact = lock(session, found)
            assert number is not None and contact is not None
            decision = check(
                session,
                tenant=tenant,
                number=number,
                contact=contact,
                message_id=uuid4(),
                purpose=Purpose.REPLY,
                circumstances=Circumstances(automated=True, in_reply_to_at=now),
                settings=current_settings(session, now),
                now=now,
            )
            write(session)
            checked = time.perf_counter()
            outcomes["allow" if isinstance(decision, Allow) else "block"] += isinstance(decision, Allow | Block)
            asked = place % SUPPRESSED_OF == 0
            if isinstance(decision, Block) == asked:
                raise RuntimeError(f"the gate decided {decision} for somebody who {'asked' if asked else 'opted out'}")
        if count >= WARM_UP:
            gate.append((checked - started) * 1000)
            whole.append((time.perf_counter() - began) * 1000)
    return {
        "gate_p50_ms": percentile(gate, 0.5),
        "gate_p99_ms": percentile(gate, 0.99),
        "transaction_p50_ms": percentile(whole, 0.5),
        "transaction_p99_ms": percentile(whole, 0.99),
        "allowed": outcomes["allow"],
        "blocked": outcomes["block"],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="a million suppressions and five million events")
    parser.add_argument("--contacts", type=int, default=USUAL[0])
    parser.add_argument("--events", type=int, default=USUAL[1])
    asked = parser.parse_args()
    sizes = [SMALL, FULL if asked.full else (asked.contacts, asked.events)]
    figures: dict[str, dict[str, Any]] = {}
    with stand() as place:
        runtime = runtime_for(load_settings(place.environment | {"REDIS_URL": ""}, FOLDER), pool_size=2)
        with runtime.transaction(None) as session:
            tenant_id = session.scalars(select(Tenant.id).order_by(Tenant.created_at)).first()
        assert tenant_id is not None
        before = 0
        for contacts, events in sizes:
            seconds = grow(place, runtime, tenant_id, before, contacts, events // contacts)
            before = contacts
            suppressed = contacts - contacts // SUPPRESSED_OF
            print(
                f"{contacts:,} contacts, {suppressed:,} of them opted out, {events:,} events after {seconds:.0f} s;"
                f" load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
            figures[f"{contacts}"] = {"contacts": contacts, "events": events, **measure(runtime, tenant_id, contacts)}
        runtime.engine.dispose()
    small, large = figures.values()
    print()
    names = [name for name in small if name not in ("contacts", "events")]
    table(("figure", *figures), [(name, small[name], large[name]) for name in names])
    ratios = {name: large[name] / small[name] for name in names if name.endswith("_ms")}
    table(("ratio", "value"), list(ratios.items()))
    verdicts = Verdicts()
    verdicts.at_most("gate p99 ms, large", large["gate_p99_ms"], LIMIT_MS)
    verdicts.at_most("whole transaction p99 ms, large", large["transaction_p99_ms"], LIMIT_MS, required=False)
    verdicts.at_most("gate p50, large to small", ratios["gate_p50_ms"], FLAT)
    verdicts.at_most("gate p99, large to small", ratios["gate_p99_ms"], FLAT, required=False)
    verdicts.at_most("transaction p50, large to small", ratios["transaction_p50_ms"], 1.5, required=False)
    return closing("gate", {"figures": figures, "ratios": ratios}, verdicts)


if __name__ == "__main__":
    sys.exit(main())
