"""What the stand-ins are told to do wrong, and how that is written as JSON. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

Span = tuple[float, float]  # from, to: a draw falls between
Kind = TypeVar("Kind", bound=StrEnum)


class CarrierFault(StrEnum):
    """What can happen to a create. Whether the message exists afterwards is in the name."""

    TOO_MANY_REQUESTS = "429"
    SERVER_ERROR = "500"
    UNAVAILABLE_HTML = "503"
    SLOW = "slow"  # accepted after `slow_s`, when a hasty client has long gone
    RESET_BEFORE_ACCEPT = "reset_before_accept"
    ACCEPT_THEN_RESET = "accept_then_reset"
    ACCEPT_THEN_500 = "accept_then_500"
    ACCEPT_THEN_GARBAGE = "accept_then_garbage"
    ACCEPT_THEN_SLOW = "accept_then_slow"
    ACCEPT_WITHOUT_SID = "accept_without_sid"


class ModelFault(StrEnum):
    """What can be wrong with an answer of the model."""

    TOO_MANY_REQUESTS = "429"
    SERVER_ERROR = "500"
    SLOW = "slow"
    SLOW_STREAM = "slow_stream"  # bytes keep coming for `slow_s`, so no single read times out
    RESET = "reset"
    DISCONNECT = "disconnect"  # in the middle of the body
    EMPTY_CHOICES = "empty_choices"
    EMPTY_CONTENT = "empty_content"
    REFUSAL = "refusal"
    INVALID_JSON = "invalid_json"
    WRONG_SCHEMA = "wrong_schema"
    TOO_LONG = "too_long"
    WRONG_LANGUAGE = "wrong_language"
    TOOL_CALL = "tool_call"
    CONTAINS_URL = "contains_url"
    CONTAINS_PHONE = "contains_phone"
    CONTAINS_SSN = "contains_ssn"
    CONTAINS_PROMPT = "contains_prompt"
    INVENTS_PRICE = "invents_price"
    CLAIMS_BOOKING = "claims_booking"
    OBEYS_INJECTION = "obeys_injection"
    TYPOGRAPHIC = "typographic"


@dataclass(frozen=True)
class CallbackFaults:
    """`delay_s` lies between one status and the next; the rest are probabilities for each callback."""

    delay_s: Span = (0.02, 0.08)
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0


@dataclass(frozen=True)
class ForcedError:
    """An error code given to a share of the creates: in the answer (`sync`) or later by callback."""

    code: int
    sync: bool
    rate: float = 1.0
    to: str | None = None
    status: str | None = None  # of the failed message; by default what the code usually comes with


@dataclass(frozen=True)
class CarrierFaults:
    latency_ms: Span = (0.0, 0.0)
    rates: Mapping[CarrierFault, float] = field(default_factory=dict)
    next: tuple[CarrierFault, ...] = ()  # the next creates get these, one each, before chance decides
    slow_s: Span = (5.0, 5.0)
    retry_after_s: float | None = None
    errors: tuple[ForcedError, ...] = ()
    list_lag_s: Span = (0.0, 0.0)
    read_500: float = 0.0
    callback: CallbackFaults = CallbackFaults()


@dataclass(frozen=True)
class Scripted:
    """One answer laid down in advance for the first request whose last user message `match` is found in; `keep` uses
    it again and again. Exactly one of the others is set: a text, calls of tools, a fault, or a bare HTTP answer."""

    match: str | None = None
    keep: bool = False
    content: str | None = None
    tool_calls: tuple[tuple[str, str], ...] = ()  # name and JSON arguments
    fault: ModelFault | None = None
    http: tuple[int, Any] | None = None


@dataclass(frozen=True)
class ModelFaults:
    """`content` is the answer to everything; `scripted` answers are used up first."""

    latency_ms: Span = (0.0, 0.0)
    rates: Mapping[ModelFault, float] = field(default_factory=dict)
    next: tuple[ModelFault, ...] = ()
    slow_s: Span = (5.0, 5.0)
    retry_after_s: float | None = None
    content: str | None = None
    scripted: tuple[Scripted, ...] = ()


def carrier_faults_from(written: Mapping[str, Any]) -> CarrierFaults:
    """Raises ValueError naming what is unknown or wrong: a fault that is silently not injected proves nothing."""
    _only(written, CarrierFaults.__dataclass_fields__, "carrier")
    callback = written.get("callback", {})
    _only(callback, CallbackFaults.__dataclass_fields__, "callback")
    usual = CarrierFaults()
    return CarrierFaults(
        latency_ms=_span(written, "latency_ms", usual.latency_ms),
        rates=_rates(written, CarrierFault),
        next=tuple(CarrierFault(str(name)) for name in written.get("next", ())),
        slow_s=_span(written, "slow_s", usual.slow_s),
        retry_after_s=_seconds(written, "retry_after_s"),
        errors=tuple(_forced(error) for error in written.get("errors", ())),
        list_lag_s=_span(written, "list_lag_s", usual.list_lag_s),
        read_500=_rate(written, "read_500"),
        callback=CallbackFaults(
            delay_s=_span(callback, "delay_s", usual.callback.delay_s),
            loss=_rate(callback, "loss"),
            duplicate=_rate(callback, "duplicate"),
            reorder=_rate(callback, "reorder"),
        ),
    )


def model_faults_from(written: Mapping[str, Any]) -> ModelFaults:
    """Raises ValueError naming what is unknown or wrong."""
    _only(written, ModelFaults.__dataclass_fields__, "model")
    content = written.get("content")
    if content is not None and not isinstance(content, str):
        raise ValueError("content: a text is needed")
    return ModelFaults(
        latency_ms=_span(written, "latency_ms", (0.0, 0.0)),
        rates=_rates(written, ModelFault),
        next=tuple(ModelFault(str(name)) for name in written.get("next", ())),
        slow_s=_span(written, "slow_s", (5.0, 5.0)),
        retry_after_s=_seconds(written, "retry_after_s"),
        content=content,
        scripted=tuple(scripted_from(answer) for answer in written.get("scripted", ())),
    )


def scripted_from(written: Any) -> Scripted:
    """A text, or an object with one of content, json, tool_calls, fault, status and body; match and keep beside it."""
    if isinstance(written, str):
        return Scripted(content=written)
    _only(written, {"match", "keep", "content", "json", "tool_calls", "fault", "status", "body"}, "scripted")
    if len({"content", "json", "tool_calls", "fault", "status"} & set(written)) != 1:
        raise ValueError("scripted: exactly one of content, json, tool_calls, fault, status")
    return Scripted(
        match=written.get("match"),
        keep=bool(written.get("keep", False)),
        content=json.dumps(written["json"]) if "json" in written else written.get("content"),
        tool_calls=tuple((call["name"], json.dumps(call["arguments"])) for call in written.get("tool_calls", ())),
        fault=ModelFault(str(written["fault"])) if "fault" in written else None,
        http=(int(written["status"]), written.get("body", {})) if "status" in written else None,
    )


def _forced(written: Mapping[str, Any]) -> ForcedError:
    _only(written, {"code", "where", "rate", "to", "status"}, "errors")
    where = written.get("where", "sync")
    if where not in ("sync", "async"):
        raise ValueError("where: sync or async")
    if written.get("status") not in (None, "failed", "undelivered"):
        raise ValueError("status: failed or undelivered")
    return ForcedError(
        int(written["code"]), where == "sync", _rate(written, "rate", 1.0), written.get("to"), written.get("status")
    )


def _only(written: Mapping[str, Any], fields: Any, what: str) -> None:
    if unknown := sorted(set(written) - set(fields)):
        raise ValueError(f"{what}: unknown key {unknown[0]}; known are {', '.join(sorted(fields))}")


def _rates(written: Mapping[str, Any], kinds: type[Kind]) -> dict[Kind, float]:
    rates = {kinds(str(name)): _rate(written["rates"], name) for name in written.get("rates", {})}
    if sum(rates.values()) > 1:
        raise ValueError("rates: together at most 1")
    return rates


def _rate(written: Mapping[str, Any], name: str, usual: float = 0.0) -> float:
    rate = float(written.get(name, usual))
    if not 0 <= rate <= 1:
        raise ValueError(f"{name}: a probability between 0 and 1 is needed")
    return rate


def _seconds(written: Mapping[str, Any], name: str) -> float | None:
    value = written.get(name)
    return None if value is None else float(value)


def _span(written: Mapping[str, Any], name: str, usual: Span) -> Span:
    value = written.get(name, usual)
    low, high = value if isinstance(value, list | tuple) else (value, value)
    if not 0 <= low <= high:
        raise ValueError(f"{name}: a number, or [least, most]")
    return float(low), float(high)
