"""What is registered with carriers keeps their limits, lists every way in, and stays like what is sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from consent.disclosures import Kind, render
from consent.purposes import Purpose
from consent.registration import (
    PRIVACY_CLAUSE,
    PRIVACY_CLAUSE_ES,
    Kit,
    LiveSettings,
    alikeness,
    campaign_parameters,
    drift,
    has_privacy_clause,
    kit,
    privacy_page,
    problems,
    terms_page,
    toll_free_parameters,
)
from consent.wording import Claim, Severity, says_frequency, says_not_a_condition, says_rates

BRAND = "Lakeside Realty"
PRIVACY, TERMS = "https://lakeside.example/privacy", "https://lakeside.example/terms"
TODAY = date(2026, 11, 20)
FORMS = ("https://lakeside.example/contact", "https://lakeside.example/listings/12-oak")
FIRST_REPLY = (
    "Lakeside Realty: Automated AI assistant here. Yes, 12 Oak St is available. Would you like to see it? "
    "Reply HUMAN for a person. Reply STOP to end."
)
REMINDER = (
    "Lakeside Realty: Reminder, tour of 12 Oak St Sat Nov 21 at 11:00 AM (ET). Reply C to confirm or R to reschedule. "
    "STOP to end texts."
)
PRICE_DROP = "Lakeside Realty: Price drop: 12 Oak St is now $425,000. Want the details? Reply STOP to end."
TEMPLATES = {"first_reply": FIRST_REPLY, "reminder": REMINDER, "price_drop": PRICE_DROP}


def settings(vertical: str = "real_estate") -> LiveSettings:
    purposes = frozenset({Purpose.REPLY, Purpose.INQUIRY, Purpose.APPOINTMENT, Purpose.MARKETING})
    shown = tuple(
        render(kind, BRAND, "en", wanted, privacy_url=PRIVACY, terms_url=TERMS, vertical=vertical).text
        for kind, wanted in ((Kind.EXPRESS, {Purpose.INQUIRY}), (Kind.EXPRESS_WRITTEN, {Purpose.MARKETING}))
    )
    return LiveSettings(
        brand=BRAND,
        vertical=vertical,
        purposes=purposes,
        form_urls=FORMS,
        keyword_words=("HOME12",),
        disclosure_texts=shown,
        privacy_url=PRIVACY,
        terms_url=TERMS,
        help_message="Lakeside Realty: Texts about your inquiry & appts. Help: 312-555-0199. Msg freq varies. Msg&data rates may apply. STOP to end.",
        opt_in_message="Lakeside Realty: You're signed up for texts about your inquiry. Msg freq varies. Msg&data rates may apply. Reply HELP for help, STOP to end.",
        opt_out_message="Lakeside Realty: You are unsubscribed and will get no more texts from us. Reply START to resubscribe.",
        opt_in_keywords=("START", "UNSTOP"),
        opt_out_keywords=("STOP", "QUIT", "END", "CANCEL", "UNSUBSCRIBE", "REVOKE", "OPTOUT"),
        help_keywords=("HELP", "INFO"),
        templates=TEMPLATES,
        has_embedded_links=False,
        has_embedded_phone=False,
        privacy_page_text=privacy_page(BRAND, "312-555-0199", updated=TODAY).text,
        spoken=True,
    )


@pytest.fixture
def made() -> Kit:
    return kit(settings())


@pytest.mark.parametrize("vertical", ["real_estate", "auto", "general"])
def test_a_kit_from_sound_settings_has_no_problem(vertical) -> None:
    made = kit(settings(vertical))

    assert problems(made, TEMPLATES) == []
    assert 40 <= len(made.description) <= 4096
    assert 40 <= len(made.message_flow) <= 2048
    assert made.samples == (FIRST_REPLY, REMINDER, PRICE_DROP)


def test_the_message_flow_lists_every_way_in_and_quotes_what_is_shown(made) -> None:
    for part in (
        *FORMS,
        "HOME12",
        "staff read the disclosure",
        "texting our number first",
        *settings().disclosure_texts,
    ):
        assert part in made.message_flow
    assert PRIVACY_CLAUSE in made.message_flow


def test_a_flow_that_cannot_hold_every_disclosure_still_keeps_the_limit() -> None:
    made = kit(replace(settings(), disclosure_texts=tuple(f"{number} {'word ' * 200}" for number in range(5))))

    assert len(made.message_flow) <= 2048
    assert problems(made) == []


@pytest.mark.parametrize(
    ("purposes", "use_case"),
    [
        ({Purpose.MARKETING}, "MARKETING"),
        ({Purpose.REPLY, Purpose.INQUIRY, Purpose.COMPLIANCE}, "CUSTOMER_CARE"),
        ({Purpose.APPOINTMENT}, "ACCOUNT_NOTIFICATION"),
        ({Purpose.REPLY, Purpose.APPOINTMENT}, "MIXED"),
        ({Purpose.REPLY, Purpose.MARKETING}, "MIXED"),
    ],
)
def test_the_use_case_covers_every_purpose(purposes, use_case) -> None:
    assert kit(replace(settings(), purposes=frozenset(purposes))).use_case == use_case
    assert kit(replace(settings(), purposes=frozenset(purposes), low_volume=True)).use_case == "LOW_VOLUME"


def found(made: Kit) -> set[str]:
    return {finding.item for finding in problems(made) if finding.severity == Severity.ERROR}


LONG = "Lakeside Realty texts people who asked about homes. "


@pytest.mark.parametrize(
    ("change", "items"),
    [
        ({"description": "Lakeside Realty texts you back, at once.."[:39]}, {"description"}),
        ({"description": "Lakeside Realty texts you back, at once."[:40]}, set()),
        ({"description": (LONG * 90)[:4096]}, set()),
        ({"description": (LONG * 90)[:4097]}, {"description"}),
        ({"description": "We text people who asked us about homes they saw online."}, {"description"}),
        ({"description": LONG + "We do lead generation for brokers."}, {"lead_generation"}),
        ({"description": LONG + "We generate qualified leads."}, {"lead_generation"}),
        ({"description": LONG + "Leads bought? No: third-party leads are refused."}, {"lead_generation"}),
        ({"description": LONG + "This leads to a visit."}, set()),
        ({"brand": "Acme Marketing Agency"}, {"brand"}),
        ({"brand": "LeadGen Pros"}, {"brand"}),
        ({"brand": " "}, {"brand"}),
        ({"samples": (REMINDER,)}, {"samples"}),
        ({"samples": (REMINDER,) * 6}, {"samples"}),
        ({"samples": (REMINDER, "Lakeside Realty:STO")}, {"sample 2"}),
        ({"samples": (REMINDER, "Lakeside Realty: STOP to end" + "." * 996)}, set()),
        ({"samples": (REMINDER, "Lakeside Realty: STOP to end" + "." * 997)}, {"sample 2"}),
        ({"samples": (REMINDER, "Reminder of your tour. Reply STOP to end.")}, {"sample 2"}),
        ({"samples": (REMINDER, "Lakeside Realty: reminder of your tour at 11.")}, {"sample 2"}),
        ({"samples": (REMINDER, "Lakeside Realty: see bit.ly/abc. Reply STOP to end.")}, {"sample 2", "has_embedded_links"}),
        ({"samples": (REMINDER, "Lakeside Realty: see https://lakeside.example/a Reply STOP to end.")}, {"has_embedded_links"}),
        ({"samples": (REMINDER, "Lakeside Realty: call 312-555-0199. Reply STOP to end.")}, {"has_embedded_phone"}),
        ({"opt_out_keywords": ("QUIT",)}, {"opt_out_keywords"}),
        ({"opt_out_keywords": ("STOP", "OPT-OUT")}, {"opt_out_keywords"}),
        ({"help_keywords": ("HELP", *("INFO" * 20 for _ in range(4)))}, {"help_keywords"}),
        ({"help_keywords": ()}, {"help_keywords"}),
        ({"opt_in_keywords": ("START", "STOP")}, {"opt_in_keywords"}),
        ({"help_message": "Call us."}, {"help_message"}),
        ({"opt_in_message": "Lakeside Realty: you are in. Msg&data rates may apply."}, {"opt_in_message"}),
        ({"opt_out_message": "Lakeside Realty: bye! See our new listings."}, {"opt_out_message"}),
        ({"privacy_url": ""}, {"privacy_url"}),
        ({"terms_url": "lakeside.example"}, {"terms_url"}),
        ({"privacy_page_text": "We respect your privacy."}, {"privacy_clause"}),
        ({"subscriber_opt_in": False}, {"subscriber_opt_in"}),
    ],
)  # fmt: skip
def test_what_a_carrier_would_reject_is_found_before(made, change, items) -> None:
    if "brand" in change:
        assert items <= found(replace(made, **change))
    else:
        assert found(replace(made, **change)) == items


@pytest.mark.parametrize("gone", [*FORMS, "HOME12", "unticked", "Message frequency varies", "STOP"])
def test_a_message_flow_that_leaves_something_out_is_found(made, gone) -> None:
    flow = made.message_flow
    if gone == "Message frequency varies":
        flow = flow.replace("Msg freq varies", "").replace("recurring", "")
    changed = replace(made, message_flow=flow.replace(gone, ""))

    assert found(changed) == {"message_flow"}


def test_a_finding_says_the_limits_and_what_it_found(made) -> None:
    short = problems(replace(made, description="Lakeside Realty texts."))

    assert [each.what_to_do for each in short] == ["write 40 to 4096 characters: it has 22"]


def test_a_longer_path_does_not_list_a_shorter_one(made) -> None:
    flow = made.message_flow.replace(f"{FORMS[0]} and", f"{FORMS[0]}-us and")

    assert found(replace(made, message_flow=flow)) == {"message_flow"}


def test_leads_spoken_of_as_people_are_only_a_warning(made) -> None:
    findings = problems(replace(made, description=LONG + "Our staff answer our leads."))

    assert [(each.item, each.severity) for each in findings] == [("lead_generation", Severity.WARNING)]


@pytest.mark.parametrize(
    ("change", "item"),
    [
        ({"message_volume": "7"}, "message_volume"),
        ({"opt_in_image_urls": ()}, "opt_in_image_urls"),
        ({"opt_in_image_urls": ("form.png",)}, "opt_in_image_urls"),
        ({"use_case_categories": ()}, "use_case_categories"),
        ({"use_case_summary": "x" * 501}, "use_case_summary"),
        ({"production_message_sample": ""}, "production_message_sample"),
        ({"additional_information": "x" * 501}, "additional_information"),
    ],
)
def test_a_toll_free_form_keeps_its_limits(made, change, item) -> None:
    assert found(replace(made, toll_free=replace(made.toll_free, **change))) == {f"toll_free.{item}"}


@pytest.mark.parametrize(
    ("change", "opt_in_type"),
    [
        ({}, "WEB_FORM"),
        ({"form_urls": ()}, "VIA_TEXT"),
        ({"form_urls": (), "keyword_words": (), "paper": True}, "PAPER_FORM"),
        ({"form_urls": (), "keyword_words": ()}, "VERBAL"),
    ],
)
def test_the_toll_free_form_names_the_main_way_in(change, opt_in_type) -> None:
    assert kit(replace(settings(), **change)).toll_free.opt_in_type == opt_in_type


def test_only_texts_that_a_reviewer_accepts_become_samples() -> None:
    live = {"help": settings().help_message, "noted": "Thanks, I have noted that.", **TEMPLATES, "again": REMINDER}
    made = kit(replace(settings(), templates=live))

    assert made.samples == (FIRST_REPLY, REMINDER, PRICE_DROP)
    assert found(kit(replace(settings(), templates={"noted": "Thanks, I have noted that."}))) == {
        "samples",
        "toll_free.production_message_sample",
    }


def test_the_kit_is_submitted_under_the_providers_names(made) -> None:
    campaign, toll_free = campaign_parameters(made), toll_free_parameters(made)

    assert {"Description", "MessageFlow", "MessageSamples", "UsAppToPersonUsecase", "HasEmbeddedLinks", "HasEmbeddedPhone"} <= set(campaign)  # fmt: skip
    assert campaign["MessageSamples"] == [FIRST_REPLY, REMINDER, PRICE_DROP]
    assert (campaign["SubscriberOptIn"], campaign["AgeGated"], campaign["DirectLending"]) == (True, False, False)
    assert campaign["OptInKeywords"] == ["START", "UNSTOP", "HOME12"]
    assert {"UseCaseCategories", "UseCaseSummary", "ProductionMessageSample", "OptInImageUrls", "OptInType", "MessageVolume"} <= set(toll_free)  # fmt: skip
    assert toll_free["UseCaseCategories"] == ["CUSTOMER_CARE", "ACCOUNT_NOTIFICATIONS", "MARKETING"]


@pytest.mark.parametrize(
    ("sample", "template", "alike"),
    [
        (REMINDER, "{brand}: Reminder, {what} {date} at {time} ({tz}). Reply C to confirm or R to reschedule. STOP to end texts.", True),
        (REMINDER, REMINDER.replace("tour of 12 Oak St Sat Nov 21", "test drive Mon Dec 7"), True),
        (PRICE_DROP, "Lakeside Realty: Price drop: 4 Elm Ave is now $310,000. Want the details? Reply STOP to end.", True),
        (PRICE_DROP, FIRST_REPLY, False),
        (REMINDER, FIRST_REPLY, False),
        (REMINDER, "Lakeside Realty: Open house this Sunday, snacks for all. Reply STOP to end.", False),
        (REMINDER, "", False),
        (REMINDER, "{brand}: {body}", False),
    ],
)  # fmt: skip
def test_texts_are_alike_by_their_own_words(sample, template, alike) -> None:
    assert (alikeness(sample, template) >= 0.5) is alike
    assert 0 <= alikeness(sample, template) <= 1


def test_nothing_drifts_while_templates_are_what_was_registered() -> None:
    assert drift(TEMPLATES.values(), TEMPLATES) == []


def test_a_new_text_and_a_dead_sample_are_both_reported_with_the_nearest() -> None:
    live = {
        "reminder": REMINDER,
        "sweepstake": "Win a grill! Lakeside Realty raffles one on Sunday. Reply STOP to end.",
    }

    findings = drift([REMINDER, PRICE_DROP], live)

    assert [finding.item for finding in findings] == ["sweepstake", "sample 2"]
    assert findings[0].what_to_do.startswith("register a sample like it: the nearest is sample ")
    assert "% alike" in findings[1].what_to_do


def test_drift_without_samples_or_templates_says_so() -> None:
    assert [finding.item for finding in drift([], {"reminder": REMINDER})] == ["reminder"]
    assert [finding.item for finding in drift([REMINDER], {})] == ["sample 1"]


def test_texts_that_are_registered_apart_do_not_drift() -> None:
    assert drift([REMINDER], {"reminder": REMINDER, "help": settings().help_message}) == []


@pytest.mark.parametrize(
    ("page", "ruled_out"),
    [
        (PRIVACY_CLAUSE, True),
        (PRIVACY_CLAUSE_ES, True),
        ("No mobile information will be shared with third parties or affiliates for marketing or promotional purposes.", True),
        ("We share mobile numbers with third parties for their marketing.", False),
        (PRIVACY_CLAUSE + " We may share your phone number with our partners.", False),
        ("We do not sell mobile numbers.", False),
        ("We respect your privacy.", False),
        ("", False),
    ],
)  # fmt: skip
def test_a_privacy_page_must_rule_out_sharing_and_nowhere_allow_it(page, ruled_out) -> None:
    assert has_privacy_clause(page) is ruled_out


@pytest.mark.parametrize(
    ("language", "clause"), [("en", PRIVACY_CLAUSE), ("es", PRIVACY_CLAUSE_ES), ("fr", PRIVACY_CLAUSE)]
)
def test_every_page_carries_the_clause_word_for_word(language, clause) -> None:
    privacy = privacy_page(BRAND, "312-555-0199", language, updated=TODAY)
    terms = terms_page(BRAND, "312-555-0199", language, updated=TODAY, privacy_url=PRIVACY)

    for page in (privacy, terms):
        assert any(clause in section.paragraphs for section in page.sections)
        assert has_privacy_clause(page.text)
        assert BRAND in page.text
        assert "312-555-0199" in page.text
        assert "2026-11-20" in page.text
        assert "{" not in page.text


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_terms_state_frequency_rates_and_that_consent_buys_nothing(language) -> None:
    text = terms_page(BRAND, "312-555-0199", language, updated=TODAY, privacy_url=PRIVACY).text

    assert (says_frequency(text), says_rates(text), says_not_a_condition(text)) == (Claim.AFFIRMED,) * 3
    assert "STOP" in text
    assert "HELP" in text


def test_the_clause_is_the_one_that_was_agreed() -> None:
    assert PRIVACY_CLAUSE == (
        "We do not sell, rent or share mobile numbers or text-message consent with third parties or affiliates for their "
        "marketing."
    )
