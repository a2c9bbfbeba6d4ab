"""What is in the ledger stays: refused by grants to the application, by triggers to the owner as well."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from tests.conftest import Database
from tests.ledger.chains import Chains

CHANGES = {
    "consent_events": (
        "UPDATE consent_events SET kind = 'start'",
        "UPDATE consent_events SET kind = kind",
        "DELETE FROM consent_events",
        "TRUNCATE consent_events CASCADE",
        "TRUNCATE contacts CASCADE",
        "MERGE INTO consent_events e USING (SELECT 1) x ON true WHEN MATCHED THEN DELETE",
        "INSERT INTO consent_events SELECT * FROM consent_events ON CONFLICT (id) DO UPDATE SET kind = 'start'",
    ),
    "ledger_heads": (
        "UPDATE ledger_heads SET ends = '[]'",
        "DELETE FROM ledger_heads",
        "TRUNCATE ledger_heads",
        "TRUNCATE tenants CASCADE",
    ),
    "ledger_nodes": (
        "UPDATE ledger_nodes SET content = place",
        "DELETE FROM ledger_nodes",
        "TRUNCATE ledger_nodes",
    ),
}


@pytest.mark.parametrize("login", ["app", "owner"])
@pytest.mark.parametrize("statement", [s for statements in CHANGES.values() for s in statements])
def test_nobody_changes_removes_or_empties_the_ledger(
    sealed: Chains, database: Database, login: str, statement: str
) -> None:
    url = database.app_url if login == "app" else database.owner_url
    with psycopg.connect(url) as connection:
        connection.execute("SELECT set_config('app.tenant', %s, true)", (str(sealed.tenant.id),))
        seen = connection.execute("SELECT count(*) FROM consent_events").fetchone()

        with pytest.raises(InsufficientPrivilege):
            connection.execute(statement)

    assert seen == (10,), "the refusal means nothing when there is nothing to change"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE consent_evidence SET content = salt",
        "UPDATE decisions SET outcome = 'allow'",
        "DELETE FROM decisions",
        "UPDATE events SET kind = 'nothing'",
        "DELETE FROM events",
        "UPDATE message_events SET status = 'sent'",
        "DELETE FROM message_events",
        "TRUNCATE work",
        "TRUNCATE messages CASCADE",
        "DELETE FROM contacts WHERE id IN (SELECT contact_id FROM consent_events)",
    ],
)
def test_the_application_rewrites_no_record_of_what_happened(
    sealed: Chains, database: Database, statement: str
) -> None:
    with psycopg.connect(database.app_url) as connection:
        connection.execute("SELECT set_config('app.tenant', %s, true)", (str(sealed.tenant.id),))

        with pytest.raises((InsufficientPrivilege, psycopg.errors.ForeignKeyViolation)):
            connection.execute(statement)
