"""Faults of the carrier: what the client sees, and whether the message exists afterwards."""

from __future__ import annotations

import json
import time

import pytest
import requests

from simulator.faults import CarrierFault, ModelFault, carrier_faults_from, model_faults_from

SLOW_S = 1.0  # well above what a busy machine adds to an answer that is not slow


@pytest.mark.parametrize(
    ("fault", "status", "exists"),
    [
        ("429", 429, False),
        ("500", 500, False),
        ("503", 503, False),
        ("reset_before_accept", None, False),
        ("accept_then_reset", None, True),
        ("accept_then_500", 500, True),
        ("accept_then_garbage", 201, True),
        ("accept_without_sid", 201, True),
        ("slow", 201, True),
        ("accept_then_slow", 201, True),
    ],
)
def test_planned_fault_happens_once_and_creates_what_its_name_says(world, fault, status, exists):
    world.control("faults", carrier={"next": [fault], "slow_s": SLOW_S})
    began = time.monotonic()
    try:
        answer = world.create()
        seen = answer.status_code
    except requests.ConnectionError:
        seen = None
    took = time.monotonic() - began

    assert seen == status
    assert len(world.listed()) == len(world.sim.carrier.accepted) == exists
    assert (took >= SLOW_S) is ("slow" in fault)
    assert world.create().status_code == 201


def test_every_fault_is_known_to_the_table_above():
    (table,) = test_planned_fault_happens_once_and_creates_what_its_name_says.pytestmark

    assert {row[0] for row in table.args[1]} == {fault.value for fault in CarrierFault}


def test_slow_create_is_accepted_after_the_client_has_left(world):
    world.control("faults", carrier={"next": ["slow"], "slow_s": 0.3})
    with pytest.raises(requests.ReadTimeout):
        requests.post(
            f"{world.messages}.json",
            data={"To": world.lead, "From": world.number, "Body": "x"},
            auth=world.auth,
            timeout=0.1,
        )
    assert world.sim.carrier.accepted == []
    time.sleep(0.35)

    assert len(world.sim.carrier.accepted) == 1


@pytest.mark.parametrize(("after", "header"), [(None, None), (2, "2"), (0.5, "0.5")])
def test_429_says_when_to_come_back_only_if_told_to(world, after, header):
    world.control("faults", carrier={"next": ["429"], "retry_after_s": after})

    answer = world.create()

    assert answer.json()["code"] == 20429
    assert answer.headers.get("Retry-After") == header


def test_garbage_is_no_json_and_503_is_html(world):
    world.control("faults", carrier={"next": ["accept_then_garbage", "503"]})

    with pytest.raises(ValueError):
        json.loads(world.create().text)
    assert world.create().headers["Content-Type"] == "text/html"


def test_latency_lies_between_receiving_and_accepting(world):
    world.control("faults", carrier={"latency_ms": [50, 60]})
    world.create()

    journal = world.sim.carrier.journal
    gap = journal.of("accepted")[0]["mono"] - journal.of("request")[0]["mono"]
    assert 0.05 <= gap < 0.5


def test_reads_can_fail(world):
    world.control("faults", carrier={"read_500": 1})

    assert world.get(".json").status_code == 500


def outcomes(world, seed):
    world.control("faults", seed=seed, carrier={"rates": {"429": 0.3, "500": 0.3}})
    return [world.create().status_code for _ in range(40)]


def test_same_seed_same_faults_other_seed_others(world):
    first, again, other = (outcomes(world, seed) for seed in (1, 1, 2))

    assert first == again != other
    assert {status: first.count(status) > 4 for status in (201, 429, 500)} == {201: True, 429: True, 500: True}


def test_faults_set_for_one_leave_the_other_alone(world):
    world.control("faults", model={"content": "x"})
    world.control("faults", carrier={"next": ["500"]})

    assert world.sim.model.faults.content == "x"
    assert world.create().status_code == 500


@pytest.mark.parametrize("written", [
    {"latencyms": 5}, {"rates": {"418": 0.1}}, {"rates": {"429": 2}}, {"rates": {"429": 0.6, "500": 0.6}}, {"next": ["boom"]},
    {"latency_ms": [5, 1]}, {"callback": {"lost": 1}}, {"errors": [{"code": 1, "where": "there"}]}, {"slow_s": -1},
])  # fmt: skip
def test_misspelt_fault_is_refused_instead_of_not_happening(written):
    with pytest.raises(ValueError):
        carrier_faults_from(written)


@pytest.mark.parametrize(
    "written", [{"contents": "x"}, {"content": 5}, {"scripted": [{"match": "x"}]}, {"scripted": [{"fault": "boom"}]}]
)
def test_misspelt_fault_of_the_model_is_refused(written):
    with pytest.raises(ValueError):
        model_faults_from(written)


def test_reset_forgets_texts_blocks_and_faults_and_never_gives_a_sid_again(world):
    first = world.create().json()["sid"]
    world.text("STOP")
    world.control("faults", carrier={"rates": {"500": 1}}, model={"rates": {ModelFault.SERVER_ERROR: 1}})

    world.control("reset", seed=7)
    second = world.create()

    assert second.status_code == 201
    assert second.json()["sid"] != first
    assert [one["sid"] for one in world.listed()] == [second.json()["sid"]]
    assert world.look("state")["seed"] == 7


def test_log_tells_every_request_and_every_acceptance_with_both_clocks(world, tmp_path):
    before = time.monotonic()
    world.create(Body="one", StatusCallback="https://example.com/cb#rc=3")
    world.create(To="banana")
    lines = requests.get(f"{world.sim.url}/sim/log", timeout=5).text.splitlines()
    entries = [json.loads(line) for line in lines]
    kinds = [entry["kind"] for entry in entries if entry["kind"] in ("request", "accepted", "refused")]
    request = next(entry for entry in entries if entry["kind"] == "request")

    assert kinds == ["request", "accepted", "request", "refused"]
    assert before < request["mono"] < time.monotonic()
    assert request["wall"].endswith("Z")
    assert (request["account"], request["from"], request["to"]) == (world.account, world.number, world.lead)
    assert (request["body"], request["status_callback"]) == ("one", "https://example.com/cb#rc=3")
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))


def test_log_goes_on_after_a_number(world):
    world.create()
    world.settle()
    last = world.sim.carrier.journal.since(0)[-1]["seq"]
    world.create(To="banana")

    text = requests.get(f"{world.sim.url}/sim/log", params={"since": last}, timeout=5).text

    assert [json.loads(line)["kind"] for line in text.splitlines()] == ["request", "refused"]


def test_clock_can_be_moved_and_dates_follow(world):
    world.control("clock", at="2027-03-14T09:30:00+00:00")

    assert world.create().json()["date_created"].startswith("Sun, 14 Mar 2027 09:30:0")


@pytest.mark.parametrize("headers", [{"Host": "evil.example.com"}, {"Origin": "https://evil.example.com"}])
def test_pages_of_other_sites_cannot_pull_the_strings(world, headers):
    assert requests.post(f"{world.sim.url}/sim/reset", json={}, headers=headers, timeout=5).status_code == 403


def test_state_has_no_secrets(world):
    text = requests.get(f"{world.sim.url}/sim/state", timeout=5).text

    assert world.number in text
    assert world.token not in text
