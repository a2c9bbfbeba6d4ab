"""What a decision rests on beside the ledger, forms with their disclosures, keywords, imports, suppressions.

Seals bind a tree from here on. Every contact counts as not sealed, so that the next seals put all of them into it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = ("policy_settings", "forms", "disclosures", "suppressions", "keyword_routes", "lead_imports", "ledger_nodes")
APPEND_ONLY = ("policy_settings", "disclosures", "ledger_nodes")
CONTACT_COLUMNS = (
    ("declared_zone", sa.String(length=64)),
    ("postal_code", sa.String(length=12)),
    ("region", sa.String(length=3)),
    ("hours", postgresql.JSONB(astext_type=sa.Text())),
    ("line_type", sa.String(length=20)),
    ("line_type_at", sa.DateTime(timezone=True)),
)


def _json(name: str, *, default: str | None = None) -> sa.Column:
    server_default = None if default is None else sa.text(f"'{default}'::jsonb")
    return sa.Column(name, postgresql.JSONB(astext_type=sa.Text()), server_default=server_default, nullable=False)


def _time(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, length: int) -> sa.Column:
    return sa.Column(name, sa.String(length=length), nullable=False)


def _id(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def _tenant(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f(f"fk_{table}_tenant_id"))


def _refers(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{other}.tenant_id", f"{other}.id"],
        name=op.f(f"fk_{table}_tenant_id_{column}"),
    )


def _keys(table: str) -> tuple[sa.Constraint, ...]:
    return (
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f(f"uq_{table}_tenant_id_id")),
    )


def upgrade() -> None:
    for name, kind in CONTACT_COLUMNS:
        op.add_column("contacts", sa.Column(name, kind, nullable=True))
    op.create_table(
        "policy_settings",
        _id("id"),
        _id("tenant_id"),
        _text("name", 40),
        sa.Column("subject", sa.String(length=20), server_default=sa.text("''"), nullable=False),
        _json("value"),
        _time("effective_from"),
        _time("set_at"),
        _text("actor_kind", 20),
        _id("actor_id", nullable=True),
        _tenant("policy_settings"),
        *_keys("policy_settings"),
    )
    op.create_index(
        "ix_policy_settings_current",
        "policy_settings",
        ["tenant_id", "name", "subject", "effective_from"],
        unique=False,
    )
    op.create_table(
        "forms",
        _id("id"),
        _id("tenant_id"),
        _text("token", 60),
        _text("title", 120),
        _text("source", 60),
        _id("number_id"),
        _text("language", 8),
        _json("purposes"),
        sa.Column("double_opt_in", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        _json("origins", default="[]"),
        _text("draft", 5000),
        _time("created_at"),
        _time("closed_at", nullable=True),
        _tenant("forms"),
        _refers("forms", "number_id", "numbers"),
        *_keys("forms"),
    )
    op.create_table(
        "disclosures",
        _id("id"),
        _id("tenant_id"),
        _id("form_id"),
        sa.Column("version", sa.Integer(), nullable=False),
        _text("language", 8),
        _json("purposes"),
        _text("brand", 60),
        _text("text", 5000),
        _text("sha256", 64),
        sa.Column("double_opt_in", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        _time("published_at"),
        _id("published_by", nullable=True),
        _tenant("disclosures"),
        _refers("disclosures", "form_id", "forms"),
        *_keys("disclosures"),
        sa.UniqueConstraint("tenant_id", "form_id", "version", name=op.f("uq_disclosures_tenant_id_form_id_version")),
    )
    op.create_table(
        "suppressions",
        _id("tenant_id"),
        sa.Column("address_hmac", sa.LargeBinary(), nullable=False),
        _text("key_id", 16),
        _time("since"),
        _text("reason", 30),
        _text("scope", 20),
        _tenant("suppressions"),
        sa.PrimaryKeyConstraint("tenant_id", "address_hmac", name=op.f("pk_suppressions")),
    )
    op.create_table(
        "keyword_routes",
        _id("id"),
        _id("tenant_id"),
        _text("word", 40),
        _text("source", 60),
        _json("fields", default="{}"),
        _time("created_at"),
        _tenant("keyword_routes"),
        *_keys("keyword_routes"),
        sa.UniqueConstraint("tenant_id", "word", name=op.f("uq_keyword_routes_tenant_id_word")),
    )
    op.create_table(
        "lead_imports",
        _id("id"),
        _id("tenant_id"),
        _id("agent_id", nullable=True),
        _text("file_name", 200),
        _text("file_sha256", 64),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        _json("mapping"),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("done_rows", sa.Integer(), server_default=sa.text("0"), nullable=False),
        _json("counts", default="{}"),
        _json("errors", default="[]"),
        _time("created_at"),
        _time("finished_at", nullable=True),
        _tenant("lead_imports"),
        _refers("lead_imports", "agent_id", "agents"),
        *_keys("lead_imports"),
        sa.UniqueConstraint("tenant_id", "file_sha256", name=op.f("uq_lead_imports_tenant_id_file_sha256")),
    )
    op.add_column("ledger_heads", sa.Column("version", sa.SmallInteger(), server_default=sa.text("1"), nullable=False))
    op.add_column("ledger_heads", sa.Column("root", sa.LargeBinary(), nullable=True))
    op.create_table(
        "ledger_nodes",
        _id("tenant_id"),
        sa.Column("place", sa.LargeBinary(), nullable=False),
        sa.Column("seal", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        _tenant("ledger_nodes"),
        sa.PrimaryKeyConstraint("tenant_id", "place", "seal", name=op.f("pk_ledger_nodes")),
    )
    # The owner sees no tenant's rows while the policy is forced on him.
    op.execute("ALTER TABLE contacts NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE contacts SET sealed_seq = 0 WHERE sealed_seq > 0")
    op.execute("ALTER TABLE contacts FORCE ROW LEVEL SECURITY")
    for statement in _security():
        op.execute(statement)


def _security() -> list[str]:
    statements = []
    for table in TABLES:
        statements += [
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY tenant ON {table} USING (tenant_id = app_tenant()) WITH CHECK (tenant_id = app_tenant())",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO smsbot_app",
            f"GRANT SELECT ON {table} TO smsbot_backup",
        ]
    # What somebody chose, and what somebody was shown, stays what it was.
    for table in APPEND_ONLY:
        statements += [
            f"REVOKE UPDATE, DELETE ON {table} FROM smsbot_app",
            f"CREATE TRIGGER no_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()",
            f"CREATE TRIGGER no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
        ]
    return statements


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    for name in ("version", "root"):
        op.drop_column("ledger_heads", name)
    for name, _ in CONTACT_COLUMNS:
        op.drop_column("contacts", name)
