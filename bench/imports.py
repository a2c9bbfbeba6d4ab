"""How long a list of 10,000 people takes to come in, and what it must not do: 100 of them said STOP, 500 rows are bad.

The list is brought as `manage.py leads import` brings it and taken in as a background worker does, one process, one
thread. Afterwards the gate is asked about everybody who said STOP and everybody whose row proves nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select

from bench.figures import Verdicts, closing, table
from bench.stand import Stand, stand
from consent.gate import Circumstances, check
from consent.ledger import Verified, lock, verify
from consent.models import ConsentEvent, Contact
from consent.policy import Block
from consent.policy_settings import current_settings
from consent.purposes import Purpose
from conversations.imports import IMPORT, ImportView, ListFile, bring, go_on, import_at
from conversations.inbound import InboundText, accept
from conversations.models import Lead, Message
from smsbot import work
from smsbot.accounts import candidates
from smsbot.actor import SYSTEM
from smsbot.bell import BACKGROUND
from smsbot.phone import address
from smsbot.runtime import Runtime, runtime_for
from smsbot.settings import load_settings
from smsbot.tenancy import Number, Tenant

ROWS, SUPPRESSED, BAD = 10_000, 100, 500
LIMIT_S = 60.0
ENDS_AFTER_S = 300.0
FOLDER = Path(__file__).resolve().parent.parent
HEAD = "number,name,basis,purposes,at,disclosure,disclosure_version,page_url,document,zip"
PROVEN = (
    'express,inquiry;appointment,2026-01-05T10:00:00Z,"Yes, text me about my question",v3,https://x.example/f,,60601'
)
# Written consents: their words are read, and what only says so permits nothing.
SIGNED = (
    'express_written,inquiry;appointment;marketing,2026-01-05T10:00:00Z,"By ticking this box I agree that {brand} may send me'
    " recurring automated marketing texts about my inquiry, my appointments and offers at the mobile number I gave. Consent is"
    " not a condition of any purchase. Message frequency varies. Message and data rates may apply. Reply HELP for help or STOP"
    ' to end. Privacy Policy. Terms of Service.",v3,https://x.example/f,,60601'
)
CLAIMED = "express_written,inquiry;appointment;marketing,2026-01-05T10:00:00Z,words,v1,http://x,,60601"
UNVERIFIED = "express,inquiry;appointment,,,,,,60601"
SILENT = ",,,,,,,60601"
# One of each in turn: the field that is wrong, and the row.
WRONG = (
    ("number", "12,Nobody" + ",,,,,,,,"),
    ("basis", "{number},Ann,maybe,,,,,,,"),
    ("at", "{number},Ann,express,inquiry,some day,words,v1,,sheet,"),
    ("purposes", "{number},Ann,express,everything,2026-01-05,words,v1,,sheet,"),
    ("zip", "{number},Ann,,,,,,,,abc"),
)


def rows_of(numbers: Sequence[str], bad: int, brand: str) -> Iterator[str]:
    """The good rows with the bad ones among them."""
    every = max(1, (len(numbers) + bad) // bad) if bad else len(numbers) + 1
    signed = SIGNED.format(brand=brand)
    kinds = (PROVEN, signed, PROVEN, UNVERIFIED, SILENT, signed, PROVEN, PROVEN, CLAIMED, SILENT)
    wrong = 0
    for place, number in enumerate(numbers):
        if wrong < bad and place % every == 0:
            yield WRONG[wrong % len(WRONG)][1].format(number=number)
            wrong += 1
        yield f"{number},Sam Rivera,{kinds[place % len(kinds)]}"
    while wrong < bad:
        yield WRONG[wrong % len(WRONG)][1].format(number=numbers[0])
        wrong += 1


def say_stop(runtime: Runtime, place: Stand, numbers: Sequence[str]) -> UUID:
    """Each of them texts STOP. Returns the tenant's id."""
    recipient = candidates(runtime, place.shop.account, place.shop.number, None)[0].recipient
    for number in numbers:
        accept(runtime, recipient, InboundText(f"SM{uuid4().hex}", address(number), address(recipient.number), "STOP"))
    return recipient.tenant_id


def take_in(runtime: Runtime, tenant_id: UUID, import_id: UUID) -> tuple[ImportView, int]:
    """Work it off as a worker does; returns the list as it is then, and how often it was claimed."""
    turns, give_up = 0, time.monotonic() + ENDS_AFTER_S
    while time.monotonic() < give_up:
        for claim in work.claim(runtime.engine, BACKGROUND, runtime.clock.now()):
            if claim.kind == IMPORT:
                go_on(runtime, claim)
                turns += 1
        with runtime.transaction(tenant_id) as session:
            seen = import_at(session, import_id, actor=SYSTEM)
        if seen.finished_at is not None:
            return seen, turns
    raise RuntimeError("the list was not taken in")


def permitted(runtime: Runtime, tenant_id: UUID, numbers: Sequence[str]) -> int:
    """To how many of these an automated text about an appointment may leave."""
    allowed = 0
    for number in numbers:
        with runtime.transaction(tenant_id) as session:
            now = runtime.clock.now()
            found = session.scalars(
                select(Contact.id).where(Contact.tenant_id == tenant_id, Contact.address == number)
            ).one()
            contact = lock(session, found)
            ours = session.scalars(select(Number).where(Number.tenant_id == tenant_id)).first()
            assert contact is not None and ours is not None
            decision = check(
                session,
                tenant=session.get_one(Tenant, tenant_id),
                number=ours,
                contact=contact,
                message_id=uuid4(),
                purpose=Purpose.APPOINTMENT,
                circumstances=Circumstances(automated=True),
                settings=current_settings(session, now),
                now=now,
            )
        allowed += not isinstance(decision, Block)
    return allowed


def measure(runtime: Runtime, place: Stand, rows: int, suppressed: int, bad: int) -> dict[str, Any]:
    numbers = [f"+1{312 + n // 10_000}555{n % 10_000:04d}" for n in range(rows - bad)]
    stopped = numbers[:: max(1, len(numbers) // suppressed)][:suppressed]
    tenant_id = say_stop(runtime, place, stopped)
    with runtime.transaction(tenant_id) as session:
        tenant = session.get_one(Tenant, tenant_id)
        cipher, brand = runtime.cipher(tenant.data_key), tenant.brand
    content = "\n".join([HEAD, *rows_of(numbers, bad, brand)]).encode()
    texts = counted_in(runtime, tenant_id)["messages"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people.csv"
        path.write_bytes(content)
        began = time.monotonic()
        brought = bring(runtime, tenant_id, SYSTEM, ListFile(path.name, path.read_bytes()))
        previewed = time.monotonic()
        done, turns = take_in(runtime, tenant_id, brought.id)
        ended = time.monotonic()
        before = counted_in(runtime, tenant_id)
        again = bring(runtime, tenant_id, SYSTEM, ListFile("other name.csv", path.read_bytes()))
        same_rows = bring(runtime, tenant_id, SYSTEM, ListFile("more.csv", content + b"\n\n"))
        take_in(runtime, tenant_id, same_rows.id)
        untouched = hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(content).digest()
    fields = Counter(name for _, name, _ in done.errors)
    wanted = Counter(WRONG[n % len(WRONG)][0] for n in range(bad))
    with runtime.transaction(tenant_id) as session:
        ledger_holds = isinstance(verify(session, cipher), Verified)
    return {
        "rows": rows,
        "preview_s": previewed - began,
        "take_in_s": ended - previewed,
        "rows_per_s": rows / (ended - previewed),
        "turns": turns,
        **{f"count_{name}": n for name, n in sorted(done.counts.items())},
        "bad_rows_named": len({row for row, _, _ in done.errors}),
        "fields_named_rightly": fields == wanted,
        "permitted_of_suppressed": permitted(runtime, tenant_id, stopped),
        "permitted_of_unverified": permitted(runtime, tenant_id, numbers[3::5][:500]),
        "permitted_of_proven": permitted(runtime, tenant_id, [n for n in numbers[::5] if n not in stopped][:100]),
        "texts_after": before["messages"] - texts,
        "file_untouched": untouched,
        "same_file_changed_nothing": again.repeated and counted_in(runtime, tenant_id) == before,
        "ledger_verifies": ledger_holds,
    }


def counted_in(runtime: Runtime, tenant_id: UUID) -> dict[str, int]:
    """How many rows there are of what a list may make."""
    with runtime.transaction(tenant_id) as session:
        return {
            model.__tablename__: session.scalars(select(func.count()).select_from(model)).one()
            for model in (Lead, Contact, ConsentEvent, Message)  # of this tenant: the database shows no other
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--suppressed", type=int, default=SUPPRESSED)
    parser.add_argument("--bad", type=int, default=BAD)
    asked = parser.parse_args()
    with stand() as place:
        runtime = runtime_for(load_settings(place.environment | {"REDIS_URL": ""}, FOLDER), pool_size=2)
        print(f"load {os.getloadavg()[0]:.1f}", flush=True)
        figures = measure(runtime, place, asked.rows, asked.suppressed, asked.bad)
        runtime.engine.dispose()
    print()
    table(("figure", "value"), list(figures.items()))
    verdicts = Verdicts()
    verdicts.at_most("seconds to take it in", figures["take_in_s"], LIMIT_S)
    verdicts.at_most("permitted of those who said STOP", figures["permitted_of_suppressed"], 0)
    verdicts.at_most("permitted of those whose row proves nothing", figures["permitted_of_unverified"], 0)
    verdicts.at_least("permitted of a hundred with proof", figures["permitted_of_proven"], 100)
    verdicts.at_most("texts that came of it", figures["texts_after"], 0)
    verdicts.at_least("bad rows named", figures["bad_rows_named"], asked.bad)
    for name in ("fields_named_rightly", "file_untouched", "same_file_changed_nothing", "ledger_verifies"):
        verdicts.at_least(name.replace("_", " "), int(figures[name]), 1)
    return closing("imports", figures, verdicts)


if __name__ == "__main__":
    sys.exit(main())
