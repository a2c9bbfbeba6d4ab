from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from smsbot.signatures import (
    SignedRequest,
    SigningKey,
    public_request_url,
    signature_of,
    signature_valid,
    verifying_key,
)

VECTORS = json.loads((Path(__file__).parent / "data" / "signature_vectors.json").read_text(encoding="utf-8"))["vectors"]
SHARED_KEY_HEADER = "key=webhooks_sharedkey_01,algorithm=HMAC_SHA256"
CURRENT = SigningKey("0123456789abcdef0123456789abcdef", "HMAC_SHA1", "current")
PREVIOUS = SigningKey("fedcba9876543210fedcba9876543210", "HMAC_SHA1", "previous")
SHARED = SigningKey("shared-key-secret-example-01", "HMAC_SHA256")
STRANGER = SigningKey("00112233445566778899aabbccddeeff", "HMAC_SHA1")
URL = "https://texts.example.com/webhooks/twilio/sms"
PARAMS = (("From", "+12015550147"), ("To", "+12015550100"), ("Body", "Is it still there?"), ("NumMedia", "0"))


def signed(key: SigningKey = CURRENT, url: str = URL, header: str | None = None) -> SignedRequest:
    return SignedRequest(url, PARAMS, b"From=...", signature_of(key, url, PARAMS), header)


def from_vector(vector: dict) -> SignedRequest:
    params = None if vector["params"] is None else [(name, value) for name, value in vector["params"]]
    body = vector["form_body"] if vector["json_body"] is None else vector["json_body"]
    header = SHARED_KEY_HEADER if vector["algorithm"] == "HMAC_SHA256" else None
    return SignedRequest(vector["url_seen_by_receiver"], params, (body or "").encode(), vector["signature"], header)


def test_all_vectors_are_here():
    assert len(VECTORS) == 46
    assert sum(vector["expect_valid"] for vector in VECTORS) == 32


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_every_vector_is_decided_as_stated(vector):
    key = SigningKey(vector["token"], vector["algorithm"])

    assert signature_valid(from_vector(vector), [key]) is vector["expect_valid"]
    assert signature_valid(from_vector(vector), [STRANGER, key, PREVIOUS]) is vector["expect_valid"]


FORMS = [vector for vector in VECTORS if vector["form_body"] and not vector["id"].endswith("-fails")]


@pytest.mark.parametrize("vector", FORMS, ids=lambda vector: vector["id"])
def test_the_fields_as_a_form_parser_gives_them_are_what_was_signed(vector):
    fields = parse_qsl(vector["form_body"], keep_blank_values=True)
    request = replace(from_vector(vector), params=fields)

    assert signature_valid(request, [SigningKey(vector["token"], vector["algorithm"])])


@pytest.mark.parametrize(
    ("path", "key", "listed"),
    list(
        product(
            ["/webhooks/twilio/sms", "/webhooks/twilio/sms/status/0190?x=1", "/webhooks/twilio/voice", "/voice/a%2Fb/"],
            [CURRENT, PREVIOUS, SHARED],
            [(CURRENT, PREVIOUS, SHARED), (SHARED, PREVIOUS, CURRENT), (STRANGER, CURRENT, PREVIOUS, SHARED)],
        )
    ),
)
def test_the_key_that_signed_is_found_among_a_tenants_keys(path, key, listed):
    url = public_request_url("https://texts.example.com", path)
    request = signed(key, url, SHARED_KEY_HEADER if key is SHARED else None)

    assert verifying_key(request, listed) is key
    assert verifying_key(request, [other for other in listed if other is not key]) is None


@pytest.mark.parametrize("signature", [None, "", " ", "x", "☃", "\udcff", "\x00", "A" * 10_000, "=" * 28])
def test_a_missing_or_garbled_signature_is_no_error_and_no_proof(signature):
    assert not signature_valid(replace(signed(), signature=signature), [CURRENT, PREVIOUS, SHARED])


def test_nobody_can_sign_with_a_key_that_is_empty_or_unknown():
    empty = SigningKey("", "HMAC_SHA1")

    assert not signature_valid(signed(empty), [empty])
    assert not signature_valid(signed(STRANGER), [CURRENT, PREVIOUS])
    assert not signature_valid(signed(), [])


def test_with_a_settings_header_only_shared_keys_count_and_without_it_only_tokens():
    keys = [CURRENT, SHARED]

    assert not signature_valid(signed(CURRENT, header=SHARED_KEY_HEADER), keys)
    assert not signature_valid(signed(SHARED, header=None), keys)
    assert not signature_valid(signed(CURRENT, header="key=webhooks_sharedkey_01,algorithm=HMAC_SHA1"), keys)
    assert not signature_valid(signed(SHARED, header=SHARED_KEY_HEADER), [CURRENT, PREVIOUS])
    assert signature_valid(signed(CURRENT, header=" "), keys)


@pytest.mark.parametrize(
    "header",
    [
        "algorithm=HMAC_MD5",
        "algorithm=none",
        "algorithm=",
        "algorithm",
        "key=webhooks_sharedkey_01",
        "garbage",
        ",",
        "☃",
        "algorithm=HMAC_SHA256,algorithm=HMAC_SHA1",
        "algorithm=HMAC_SHA1",
    ],
)
def test_an_unknown_algorithm_is_refused(header):
    assert not signature_valid(signed(SHARED, header=header), [CURRENT, SHARED])
    assert not signature_valid(signed(CURRENT, header=header), [CURRENT, SHARED])


def test_a_shared_key_with_the_carriers_id_verifies_only_requests_that_name_it():
    first = SigningKey("first-secret", "HMAC_SHA1", "webhooks_sharedkey_01")
    second = SigningKey("second-secret", "HMAC_SHA256", "webhooks_sharedkey_02")

    assert signature_valid(signed(first, header="key=webhooks_sharedkey_01, algorithm=hmac_sha1"), [first, second])
    assert signature_valid(signed(second, header="key=webhooks_sharedkey_02,algorithm=HMAC_SHA256"), [first, second])
    assert not signature_valid(signed(second, header=SHARED_KEY_HEADER), [first, second])
    assert not signature_valid(signed(first, header=None), [first, second])


@pytest.mark.parametrize(
    ("seen", "was_signed", "valid"),
    [
        ("https://h.example/sms", "https://h.example:443/sms", True),
        ("https://h.example:443/sms", "https://h.example/sms", True),
        ("http://h.example/sms", "http://h.example:80/sms", True),
        ("https://h.example:8443/sms", "https://h.example:8443/sms", True),
        ("https://h.example:8443/voice", "https://h.example/voice", True),
        ("https://h.example/sms", "https://h.example:8443/sms", False),
        ("https://h.example:8443/sms", "https://h.example:443/sms", False),
        ("https://u:p@h.example:8443/sms", "https://h.example:8443/sms", True),
        ("https://[2001:db8::1]:8443/sms", "https://[2001:db8::1]/sms", True),
        ("https://h.example/sms?", "https://h.example/sms?", True),
        ("https://h.example/a//b/../c;d?x=%7e&y=a+b", "https://h.example/a//b/../c;d?x=%7e&y=a+b", True),
        ("https://h.example/sms", "http://h.example/sms", False),
        ("https://h.example/sms", "https://h.example/sms/", False),
        ("wss://h.example/relay", "wss://h.example/relay/", True),
        ("wss://h.example/relay", "wss://h.example:443/relay", True),
        ("wss://h.example/relay/", "wss://h.example/relay", False),
        ("https://h.example:x/sms", "https://h.example:x/sms", False),
        ("https://[h.example/sms", "https://[h.example/sms", False),
    ],
)
def test_the_port_may_be_there_or_not_and_nothing_else_may_differ(seen, was_signed, valid):
    request = replace(signed(url=was_signed), url=seen)

    assert signature_valid(request, [CURRENT]) is valid


def test_a_port_of_ones_own_can_be_insisted_on():
    portless = replace(signed(url="https://h.example/sms"), url="https://h.example:8443/sms")
    default = replace(signed(url="https://h.example/sms"), url="https://h.example:443/sms")

    assert not signature_valid(portless, [CURRENT], voice_https_port_dropped=False)
    assert signature_valid(default, [CURRENT], voice_https_port_dropped=False)


def test_a_body_that_is_no_form_is_covered_by_its_hash_or_refused():
    body = b'{"event": "x"}'
    url = f"{URL}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    request = SignedRequest(url, None, body, signature_of(CURRENT, url), None)
    bare = SignedRequest(URL, None, b"", signature_of(CURRENT, URL), None)

    assert signature_valid(request, [CURRENT])
    assert not signature_valid(replace(request, body=body + b" "), [CURRENT])
    assert not signature_valid(replace(request, body=b""), [CURRENT])
    assert not signature_valid(replace(request, params=()), [SigningKey("other", "HMAC_SHA1")])
    assert signature_valid(bare, [CURRENT])
    assert not signature_valid(replace(bare, body=body), [CURRENT])
    assert not signature_valid(replace(bare, body=body, params=()), [CURRENT])


def test_two_body_hashes_are_one_too_many():
    url = f"{URL}?bodySHA256={hashlib.sha256(b'a').hexdigest()}&bodySHA256={hashlib.sha256(b'b').hexdigest()}"

    for body in (b"a", b"b"):
        assert not signature_valid(SignedRequest(url, None, body, signature_of(CURRENT, url), None), [CURRENT])


FIELDS = st.lists(st.tuples(st.text(max_size=8), st.text(max_size=12)), max_size=6)


@given(FIELDS, st.sampled_from(["HMAC_SHA1", "HMAC_SHA256"]))
def test_the_carriers_own_helper_makes_the_same_signature(params, algorithm):
    class Fields(dict):
        def getall(self, name: str) -> list[str]:
            return [value for key, value in params if key == name]

    key = SigningKey("a-secret", algorithm)

    expected = RequestValidator("a-secret").compute_signature(URL, Fields(params), algorithm)
    assert signature_of(key, URL, params) == expected


@given(FIELDS.filter(bool), st.data())
def test_no_field_can_be_added_dropped_or_changed(params, data):
    request = SignedRequest(URL, params, b"", signature_of(CURRENT, URL, params), None)
    at = data.draw(st.integers(0, len(params) - 1))
    name, value = params[at]
    field = data.draw(st.sampled_from([None, (name, value + "x"), ("x" + name, value), (name, "")]))
    changed = [*params[:at], *([] if field is None else [field]), *params[at + 1 :]]

    def content(fields):
        return "".join(n + v for n, v in sorted(set(fields)))

    expected = content(changed) == content(params)  # "ab"+"c" and "a"+"bc" are one string to the carrier too
    assert signature_valid(request, [CURRENT])
    assert signature_valid(replace(request, params=changed), [CURRENT]) is expected


@given(st.integers(0, 27), st.characters())
def test_a_signature_with_another_letter_is_refused(at, letter):
    good = signature_of(CURRENT, URL, PARAMS)
    request = replace(signed(), signature=good[:at] + letter + good[at + 1 :])

    assert signature_valid(request, [CURRENT]) is (request.signature == good)


@given(st.text(), st.text(), st.binary(), st.text(), st.none() | st.text(), FIELDS | st.none())
def test_nothing_that_arrives_raises(url, path, body, signature, header, params):
    for address in (url, public_request_url("https://h.example", path)):
        assert not signature_valid(SignedRequest(address, params, body, signature, header), [CURRENT, SHARED])


@pytest.mark.parametrize(
    ("public_url", "raw_uri", "expected"),
    [
        (
            "https://h.example",
            "/webhooks/t%2F42/sms%20in?a=b+c&d",
            "https://h.example/webhooks/t%2F42/sms%20in?a=b+c&d",
        ),
        ("https://h.example/", "/sms", "https://h.example/sms"),
        ("https://h.example/texts", "/sms/", "https://h.example/texts/sms/"),
        ("https://h.example:8443", "/sms?", "https://h.example:8443/sms?"),
        ("https://h.example", "http://evil.example:80/sms?x=/y", "https://h.example/sms?x=/y"),
        ("https://h.example", "HTTPS://u:p@evil.example", "https://h.example"),
        ("https://h.example", "http://evil.example?x=1", "https://h.example?x=1"),
        ("https://h.example", "//evil.example/sms", "https://h.example//evil.example/sms"),
        ("https://h.example", "@evil.example/sms", "https://h.example/@evil.example/sms"),
        ("https://h.example", ".evil.example/sms", "https://h.example/.evil.example/sms"),
        ("https://h.example", "*", "https://h.example/*"),
    ],
)
def test_the_address_is_our_base_and_the_target_as_sent(public_url, raw_uri, expected):
    assert public_request_url(public_url, raw_uri) == expected


@given(st.text())
def test_no_target_changes_the_host(raw_uri):
    url = public_request_url("https://h.example", raw_uri)

    assert url == "https://h.example" or url.startswith(("https://h.example/", "https://h.example?"))


def test_nothing_shows_a_secret_or_a_text():
    assert "0123456789abcdef" not in repr(CURRENT)
    assert not any(secret in repr(signed()) for secret in (signed().signature, "+12015550147", "still there"))


def test_checking_loads_no_client_of_the_carrier():
    script = "import sys, smsbot.signatures; print([name for name in sys.modules if name.startswith('twilio')])"

    answer = subprocess.run(
        [sys.executable, "-c", script], cwd=Path(__file__).parents[2], capture_output=True, text=True
    )

    assert answer.stdout.strip() == "[]"
