"""`manage.py demo`: two businesses with staff, facts, leads and a past, whose carrier is the simulator."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import click
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from commands.accounts import current_token, refuse_sharing, set_credential
from commands.composition import cipher_of, open_runtime, settings_of_process
from commands.demo_history import play
from commands.migrate import migrate
from commands.staff import add_agent
from consent.purposes import Purpose
from conversations import forms
from smsbot.actor import SYSTEM, Role
from smsbot.database import TenantSession
from smsbot.errors import ConfigurationError
from smsbot.phone import national
from smsbot.runtime import Runtime
from smsbot.servers.files import held, private_folder, write_private
from smsbot.tenancy import Agent, CredentialKind, Fact, Login, Number, Tenant

DATA = Path(__file__).parent / "data"
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PASSWORD_BYTES = 12
TURN_TIMEOUT_S = 60.0
CAUSE = "demo"

Written = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """A demo tenant as it is printed: its name, number, and who signs in with what."""

    name: str
    number: str
    logins: Sequence[tuple[str, str, str]]  # e-mail, password, role


@click.command
@click.option(
    "--accounts",
    "accounts_file",
    type=click.Path(path_type=Path, dir_okay=False),
    hidden=True,
    help="Also write the demo accounts there, as the simulator takes them.",
)
@click.option("--migrate", "migrates", is_flag=True, hidden=True, help="Bring the database to the newest schema first.")
@click.option("--without-history", is_flag=True, help="Make the businesses and their staff only: no leads, no past.")
def command(accounts_file: Path | None, migrates: bool, without_history: bool) -> None:
    """Make the demo tenants with a week of leads, or bring their facts up to date; prints who can sign in.

    May be run again at any time. Their carrier is the simulator, which `up` starts; never in production.
    """
    settings = settings_of_process()
    if settings.production:
        raise ConfigurationError("the demo tenants have no place in production: unset SMSBOT_ENV")
    if migrates:
        migrate(settings)
    with open_runtime(settings) as runtime:
        shown, accounts = make_demo(runtime, with_history=not without_history)
    if accounts_file is not None:
        write_private(accounts_file, json.dumps(accounts) + "\n")
    for tenant in shown:
        click.echo(f"{tenant.name}, {national(tenant.number)}")
        for email, password, role in tenant.logins:
            click.echo(f"  {email:<24} {password:<20} {role}")


def make_demo(runtime: Runtime, *, with_history: bool = True) -> tuple[list[Shown], list[dict[str, Any]]]:
    """The demo as it stands now, and its accounts as `POST /sim/accounts` takes them."""
    businesses = _stored("demo.json")["tenants"]
    weeks = _stored("demo_week.json")["weeks"] if with_history else {}
    home = runtime.settings.home.resolve()
    private_folder(home / "run")
    shown, accounts = [], []
    with held(home / "run" / "demo.lock", TURN_TIMEOUT_S, "another command makes the demo: try again"):
        passwords = _Passwords(home / "keys" / "demo_logins")
        for written in businesses:
            tenant, number = _business(runtime, written, passwords)
            if with_history:
                play(
                    runtime,
                    tenant,
                    number,
                    weeks[written["name"]],
                    closed_on=frozenset(range(len(WEEK))) - {day for day, _, _ in _opening(written["hours"])},
                    keep_facts=partial(_keep_facts, written=written),
                )
            with runtime.transaction(tenant.id) as session:
                _keep_facts(session, runtime.clock.now(), written=written)
            _keep_form(runtime, tenant, number, written["form"])
            logins = [(one["email"], passwords.of(one["email"]), one["role"]) for one in written["staff"]]
            shown.append(Shown(tenant.name, number.number, logins))
            accounts.append(_account(runtime, tenant))
    return shown, accounts


def _stored(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / name).read_text(encoding="utf-8"))
    return found


class _Passwords:
    """The demo logins' passwords: made once, kept in a file that only its owner reads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def of(self, email: str) -> str:
        if email not in self._known:
            self._known[email] = secrets.token_urlsafe(PASSWORD_BYTES)
            private_folder(self._path.parent)
            write_private(self._path, json.dumps(self._known, indent=1) + "\n")
        return self._known[email]


def _business(runtime: Runtime, written: Written, passwords: _Passwords) -> tuple[Tenant, Number]:
    """The tenant with number, credentials, staff and facts; what is there already is kept, but for its facts."""
    tenant_id = _known(runtime, written)
    made = tenant_id is None
    if tenant_id is None:
        refuse_sharing(runtime, None, numbers=[written["number"]], accounts=[written["account_sid"]])
        tenant_id = uuid4()
        with runtime.transaction(tenant_id) as session:
            _add_tenant(runtime, session, tenant_id, written)
    with runtime.transaction(tenant_id) as session:
        for one in written["staff"]:
            _keep_login(session, one, passwords.of(one["email"]))
        if made:
            _keep_facts(session, runtime.clock.now(), written=written)
        tenant = session.get_one(Tenant, tenant_id)
        number = session.scalars(
            select(Number).where(Number.tenant_id == tenant_id, Number.number == written["number"])
        ).one()
    return tenant, number


def _known(runtime: Runtime, written: Written) -> UUID | None:
    with runtime.transaction(None) as session:
        return session.scalars(select(Tenant.id).where(Tenant.demo, Tenant.name == written["name"])).first()


def _add_tenant(runtime: Runtime, session: TenantSession, tenant_id: UUID, written: Written) -> None:
    data_key = runtime.keyring.new_data_key()
    session.add(
        Tenant(
            id=tenant_id,
            name=written["name"],
            brand=written["name"],
            zone=written["zone"],
            vertical=written["vertical"],
            help_phone=written["help_phone"],
            help_email=written["help_email"],
            secure_url=written["secure_url"],
            languages=written["languages"],
            data_key=data_key,
            demo=True,
        )
    )
    session.flush()
    session.add(Number(id=uuid4(), tenant_id=tenant_id, number=written["number"]))
    set_credential(
        session,
        runtime.cipher(data_key),
        account_sid=written["account_sid"],
        secret=secrets.token_hex(16),
        kind=CredentialKind.AUTH_TOKEN,
    )


def _keep_login(session: TenantSession, written: Written, password: str) -> None:
    known = session.execute(
        select(Agent.id)
        .join(Login, Login.id == Agent.login_id)
        .where(Agent.tenant_id == session.tenant_id, Login.email == written["email"])
    ).first()
    if known is None:
        add_agent(session, email=written["email"], name=written["name"], role=Role(written["role"]), password=password)


def _keep_form(runtime: Runtime, tenant: Tenant, number: Number, written: Written) -> None:
    """One published form with the usual words, unless there is any."""
    with runtime.transaction(tenant.id) as session:
        if forms.forms_of(runtime, session, SYSTEM):
            return
    draft = forms.Draft(
        title=written["title"],
        source="website",
        number_id=number.id,
        language="en",
        purposes=tuple(Purpose(purpose) for purpose in written["purposes"]),
        double_opt_in=written.get("double_opt_in", False),
        origins=tuple(written["origins"]),
    )
    form_id = forms.create(runtime, tenant.id, SYSTEM, draft, cause=CAUSE)
    with suppress(forms.NotPublishable):  # without https its privacy page has no address to be named: it stays a draft
        forms.publish(runtime, tenant.id, SYSTEM, form_id, cause=CAUSE)


def _keep_facts(session: TenantSession, now: datetime, *, written: Written) -> None:
    """The facts as of `now`: a listing that is a day old would not be quoted any more."""
    for kind, ref, content in _facts(written, now):
        statement = insert(Fact).values(
            id=uuid4(), tenant_id=session.tenant_id, kind=kind, ref=ref, content=content, as_of=now
        )
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["tenant_id", "kind", "ref"], set_={"content": content, "as_of": now}
            )
        )


def _facts(written: Written, now: datetime) -> list[tuple[str, str, dict[str, Any]]]:
    facts: list[tuple[str, str, dict[str, Any]]] = [
        ("address", "main", {"text": written["address"]}),
        ("city", "main", {"text": written["city"]}),
    ]
    for weekday, opens, closes in _opening(written["hours"]):
        facts.append(("hours", WEEK[weekday], {"weekday": weekday, "opens": opens, "closes": closes}))
    for one in written["staff"]:
        if one["role"] == Role.AGENT:
            facts.append(("staff", one["email"], {"name": one["name"]}))
    for item in written["items"]:
        details = {**item.get("details", {}), **_open_house(item.get("open_house"), ZoneInfo(written["zone"]), now)}
        content = {"title": item["title"], "status": item["status"], "price": item.get("price"), "details": details}
        facts.append((item["kind"], item["ref"], content))
    for answer in written["answers"]:
        facts.append(("answer", answer["ref"], {"keywords": answer["keywords"], "answer": answer["answer"]}))
    return facts


def _opening(hours: Mapping[str, str]) -> list[tuple[int, str, str]]:
    """(weekday, opens, closes) from {"mon-fri": "09:00-18:00", "sun": "closed"}."""
    found = []
    for days, span in hours.items():
        if span == "closed":
            continue
        first, _, last = days.partition("-")
        opens, _, closes = span.partition("-")
        found += [(day, opens, closes) for day in range(WEEK.index(first), WEEK.index(last or first) + 1)]
    return found


def _open_house(written: Written | None, zone: ZoneInfo, now: datetime) -> dict[str, str]:
    """The next one from now on, as an item's details."""
    if written is None:
        return {}
    day = now.astimezone(zone).date()
    days = (written["weekday"] - day.weekday()) % len(WEEK) or len(WEEK)
    start, end = (
        datetime.combine(day + timedelta(days=days), time.fromisoformat(written[edge]), tzinfo=zone).isoformat()
        for edge in ("start", "end")
    )
    return {"open_house_start": start, "open_house_end": end}


def _account(runtime: Runtime, tenant: Tenant) -> dict[str, Any]:
    """The tenant's account as the simulator knows it."""
    with runtime.transaction(tenant.id) as session:
        credentials = current_token(session, cipher_of(runtime, tenant))
        numbers = session.scalars(select(Number).where(Number.tenant_id == tenant.id)).all()
    if credentials is None:
        raise ConfigurationError(f"the demo tenant {tenant.name} has no credentials: run credentials set")
    return {
        "sid": credentials[0],
        "token": credentials[1],
        "name": tenant.name,
        "numbers": [
            {
                "number": number.number,
                "type": number.sender_type.value,
                "opt_out": number.opt_out_handling.value,
                **({"messaging_service": number.messaging_service_sid} if number.messaging_service_sid else {}),
            }
            for number in numbers
        ],
    }
