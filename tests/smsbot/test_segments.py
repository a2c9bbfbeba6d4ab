"""Segments are counted as the carrier counts them, and automatic texts are written to need few."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smsbot.segments import GSM, Encoding, Segmentation, fitted, folded, segmentation

VECTORS = json.loads((Path(__file__).parent / "data" / "segment_vectors.json").read_text(encoding="utf-8"))
HINT = "Reply STOP to opt out."
WORDS = st.lists(
    st.sampled_from(["tour", "Saturday.", "9 a.m.", "café", "€450", "Really?", "😀", "约", "\n"]), max_size=200
)


def test_every_vector_of_the_calculator_is_met():
    wrong = [
        vector["id"]
        for vector in VECTORS["vectors"]
        if (segmentation(vector["body"]).encoding, segmentation(vector["body"]).segments)
        != (vector["encoding"], vector["segments"])
    ]

    assert len(VECTORS["vectors"]) == VECTORS["count"] == 335
    assert wrong == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", Segmentation(Encoding.GSM_7, 0, 1)),
        ("a" * 160, Segmentation(Encoding.GSM_7, 160, 1)),
        ("€" * 80, Segmentation(Encoding.GSM_7, 160, 1)),
        ("a" * 152 + "€" + "a" * 152, Segmentation(Encoding.GSM_7, 306, 3)),  # an escape is not split: 152 + 153 + 1
        ("ж" * 70, Segmentation(Encoding.UCS_2, 70, 1)),
        ("ж" * 66 + "😀" + "ж" * 66, Segmentation(Encoding.UCS_2, 134, 3)),  # nor is a surrogate pair
        ("\ud83d", Segmentation(Encoding.UCS_2, 1, 1)),
    ],
)
def test_units_are_septets_or_utf_16_units_and_pairs_are_never_split(body, expected):
    assert segmentation(body) == expected


@given(st.text(), st.text(max_size=5))
def test_a_longer_body_never_needs_fewer_segments(body, more):
    assert segmentation(body + more).segments >= segmentation(body).segments


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("It’s “ready” – really…", 'It\'s "ready" - really...'),
        ("a\u00a0b\tc `d` e\u200bf", "a b c 'd' ef"),
        ("¿Está aquí? ¡Sí! Mañana, él dirá", "¿Esta aqui? ¡Si! Mañana, él dira"),
        ("ÁÍÓÚ ÉÑÜ", "AIOU ÉÑÜ"),
        ("ñ é ü ö ä à è ì ò ù å ø æ ß", "ñ é ü ö ä à è ì ò ù å ø æ ß"),
        ("Cafe\u0301", "Café"),
        ("façade, Łódź, Œuvre", "facade, Lodz, OEuvre"),
        ("3½ baths, ¾ acre", "3 1/2 baths, 3/4 acre"),
        ("ＨＥＬＬＯ ２０２６", "HELLO 2026"),
        ("Great 😀 see you 👍🏽!", "Great see you!"),
        ("😀 Hi 👨‍👩‍👧\nbye 🇺🇸", "Hi\nbye"),
        ("Price ≠ offer", "Price != offer"),
        ("one\r\ntwo\u2028three", "one\ntwo\nthree"),
        ("€5 {a} [b] ~ ^ | \\", "€5 {a} [b] ~ ^ | \\"),
    ],
)
def test_folding_keeps_the_words_and_spends_no_character_outside_gsm_7(body, expected):
    assert folded(body) == expected
    assert segmentation(folded(body)).encoding is Encoding.GSM_7


@pytest.mark.parametrize(
    "body", ["你好，明天见 😀", "Привет — завтра", "Hi 张伟, see you 😀", "ναι", "नमस्ते", "Down ₹500 😀"]
)
def test_a_body_that_would_lose_words_is_left_as_it_is(body):
    assert folded(body) == body


@given(st.text())
@example("\u0344")
@example("\r\f")
@example("a \0 .")
def test_folding_gives_gsm_7_or_the_body_itself_and_changes_nothing_twice(body):
    once = folded(body)

    assert once == body or GSM.issuperset(once)
    assert folded(once) == once


@given(st.text(alphabet=sorted(GSM - {"\f", "\r"})))
def test_folding_leaves_gsm_7_alone(body):
    assert folded(body) == body


def test_what_fits_is_not_touched():
    assert fitted("Saturday at 9?", HINT) == f"Saturday at 9? {HINT}"
    assert fitted("Saturday at 9?") == "Saturday at 9?"
    assert fitted("", HINT) == HINT


def test_a_cut_after_a_sentence_leaves_no_mark():
    sentence = "We can show you the house on Saturday."
    body = " ".join([sentence] * 10)

    assert fitted(body, limit=1) == " ".join([sentence] * 4)
    assert fitted(body, HINT, limit=1) == " ".join([sentence] * 3) + f" {HINT}"


def test_a_cut_inside_a_sentence_is_after_a_word_and_marked():
    assert fitted("Hi. " + "word " * 60, limit=1) == "Hi. " + "word " * 29 + "word..."


@pytest.mark.parametrize("pause", ["Dr. Smith", "J. Smith", "5 p.m. today", "St. Louis", "No. 5"])
def test_the_full_stop_of_an_abbreviation_ends_no_sentence(pause):
    body = "x" * 100 + f" {pause} " + "word " * 40

    assert fitted(body, limit=1).endswith("word...")


def test_a_body_of_one_endless_word_is_cut_without_tearing_a_character_apart():
    assert fitted("x" * 999, HINT, limit=1) == "x" * (160 - len(HINT) - 4) + f"... {HINT}"
    assert fitted("👩‍👩‍👧" * 20, limit=1) == "👩‍👩‍👧" * 8 + "..."


def test_no_room_beside_the_tail_leaves_the_tail():
    assert fitted("Saturday at nine?", "x" * 160, limit=1) == "x" * 160


@pytest.mark.parametrize(("tail", "limit"), [("x" * 161, 1), ("ж" * 71, 1), ("x" * 307, 2), (HINT, 0), ("", 0)])
def test_a_tail_that_does_not_fit_alone_is_refused(tail, limit):
    with pytest.raises(ValueError, match="tail"):
        fitted("Hello", tail, limit)


@given(st.one_of(st.text(max_size=400), WORDS.map(" ".join)), st.sampled_from(["", HINT, "约 STOP"]), st.integers(1, 3))
def test_the_whole_always_fits_and_ends_with_the_tail(body, tail, limit):
    whole = fitted(body, tail, limit)

    assert segmentation(whole).segments <= limit
    assert whole.endswith(tail)
    beginning = whole.removesuffix(tail).removesuffix(" ").removesuffix("...")
    assert body.strip().startswith(beginning.rstrip())


def test_a_huge_body_is_shortened_at_once():
    started = time.process_time()

    for body in ("!" * 65_536, "a " * 32_768, "€" * 65_536, "e\u0301" * 32_768, " \u200b" * 32_768):
        assert segmentation(fitted(folded(body), HINT)).segments <= 2

    assert time.process_time() - started < 5
