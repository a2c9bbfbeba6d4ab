"""No social security or card number survives masking, and nothing else is lost to it."""

from __future__ import annotations

import re
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smsbot.masking import Masked, holds_sensitive, masked

CARDS = (
    "4111111111111111",
    "4222222222222",
    "4000000000000000006",
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "6011000990139424",
    "30569309025904",
    "3530111333300000",
    "6200000000000005",
)
SCRIPTS = ("0123456789", "０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗")
DASHES = ("-", " ", " - ", "–", "—", "\u2011", "−", "\u00ad", "\u00a0", "\u3000", "\n", "\r\n", "\n\n", "\t", "_", "  ")
SAME_ONLY = (".", "/", "·", "．", ". ", " / ", ",", "*", "\\")
INVISIBLE = ("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u202c", "\u034f", "\ufe0f\u20e3")

SSN = st.from_regex(r"[0-9]{9}", fullmatch=True)
AROUND = st.sampled_from(["", "my ssn is ", "It's ", "ok: ", "Señal ", "(", "😀", "1) "])
AFTER = st.sampled_from(["", " ok?", ".", ")", " thanks 😀", ", Ann", "abc"])


def digits_of(text: str) -> str:
    return "".join(str(unicodedata.digit(c)) for c in text if unicodedata.digit(c, None) is not None)


def in_script(number: str, script: str) -> str:
    return "".join(script[int(c)] for c in number)


@given(
    SSN,
    st.one_of(
        st.tuples(st.sampled_from(DASHES), st.sampled_from(DASHES)),
        st.sampled_from(SAME_ONLY + INVISIBLE).map(lambda gap: (gap, gap)),
    ),
    st.sampled_from(SCRIPTS),
    AROUND,
    AFTER,
)
def test_no_digit_of_an_ssn_in_three_groups_stays(ssn, gaps, script, before, after):
    number = in_script(ssn[:3], script) + gaps[0] + in_script(ssn[3:5], script) + gaps[1] + in_script(ssn[5:], script)

    result = masked(before + number + after)

    assert result == Masked(before + "[SSN removed]" + after, frozenset({"ssn"}))


@pytest.mark.parametrize(
    "written",
    [
        "1 2 3-4 5-6 7 8 9",
        "1 2 3 - 4 5 - 6 7 8 9",
        "1 2 3   4 5   6 7 8 9",
        "(123) 45-6789",
        "123\u200b45-6789",
        "1\u200b2\u200b3\u200b4\u200b5\u200b6\u200b7\u200b8\u200b9",
        "①②③-④⑤-⑥⑦⑧⑨",
        "1️⃣2️⃣3️⃣-4️⃣5️⃣-6️⃣7️⃣8️⃣9️⃣",
        "000-12-3456",
        "666-12-3456",
        "987-65-4321",
        "2025 123-45-6789",
        "+1 123-45-6789",
    ],
)
def test_an_ssn_is_known_by_its_form(written):
    result = masked(f"here: {written}, thanks")

    assert result.kinds == {"ssn"}
    assert digits_of(result.text) in ("", "2025", "1")


@pytest.mark.parametrize(
    "text",
    [
        "ssn 123456789",
        "SSN:123456789",
        "ssn123456789",
        "S.S.N. 123456789",
        "s\u200bsn 123456789",
        "ss# 123456789",
        "my social is 123456789",
        "social's 123456789",
        "social security number for my husband is 123456789",
        "soc sec 123 456 789",
        "123456789 is my social",
        "mi número de seguro social es 123456789",
        "mi seguro social: 123 456 789",
        "NSS 123456789",
        "ITIN 912345678",
        "ssn 12345-6789",
        "ssn 12345 6789",
        "ssn 123\n456789",
        "social 1 2 3 4 5 6 7 8 9",
        "MLS 12345678, my ssn 123456789",
        "ssn 123-45-6789, wife's 987654321",
    ],
)
def test_nine_digits_beside_a_word_for_it_are_an_ssn(text):
    result = masked(text)

    assert result.kinds == {"ssn"}
    assert digits_of(result.text) in ("", "12345678")


GROUPINGS = {
    16: [(16,), (4, 4, 4, 4), (8, 8), (4, 12), (4, 8, 4), (2,) * 8, (1,) * 16, (5, 3, 4, 4)],
    15: [(15,), (4, 6, 5), (4, 4, 4, 3), (1,) * 15, (5, 5, 5)],
    14: [(14,), (4, 6, 4), (4, 4, 4, 2)],
    13: [(13,), (4, 4, 5), (4, 4, 4, 1), (4, 3, 3, 3)],
    19: [(19,), (4, 4, 4, 4, 3), (6, 13)],
}


@given(
    st.sampled_from(CARDS).flatmap(lambda card: st.tuples(st.just(card), st.sampled_from(GROUPINGS[len(card)]))),
    st.sampled_from([" ", "-", ".", "–", "\u00a0", "\n", " - ", "  "]),
    st.sampled_from(SCRIPTS),
    AROUND.filter(lambda before: before != "1) "),
    AFTER,
)
def test_no_digit_of_a_card_number_stays_however_it_is_grouped(card_and_sizes, gap, script, before, after):
    card, sizes = card_and_sizes
    groups, at = [], 0
    for size in sizes:
        groups.append(in_script(card[at : at + size], script))
        at += size

    result = masked(before + gap.join(groups) + after)

    assert result == Masked(before + "[card number removed]" + after, frozenset({"card"}))


def test_a_card_number_is_found_among_other_numbers():
    text = "Unit 12 4111 1111 1111 1111 12/27 123, call 312-555-0171"

    assert masked(text).text == "Unit 12 [card number removed] 12/27 123, call 312-555-0171"


def test_both_kinds_are_named():
    assert masked("123-45-6789 and 4111-1111-1111-1111") == Masked(
        "[SSN removed] and [card number removed]", frozenset({"ssn", "card"})
    )


@given(st.sampled_from(CARDS), st.integers(0, 12), st.integers(1, 9))
def test_a_number_that_fails_the_luhn_check_is_no_card(card, place, by):
    wrong = card[:place] + str((int(card[place]) + by) % 10) + card[place + 1 :]

    assert not holds_sensitive(f"order {wrong}")


PHONE_FORMATS = (
    "({}) {}-{}", "{}-{}-{}", "{}.{}.{}", "{} {} {}", "{}{}{}", "+1{}{}{}", "+1 {} {} {}", "+1 ({}) {}-{}",
    "1-{}-{}-{}", "1{}{}{}", "1 {} {} {}", "1.{}.{}.{}", "({}) {} {}", "{}/{}-{}", "{}\u2011{}\u2011{}", "{} - {} - {}",
)  # fmt: skip
PHONE = st.builds(
    lambda form, area, last: form.format(area, "555", f"01{last:02}"),
    st.sampled_from(PHONE_FORMATS),
    st.integers(201, 989),
    st.integers(0, 99),
)


@given(st.lists(PHONE, min_size=1, max_size=3), st.sampled_from([" or ", ", ", "\n", " ", " / "]))
def test_phone_numbers_stay(numbers, between):
    text = "call " + between.join(numbers)

    assert masked(text) == Masked(text, frozenset())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Is the 2021 Civic still there? I have $12,500 down",
        "Offer $1,250,000 on 742 Evergreen Terrace, Springfield, IL 62704-1234",
        "VIN 1HGCM82633A004352, stock P123456, 45,210 miles",
        "MLS# 123456789 or MLS 11223344?",
        "MLS 123456789 - my social worker told me",
        "saw you on social media, stock number 123456789",
        "zip 60601-1234, I will bring my ssn card",
        "My ssn is on file. Chicago, IL 60601-1234",
        "order 1234567890123",
        "Order #112-3456789-1234567",
        "11/20/2026 at 10:30, or 2026-11-21",
        "Meet at the social 10/12/2026 7pm",
        "social security office: 1 800 772 1213",
        "2018 2019 2020 2021 2022 2023 all fine",
        "2500 3000 3500 4000 a month",
        "3 bd 2 ba 1,850 sqft $450,000",
        "2010 2011 2012 2013, whatever runs",
        "3000 4000 4500 6000 a month",
        "call 480 555 0103 210",
        "rent 350.00 2026",
        "Suite 450-25, 2020 edition",
        "Suite 450-25. 2020 edition",
        "rooms 350, 45, 2020",
        "[SSN removed] 123456789",
        "paid 450.25. 2020 model",
        "Unit 210 11/2026",
        "41.878113, -87.629799",
        "+4915112345678",
        "+351 912 34 5678",
        "+44 20 7946 0958",
        "123456789",
        "1 2 3 4 5 6 7 8 9",
        "[SSN removed] and [card number removed]",
    ],
)
def test_ordinary_texts_stay_as_they_are(text):
    assert masked(text) == Masked(text, frozenset())
    assert not holds_sensitive(text)


PIECES = st.sampled_from(
    ["123-45-6789", "123 45 6789", "123456789", "123 456 789", "4111 1111 1111 1111", "41111 111 1111 1111", "312", "555",
     "0171", "4", "+", "+351 ", "60601-1234", "ssn ", "social ", "mls ", "[SSN removed]", "IL ", " ", "-", ".", ", ", "\n",
     "\u200b", "word " * 8]
)  # fmt: skip


@given(
    st.one_of(st.lists(PIECES, max_size=14).map("".join), st.text(alphabet="0123456789 -./,+ssn\u200b\n", max_size=80))
)
@example("ssn 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1" + " word" * 10 + " 123456789")
@example("ssn 123-45-6789 123 456 789")
@example("123-45-6789 123456789")
def test_masking_a_masked_text_changes_nothing(text):
    once = masked(text)

    assert masked(once.text) == Masked(once.text, frozenset())
    assert holds_sensitive(text) == bool(once.kinds)


@given(st.one_of(st.text(), st.lists(PIECES, max_size=14).map("".join)))
def test_masking_takes_no_letter_away(text):
    def letters(words: str) -> str:
        return re.sub(r"[^A-Za-z]", "", re.sub(r"\[(?:SSN|card number) removed\]", "", words))

    assert letters(masked(text).text) == letters(text)


HOSTILE = (
    "4 ", "1 2 3-", "4111 ", "4", "ssn ", "soc", "s.", "ss ", "1\u200b", "\u200b", "123-45-6789 ", "123 456 789 ", "num ",
    "1 ", " ", "-", "\n", "tax ", "+1 ", "3782 822463 10005 ", "ssn 123456789 ",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("piece", HOSTILE)
def test_the_time_grows_with_the_length_and_no_faster(piece):
    def cpu_seconds(length: int) -> float:
        text = "ssn " + piece * (length // len(piece)) + "x"
        taken = []
        for _ in range(3):  # the least of three: a busy machine only ever adds
            started = time.process_time()
            masked(text)
            taken.append(time.process_time() - started)
        return min(taken)

    short, long = cpu_seconds(4_096), cpu_seconds(32_768)

    assert long < max(0.1, 20 * short)  # eight times as long; the square would be 64 times
