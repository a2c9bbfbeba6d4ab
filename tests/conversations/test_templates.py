"""Every fixed text fits, in both languages, and the disclosures are never what is cut."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.disclosures import blocks
from consent.purposes import Purpose
from consent.template_lint import lint_template
from consent.wording import NAMED_PURPOSES, Claim, says_purpose
from conversations.templates import (
    LIMIT,
    ONE_SEGMENT,
    OPT_IN_CONFIRMS,
    SAYS_AI,
    TEMPLATES,
    disclosed,
    opt_in_confirm_for,
    template_for,
    text_for,
)
from smsbot.segments import Encoding, segmentation
from tests.conversations.tenants import STORED, pattern

BRAND = "Lakeside Realty Group"
VALUES = {
    "brand": BRAND,
    "contact": "847-555-0199",
    "staff": "Dana",
    "url": "https://lakeside.example/secure",
    "body": "",
    "what": "showing at 412 Maple Ave",
    "date": "Sat Nov 21",
    "time": "11:00 AM",
    "tz": "CT",
    "opening": "Sat Nov 21 at 10:00 AM",
    "topic": "parking",
    "item": "412 Maple Ave",
    "hours": "Mon-Fri 9:00 AM-6:00 PM, Sat 10:00 AM-4:00 PM, Sun closed",
    "closes": "6:00 PM",
    "day": "Sun Nov 22",
    "address": "1 Lake St, Evanston",
    "city": "Evanston, IL",
    "names": "Dana Ruiz or Sam Okafor",
    "slots": "Sat Nov 21 at 11:00 AM (CT)",
    "name": "412 Maple Ave",
    "status": "active",
    "price": "$489,000",
    "as_of": "today",
    "features": "3 beds",
    "start": "Sat Nov 21 at 1:00 PM",
    "end": "3:00 PM",
    "title": "412 Maple Ave, Evanston",
    "items": "412 Maple Ave ($489,000)",
}
EVERY = [(kind, language) for kind, wordings in TEMPLATES.items() for language in wordings]
LONG_BRAND = "Lakeside Realty Group of Evanston and Co"


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_every_template_is_plain_and_short(kind, language):
    text = text_for(kind, language, **VALUES)

    assert segmentation(text).encoding is Encoding.GSM_7
    assert segmentation(text).segments <= (1 if kind in ONE_SEGMENT else LIMIT)
    assert segmentation(template_for(kind, language).text.replace("{", "").replace("}", "")).encoding is Encoding.GSM_7
    assert text.count("?") <= 1


@pytest.mark.parametrize("kind", list(TEMPLATES))
def test_every_kind_has_both_languages_with_the_same_values_and_a_version(kind):
    english, spanish = TEMPLATES[kind]["en"], TEMPLATES[kind]["es"]

    assert english.names == spanish.names
    assert min(english.version, spanish.version) >= 1


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_no_carrier_keyword_is_the_answer_for_an_appointment(kind, language):
    text = template_for(kind, language).text
    commands = re.findall(r"\b(?:reply|text|send|responda)(?: with)? ([A-Z]+)", text, re.IGNORECASE)

    assert not {"CANCEL", "END", "QUIT", "UNSUBSCRIBE", "REVOKE", "CANCELAR"} & set(re.findall(r"\b[A-Z]+\b", text))
    if kind == "reminder":
        assert set(commands) == {"C"}


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("kind", ["opt_in_confirm", *OPT_IN_CONFIRMS.values(), "help"])
def test_what_the_carriers_ask_for_stands_in_it(kind, language):
    text = text_for(kind, language, brand=BRAND, phone="847-555-0199", email="help@lakeside.example")

    for name in ("stop", "rates") + (() if kind == "help" else ("help",)):
        assert pattern(name).search(text), name
    assert BRAND in text
    assert segmentation(text).segments == 1


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("kind", ["opt_in_confirm", *OPT_IN_CONFIRMS.values()])
def test_each_confirmation_of_an_opt_in_says_all_that_one_must(kind, language):
    text = template_for(kind, language).text

    assert not blocks(lint_template("opt_in_confirm", language, text, BRAND))
    assert len(text_for(kind, language, brand="")) <= len(text_for("opt_in_confirm", language, brand=""))


@pytest.mark.parametrize("language", ["en", "es"])
@given(st.frozensets(st.sampled_from(list(Purpose))))
def test_a_confirmation_claims_nothing_that_was_not_agreed_to(language, agreed):
    text = text_for(opt_in_confirm_for(agreed), language, brand=BRAND)
    claimed = {purpose for purpose in NAMED_PURPOSES if says_purpose(text, purpose) == Claim.AFFIRMED}

    if agreed & set(NAMED_PURPOSES):
        assert claimed and claimed <= agreed


def test_who_texts_start_is_told_of_inquiry_and_appointments():
    restored = {Purpose.REPLY, Purpose.INQUIRY, Purpose.APPOINTMENT, Purpose.NOTIFICATION}

    assert opt_in_confirm_for(restored) == "opt_in_confirm"


@pytest.mark.parametrize("language", ["en", "es"])
def test_an_opt_out_is_confirmed_with_brand_and_way_back_and_no_link(language):
    text = text_for("opt_out_confirm", language, brand=BRAND)

    assert BRAND in text
    assert pattern("start").search(text)
    assert not pattern("stop_instead").search(text)
    assert not re.search(r"https?:|www\.|\?", text)


def test_the_address_is_left_out_of_help_when_it_would_cost_a_segment():
    text = text_for("help", "en", brand=LONG_BRAND, phone="847-555-0199", email="appointments@lakeside-realty.example")

    assert "847-555-0199" in text
    assert "@" not in text
    assert segmentation(text).segments == 1


def test_help_without_any_contact_is_refused():
    with pytest.raises(KeyError):
        text_for("help", "en", brand=BRAND)


@pytest.mark.parametrize(("language", "hint"), [("en", "Reply STOP to end"), ("es", "Responda STOP o ALTO")])
def test_the_first_text_says_who_writes_that_it_is_automated_and_how_to_end_it(language, hint):
    text = disclosed("412 Maple Ave is active.", BRAND, language, name_brand=True, say_ai=True, stop_hint=True)

    assert text.startswith(BRAND)
    assert pattern("ai").search(text)
    assert pattern("human").search(text)
    assert hint in text
    assert "412 Maple Ave is active." in text


def test_a_later_text_is_only_the_body():
    assert disclosed("Yes.", BRAND, "en", name_brand=False, say_ai=False, stop_hint=False) == "Yes."


def test_what_the_body_says_is_not_said_twice():
    body = text_for("identity", "en", brand=BRAND, staff="Dana")
    text = disclosed(body, BRAND, "en", name_brand=True, say_ai=True, stop_hint=True)

    assert len(SAYS_AI.findall(text)) == 1
    assert text.count("HUMAN") == 1


@given(
    body=st.text(min_size=1, max_size=700),
    brand=st.text("abcdefg ABC&'", min_size=1, max_size=40).filter(str.strip),
    language=st.sampled_from(["en", "es"]),
)
def test_only_the_body_is_ever_shortened(body, brand, language):
    text = disclosed(body, brand, language, name_brand=True, say_ai=True, stop_hint=True)

    assert segmentation(text).segments <= LIMIT
    assert pattern("stop").search(text[-40:])
    assert text.endswith(text_for("stop_hint", language))


def test_the_disclosure_pattern_is_the_one_of_the_scenarios():
    samples = STORED["patterns"]["ai"]

    assert all(SAYS_AI.search(hit) for hit in samples["hits"])
    assert not any(SAYS_AI.search(miss) for miss in samples["misses"])
