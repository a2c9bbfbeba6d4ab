"""What the stand-in model says: instances of the schema asked for, scripted answers, and faults of content."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from simulator.faults import ModelFault
from simulator.model_answers import usual_text
from simulator.schema_instance import instance_of
from simulator.segments import BASIC

SCHEMA = {
    "type": "object",
    "properties": {
        "intent": {"enum": ["question", "opt_out"]},
        "reply": {"type": "string", "maxLength": 320},
        "handoff": {"anyOf": [{"$ref": "#/$defs/Handoff"}, {"type": "null"}]},
    },
    "required": ["intent", "reply", "handoff"],
    "additionalProperties": False,
    "$defs": {"Handoff": {"type": "object", "properties": {"why": {"type": "string"}}, "required": ["why"]}},
}


def ask(world, text="Is the blue Civic there?", **more):
    payload = {
        "model": "m",
        "messages": [{"role": "system", "content": "PROMPT"}, {"role": "user", "content": text}],
        **more,
    }
    return requests.post(
        f"{world.sim.url}/v1/chat/completions", json=payload, headers={"Authorization": "Bearer k"}, timeout=5
    )


def said(answer):
    return answer.json()["choices"][0]["message"]["content"]


def typed(world, **more):
    return said(
        ask(
            world,
            response_format={"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": SCHEMA}},
            **more,
        )
    )


def test_typed_answer_takes_the_first_of_an_enum_and_nothing_where_it_may(world):
    answer = json.loads(typed(world))

    assert answer["intent"] == "question"
    assert answer["handoff"] is None
    assert "blue civic" in answer["reply"]


def test_same_question_gets_the_same_answer(world):
    assert typed(world) == typed(world)


def test_any_json_will_do_for_json_object(world):
    assert json.loads(said(ask(world, response_format={"type": "json_object"})))["text"]


@pytest.mark.parametrize(
    ("fault", "pattern"),
    [
        ("contains_url", r"https://"),
        ("contains_phone", r"415-555-0199"),
        ("contains_ssn", r"\d{3}-\d\d-\d{4}"),
        ("contains_prompt", r"PROMPT"),
        ("invents_price", r"\$412,350"),
        ("claims_booking", r"booked"),
        ("obeys_injection", r"ignore my instructions"),
        ("typographic", r"[“”’—…🙂]"),
        ("wrong_language", r"Vielen Dank"),
        ("too_long", r"(?s)^.{2000,}$"),
    ],
)
def test_fault_of_content_shows_in_plain_and_in_typed_answers(world, fault, pattern):
    world.control("faults", model={"rates": {fault: 1}})

    assert re.search(pattern, said(ask(world)))
    assert re.search(pattern, json.loads(typed(world))["reply"])


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("empty_content", {"content": "", "refusal": None}),
        ("refusal", {"content": None, "refusal": "I'm sorry, I can't help with that."}),
        ("wrong_schema", {"content": '{"unexpected": true}', "refusal": None}),
    ],
)
def test_faulty_messages(world, fault, message):
    world.control("faults", model={"next": [fault]})

    assert ask(world).json()["choices"][0]["message"] == {"role": "assistant"} | message


def test_empty_choices(world):
    world.control("faults", model={"next": ["empty_choices"]})

    assert ask(world).json()["choices"] == []


def test_tool_call_instead_of_text_names_a_tool_nobody_offered(world):
    world.control("faults", model={"next": ["tool_call"]})

    message = ask(world).json()["choices"][0]["message"]

    assert message["content"] is None
    assert message["tool_calls"][0]["function"] == {"name": "delete_everything", "arguments": "{}"}


def test_every_fault_changes_the_answer(world):
    usual = typed(world)
    for fault in set(ModelFault) - {
        ModelFault.SLOW,
        ModelFault.SLOW_STREAM,
        ModelFault.TOO_MANY_REQUESTS,
        ModelFault.SERVER_ERROR,
    }:
        world.control("faults", model={"next": [fault]})
        try:
            answer = ask(
                world, response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}
            ).json()
            changed = answer["choices"] == [] or answer["choices"][0]["message"]["content"] != usual
        except requests.RequestException:
            changed = True

        assert changed, fault


def test_canned_answer_is_given_to_everything(world):
    world.control("faults", model={"content": "Sure."})

    assert [said(ask(world)), typed(world)] == ["Sure.", "Sure."]


def test_scripted_answers_are_used_up_in_order_then_the_usual_ones_come(world):
    world.control(
        "faults", model={"scripted": ["one", {"json": {"a": 1}}, {"status": 418, "body": {"x": 1}}, {"fault": "500"}]}
    )

    answers = [ask(world) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [200, 200, 418, 500, 200]
    assert [said(answers[0]), said(answers[1])] == ["one", '{"a": 1}']
    assert "blue civic" in said(answers[4])


def test_scripted_answer_waits_for_the_text_it_matches(world):
    script = [{"match": "(?i)price", "content": "Ask an agent.", "keep": True}, {"match": "hello", "content": "Hi."}]
    world.control("faults", model={"scripted": script})

    texts = [said(ask(world, text)) for text in ("hello", "PRICE?", "the price?", "hello")]

    assert texts[:3] == ["Hi.", "Ask an agent.", "Ask an agent."]
    assert texts[3] not in ("Hi.", "Ask an agent.")


def test_scripted_tool_call(world):
    world.control("faults", model={"scripted": [{"tool_calls": [{"name": "book", "arguments": {"slot": "s1"}}]}]})

    (call,) = ask(world).json()["choices"][0]["message"]["tool_calls"]

    assert (call["function"]["name"], json.loads(call["function"]["arguments"])) == ("book", {"slot": "s1"})


def test_rates_follow_the_seed(world):
    def codes(seed):
        world.control("faults", seed=seed, model={"rates": {"429": 0.3, "500": 0.3}})
        return [ask(world).status_code for _ in range(30)]

    first = codes(1)

    assert first == codes(1) != codes(2)
    assert len(Counter(first)) == 3


def test_requests_are_kept_and_counted_without_the_key(world):
    ask(world)
    kept = world.look("model/requests")["items"]

    assert [one["n"] for one in kept] == [1]
    assert kept[0]["request"]["messages"][-1]["content"] == "Is the blue Civic there?"
    assert "Bearer" not in json.dumps(kept)
    assert world.look("model/requests?since=1")["items"] == []
    assert world.sim.model.calls == 1


@pytest.mark.parametrize(("body", "status"), [("{", 400), ("[]", 400), ('{"model": "m"}', 400)])
def test_nonsense_is_refused_in_openais_shape(world, body, status):
    answer = requests.post(f"{world.sim.url}/v1/chat/completions", data=body, timeout=5)

    assert (answer.status_code, set(answer.json()["error"])) == (status, {"message", "type", "param", "code"})


@given(st.text())
def test_usual_text_is_one_plain_segment_without_digits(text):
    answer = usual_text({"messages": [{"role": "user", "content": text[:120]}]})

    assert set(answer) <= BASIC
    assert not re.search(r"\d|http|@", answer)


# --- instances of schemas ----------------------------------------------------------------------------------------------


def fits(value, schema, root):
    """Whether `value` is an instance, for the part of JSON schema that `schemas` makes."""
    if "$ref" in schema:
        return fits(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "enum" in schema:
        return value in schema["enum"]
    if "anyOf" in schema:
        return any(fits(value, option, root) for option in schema["anyOf"])
    match schema["type"]:
        case "object":
            parts = schema["properties"]
            return (
                isinstance(value, dict)
                and set(schema["required"]) <= set(value) <= set(parts)
                and all(fits(value[k], parts[k], root) for k in value)
            )
        case "array":
            enough = isinstance(value, list) and len(value) >= schema.get("minItems", 0)
            return enough and all(fits(one, schema["items"], root) for one in value)
        case "string":
            return isinstance(value, str) and schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10**6)
        case "integer" | "number" as kind:
            if isinstance(value, bool) or not isinstance(value, int if kind == "integer" else int | float):
                return False
            return schema.get("minimum", -(10**9)) <= value <= schema.get("maximum", 10**9)
        case "boolean":
            return isinstance(value, bool)
        case "null":
            return value is None


def bounded(low, high, kind):
    return {"type": kind, "minimum": min(low, high), "maximum": max(low, high)}


leaves = st.one_of(
    st.builds(
        lambda low, more: {"type": "string", "minLength": low, "maxLength": low + more},
        st.integers(0, 90),
        st.integers(0, 90),
    ),
    st.builds(bounded, st.integers(-9, 9), st.integers(-9, 9), st.just("integer")),
    st.builds(bounded, st.floats(-2, 2), st.floats(-2, 2), st.just("number")),
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"enum": ["a", "b"]}, {"$ref": "#/$defs/Part"}]),
)
names = st.sampled_from(["reply", "score", "why", "until"])
schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(
            lambda parts, count: {"type": "object", "properties": parts, "required": sorted(parts)[:count]},
            st.dictionaries(names, inner, max_size=4),
            st.integers(0, 4),
        ),
        st.builds(lambda items, least: {"type": "array", "items": items, "minItems": least}, inner, st.integers(0, 3)),
        st.builds(lambda option: {"anyOf": [option, {"type": "null"}]}, inner),
    ),
    max_leaves=8,
)


@given(schemas, st.text(min_size=1, max_size=40))
def test_instance_fits_any_schema(schema, text):
    root = schema | {"$defs": {"Part": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}}}

    assert fits(instance_of(root, text), schema, root)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"const": 5}, 5),
        ({"type": ["string", "null"]}, None),
        ({"type": ["null", "integer"], "minimum": 3}, None),
        ({"type": "object", "properties": {"reply_text": {"type": ["string", "null"]}}}, {"reply_text": "hi"}),
        ({"type": "string", "format": "date-time"}, "2026-01-15T18:00:00Z"),
        ({"type": "string", "pattern": r"^\+\d{11}$"}, "+14155550100"),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, 0.5),
        ({"type": "integer", "minimum": 3, "multipleOf": 5}, 5),
        ({"type": "integer", "exclusiveMinimum": 0}, 1),
        ({"type": "integer", "maximum": -3}, -3),
        ({"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 2, "uniqueItems": True}, ["a", "b"]),
        (
            {"allOf": [{"type": "object", "properties": {"a": {"type": "null"}}}, {"properties": {"b": {"const": 1}}}]},
            {"a": None, "b": 1},
        ),
    ],
)
def test_instances_of_known_schemas(schema, value):
    assert instance_of(schema, "hi") == value


def test_schema_that_contains_itself_comes_to_an_end():
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}, "n": {"const": 1}}, "required": ["n"]}

    value = instance_of({"$ref": "#/$defs/Node", "$defs": {"Node": node}}, "hi")

    assert value["next"]["next"]["n"] == 1
