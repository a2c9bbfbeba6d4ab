"""When a row may be claimed as a column of its own, and what was said last, by conversation."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # `work` holds what is due, not what was: writing it anew is short.
    op.add_column(
        "work",
        sa.Column(
            "ready_at",
            sa.DateTime(timezone=True),
            sa.Computed("GREATEST(due_at, lease_until)", persisted=True),
            nullable=False,
        ),
    )
    op.drop_index("ix_work_due", table_name="work")
    op.create_index(
        "ix_work_due",
        "work",
        ["queue", "tenant_id", "priority", "ready_at"],
        unique=False,
        postgresql_where=sa.text("quarantined_at IS NULL"),
    )
    op.create_index(
        "ix_messages_said",
        "messages",
        ["tenant_id", "conversation_id", "direction", sa.literal_column("coalesce(drafted_at, created_at)")],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index("ix_messages_said", table_name="messages")
    op.drop_index("ix_work_due", table_name="work")
    op.drop_column("work", "ready_at")
    op.create_index(
        "ix_work_due",
        "work",
        ["queue", "tenant_id", "priority", "due_at"],
        unique=False,
        postgresql_where=sa.text("quarantined_at IS NULL"),
    )
