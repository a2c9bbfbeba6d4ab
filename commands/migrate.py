"""`manage.py migrate`: roles, database and newest schema; an embedded server is started for it when none runs."""

from __future__ import annotations

import click
from sqlalchemy.exc import OperationalError

from commands.composition import ready_embedded_database, settings_of_process, turn
from smsbot.errors import ConfigurationError
from smsbot.revision import newest_revision
from smsbot.schema import upgrade
from smsbot.servers.postgres import start_postgres, stop_postgres
from smsbot.settings import Settings, sqlalchemy_url


@click.command
def command() -> None:
    """Bring the database to the newest schema; may be run again at any time.

    DATABASE_URL must log in as the owner of the schema for this.
    """
    migrate(settings_of_process())
    click.echo(f"the database is at {newest_revision()}")


def migrate(settings: Settings) -> None:
    """Roles, database and schema. ConfigurationError when the server does not answer or the login may not."""
    if settings.database_url is not None:
        try:
            upgrade(sqlalchemy_url(settings.database_url))
        except OperationalError as error:
            raise ConfigurationError("the database does not answer: check DATABASE_URL and the server") from error
        return
    home = settings.home.resolve()
    with turn(home):
        server, process = start_postgres(home)
        try:
            ready_embedded_database(server, home)
        finally:
            if process is not None:
                stop_postgres(home)
                process.wait()
