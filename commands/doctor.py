"""`manage.py doctor`: looks at everything that has to be right and says what is not, one line each."""

from __future__ import annotations

import json
import math
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import click
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import column, func, select, table
from sqlalchemy.exc import SQLAlchemyError

from commands.accounts import current_token
from commands.composition import cipher_of, open_runtime, settings_of_process, tenants
from commands.embedded import FOLDER, is_up
from consent.keywords import TABLE, carrier_word
from consent.ledger import Broken, verify
from consent.models import ConsentEvent
from consent.quiet_hours import RULES, age_warning
from consent.state import EventKind
from consent.words import Verdict, WordContext, judge
from conversations.inbound import CAUSE as BY_WEBHOOK
from conversations.models import Message
from smsbot.clock import SystemClock
from smsbot.crypto import DecryptionFailed
from smsbot.database import TenantSession, UtcDateTime
from smsbot.errors import SmsbotError
from smsbot.events import Event
from smsbot.heartbeats import ages
from smsbot.revision import newest_revision
from smsbot.runtime import Runtime
from smsbot.schema import OLDEST_VERSION, PARTITIONED
from smsbot.servers.redis import running_redis
from smsbot.settings import Settings, assert_timeouts_fit
from smsbot.tenancy import Number, OptOutHandling, Tenant
from smsbot.work import Work

OK, WARN, FAIL = "OK", "WARN", "FAIL"
MONTHS_AHEAD = 3
MOST_SKEW_S, BAD_SKEW_S = 1.0, 5.0  # leases are compared with the database's clock
OLDEST_TABLE = timedelta(days=180)
AOO_LOOKS_BACK = timedelta(days=90)
TOLD_BY_CARRIER, BY_KEYWORD = "twilio_aoo", "sms_keyword"  # methods of an opt-out in the ledger
SILENT_AFTER_S = 15.0
OVERDUE_AFTER = timedelta(seconds=10)
REDIS_TIMEOUT_S = 2.0
# 47 CFR 64.1200(a)(10): these end consent by themselves, whatever the carrier makes of them.
PER_SE_WORDS = ("stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe")
DATED_TABLES = (FOLDER / "consent" / "data", FOLDER / "conversations" / "data", FOLDER / "smsbot" / "gateways" / "data")


# Of the server's own catalogue, what is asked for.
_ROLES = table("pg_roles", column("rolname"), column("rolsuper"), column("rolbypassrls"))
_ROLE_QUERY = select(_ROLES.c.rolname, _ROLES.c.rolsuper, _ROLES.c.rolbypassrls)
_REVISIONS = table("alembic_version", column("version_num"))
_CLASSES = table("pg_class", column("oid"), column("relname"))
_INHERITED = table("pg_inherits", column("inhrelid"), column("inhparent"))


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    level: str
    what: str


@click.command
def command() -> int:
    """Check settings, database, Redis, keys, tables, tenants and processes.

    Prints one line each, beginning with OK, WARN or FAIL. Exits with 0, also when there are WARNs, and with 1 when
    there is a FAIL. It changes nothing, but starts an embedded database for the look when none runs.
    """
    failed = False
    for finding in findings(settings_of_process()):
        failed |= finding.level == FAIL
        click.echo(f"{finding.level:<5}{finding.what}")
    return 1 if failed else 0


def findings(settings: Settings) -> Iterator[Finding]:
    """Everything that was looked at, in a fixed order."""
    yield from _settings(settings)
    yield from _key_files(settings)
    yield from _keywords()
    today = SystemClock().now().date()
    yield from _hours(today)
    yield from _tables(today)
    yield from _redis(settings)
    try:
        with open_runtime(settings) as runtime:
            for check in (_server, _schema, _clock, _work, _processes, _tenants):
                yield from check(runtime)
    except SmsbotError as error:
        yield Finding(FAIL, f"database: {error}")
    except SQLAlchemyError as error:
        yield Finding(FAIL, f"database: {type(error).__name__}")


def _settings(settings: Settings) -> Iterator[Finding]:
    shown = ", ".join(f"{name}={value}" for name, value in settings.describe().items() if value is not None)
    yield Finding(OK, f"settings: {shown}")
    fits = (3, 11) <= sys.version_info[:2] <= (3, 12)
    yield Finding(OK if fits else WARN, f"python: {platform.python_version()}, 3.11 and 3.12 are tested")
    assert_timeouts_fit()
    yield Finding(OK, "timeouts: a call to the carrier ends before its lease, and a STOP outwaits it")
    if settings.smtp_url is None:
        yield Finding(WARN if settings.production else OK, "mail: SMTP_URL is unset, mail is written to the log")
    if not settings.model_configured:
        yield Finding(OK, "model: none configured, the built-in assistant answers")


def _key_files(settings: Settings) -> Iterator[Finding]:
    folder = settings.keys_folder
    open_to_others = [path for path in (folder, *folder.glob("*")) if path.exists() and path.stat().st_mode & 0o077]
    for path in open_to_others:
        yield Finding(FAIL, f"keys: {path} can be read by others: chmod {'700' if path.is_dir() else '600'} it")
    if not open_to_others:
        yield Finding(OK, f"keys: {folder} is closed to others" if folder.exists() else "keys: none are kept here")


def _keywords() -> Iterator[Finding]:
    """Whether our own reading ends consent wherever the law or the carrier does."""
    missed = [word for word in PER_SE_WORDS if judge(word, WordContext.ACTIVE).verdict is not Verdict.OPT_OUT]
    if missed:
        yield Finding(FAIL, f"keywords: not read as an opt-out: {', '.join(missed)}")
    else:
        yield Finding(OK, f"keywords: all {len(PER_SE_WORDS)} words of 47 CFR 64.1200(a)(10) end consent")
    yield from _parity()
    unknown = [word for word in PER_SE_WORDS if carrier_word(word, "long_code") is None]
    if unknown:
        yield Finding(
            OK,
            f"keywords: on long codes the carrier itself does not act on {', '.join(unknown)}: we confirm those"
            " ourselves, and its list of opt-outs is shorter than ours",
        )


def _parity() -> Iterator[Finding]:
    """Whether every word on which the carrier acts by itself means the same to us; else both part at that word."""
    theirs = TABLE["twilio_long_code_default"]
    pairs = (("opt_out", Verdict.OPT_OUT, WordContext.ACTIVE), ("help", Verdict.HELP, WordContext.ACTIVE))
    apart = [word for use, verdict, context in pairs for word in theirs[use] if judge(word, context).verdict != verdict]
    apart += [
        word
        for word in TABLE["twilio_toll_free"]["opt_in"]
        if judge(word, WordContext.OPTED_OUT).verdict is not Verdict.OPT_IN
    ]
    if apart:
        yield Finding(FAIL, f"keywords: the carrier acts on {', '.join(apart)}, and we read something else")
        return
    count = sum(len(theirs[use]) for use, _, _ in pairs) + len(TABLE["twilio_toll_free"]["opt_in"])
    yield Finding(OK, f"keywords: {count} words on which the carrier acts by itself mean the same to us")
    lifted = [word for word in theirs["opt_in"] if judge(word, WordContext.OPTED_OUT).verdict is not Verdict.OPT_IN]
    if lifted:
        yield Finding(
            OK,
            f"keywords: {', '.join(lifted)} lifts the carrier's block on long codes and ends no opt-out of ours:"
            " START does both",
        )


def _hours(today: date) -> Iterator[Finding]:
    """The age of the hours in which may be sent, in the words that operators act on (C-093)."""
    warning = age_warning(RULES, today)
    age_days = (today - RULES.generated).days
    yield Finding(
        WARN if warning else OK, f"hours: {warning or f'version {RULES.version} of the table, {age_days} days old'}"
    )


def _tables(today: date) -> Iterator[Finding]:
    """The age of the tables that follow laws and providers' pages."""
    for folder in DATED_TABLES:
        for path in sorted(folder.glob("*.json")):
            made = _made(path)
            if made is None:
                continue
            age = today - made
            level = WARN if age > OLDEST_TABLE else OK
            yield Finding(level, f"table {path.relative_to(FOLDER)}: of {made}, {age.days} days old")


def _made(path: Path) -> date | None:
    """When a table was drawn up, by its own word; None for one that does not say."""
    stored = json.loads(path.read_text(encoding="utf-8"))
    meta = stored.get("meta") if isinstance(stored, dict) else None
    written = meta.get("generated") if isinstance(meta, dict) else None
    return date.fromisoformat(written[:10]) if isinstance(written, str) else None


def _redis(settings: Settings) -> Iterator[Finding]:
    url = settings.redis_url
    if url is None:
        try:
            server = running_redis(settings.home.resolve())
        except SmsbotError as error:
            yield Finding(FAIL, f"redis: {error}")
            return
        url = server.url if server else None
    if url is None:
        level = WARN if is_up(settings.home.resolve()) else OK
        yield Finding(level, "redis: none runs, due work is found each second instead of at once")
        return
    try:
        client = Redis.from_url(url, socket_timeout=REDIS_TIMEOUT_S, socket_connect_timeout=REDIS_TIMEOUT_S)
        version = str(client.info("server")["redis_version"])
        client.close()
    except (RedisError, OSError) as error:
        yield Finding(FAIL, f"redis: no answer ({type(error).__name__}): check REDIS_URL")
        return
    yield Finding(OK, f"redis: {version}")


def _server(runtime: Runtime) -> Iterator[Finding]:
    with runtime.transaction(None) as session:
        number = int(session.scalars(select(func.current_setting("server_version_num"))).one())
        version = session.scalars(select(func.current_setting("server_version"))).one()
        role = session.execute(_ROLE_QUERY.where(_ROLES.c.rolname == func.current_user())).one()
        login = session.execute(_ROLE_QUERY.where(_ROLES.c.rolname == func.session_user())).one()
    yield Finding(OK if number >= OLDEST_VERSION else FAIL, f"postgresql: {version}")
    if role.rolsuper or role.rolbypassrls:
        yield Finding(FAIL, f"database role: {role.rolname} passes row-level security: use one that does not")
    elif login.rolsuper or login.rolbypassrls:
        yield Finding(
            WARN,
            f"database role: logs in as {login.rolname}, which passes row-level security, and drops to {role.rolname}",
        )
    else:
        yield Finding(OK, f"database role: {role.rolname}, no superuser, bound by row-level security")


def _schema(runtime: Runtime) -> Iterator[Finding]:
    with runtime.transaction(None) as session:
        revision = session.scalars(select(_REVISIONS.c.version_num)).first()
        if revision != newest_revision():
            yield Finding(FAIL, f"migrations: the database is at {revision or 'nothing'}: run manage.py migrate")
            return
        yield Finding(OK, f"migrations: current, {revision}")
        today = session.scalars(select(func.current_date())).one()
        for parent in PARTITIONED:
            names = set(
                session.scalars(
                    select(_CLASSES.c.relname)
                    .join(_INHERITED, _INHERITED.c.inhrelid == _CLASSES.c.oid)
                    .where(_INHERITED.c.inhparent == func.to_regclass(parent))
                )
            )
            last, missing = _months(parent, names, today)
            yield Finding(
                FAIL if missing else OK,
                f"partitions of {parent}: until {last}" + (": run manage.py migrate to make more" if missing else ""),
            )


def _months(parent: str, names: set[str], today: date) -> tuple[str, bool]:
    """The last month that has a partition, and whether one of this and the next three months has none."""
    months = [divmod(today.year * 12 + today.month - 1 + ahead, 12) for ahead in range(MONTHS_AHEAD + 1)]
    wanted = {f"{parent}_y{year}m{month + 1:02}" for year, month in months}
    last = max((name.removeprefix(f"{parent}_y") for name in names if "_y20" in name), default="nothing")
    return last.replace("m", "-"), bool(wanted - names)


def _clock(runtime: Runtime) -> Iterator[Finding]:
    with runtime.transaction(None) as session:
        session.scalars(select(func.current_date())).one()  # the connection is there before the clocks are read
        before = runtime.clock.now()
        theirs = session.scalars(select(func.clock_timestamp(type_=UtcDateTime()))).one()
        after = runtime.clock.now()
    skew_s = abs((theirs - (before + (after - before) / 2)).total_seconds())
    level = OK if skew_s <= MOST_SKEW_S else WARN if skew_s <= BAD_SKEW_S else FAIL
    yield Finding(level, f"clock: {skew_s:.3f} s from the database's")


def _work(runtime: Runtime) -> Iterator[Finding]:
    now = runtime.clock.now()
    with runtime.transaction(None) as session:
        oldest = session.scalar(
            select(func.min(Work.due_at)).where(
                Work.quarantined_at.is_(None), Work.lease_until.is_(None) | (Work.lease_until < now)
            )
        )
        quarantined = session.scalar(select(func.count()).select_from(Work).where(Work.quarantined_at.is_not(None)))
    waits = now - oldest if oldest is not None else timedelta()
    yield Finding(
        WARN if waits > OVERDUE_AFTER else OK, f"work: the oldest due row waits {max(0.0, waits.total_seconds()):.0f} s"
    )
    if quarantined:
        yield Finding(WARN, f"work: {quarantined} rows failed too often and were put aside")


def _processes(runtime: Runtime) -> Iterator[Finding]:
    for kind, age_s in ages(runtime).items():
        if math.isinf(age_s):
            yield Finding(WARN, f"{kind}: has never run")
        elif age_s > SILENT_AFTER_S:
            yield Finding(WARN, f"{kind}: no sign of life for {age_s:.0f} s")
        else:
            yield Finding(OK, f"{kind}: alive")


def _tenants(runtime: Runtime) -> Iterator[Finding]:
    known = tenants(runtime)
    if not known:
        yield Finding(WARN, "tenants: none, add one with manage.py tenant add")
    for tenant in known:
        for finding in _tenant(runtime, tenant):
            yield Finding(finding.level, f"tenant {tenant.id} ({tenant.name}): {finding.what}")


def _tenant(runtime: Runtime, tenant: Tenant) -> Iterator[Finding]:
    with runtime.transaction(tenant.id) as session:
        try:
            credentials = current_token(session, cipher_of(runtime, tenant))
        except DecryptionFailed:
            yield Finding(FAIL, "its credentials cannot be decrypted: put the ENCRYPTION_KEYS back that made them")
            return
        if credentials is None:
            yield Finding(FAIL, "no carrier credentials, nothing can be sent: run manage.py credentials set")
        else:
            yield Finding(OK, "credentials are set")
        heard = session.execute(
            select(Event.id)
            .where(Event.tenant_id == tenant.id, Event.kind == "message.received", Event.cause == BY_WEBHOOK)
            .limit(1)
        ).first()
        numbers = session.scalars(select(Number).where(Number.tenant_id == tenant.id)).all()
    if heard is None:
        yield Finding(WARN, "no webhook has been verified yet")
    else:
        yield Finding(OK, "webhooks arrive, and their signature verifies")
    if not numbers:
        yield Finding(FAIL, "no number: run manage.py number add")
    now = runtime.clock.now()
    for number in numbers:
        yield from _number(number)
        with runtime.transaction(tenant.id) as session:
            yield from _advanced_opt_out(session, number, now)
    with runtime.transaction(tenant.id) as session:
        ledger = verify(session, cipher_of(runtime, tenant))
    if isinstance(ledger, Broken):
        yield Finding(FAIL, f"the ledger is broken: run manage.py consent verify --tenant {tenant.id}")
    else:
        yield Finding(OK, f"the ledger verifies: {ledger.events} events, {ledger.seals} seals")


def _number(number: Number) -> Iterator[Finding]:
    ending = f"number ending in {number.number[-2:]}"
    match number.opt_out_handling:
        case OptOutHandling.ADVANCED if number.messaging_service_sid is None:
            yield Finding(WARN, f"{ending}: Advanced Opt-Out needs a Messaging Service, and none is set")
        case OptOutHandling.OURS:
            yield Finding(OK, f"{ending}: we answer STOP, HELP and START; switch the carrier's handling off")
        case handling:
            yield Finding(OK, f"{ending}: the carrier answers STOP, HELP and START ({handling.value})")
    if number.paused_until is not None and number.pause_code is not None:
        yield Finding(WARN, f"{ending}: was paused for the carrier's error {number.pause_code}")


def _advanced_opt_out(session: TenantSession, number: Number, now: datetime) -> Iterator[Finding]:
    """Whether Advanced Opt-Out is as it is set here, by what came with the STOPs of the last 90 days (OptOutType)."""
    told, untold = session.execute(
        select(
            func.count().filter(ConsentEvent.method == TOLD_BY_CARRIER),
            func.count().filter(ConsentEvent.method == BY_KEYWORD),
        )
        .join(Message, (Message.tenant_id == ConsentEvent.tenant_id) & (Message.id == ConsentEvent.message_id))
        .where(
            ConsentEvent.tenant_id == number.tenant_id,
            ConsentEvent.kind == EventKind.OPT_OUT,
            ConsentEvent.recorded_at > now - AOO_LOOKS_BACK,
            Message.number_id == number.id,
        )
    ).one()
    ending = f"number ending in {number.number[-2:]}"
    advanced = number.opt_out_handling is OptOutHandling.ADVANCED
    if told and not advanced:
        yield Finding(
            WARN,
            f"{ending}: the carrier names opt-outs itself ({told} times), so Advanced Opt-Out is on: set it with"
            " manage.py number set --opt-out advanced",
        )
    elif advanced and untold and not told:
        yield Finding(
            WARN,
            f"{ending}: {untold} opt-outs came without the carrier's word for them: is Advanced Opt-Out on for its"
            " Messaging Service?",
        )
    elif advanced:
        yield Finding(
            OK,
            f"{ending}: Advanced Opt-Out answers by itself; its blocked numbers can be neither listed nor changed from"
            " here, a refused text (21610) shows them",
        )
