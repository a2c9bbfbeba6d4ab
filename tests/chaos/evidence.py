"""What is known from outside when a run is over: the carrier's log, the clients' acknowledgements, the rows."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import select

from consent.ledger import Verified, verify
from smsbot.database import TenantSession
from smsbot.runtime import Runtime
from smsbot.tenancy import Tenant
from tests.chaos.cluster import Cluster, Shop

SAMPLE_S = 0.5

INBOUND = """
SELECT m.id::text, m.tenant_id::text AS tenant, m.provider_sid AS sid, c.address AS person, m.reason
FROM messages m JOIN contacts c ON c.id = m.contact_id WHERE m.direction = 'inbound'"""
OUTBOUND = """
SELECT m.id::text, m.tenant_id::text AS tenant, c.address AS person, m.kind, m.author, m.purpose, m.state, m.reason,
       m.provider_sid AS sid, m.in_reply_to::text, m.repeat_of::text, extract(epoch FROM m.sending_at)::float AS sending_at
FROM messages m JOIN contacts c ON c.id = m.contact_id WHERE m.direction = 'outbound'"""
REPORTS = "SELECT message_id::text AS message, provider_sid AS sid, status FROM message_events"
WORK = """
SELECT kind, ref_id::text AS ref, attempts, failure, quarantined_at IS NOT NULL AS quarantined
FROM work WHERE queue = 'replies'"""


@dataclass
class Evidence:
    """All of it as plain values, so that a run can be kept as JSON and judged again."""

    seed: int
    shops: list[dict[str, str]]
    acked: dict[str, float]  # sid -> monotonic, as the clients saw it
    log: list[dict[str, Any]] = field(repr=False)
    inbound: list[dict[str, Any]] = field(repr=False)
    outbound: list[dict[str, Any]] = field(repr=False)
    reports: list[dict[str, Any]] = field(repr=False)
    work: list[dict[str, Any]] = field(repr=False)
    went: dict[str, list[str]] = field(repr=False)  # message -> the states that it was seen in, in order
    broken_ledgers: list[str]
    calm_at: float  # when all faults ended, monotonic
    drained_s: float | None  # after that; None: not within the limit
    settled_s: float | None

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Evidence:
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def rows(connection: psycopg.Connection[tuple[Any, ...]], query: str) -> list[dict[str, Any]]:
    cursor = connection.execute(query)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def log_entries(path: Path) -> list[dict[str, Any]]:
    """The simulator's journal; a last line that is cut off does not count."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if line[-1] == "\n"]


def shown(shops: Sequence[Shop]) -> list[dict[str, str]]:
    return [
        {
            "tenant": str(shop.tenant_id),
            "account": shop.account,
            "number": shop.number,
            "handling": shop.handling.value,
        }
        for shop in shops
    ]


def collected(
    cluster: Cluster,
    acked: Mapping[str, float],
    watcher: Watcher,
    calm_at: float,
    *,
    drained_s: float | None,
    settled_s: float | None,
) -> Evidence:
    """What there is to see when a run is over; `acked` is what the clients saw."""
    with cluster.runtime.transaction(None) as session:
        data_keys = {str(tenant.id): tenant.data_key for tenant in session.scalars(select(Tenant))}
    with cluster.connect() as connection:
        # One instant: callbacks still come, and a report that is newer than its message would look like a broken promise.
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        found = [rows(connection, query) for query in (INBOUND, OUTBOUND, REPORTS, WORK)]
    return Evidence(
        seed=cluster.seed,
        shops=shown(cluster.shops),
        acked=dict(acked),
        log=log_entries(cluster.log_file),
        inbound=found[0],
        outbound=found[1],
        reports=found[2],
        work=found[3],
        went=watcher.went,
        broken_ledgers=broken_ledgers(cluster.runtime, cluster.shops, data_keys),
        calm_at=calm_at,
        drained_s=drained_s,
        settled_s=settled_s,
    )


def broken_ledgers(runtime: Runtime, shops: Sequence[Shop], data_keys: Mapping[str, str]) -> list[str]:
    """What is wrong with each tenant's ledger: the first break, as words; empty when all of them verify."""
    broken = []
    for shop in shops:
        with runtime.transaction(shop.tenant_id) as session:
            found = _verified(session, runtime, data_keys[str(shop.tenant_id)])
        if found is not None:
            broken.append(found)
    return broken


def _verified(session: TenantSession, runtime: Runtime, data_key: str) -> str | None:
    result = verify(session, runtime.cipher(data_key))
    return None if isinstance(result, Verified) else repr(result)


class Watcher:
    """Looks at the state of every outbound message twice a second, through crashes of the server."""

    def __init__(self, connect: Callable[[], psycopg.Connection[tuple[Any, ...]]]) -> None:
        self._connect = connect
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher")
        self.went: dict[str, list[str]] = {}

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self._connect() as connection:
                    while not self._stop.wait(SAMPLE_S):
                        for message, state in connection.execute(
                            "SELECT id::text, state FROM messages WHERE direction = 'outbound'"
                        ):
                            states = self.went.setdefault(message, [])
                            if not states or states[-1] != state:
                                states.append(state)
            except psycopg.Error:
                self._stop.wait(SAMPLE_S)  # it is being restarted
