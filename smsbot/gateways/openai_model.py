"""Any OpenAI-compatible chat completions server as our model."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpcore2
import httpx2
import openai
import openai.resources.chat  # the library would load it with the first call, while a lead waits

from smsbot.errors import ConfigurationError, ModelFailed
from smsbot.gateways.breaker import Breaker
from smsbot.gateways.model import Failure, ModelAnswer
from smsbot.gateways.wire import AnswerTooLarge, Call, LineFailed, calling, exchange, new_pool

CONNECT_TIMEOUT_S = 2.0
MAX_CONNECTIONS = 1000
KEEP_ALIVE = 100
MAX_ANSWER_BYTES = 1_000_000  # a reply is two segments; this is where a runaway answer is cut
LEAST_FOR_ANOTHER_CALL_S = 1.0  # below it a second attempt would only be cut off
BAD_REQUEST = (400, 422)
REQUEST_REFUSED = (400, 413, 422)
TOO_MANY_REQUESTS = 429
NOT_SENT = frozenset({"content-length", "cookie"})  # one call must not remember another; empty ones stay here too
PLAIN_TEXT = 2  # how many forms are refused when only text is left
SILENT = frozenset({Failure.TIMEOUT, Failure.UNAVAILABLE, Failure.THROTTLED})


class OpenAIChatModel:
    """A chat completions server by the openai library, without its retries: they sleep, and a lead is waiting.

    A server that refuses a JSON schema is asked for a JSON object from then on, and one that refuses this for text;
    the schema then goes into the prompt. A circuit breaker answers for a server that keeps failing.
    """

    def __init__(self, base_url: str, api_key: str, model: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        if not base_url or not model:
            raise ConfigurationError("set OPENAI_BASE_URL and OPENAI_MODEL, or neither of them")
        for name in ("openai", "httpx2", "httpcore2"):
            logging.getLogger(name).setLevel(logging.WARNING)  # at debug they write requests, bodies included
        self._client = openai.OpenAI(
            base_url=base_url,
            api_key=api_key or "none",  # local servers want none, the library wants one
            organization="",  # given, so that they are not read from the environment
            project="",
            max_retries=0,
            http_client=httpx2.Client(transport=_BoundedTransport(), trust_env=False, follow_redirects=False),
        )
        self._model = model
        self._breaker = Breaker(clock)
        self._formats_refused = 0  # grows only; a race costs one more refused call

    def answer(
        self, messages: Sequence[Mapping[str, str]], *, schema: Mapping[str, Any], schema_name: str, budget_s: float
    ) -> ModelAnswer:
        ticket = self._breaker.admit()
        if ticket is None:
            raise ModelFailed(Failure.UNAVAILABLE, "the model has not been answering and is left alone for a moment")
        started = time.monotonic()
        try:
            with calling(Call(started + budget_s, min(CONNECT_TIMEOUT_S, budget_s), budget_s)) as call:
                payload = self._asked(call, messages, schema, schema_name)
            answer = _answer_in(payload, self._model, time.monotonic() - started)
        except ModelFailed as error:
            if error.kind in SILENT:
                self._breaker.failed(ticket)
            else:
                self._breaker.succeeded(ticket)
            raise
        except BaseException:
            self._breaker.withdrawn(ticket)
            raise
        self._breaker.succeeded(ticket)
        return answer

    def _asked(
        self, call: Call, messages: Sequence[Mapping[str, str]], schema: Mapping[str, Any], schema_name: str
    ) -> object:
        while True:
            refused = self._formats_refused
            try:
                return self._sent(call, _request(messages, schema, schema_name, refused))
            except _FormatRefused as error:
                self._formats_refused = max(self._formats_refused, refused + 1)
                if refused >= PLAIN_TEXT:
                    raise ModelFailed(Failure.UNAVAILABLE, "the model server refuses every form of request") from error
                if call.left_s() < LEAST_FOR_ANOTHER_CALL_S:
                    raise ModelFailed(Failure.TIMEOUT, "no time is left to ask in another form") from error

    def _sent(self, call: Call, request: Mapping[str, Any]) -> object:
        try:
            # The raw answer: the library builds its objects from any JSON without a check.
            raw = self._client.chat.completions.with_raw_response.create(model=self._model, **request)
            return json.loads(raw.http_response.content)
        except LineFailed as error:
            if error.timed_out and call.left_s() <= 0:
                raise ModelFailed(Failure.TIMEOUT, "the model did not answer within its budget") from error
            raise ModelFailed(Failure.UNAVAILABLE, f"the model server was not reached: {error}") from error
        except AnswerTooLarge as error:
            raise ModelFailed(Failure.MALFORMED, f"the model's answer does not end: {error}") from error
        except openai.APIStatusError as error:
            raise _status_failure(error) from None  # an error's text may quote the prompt
        except openai.OpenAIError as error:
            raise ModelFailed(Failure.UNAVAILABLE, f"the model call failed ({type(error).__name__})") from None
        except ValueError as error:
            raise ModelFailed(Failure.MALFORMED, f"the answer is not JSON ({type(error).__name__})") from None


class _FormatRefused(Exception):
    """The server does not take this `response_format`."""


def _request(
    messages: Sequence[Mapping[str, str]], schema: Mapping[str, Any], schema_name: str, refused: int
) -> dict[str, Any]:
    if refused == 0:
        json_schema = {"name": schema_name, "schema": dict(schema), "strict": True}
        response_format: dict[str, Any] = {"type": "json_schema", "json_schema": json_schema}
        return {"messages": [dict(message) for message in messages], "response_format": response_format}
    instruction = "Answer with one JSON object and nothing else. It must match this JSON Schema:\n" + json.dumps(schema)
    # First, so that the last word stays the lead's: servers' templates often want a user's message at the end.
    told = [{"role": "system", "content": instruction}, *(dict(message) for message in messages)]
    return {"messages": told, "response_format": {"type": "json_object"}} if refused == 1 else {"messages": told}


def _status_failure(error: openai.APIStatusError) -> Exception:
    said = error.response.text.lower()
    if error.status_code in BAD_REQUEST and any(
        word in said for word in ("response_format", "json_schema", "json_object", "response format")
    ):
        return _FormatRefused(f"HTTP {error.status_code}")
    if error.status_code == TOO_MANY_REQUESTS:
        return ModelFailed(Failure.THROTTLED, "the model server asks for fewer calls")
    if error.status_code in (401, 403):
        return ModelFailed(Failure.UNAVAILABLE, "the model server refuses our key: set OPENAI_API_KEY")
    if error.status_code in REQUEST_REFUSED:
        # This conversation is too long or not wanted; the next one may be fine, so the breaker must not count it.
        return ModelFailed(Failure.REFUSED, f"the model server refused the request ({error.status_code})")
    return ModelFailed(Failure.UNAVAILABLE, f"the model server answered {error.status_code}")


def _answer_in(payload: object, asked_for: str, elapsed_s: float) -> ModelAnswer:
    """The answer in a chat completion; everything in it is checked, for any server may stand behind the address."""
    body = payload if isinstance(payload, dict) else {}
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise ModelFailed(Failure.MALFORMED, "the model's answer holds no choice")
    message = choices[0].get("message")
    if not isinstance(message, dict):
        raise ModelFailed(Failure.MALFORMED, "the model's answer holds no message")
    reason = choices[0].get("finish_reason")
    if message.get("refusal") or reason == "content_filter":
        raise ModelFailed(Failure.REFUSED, "the model refused to answer")
    if message.get("tool_calls") or message.get("function_call"):
        raise ModelFailed(Failure.MALFORMED, "the model called a tool that it was not given")
    if reason not in (None, "stop"):
        raise ModelFailed(Failure.MALFORMED, "the model's answer is cut off" if reason == "length" else "odd ending")
    content = message.get("content")
    if not isinstance(content, str) or not content.strip():
        raise ModelFailed(Failure.MALFORMED, "the model's answer is empty")
    usage = body.get("usage")
    tokens = usage if isinstance(usage, dict) else {}
    model = body.get("model")
    return ModelAnswer(
        content=content,
        model=model if isinstance(model, str) and model else asked_for,
        prompt_tokens=_count(tokens.get("prompt_tokens")),
        completion_tokens=_count(tokens.get("completion_tokens")),
        elapsed_s=elapsed_s,
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


class _BoundedTransport(httpx2.BaseTransport):
    """Gives the library whole answers, read under the limits of the call that this thread is in."""

    def __init__(self) -> None:
        self._pool: httpcore2.ConnectionPool = new_pool(max_connections=MAX_CONNECTIONS, keep_alive=KEEP_ALIVE)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        reply = exchange(
            self._pool,
            request.method,
            str(request.url),
            headers={name: value for name, value in request.headers.items() if value and name not in NOT_SENT},
            content=request.read(),
            max_bytes=MAX_ANSWER_BYTES,
        )
        kept = {name: value for name, value in reply.headers.items() if name != "transfer-encoding"}
        return httpx2.Response(reply.status, headers=kept, content=reply.body, request=request)

    def close(self) -> None:
        self._pool.close()
