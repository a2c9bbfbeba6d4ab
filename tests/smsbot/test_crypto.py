from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsbot.clock import OffsetClock
from smsbot.crypto import MAX_CACHED_CIPHERS, DecryptionFailed, Keyring, LinkRefused, LinkSigner
from smsbot.errors import SmsbotError

OLD, NEW, FOREIGN = b"o" * 32, b"n" * 32, b"f" * 32
PLACE = {"tenant_id": "t1", "table": "credentials", "column": "secret", "row": 7}
CANARY = "the purple walrus +12015550147"
DATA_KEY = Keyring([OLD]).new_data_key()
SEALED = Keyring([OLD]).cipher(DATA_KEY).encrypt_text(CANARY, **PLACE)


def changed_at(sealed: bytes, position: int, bit: int) -> bytes:
    at = position % len(sealed)
    return sealed[:at] + bytes([sealed[at] ^ 1 << bit]) + sealed[at + 1 :]


@given(st.binary(max_size=300), st.uuids(), st.integers())
def test_what_was_encrypted_for_a_place_decrypts_there(plaintext, tenant_id, row):
    cipher = Keyring([OLD]).cipher(DATA_KEY)
    place = {"tenant_id": tenant_id, "table": "media", "column": "content", "row": row}

    sealed = cipher.encrypt(plaintext, **place)

    assert cipher.decrypt(sealed, **place) == plaintext
    assert cipher.decrypt(memoryview(sealed), **place) == plaintext
    assert len(sealed) == len(plaintext) + 29


@given(st.text(st.characters()))
def test_any_text_comes_back(text):
    cipher = Keyring([OLD]).cipher(DATA_KEY)

    assert cipher.decrypt_text(cipher.encrypt_text(text, **PLACE), **PLACE) == text


@pytest.mark.parametrize(
    "other", [{"tenant_id": "t2"}, {"table": "evidence"}, {"column": "name"}, {"row": 8}, {"row": "07"}]
)
def test_a_value_moved_to_another_place_does_not_decrypt(other):
    with pytest.raises(DecryptionFailed) as caught:
        Keyring([OLD]).cipher(DATA_KEY).decrypt(SEALED, **PLACE | other)

    assert "walrus" not in repr(caught.value) and caught.value.__cause__ is None
    assert isinstance(caught.value, SmsbotError)


@given(st.integers(min_value=0, max_value=10_000), st.integers(min_value=0, max_value=7))
def test_a_changed_bit_anywhere_is_noticed(position, bit):
    with pytest.raises(DecryptionFailed):
        Keyring([OLD]).cipher(DATA_KEY).decrypt(changed_at(SEALED, position, bit), **PLACE)


@given(st.binary(max_size=80))
def test_bytes_that_we_did_not_write_do_not_decrypt(junk):
    with pytest.raises(DecryptionFailed):
        Keyring([OLD]).cipher(DATA_KEY).decrypt(junk, **PLACE)


def test_text_that_is_no_text_is_refused_without_showing_it():
    cipher = Keyring([OLD]).cipher(DATA_KEY)
    sealed = cipher.encrypt(b"walrus\xff", **PLACE)

    with pytest.raises(DecryptionFailed) as caught:
        cipher.decrypt_text(sealed, **PLACE)

    assert "walrus" not in repr(caught.value) and caught.value.__suppress_context__


def test_a_place_cannot_be_spelt_in_two_ways():
    with pytest.raises(ValueError, match="place"):
        Keyring([OLD]).cipher(DATA_KEY).encrypt(b"", **PLACE | {"tenant_id": "t1|credentials"})


def test_the_same_plaintext_is_never_sealed_twice_alike():
    cipher = Keyring([OLD]).cipher(DATA_KEY)

    assert len({cipher.encrypt(b"x", **PLACE) for _ in range(200)}) == 200
    assert CANARY.encode() not in SEALED


def test_another_tenants_data_key_opens_nothing():
    ring = Keyring([OLD])

    with pytest.raises(DecryptionFailed):
        ring.cipher(ring.new_data_key()).decrypt(SEALED, **PLACE)


def test_after_a_rotation_old_rows_open_and_new_data_keys_use_the_new_key():
    rotated = Keyring([NEW, OLD])

    rewrapped = rotated.rewrap(DATA_KEY)

    assert DATA_KEY.split(":")[1] == Keyring([OLD]).key_ids[0]
    assert rewrapped.split(":")[1] == rotated.new_data_key().split(":")[1] == Keyring([NEW]).key_ids[0]
    assert rotated.cipher(DATA_KEY).decrypt_text(SEALED, **PLACE) == CANARY
    assert Keyring([NEW]).cipher(rewrapped).decrypt_text(SEALED, **PLACE) == CANARY
    assert rotated.rewrap(rewrapped) == rewrapped


def test_a_data_key_of_a_key_that_is_gone_says_so():
    with pytest.raises(DecryptionFailed, match="ENCRYPTION_KEYS"):
        Keyring([FOREIGN]).cipher(DATA_KEY)


@given(st.integers(min_value=0, max_value=len(DATA_KEY) - 1), st.characters(codec="ascii"))
def test_a_changed_letter_of_a_wrapped_key_is_noticed(position, letter):
    wrapped = DATA_KEY[:position] + letter + DATA_KEY[position + 1 :]
    if wrapped == DATA_KEY:
        return

    with pytest.raises(DecryptionFailed):
        Keyring([OLD]).cipher(wrapped)


@pytest.mark.parametrize(
    "wrapped",
    ["", "v1", "v1:::", "v2:a:b:c", DATA_KEY + "=", DATA_KEY + ":", "é:ü:ß:ø"],
    ids=["empty", "version", "no parts", "other version", "padded", "a part more", "not ascii"],
)
def test_what_is_no_wrapped_key_is_refused(wrapped):
    with pytest.raises(DecryptionFailed):
        Keyring([OLD]).rewrap(wrapped)


@pytest.mark.parametrize("keys", [[], [b"short"], [OLD, b""], [OLD, OLD]])
def test_a_keyring_needs_whole_and_different_keys(keys):
    with pytest.raises(ValueError, match="key"):
        Keyring(keys)


def test_ciphers_are_kept_but_not_without_end():
    ring = Keyring([OLD])
    first = ring.new_data_key()

    kept = ring.cipher(first)

    assert ring.cipher(first) is kept
    for _ in range(MAX_CACHED_CIPHERS):
        ring.cipher(ring.new_data_key())
    assert ring.cipher(first) is not kept


def test_nothing_shows_a_key():
    ring = Keyring([OLD, NEW])

    assert "oooo" not in repr(ring) + repr(ring.cipher(DATA_KEY)) + repr(vars(ring.cipher(DATA_KEY)))
    assert repr(ring) == f"Keyring({ring.key_ids[0]}, {ring.key_ids[1]})"
    assert "s3cr3t" not in repr(LinkSigner("s3cr3t" * 8))


def test_a_suppressed_number_is_found_after_a_rotation_and_says_nothing_by_itself():
    number = "+12015550147"
    stored = Keyring([OLD]).suppression_hashes(number)[0]

    assert stored in Keyring([NEW, OLD]).suppression_hashes(number)
    assert Keyring([NEW, OLD]).suppression_hashes(number)[0] != stored
    assert stored not in Keyring([OLD]).suppression_hashes("+12015550148")
    assert stored not in Keyring([FOREIGN]).suppression_hashes(number)
    assert len(stored) == 32


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_blind_indexes_are_equal_only_for_equal_value_and_purpose(value, purpose, other_value, other_purpose):
    ring = Keyring([OLD])

    equal = ring.blind_index(value, purpose) == ring.blind_index(other_value, other_purpose)

    assert equal == ((value, purpose) == (other_value, other_purpose))
    assert ring.blind_index(value, purpose) not in ring.suppression_hashes(value)
    assert ring.blind_index(value, purpose) in Keyring([NEW, OLD]).blind_indexes(value, purpose)


def test_a_link_says_what_was_signed_until_it_is_too_old():
    clock = OffsetClock(datetime(2026, 3, 1, tzinfo=UTC))
    signer = LinkSigner("k" * 40, clock)
    booking = str(uuid4())

    token = signer.sign({"booking": booking}, "reschedule", 3600)

    assert signer.read(token, "reschedule") == {"booking": booking}
    clock.advance(timedelta(minutes=59))
    assert signer.read(token, "reschedule") == {"booking": booking}
    clock.advance(timedelta(minutes=2))
    with pytest.raises(LinkRefused):
        signer.read(token, "reschedule")


def test_a_link_for_one_thing_opens_no_other():
    signer = LinkSigner("k" * 40)
    token = signer.sign({"login": 1}, "invite", 3600)

    with pytest.raises(LinkRefused):
        signer.read(token, "reset")
    with pytest.raises(LinkRefused):
        LinkSigner("j" * 40).read(token, "invite")


TOKEN = LinkSigner("k" * 40).sign({"login": 1}, "invite", 10**9)


@given(st.integers(min_value=0, max_value=len(TOKEN) - 1), st.characters())
def test_a_changed_letter_of_a_link_is_noticed(position, letter):
    signer = LinkSigner("k" * 40)
    forged = TOKEN[:position] + letter + TOKEN[position + 1 :]

    try:
        read = signer.read(forged, "invite")
    except LinkRefused:
        return
    assert read == {"login": 1}  # only the spare bits of the last letter of base64 may differ


@given(st.text())
def test_any_text_that_we_did_not_sign_is_refused(token):
    with pytest.raises(LinkRefused):
        LinkSigner("k" * 40).read(token, "invite")
