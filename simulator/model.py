"""A stand-in for any OpenAI-compatible model: chat completions that fit the schema asked for, and faults on demand.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from simulator.draws import Draws, chosen, within
from simulator.faults import ModelFault, ModelFaults, Scripted
from simulator.journal import Clock, Journal
from simulator.model_answers import REFUSAL, Payload, content_for, must_call_tool, said, tool_call_for
from simulator.wire import Answer, Cut, Request, json_answer

NAME = "simulated"
KEPT_REQUESTS = 10_000
PIECE = 16  # characters in each piece of a streamed text
JSON_TYPE = (("Content-Type", "application/json"),)
STREAM_TYPE = (("Content-Type", "text/event-stream; charset=utf-8"), ("Cache-Control", "no-cache"))


@dataclass(frozen=True)
class _Said:
    """One answer before it is put on the wire."""

    content: str | None
    refusal: str | None = None
    tool_calls: tuple[tuple[str, str], ...] = ()


class Model:
    """Safe to use from many threads. `wait` sleeps, and returns early when the simulator stops."""

    def __init__(self, draws: Draws, clock: Clock, journal: Journal, wait: Callable[[float], object]) -> None:
        self.faults = ModelFaults()
        self.draws, self._clock, self._journal, self._wait = draws, clock, journal, wait
        self._lock = threading.Lock()
        self._planned: deque[ModelFault] = deque()
        self._scripted: list[Scripted] = []
        self._requests: deque[dict[str, Any]] = deque(maxlen=KEPT_REQUESTS)
        self._count = 0

    def set_faults(self, faults: ModelFaults) -> None:
        with self._lock:
            self.faults = faults
            self._planned = deque(faults.next)
            self._scripted = list(faults.scripted)

    def reset(self) -> None:
        """Forgets requests and faults."""
        self.set_faults(ModelFaults())
        with self._lock:
            self._requests.clear()
            self._count = 0

    @property
    def faults_left(self) -> ModelFaults:
        """The faults as they stand: what was planned or scripted and has happened is gone."""
        with self._lock:
            return replace(self.faults, next=tuple(self._planned), scripted=tuple(self._scripted))

    @property
    def calls(self) -> int:
        return self._count

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The kept requests, oldest first: `n` from 1, `mono`, `wall`, `request` (the JSON that was sent)."""
        with self._lock:
            return list(self._requests)

    def answer(self, request: Request) -> Answer:
        """The answer to one request under /v1/. Raises Cut for a lost line."""
        if request.path == "/v1/models" and request.method == "GET":
            return json_answer(200, {"object": "list", "data": [_model(NAME)]})
        if request.path != "/v1/chat/completions" or request.method != "POST":
            return _error(404, f"Unknown request URL: {request.method} {request.path}", "unknown_url")
        try:
            payload = request.json()
        except ValueError:
            return _error(400, "We could not parse the JSON body of your request.", None)
        if not isinstance(payload, dict) or not isinstance(payload.get("messages"), list) or not payload.get("model"):
            return _error(400, "you must provide a model and messages", None)
        return self._complete(payload, request.received)

    def _complete(self, payload: Payload, received: float) -> Answer:
        script, fault = self._next(payload, received)
        high = self.faults.latency_ms[1]
        self._wait(within(self.draws.next("model latency"), self.faults.latency_ms) / 1000 if high else 0)
        if script and script.http:
            return json_answer(*script.http)
        match fault:
            case ModelFault.TOO_MANY_REQUESTS:
                after = self.faults.retry_after_s
                headers = () if after is None else (("Retry-After", f"{after:g}"),)
                return _error(429, "Rate limit reached for requests", "rate_limit_exceeded", headers)
            case ModelFault.SERVER_ERROR:
                return _error(500, "The server had an error while processing your request", None)
            case ModelFault.RESET:
                raise Cut
            case ModelFault.SLOW:
                self._wait(self._slow_s())
        answer = self._said(payload, script, fault)
        return self._streamed(payload, answer, fault) if payload.get("stream") else self._whole(payload, answer, fault)

    def _next(self, payload: Payload, received: float) -> tuple[Scripted | None, ModelFault | None]:
        """Keeps the request, and decides what it gets: a scripted answer, a planned fault, or chance."""
        asked = said(payload, "user")
        with self._lock:
            self._count += 1
            wall = self._clock.now().isoformat().replace("+00:00", "Z")
            self._requests.append({"n": self._count, "mono": received, "wall": wall, "request": payload})
            script = next((one for one in self._scripted if one.match is None or re.search(one.match, asked)), None)
            if script and not script.keep:
                self._scripted.remove(script)
            fault = script.fault if script else self._planned.popleft() if self._planned else None
        if script is None and fault is None and self.faults.rates:
            fault = chosen(self.draws.next("model"), self.faults.rates)
        self._journal.add("model", {"n": self._count, "fault": fault}, mono=received)
        return script, fault

    def _slow_s(self) -> float:
        return within(self.draws.next("model slow"), self.faults.slow_s)

    def _said(self, payload: Payload, script: Scripted | None, fault: ModelFault | None) -> _Said:
        if script and script.tool_calls:
            return _Said(None, tool_calls=script.tool_calls)
        if script and script.content is not None:
            return _Said(script.content)
        if fault is ModelFault.REFUSAL:
            return _Said(None, REFUSAL)
        if fault is ModelFault.TOOL_CALL or (fault is None and must_call_tool(payload)):
            return _Said(None, tool_calls=(tool_call_for(payload),))
        if self.faults.content is not None and fault is None:
            return _Said(self.faults.content)
        return _Said(content_for(payload, fault))

    # --- on the wire ----------------------------------------------------------------------------------------------------

    def _frame(self, payload: Payload, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self.draws.sid("chatcmpl-"),
            "object": kind,
            "created": int(time.time()),
            "model": payload["model"],
            "choices": choices,
            "system_fingerprint": None,
        }

    def _whole(self, payload: Payload, answer: _Said, fault: ModelFault | None) -> Answer:
        message: dict[str, Any] = {"role": "assistant", "content": answer.content, "refusal": answer.refusal}
        if answer.tool_calls:
            message["tool_calls"] = self._calls(answer)
        reason = "tool_calls" if answer.tool_calls else "stop"
        choices = [{"index": 0, "message": message, "logprobs": None, "finish_reason": reason}]
        frame = self._frame(payload, "chat.completion", [] if fault is ModelFault.EMPTY_CHOICES else choices)
        body = json.dumps(frame | {"usage": _usage(payload, answer)}).encode()
        match fault:
            case ModelFault.DISCONNECT:
                return Answer(200, body[: len(body) // 2], JSON_TYPE, cut=True, length=len(body))
            case ModelFault.SLOW_STREAM:
                return Answer(200, headers=JSON_TYPE, chunks=self._dripping(body))
        return Answer(200, body, JSON_TYPE)

    def _streamed(self, payload: Payload, answer: _Said, fault: ModelFault | None) -> Answer:
        frame = self._frame(payload, "chat.completion.chunk", [])
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "" if answer.content is not None else None}]
        text = answer.content or ""
        deltas += [{"content": text[start : start + PIECE]} for start in range(0, len(text), PIECE)]
        if answer.refusal:
            deltas.append({"refusal": answer.refusal})
        if answer.tool_calls:
            deltas.append({"tool_calls": [call | {"index": at} for at, call in enumerate(self._calls(answer))]})
        reason = "tool_calls" if answer.tool_calls else "stop"
        choices: list[dict[str, Any]] = [
            {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None} for delta in deltas
        ]
        choices.append({"index": 0, "delta": {}, "logprobs": None, "finish_reason": reason})
        events = [frame | {"choices": [] if fault is ModelFault.EMPTY_CHOICES else [one]} for one in choices]
        if (payload.get("stream_options") or {}).get("include_usage"):
            events.append(frame | {"usage": _usage(payload, answer)})
        lines = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events]
        if fault is ModelFault.DISCONNECT:
            return Answer(200, headers=STREAM_TYPE, chunks=lines[: len(lines) // 2], cut=True)
        lines.append(b"data: [DONE]\n\n")
        pause = self._slow_s() / len(lines) if fault is ModelFault.SLOW_STREAM else 0
        return Answer(200, headers=STREAM_TYPE, chunks=self._paced(lines, pause) if pause else lines)

    def _calls(self, answer: _Said) -> list[dict[str, Any]]:
        return [
            {"id": self.draws.sid("call_"), "type": "function", "function": {"name": name, "arguments": arguments}}
            for name, arguments in answer.tool_calls
        ]

    def _dripping(self, body: bytes) -> Iterator[bytes]:
        """Blanks that JSON allows, one at a time, until the body comes."""
        slow_s = self._slow_s()
        yield from self._paced([b" "] * 20, slow_s / 20)
        yield body

    def _paced(self, pieces: list[bytes], pause: float) -> Iterator[bytes]:
        for piece in pieces:
            self._wait(pause)
            yield piece


def _usage(payload: Payload, answer: _Said) -> dict[str, int]:
    asked = sum(len(str(message)) for message in payload["messages"]) // 4 + 1
    given = len(answer.content or "") // 4 + 1
    return {"prompt_tokens": asked, "completion_tokens": given, "total_tokens": asked + given}


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "simulator"}


def _error(status: int, message: str, code: str | None, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    kind = "server_error" if status >= 500 else "requests" if status == 429 else "invalid_request_error"
    return json_answer(status, {"error": {"message": message, "type": kind, "param": None, "code": code}}, headers)
