"""What owners and managers choose about their texts, on the page."""

from __future__ import annotations

import re
from typing import Any

import pytest

from consent.models import PolicySetting
from consent.policy_settings import PolicySettings, current_settings
from conversations.models import KeywordRoute
from smsbot.actor import Role
from tests.dashboard.staff import at_work
from tests.world import World

USUAL = {"stop_scope": "all", "start_scope": "services", "marketing_cap": ""}
OFFICE = {
    **USUAL,
    "own_hours": "1",
    **{
        f"{day}_{end}": at
        for day in ("mon", "tue", "wed", "thu", "fri")
        for end, at in (("from", "09:00"), ("to", "17:30"))
    },
    **{f"{day}_{end}": "" for day in ("sat", "sun") for end in ("from", "to")},
}


def settings(world: World) -> PolicySettings:
    with world.runtime.transaction(world.home.id) as session:
        return current_settings(session, world.clock.now())


def test_what_was_chosen_is_in_force_and_stands_on_the_page(world: World) -> None:
    owner = at_work(world, "owner@example.test", Role.OWNER)
    owner.page("/rules")
    answer = owner.post("/rules", {**OFFICE, "marketing_cap": "2", "stop_scope": "category", "line_type_lookup": "1"})

    assert answer.status_code == 303
    chosen = settings(world)
    assert (chosen.marketing_cap, chosen.stop_scope, chosen.line_type_lookup) == (2, "category", True)
    assert chosen.hours is not None
    assert (chosen.hours.days[0], chosen.hours.days[6]) == (((9 * 3600, 17 * 3600 + 1800),), ())
    page = owner.page("/rules")
    assert "Mon 09:00–17:30" in page
    assert 'value="17:30"' in page


def test_what_was_not_changed_is_no_new_choice(world: World) -> None:
    owner = at_work(world, "owner@example.test", Role.OWNER)
    owner.page("/rules")
    owner.post("/rules", OFFICE)
    owner.page("/rules")
    owner.post("/rules", OFFICE)

    assert [row.name for row in world.rows(PolicySetting)] == ["hours"]


def test_a_choice_is_taken_back_by_the_usual_one(world: World) -> None:
    owner = at_work(world, "owner@example.test", Role.OWNER)
    owner.page("/rules")
    owner.post("/rules", {**OFFICE, "marketing_cap": "2"})
    owner.page("/rules")
    owner.post("/rules", USUAL)

    assert (settings(world).hours, settings(world).marketing_cap) == (None, None)
    assert len(world.rows(PolicySetting)) == 4


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"marketing_cap": "many"}, "Promotions in 24 hours: give a whole number"),
        ({"marketing_cap": "99"}, "Promotions in 24 hours: give a whole number from 0 to 20"),
        ({"mon_from": "17:00", "mon_to": "09:00"}, "Monday: From has to be earlier than To"),
        ({"sun_from": "", "sun_to": "09:00"}, "Sunday: give both times"),
        ({"mon_from": "9 am", "mon_to": "17:00"}, "Monday: write the times as HH:MM"),
        ({"mon_from": "09:00", "mon_to": "24:30"}, "Monday: write the times as HH:MM"),
        ({"stop_scope": "some"}, "What STOP ends: choose"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_changed(world: World, changes: dict[str, Any], said: str) -> None:
    owner = at_work(world, "owner@example.test", Role.OWNER)
    owner.page("/rules")
    answer = owner.post("/rules", {**OFFICE, **changes})

    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert said in page
    assert not re.search(r"(marketing_cap|(?<!24 )hours|stop_scope): ", page)
    assert world.rows(PolicySetting) == []


def test_every_field_that_is_wrong_is_marked_and_keeps_what_was_typed(world: World) -> None:
    owner = at_work(world, "owner@example.test", Role.OWNER)
    owner.page("/rules")
    wrong = {"marketing_cap": "99", "tue_from": "18:00", "tue_to": "09:00"}
    page = owner.post("/rules", {**OFFICE, **wrong}).get_data(as_text=True)

    marked = set(re.findall(r'<input[^>]* name="(\w+)"[^>]*aria-invalid="true"', page))
    assert marked == set(wrong)
    assert all(f'href="#{name}"' in page and f'id="{name}-wrong"' in page for name in ("tue_from", "marketing_cap"))
    assert all(f'value="{value}"' in page for value in wrong.values())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mon_from": "06:00", "mon_to": "23:30"}, "Those cut Monday to 08:00–21:00, and some states allow less."),
        ({"mon_from": "06:00", "wed_to": "22:00"}, "Those cut Monday and Wednesday to 08:00–21:00"),
        ({"mon_from": "06:00", "tue_from": "07:00", "wed_to": "22:00"}, "Those cut Monday, Tuesday and Wednesday to"),
        ({"mon_to": "21:00"}, "it holds for every text from now on. Where a state&#39;s hours are narrower"),
    ],
)
def test_hours_that_the_law_cuts_are_saved_and_said_to_be_cut(world: World, changes: dict[str, str], said: str) -> None:
    owner = at_work(world, "owner@example.test", Role.OWNER)
    owner.page("/rules")
    owner.post("/rules", {**OFFICE, **changes})

    assert said in owner.page("/rules")


def test_what_was_chosen_lists_the_days_as_the_week_has_them(world: World) -> None:
    owner = at_work(world, "owner@example.test", Role.OWNER)
    owner.page("/rules")
    owner.post("/rules", OFFICE)

    week = ", ".join(f"{day} 09:00–17:30" for day in ("Mon", "Tue", "Wed", "Thu", "Fri"))
    assert week in owner.page("/rules")


def test_a_word_that_cannot_be_taken_is_kept_as_it_was_typed_beside_the_rules_in_force(world: World) -> None:
    owner = at_work(world, "owner@example.test", Role.OWNER)
    owner.page("/rules")
    owner.post("/rules", OFFICE)
    owner.page("/rules")
    answer = owner.post("/rules/keywords", {"word": "two words", "source": "Sign", "listing": "412 Maple St"})
    page = answer.get_data(as_text=True)

    assert answer.status_code == 422
    assert "The word can hold only letters A to Z and digits" in page
    assert all(f'value="{value}"' in page for value in ("two words", "Sign", "412 Maple St", "17:30"))
    assert re.search(r'name="word"[^>]*aria-invalid="true"', page)
    assert world.rows(KeywordRoute) == []


def test_a_word_that_is_known_is_said_to_be_known(world: World) -> None:
    owner = at_work(world, "owner@example.test", Role.OWNER)
    said = []
    for source in ("Sign", "Sign", "Flyer"):
        owner.page("/rules")
        owner.post("/rules/keywords", {"word": "home12", "source": source})
        said += re.findall(r'<p class="notice" role="status">([^<]+)', owner.page("/rules"))

    assert said == [
        "Whoever texts HOME12 is known from now on.",
        "HOME12 was known already, with the same place and listing. Nothing was changed.",
        "HOME12 was known already. Where it stands and its listing are changed now.",
    ]


def test_words_on_signs_are_added_and_forgotten(world: World) -> None:
    owner = at_work(world, "owner@example.test", Role.OWNER)
    owner.page("/rules")
    owner.post("/rules/keywords", {"word": "Home12", "source": "Sign", "listing": "412 Maple St"})
    (word,) = world.rows(KeywordRoute)
    assert (word.word, word.fields) == ("home12", {"listing": "412 Maple St"})
    assert owner.post("/rules/keywords", {"word": "STOP", "source": "Sign"}).status_code == 422

    assert "412 Maple St" in owner.page("/rules")
    owner.post("/rules/keywords/drop", {"word": "home12"})
    assert world.rows(KeywordRoute) == []


@pytest.mark.parametrize(
    ("role", "sees", "chooses"),
    [(Role.OWNER, 200, 303), (Role.MANAGER, 200, 303), (Role.COMPLIANCE, 200, 404), (Role.AGENT, 404, 404)],
)
def test_who_sees_and_who_chooses(world: World, role: Role, sees: int, chooses: int) -> None:
    browser = at_work(world, "one@example.test", role)
    browser.page("/tasks")

    assert browser.get("/rules").status_code == sees
    assert browser.post("/rules", OFFICE).status_code == chooses
    assert browser.post("/rules/keywords", {"word": "HOME12", "source": "x"}).status_code == chooses
    assert len(world.rows(PolicySetting)) == (1 if chooses == 303 else 0)


def test_another_tenants_choices_are_nowhere(world: World) -> None:
    other = world.business("Zephyrine Motors", "+12065550186")
    owner = at_work(world, "owner@example.test", Role.OWNER)
    owner.page("/rules")
    owner.post("/rules", OFFICE)

    assert world.rows(PolicySetting, of=other) == []
