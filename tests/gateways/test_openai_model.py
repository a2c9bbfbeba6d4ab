"""A model's answer comes within its budget, or a failure of one kind does."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from smsbot.errors import ConfigurationError, ModelFailed
from smsbot.gateways.breaker import CONSECUTIVE_FAILURES, OPEN_S
from smsbot.gateways.model import Failure, ModelAnswer
from smsbot.gateways.openai_model import OpenAIChatModel

SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Is +14155550100 my number?"}]
SAID = '{"text": "Yes, it is."}'


def completion(content: object = SAID, finish: object = "stop", **message: object) -> dict[str, object]:
    return {
        "id": "c1",
        "object": "chat.completion",
        "model": "m-2026",
        "choices": [
            {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content} | message}
        ],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    }


def asked(url: str, budget_s: float = 3.0, model: OpenAIChatModel | None = None) -> ModelAnswer:
    model = model or OpenAIChatModel(url + "/v1", "the-key", "m")
    return model.answer(MESSAGES, schema=SCHEMA, schema_name="reply", budget_s=budget_s)


def test_an_answer_comes_back_raw_with_what_it_cost(serve: Any, reply: Any) -> None:
    server = serve(lambda _: [reply(200, completion())])

    answer = asked(server.url)

    assert (answer.content, answer.model, answer.prompt_tokens, answer.completion_tokens) == (SAID, "m-2026", 11, 7)
    assert 0 < answer.elapsed_s < 3
    got = server.requests[0]
    assert (got.method, got.path, got.headers["authorization"]) == ("POST", "/v1/chat/completions", "Bearer the-key")
    sent = json.loads(got.body)
    assert (sent["model"], sent["messages"]) == ("m", MESSAGES)
    assert sent["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "reply", "schema": SCHEMA, "strict": True},
    }
    assert sent.get("stream") in (None, False)


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": "11"}, [1], {"prompt_tokens": True}])
def test_an_answer_without_counts_is_an_answer(serve: Any, reply: Any, usage: object) -> None:
    server = serve(lambda _: [reply(200, completion() | {"usage": usage})])

    answer = asked(server.url)

    assert (answer.content, answer.prompt_tokens, answer.completion_tokens) == (SAID, None, None)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (completion(None, refusal="I cannot help with that."), Failure.REFUSED),
        (completion(None, "content_filter"), Failure.REFUSED),
        (completion('{"text": "Ye', "length"), Failure.MALFORMED),
        (completion(None, "tool_calls", tool_calls=[{"id": "t", "function": {"name": "x"}}]), Failure.MALFORMED),
        (completion(SAID, "stop", tool_calls=[{"id": "t"}]), Failure.MALFORMED),
        (completion(None, "function_call", function_call={"name": "x"}), Failure.MALFORMED),
        (completion(None), Failure.MALFORMED),
        (completion("  \n"), Failure.MALFORMED),
        (completion(["a", "list"]), Failure.MALFORMED),
        (completion(SAID, "eos?"), Failure.MALFORMED),
        ({"choices": []}, Failure.MALFORMED),
        ({"choices": None}, Failure.MALFORMED),
        ({"choices": ["x"]}, Failure.MALFORMED),
        ({"choices": [{"message": None}]}, Failure.MALFORMED),
        ({"choices": [{}]}, Failure.MALFORMED),
        ({"error": {"message": "no"}}, Failure.MALFORMED),
        ([], Failure.MALFORMED),
        (b"<html>hello", Failure.MALFORMED),
        (b"", Failure.MALFORMED),
        (b'{"choices": [', Failure.MALFORMED),
        (b"\xff\xfe\x00", Failure.MALFORMED),
    ],
)
def test_an_answer_that_cannot_be_used_fails_by_kind(serve: Any, reply: Any, body: object, kind: Failure) -> None:
    server = serve(lambda _: [reply(200, body)])

    with pytest.raises(ModelFailed) as raised:
        asked(server.url)

    assert raised.value.kind == kind
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Failure.REFUSED),
        (413, Failure.REFUSED),
        (422, Failure.REFUSED),
        (401, Failure.UNAVAILABLE),
        (403, Failure.UNAVAILABLE),
        (404, Failure.UNAVAILABLE),
        (302, Failure.UNAVAILABLE),
        (408, Failure.UNAVAILABLE),
        (409, Failure.UNAVAILABLE),
        (429, Failure.THROTTLED),
        (500, Failure.UNAVAILABLE),
        (503, Failure.UNAVAILABLE),
    ],
)
def test_a_refused_call_is_made_once_and_fails_by_kind(
    serve: Any, reply: Any, elapsed: Callable[[], float], status: int, kind: Failure
) -> None:
    server = serve(lambda _: [reply(status, {"error": {"message": "busy"}}, Retry_After="60", Location="/other")])

    with pytest.raises(ModelFailed) as raised:
        asked(server.url)

    assert raised.value.kind == kind
    assert len(server.requests) == 1
    assert elapsed() < 2  # it does not sleep because the server says so


def test_a_refused_connection_is_unavailable(closed_port: int) -> None:
    with pytest.raises(ModelFailed) as raised:
        asked(f"http://127.0.0.1:{closed_port}")

    assert raised.value.kind == Failure.UNAVAILABLE


@pytest.mark.parametrize("pieces", [[], [b"HTTP/1.1 200 OK\r\nContent-Le"], [b"garbage\r\n\r\n"]])
def test_a_line_that_breaks_is_unavailable(serve: Any, pieces: list[bytes]) -> None:
    server = serve(lambda _: pieces)
    threading.Timer(0.3, server.close).start()

    with pytest.raises(ModelFailed) as raised:
        asked(server.url)

    assert raised.value.kind == Failure.UNAVAILABLE


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
DRIPS = {
    "silence": [30.0],
    "one byte, then silence": [HEAD, 0.4, b"X", 30.0],
    "status line": [piece for byte in b"HTTP/1.1 200 OK" * 9 for piece in (bytes([byte]), 0.05)],
    "headers": [HEAD, *[piece for number in range(99) for piece in (f"X-{number}: y\r\n".encode(), 0.05)]],
    "body": [HEAD + b"Content-Length: 900\r\n\r\n", *[piece for _ in range(99) for piece in (b" ", 0.05)]],
    "chunks": [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[p for _ in range(99) for p in (b"1\r\n \r\n", 0.05)]],
}


@pytest.mark.parametrize("drip", sorted(DRIPS))
def test_whatever_the_server_does_the_budget_is_kept_and_no_thread_stays(
    serve: Any, elapsed: Callable[[], float], drip: str
) -> None:
    server = serve(lambda _: DRIPS[drip])
    before = {thread.name for thread in threading.enumerate()}

    with pytest.raises(ModelFailed) as raised:
        asked(server.url, budget_s=0.6)

    assert raised.value.kind == Failure.TIMEOUT
    assert 0.6 <= elapsed() < 3  # the server would go on for five seconds
    left = {thread.name for thread in threading.enumerate()} - before
    assert {name for name in left if not name.endswith("(_serve)")} == set()


def test_an_answer_without_end_is_cut(serve: Any, elapsed: Callable[[], float]) -> None:
    chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    server = serve(lambda _: [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 2000])

    with pytest.raises(ModelFailed) as raised:
        asked(server.url)

    assert raised.value.kind == Failure.MALFORMED
    assert elapsed() < 2


def refusing(reply: Any, *refused: str) -> Callable[[Any], list[bytes]]:
    def answer(got: Any) -> list[bytes]:
        kind = json.loads(got.body).get("response_format", {}).get("type", "text")
        if kind in refused:
            return [reply(400, {"error": {"message": f"'response_format' of type '{kind}' is not supported"}})]
        return [reply(200, completion())]

    return answer


def kinds(server: Any) -> list[str]:
    return [json.loads(got.body).get("response_format", {}).get("type", "text") for got in server.requests]


def test_a_server_without_schemas_is_asked_for_an_object_from_then_on(serve: Any, reply: Any) -> None:
    server = serve(refusing(reply, "json_schema"))
    model = OpenAIChatModel(server.url, "the-key", "m")
    for _ in range(2):
        assert asked(server.url, model=model).content == SAID

    assert kinds(server) == ["json_schema", "json_object", "json_object"]
    messages = json.loads(server.requests[1].body)["messages"]
    assert json.dumps(SCHEMA) in messages[0]["content"]
    assert messages[1:] == MESSAGES


def test_a_server_without_any_format_is_asked_for_text_from_then_on(serve: Any, reply: Any) -> None:
    server = serve(refusing(reply, "json_schema", "json_object"))
    model = OpenAIChatModel(server.url, "the-key", "m")
    for _ in range(2):
        assert asked(server.url, model=model).content == SAID

    assert kinds(server) == ["json_schema", "json_object", "text", "text"]


def test_a_server_that_refuses_every_form_is_unavailable(serve: Any, reply: Any) -> None:
    server = serve(refusing(reply, "json_schema", "json_object", "text"))

    with pytest.raises(ModelFailed) as raised:
        asked(server.url)

    assert raised.value.kind == Failure.UNAVAILABLE
    assert kinds(server) == ["json_schema", "json_object", "text"]


def test_another_form_is_not_tried_when_the_budget_is_nearly_spent(serve: Any, reply: Any) -> None:
    refused = refusing(reply, "json_schema")
    server = serve(lambda got: [0.6, *refused(got)] if "json_schema" in got.body.decode() else refused(got))
    model = OpenAIChatModel(server.url, "the-key", "m")

    with pytest.raises(ModelFailed) as raised:
        asked(server.url, 1.2, model)

    assert raised.value.kind == Failure.TIMEOUT
    assert kinds(server) == ["json_schema"]
    assert asked(server.url, model=model).content == SAID  # the next call knows better


def test_a_model_that_does_not_answer_is_left_alone_for_a_while(serve: Any, reply: Any, seconds: Any) -> None:
    broken = [True]
    server = serve(lambda _: [reply(500) if broken[0] else reply(200, completion())])
    model = OpenAIChatModel(server.url, "the-key", "m", clock=seconds)
    for _ in range(CONSECUTIVE_FAILURES + 3):
        with pytest.raises(ModelFailed) as raised:
            asked(server.url, model=model)
        assert raised.value.kind == Failure.UNAVAILABLE
    assert len(server.requests) == CONSECUTIVE_FAILURES
    broken[0] = False
    seconds.now += OPEN_S

    assert asked(server.url, model=model).content == SAID


def test_refusals_and_odd_answers_never_count_as_silence(serve: Any, reply: Any) -> None:
    server = serve(lambda _: [reply(200, completion(None))])
    model = OpenAIChatModel(server.url, "the-key", "m")
    for _ in range(CONSECUTIVE_FAILURES * 2):
        with pytest.raises(ModelFailed):
            asked(server.url, model=model)

    assert len(server.requests) == CONSECUTIVE_FAILURES * 2


def test_nothing_of_the_machines_environment_reaches_the_server(
    monkeypatch: pytest.MonkeyPatch, serve: Any, reply: Any, closed_port: int
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port}")
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, "of-the-machine")
    server = serve(lambda _: [reply(200, completion(), Set_Cookie="a=b")])
    model = OpenAIChatModel(server.url, "", "m")
    for _ in range(2):
        asked(server.url, model=model)

    assert server.connections == 1
    for got in server.requests:
        assert "of-the-machine" not in str(got.headers)
        assert not {"openai-organization", "openai-project", "cookie"} & set(got.headers)


def test_no_word_of_the_conversation_is_in_an_error_a_repr_or_a_log_line(
    serve: Any, reply: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = {"error": {"message": "the prompt was: Is +14155550100 my number? the-key"}}
    answers = iter(
        [
            reply(400, echo),
            reply(500, echo),
            reply(401, echo),
            reply(200, b"Is +14155550100 {"),
            reply(200, completion()),
        ]
    )
    server = serve(lambda _: [next(answers)])
    model = OpenAIChatModel(server.url, "the-key", "m")
    told = []
    for _ in range(4):
        try:
            asked(server.url, model=model)
        except ModelFailed as error:
            logging.getLogger("test").exception("as a job would log it")
            told.append(str(error))
    told += [repr(asked(server.url, model=model)), caplog.text]

    assert len(told) == 6
    for secret in ("5550100", "my number", "the-key", "Yes, it is"):
        assert [text for text in told if secret in text] == []


@pytest.mark.parametrize(("base_url", "model"), [("", "m"), ("http://127.0.0.1:1", "")])
def test_a_model_without_address_or_name_is_a_wrong_setting(base_url: str, model: str) -> None:
    with pytest.raises(ConfigurationError):
        OpenAIChatModel(base_url, "k", model)
