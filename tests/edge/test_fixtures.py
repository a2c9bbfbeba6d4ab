"""Every inbound text and status callback that the carrier's documentation shows, through the real routes.

What each has to lead to stands in data/expected.json.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest
from sqlalchemy import select

from consent.purposes import Purpose, Reason
from conversations.models import Alert, Direction, Message, MessageEvent, State, Task
from smsbot.errors import RecipientOptedOut
from smsbot.gateways.carrier_errors import action_for
from smsbot.tenancy import Number
from tests.conftest import Database
from tests.edge.posts import EXPECTED, INBOUND, STATUS, THEIRS, Carrier, carrier, row_counts, stored
from tests.world import World

TEXTS = [(group, name) for group, cases in INBOUND.items() for name in cases]
BEFORE = "Hi, are you open on Saturday?"


def test_every_fixture_has_an_expected_outcome_and_there_are_63() -> None:
    assert {group: set(cases) for group, cases in INBOUND.items()} == {
        group: set(cases) for group, cases in EXPECTED["inbound"].items()
    }
    assert set(STATUS) == set(EXPECTED["status"])
    assert len(TEXTS) + len(STATUS) == 63


@pytest.mark.parametrize("known", [False, True], ids=["unknown", "known"])
@pytest.mark.parametrize(("group", "name"), TEXTS, ids=[name for _, name in TEXTS])
def test_an_inbound_text_leads_to_what_was_written_down(world: World, group: str, name: str, known: bool) -> None:
    edge = carrier(world)
    form = INBOUND[group][name]
    if known:
        edge.says(BEFORE, form["From"])
        edge.drain()
    expected = dict(EXPECTED["inbound"][group][name])

    status = edge.post(form)
    edge.drain()

    assert status == expected.pop("http")
    assert vars(edge.outcome(form["MessageSid"])) == expected
    assert world.verified(of=edge.business)


@pytest.mark.parametrize(("group", "name"), [TEXTS[0], TEXTS[10], TEXTS[12], TEXTS[15], TEXTS[33]])
def test_a_repeat_of_a_text_gets_200_and_changes_no_row(
    world: World, database: Database, group: str, name: str
) -> None:
    edge = carrier(world)
    edge.post(INBOUND[group][name])
    before = row_counts(database)

    assert edge.post(INBOUND[group][name]) == 200
    assert row_counts(database) == before


def test_an_answer_stands_after_its_question_and_the_question_is_not_answered_again(world: World) -> None:
    edge = carrier(world)
    for at in range(8):
        edge.says(f"Is unit {at} still available?", "+16285550100")
        edge.says("", f"+1628555{110 + at:04d}")
        edge.drain()

    thread = [
        m
        for m in world.messages(of=edge.business)
        if m.contact_id == world.contact("+16285550100", of=edge.business).id
    ]
    assert [m.direction for m in thread] == [Direction.INBOUND, Direction.OUTBOUND] * (len(thread) // 2)
    assert all(
        answer.created_at > question.created_at for question, answer in zip(thread[::2], thread[1::2], strict=True)
    )


# ---- status callbacks ------------------------------------------------------------------------------------------------


def sent(edge: Carrier, purpose: Purpose) -> Message:
    """A text of ours of `purpose` that the carrier has accepted."""
    edge.says("Hi")
    if purpose is Purpose.REPLY:
        edge.drain()
        message = edge.outbound()[0]
    else:
        edge.agree()
        edge.drain()
        message_id = edge.put("See you tomorrow at 11.", purpose=purpose)
        edge.drain()
        message = edge.message(message_id)
    assert message.state is State.SENT
    return message


def reported(edge: Carrier, message: Message, form: dict[str, str]) -> int:
    """The callback about this text: the fixture with the text's own MessageSid."""
    assert message.provider_sid is not None
    about = {**form, "MessageSid": message.provider_sid, "SmsSid": message.provider_sid}
    return edge.post(about, f"/webhooks/twilio/sms/status/{message.id}")


def action_taken(edge: Carrier) -> str:
    """What a failure led to beyond its own text, in the words of expected.json."""
    with edge.world.runtime.transaction(edge.business.id) as session:
        alerts = set(session.scalars(select(Alert.kind)))
        tasks = set(session.scalars(select(Task.kind)))
        number = session.get_one(Number, edge.business.number_id)
    contact = edge.world.contact(THEIRS, of=edge.business)
    assert ("call_instead" in tasks) == (contact.unreachable_code is not None)
    assert (number.paused_until is not None) == bool(alerts & {"sender_paused", "sender_throttled"})
    found = [
        *(["carrier_block"] if edge.kinds()[-1] == "carrier_block" else []),
        *(["unreachable"] if contact.unreachable_code is not None else []),
        *sorted(alerts & {"sender_paused", "sender_throttled"}),
        *(["alert:text_refused"] if "text_refused" in alerts else []),
    ]
    return " ".join(found) or "none"


@pytest.mark.parametrize("purpose", [Purpose.REPLY, Purpose.APPOINTMENT], ids=lambda purpose: purpose.value)
@pytest.mark.parametrize("name", STATUS)
def test_a_status_callback_leads_to_what_was_written_down(world: World, name: str, purpose: Purpose) -> None:
    edge = carrier(world)
    message = sent(edge, purpose)
    expected = EXPECTED["status"][name]
    reported_at = world.clock.now()

    status = reported(edge, message, STATUS[name])

    after = edge.message(message.id)
    assert status == expected["http"]
    assert (after.state.value, after.reason, after.error_code) == (
        expected["state"],
        expected["reason"],
        expected["error_code"],
    )
    assert action_taken(edge) == expected["action"]
    repeats = [m for m in edge.outbound() if m.repeat_of == message.id]
    repeat_after_s = expected["appointment_repeat_after_s"] if purpose is Purpose.APPOINTMENT else None
    if repeat_after_s is None:
        assert repeats == []
    else:
        (due_at,) = [row.due_at for row in world.due() if row.ref_id == repeats[0].id]
        wait_s = (due_at - reported_at).total_seconds()
        if repeat_after_s == "next_carrier_day":
            assert due_at == action_for(after.error_code).not_before(reported_at)
            assert (due_at.hour, due_at.minute) == (8, 0)  # midnight Pacific in November
        else:
            assert repeat_after_s <= wait_s < repeat_after_s + 2


@pytest.mark.parametrize("name", ["delivered", "failed_21610", "undelivered_30034", "undelivered_30003"])
def test_a_repeated_callback_is_kept_and_acted_on_once(world: World, database: Database, name: str) -> None:
    edge = carrier(world)
    message = sent(edge, Purpose.APPOINTMENT)
    reported(edge, message, STATUS[name])
    before = row_counts(database)

    assert reported(edge, message, STATUS[name]) == 200
    after = row_counts(database)
    assert after.pop("message_events") == before.pop("message_events") + 1
    assert after == before


SEQUENCES = [tuple(sequence) for sequence in stored("status_callbacks")["sequences"].values()]
FINAL = {"delivered": "delivered", "read": "delivered", "canceled": "canceled", "failed": "failed"}


@pytest.mark.parametrize("sequence", SEQUENCES, ids="-".join)
def test_callbacks_in_any_order_end_in_the_same_state_and_never_go_back(
    world: World, sequence: tuple[str, ...]
) -> None:
    edge = carrier(world)
    edge.says("Hi")
    edge.agree()
    edge.drain()
    form = STATUS["sent"]
    for order in list(permutations(sequence))[:6]:
        message_id = edge.put("See you tomorrow at 11.")
        edge.drain()
        message = edge.message(message_id)
        reached_final = False
        for status in order:
            assert reported(edge, message, {**form, "MessageStatus": status, "SmsStatus": status}) == 200
            state = edge.message(message_id).state.value
            reached_final = reached_final or status not in ("queued", "sent")
            assert state == (FINAL.get(sequence[-1], sequence[-1]) if reached_final else "sent")
        with world.runtime.transaction(edge.business.id) as session:
            kept = session.scalars(select(MessageEvent.status).where(MessageEvent.message_id == message_id)).all()
        assert sorted(kept) == sorted(order)


def test_a_callback_about_a_message_of_another_tenant_is_404_and_changes_no_row(
    world: World, database: Database
) -> None:
    edge = carrier(world)
    theirs = sent(edge, Purpose.REPLY)
    form = {**STATUS["delivered"], "AccountSid": world.home.account_sid, "From": world.home.number}
    before = row_counts(database)

    answer = world.post(f"/webhooks/twilio/sms/status/{theirs.id}", form)

    assert answer.status_code == 404
    assert row_counts(database) == before
    assert edge.message(theirs.id).state is State.SENT


# ---- 21610: the carrier blocks this person ---------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["answer", "callback"])
def test_21610_is_in_the_ledger_cancels_what_waits_and_is_never_retried(world: World, way: str) -> None:
    edge = carrier(world)
    edge.says("Hi")
    edge.agree()
    edge.drain()
    waiting = [edge.put("Reminder: tomorrow at 11.", in_s=3600), edge.put("Reminder: in an hour.", in_s=90_000)]
    refused_id = edge.put("Your appointment moved to 11.")
    world.carrier.outcomes = [RecipientOptedOut("blocked", 21610)] if way == "answer" else []
    edge.drain()
    if way == "callback":
        reported(edge, edge.message(refused_id), STATUS["failed_21610"])
    attempts = world.carrier.attempts

    world.later(days=2)
    edge.drain()
    late_id = edge.put("One more.")
    edge.drain()

    assert world.carrier.attempts == attempts
    refused = edge.message(refused_id)
    assert (refused.state, refused.reason, refused.error_code) == (
        (State.BLOCKED, Reason.CARRIER_BLOCKED, 21610) if way == "answer" else (State.FAILED, "CARRIER_21610", 21610)
    )
    assert [(m.state, m.reason) for m in map(edge.message, waiting)] == [(State.CANCELED, Reason.CARRIER_BLOCKED)] * 2
    assert (edge.message(late_id).state, edge.message(late_id).reason) == (State.BLOCKED, Reason.CARRIER_BLOCKED)
    assert edge.kinds().count("carrier_block") == 1
    assert edge.ledger()[-1].method == "carrier"
    assert world.verified(of=edge.business)


def test_a_second_21610_adds_no_second_block_to_the_ledger(world: World) -> None:
    edge = carrier(world)
    edge.says("Hi")
    edge.agree()
    edge.drain()
    both = [edge.put("One."), edge.put("Two.")]
    edge.drain()
    for message_id in both:
        reported(edge, edge.message(message_id), STATUS["failed_21610"])

    assert edge.kinds().count("carrier_block") == 1


def test_a_form_lifts_no_carrier_block_and_start_does(world: World) -> None:
    edge = carrier(world)
    message = sent(edge, Purpose.APPOINTMENT)
    reported(edge, message, STATUS["failed_21610"])
    world.later(minutes=5)
    edge.agree()
    blocked_id = edge.put("After the form.")
    edge.drain()
    edge.says("START")
    allowed_id = edge.put("After START.")
    edge.drain()

    assert edge.message(blocked_id).reason == Reason.CARRIER_BLOCKED
    assert edge.message(allowed_id).state is State.SENT
    assert edge.kinds()[-1] == "carrier_unblock"
    assert timedelta(0) < world.clock.now() - message.created_at
