"""The stand-in's REST API against Twilio's description and its documented refusals."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests

SCHEMAS = json.loads((Path(__file__).parent / "data" / "message_schemas.json").read_text())


def differences(value, schema):
    """Where a JSON object departs from a schema of Twilio's; extra and missing members count."""
    known = schema["properties"]
    found = [f"members {sorted(set(value) ^ set(known))}"] if set(value) != set(known) else []
    types = {"string": str, "integer": int, "object": dict}
    for name, rule in known.items():
        one = value.get(name)
        if one is None:
            found += [] if rule.get("nullable") else [f"{name} is null"]
        elif not isinstance(one, types[rule["type"]]):
            found.append(f"{name} is no {rule['type']}")
        elif ("enum" in rule and one not in rule["enum"]) or not re.search(rule.get("pattern", ""), str(one)):
            found.append(f"{name} is {one}")
        elif rule.get("format") == "date-time-rfc-2822" and parsedate_to_datetime(one).utcoffset() != timedelta():
            found.append(f"{name} is not in GMT")
    return found


def test_create_from_a_number_answers_with_twilios_queued_message(world):
    answer = world.create()

    body = answer.json()
    assert answer.status_code == 201
    assert differences(body, SCHEMAS["message"]) == []
    assert (body["status"], body["from"], body["to"], body["num_segments"]) == ("queued", world.number, world.lead, "1")
    assert (body["direction"], body["date_sent"], body["messaging_service_sid"]) == ("outbound-api", None, None)
    assert body["subresource_uris"] == {
        "media": f"/2010-04-01/Accounts/{world.account}/Messages/{body['sid']}/Media.json"
    }


def test_create_by_a_service_has_no_sender_and_no_segments_yet(world):
    body = world.create(From=None, MessagingServiceSid=world.service).json()

    assert differences(body, SCHEMAS["message"]) == []
    assert (body["status"], body["from"], body["num_segments"]) == ("accepted", None, "0")
    assert body["messaging_service_sid"] == world.service


def test_service_has_picked_a_sender_once_the_message_has_left(world):
    sid = world.create(From=None, MessagingServiceSid=world.service).json()["sid"]
    world.settle()

    body = world.get(f"/{sid}.json").json()

    assert differences(body, SCHEMAS["message"]) == []
    assert (body["status"], body["from"], body["num_segments"]) == ("delivered", world.pooled, "1")
    assert body["date_sent"] is not None


def test_answers_carry_twilios_headers(world):
    headers = world.create().headers

    assert re.fullmatch(r"RQ[0-9a-f]{32}", headers["Twilio-Request-Id"])
    assert float(headers["Twilio-Request-Duration"]) >= 0
    assert headers["Twilio-Concurrent-Requests"] == "1"
    assert headers["Content-Type"] == "application/json;charset=utf-8"


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"To": None}, 21604),
        ({"From": None}, 21603),
        ({"Body": ""}, 21602),
        ({"Body": None}, 21602),
        ({"Body": "x" * 1601}, 21617),
        ({"To": "banana"}, 21211),
        ({"To": "+15005550001"}, 21211),
        ({"To": "+1415555010"}, 21211),
        ({"To": "+10155550100"}, 21211),
        ({"To": "+15005550002"}, 21612),
        ({"To": "+15005550003"}, 21408),
        ({"To": "+442079460100"}, 21408),
        ({"To": "+15005550004"}, 21610),
        ({"To": "+15005550009"}, 21614),
        ({"To": "+14155550101"}, 21266),
        ({"From": "+15005550001"}, 21212),
        ({"From": "BANANA"}, 21212),
        ({"From": "+15005550007"}, 21606),
        ({"From": "+14155550199"}, 21606),
        ({"From": "+12125550105"}, 21606),  # another account's
        ({"From": "+15005550008"}, 21611),
        ({"From": None, "MessagingServiceSid": "MG" + "9" * 32}, 21705),
        ({"From": None, "MessagingServiceSid": "banana"}, 21705),
        ({"MessagingServiceSid": "MG" + "5" * 32}, 21606),  # From is not in the pool
        ({"MediaUrl": ["https://example.com/a.jpg"] * 11}, 21623),
        ({"MediaUrl": "file:///etc/passwd"}, 21620),
        ({"StatusCallback": "https://under_score.example.com/x"}, 21609),
        ({"StatusCallback": "banana"}, 21609),
        ({"ValidityPeriod": "0"}, 21624),
        ({"ValidityPeriod": "36001"}, 21624),
        ({"ScheduleType": "fixed", "SendAt": "2099-01-01T00:00:00Z"}, 35118),
        ({"From": None, "MessagingServiceSid": "MG" + "5" * 32, "ScheduleType": "fixed", "SendAt": "soon"}, 35117),
    ],
)
def test_refusals_have_twilios_code_and_shape_and_create_nothing(world, form, code):
    answer = world.create(**form)

    body = answer.json()
    assert (answer.status_code, body["code"], body["status"]) == (400, code, 400)
    assert body["more_info"] == f"https://www.twilio.com/docs/errors/{code}"
    assert set(body) == {"code", "message", "more_info", "status"}
    assert world.listed() == []
    assert world.sim.carrier.accepted == []


@pytest.mark.parametrize("to", ["+13125550150", "(312) 555-0150", "312.555.0150", "1-312-555-0150"])
def test_numbers_may_be_written_as_people_write_them(world, to):
    assert world.create(To=to).json()["to"] == world.lead


def test_body_of_1600_characters_and_validity_of_ten_hours_are_taken(world):
    assert world.create(Body="x" * 1600, ValidityPeriod=36000).json()["num_segments"] == "11"


@pytest.mark.parametrize(
    "auth", [None, ("AC" + "1" * 32, "wrong"), ("AC" + "3" * 32, "x"), ("AC" + "2" * 32, "token-of-two")]
)
def test_wrong_credentials_get_20003_and_create_nothing(world, auth):
    form = {"To": world.lead, "From": world.number, "Body": "hi"}

    answer = requests.post(f"{world.messages}.json", data=form, auth=auth, timeout=5)

    assert (answer.status_code, answer.json()["code"]) == (401, 20003)
    assert world.listed() == []


def test_both_tokens_open_the_api_during_a_rotation(world):
    world.control("accounts", sid=world.account, token="new", secondary_token=world.token)

    answers = [
        requests.get(f"{world.messages}.json", auth=(world.account, token), timeout=5) for token in ("new", world.token)
    ]

    assert [answer.status_code for answer in answers] == [200, 200]


def test_trial_account_writes_to_verified_numbers_only(world):
    world.control("accounts", sid=world.account, verified=["+13125550151"])

    assert world.create().json()["code"] == 21608
    assert world.create(To="+13125550151").status_code == 201


def test_list_shows_both_directions_newest_first_and_filters(world):
    out = world.create().json()["sid"]
    back = world.text("Great, can I see it?")["sid"]
    world.create(To="+13125550151")
    world.settle()

    assert [one["sid"] for one in world.listed(To=world.lead)] == [out]
    assert [one["sid"] for one in world.listed(From=world.lead)] == [back]
    assert [one["sid"] for one in world.listed()][1:] == [back, out]
    assert (
        world.listed(From=world.lead)[0] | {"status": "received", "direction": "inbound"}
        == world.listed(From=world.lead)[0]
    )
    assert world.listed(To=world.lead, From=world.pooled) == []


def test_list_by_sender_or_date_hides_what_a_service_has_not_sent_yet(world):
    world.control("faults", carrier={"callback": {"delay_s": 30}})
    world.create(From=None, MessagingServiceSid=world.service)

    assert len(world.listed(To=world.lead)) == 1
    assert world.listed(To=world.lead, From=world.pooled) == []
    assert world.listed(To=world.lead, **{"DateSent>": "2000-01-01"}) == []


@pytest.mark.parametrize(("name", "days", "found"), [
    ("DateSent", 0, 1), ("DateSent", 1, 0), ("DateSent<", 0, 1), ("DateSent<", -1, 0), ("DateSent>", 0, 1), ("DateSent>", 1, 0),
])  # fmt: skip
def test_dates_filter_with_both_ends_included(world, name, days, found):
    world.create()
    world.settle()
    day = datetime.now(UTC).date() + timedelta(days=days)

    assert len(world.listed(**{name: day.isoformat()})) == found


def test_list_pages_without_gaps_while_new_texts_arrive(world):
    sids = [world.create(To=f"+1312555{150 + index:04}").json()["sid"] for index in range(5)]
    first = world.get(".json", PageSize=2).json()
    world.create(To="+13125550190")
    pages = [first]
    while pages[-1]["next_page_uri"]:
        pages.append(
            requests.get(urljoin(world.sim.url, pages[-1]["next_page_uri"]), auth=world.auth, timeout=5).json()
        )

    assert [len(page["messages"]) for page in pages] == [2, 2, 1]
    assert [one["sid"] for page in pages for one in page["messages"]] == sids[::-1]
    for page in pages:
        del page["messages"]
        assert differences(page, SCHEMAS["message_list"]) == []


def test_list_lags_behind_while_a_fetch_by_sid_does_not(world):
    world.control("faults", carrier={"list_lag_s": 0.3})
    sid = world.create().json()["sid"]

    assert world.listed(To=world.lead) == []
    assert world.get(f"/{sid}.json").status_code == 200
    world.sim.carrier.message(world.account, sid).visible_from -= 0.3
    assert len(world.listed(To=world.lead)) == 1


@pytest.mark.parametrize("query", [{"PageSize": "many"}, {"DateSent": "yesterday"}])
def test_list_refuses_what_it_cannot_read(world, query):
    assert world.get(".json", **query).status_code == 400


def test_empty_body_redacts_and_delete_removes(world):
    sid = world.create().json()["sid"]
    world.settle()
    url = f"{world.messages}/{sid}.json"

    assert requests.post(url, data={"Body": ""}, auth=world.auth, timeout=5).json()["body"] == ""
    assert requests.post(url, data={"Body": "other"}, auth=world.auth, timeout=5).status_code == 400
    assert requests.delete(url, auth=world.auth, timeout=5).status_code == 204
    assert world.get(f"/{sid}.json").json()["code"] == 20404
    assert world.listed() == []


def test_text_on_its_way_cannot_be_deleted(world):
    world.control("faults", carrier={"callback": {"delay_s": 30}})
    sid = world.create().json()["sid"]

    answer = requests.delete(f"{world.messages}/{sid}.json", auth=world.auth, timeout=5)

    assert (answer.status_code, answer.json()["code"]) == (409, 20009)


def test_another_accounts_texts_do_not_exist(world):
    sid = world.create().json()["sid"]
    url = f"{world.sim.url}/2010-04-01/Accounts/{world.other_account}/Messages"

    own = requests.get(f"{url}.json", auth=(world.other_account, world.other_token), timeout=5)
    one = requests.get(f"{url}/{sid}.json", auth=(world.other_account, world.other_token), timeout=5)

    assert own.json()["messages"] == []
    assert one.status_code == 404


@pytest.mark.parametrize("path", ["", "/SMxyz.json", "/Media.json"])
def test_unknown_paths_are_20404(world, path):
    assert world.get(path).json()["code"] == 20404


def test_media_needs_the_password_and_redirects_once_to_storage_that_does_not(world):
    sid = world.text("my trade-in", media=["image/jpeg", {"content_type": "image/png", "size": 5000}])["sid"]
    form = world.program.forms[0]
    url = form["MediaUrl1"]

    redirect = requests.get(url, auth=world.auth, timeout=5, allow_redirects=False)
    stored = requests.get(redirect.headers["Location"], timeout=5, allow_redirects=False)

    assert sid.startswith("MM")
    assert (form["NumMedia"], form["MediaContentType1"]) == ("2", "image/png")
    assert requests.get(url, timeout=5).status_code == 401
    assert redirect.status_code == 307
    assert (stored.status_code, len(stored.content), stored.headers["Content-Type"]) == (200, 5000, "image/png")
    assert world.sim.carrier.journal.of("storage")[-1]["credentials_offered"] is False


def test_password_offered_to_storage_is_noted(world):
    world.text("look", media=["image/jpeg"])
    requests.get(world.program.forms[0]["MediaUrl0"], auth=world.auth, timeout=5)  # follows with the same password

    assert world.sim.carrier.journal.of("storage")[-1]["credentials_offered"] is True


def test_media_can_redirect_elsewhere(world):
    world.text("look", media=[{"content_type": "image/jpeg", "redirect": "http://169.254.0.1/latest"}])

    answer = requests.get(world.program.forms[0]["MediaUrl0"], auth=world.auth, timeout=5, allow_redirects=False)

    assert answer.headers["Location"] == "http://169.254.0.1/latest"


def test_media_lists_have_twilios_shape_and_go_with_the_media(world):
    sid = world.create(MediaUrl=["https://example.com/a.jpg", "https://example.com/b.jpg"]).json()["sid"]
    listed = world.get(f"/{sid}/Media.json").json()
    media = listed.pop("media_list")
    url = f"{world.messages}/{sid}/Media/{media[0]['sid']}.json"

    assert sid.startswith("MM")
    assert differences(listed, SCHEMAS["media_list"]) == []
    assert [differences(one, SCHEMAS["media"]) for one in media] == [[], []]
    assert requests.get(url, auth=world.auth, timeout=5).json() == media[0]
    assert requests.delete(url, auth=world.auth, timeout=5).status_code == 204
    assert requests.get(url, auth=world.auth, timeout=5).status_code == 404


def test_scheduled_text_can_be_canceled_once(world):
    at = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds")
    body = world.create(
        From=None, MessagingServiceSid=world.service, ScheduleType="fixed", SendAt=at, StatusCallback=world.callback()
    ).json()
    url = f"{world.messages}/{body['sid']}.json"

    first = requests.post(url, data={"Status": "canceled"}, auth=world.auth, timeout=5)
    second = requests.post(url, data={"Status": "canceled"}, auth=world.auth, timeout=5)
    world.sim.carrier.timetable.clear()
    world.settle()

    assert body["status"] == "scheduled"
    assert first.json()["status"] == "canceled"
    assert (second.status_code, second.json()["code"]) == (409, 30409)
    assert world.program.statuses == ["canceled"]
    assert "From" not in world.program.forms[0]
