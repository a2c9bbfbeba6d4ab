"""`manage.py leads import`: what a list of people would do, and having it taken in by the background worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import click

from commands.composition import open_runtime, tenant_named
from commands.options import Line, say, tenant_option
from conversations.imports import ListFile, Preview, bring, counted, import_at, preview
from conversations.list_rows import SHARED
from conversations.sheets import LARGEST_FILE
from smsbot.actor import SYSTEM
from smsbot.errors import InvalidInput

LONGEST_SOURCE = 60
MOST_ERRORS_SAID = 1_000


class Pair(click.ParamType[tuple[str, str]]):
    """`name=value`, as in column=field."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        left, sign, right = str(value).rpartition("=")
        if not sign or not left.strip():
            self.fail("give a name, an equals sign and a value", param, ctx)
        return left.strip(), right.strip()


class Evidence(Pair):
    """`name=value` where only the first equals sign divides: an address may hold more of them."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        left, sign, right = str(value).partition("=")
        if not sign or left.strip() not in SHARED:
            self.fail(f"give one of {', '.join(SHARED)}, an equals sign and a value", param, ctx)
        return left.strip(), right.strip()


@click.group
def command() -> None:
    """Take in lists of people."""


@command.command("import")
@tenant_option
@click.option("--file", "path", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True,
              help="A CSV file whose first row names the columns.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say what would happen and write nothing.")
@click.option("--mapping", type=Pair(), multiple=True, help="COLUMN=FIELD; COLUMN= leaves it out. May be repeated.")
@click.option("--source", type=Line(LONGEST_SOURCE), help="Where the people come from, unless a row says so.")
@click.option("--evidence", type=Evidence(), multiple=True,
              help="FIELD=VALUE that every row has which says nothing else, as in document=open-house-sheet-4.")  # fmt: skip
def take_in(
    tenant_id: UUID,
    path: Path,
    dry_run: bool,
    mapping: tuple[tuple[str, str], ...],
    source: str | None,
    evidence: tuple[tuple[str, str], ...],
) -> None:
    """Print what the list does, as JSON, and have a worker take it in. A file that was taken in before changes nothing.

    Nobody is texted. A row without evidence of its consent becomes a lead that is never texted automatically.
    """
    if path.stat().st_size > LARGEST_FILE:
        raise InvalidInput("file", f"--file: the file may have at most {LARGEST_FILE // 1024 // 1024} MB: divide it")
    shared = {**dict(evidence), **({"source": source} if source else {})}
    file = ListFile(path.name, path.read_bytes(), dict(mapping), shared)
    with open_runtime() as runtime:
        tenant_named(runtime, tenant_id)
        if dry_run:
            say({"dry_run": True, **_shown(preview(runtime, tenant_id, file, actor=SYSTEM))})
            return
        brought = bring(runtime, tenant_id, SYSTEM, file)
        with runtime.transaction(tenant_id) as session:
            found = import_at(session, brought.id, actor=SYSTEM)
    if brought.seen is None:
        say({"import_id": brought.id, "repeated": True, "done_rows": found.done_rows, "counts": counted(found.counts)})
        click.echo("this very file was taken in before: nothing was changed", err=True)
        return
    say({"import_id": brought.id, "repeated": False, **_shown(brought.seen)})


def _shown(seen: Preview) -> dict[str, Any]:
    return {
        "rows": seen.rows,
        "columns": dict(seen.columns),
        "counts": counted(seen.counts),
        "errors": [
            {"row": row, "field": name, "what_to_do": advice} for row, name, advice in seen.errors[:MOST_ERRORS_SAID]
        ],
    }
