from __future__ import annotations

import time
import unicodedata

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from smsbot.errors import InvalidInput
from smsbot.passwords import hash_password, needs_rehash, objection_to, password_matches

GOOD = "zebra lemon cloud 9"
KEPT = hash_password(GOOD)


def test_a_password_matches_its_own_hash_and_no_other():
    assert password_matches(GOOD, KEPT)
    assert not password_matches(GOOD + " ", KEPT)
    assert not password_matches(GOOD.upper(), KEPT)
    assert not password_matches("", KEPT)


def test_the_hash_holds_cost_and_salt_and_is_another_each_time():
    assert KEPT.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert GOOD not in KEPT
    assert hash_password(GOOD) != KEPT


def test_a_hash_at_another_cost_is_to_be_made_anew():
    cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(GOOD)

    assert password_matches(GOOD, cheap)
    assert needs_rehash(cheap)
    assert not needs_rehash(KEPT)
    assert needs_rehash("junk")


def test_an_unknown_login_takes_as_long_as_a_wrong_password():
    def cpu_s(kept: str | None) -> float:
        started = time.process_time()
        assert not password_matches("not the password", kept)
        return time.process_time() - started

    unknown, wrong = zip(*((cpu_s(None), cpu_s(KEPT)) for _ in range(7)), strict=True)

    assert 0.3 < min(unknown) / min(wrong) < 3  # without a hash to check it would be a thousandth


@pytest.mark.parametrize("kept", ["", "junk", "$argon2id$v=19$m=1$x$y", "plain text"])
def test_a_damaged_hash_lets_nobody_in(kept):
    assert not password_matches(GOOD, kept)
    assert not password_matches("", kept)


def test_one_password_typed_on_two_keyboards_is_one_password():
    composed, decomposed = "caf\u00e9 zebra lemon", "cafe\u0301 zebra lemon"

    assert password_matches(decomposed, hash_password(composed))


@pytest.mark.parametrize("password", ["x" * 129, "x" * 1_000_000, "\ud800", "\x00" * 20])
def test_a_strange_password_is_no_error(password):
    assert not password_matches(password, KEPT)
    assert objection_to(password) is not None


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "correct horse battery staple",
        "my dog eats 3 pies",
        "Tr0ub4dor&3xkcd",
        "жираф ест облака",
        "quiet-river-7041",
        "k7Qw93hTzBxv",
    ],
)
def test_long_and_own_is_enough(password):
    assert objection_to(password) is None


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "at least 12"),
        ("k7Qw93hTzBx", "at least 12"),
        ("k7Qw93hTzB" * 13, "at most 128"),
        ("aaaaaaaaaaaa", "repeats"),
        ("abababababab", "repeats"),
        ("Zebra7Zebra7Zebra7", "repeats"),
        ("112211221122334", "repeats"),
        ("123456789012", "keyboard"),
        ("987654321098", "keyboard"),
        ("qwertyuiop12", "guessed"),
        ("qwertyuiopasdfgh", "keyboard"),
        ("1qaz2wsx3edc", "keyboard"),
        ("ABCDEFGHIJKLM", "keyboard"),
        ("password1234", "guessed"),
        ("PassWord2026!!", "guessed"),
        ("P@$$w0rd....!", "guessed"),
        ("!!!Welcome2027!!!", "guessed"),
        ("iloveyouforever", "guessed"),
        ("ManchesterUnited", "guessed"),
        ("administrator", "guessed"),
    ],
)
def test_what_is_tried_first_is_refused_with_its_reason(password, reason):
    assert reason in (objection_to(password) or "")
    with pytest.raises(InvalidInput) as caught:
        hash_password(password)
    assert caught.value.field == "password" and (not password or password not in str(caught.value))


@given(st.text(max_size=140))
def test_every_password_has_a_verdict(password):
    objection = objection_to(password)

    assert objection is None or objection.endswith(".")
    assert objection is not None or 12 <= len(unicodedata.normalize("NFKC", password)) <= 128
