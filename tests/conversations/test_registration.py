"""What a carrier is told is what the tenant does now, and what was registered is compared with it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from consent.purposes import Purpose
from consent.registration import LiveSettings, kit, problems
from consent.state import Basis, EventKind
from consent.wording import Severity
from conversations import forms
from conversations.models import KeywordRoute
from conversations.registration import drift_from, live_settings, templates_in_use
from smsbot.actor import SYSTEM
from smsbot.tenancy import Tenant
from tests.conversations.sending import Fact, alerts, change, person
from tests.public.visitors import EVERYTHING, SERVICE, a_form
from tests.world import START, World


def live(world: World) -> LiveSettings:
    with world.runtime.transaction(world.home.id) as session:
        return live_settings(world.runtime, session)


def errors(settings: LiveSettings) -> list[str]:
    found = problems(kit(settings), settings.templates)
    return [finding.item for finding in found if finding.severity is Severity.ERROR]


def test_a_tenant_with_a_published_form_has_a_kit_without_a_problem(world: World) -> None:
    form = a_form(world, purposes=EVERYTHING)
    settings = live(world)

    assert errors(settings) == []
    assert settings.form_urls == (form.addresses.page,)
    assert settings.disclosure_texts == (form.versions[0].text,)
    assert (settings.privacy_url, settings.terms_url) == (form.addresses.privacy, form.addresses.terms)
    assert settings.purposes == {Purpose.REPLY, *EVERYTHING}
    assert form.versions[0].text in kit(settings).message_flow


@pytest.mark.parametrize("vertical", ["real_estate", "auto", "general", "one that is new"])
def test_every_kind_of_business_has_samples_enough(world: World, vertical: str) -> None:
    a_form(world)
    change(world, Tenant, vertical=vertical)

    assert errors(live(world)) == []
    assert 2 <= len(kit(live(world)).samples) <= 5


def test_without_a_form_the_pages_are_missing_and_the_kit_says_so(world: World) -> None:
    assert {"privacy_url", "terms_url", "toll_free.opt_in_image_urls"} <= set(errors(live(world)))


def test_a_closed_form_is_no_way_in_any_more(world: World) -> None:
    first, second = a_form(world), a_form(world)
    forms.close(world.runtime, world.home.id, SYSTEM, first.id)

    assert live(world).form_urls == (second.addresses.page,)


def test_a_form_that_was_never_published_is_no_way_in(world: World) -> None:
    with world.runtime.transaction(world.home.id) as session:
        number_id = forms.numbers_of(session)[0][0]
    forms.create(
        world.runtime, world.home.id, SYSTEM, forms.Draft("A draft", "website", number_id, "en", (Purpose.INQUIRY,))
    )

    assert live(world).form_urls == ()


def test_keywords_on_signs_are_listed_and_taken_for_opt_ins(world: World) -> None:
    a_form(world)
    with world.runtime.transaction(world.home.id) as session:
        session.add(KeywordRoute(tenant_id=world.home.id, word="home12", source="sign", created_at=world.clock.now()))
    made = kit(live(world))

    assert "HOME12" in made.message_flow
    assert "HOME12" in made.opt_in_keywords
    assert errors(live(world)) == []


def test_the_tenants_own_opt_out_words_are_registered_where_the_carrier_takes_them(world: World) -> None:
    a_form(world)
    with world.runtime.transaction(world.home.id) as session:
        session.execute(
            update(Tenant).where(Tenant.id == world.home.id).values(extra_opt_out_words=["nomore", "no mas", "¡basta!"])
        )

    words = live(world).opt_out_keywords
    assert {"STOP", "OPTOUT", "NOMORE", "NOMAS"} <= set(words)
    assert all(word.isascii() and word.isalnum() for word in words)
    assert len(words) == len(set(words))


@pytest.mark.parametrize(
    ("method", "named"), [("paper", (False, True)), ("voice", (True, False)), ("in_person", (True, False))]
)
def test_what_staff_have_entered_is_a_way_in(world: World, method: str, named: tuple[bool, bool]) -> None:
    before = live(world)
    signed = Fact(EventKind.OPT_IN, START, method, {}, purposes=(Purpose.APPOINTMENT,), basis=Basis.EXPRESS_WRITTEN)
    person(world, signed)

    assert (before.spoken, before.paper) == (False, False)
    assert (live(world).spoken, live(world).paper) == named


def test_one_tenants_settings_say_nothing_of_anothers(world: World) -> None:
    other = world.business("Harbor Motors", "+13125550101")
    a_form(world)
    with world.runtime.transaction(other.id) as session:
        settings = live_settings(world.runtime, session)

    assert (settings.brand, settings.form_urls) == ("Harbor Motors", ())


def test_what_was_registered_from_the_kit_does_not_drift(world: World) -> None:
    a_form(world)
    samples = kit(live(world)).samples
    with world.runtime.transaction(world.home.id) as session:
        found = drift_from(world.runtime, session, samples)

    assert (found, alerts(world)) == ([], [])


def test_what_was_registered_and_is_sent_no_more_is_told_to_the_owners(world: World) -> None:
    samples = ["Lakeside Realty: Join our weekend prize draw and win a cruise! Reply STOP to end."]
    with world.runtime.transaction(world.home.id) as session:
        found = drift_from(world.runtime, session, samples)

    assert "sample 1" in {finding.item for finding in found}
    assert alerts(world) == [("registration_drift", "owner")]


@pytest.mark.parametrize("vertical", ["real_estate", "auto", "general"])
def test_every_template_in_use_leaves_with_brand_and_stop(vertical: str) -> None:
    for text in templates_in_use("Lakeside Realty", vertical).values():
        assert text.startswith("Lakeside Realty: ")
        assert "STOP" in text


def test_the_age_of_the_first_form_counts_and_not_its_last_change(world: World) -> None:
    first = a_form(world, purposes=SERVICE)
    world.later(days=1)
    a_form(world, purposes=EVERYTHING)
    world.clock.advance(timedelta(days=1))

    assert live(world).privacy_url == first.addresses.privacy
