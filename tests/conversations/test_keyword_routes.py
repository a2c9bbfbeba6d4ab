"""A word from a sign tells where a lead comes from and what it is about, and is never about consent."""

from __future__ import annotations

from typing import Any

import pytest

from consent.ledger import state_of
from conversations.keyword_routes import drop_route, put_route, routes, word_in
from conversations.models import KeywordRoute, Lead, State
from smsbot.actor import SYSTEM
from smsbot.errors import InvalidInput
from tests.world import LEAD, World


def put(world: World, word: str, source: str = "sign", **fields: Any) -> None:
    with world.runtime.transaction(world.home.id) as session:
        put_route(session, word, source=source, fields=fields, actor=SYSTEM, cause="test", now=world.clock.now())


def lead(world: World) -> Lead:
    (found,) = world.rows(Lead)
    assert isinstance(found, Lead)
    return found


@pytest.mark.parametrize(
    ("body", "word"),
    [("HOME12", "home12"), ("Home 12!", "home12"), (" stk-4471 ", "stk4471"), ("a", None), ("", None), ("😀", None)],
)
def test_a_keyword_is_compared_by_its_letters_and_digits(body: str, word: str | None) -> None:
    assert word_in(body) == word


def test_who_texts_the_word_is_a_lead_of_its_source_about_its_listing(world: World) -> None:
    put(world, "HOME12", "sign 412 Maple", listing="412 Maple St")
    world.text("home 12")
    world.drain()

    assert (lead(world).source, lead(world).fields["listing"]) == ("sign 412 Maple", "412 Maple St")
    (answer,) = world.outbound()
    assert answer.state is State.SENT
    assert state_of(world.contact()).opted_out is None


def test_a_word_fills_what_is_empty_and_overwrites_nothing(world: World) -> None:
    put(world, "HOME12", listing="412 Maple St")
    put(world, "HOME13", listing="9 Oak Ave", campaign="spring")
    for word in ("HOME12", "HOME13"):
        world.text(word)

    assert lead(world).fields == {"listing": "412 Maple St", "campaign": "spring"}


def test_a_word_in_a_sentence_is_no_keyword(world: World) -> None:
    put(world, "HOME12", listing="412 Maple St")
    world.text("is HOME12 still for sale?")

    assert lead(world).fields == {}


@pytest.mark.parametrize("word", ["stop", "STOP!", "Unsubscribe", "help", "yes", "start", "opt out", "baja"])
def test_a_word_about_consent_cannot_be_taken(world: World, word: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        put(world, word)
    assert refused.value.field == "word"


@pytest.mark.parametrize("word", ["HÖME", "two words", "Home-12", "HOME12!", "H", "", "١٢", "x" * 41])
def test_a_word_with_anything_but_letters_and_digits_is_refused_and_not_changed(world: World, word: str) -> None:
    with pytest.raises(InvalidInput, match="the word can hold only letters A to Z and digits") as refused:
        put(world, word)

    assert refused.value.field == "word"
    assert world.rows(KeywordRoute) == []


def test_another_tenants_word_means_nothing_here(world: World) -> None:
    other = world.business("Zephyrine Motors", "+12065550186")
    put(world, "HOME12", listing="412 Maple St")
    world.text("HOME12", to=other)

    (theirs,) = world.rows(Lead, of=other)
    assert (theirs.source, theirs.fields) == ("text", {})


def test_a_word_is_changed_and_forgotten(world: World) -> None:
    put(world, "HOME12", listing="412 Maple St")
    put(world, " Home12 ", "flyer")
    with world.runtime.transaction(world.home.id) as session:
        assert [row[1:] for row in routes(session)] == [("home12", "flyer", {})]
        assert drop_route(session, "home12", actor=SYSTEM, cause="test", now=world.clock.now())
        assert not drop_route(session, "home12", actor=SYSTEM, cause="test", now=world.clock.now())
    world.text("HOME12", sender=LEAD)

    assert lead(world).source == "text"
