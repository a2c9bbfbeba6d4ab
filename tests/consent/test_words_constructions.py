"""Requests put together from their parts, business that looks like them, and what no rule knows."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from consent import suspicion
from consent.words import WORDS_VERSION, Verdict, WordContext, flow_of, judge

DATA = Path(__file__).parent / "data"
PARTS: dict[str, Any] = json.loads((DATA / "constructions.json").read_text("utf-8"))
BUSINESS = [json.loads(line) for line in (DATA / "business_texts.jsonl").read_text("utf-8").splitlines()]


def verdicts(rows: list[list[str]]) -> list[Verdict]:
    """What is read in each text that can be put together by taking one part of each row."""
    return [judge(" ".join(parts)).verdict for parts in itertools.product(*rows)]


def share(answers: list[bool]) -> float:
    assert answers
    return sum(answers) / len(answers)


@pytest.mark.parametrize("name", sorted(PARTS["constructions"]))
def test_a_request_is_read_in_every_variation_of_its_construction(name: str) -> None:
    found = verdicts(PARTS["constructions"][name])

    assert share([v is Verdict.OPT_OUT for v in found]) >= 0.97
    assert share([v in (Verdict.OPT_OUT, Verdict.AMBIGUOUS) for v in found]) >= 0.99


@pytest.mark.parametrize("name", sorted(PARTS["business"]))
def test_business_in_any_words_ends_nothing(name: str) -> None:
    assert Verdict.OPT_OUT not in verdicts(PARTS["business"][name])


def test_business_is_seldom_held() -> None:
    said = [v for rows in PARTS["business"].values() for v in verdicts(rows)]
    written = [judge(row["text"], WordContext(row["context"])).verdict for row in BUSINESS]

    assert Verdict.OPT_OUT not in written
    assert share([v is Verdict.AMBIGUOUS for v in written]) <= 0.01
    assert share([v is Verdict.AMBIGUOUS for v in said]) <= 0.05


@pytest.mark.parametrize(
    "text",
    [
        "I sent the word you asked for and still got two more today",
        "we were promised there would be an end to these notifications",
    ],
)
def test_what_looks_like_a_request_and_is_known_to_no_rule_is_held(text: str) -> None:
    assert judge(text).verdict is Verdict.AMBIGUOUS


@pytest.mark.parametrize(
    "text",
    [
        "please don't take me off the list",
        "keep texting me, I'm only slow to reply",
        "Prefer texts over calls",
        "I have to cancel my appointment",
        "I got your message",
        "what number do you have for the office",
    ],
)
def test_who_welcomes_texts_or_talks_business_is_not_held(text: str) -> None:
    assert judge(text).verdict not in (Verdict.AMBIGUOUS, Verdict.OPT_OUT)


def test_a_text_without_an_alarming_word_is_not_scored_as_a_request() -> None:
    assert not suspicion.looks_like_a_request(flow_of("zebra xylophone"))
    assert not suspicion.looks_like_a_request("")


def test_the_weights_were_learned_under_these_rules() -> None:
    assert suspicion.VERSION.endswith(f"under {WORDS_VERSION}")


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("omg stop, they accepted our offer???!!", Verdict.NONE),
        ("stop it, that kitchen is gorgeous", Verdict.NONE),
        ("Stop it, that text was not funny", Verdict.OPT_OUT),
        ("omg stop, you already asked me and I said no", Verdict.OPT_OUT),
        ("If they don't stop playing games we're walking", Verdict.NONE),
        ("you guys won't stop texting", Verdict.OPT_OUT),
        ("You don't need to send the carfax, I found it online", Verdict.NONE),
        ("You don't need to send me texts anymore", Verdict.OPT_OUT),
        ("add me to the price drop alerts", Verdict.NONE),
        ("stop the price drop alerts", Verdict.OPT_OUT),
        ("that's enough, I'll sign", Verdict.NONE),
        ("Enough with the texts", Verdict.OPT_OUT),
        ("send me the message again, it got cut off", Verdict.NONE),
        ("if I don't hear from you by 5 I'll assume it's sold", Verdict.NONE),
        ("I don't want to hear from you", Verdict.OPT_OUT),
        ("can you unsubscribe the Sirius trial from the car", Verdict.NONE),
        ("unsubscribe me from the texts", Verdict.OPT_OUT),
        ("I hereby revoke consent to receive automated text messages at 555-0142.", Verdict.OPT_OUT),
        ("This is an automated message. Reply STOP to opt out.", Verdict.NONE),
        ("Stop the 9am, I'm stuck in Tulsa. Next week?", Verdict.NONE),
        ("give it a rest until my divorce is final, ok?", Verdict.AMBIGUOUS),
    ],
)
def test_look_alikes_are_told_from_requests(text: str, verdict: Verdict) -> None:
    assert judge(text).verdict is verdict
