"""Where a number's owner may be: what beats what, which codes span zones, and which say nothing at all."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from consent.places import Confidence, Place, PlaceSource, place_of

EASTERN, CENTRAL, MOUNTAIN, PACIFIC = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"
BOISE, PHOENIX = "America/Boise", "America/Phoenix"
CHICAGO_NUMBER = "+13125550171"


@pytest.mark.parametrize(
    ("evidence", "source", "zones", "states"),
    [
        (
            {"declared_zone": PACIFIC, "postal_code": "80202", "state": "TX", "tenant_zone": EASTERN},
            PlaceSource.DECLARED,
            (PACIFIC,),
            ("CO",),
        ),
        (
            {"postal_code": "80202", "state": "TX", "tenant_zone": EASTERN},
            PlaceSource.ZIP,
            (MOUNTAIN,),
            ("CO",),
        ),
        ({"state": "WA", "tenant_zone": EASTERN}, PlaceSource.STATE, (PACIFIC,), ("WA",)),
        ({"tenant_zone": EASTERN}, PlaceSource.AREA_CODE, (CENTRAL,), ("IL",)),
        ({"declared_zone": PACIFIC}, PlaceSource.DECLARED, (PACIFIC,), ("IL",)),
        ({"declared_zone": PACIFIC, "state": "ut"}, PlaceSource.DECLARED, (PACIFIC,), ("UT",)),
    ],
)
def test_what_the_person_says_beats_the_code_of_the_number(evidence, source, zones, states):
    place = place_of(CHICAGO_NUMBER, **evidence)

    assert (place.source, place.zones, place.states, place.country) == (source, zones, states, "US")


@pytest.mark.parametrize(
    "evidence",
    [
        {"declared_zone": "Mars/Olympus"},
        {"declared_zone": "../../etc/passwd"},
        {"declared_zone": ""},
        {"postal_code": "000"},
        {"postal_code": "00000"},
        {"postal_code": "６０６０１"},
        {"postal_code": "D1A 1A1"},
        {"state": "Illinois"},
        {"state": "ZZ"},
    ],
)
def test_words_that_are_no_zone_code_or_state_count_as_not_given(evidence):
    assert place_of(CHICAGO_NUMBER, **evidence) == place_of(CHICAGO_NUMBER)


SPLIT_CODES = {
    "219": {CENTRAL, EASTERN},
    "270": {CENTRAL, EASTERN},
    "364": {CENTRAL, EASTERN},
    "423": {CENTRAL, EASTERN},
    "850": {CENTRAL, EASTERN},
    "448": {CENTRAL, EASTERN},
    "208": {BOISE, PACIFIC},
    "541": {BOISE, PACIFIC},
    "605": {CENTRAL, MOUNTAIN},
    "701": {CENTRAL, MOUNTAIN},
    "308": {CENTRAL, MOUNTAIN},
    "906": {CENTRAL, EASTERN},
    "928": {PHOENIX, MOUNTAIN},
    "775": {PACIFIC, MOUNTAIN},
    "689": {CENTRAL, EASTERN},  # Orlando: the numbering library says Central
}


@pytest.mark.parametrize(("code", "zones"), SPLIT_CODES.items())
def test_a_code_that_spans_zones_gives_all_of_them(code, zones):
    assert set(place_of(f"+1{code}5550100").zones) == zones


@pytest.mark.parametrize(
    ("state", "zones"),
    [
        ("FL", {EASTERN, CENTRAL}),
        ("TN", {EASTERN, CENTRAL}),
        ("TX", {CENTRAL, MOUNTAIN}),
        ("OR", {PACIFIC, BOISE}),
        ("NV", {PACIFIC, MOUNTAIN}),
        ("AZ", {PHOENIX, MOUNTAIN}),
        ("AK", {"America/Anchorage", "America/Adak"}),
        ("RI", {EASTERN}),
        ("HI", {"Pacific/Honolulu"}),
        ("VI", {"America/St_Thomas"}),
        ("AS", {"Pacific/Pago_Pago"}),
    ],
)
def test_a_state_that_spans_zones_gives_all_of_them(state, zones):
    place = place_of("+18005550100", state=state)

    assert (set(place.zones), place.states, place.source) == (zones, (state,), PlaceSource.STATE)


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+18005550100", "US"),
        ("+18885550100", "US"),
        ("+18335550100", "US"),
        ("+15005550106", "US"),
        ("+15335550100", None),
        ("+16005550100", "CA"),
        ("+16225550100", "CA"),
        ("+15555550100", None),
        ("+19995550100", None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_a_number_without_a_place_stays_unknown_whatever_the_tenants_zone(number, country):
    place = place_of(number, tenant_zone=CENTRAL)

    assert (place.zones, place.states, place.source) == ((), (), PlaceSource.UNKNOWN)
    assert place.confidence is Confidence.NONE
    assert country is None or place.country == country


@pytest.mark.parametrize(
    ("code", "states", "zones"),
    [
        ("60601", ("IL",), {CENTRAL}),
        (" 60601-1234 ", ("IL",), {CENTRAL}),
        ("606011234", ("IL",), {CENTRAL}),
        ("10001", ("NY",), {EASTERN}),
        ("06390", ("NY",), {EASTERN}),  # Fishers Island, by a Connecticut prefix
        ("06385", ("CT",), {EASTERN}),
        ("02903", ("RI",), {EASTERN}),
        ("79901", ("TX",), {MOUNTAIN, CENTRAL}),  # El Paso; the prefix reaches into Central Time
        ("77001", ("TX",), {CENTRAL}),
        ("32501", ("FL",), {CENTRAL}),
        ("33101", ("FL",), {EASTERN}),
        ("37402", ("TN",), {EASTERN, CENTRAL}),
        ("37201", ("TN",), {CENTRAL}),
        ("46320", ("IN",), {CENTRAL}),
        ("47978", ("IN",), {CENTRAL, EASTERN}),
        ("46201", ("IN",), {EASTERN}),
        ("89883", ("NV",), {PACIFIC, MOUNTAIN}),  # West Wendover
        ("89101", ("NV",), {PACIFIC}),
        ("85001", ("AZ",), {PHOENIX}),
        ("86515", ("AZ",), {PHOENIX, MOUNTAIN}),  # Window Rock, Navajo Nation
        ("99546", ("AK",), {"America/Anchorage", "America/Adak"}),
        ("96813", ("HI",), {"Pacific/Honolulu"}),
        ("96799", ("AS",), {"Pacific/Pago_Pago"}),
        ("00901", ("PR",), {"America/Puerto_Rico"}),
        ("96910", ("GU",), {"Pacific/Guam"}),
    ],
)
def test_a_zip_code_gives_its_state_and_every_zone_of_its_prefix(code, states, zones):
    place = place_of("+18005550100", postal_code=code)

    assert (place.states, set(place.zones), place.source) == (states, zones, PlaceSource.ZIP)


@pytest.mark.parametrize("code", ["09001", "34001", "96201"])
def test_a_military_zip_code_says_nothing(code):
    assert place_of("+18005550100", postal_code=code).source is PlaceSource.UNKNOWN


@pytest.mark.parametrize(
    ("code", "zones"),
    [
        ("M5V 2T6", {"America/Toronto"}),
        ("h2y1c6", {"America/Toronto"}),
        ("V6B 1A1", {"America/Vancouver", "America/Edmonton"}),
        ("A1A 1A1", {"America/St_Johns", "America/Halifax"}),
        ("T2P 1J9", {"America/Edmonton"}),
        ("Y1A 1A1", {"America/Whitehorse"}),
    ],
)
def test_a_canadian_postal_code_gives_the_zones_of_its_province(code, zones):
    place = place_of("+13125550171", postal_code=code)

    assert (set(place.zones), place.states, place.country) == (zones, (), "CA")


@pytest.mark.parametrize(
    ("number", "country", "zones"),
    [
        ("+14165550100", "CA", {"America/Toronto"}),
        ("+16045550100", "CA", {"America/Vancouver"}),
        ("+12505550100", "CA", {"America/Vancouver", "America/Edmonton"}),
        ("+18075550100", "CA", {"America/Toronto", "America/Winnipeg"}),
        ("+18765550100", "JM", {"America/Jamaica"}),
        ("+525555550100", "MX", {"America/Mexico_City"}),
    ],
)
def test_a_number_of_another_country_is_placed_by_its_numbering_plan(number, country, zones):
    place = place_of(number, tenant_zone=CENTRAL)

    assert (place.country, set(place.zones), place.source) == (country, zones, PlaceSource.AREA_CODE)


def test_a_british_number_keeps_londons_clock():
    place = place_of("+447700900123", tenant_zone=CENTRAL)

    assert place.country == "GB"
    assert "Europe/London" in place.zones


def test_the_tenants_zone_stands_in_where_another_countrys_plan_names_no_zone():
    place = place_of("+881612345678", country="XX", tenant_zone=CENTRAL)

    assert (place.zones, place.source, place.confidence) == ((CENTRAL,), PlaceSource.TENANT, Confidence.LOW)


@pytest.mark.parametrize("zone", ["America/New_York", "America/Detroit", "US/Eastern"])
def test_a_declared_zone_without_any_state_keeps_every_state_with_its_clock(zone):
    place = place_of("+18005550100", declared_zone=zone)

    assert place.zones == (zone,)
    assert {"NY", "RI", "PA", "KY", "FL", "MI"} <= set(place.states)
    assert not {"IL", "TX", "CA", "AZ"} & set(place.states)
    assert place.confidence is Confidence.MEDIUM


def test_a_declared_zone_abroad_brings_no_state():
    assert place_of("+18005550100", declared_zone="Europe/Paris").states == ()


def test_every_zone_in_the_tables_is_one_that_exists():
    codes = [place_of(f"+1{code}5550100") for code in range(200, 1000)]
    prefixes = [place_of("+18005550100", postal_code=f"{prefix:03d}01") for prefix in range(1000)]
    zones = {zone for place in (*codes, *prefixes) for zone in place.zones}

    assert len(zones) > 15
    assert all(ZoneInfo(zone).key == zone for zone in zones)


def test_every_american_code_lies_in_a_state_and_keeps_a_zone():
    places = [place_of(f"+1{code}5550100") for code in range(200, 1000)]
    american = [place for place in places if place.source is PlaceSource.AREA_CODE and place.country == "US"]

    assert len(american) == 365
    assert all(place.states and place.zones for place in american)


def test_a_place_is_a_value():
    assert place_of(CHICAGO_NUMBER) == Place((CENTRAL,), ("IL",), "US", PlaceSource.AREA_CODE, Confidence.MEDIUM)


def test_a_free_number_that_only_another_country_uses_is_unknown_too():
    assert place_of("+18005550100", country="JM", tenant_zone=CENTRAL).source is PlaceSource.UNKNOWN


def test_a_canadian_who_declares_a_zone_brings_no_american_state():
    place = place_of("+14165550100", declared_zone=EASTERN)

    assert (place.zones, place.states, place.country) == ((EASTERN,), (), "CA")
