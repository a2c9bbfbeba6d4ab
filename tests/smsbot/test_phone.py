"""One number, one way to write it; what is no number is never texted and never shown whole."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smsbot.errors import InvalidInput
from smsbot.phone import Address, AddressKind, address, e164, national, region_of, shown

AREA_CODES = st.integers(200, 999).map(str)
GAPS = st.sampled_from(["", " ", "-", ".", "/", "  ", "\u2011", "–", "\u00a0", " - "])


@st.composite
def written_numbers(draw: st.DrawFn) -> tuple[str, str]:
    """A fictitious number in E.164 and in some way that people write it."""
    area, last = draw(AREA_CODES), f"01{draw(st.integers(0, 99)):02}"
    lead = draw(st.sampled_from(["", "1", "+1", "1 ", "+1 ", "1-", "1.", "tel:+1", "\u202a+1", "(+1)", " "]))
    opening, closing = draw(st.sampled_from([("", ""), ("(", ")"), ("(", ") ")]))
    ending = draw(st.sampled_from(["", " ", "\n", "\u202c"]))
    written = f"{lead}{opening}{area}{closing}{draw(GAPS)}555{draw(GAPS)}{last}{ending}"
    digits = draw(st.sampled_from(["0123456789", "０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩"]))
    return f"+1{area}555{last}", written.translate(str.maketrans("0123456789", digits))


@given(written_numbers())
def test_every_way_to_write_a_number_gives_the_same_e164(number_and_written):
    number, written = number_and_written

    assert e164(written) == number
    assert e164(e164(written)) == number
    assert address(number) == Address(AddressKind.NUMBER, number, number)


@pytest.mark.parametrize(
    ("written", "region", "expected"),
    [
        ("+44 20 7946 0958", "US", "+442079460958"),
        ("011 44 20 7946 0958", "US", "+442079460958"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("(416) 555-0123", "CA", "+14165550123"),
        ("+39 06 1234567", "US", "+39061234567"),
    ],
)
def test_a_number_elsewhere_keeps_its_country(written, region, expected):
    assert e164(written, region) == expected


@pytest.mark.parametrize(
    "written",
    [
        "", "+", "hello", "911", "12345", "555-0171", "312 555 017", "3125550171 5", "5 3125550171", "+1 312 555 01711",
        "3125550171 x5", "3125550171 ext. 5", "+13125550171;ext=5", "3125550171,,5", "1-312-FLOWERS", "call 312 555 0171",
        "3125550171 or 7735550123", "3125550171/7735550123", "+999 312 555 0171", "+0 312 555 0171", "3" * 300,
        "whatsapp:+13125550171", "\ud800", "\0",
    ],
)  # fmt: skip
def test_what_is_no_possible_number_is_refused_without_being_quoted(written):
    with pytest.raises(InvalidInput) as refusal:
        e164(written)

    assert refusal.value.field == "number"
    assert str(refusal.value) in (
        "give the number without an extension",
        "give a phone number with area code, such as +1 312 555 0171",
    )


def test_an_extension_is_named_as_the_reason():
    with pytest.raises(InvalidInput, match="extension"):
        e164("312-555-0171 x5")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("+13125550171", Address(AddressKind.NUMBER, "+13125550171", "+13125550171")),
        (" 13125550171", Address(AddressKind.NUMBER, "+13125550171", "+13125550171")),  # a + that was not escaped
        ("3125550171", Address(AddressKind.NUMBER, "+13125550171", "+13125550171")),
        ("+442079460958", Address(AddressKind.NUMBER, "+442079460958", "+442079460958")),
        ("12345", Address(AddressKind.SHORT_CODE, "12345")),
        ("878787", Address(AddressKind.SHORT_CODE, "878787")),
        ("rcs:+14155550100", Address(AddressKind.RCS, "rcs:+14155550100", "+14155550100")),
        ("rcs:brand_abc_agent", Address(AddressKind.RCS, "rcs:brand_abc_agent")),
        ("RCS:+1 415 555 0100", Address(AddressKind.RCS, "rcs:+14155550100", "+14155550100")),
        ("whatsapp:+14155550100", Address(AddressKind.WHATSAPP, "whatsapp:+14155550100", "+14155550100")),
        ("whatsapp:+14155550100;ext=5", Address(AddressKind.WHATSAPP, "whatsapp:+14155550100;ext=5")),
        ("client:Ann Lee", Address(AddressKind.CLIENT, "client:Ann Lee")),
        ("ann@Example.com", Address(AddressKind.EMAIL, "ann@example.com")),
        ("", Address(AddressKind.ANONYMOUS, "anonymous")),
        ("Anonymous", Address(AddressKind.ANONYMOUS, "anonymous")),
        ("unknown", Address(AddressKind.ANONYMOUS, "anonymous")),
        ("+266696687", Address(AddressKind.ANONYMOUS, "anonymous")),
        ("+86282452253", Address(AddressKind.ANONYMOUS, "anonymous")),
        ("+13125550171;ext=5", Address(AddressKind.OTHER, "+13125550171;ext=5")),
        ("+12345", Address(AddressKind.OTHER, "+12345")),
        ("+1312555017", Address(AddressKind.OTHER, "+1312555017")),
        ("LAKESIDE", Address(AddressKind.OTHER, "LAKESIDE")),
        ("+1312FLOWERS", Address(AddressKind.OTHER, "+1312FLOWERS")),
        ("sip:ann@example.com", Address(AddressKind.OTHER, "sip:ann@example.com")),
        ("x" * 500, Address(AddressKind.OTHER, "x" * 128)),
    ],
)
def test_an_address_is_what_the_carrier_means_by_it(raw, expected):
    assert address(raw) == expected


@pytest.mark.parametrize("kind", AddressKind)
def test_only_a_number_may_be_texted(kind):
    assert Address(kind, "x", "+13125550171").textable == (kind is AddressKind.NUMBER)


@given(st.one_of(st.text(), st.text(alphabet="+0123456789:;ext=-() \0\ud800@rcswhap", max_size=40)))
@example("İ@" + "İ" * 200)
@example("٣١٢٥٥٥٠١٧١")
def test_any_from_has_an_address_that_can_be_stored_and_is_its_own(raw):
    found = address(raw)

    assert len(found.value) <= 128
    assert "\0" not in found.value
    found.value.encode()
    assert found.e164 is None or e164(found.e164) == found.e164
    assert address(found.value).kind is found.kind


@pytest.mark.parametrize(
    ("number", "region"),
    [
        ("+13125550171", "US"),
        ("+14165550123", "CA"),
        ("+18765550123", "JM"),
        ("+18095550123", "DO"),
        ("+442079460958", "GB"),
        ("+12005550123", None),
        ("junk", None),
    ],
)
def test_plus_one_is_not_the_united_states(number, region):
    assert region_of(number) == region


@pytest.mark.parametrize(
    ("number", "logged"),
    [
        ("+13125550123", "+1********23"),
        ("+442079460958", "+44********58"),
        ("12345", "*****"),
        ("3125550123", "**********"),
        ("whatsapp:+13125550123", "************"),
        ("", ""),
    ],
)
def test_a_log_shows_country_and_two_digits_at_most(number, logged):
    assert shown(number) == logged


@given(st.text())
def test_nothing_else_is_shown_at_all(text):
    assert set(shown(text)) <= {"*"} or shown(text)[0] == "+"


@pytest.mark.parametrize(
    ("number", "written"),
    [
        ("+13125550171", "(312) 555-0171"),
        ("+14165550123", "(416) 555-0123"),
        ("+442079460958", "+44 20 7946 0958"),
        ("junk", "junk"),
    ],
)
def test_people_read_a_number_as_they_write_it(number, written):
    assert national(number) == written


@given(AREA_CODES, st.integers(0, 99))
def test_what_people_read_is_the_same_number(area, last):
    number = f"+1{area}55501{last:02}"

    assert e164(national(number)) == number


@given(st.from_regex(r"\A\+1[2-9][0-9]{9}\Z"))
def test_ten_digits_of_north_america_are_the_number_that_the_library_reads(written: str) -> None:
    parsed = phonenumbers.parse(written, "US")

    assert phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) == written
    assert phonenumbers.is_possible_number_with_reason(parsed) == phonenumbers.ValidationResult.IS_POSSIBLE
    assert address(written) == Address(AddressKind.NUMBER, written, written)
