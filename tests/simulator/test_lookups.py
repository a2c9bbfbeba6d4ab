"""The stand-in's Lookup against Twilio's description, and what it says of which number."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from simulator.lookups import line_type

DESCRIBED = json.loads((Path(__file__).parent / "data" / "lookup_schema.json").read_text())
TYPES = {"string": str, "integer": int}


def look_up(world, number, fields="line_type_intelligence", **more):
    return requests.get(
        f"{world.sim.url}/v2/PhoneNumbers/{number}",
        params={"Fields": fields} if fields else {},
        **({"auth": world.auth, "timeout": 5} | more),
    )


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("+13125550189", "mobile"),
        ("+13125550190", "landline"),
        ("+13125550199", "landline"),
        ("+13125550109", "mobile"),
        ("+18885550190", "tollFree"),
        ("+442079460190", "mobile"),
    ],
)
def test_numbers_that_end_in_0190_to_0199_are_landlines(number, kind):
    assert line_type(number) == kind


@pytest.mark.parametrize(
    ("number", "fields", "example"),
    [
        ("+13125550150", "line_type_intelligence", "fetchLineTypeIntelligence"),
        ("+13125550150", "", "fetch"),
        ("nonsense", "line_type_intelligence", "fetchInvalid"),
    ],
)
def test_an_answer_has_the_shape_of_twilios(world, number, fields, example):
    body = look_up(world, number, fields).json()

    said = body["line_type_intelligence"]
    assert sorted(body) == sorted(DESCRIBED["members"]) == sorted(DESCRIBED["examples"][example])
    assert {name for name, value in body.items() if value is None} == {
        name for name, value in DESCRIBED["examples"][example].items() if value is None
    }
    if said is not None:
        assert set(said) == set(DESCRIBED["line_type_intelligence"])
        for name, kind in DESCRIBED["line_type_intelligence"].items():
            assert said[name] is None or isinstance(said[name], TYPES[kind])


def test_a_type_that_is_set_counts_until_it_is_taken_back_or_all_is_reset(world):
    def said():
        return look_up(world, "+13125550150").json()["line_type_intelligence"]["type"]

    world.control("line_types", number="+13125550150", type="landline")
    assert said() == "landline"
    assert world.look("line_types") == {"items": {"+13125550150": "landline"}}
    world.control("line_types", number="(312) 555-0150", type=None)
    assert said() == "mobile"
    world.control("line_types", number="+13125550150", type="pager")
    world.control("reset")
    assert said() == "mobile"


@pytest.mark.parametrize("asked", [{"number": "+13125550150", "type": "fax"}, {"number": "x", "type": "mobile"}, {}])
def test_what_cannot_be_set_is_refused(world, asked):
    answer = requests.post(f"{world.sim.url}/sim/line_types", json=asked, timeout=5)

    assert answer.status_code == 400
    assert "error" in answer.json()


def test_wrong_credentials_other_methods_and_deeper_paths_are_refused(world):
    assert look_up(world, "+13125550150", auth=(world.account, "wrong")).status_code == 401
    assert look_up(world, "+13125550150/Overrides/line_type_intelligence").status_code == 404
    posted = requests.post(f"{world.sim.url}/v2/PhoneNumbers/+13125550150", auth=world.auth, timeout=5)
    assert posted.status_code == 404


def test_a_look_up_fails_when_reads_fail(world):
    world.control("faults", carrier={"read_500": 1.0})

    assert look_up(world, "+13125550150").status_code == 500


def test_the_carriers_own_library_reads_it(world):
    class ToTheStandIn(TwilioHttpClient):
        def request(self, method, url, *args, **kwargs):
            return super().request(method, url.replace("https://lookups.twilio.com", world.sim.url), *args, **kwargs)

    client = Client(world.account, world.token, http_client=ToTheStandIn(timeout=5))

    found = client.lookups.v2.phone_numbers("+13125550195").fetch(fields="line_type_intelligence")

    assert (found.valid, found.line_type_intelligence["type"]) == (True, "landline")
