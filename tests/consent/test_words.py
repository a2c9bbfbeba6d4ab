import json
import time
from pathlib import Path
from typing import Any

import pytest

from consent.keywords import KEYWORDS, TABLE, Use, spelling
from consent.words import (
    WORDS_VERSION,
    CarrierWord,
    Judgement,
    MachineText,
    Scope,
    Verdict,
    WordContext,
    asks_for_person,
    carrier_word,
    judge,
    machine_text,
)

DATA = Path(__file__).parent / "data"
PROVIDER_LISTS = (
    TABLE["fcc_per_se"],
    TABLE["twilio_long_code_default"]["opt_out"],
    TABLE["twilio_toll_free"]["opt_out"],
    TABLE["aws_required"],
    TABLE["telnyx_default"],
    TABLE["ctia"],
)
FIXTURES: dict[str, dict[str, str]] = json.loads((DATA / "inbound_optout.json").read_text("utf-8"))["cases"]
Judged = list[tuple[dict[str, Any], Judgement]]


def judged(name: str) -> Judged:
    lines = (DATA / name).read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [(row, judge(row["text"], WordContext(row["context"]))) for row in rows]


def share(answers: list[bool]) -> float:
    assert answers
    return sum(answers) / len(answers)


@pytest.fixture(scope="module")
def corpus() -> Judged:
    return judged("revocation_corpus.jsonl")


def test_requests_to_end_are_found(corpus: Judged) -> None:
    verdicts = [j.verdict for row, j in corpus if row["label"] == "opt_out"]

    assert share([v is Verdict.OPT_OUT for v in verdicts]) >= 0.97
    assert share([v in (Verdict.OPT_OUT, Verdict.AMBIGUOUS) for v in verdicts]) >= 0.99


def test_requests_in_other_languages_are_found(corpus: Judged) -> None:
    verdicts = [j.verdict for row, j in corpus if row["label"] == "opt_out" and row["lang"] not in ("en", "und")]

    assert share([v is Verdict.OPT_OUT for v in verdicts]) >= 0.95


@pytest.mark.parametrize(
    "category", ["perse_keyword", "carrier_keyword", "format", "polite_keyword", "list_removal", "do_not_contact"]
)
def test_the_plainest_requests_are_never_missed(corpus: Judged, category: str) -> None:
    verdicts = {j.verdict for row, j in corpus if row["category"] == category}

    assert verdicts == {Verdict.OPT_OUT}


def test_nobody_is_opted_out_who_did_not_ask(corpus: Judged) -> None:
    false = [j.verdict is Verdict.OPT_OUT for row, j in corpus if "opt_out" not in row["accept"]]

    assert share(false) <= 0.005


@pytest.mark.parametrize("tag", ["appointment_cancel", "tapback"])
def test_appointments_and_reactions_never_opt_out(corpus: Judged, tag: str) -> None:
    verdicts = {j.verdict for row, j in corpus if tag in row.get("tags", [])}

    assert verdicts == {Verdict.NONE}


def test_few_texts_are_held_without_need(corpus: Judged) -> None:
    held = [j.verdict is Verdict.AMBIGUOUS for row, j in corpus if "ambiguous" not in row["accept"]]

    assert share(held) <= 0.03


def test_open_texts_get_an_accepted_verdict(corpus: Judged) -> None:
    accepted = [j.verdict in row["accept"] for row, j in corpus if row["label"] == "ambiguous"]

    assert share(accepted) >= 0.90


def test_what_ends_is_read_from_the_text(corpus: Judged) -> None:
    scopes = [j.scope == row["scope"] for row, j in corpus if row.get("scope") and j.verdict is Verdict.OPT_OUT]

    assert share(scopes) >= 0.95


@pytest.mark.parametrize("name", ["blind_texts_1.jsonl", "blind_texts_2.jsonl", "blind_texts_3.jsonl"])
def test_texts_of_somebody_who_had_not_seen_the_rules_are_read(name: str) -> None:
    rows = judged(name)
    ending = [j.verdict for row, j in rows if row["label"] == "opt_out"]
    abroad = [j.verdict for row, j in rows if row["label"] == "opt_out" and row["lang"] not in ("en", "und")]
    tagged = {j.verdict for row, j in rows if {"appointment_cancel", "tapback"} & set(row.get("tags", []))}

    assert share([v is Verdict.OPT_OUT for v in ending]) >= 0.97
    assert share([v in (Verdict.OPT_OUT, Verdict.AMBIGUOUS) for v in ending]) >= 0.97
    assert share([v is Verdict.OPT_OUT for v in abroad]) >= 0.95
    assert share([j.verdict is Verdict.OPT_OUT for row, j in rows if "opt_out" not in row["accept"]]) <= 0.005
    assert share([j.verdict is Verdict.AMBIGUOUS for row, j in rows if "ambiguous" not in row["accept"]]) <= 0.01
    assert share([j.verdict in row["accept"] for row, j in rows if row["label"] == "ambiguous"]) >= 0.95
    assert tagged == {Verdict.NONE}


@pytest.mark.parametrize("name", ["own_texts.jsonl", "varied_texts.jsonl"])
def test_other_phrasings_get_an_accepted_verdict(name: str) -> None:
    rows = judged(name)

    assert share([j.verdict in row["accept"] for row, j in rows]) >= 0.95
    assert share([j.verdict is Verdict.OPT_OUT for row, j in rows if "opt_out" not in row["accept"]]) <= 0.01


@pytest.mark.parametrize("word", sorted({word for words in PROVIDER_LISTS for word in words}))
def test_every_provider_word_is_in_the_active_table(word: str) -> None:
    assert KEYWORDS[spelling(word)].use is Use.OPT_OUT


@pytest.mark.parametrize("context", list(WordContext))
@pytest.mark.parametrize(
    "word", sorted({word for words in PROVIDER_LISTS for word in words} | {"ALTO", "PARAR", "BAJA"})
)
def test_a_per_se_word_wins_in_every_context(word: str, context: WordContext) -> None:
    found = judge(word, context)

    assert (found.verdict, found.scope, found.version) == (Verdict.OPT_OUT, Scope.ALL, WORDS_VERSION)
    assert found.keyword is not None


@pytest.mark.parametrize(
    ("text", "active", "pending", "opted_out"),
    [
        ("YES", "none", "opt_in", "none"),
        ("Sí", "none", "opt_in", "none"),
        ("oui", "none", "opt_in", "none"),
        ("JOIN", "none", "opt_in", "none"),
        ("START", "none", "opt_in", "opt_in"),
        ("unstop please", "none", "opt_in", "opt_in"),
        ("start texting me again", "none", "opt_in", "opt_in"),
        ("HELP", "help", "help", "help"),
        ("ayuda por favor", "help", "help", "help"),
        ("stop texting me", "opt_out", "opt_out", "opt_out"),
    ],
)
def test_opt_in_words_count_only_where_they_can(text: str, active: str, pending: str, opted_out: str) -> None:
    found = [judge(text, context).verdict for context in WordContext]

    assert found == [active, pending, opted_out]


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("CANCEL", "bare_cancel"),
        ("END", "bare_cancel"),
        ("cancel please", "bare_cancel"),
        ("cancel my appointment", "appointment_cancel"),
        ("stop calling me", "voice_opt_out"),
        ("Please don't call, text is better", "voice_opt_out"),
        ("Do not text or call me", "voice_opt_out"),
        ("wrong number", "wrong_number"),
        ("numero equivocado", "wrong_number"),
        ("not interested", "not_interested"),
        ("please don't text me before 9am", "time_preference"),
        ("stop texting my wife", "third_party"),
        ("Stop the marketing texts but keep my appointment reminders", "partial:marketing"),
        ("don't text me, email me instead", "email_instead"),
    ],
)
def test_a_tag_says_what_else_to_act_on(text: str, tag: str) -> None:
    assert tag in judge(text).tags


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("No promotions please, just tell me if the house is available", Scope.PARTIAL),
        ("no ads please, I only want to see the house", Scope.PARTIAL),
        ("no marketing, just answer my question", Scope.PARTIAL),
        ("stop the ads but let me know when it is ready", Scope.PARTIAL),
        ("no more coupons, I still want your reply", Scope.PARTIAL),
        ("No promotions please", Scope.PARTIAL),
        ("no promotions, just stop", Scope.ALL),
        ("no ads, just leave me alone", Scope.ALL),
        ("stop the promos, dont call me and dont tell me anything", Scope.ALL),
        ("no promos, unsubscribe me and just reply when done", Scope.ALL),
    ],
)
def test_only_who_says_that_an_answer_is_wanted_keeps_answers(text: str, scope: Scope) -> None:
    assert judge(text).verdict is Verdict.OPT_OUT
    assert judge(text).scope is scope


def test_a_tenants_own_word_opts_out() -> None:
    assert judge("Salir.").verdict is Verdict.NONE
    assert judge("Salir.", extra_opt_out=["SALIR"]).verdict is Verdict.OPT_OUT


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Liked “Reply STOP to opt out”", MachineText.REACTION),
        ("Le encantó “Responde ALTO para cancelar”", MachineText.REACTION),
        ("👍 to “See you at 3”", MachineText.REACTION),
        ("Liked an image", MachineText.REACTION),
        ("Automatic reply: I am out of the office until Monday", MachineText.AUTO_REPLY),
        ("Your verification code is 482913", MachineText.OTP),
        ("STOP", None),
        ("I liked the house on Elm", None),
    ],
)
def test_texts_of_machines_are_known(text: str, kind: MachineText | None) -> None:
    assert machine_text(text) is kind


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("HUMAN", True),
        ("agent please", True),
        ("can I talk to a human", True),
        ("I'd like to speak with a real person", True),
        ("quiero hablar con una persona", True),
        ("are you a real person?", False),
        ("my agent will call you", False),
        ("you have the wrong person", False),
        ("is it still available", False),
    ],
)
def test_a_wish_for_a_person_is_known(text: str, wanted: bool) -> None:
    assert asks_for_person(text) is wanted


@pytest.mark.parametrize(
    ("body", "sender", "word"),
    [
        ("stop", "long_code", CarrierWord.STOP),
        ("  Stop\n", "ten_dlc", CarrierWord.STOP),
        ("OPTOUT", "toll_free", CarrierWord.STOP),
        ("opt out", "long_code", None),
        ("Stop please", "long_code", None),
        ("STOP.", "long_code", None),
        ("YES", "long_code", CarrierWord.START),
        ("YES", "toll_free", None),
        ("unstop", "toll_free", CarrierWord.START),
        ("info", "ten_dlc", CarrierWord.HELP),
        ("STOP", "short_code", None),
    ],
)
def test_the_carrier_matches_whole_words_only(body: str, sender: str, word: CarrierWord | None) -> None:
    assert carrier_word(body, sender) is word


@pytest.mark.parametrize("name", sorted(FIXTURES))
def test_every_webhook_fixture_is_judged_and_matched_as_twilio_would(name: str) -> None:
    body = FIXTURES[name]["Body"]
    kind = FIXTURES[name].get("OptOutType")
    found, carrier = judge(body, WordContext.OPTED_OUT), carrier_word(body, "long_code")

    expected = {"STOP": Verdict.OPT_OUT, "START": Verdict.OPT_IN, "HELP": Verdict.HELP}
    if carrier is not None and kind is not None:
        assert carrier == kind
    if body.strip().upper() == "ALTO":
        assert (found.verdict, carrier) == (Verdict.OPT_OUT, None)  # only a tenant's own list at Twilio knows it
    if carrier is not None and body.strip().upper() != "YES":  # YES answers a question, it does not undo a STOP
        assert found.verdict is expected[carrier]
    if body.strip().upper() in {"OPT OUT", "STOP PLEASE", "STOP."}:
        assert (found.verdict, carrier) == (Verdict.OPT_OUT, None)


@pytest.mark.parametrize(
    "body",
    [
        "stop " * 320,
        "please " * 228 + "x",
        "s.t.o.p." * 200,
        "don't ever want you to " * 70,
        "a " * 800,
        "." * 1600,
        "s" * 1600,
        "stopstop" * 200,
        "no me " * 266,
        "“" * 800 + "to “" * 200,
        "thanks for contacting " * 72,
        "my my my number off from " * 64,
        "- A " * 400,
        "a" + "\n" * 1500 + "b",
        "a" + " " * 1500 + "b",
        "a" + "!" * 1500 + "b",
        "a\n1 " * 400,
        "\nThanks" * 220,
        "if you text me " * 106,
        "别发" * 800,
        "ՏTOP ѕtор " * 160,
        "reply with the word " * 80,
        "verification code " * 90,
        "Sent from my " * 123,
    ],
)
def test_no_text_takes_long(body: str) -> None:
    judge(body[:1600])
    times_s = []
    for context in (WordContext.ACTIVE, WordContext.OPTED_OUT, WordContext.ACTIVE):
        started = time.process_time()
        judge(body[:1600], context)
        asks_for_person(body[:1600])
        times_s.append(time.process_time() - started)

    assert min(times_s) < 0.040  # two readings of 20 ms each


@pytest.mark.parametrize("context", list(WordContext))
@pytest.mark.parametrize(
    "body",
    [
        "stop sending me promotions but keep my appointment reminders",
        "Stop the marketing texts but keep sending me reminders",
        "no more ads please, but keep the appointment texts coming",
    ],
)
def test_who_ends_one_kind_and_keeps_another_does_not_come_back_by_it(body: str, context: WordContext) -> None:
    assert judge(body, context).verdict is Verdict.OPT_OUT


@pytest.mark.parametrize("mark", ["[SSN removed]", "[card number removed]"])
@pytest.mark.parametrize("around", ["{}", "card {} exp 12/29", "purple walrus: {}", "use {} please"])
def test_what_masking_put_into_a_text_says_nothing(mark: str, around: str) -> None:
    assert judge(around.format(mark)).verdict is Verdict.NONE
    assert judge(f"stop texting me {mark}").verdict is Verdict.OPT_OUT


def test_texts_that_no_rule_was_fitted_to_keep_their_score() -> None:
    """Scored, never looked into: a failure shows counts only."""
    rows = judged("held_texts.jsonl")
    ending = [j.verdict for row, j in rows if row["label"] == "opt_out"]
    false = [j.verdict is Verdict.OPT_OUT for row, j in rows if "opt_out" not in row["accept"]]

    assert ending.count(Verdict.OPT_OUT) >= 0.95 * len(ending)
    assert len([v for v in ending if v in (Verdict.OPT_OUT, Verdict.AMBIGUOUS)]) >= 0.97 * len(ending)
    assert sum(false) <= 1
