"""What nobody in good faith would send: it is refused or kept, never a 5xx, and a refusal leaves one counter behind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse, create_environ, run_wsgi_app

from conversations.models import Media, Message, State
from smsbot.database import PLATFORM
from smsbot.signatures import SigningKey, signature_of
from smsbot.tenancy import CredentialKind, CredentialState
from tests.conftest import Database
from tests.edge.posts import ACCOUNT, INBOUND, OPT_OUT, OURS, SERVICE, SMS, STATUS, carrier, rejections, row_counts
from tests.world import PUBLIC_URL, World

FORM = "application/x-www-form-urlencoded"
PLAIN = INBOUND["inbound_sms"]["no_geo"]
NAMES = {"Body": "body", "From": "sender"}  # as `world.text` calls them
Pairs = Sequence[tuple[str, str]]


def raw(
    world: World,
    body: bytes,
    *,
    signature: str | None = None,
    content_type: str = FORM,
    path: str = SMS,
    method: str = "POST",
    headers: dict[str, str] | None = None,
) -> TestResponse:
    """A request as its bytes."""
    sent = {**({"X-Twilio-Signature": signature} if signature is not None else {}), **(headers or {})}
    return world.app.test_client().open(path, method=method, data=body, headers=sent, content_type=content_type)


def signed_by(token: str, pairs: Pairs, path: str = SMS) -> str:
    return signature_of(SigningKey(token, "HMAC_SHA1"), PUBLIC_URL + path, pairs)


def with_body(body: str, **more: str) -> dict[str, str]:
    return {**PLAIN, "Body": body, **more}


# ---- requests of the wrong shape -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD"])
@pytest.mark.parametrize("path", [SMS, SMS + "/status/7f1c1c9e-5a55-4d3b-9f0e-0123456789ab"])
def test_only_post_is_taken_and_the_refusal_is_not_a_text(
    world: World, database: Database, method: str, path: str
) -> None:
    edge = carrier(world)
    before = row_counts(database)
    answer = raw(world, b"", path=path, method=method, signature=signed_by(edge.business.token, ()))

    assert answer.status_code == 405
    assert answer.content_type.startswith("text/xml")  # Twilio texts a plain answer to the person
    assert row_counts(database) == before


@pytest.mark.parametrize(
    "path", ["/webhooks/twilio", SMS + "/", SMS + "/status/no-uuid", SMS + "/status/", "/webhooks/twilio/x"]
)
def test_an_address_that_is_none_is_404_and_the_refusal_is_not_a_text(world: World, path: str) -> None:
    edge = carrier(world)
    pairs = list(PLAIN.items())
    answer = raw(world, urlencode(pairs).encode(), path=path, signature=signed_by(edge.business.token, pairs, path))

    assert answer.status_code == 404
    assert answer.content_type.startswith("text/xml")
    assert world.inbound(of=edge.business) == []


NO_FORMS = ["application/json", "text/plain", "multipart/form-data; boundary=x", "", "x"]


@pytest.mark.parametrize("content_type", NO_FORMS)
def test_what_is_not_a_form_is_400_once_its_signature_has_verified(
    world: World, database: Database, content_type: str
) -> None:
    edge = carrier(world)
    pairs = list(PLAIN.items())
    before = row_counts(database)
    answer = raw(
        world, urlencode(pairs).encode(), signature=signed_by(edge.business.token, pairs), content_type=content_type
    )

    assert answer.status_code == 400
    assert row_counts(database) == before


@pytest.mark.parametrize("content_type", NO_FORMS)
@pytest.mark.parametrize("signature", [None, "wrong", "another tenant's"])
def test_what_is_not_a_form_is_403_to_a_stranger_and_counted_under_its_account(
    world: World, database: Database, content_type: str, signature: str | None
) -> None:
    carrier(world)
    pairs = list(PLAIN.items())
    given = signed_by(world.home.token, pairs) if signature == "another tenant's" else signature
    answer = raw(world, urlencode(pairs).encode(), signature=given, content_type=content_type)

    assert answer.status_code == 403
    assert rejections(database) == [("no_signature" if signature is None else "bad_signature", ACCOUNT, 1)]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"AccountSid": "%s"}' % ACCOUNT.encode(), "application/json"),
        (
            b"--x\r\nContent-Disposition: form-data; name=AccountSid\r\n\r\nAC\r\n--x--",
            "multipart/form-data; boundary=x",
        ),
        (b"AccountSid=\xff\xfe", FORM),
        (b"\x00" * 100, "application/octet-stream"),
        (b"", FORM),
    ],
    ids=["json", "multipart", "no ascii", "binary", "empty form"],
)
@pytest.mark.parametrize("signed", [False, True])
def test_what_names_no_account_is_403_whoever_sends_it(
    world: World, database: Database, body: bytes, content_type: str, signed: bool
) -> None:
    edge = carrier(world)
    signature = signed_by(edge.business.token, ()) if signed else None
    answer = raw(world, body, signature=signature, content_type=content_type)

    assert answer.status_code == 403
    assert rejections(database) == [("no_account", "none", 1)]


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("size", "status"), [(60_000, 200), (64 * 1024, 403), (2_000_000, 403)])
def test_more_than_64_kb_is_refused_unread_as_if_it_were_unsigned(
    world: World, database: Database, size: int, status: int, signed: bool
) -> None:
    edge = carrier(world)
    pairs = [*PLAIN.items(), ("Extra", "x" * size)]
    before = row_counts(database)
    signature = signed_by(edge.business.token, pairs) if signed else None
    answer = raw(world, urlencode(pairs).encode(), signature=signature)

    assert answer.status_code == (status if signed else 403)
    if answer.status_code == 403:
        assert {**row_counts(database), "rejections": 0} == before
        expected = ("too_long", "none", 1) if status == 403 else ("no_signature", ACCOUNT, 1)
        assert rejections(database) == [expected]


class Unread:
    """A body that must not be touched."""

    def read(self, size: int = -1) -> bytes:
        raise AssertionError("the body was read")

    readline = read


@pytest.mark.parametrize(
    ("length", "reason"), [(str(64 * 1024 + 1), "too_long"), ("10000000000", "too_long"), (None, "no_length")]
)
def test_a_body_that_is_too_long_or_of_unknown_length_is_not_read_at_all(
    world: World, database: Database, length: str | None, reason: str
) -> None:
    carrier(world)
    environ = create_environ(SMS, method="POST", content_type=FORM)
    environ |= {"wsgi.input": Unread(), "wsgi.input_terminated": True, "RAW_URI": SMS}
    environ.pop("CONTENT_LENGTH", None)
    if length is not None:
        environ["CONTENT_LENGTH"] = length
    _, status, _ = run_wsgi_app(world.app, environ)

    assert status == "403 FORBIDDEN"
    assert rejections(database) == [(reason, "none", 1)]


@pytest.mark.parametrize(("fields", "status"), [(200, 200), (201, 400), (1_000, 400), (1_001, 403), (5_000, 403)])
def test_more_than_200_fields_are_400_and_too_many_to_verify_are_403(
    world: World, database: Database, fields: int, status: int
) -> None:
    edge = carrier(world)
    pairs = [*PLAIN.items(), *((f"X{at}", "") for at in range(fields - len(PLAIN)))]
    body = urlencode(pairs).encode()
    before = row_counts(database)
    unsigned = raw(world, body)
    counted = row_counts(database)
    answer = raw(world, body, signature=signed_by(edge.business.token, pairs))

    assert (unsigned.status_code, answer.status_code) == (403, status)
    assert counted == {**before, "rejections": 1}
    assert (row_counts(database) == counted) is (status != 200)


@pytest.mark.parametrize("name", ["MessageSid", "AccountSid", "From", "To", "Body"])
@pytest.mark.parametrize("same", [True, False], ids=["same_value", "another_value"])
def test_a_field_that_comes_twice_is_400_when_signed_and_403_when_not(
    world: World, database: Database, name: str, same: bool
) -> None:
    edge = carrier(world)
    pairs = [*PLAIN.items(), (name, PLAIN[name] if same else "STOP")]
    body = urlencode(pairs).encode()
    before = row_counts(database)

    unsigned = raw(world, body)
    counted = row_counts(database)
    signed = raw(world, body, signature=signed_by(edge.business.token, pairs))

    assert (unsigned.status_code, signed.status_code) == (403, 400)
    assert counted == {**before, "rejections": 1}
    assert row_counts(database) == counted


@pytest.mark.parametrize(
    "sid",
    ["", "SM1", "SM" + "0" * 31, "SM" + "0" * 33, "SM" + "g" * 32, "XX" + "0" * 32, "SM" + "0" * 32 + "\n", "\x00"],
)
def test_a_malformed_message_sid_is_400_and_leaves_nothing(world: World, database: Database, sid: str) -> None:
    edge = carrier(world)
    before = row_counts(database)

    assert edge.post({**PLAIN, "MessageSid": sid}) == 400
    assert row_counts(database) == before


@pytest.mark.parametrize(
    "more",
    [
        {"MessageStatus": ""},
        {"MessageStatus": "x" * 21},
        {"MessageStatus": "sent\x00"},
        {"MessageStatus": "ünterwegs"},
        {"MessageSid": "SM1"},
        {"ErrorCode": "9" * 40},
        {"ErrorCode": "-1"},
        {"ErrorCode": "²"},
        {"ErrorCode": "21610\x00", "MessageStatus": "failed"},
        {"RawDlrDoneDate": "\x00\ud800"},
        {"EventType": "x" * 10_000, "ChannelPrefix": "\x00"},
    ],
    ids=lambda more: ascii(more)[:40],
)
def test_a_hostile_callback_is_never_a_5xx_and_moves_no_message(world: World, more: dict[str, str]) -> None:
    edge = carrier(world)
    edge.says("Hi")
    edge.drain()
    (message,) = edge.outbound()
    assert message.provider_sid is not None
    form = {**STATUS["sent"], "MessageSid": message.provider_sid, "SmsStatus": "", **more}

    status = edge.post(form, f"{SMS}/status/{message.id}")

    assert status in (200, 400)
    assert edge.message(message.id).state in (State.SENT, State.FAILED)


# ---- odd content: kept, cleaned, answered only where it is a text ----------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kept", "flags"),
    [
        ("a\x00b", "ab", ["control"]),
        ("ST\x00OP", "STOP", ["control"]),
        ("\x01\x02hi\x1f\x7f", "hi", ["control"]),
        ("one\r\ntwo\rthree", "one\ntwo\nthree", []),
        ("lone \ud800 surrogate", "lone � surrogate", ["surrogate"]),
        ("\udc80", "�", ["surrogate"]),
        ("pair \ud83d\ude97", "pair 🚗", []),
        ("‮esrever", "esrever", ["bidi"]),
        ("x" * 7_000, "x" * 6_400, ["truncated"]),
    ],
    ids=lambda value: ascii(value)[:24] if isinstance(value, str) else None,
)
def test_a_body_is_kept_as_far_as_it_can_be_stored(world: World, body: str, kept: str, flags: list[str]) -> None:
    edge = carrier(world)

    assert edge.post(with_body(body)) == 200
    (message,) = world.inbound(of=edge.business)
    assert message.body == kept
    assert set(flags) <= set(message.flags)
    assert world.verified(of=edge.business)


@pytest.mark.parametrize("escapes", ["%ED%A0%80", "%FF%FE", "%C3%28", "%E2%82", "%F0%9F%9A", "%80hi"])
@pytest.mark.parametrize("reading", ["bytes", "replaced"])
def test_bytes_that_are_no_utf_8_are_kept_however_their_signature_read_them(
    world: World, escapes: str, reading: str
) -> None:
    edge = carrier(world)
    value = bytes.fromhex(escapes.replace("hi", "%68%69").replace("%", ""))
    if reading == "bytes" and escapes != "%ED%A0%80":
        reading = "replaced"  # only a surrogate has a reading of its own; no string encodes to the others
    text = value.decode("utf-8", "surrogatepass" if reading == "bytes" else "replace")
    pairs = list(with_body(text).items())
    plain = [pair for pair in PLAIN.items() if pair[0] != "Body"]
    body = f"{urlencode(plain)}&Body={escapes}".encode()

    answer = raw(world, body, signature=signed_by(edge.business.token, pairs))

    assert answer.status_code == 200
    (message,) = world.inbound(of=edge.business)
    assert "�" in message.body
    assert "surrogate" not in message.flags or escapes == "%ED%A0%80"


def test_stop_with_a_nul_in_it_is_a_stop(world: World) -> None:
    edge = carrier(world)
    edge.post(with_body("ST\x00OP"))

    assert edge.kinds()[0] == "opt_out"


@pytest.mark.parametrize(
    "more",
    [
        {"FromCity": "\x00\ud800"},
        {"ProfileName": "\x00"},
        {"MediaContentType0": "image/\x00\ud800jpeg", "NumMedia": "1", "MediaUrl0": "https://api.twilio.com/\x00x"},
        {"NumSegments": "99999999999999999999"},
        {"NumSegments": "-1"},
        {"NumMedia": "²"},
        {"OptOutType": "stop; DROP TABLE"},
        {"OptOutType": "\x00"},
        {"MessagingServiceSid": "\x00"},
        {"MessagingServiceSid": "\ud800"},
        {"ChannelMetadata": '{"type": ' * 500},
        {"\x00": "\x00"},
        {"": ""},
    ],
    ids=lambda more: ascii(more)[:40],
)
def test_odd_values_beside_the_text_lose_nothing_and_are_never_a_5xx(world: World, more: dict[str, str]) -> None:
    edge = carrier(world)

    assert edge.post(with_body("Is it still there?", **more)) == 200
    (message,) = world.inbound(of=edge.business)
    assert message.body == "Is it still there?"


def media(count: int, said: str) -> dict[str, str]:
    urls = {f"MediaUrl{at}": f"https://api.twilio.com/2010-04-01/M{at}" for at in range(count)}
    types = {f"MediaContentType{at}": "image/jpeg" for at in range(count)}
    return {**PLAIN, "Body": "", "NumMedia": said, **urls, **types}


@pytest.mark.parametrize(
    ("there", "said", "kept"),
    [
        (10, "10", 10),
        (11, "11", 10),
        (40, "40", 10),
        (2, "0", 2),
        (2, "", 2),
        (1, "7", 1),
        (0, "3", 0),
        (2, "-5", 2),
        (2, "99999999999", 2),
        (2, "two", 2),
    ],
)
def test_every_picture_that_is_there_counts_up_to_ten_whatever_the_count_says(
    world: World, there: int, said: str, kept: int
) -> None:
    edge = carrier(world)
    form = media(there, said)

    assert edge.post(form) == 200
    (message,) = world.inbound(of=edge.business)
    assert (message.media_count, len(world.rows(Media, of=edge.business))) == (kept, kept)


def test_a_picture_without_words_is_answered(world: World) -> None:
    edge = carrier(world)
    form = media(2, "2")
    edge.post(form)
    edge.drain()

    assert edge.outcome(form["MessageSid"]).answer == "reply"


@pytest.mark.parametrize(
    ("sender", "kind"),
    [
        ("72345", "short_code"),
        ("rcs:+14155550100", "number"),
        ("rcs:brand_abc_agent", "rcs"),
        ("whatsapp:+14155550100", "number"),
        ("anonymous", "anonymous"),
        ("+266696687", "anonymous"),
        ("", "anonymous"),
        ("lead@example.test", "email"),
        ("client:ann", "client"),
        ("messenger:123", "other"),
        ("+1415555010", "other"),
        ("+999999999999999999999999", "other"),
        ("'; DROP TABLE messages;--", "other"),
        ("x" * 5_000, "other"),
        ("\x00\ud800", "other"),
    ],
    ids=lambda value: ascii(value)[:24],
)
def test_what_is_no_number_is_kept_never_answered_and_left_to_people(world: World, sender: str, kind: str) -> None:
    edge = carrier(world)
    form = {**PLAIN, "From": sender}

    assert edge.post(form) == 200
    edge.drain()
    outcome = edge.outcome(form["MessageSid"])
    assert (outcome.stored["address_kind"], outcome.answer, outcome.reason) == (kind, "none", "INVALID_NUMBER")
    assert outcome.tasks == ["unanswerable"]
    assert world.carrier.attempts == 0


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(
        st.sampled_from(["Body", "From", "NumMedia", "MediaUrl0", "MediaContentType0", "OptOutType", "NumSegments"]),
        st.text(st.characters(exclude_categories=()), max_size=40),
        min_size=1,
    )
)
def test_no_signed_text_is_a_5xx_or_lost_whatever_its_fields_hold(world: World, fields: dict[str, str]) -> None:
    before = len(world.inbound())
    named = {NAMES.get(name, name): value for name, value in fields.items()}
    world.text(**{"body": "Hi", "sender": "+13125550171", **named})

    assert len(world.inbound()) == before + 1


# ---- whose signature it is -------------------------------------------------------------------------------------------


def refused(world: World, database: Database, form: dict[str, str], signature: str | None, **headers: str) -> None:
    """403, and of all tables only the counters change."""
    before = row_counts(database)
    body = urlencode(list(form.items()), errors="surrogatepass").encode()
    answer = raw(world, body, signature=signature, headers=headers)
    after = row_counts(database)

    assert answer.status_code == 403
    assert answer.content_type.startswith("text/xml")
    assert {**after, "rejections": 0} == {**before, "rejections": 0}
    assert after["rejections"] - before["rejections"] in (0, 1)


def test_every_refusal_leaves_one_counter_per_hour_reason_and_account(world: World, database: Database) -> None:
    edge = carrier(world)
    stranger = world.business("Prairie Motors", "+12125550105")
    pairs = list(PLAIN.items())
    other_account = {**PLAIN, "AccountSid": "AC" + "9" * 32}
    no_account = {key: value for key, value in PLAIN.items() if key != "AccountSid"}

    refused(world, database, PLAIN, None)
    refused(world, database, PLAIN, "")
    refused(world, database, PLAIN, signed_by(stranger.token, pairs))
    refused(world, database, PLAIN, "not base64 at all ☃".encode().decode("latin-1"))
    refused(world, database, {**PLAIN, "Body": "changed"}, signed_by(edge.business.token, pairs))
    refused(world, database, OPT_OUT["default_stop_no_type"], None)
    refused(world, database, other_account, signed_by(edge.business.token, list(other_account.items())))
    refused(world, database, no_account, signed_by(edge.business.token, list(no_account.items())))
    refused(world, database, {**PLAIN, "AccountSid": "\x00" * 40}, "x")
    first = rejections(database)
    world.clock.advance(timedelta(hours=1))
    refused(world, database, PLAIN, None)

    assert first == [
        ("bad_signature", ACCOUNT, 3),
        ("bad_signature", "AC" + "9" * 32, 1),
        ("no_account", "none", 2),
        ("no_signature", ACCOUNT, 3),
    ]
    assert len(rejections(database)) == 5


def test_a_status_callback_that_does_not_verify_changes_nothing(world: World, database: Database) -> None:
    edge = carrier(world)
    edge.says("Hi")
    edge.drain()
    (message,) = edge.outbound()
    before = row_counts(database)
    path = f"{SMS}/status/{message.id}"
    body = urlencode(STATUS["failed_21610"]).encode()
    for signature in (None, signed_by(world.home.token, list(STATUS["failed_21610"].items()), path)):
        assert raw(world, body, path=path, signature=signature).status_code == 403

    assert {**row_counts(database), "rejections": 0} == {**before, "rejections": 0}
    assert edge.message(message.id).state is State.SENT


def test_unknown_accounts_fill_no_table(world: World, database: Database) -> None:
    with database.connect() as connection:
        connection.execute(
            "INSERT INTO rejections (tenant_id, hour, reason, account_sid) SELECT %s, %s, 'bad_signature',"
            " 'AC' || lpad(n::text, 32, '0') FROM generate_series(1, 498) n",
            (PLATFORM, world.clock.now().replace(minute=0, second=0, microsecond=0)),
        )
    for number in range(10):
        raw(world, urlencode({**PLAIN, "AccountSid": f"AC{number:x}{'f' * 31}"}).encode(), signature="x")

    counted = rejections(database)
    assert len(counted) == 501
    assert ("bad_signature", "other", 8) in counted


@pytest.mark.parametrize(
    ("state", "status"),
    [(CredentialState.CURRENT, 200), (CredentialState.PREVIOUS, 200), (CredentialState.RETIRED, 403)],
)
def test_the_previous_token_still_verifies_and_a_retired_one_does_not(
    world: World, state: CredentialState, status: int
) -> None:
    edge = carrier(world, account_sid=ACCOUNT)
    if state is not CredentialState.CURRENT:
        world.add_credential(edge.business, "e" * 32, state=state)
    token = edge.business.token if state is CredentialState.CURRENT else "e" * 32

    assert world.post(SMS, PLAIN, token=token).status_code == status
    assert len(world.inbound(of=edge.business)) == (1 if status == 200 else 0)


SETTINGS = "X-Twilio-Webhooks-Signature-Settings"


@pytest.mark.parametrize(
    ("header", "algorithm", "secret", "status"),
    [
        ("key=webhooks_sharedkey_01,algorithm=HMAC_SHA256", "HMAC_SHA256", "shared", 200),
        ("algorithm=hmac_sha256", "HMAC_SHA256", "shared", 200),
        ("algorithm=HMAC_SHA1", "HMAC_SHA1", "shared", 403),
        (None, "HMAC_SHA256", "shared", 403),
        (None, "HMAC_SHA1", "shared", 403),
        ("key=webhooks_sharedkey_01,algorithm=HMAC_SHA256", "HMAC_SHA256", "token", 403),
        ("algorithm=none", "HMAC_SHA256", "shared", 403),
    ],
)
def test_a_shared_key_verifies_only_what_says_so_and_by_its_own_algorithm(
    world: World, header: str | None, algorithm: str, secret: str, status: int
) -> None:
    edge = carrier(world)
    world.add_credential(edge.business, "shared-key-secret-example-01", kind=CredentialKind.SHARED_KEY)
    secret = "shared-key-secret-example-01" if secret == "shared" else edge.business.token
    key = SigningKey(secret, "HMAC_SHA256" if algorithm == "HMAC_SHA256" else "HMAC_SHA1")

    answer = world.post(SMS, PLAIN, key=key, headers={SETTINGS: header} if header else {})

    assert answer.status_code == status
    assert len(world.inbound(of=edge.business)) == (1 if status == 200 else 0)


@pytest.mark.parametrize("signer", [0, 1])
def test_of_two_tenants_with_one_account_the_one_whose_token_verifies_gets_the_text(world: World, signer: int) -> None:
    edges = [carrier(world), carrier(world, brand="Prairie Motors")]

    assert edges[signer].post(OPT_OUT["default_stop_no_type"]) == 200
    assert [len(world.inbound(of=edge.business)) for edge in edges] == ([1, 0] if signer == 0 else [0, 1])
    assert [len(world.ledger(of=edge.business)) for edge in edges] == ([2, 0] if signer == 0 else [0, 2])


def test_a_number_of_the_pool_that_nobody_registered_is_accepted_by_its_service(world: World) -> None:
    edge = carrier(world)
    form = {**PLAIN, "To": "+14155550177", "MessagingServiceSid": SERVICE}

    assert edge.post(form) == 200
    edge.drain()
    (message,) = world.inbound(of=edge.business)
    assert message.number_id == edge.business.number_id
    assert edge.outcome(form["MessageSid"]).answer == "reply"
    (sms,) = world.carrier.accepted
    assert (sms.sender, sms.messaging_service_sid) == (OURS, SERVICE)


@pytest.mark.parametrize("more", [{}, {"MessagingServiceSid": "MG" + "7" * 32}])
def test_a_number_that_is_neither_registered_nor_in_a_service_of_ours_is_403(
    world: World, database: Database, more: dict[str, str]
) -> None:
    edge = carrier(world)
    form = {**PLAIN, "To": "+14155550177", **more}

    refused(world, database, form, signed_by(edge.business.token, list(form.items())))


def test_the_exact_number_wins_over_another_of_its_pool(world: World) -> None:
    edge = carrier(world)
    second = world.add_number(edge.business, "+14155550124", service_sid=SERVICE)
    edge.post({**PLAIN, "To": "+14155550124", "MessagingServiceSid": SERVICE})

    (message,) = world.inbound(of=edge.business)
    assert message.number_id == second


def test_refusals_say_nothing_about_who_is_known(world: World) -> None:
    carrier(world)
    bodies = {
        raw(world, urlencode({**PLAIN, **more}).encode(), signature="x").get_data()
        for more in ({}, {"AccountSid": "AC" + "9" * 32}, {"To": "+14155550188"}, {"AccountSid": ""})
    }

    assert len(bodies) == 1


def test_a_path_that_is_spelt_otherwise_is_verified_as_it_was_called(world: World) -> None:
    edge = carrier(world)
    spelt = "/webhooks/twilio/%73ms?x=" + quote("a b/", safe="")
    pairs = list(PLAIN.items())

    answer = raw(world, urlencode(pairs).encode(), path=spelt, signature=signed_by(edge.business.token, pairs, spelt))
    assert answer.status_code == 200
    assert [m.provider_sid for m in world.rows(Message, of=edge.business)] != []
