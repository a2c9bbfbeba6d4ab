"""The faults as switches on a page: what each says, how a form sets them, and what is on in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from simulator.faults import CallbackFaults, CarrierFault, CarrierFaults, ForcedError, ModelFault, ModelFaults

Kind = TypeVar("Kind", bound=StrEnum)
Fields = dict[str, list[str]]  # names of form fields to the values that are set

NEXT = "next"
SHARES = {"1": "every time", "0.5": "half of the time", "0.1": "one time in ten"}
OFTEN = {**SHARES, NEXT: "the next time only"}
LATEST_MS = 20_000
SLOW_CALLBACK_S = (3.0, 3.0)
LAG_S = (15.0, 15.0)

CARRIER_SWITCHES: Mapping[CarrierFault, str] = {
    CarrierFault.TOO_MANY_REQUESTS: "Refuse with 429, too many requests",
    CarrierFault.SERVER_ERROR: "Refuse with 500",
    CarrierFault.UNAVAILABLE_HTML: "Refuse with 503 and a web page",
    CarrierFault.RESET_BEFORE_ACCEPT: "Drop the line, no text made",
    CarrierFault.SLOW: "Think 5 s before accepting",
    CarrierFault.ACCEPT_THEN_RESET: "Accept, then drop the line",
    CarrierFault.ACCEPT_THEN_500: "Accept, then answer 500",
    CarrierFault.ACCEPT_THEN_SLOW: "Accept, then answer after 5 s",
    CarrierFault.ACCEPT_THEN_GARBAGE: "Accept, then answer half a JSON",
    CarrierFault.ACCEPT_WITHOUT_SID: "Accept, but leave the sid out",
}
CALLBACK_SWITCHES: Mapping[str, str] = {
    "loss": "Lose them",
    "duplicate": "Send them twice",
    "reorder": "Swap their order",
}
MODEL_AWAY: Mapping[ModelFault, str] = {
    ModelFault.SLOW: "Answer after 5 s",
    ModelFault.SLOW_STREAM: "Drip the answer over 5 s",
    ModelFault.TOO_MANY_REQUESTS: "Refuse with 429, rate limit",
    ModelFault.SERVER_ERROR: "Refuse with 500",
    ModelFault.RESET: "Drop the line",
    ModelFault.DISCONNECT: "Drop the line half way",
    ModelFault.REFUSAL: "Decline to answer",
}
MODEL_MALFORMED: Mapping[ModelFault, str] = {
    ModelFault.INVALID_JSON: "Half a JSON",
    ModelFault.WRONG_SCHEMA: "Another schema",
    ModelFault.EMPTY_CONTENT: "An empty text",
    ModelFault.EMPTY_CHOICES: "No choices at all",
    ModelFault.TOOL_CALL: "Call of an unknown tool",
}
MODEL_WRONG: Mapping[ModelFault, str] = {
    ModelFault.INVENTS_PRICE: "Invent a price",
    ModelFault.CLAIMS_BOOKING: "Claim a booking",
    ModelFault.OBEYS_INJECTION: "Obey an injected order",
    ModelFault.CONTAINS_URL: "Add a link",
    ModelFault.CONTAINS_PHONE: "Add a phone number",
    ModelFault.CONTAINS_SSN: "Add a social security number",
    ModelFault.CONTAINS_PROMPT: "Repeat its instructions",
    ModelFault.TOO_LONG: "Write 2,000 characters",
    ModelFault.WRONG_LANGUAGE: "Answer in German",
    ModelFault.TYPOGRAPHIC: "Use curly quotes and emoji",
}
MODEL_SWITCHES: Mapping[ModelFault, str] = {**MODEL_AWAY, **MODEL_MALFORMED, **MODEL_WRONG}


@dataclass(frozen=True)
class CodeChoice:
    """An error code that every text to send gets: at once (`sync`) or later, by callback."""

    code: int
    sync: bool
    words: str


# https://www.twilio.com/docs/api/errors
CODES = (
    CodeChoice(30003, False, "phone is switched off"),
    CodeChoice(30005, False, "number does not exist"),
    CodeChoice(30006, False, "landline"),
    CodeChoice(30007, False, "filtered as spam"),
    CodeChoice(30008, False, "unknown reason"),
    CodeChoice(30034, False, "number is not registered"),
    CodeChoice(21211, True, "number is invalid"),
    CodeChoice(21610, True, "person has opted out"),
    CodeChoice(21614, True, "not a mobile number"),
    CodeChoice(63038, True, "account's daily limit"),
)
CODE_WORDS: Mapping[int, str] = {choice.code: choice.words for choice in CODES}


def faults_in(
    form: Sequence[tuple[str, str]], carrier: CarrierFaults, model: ModelFaults
) -> tuple[CarrierFaults, ModelFaults]:
    """What the form sets. What it has no field for stays as it is in `carrier` and `model`, and so does a whole half
    that the form leaves as it was: planned or uneven faults that a page cannot write are not lost to a switch beside.

    Several switches of a group share its "how often" evenly. Raises ValueError naming the field that is wrong.
    """
    new_carrier, new_model = _carrier_in(form, carrier), _model_in(form, model)
    before, after = fields_of(carrier, model), fields_of(new_carrier, new_model)
    same = {name for name in before if sorted(before[name]) == sorted(after[name])}
    model_fields = {name for name in before if name.startswith("model")}
    return (
        carrier if set(before) - model_fields <= same else new_carrier,
        model if model_fields <= same else new_model,
    )


def _carrier_in(form: Sequence[tuple[str, str]], carrier: CarrierFaults) -> CarrierFaults:
    last = dict(form)
    callback = [value for name, value in form if name == "callback"]
    if unknown := set(callback) - set(CALLBACK_SWITCHES):
        raise ValueError(f"callback: unknown {min(unknown)}")
    told = float(_often(last, "callback_share", SHARES))
    usual = CallbackFaults()
    one_way = tuple(error for error in carrier.errors if error.to is not None)  # for one person: not on this form
    often, chosen = _often(last, "carrier_share"), _chosen(form, "carrier", CarrierFault)
    return replace(
        carrier,
        latency_ms=_latency(last, "latency_ms"),
        rates=_rates(chosen, often),
        next=chosen if often == NEXT else (),
        errors=(*_forced(last.get("code", "")), *one_way),
        list_lag_s=LAG_S if "lag" in last else (0.0, 0.0),
        read_500=1.0 if "reads" in last else 0.0,
        callback=CallbackFaults(
            delay_s=SLOW_CALLBACK_S if "callback_slow" in last else usual.delay_s,
            **{name: told if name in callback else 0.0 for name in CALLBACK_SWITCHES},
        ),
    )


def _model_in(form: Sequence[tuple[str, str]], model: ModelFaults) -> ModelFaults:
    last = dict(form)
    often, chosen = _often(last, "model_share"), _chosen(form, "model", ModelFault)
    return replace(
        model,
        latency_ms=_latency(last, "model_latency_ms"),
        rates=_rates(chosen, often),
        next=chosen if often == NEXT else (),
    )


def fields_of(carrier: CarrierFaults, model: ModelFaults) -> Fields:
    """The form as it would have set these faults, as far as it can."""
    told = carrier.callback
    callback = {name: getattr(told, name) for name in CALLBACK_SWITCHES if getattr(told, name)}
    code = next((str(error.code) for error in carrier.errors if error.to is None and error.code in CODE_WORDS), "")
    return {
        "latency_ms": [f"{carrier.latency_ms[1]:.0f}"],
        "carrier": _on(carrier.rates, carrier.next),
        "carrier_share": [_how_often(carrier.rates, carrier.next)],
        "code": [code],
        "callback": list(callback),
        "callback_share": [_nearest(max(callback.values(), default=0.0))],
        "callback_slow": ["on"] if told.delay_s[1] >= 1 else [],
        "lag": ["on"] if carrier.list_lag_s[1] else [],
        "reads": ["on"] if carrier.read_500 else [],
        "model_latency_ms": [f"{model.latency_ms[1]:.0f}"],
        "model": _on(model.rates, model.next),
        "model_share": [_how_often(model.rates, model.next)],
    }


def faults_shown(carrier: CarrierFaults, model: ModelFaults) -> dict[str, object]:
    """As JSON: what is on in `words`, and the `fields` of the form."""
    return {"words": words_of(carrier, model), "fields": fields_of(carrier, model)}


def words_of(carrier: CarrierFaults, model: ModelFaults) -> list[str]:
    """Each fault that is on, as a reader would call it; empty when all is well."""
    found = []
    if carrier.latency_ms[1]:
        found.append(f"Carrier: answers after {carrier.latency_ms[1]:.0f} ms")
    found += [f"Carrier: {_lower(CARRIER_SWITCHES[kind])}" for kind, rate in carrier.rates.items() if rate]
    found += [f"Carrier: next request, {_lower(CARRIER_SWITCHES[kind])}" for kind in carrier.next]
    found += [f"Carrier: error {error.code}, {CODE_WORDS.get(error.code, 'forced')}" for error in carrier.errors]
    told = carrier.callback
    found += [f"Callbacks: {_lower(text)}" for name, text in CALLBACK_SWITCHES.items() if getattr(told, name)]
    if told.delay_s[1] >= 1:
        found.append(f"Callbacks: {told.delay_s[1]:g} s apart")
    if carrier.list_lag_s[1]:
        found.append(f"Carrier: its list lags {carrier.list_lag_s[1]:g} s behind")
    if carrier.read_500:
        found.append("Carrier: its list answers 500")
    if model.latency_ms[1]:
        found.append(f"Model: answers after {model.latency_ms[1]:.0f} ms")
    found += [f"Model: {_lower(MODEL_SWITCHES[kind])}" for kind, rate in model.rates.items() if rate]
    found += [f"Model: next answer, {_lower(MODEL_SWITCHES[kind])}" for kind in model.next]
    if model.scripted:
        found.append(f"Model: {len(model.scripted)} scripted answers")
    if model.content is not None:
        found.append("Model: the same answer to everything")
    return found


def _chosen(form: Iterable[tuple[str, str]], name: str, kinds: type[Kind]) -> tuple[Kind, ...]:
    return tuple(dict.fromkeys(kinds(value) for field, value in form if field == name))


def _rates(chosen: Sequence[Kind], often: str) -> dict[Kind, float]:
    return {} if often == NEXT else {kind: float(often) / len(chosen) for kind in chosen}


def _often(form: Mapping[str, str], name: str, known: Mapping[str, str] = OFTEN) -> str:
    value = form.get(name, "1")
    if value not in known:
        raise ValueError(f"{name}: one of {', '.join(known)} is needed")
    return value


def _on(rates: Mapping[Kind, float], planned: Sequence[Kind]) -> list[str]:
    return [kind.value for kind in dict.fromkeys([*(kind for kind, rate in rates.items() if rate), *planned])]


def _how_often(rates: Mapping[Kind, float], planned: Sequence[Kind]) -> str:
    return NEXT if planned and not any(rates.values()) else _nearest(sum(rates.values()))


def _nearest(rate: float) -> str:
    return min(SHARES, key=lambda share: abs(float(share) - (rate or 1)))


def _latency(form: Mapping[str, str], name: str) -> tuple[float, float]:
    written = form.get(name, "").strip() or "0"
    if not written.isdecimal() or int(written) > LATEST_MS:
        raise ValueError(f"{name}: a whole number of milliseconds up to {LATEST_MS} is needed")
    return float(written), float(written)


def _forced(written: str) -> tuple[ForcedError, ...]:
    if not written:
        return ()
    for choice in CODES:
        if str(choice.code) == written:
            return (ForcedError(choice.code, choice.sync),)
    raise ValueError("code: one of the listed codes is needed")


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
