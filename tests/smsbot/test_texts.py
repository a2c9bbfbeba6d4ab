"""Whatever a carrier sends can be stored, and the words in it stay."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smsbot.texts import MAX_CHARACTERS, Cleaned, cleaned

HOSTILE = st.text(
    alphabet=st.sampled_from("aé😀\0\x1b\x7f\x85\r\n\t\f\ud83d\ude00\udfff\u202e\u2066\u200e\u200d\u0301")
)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", Cleaned("", frozenset())),
        ("Hola,\t¿está?\nSí 😀", Cleaned("Hola,\t¿está?\nSí 😀", frozenset())),
        ("ST\0OP", Cleaned("STOP", frozenset({"control"}))),
        ("a\x1b[31mb\x7f\x9f", Cleaned("a[31mb", frozenset({"control"}))),
        ("one\r\ntwo\rthree\n", Cleaned("one\ntwo\nthree\n", frozenset())),
        ("STOP\fnow\vplease\x85ok", Cleaned("STOP\nnow\nplease\nok", frozenset({"control"}))),
        ("a\ud83db", Cleaned("a\ufffdb", frozenset({"surrogate"}))),
        ("a\ud83d\ude00b", Cleaned("a😀b", frozenset())),
        ("\ude00\ud83d", Cleaned("\ufffd\ufffd", frozenset({"surrogate"}))),
        ("\u202ePOTS\u202c \u2066x\u2069\u200f", Cleaned("POTS x", frozenset({"bidi"}))),
        ("Cafe\u0301", Cleaned("Cafe\u0301", frozenset())),
        ("👩‍👧", Cleaned("👩‍👧", frozenset())),
        ("x" * 6_400, Cleaned("x" * 6_400, frozenset())),
        ("x" * 6_401, Cleaned("x" * 6_400, frozenset({"truncated"}))),
        ("\0" + "x" * 6_400, Cleaned("x" * 6_400, frozenset({"control"}))),
    ],
)
def test_only_what_cannot_be_stored_or_misleads_is_taken_out(body, expected):
    assert cleaned(body) == expected


@given(
    st.one_of(
        st.text(alphabet=st.characters()), st.text(alphabet=st.characters(categories=["Cs", "Cc", "Cf", "Ll"])), HOSTILE
    )
)
@example("\ud83d\0\ude00")
def test_any_string_can_be_stored_afterwards(body):
    text = cleaned(body).text

    assert text.encode().decode() == text
    assert "\0" not in text
    assert not [c for c in text if unicodedata.category(c) == "Cc" and c not in "\n\t"]
    assert len(text) <= MAX_CHARACTERS


@given(st.one_of(st.text(), HOSTILE))
def test_cleaning_twice_changes_and_flags_nothing_more(body):
    assert cleaned(cleaned(body).text) == Cleaned(cleaned(body).text, frozenset())


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cf", "Cs"]), max_size=200))
def test_words_are_kept_as_sent(body):
    assert cleaned(body) == Cleaned(body, frozenset())
