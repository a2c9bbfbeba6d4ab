"""The language of a text is told from few words, and a text that tells nothing keeps the language before it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.language import language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("is 412 maple available", "en"),
        ("Does the bus stop near 412 Maple?", "en"),
        ("what are your hours?", "en"),
        ("quiero ver la F-150 el sabado", "es"),
        ("hola", "es"),
        ("¿abren el domingo?", "es"),
        ("esta disponible la casa?", "es"),
        ("Czy dom jest jeszcze dostepny?", "pl"),
        ("Bonjour, la maison est encore disponible?", "fr"),
        ("Guten Tag, ist das Haus noch frei?", "de"),
        ("Дом ещё свободен?", "ru"),
        ("这个房子还在吗", "zh"),
        ("この家はまだありますか", "ja"),
    ],
)
def test_a_few_words_are_enough(text, language):
    assert language_of(text, "en" if language != "en" else "es") == language


@pytest.mark.parametrize("default", ["en", "es"])
@pytest.mark.parametrize("text", ["", "ok", "412 Maple", "F-150", "11:00", "👍", "precio?"])
def test_what_tells_nothing_keeps_the_default(text, default):
    assert language_of(text, default) == default


@given(st.text(max_size=80))
def test_every_text_has_a_two_letter_language(text):
    assert len(language_of(text, "en")) == 2
