"""The stand-ins as the real libraries see them: twilio-python and openai-python, unchanged."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import requests
from openai import APIConnectionError, APITimeoutError, InternalServerError, OpenAI, RateLimitError
from pydantic import BaseModel, ValidationError
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client


class HostRewriter(TwilioHttpClient):
    def __init__(self, base):
        super().__init__(timeout=5)
        self.base = base

    def request(self, method, url, *args, **kwargs):
        return super().request(method, url.replace("https://api.twilio.com", self.base), *args, **kwargs)


@pytest.fixture
def twilio(world):
    return Client(world.account, world.token, http_client=HostRewriter(world.sim.url))


@pytest.fixture
def openai(world):
    client = OpenAI(base_url=f"{world.sim.url}/v1", api_key="any", max_retries=0, timeout=2)
    yield client
    client.close()


def test_create_fetch_redact_delete(world, twilio):
    made = twilio.messages.create(to=world.lead, from_=world.number, body="hi", validity_period=600)
    world.settle()
    fetched = twilio.messages(made.sid).fetch()

    assert (made.status, fetched.status, fetched.error_code) == ("queued", "delivered", None)
    assert abs(fetched.date_created - datetime.now(UTC)) < timedelta(minutes=1)
    assert twilio.messages(made.sid).update(body="").body == ""
    assert twilio.messages(made.sid).delete() is True


def test_list_pages_and_filters(world, twilio):
    sids = [twilio.messages.create(to=world.lead, from_=world.number, body=str(index)).sid for index in range(7)]
    world.settle()
    since = datetime.now(UTC) - timedelta(hours=1)

    assert [one.sid for one in twilio.messages.list(to=world.lead, page_size=3)] == sids[::-1]
    assert len(twilio.messages.list(from_=world.number, date_sent_after=since, limit=5)) == 5
    assert twilio.messages.list(date_sent_before=since) == []


def test_errors_carry_code_and_status(world, twilio):
    with pytest.raises(TwilioRestException) as caught:
        twilio.messages.create(to="banana", from_=world.number, body="hi")

    assert (caught.value.code, caught.value.status) == (21211, 400)


def test_media_of_an_inbound_mms(world, twilio):
    sid = world.text("look", media=["image/jpeg"])["sid"]

    assert [media.content_type for media in twilio.messages(sid).media.list()] == ["image/jpeg"]


def test_lost_answer_is_found_in_the_list_by_recipient(world, twilio):
    world.control("faults", carrier={"next": ["accept_then_reset"]})
    with pytest.raises(requests.ConnectionError):
        twilio.messages.create(to=world.lead, from_=world.number, body="hi")

    assert [one.body for one in twilio.messages.list(to=world.lead)] == ["hi"]


def test_many_threads_get_their_own_answers(world):
    wrong = []

    def send(thread):
        client = Client(world.account, world.token, http_client=HostRewriter(world.sim.url))
        for index in range(15):
            body = f"{thread}-{index}"
            if client.messages.create(to=world.lead, from_=world.number, body=body).body != body:
                wrong.append(body)

    threads = [threading.Thread(target=send, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert len({entry["sid"] for entry in world.sim.carrier.accepted}) == 120


class Decision(BaseModel):
    intent: str
    text: str


ASK = [{"role": "system", "content": "You sell cars."}, {"role": "user", "content": "Is the blue Civic there?"}]


def test_plain_answer_speaks_of_what_was_asked(openai, world):
    answer = openai.chat.completions.create(model="m", messages=ASK)

    assert "blue civic" in answer.choices[0].message.content
    assert (answer.model, answer.choices[0].finish_reason, answer.usage.total_tokens > 0) == ("m", "stop", True)
    assert world.look("model/requests")["items"][0]["request"]["messages"] == ASK
    assert [model.id for model in openai.models.list()] == ["simulated"]


def test_parsed_answer_fits_the_schema(openai):
    answer = openai.chat.completions.parse(model="m", messages=ASK, response_format=Decision)

    assert "blue civic" in answer.choices[0].message.parsed.text


def test_streamed_answer_adds_up_to_the_whole(openai):
    pieces = list(
        openai.chat.completions.create(model="m", messages=ASK, stream=True, stream_options={"include_usage": True})
    )
    whole = openai.chat.completions.create(model="m", messages=ASK)

    text = "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)
    assert text == whole.choices[0].message.content
    assert pieces[-1].usage.completion_tokens > 0


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("429", RateLimitError),
        ("500", InternalServerError),
        ("reset", APIConnectionError),
        ("disconnect", APIConnectionError),
    ],
)
def test_faults_raise_what_the_library_raises(openai, world, fault, error):
    world.control("faults", model={"next": [fault], "retry_after_s": 7})

    with pytest.raises(error) as caught:
        openai.chat.completions.create(model="m", messages=ASK)
    if fault == "429":
        assert caught.value.response.headers["retry-after"] == "7"


def test_slow_model_times_out(openai, world):
    world.control("faults", model={"next": ["slow"], "slow_s": 1})

    with pytest.raises(APITimeoutError):
        openai.with_options(timeout=0.2).chat.completions.create(model="m", messages=ASK)


@pytest.mark.parametrize("stream", [True, False])
def test_slow_stream_never_trips_the_timeout_of_one_read(openai, world, stream):
    world.control("faults", model={"next": ["slow_stream"], "slow_s": 0.6})
    answer = openai.with_options(timeout=0.4).chat.completions.create(model="m", messages=ASK, stream=stream)

    assert len(list(answer)) > 1 if stream else answer.choices[0].message.content


def test_malformed_answer_fails_to_parse(openai, world):
    world.control("faults", model={"next": ["invalid_json", "wrong_schema"]})

    for _ in range(2):
        with pytest.raises(ValidationError):
            openai.chat.completions.parse(model="m", messages=ASK, response_format=Decision)


def test_required_tool_is_called_with_fitting_arguments(openai):
    tool = {"type": "function", "function": {"name": "find_slots", "parameters": {
        "type": "object", "properties": {"days": {"type": "integer", "minimum": 1}}, "required": ["days"]}}}  # fmt: skip

    answer = openai.chat.completions.create(model="m", messages=ASK, tools=[tool], tool_choice="required")

    call = answer.choices[0].message.tool_calls[0]
    assert (call.function.name, call.function.arguments) == ("find_slots", '{"days": 1}')
    assert answer.choices[0].finish_reason == "tool_calls"
