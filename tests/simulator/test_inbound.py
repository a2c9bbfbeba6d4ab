"""What people send: the webhook, its repeats, the carrier's own answers to STOP, and what a phone shows."""

from __future__ import annotations

import pytest
import requests
from twilio.request_validator import RequestValidator

from simulator.wire import Answer
from tests.simulator.conftest import APART_S

# the parameters of a captured webhook; source: docs/messaging/guides/webhook-request
DIRECT = {
    "ToCountry", "FromCity", "FromState", "FromZip", "FromCountry", "ToCity", "ToState", "ToZip", "SmsMessageSid", "NumMedia",
    "SmsSid", "SmsStatus", "Body", "To", "NumSegments", "MessageSid", "AccountSid", "From", "ApiVersion",
}  # fmt: skip


def test_webhook_has_twilios_parameters_and_a_valid_signature(world):
    told = world.text("Is the 2019 Civic still available?")

    request = world.program.requests[0]
    form = dict(request.form())
    assert request.target == "/webhooks/twilio/sms"
    assert set(form) == DIRECT
    assert form["MessageSid"] == form["SmsSid"] == form["SmsMessageSid"] == told["sid"]
    assert (form["From"], form["To"], form["SmsStatus"], form["NumMedia"]) == (
        world.lead,
        world.number,
        "received",
        "0",
    )
    url = f"{world.program.url}/webhooks/twilio/sms"
    assert RequestValidator(world.token).validate(url, form, request.headers["x-twilio-signature"])
    assert told["statuses"] == [204]


def test_number_in_a_service_names_it(world):
    world.text("hi", to=world.pooled)

    assert world.program.forms[0]["MessagingServiceSid"] == world.service


@pytest.mark.parametrize("body", ["  ok \n\nthanks  ", "", "¿Está disponible? 🚗", "a+b & c=d %41", "STOP 🛑"])
def test_bodies_arrive_byte_for_byte_and_signed(world, body):
    world.text(body)

    request = world.program.requests[0]
    form = dict(request.form())
    assert form["Body"] == body
    url = f"{world.program.url}/webhooks/twilio/sms"
    assert RequestValidator(world.token).validate(url, form, request.headers["x-twilio-signature"])


def test_text_is_listed_even_when_no_webhook_got_through(world):
    world.program.answers.extend([Answer(500)] * 2)

    told = world.text("hello", retries=1)

    assert told["attempts"] == [[500, 500]]
    assert [one["body"] for one in world.listed(From=world.lead)] == ["hello"]


def test_program_that_is_away_counts_as_status_0(world):
    away = {"number": world.number, "webhook": "http://127.0.0.1:1/webhooks/twilio/sms"}
    world.control("accounts", sid=world.account, numbers=[away])

    assert world.text("hello", retries=0)["attempts"] == [[0]]


def test_5xx_is_repeated_until_it_is_taken(world):
    world.program.answers.extend([Answer(503), Answer(503)])

    told = world.text("hello")

    assert told["attempts"] == [[503, 503, 204]]
    assert len({request.headers["i-twilio-idempotency-token"] for request in world.program.requests}) == 1
    assert len({form["MessageSid"] for form in world.program.forms}) == 1


def test_refusal_is_not_repeated(world):
    world.program.answers.append(Answer(403))

    assert world.text("hello")["attempts"] == [[403]]


@pytest.mark.parametrize("parallel", [False, True])
def test_copies_share_a_sid_and_are_one_text_in_the_list(world, parallel):
    told = world.text("hello", copies=5, parallel=parallel)

    assert told["statuses"] == [204] * 5
    assert {form["MessageSid"] for form in world.program.forms} == {told["sid"]}
    assert len(world.listed()) == 1


def test_known_sid_is_told_again_and_is_no_new_text(world):
    sid = "SM" + "a" * 32
    world.text("STOP", sid=sid)
    world.text("STOP", sid=sid)

    assert [form["MessageSid"] for form in world.program.forms] == [sid, sid]
    assert len(world.listed(From=world.lead)) == 1
    assert len(world.listed(To=world.lead)) == 1  # one confirmation


def test_parameters_can_be_left_out_changed_and_doubled(world):
    world.text(
        "hi", omit=["FromCity", "FromZip"], extra={"BrandNewParameter": "1", "To": [world.number, "+14155550199"]}
    )

    pairs = world.program.requests[0].form()
    assert {"FromCity", "FromZip"}.isdisjoint(dict(pairs))
    assert ("BrandNewParameter", "1") in pairs
    assert [value for name, value in pairs if name == "To"] == [world.number, "+14155550199"]


@pytest.mark.parametrize(
    ("how", "token"),
    [({}, "token-of-one"), ({"signed_as": "AC" + "2" * 32}, "token-of-two"), ({"token": "old"}, "old")],
)
def test_signature_can_be_anothers(world, how, token):
    world.text("hi", **how)

    request = world.program.requests[0]
    url = f"{world.program.url}/webhooks/twilio/sms"
    assert RequestValidator(token).validate(url, dict(request.form()), request.headers["x-twilio-signature"])


@pytest.mark.parametrize("signature", ["none", "wrong"])
def test_signature_can_be_missing_or_wrong(world, signature):
    world.text("hi", signature=signature)

    request = world.program.requests[0]
    given = request.headers.get("x-twilio-signature", "")
    assert not RequestValidator(world.token).validate(
        f"{world.program.url}/webhooks/twilio/sms", dict(request.form()), given
    )
    assert ("x-twilio-signature" in request.headers) is (signature == "wrong")


def test_any_other_form_can_be_sent_signed(world):
    world.program.answers.append(Answer(200, b"<Response/>", (("Content-Type", "text/xml"),)))

    told = world.control("webhook", account=world.account, path="/webhooks/twilio/voice?x=1", form={"CallSid": "CA1"})

    request = world.program.requests[0]
    assert (told["statuses"], told["bodies"]) == ([200], ["<Response/>"])
    assert request.target == "/webhooks/twilio/voice?x=1"
    signature = request.headers["x-twilio-signature"]
    assert RequestValidator(world.token).validate(f"{world.program.url}{request.target}", {"CallSid": "CA1"}, signature)


def test_get_webhook_carries_its_parameters_in_the_signed_address(world):
    world.control("webhook", account=world.account, path="/voice", form={"A": "b c"}, method="GET")

    request = world.program.requests[0]
    assert (request.method, request.target, request.body) == ("GET", "/voice?A=b+c", b"")
    signature = request.headers["x-twilio-signature"]
    assert RequestValidator(world.token).validate(f"{world.program.url}/voice?A=b+c", {}, signature)


# --- what the program answers becomes texts ---------------------------------------------------------------------------


def test_message_in_the_answer_is_sent(world):
    twiml = b"<Response><Message><Body>Yes &amp; no</Body></Message><Message>two</Message></Response>"
    world.program.answers.append(Answer(200, twiml, (("Content-Type", "text/xml"),)))

    world.text("hi")

    assert [text["body"] for text in world.look(f"numbers/{world.lead}/thread")["texts"]] == ["hi", "Yes & no", "two"]


def test_plain_text_answer_is_sent_to_the_person(world):
    world.program.answers.append(Answer(200, b"ok", (("Content-Type", "text/plain; charset=utf-8"),)))

    world.text("hi")

    assert world.look(f"numbers/{world.lead}/thread")["texts"][-1]["body"] == "ok"


@pytest.mark.parametrize("answer", [
    Answer(200, b"<Response/>", (("Content-Type", "text/xml"),)), Answer(204),
    Answer(500, b"ok", (("Content-Type", "text/plain"),)), Answer(200, b'{"a": 1}', (("Content-Type", "application/json"),)),
])  # fmt: skip
def test_other_answers_send_nothing(world, answer):
    world.program.answers.append(answer)

    world.text("hi", retries=0)

    assert len(world.look(f"numbers/{world.lead}/thread")["texts"]) == 1


# --- opt-out -----------------------------------------------------------------------------------------------------------


def replies(world):
    return [
        text["body"][:11] for text in world.look(f"numbers/{world.lead}/thread")["texts"] if text["author"] == "carrier"
    ]


@pytest.mark.parametrize(
    "word", ["STOP", "stop", " Stop ", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"]
)
def test_default_words_block_and_are_confirmed_once(world, word):
    told = world.text(word)
    world.text(word)

    assert told["blocked"] is True
    assert told["opt_out_type"] is None
    assert "OptOutType" not in world.program.forms[0]
    assert replies(world) == ["You have su"]
    assert world.create().json()["code"] == 21610


@pytest.mark.parametrize("text", ["STOP.", "OPT OUT", "please stop texting me", "can I stop by Saturday?", "STOP 🛑", "cancel my appointment", "alto"])  # fmt: skip
def test_other_words_do_not_block(world, text):
    assert world.text(text)["blocked"] is False
    assert replies(world) == []
    assert world.create().status_code == 201


@pytest.mark.parametrize(
    ("word", "lifts"), [("START", True), ("unstop", True), ("Yes", True), ("yes please", False), ("HELP", False)]
)
def test_start_unstop_and_yes_lift_the_block_of_a_long_code(world, word, lifts):
    world.text("STOP")

    assert world.text(word)["blocked"] is not lifts
    assert (world.create().status_code == 201) is lifts


@pytest.mark.parametrize(("word", "lifts"), [("START", True), ("UNSTOP", True), ("YES", False)])
def test_yes_does_not_lift_the_block_of_a_toll_free_number(world, word, lifts):
    world.text("STOP", to=world.toll_free)

    assert world.text(word, to=world.toll_free)["blocked"] is not lifts
    assert replies(world) == (["NETWORK MSG", "NETWORK MSG"] if lifts else ["NETWORK MSG"])


def test_help_is_answered_unless_opted_out(world):
    world.text("help")
    world.text("STOP")
    world.text("INFO")

    assert replies(world) == ["Reply STOP ", "You have su"]


def test_yes_of_one_who_is_not_blocked_is_a_plain_text(world):
    world.text("yes")

    assert replies(world) == []


@pytest.mark.parametrize(
    ("word", "kind"), [("STOP", "STOP"), (" Stop ", "STOP"), ("START", "START"), ("HELP", "HELP"), ("STOP.", None)]
)
def test_advanced_opt_out_tells_the_kind(world, word, kind):
    world.text(word, to=world.pooled)

    assert world.program.forms[0].get("OptOutType") == kind
    assert len(replies(world)) == (kind is not None)


def test_advanced_opt_out_has_words_of_its_own(world):
    number = {
        "number": world.pooled,
        "messaging_service": world.service,
        "opt_out": "advanced",
        "keywords": {"alto": "STOP"},
    }
    world.control("accounts", sid=world.account, numbers=[number])

    told = world.text("Alto", to=world.pooled)

    assert (told["opt_out_type"], told["blocked"]) == ("STOP", True)


def test_number_with_its_own_handling_neither_blocks_nor_answers(world):
    told = world.text("STOP", to=world.own_words)

    assert (told["blocked"], replies(world)) == (False, [])
    assert world.create(From=world.own_words).status_code == 201


def test_block_holds_for_the_number_and_not_for_the_others(world):
    world.text("STOP")

    assert world.create().json()["code"] == 21610
    assert world.create(From=world.own_words).status_code == 201
    assert world.create(To="+13125550151").status_code == 201


def test_block_of_a_service_fails_later_by_callback_and_at_once_from_the_number(world):
    world.text("STOP", to=world.pooled)
    world.program.requests.clear()
    world.control("faults", carrier={"callback": {"delay_s": APART_S}})

    answer = world.create(From=None, MessagingServiceSid=world.service, StatusCallback=world.callback())
    world.settle()

    assert answer.status_code == 201
    assert world.program.statuses == ["queued", "failed"]
    assert world.program.forms[-1]["ErrorCode"] == "21610"
    assert world.create(From=world.pooled).json()["code"] == 21610


def test_block_can_be_set_and_lifted_by_hand(world):
    way = {"account": world.account, "number": world.number, "person": world.lead}

    world.control("blocks", **way, blocked=True)
    refused = world.create().json()["code"]
    world.control("blocks", **way, blocked=False)

    assert refused == 21610
    assert world.create().status_code == 201


# --- the phone ---------------------------------------------------------------------------------------------------------


def test_thread_shows_both_ways_with_the_state_of_each(world):
    world.create(Body="Hello Ann")
    world.settle()
    world.text("Hi")
    world.control("faults", carrier={"errors": [{"code": 30007, "where": "async"}], "callback": {"delay_s": 0.01}})
    world.create(Body="Buy now")
    world.settle()

    texts = world.look(f"numbers/{world.lead}/thread")["texts"]
    assert [(text["direction"], text["body"], text["status"], text["shown"]) for text in texts] == [
        ("to_phone", "Hello Ann", "delivered", True),
        ("from_phone", "Hi", "received", True),
        ("to_phone", "Buy now", "undelivered", False),
    ]
    assert texts[-1]["error_code"] == 30007
    assert world.look("phones")["items"] == [{"number": world.lead, "texts": 3}]


@pytest.mark.parametrize("change", [
    {"account": "AC" + "9" * 32}, {"to": "+14155550199"}, {"copies": 0}, {"retries": 6}, {"signature": "maybe"},
    {"signed_as": "AC" + "9" * 32}, {"colour": "blue"}, {"media": [{"size": 3}]},
])  # fmt: skip
def test_controls_refuse_what_they_do_not_know(world, change):
    asked = {"account": world.account, "from": world.lead, "to": world.number, "body": "hi"} | change

    answer = requests.post(f"{world.sim.url}/sim/inbound", json=asked, timeout=5)

    assert (answer.status_code, "error" in answer.json()) == (400, True)
    assert world.program.requests == []
