"""Status callbacks: order, parameters, signature, retries, and what may go wrong on the way."""

from __future__ import annotations

import re

import pytest
from twilio.request_validator import RequestValidator

from simulator.webhooks import Policy, policy_in, retry_after_s
from simulator.wire import Answer
from tests.simulator.conftest import APART_S


def test_number_tells_sent_then_delivered(world):
    world.control("faults", carrier={"callback": {"delay_s": APART_S}})
    sid = world.create(StatusCallback=world.callback()).json()["sid"]
    world.settle()

    first, last = world.program.forms
    common = {"SmsSid": sid, "To": world.lead, "MessageSid": sid, "AccountSid": world.account, "From": world.number, "ApiVersion": "2010-04-01"}  # fmt: skip
    assert first == {**common, "SmsStatus": "sent", "MessageStatus": "sent"}
    assert re.fullmatch(r"\d{10}", last.pop("RawDlrDoneDate"))
    assert last == {**common, "SmsStatus": "delivered", "MessageStatus": "delivered"}


def test_service_tells_queued_sent_delivered_and_its_sid(world):
    world.control("faults", carrier={"callback": {"delay_s": APART_S}})
    world.create(From=None, MessagingServiceSid=world.service, StatusCallback=world.callback())
    world.settle()

    assert world.program.statuses == ["queued", "sent", "delivered"]
    assert {form["MessagingServiceSid"] for form in world.program.forms} == {world.service}
    assert {form["From"] for form in world.program.forms} == {world.pooled}


def test_callback_is_signed_as_twilio_signs_and_leaves_the_fragment_out(world):
    world.create(StatusCallback=world.callback("#rc=3&rp=ct,rt,5xx"))
    world.settle()

    request = world.program.requests[0]
    url = world.callback()
    assert request.target == "/status/1?ref=a%20b"
    assert RequestValidator(world.token).validate(url, dict(request.form()), request.headers["x-twilio-signature"])
    assert not RequestValidator("other").validate(url, dict(request.form()), request.headers["x-twilio-signature"])
    assert request.headers["user-agent"] == "TwilioProxy/1.1"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded; charset=UTF-8"


def test_shared_key_signs_with_sha256_and_says_so(world):
    world.control("accounts", sid=world.account, shared_key={"sid": "webhooks_sharedkey_1", "secret": "s3cret"})
    world.create(StatusCallback=world.callback())
    world.settle()

    request = world.program.requests[0]
    assert request.headers["x-twilio-webhooks-signature-settings"] == "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"
    signature = request.headers["x-twilio-signature"]
    assert RequestValidator("s3cret").validate(world.callback(), dict(request.form()), signature, "HMAC_SHA256")


@pytest.mark.parametrize(
    ("code", "service", "statuses"),
    [
        (30007, False, ["sent", "undelivered"]),
        (30007, True, ["queued", "sent", "undelivered"]),
        (30001, False, ["failed"]),
        (30001, True, ["queued", "failed"]),
    ],
)
def test_late_failures_follow_the_documented_courses(world, code, service, statuses):
    world.control("faults", carrier={"errors": [{"code": code, "where": "async"}], "callback": {"delay_s": APART_S}})
    sender = {"From": None, "MessagingServiceSid": world.service} if service else {}
    sid = world.create(StatusCallback=world.callback(), **sender).json()["sid"]
    world.settle()

    assert world.program.statuses == statuses
    assert [form.get("ErrorCode") for form in world.program.forms] == [None] * (len(statuses) - 1) + [str(code)]
    body = world.get(f"/{sid}.json").json()
    assert (body["status"], body["error_code"]) == (statuses[-1], code)


def test_forced_error_can_be_meant_for_one_person(world):
    world.control("faults", carrier={"errors": [{"code": 21614, "to": world.lead}]})

    assert world.create().json()["code"] == 21614
    assert world.create(To="+13125550151").status_code == 201


def test_5xx_is_repeated_with_the_same_token_when_the_fragment_says_so(world):
    world.control("faults", carrier={"callback": {"delay_s": [0.45, 0.45]}})
    world.program.answers.extend([Answer(503), Answer(500)])
    world.create(StatusCallback=world.callback("#rc=3&rp=ct,rt,5xx"))
    world.settle()

    assert world.program.statuses[:3] == ["sent", "sent", "sent"]
    tokens = [request.headers["i-twilio-idempotency-token"] for request in world.program.requests]
    assert len(set(tokens[:3])) == 1
    assert tokens[-1] != tokens[0]
    assert world.look("state")["callbacks"] == {"attempts": 4, "acknowledged": 2, "given_up": 0, "lost": 0}


def test_5xx_is_not_repeated_by_default(world):
    world.program.answers.append(Answer(503))
    world.create(StatusCallback=world.callback())
    world.settle()

    assert world.program.statuses == ["sent", "delivered"]
    assert world.look("state")["callbacks"]["given_up"] == 1


@pytest.mark.parametrize(
    ("url", "policy"),
    [
        ("http://x/y", Policy(1, frozenset({"ct"}), 5, 15, 15)),
        ("http://x/y#rc=5&rp=ct,rt,5xx", Policy(5, frozenset({"ct", "rt", "5xx"}), 5, 15, 15)),
        ("http://x/y#ct=100&rt=200&tt=300&rp=all&rc=0", Policy(0, frozenset({"all"}), 0.1, 0.2, 0.3)),
        ("http://x/y#rc=9&ct=99&rt=15001&tt=x", Policy(1, frozenset({"ct"}), 5, 15, 15)),
    ],
)
def test_fragment_sets_the_policy_within_its_ranges(url, policy):
    assert policy_in(url) == policy


@pytest.mark.parametrize(
    ("attempts", "elapsed_s", "failure", "again"),
    [
        (1, 0, "5xx", True),
        (3, 0, "5xx", True),
        (4, 0, "5xx", False),
        (1, 0, "4xx", False),
        (1, 0, None, False),
        (1, 15, "5xx", False),
    ],
)
def test_retries_end_with_their_count_their_kind_and_the_total_time(attempts, elapsed_s, failure, again):
    policy = Policy(3, frozenset({"5xx"}))

    assert (retry_after_s(policy, attempts, elapsed_s, failure) is not None) is again


def test_lost_callbacks_leave_the_true_status_in_the_api(world):
    world.control("faults", carrier={"callback": {"delay_s": 0.01, "loss": 1}})
    sid = world.create(StatusCallback=world.callback()).json()["sid"]
    world.settle()

    assert world.program.requests == []
    assert world.get(f"/{sid}.json").json()["status"] == "delivered"
    assert world.look("state")["callbacks"]["lost"] == 2


def test_duplicated_callbacks_come_twice(world):
    world.control("faults", carrier={"callback": {"delay_s": APART_S, "duplicate": 1}})
    world.create(StatusCallback=world.callback())
    world.settle()

    assert world.program.statuses == ["sent", "sent", "delivered", "delivered"]


def test_reordered_callbacks_come_the_wrong_way_round(world):
    world.control("faults", carrier={"callback": {"delay_s": APART_S, "reorder": 1}})
    sid = world.create(StatusCallback=world.callback()).json()["sid"]
    world.settle()

    assert world.program.statuses == ["delivered", "sent"]
    assert world.get(f"/{sid}.json").json()["status"] == "delivered"


def test_callback_to_another_machine_is_never_sent(world):
    world.create(StatusCallback="http://192.0.2.1/status")
    world.settle()

    assert [entry["http"] for entry in world.sim.carrier.journal.of("callback")] == [0, 0]
    assert world.sim.carrier.caller.route("http://192.0.2.1/status") is None
