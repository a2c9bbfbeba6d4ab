"""Status callbacks beside everything else that writes to the same message, conversation and contact."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from consent.purposes import Purpose
from conversations import callbacks
from conversations.callbacks import StatusReport
from conversations.delivery import RANK
from conversations.models import Direction, Message, State
from smsbot import work
from smsbot.bell import REPLIES
from smsbot.failpoints import ACTIVE
from smsbot.gateways.carrier import OutgoingSms
from tests.conftest import Database
from tests.conversations.sending import INQUIRED, WRITTEN, end_leases, person, put, stored
from tests.conversations.test_unknown import accepted_then_lost
from tests.races.test_directed import a_claim_stands_still, sending, until
from tests.world import World
from worker import do, handlers

LEAD = "+13125550221"


@pytest.fixture
def failpoints() -> Iterator[dict[str, tuple[str, float, float]]]:
    yield ACTIVE
    ACTIVE.clear()


def due(world: World) -> None:
    table = handlers(world.runtime, world.carrier, None)[REPLIES]
    for claim in work.claim(world.runtime.engine, REPLIES, world.clock.now()):
        do(world.runtime, table, claim)


@pytest.mark.slow
@pytest.mark.parametrize("words", ["STOP", "and is there parking?"])
@pytest.mark.parametrize("accept_takes_s", [0.3, 1.5])
def test_a_callback_that_is_quicker_than_the_carriers_answer_and_a_text_of_the_same_person_both_get_a_200(
    world: World, failpoints: dict[str, tuple[str, float, float]], words: str, accept_takes_s: float
) -> None:
    world.text("Is 412 Maple still available?", sender=LEAD)
    world.later(seconds=10)
    answers: dict[str, int] = {}
    threads: list[threading.Thread] = []

    def post(name: str, path: str, form: dict[str, Any], delay_s: float) -> None:
        time.sleep(delay_s)
        answers[name] = world.post(path, form).status_code

    def while_it_is_sent(sms: OutgoingSms) -> None:
        message_id = sms.status_callback.rsplit("/", 1)[1].partition("#")[0]
        failpoints["inbound.before_commit"] = ("sleep", accept_takes_s, 1.0)
        ours, theirs = world.home.number, LEAD
        text = {
            "MessageSid": world.sid(),
            "AccountSid": world.home.account_sid,
            "From": theirs,
            "To": ours,
            "Body": words,
        }
        status = {
            "MessageSid": "SM" + "7" * 32,
            "MessageStatus": "sent",
            "AccountSid": world.home.account_sid,
            "From": ours,
            "To": theirs,
        }
        threads.append(threading.Thread(target=post, args=("text", "/webhooks/twilio/sms", text, 0.0)))
        threads.append(
            threading.Thread(target=post, args=("callback", f"/webhooks/twilio/sms/status/{message_id}", status, 0.15))
        )
        for thread in threads:
            thread.start()
        time.sleep(accept_takes_s + 0.3)  # the carrier's answer takes longer than both

    world.carrier.before = while_it_is_sent
    due(world)
    world.carrier.before = None
    for thread in threads:
        thread.join()

    assert answers == {"text": 200, "callback": 200}


@pytest.mark.slow
def test_five_callbacks_each_beside_second_texts_of_forty_people_deadlock_nowhere(world: World) -> None:
    people = [f"+13125550{n:03d}" for n in range(300, 340)]
    for sender in people:
        world.text("Is 412 Maple still available?", sender=sender)
    world.drain()
    sent = [message for message in world.outbound() if message.direction is Direction.OUTBOUND]
    answers: list[int] = []

    def call_back(message: Message, number: str) -> None:
        for status in ("queued", "sent", "sent", "delivered", "sent"):
            form = {
                "MessageSid": str(message.provider_sid),
                "MessageStatus": status,
                "AccountSid": world.home.account_sid,
                "From": world.home.number,
                "To": number,
            }
            answers.append(world.post(f"/webhooks/twilio/sms/status/{message.id}", form).status_code)

    def write_again(number: str) -> None:
        form = {"AccountSid": world.home.account_sid, "From": number, "To": world.home.number, "Body": "And the yard?"}
        answers.append(world.post("/webhooks/twilio/sms", {**form, "MessageSid": world.sid()}).status_code)

    threads = [threading.Thread(target=call_back, args=pair) for pair in zip(sent, people, strict=True)]
    threads += [threading.Thread(target=write_again, args=(number,)) for number in people]
    for first in range(0, len(threads), 16):
        for thread in threads[first : first + 16]:
            thread.start()
        for thread in threads[first : first + 16]:
            thread.join()

    assert set(answers) == {200}
    assert {message.state for message in world.outbound() if message.id in {one.id for one in sent}} == {
        State.DELIVERED
    }


@pytest.mark.slow
def test_a_report_beside_a_claim_of_the_same_text_is_never_taken_back(
    world: World, database: Database, failpoints: dict[str, tuple[str, float, float]]
) -> None:
    message_id = put(world, person(world, WRITTEN, INQUIRED), Purpose.APPOINTMENT)
    world.carrier.messages_to = lambda *_, **__: []  # its list lags longer than both looks
    world.carrier.outcomes.append(accepted_then_lost(world))
    world.drain(wait=False)
    for _ in range(60):
        if stored(world, message_id).state is State.QUEUED:
            break
        end_leases(world)
        world.later(seconds=1)
        due(world)
    world.later(seconds=1)
    end_leases(world)
    failpoints["outbox.before_reserve_commit"] = ("sleep", 0.5, 1.0)
    worker = sending(world)
    until(lambda: a_claim_stands_still(database), "stood still")
    provider_sid = world.carrier.listed[0].provider_sid
    callbacks.report(world.runtime, world.home.id, message_id, StatusReport(provider_sid, "delivered"))
    reported = stored(world, message_id).state
    worker.join()

    # Either it was first, or the second attempt was, whose own reports count from then on.
    assert reported in (State.DELIVERED, State.SENT)
    assert RANK[stored(world, message_id).state] >= RANK[reported]
