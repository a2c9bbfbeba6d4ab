"""`manage.py explain`: why a message was sent, deferred or blocked, in sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import click
from sqlalchemy import select

from commands.composition import open_runtime, tenants
from consent.models import ConsentEvent, DecisionRow, Permit
from conversations.explaining import because
from conversations.models import Direction, Message, MessageEvent, State, Trace
from privacy.replay import replays_of, sentence
from smsbot.database import TenantSession
from smsbot.errors import InvalidInput
from smsbot.events import Event
from smsbot.tenancy import Tenant

VERBS = {"allow": "allowed", "defer": "deferred", "block": "blocked"}
STATES = {
    State.RECEIVED: "was received",
    State.QUEUED: "waits to be sent",
    State.DEFERRED: "is deferred",
    State.SENDING: "is on its way to the carrier",
    State.SENT: "was sent",
    State.DELIVERED: "was sent and delivered",
    State.UNDELIVERED: "was sent and not delivered",
    State.FAILED: "failed",
    State.BLOCKED: "was blocked",
    State.CANCELED: "was canceled",
    State.UNKNOWN: "may have been sent: the carrier does not say",
}


CARRIERS_SID = re.compile(r"(SM|MM)[0-9a-fA-F]{32}")
WHERE_IDS_ARE = "the dashboard shows them under a text, /api/v1/conversations/CONVERSATION_ID/messages lists them"


class MessageId(click.ParamType[UUID | str]):
    """A message by our id (UUID) or the carrier's (text)."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> UUID | str:
        written = str(value).strip()
        if CARRIERS_SID.fullmatch(written):
            return written
        try:
            return UUID(written)
        except ValueError:
            self.fail(
                f"give a message's id ({WHERE_IDS_ARE}), or the carrier's: SM and 32 hexadecimal digits", param, ctx
            )


@click.command
@click.argument("message_id", type=MessageId())
@click.option("--replay", is_flag=True, help="Take each decision again; exit 1 when the same rules say something else.")
def command(message_id: UUID | str, replay: bool) -> int:
    """Say why MESSAGE_ID was sent, deferred or blocked: each decision, what it rests on, and what the carrier said.

    MESSAGE_ID is a message's id, as the dashboard and the REST interface show it, or the SM... id that the carrier gave it.
    """
    column = Message.id if isinstance(message_id, UUID) else Message.provider_sid
    with open_runtime() as runtime:
        for tenant in tenants(runtime):
            with runtime.transaction(tenant.id) as session:
                message = session.scalars(
                    select(Message).where(Message.tenant_id == tenant.id, column == message_id)
                ).first()
                lines = [] if message is None else list(_sentences(session, tenant, message))
                again = replays_of(session, message.id) if message is not None and replay else []
            if lines:
                click.echo("\n".join([*lines, *(f"The decision of {_at(one.at)}: {sentence(one)}" for one in again)]))
                return int(any(not one.same and not one.versions for one in again))
    raise InvalidInput("message_id", f"there is no message {message_id}: {WHERE_IDS_ARE}")


def _sentences(session: TenantSession, tenant: Tenant, message: Message) -> Iterator[str]:
    why = because(message.reason)
    reason = f" ({message.reason}{': ' + why if why else ''})" if message.reason else ""
    yield f"Message {message.id} of {tenant.name} {STATES[message.state]}{reason}."
    if message.direction is Direction.INBOUND:
        yield f"It came in at {_at(message.created_at)}."
        yield from _events(session, message)
        return
    purpose = message.purpose.value if message.purpose else "none"
    kind = message.kind.value if message.kind else "text"
    yield f"It is a text of the {message.author.value} ({kind}) for the purpose {purpose}, made at {_at(message.created_at)}."
    if message.in_reply_to:
        yield f"It answers message {message.in_reply_to}."
    if message.repeat_of:
        yield f"It repeats message {message.repeat_of}, which failed after the carrier had taken it."
    decisions = session.scalars(
        select(DecisionRow)
        .where(DecisionRow.tenant_id == tenant.id, DecisionRow.message_id == message.id)
        .order_by(DecisionRow.at, DecisionRow.id)
    ).all()
    for decision in decisions:
        yield from _decision(session, decision)
    if not decisions:
        yield "It never reached the gate: no decision was taken."
    yield from _trace(session, message)
    if message.provider_sid:
        yield f"The carrier knows it as {message.provider_sid}."
    reports = session.scalars(
        select(MessageEvent)
        .where(MessageEvent.tenant_id == tenant.id, MessageEvent.message_id == message.id)
        .order_by(MessageEvent.at, MessageEvent.id)
    )
    for report in reports:
        code = f" with error code {report.error_code}" if report.error_code else ""
        yield f"At {_at(report.at)} the carrier reported {report.status}{code}."


def _decision(session: TenantSession, decision: DecisionRow) -> Iterator[str]:
    versions = ", ".join(f"{name} {version}" for name, version in sorted(decision.versions.items()))
    said = f"At {_at(decision.at)} it was {VERBS[decision.outcome]} by the rule {decision.rule} ({versions})"
    if decision.reason:
        why = because(decision.reason)
        said += f", reason {decision.reason}" + (f": {why}" if why else "")
    if decision.until:
        said += f", to be decided again at {_at(decision.until)}"
    yield f"{said}."
    yield from _window(decision.inputs.get("window"))
    if decision.permit_id:
        permit = session.get(Permit, decision.permit_id)
        kind = f" ({permit.kind.value})" if permit else ""
        yield f"It used the one-shot permit {decision.permit_id}{kind}."
    if decision.consent_event_id:
        event = session.get(ConsentEvent, decision.consent_event_id)
        if event is not None:
            yield (
                f"It rests on the consent event {event.id}: {event.kind.value} by {event.method} at {_at(event.at)},"
                f" number {event.seq} of this person's ledger."
            )


def _window(window: list[Any] | None) -> Iterator[str]:
    """How late it was there, and how that was known, where a window applied."""
    if window is None:
        return
    is_open, _, rule, *known_of_place = window
    where = ", ".join(str(part) for part in known_of_place[:3] if part)  # zone, how we know it, how late it was there
    yield f"The hours in which it may be sent ({rule}) were {'open' if is_open else 'closed'}{f': {where}' if where else ''}."


def _trace(session: TenantSession, message: Message) -> Iterator[str]:
    traces = session.scalars(
        select(Trace)
        .where(Trace.tenant_id == session.tenant_id, Trace.message_id == message.id)
        .order_by(Trace.at, Trace.id)
    )
    for trace in traces:
        yield f"Its words were drafted at {_at(trace.at)} by {trace.source} ({trace.outcome})."


def _events(session: TenantSession, message: Message) -> Iterator[str]:
    """What an inbound text led to: how it was judged, what it changed in the ledger, what answers it."""
    happened = session.scalars(
        select(Event)
        .where(Event.tenant_id == session.tenant_id, Event.message_id == message.id, Event.kind == "message.received")
        .order_by(Event.at, Event.id)
    )
    for event in happened:
        details = event.details
        yield f"It was judged {details.get('verdict')} by the rule {details.get('rule')}; what followed: {details.get('step')}."
    consents = session.scalars(
        select(ConsentEvent)
        .where(ConsentEvent.tenant_id == session.tenant_id, ConsentEvent.message_id == message.id)
        .order_by(ConsentEvent.seq)
    )
    for consent in consents:
        yield f"It wrote the consent event {consent.id}: {consent.kind.value} ({consent.rule}, {consent.rule_version})."
    answers = session.scalars(
        select(Message)
        .where(Message.tenant_id == session.tenant_id, Message.in_reply_to == message.id)
        .order_by(Message.created_at, Message.id)
    )
    for answer in answers:
        yield f"It is answered by message {answer.id}, which {STATES[answer.state]}."


def _at(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
