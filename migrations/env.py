"""How Alembic finds the models and the connection; always online, always as the owner."""

from alembic import context
from sqlalchemy import text

import consent.models
import conversations.models
import smsbot.events
import smsbot.tenancy
import smsbot.work
from smsbot.database import Base

MODELS = (consent.models, conversations.models, smsbot.events, smsbot.tenancy, smsbot.work)


def is_ours(object_, name, type_, reflected, compare_to):
    """Monthly partitions belong to their parent and are not models."""
    return not (type_ == "table" and reflected and compare_to is None and "_y20" in (name or ""))


connection = context.config.attributes["connection"]
connection.execute(text("SET lock_timeout = '5s'"))
connection.commit()
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    include_object=is_ours,
    compare_server_default=False,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
