"""Fixed texts hold what they must, sell nothing after an opt-out, and never use an opt-out word for anything else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.template_lint import LONGEST_BRAND, lint_template, usual_fill
from consent.wording import Severity, is_shortened

BRAND = "Lakeside Realty"
STORED = json.loads((Path(__file__).parents[2] / "conversations/data/templates.json").read_text("utf-8"))["templates"]
SHIPPED = [(kind, language, entry["text"]) for kind, wordings in STORED.items() for language, entry in wordings.items()]


def errors(kind: str, text: str, language: str = "en", domains: tuple[str, ...] = ()) -> set[str]:
    found = lint_template(kind, language, text, BRAND, tenant_domains=domains)
    return {finding.item for finding in found if finding.severity == Severity.ERROR}


@pytest.mark.parametrize(("kind", "language", "text"), SHIPPED, ids=[f"{kind}-{lang}" for kind, lang, _ in SHIPPED])
def test_every_text_that_the_product_sends_is_clean(kind, language, text) -> None:
    assert errors(kind, text, language) == set()


HELP = "{brand}: Texts about your inquiry & appts. Help: {contact}. Msg freq varies. Msg&data rates may apply. STOP to end."
OPT_IN = "{brand}: You're signed up for texts about your inquiry. Msg freq varies. Msg&data rates may apply. Reply HELP for help, STOP to end."
OPT_OUT = "{brand}: You are unsubscribed and will get no more texts from us. Reply START to resubscribe."
OPT_OUT_HELP = (
    "{brand}: You are unsubscribed and get no texts from us. Questions: {contact}. Reply START to resubscribe."
)


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        ("help", HELP, set()),
        ("help", HELP.replace("{brand}: ", ""), {"brand"}),
        ("help", HELP.replace("Texts about your inquiry & appts. ", ""), {"purpose"}),
        ("help", HELP.replace(" Help: {contact}.", ""), {"contact"}),
        ("help", HELP.replace("{contact}", "{email}"), set()),
        ("help", HELP.replace(" Msg&data rates may apply.", ""), {"rates"}),
        ("help", HELP.replace("rates may apply", "rates do not apply"), {"rates"}),
        ("help", HELP.replace(" STOP to end.", ""), {"stop"}),
        ("help", HELP + " We answer every day of the week, Sunday included.", {"segments"}),
        ("help", HELP.replace("about", "→"), {"gsm7", "segments"}),
        ("help", HELP.replace("{contact}", "{fax}"), {"placeholder"}),
        ("help", HELP + " }", {"placeholder"}),
        ("opt_in_confirm", OPT_IN, set()),
        ("opt_in_confirm", OPT_IN.replace("{brand}: ", ""), {"brand"}),
        ("opt_in_confirm", OPT_IN.replace(" Msg freq varies.", ""), {"frequency"}),
        ("opt_in_confirm", OPT_IN.replace(" Msg freq varies.", "").replace("texts", "recurring texts"), set()),
        ("opt_in_confirm", OPT_IN.replace(" Msg&data rates may apply.", ""), {"rates"}),
        ("opt_in_confirm", OPT_IN.replace("Reply HELP for help, ", ""), {"help"}),
        ("opt_in_confirm", OPT_IN.replace(", STOP to end", ""), {"stop"}),
        ("opt_out_confirm", OPT_OUT, set()),
        ("opt_out_confirm", OPT_OUT.replace("{brand}: ", ""), {"brand"}),
        ("opt_out_confirm", OPT_OUT.replace(" Reply START to resubscribe.", ""), {"resubscribe"}),
        ("opt_out_confirm", OPT_OUT.replace("START", "YES"), {"resubscribe"}),
        ("opt_out_confirm", "{brand}: Thanks. Reply START to resubscribe.", {"ended"}),
        ("opt_out_confirm", OPT_OUT + " See {url}", {"link"}),
        ("opt_out_confirm", OPT_OUT + " See our new listings.", {"marketing"}),
        ("opt_out_confirm", OPT_OUT + " Don't miss 20% off!", {"marketing"}),
        ("opt_out_confirm", OPT_OUT.replace("no more texts", "no more offers or texts"), set()),
        ("opt_out_clarify", "{brand}: No more texts from us. If you only meant promotions, reply REMIND.", set()),
        ("opt_out_clarify", "{brand}: No more texts from us. If you only meant promotions, call us.", {"resubscribe"}),
        ("opt_out_clarify", "{brand}: No more texts from us. Save 20 % now, reply DEALS.", {"marketing"}),
        ("opt_out_help", OPT_OUT_HELP, set()),
        ("opt_out_help", OPT_OUT_HELP.replace("{contact}", "lakeside.example"), {"contact", "link", "domain"}),
        ("identity", "I'm the automated AI assistant of {brand}.", set()),
        ("identity", "I'm Maria of {brand}.", {"automated"}),
        ("identity", "I'm not a bot, I'm {brand}.", {"automated"}),
        ("first_reply", "{brand}: Automated AI assistant here. {answer} Reply STOP to end.", set()),
        ("first_reply", "{brand}: {answer} Reply STOP to end.", {"automated"}),
        ("first_reply", "Automated AI assistant here. {answer}", {"brand", "stop"}),
        ("greeting", "Hi!" + " Tell us more about it please." * 12, {"segments"}),
        ("greeting", "Hi 👋", {"gsm7"}),
        ("sensitive_guard", "Please don't text card numbers.", {"brand"}),
    ],
)
def test_a_text_lacks_what_its_kind_demands(kind, text, found) -> None:
    assert errors(kind, text) == found


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("{brand}: Reminder, {what} {date}. Reply C to confirm or R to reschedule. STOP to end texts.", True),
        ("{brand}: Reminder, {what} {date}. Reply C to confirm or X to cancel. Text STOP to opt out.", True),
        ("{brand}: Reminder, {what} {date}. To cancel, call {phone}.", True),
        ("{brand}: Reminder, {what} {date}. Reply C to confirm or R to CANCEL.", True),
        ("{brand}: Recordatorio, {what} {date}. Responda C para confirmar. STOP para no recibir textos.", True),
        ("{brand}: Reminder, {what} {date}. Reply CANCEL to cancel. STOP to end texts.", False),
        ("{brand}: Reminder, {what} {date}. Reply C to confirm or CANCEL if you can't make it.", False),
        ("{brand}: Reminder, {what} {date}. Reply yes to confirm or cancel to cancel.", False),
        ('{brand}: Reminder, {what} {date}. Text us "cancel" to free the slot.', False),
        ("{brand}: Reminder, {what} {date}. Reply QUIT to drop the visit.", False),
        ("{brand}: Reminder, {what} {date}. Reply END to end your booking.", False),
        ("{brand}: Reminder, {what} {date}. Just say STOP if you can't come.", False),
        ("{brand}: Reminder, {what} {date}. Reply C, R or STOP.", False),
        ("{brand}: Reminder, {what} {date}. Reply STOP to cancel.", False),
        ("{brand}: Reminder, {what} {date}. CANCEL to end texts.", False),
        ("{brand}: Reminder, {what} {date}. Reply UNSUBSCRIBE to drop it.", False),
        ("{brand}: Recordatorio, {what} {date}. Responda CANCELAR si no puede venir.", False),
        ("{brand}: Recordatorio, {what} {date}. Envie ALTO para cambiar la cita.", False),
        ("{brand}: Recordatorio, {what} {date}. Responda C para confirmar o BAJA para cancelar.", False),
    ],
)
@pytest.mark.parametrize("kind", ["reminder", "appointment_booked"])
def test_no_appointment_text_asks_for_a_word_that_ends_all_texts(kind, text, harmless) -> None:
    assert errors(kind, text) == (set() if harmless else {"reply_word"})


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("Reply STOP to cancel.", True),
        ("Reply STOP to cancel, HELP for help.", True),
        ("Reply END to end texts.", True),
        ("Reply CANCEL to cancel your test drive.", False),
        ("Text STOP to cancel your visit.", False),
        ("Would you like to end the lease or cancel it?", True),
    ],
)
def test_no_other_text_uses_an_opt_out_word_for_an_appointment(text, harmless) -> None:
    assert errors("ack", text) == (set() if harmless else {"reply_word"})


@pytest.mark.parametrize(
    ("text", "domains", "found"),
    [
        ("See {url}", (), set()),
        ("See https://lakeside.example/a", ("lakeside.example",), set()),
        ("See https://homes.lakeside.example/a", ("https://www.lakeside.example",), set()),
        ("See https://lakeside.example/a", (), {"domain"}),
        ("See https://notlakeside.example/a", ("lakeside.example",), {"domain"}),
        ("See https://lakeside.example.test/a", ("lakeside.example",), {"domain"}),
        ("See bit.ly/abc", (), {"shortener"}),
        ("See https://www.BIT.ly/abc", ("bit.ly",), {"shortener"}),
        ("See http://tinyurl.com/abc and t.co/x", (), {"shortener"}),
        ("Write to help@bit.ly", (), set()),
        ("Call at 5.Then we talk.", (), set()),
    ],
)
def test_only_the_tenants_own_domains_are_linked(text, domains, found) -> None:
    assert errors("ack", text, domains=domains) == found


def test_a_host_is_a_shortener_with_any_label_before_it_but_not_inside_a_name() -> None:
    assert is_shortened("https://go.bit.ly/x")
    assert not is_shortened("https://rabbit.ly/x")


def test_the_longest_brand_is_only_a_warning() -> None:
    found = lint_template("help", "en", HELP, BRAND)

    assert [(finding.item, finding.severity) for finding in found] == [("longest_brand", Severity.WARNING)]
    room = 160 - len(usual_fill(HELP, ""))
    assert found[0].what_to_do == f"takes two segments when the brand has over {room} characters"


def test_a_filled_in_text_is_judged_as_it_is() -> None:
    filled = usual_fill(HELP, BRAND)

    assert lint_template("help", "en", filled, BRAND) == lint_template("help", "en", HELP, BRAND)


@given(st.text(st.sampled_from("ABCDEFGHIJ abc"), min_size=1, max_size=LONGEST_BRAND).filter(str.strip))
def test_a_brand_is_found_wherever_the_template_puts_it(brand) -> None:
    assert "brand" not in {finding.item for finding in lint_template("opt_out_confirm", "en", OPT_OUT, brand)}


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_any_template_can_be_judged(text) -> None:
    assert all(finding.what_to_do for finding in lint_template("reminder", "en", text, BRAND))
