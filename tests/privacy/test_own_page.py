"""Links to a person's own page, what they ask for there, and what is handed to them."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from consent.ledger import state_of
from consent.purposes import Purpose, Reason
from consent.state import EventKind
from conversations import staff
from conversations.evidence import Agreement, How, record_agreement
from conversations.leads import InvalidLead
from conversations.models import Alert, State, Task
from privacy import requests
from privacy.access import archive, held
from privacy.links import LASTS, make, read
from privacy.requests import Ask
from smsbot.actor import SYSTEM
from smsbot.errors import InvalidInput
from smsbot.tenancy import Link
from tests.privacy import story
from tests.privacy.story import contact_id
from tests.world import LEAD, World


def link(world: World) -> str:
    """The token of a new link to the lead's own page."""
    return make(world.runtime, world.home.id, contact_id(world), actor=SYSTEM, cause="test").rpartition("/")[2]


def restrict(world: World) -> None:
    requests.restrict(world.runtime, world.home.id, contact_id(world), actor=SYSTEM, method="test")


def unrestrict(world: World) -> None:
    requests.unrestrict(world.runtime, world.home.id, contact_id(world), actor=SYSTEM, method="test")


def test_a_link_opens_one_person_s_page(world: World) -> None:
    world.text("Hello")
    token = link(world)

    found = read(world.runtime, token)

    assert found is not None
    assert (found.tenant_id, found.contact_id) == (world.home.id, contact_id(world))
    assert len(token) == 43


def test_only_the_hash_of_a_link_is_kept(world: World) -> None:
    world.text("Hello")
    token = link(world)

    (kept,) = world.rows(Link)

    assert token.encode() not in bytes(kept.token_hash)
    assert len(kept.token_hash) == 32


def test_a_link_ends_after_thirty_days(world: World) -> None:
    world.text("Hello")
    world.clock.freeze()
    token = link(world)

    world.clock.advance(LASTS - timedelta(seconds=1))
    before = read(world.runtime, token)
    world.clock.advance(timedelta(seconds=1))

    assert before is not None
    assert read(world.runtime, token) is None


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "../" * 14 + "x", "é" * 43, "x" * 10_000])
def test_no_made_up_token_opens_a_page(token: str, world: World) -> None:
    world.text("Hello")
    link(world)

    assert read(world.runtime, token) is None


# ---- restriction ------------------------------------------------------------------------------------------------------


def test_nothing_is_sent_to_who_is_restricted_and_everything_is_kept(world: World) -> None:
    world.text("Is it still there?")
    restrict(world)
    world.drain()
    world.text("Hello?")
    world.drain()

    assert world.carrier.accepted == []
    assert [m.reason for m in world.outbound()] == [Reason.RESTRICTED, Reason.RESTRICTED]
    assert [m.body for m in world.inbound()] == ["Is it still there?", "Hello?"]


@pytest.mark.parametrize("words", ["What does it cost?", "maybe stop i dont know"])
def test_no_model_reads_about_who_is_restricted(words: str, world: World) -> None:
    world.with_model = True
    world.text("Hello")
    restrict(world)

    world.text(words)
    world.drain()

    assert world.model.requests == []
    assert world.carrier.accepted == []


def test_staff_write_and_record_nothing_for_who_is_restricted(world: World) -> None:
    world.text("Hello")
    restrict(world)
    conversation = world.conversation()
    agreement = Agreement(How.VOICE, world.clock.now(), [Purpose.APPOINTMENT], "May we text you?", "Dana")

    with pytest.raises(InvalidInput):
        staff.write(world.runtime, world.home.id, world.dana, conversation.id, "Hello")
    with pytest.raises(InvalidLead):
        record_agreement(world.runtime, world.home.id, world.dana, conversation.id, agreement)

    assert [event.kind for event in world.ledger()] == [EventKind.INQUIRY, EventKind.RESTRICT]


def test_a_stop_counts_while_restricted(world: World) -> None:
    world.text("Hello")
    restrict(world)

    world.text("STOP")
    unrestrict(world)

    assert state_of(world.contact()).opted_out is not None


def test_answers_go_on_once_the_restriction_is_lifted(world: World) -> None:
    world.text("Hello")
    restrict(world)
    restrict(world)
    unrestrict(world)
    unrestrict(world)
    world.text("Is it still there?")
    world.drain()

    kinds = [event.kind for event in world.ledger()]
    assert kinds == [EventKind.INQUIRY, EventKind.RESTRICT, EventKind.UNRESTRICT, EventKind.INQUIRY]
    assert len(world.carrier.accepted) == 1
    assert world.verified()


# ---- requests with a clock --------------------------------------------------------------------------------------------


def test_a_request_is_due_in_thirty_days_and_reminded_of_after_20_and_27(world: World) -> None:
    world.text("Hello")
    world.drain()
    world.clock.freeze()
    asked_at = world.clock.now()

    due_at = requests.ask(world.runtime, world.home.id, contact_id(world), Ask.ACCESS, actor=SYSTEM, cause="test")

    reminded = []
    for day in range(31):
        world.clock.set(asked_at + timedelta(days=day, minutes=2))
        world.drain(wait=False)
        reminded.append(sum(alert.count for alert in world.rows(Alert) if alert.kind == requests.ALERT))
    assert due_at == asked_at + timedelta(days=30)
    assert [day for day in range(1, 31) if reminded[day] > reminded[day - 1]] == [20, 27]
    assert world.due() == []


def test_a_request_that_is_done_reminds_nobody_and_may_be_made_again(world: World) -> None:
    world.text("Hello")
    world.drain()
    first = requests.ask(world.runtime, world.home.id, contact_id(world), Ask.CORRECT, actor=SYSTEM, cause="test")
    same = requests.ask(world.runtime, world.home.id, contact_id(world), Ask.CORRECT, actor=SYSTEM, cause="test")
    (task,) = [task for task in world.rows(Task) if task.kind == Ask.CORRECT]
    with world.runtime.transaction(world.home.id) as session:
        session.get_one(Task, task.id).done_at = world.clock.now()

    world.later(days=21)
    world.drain()
    requests.ask(world.runtime, world.home.id, contact_id(world), Ask.CORRECT, actor=SYSTEM, cause="test")

    assert first == same
    assert [alert for alert in world.rows(Alert) if alert.kind == requests.ALERT] == []
    assert len([task for task in world.rows(Task) if task.kind == Ask.CORRECT]) == 2


# ---- hours ------------------------------------------------------------------------------------------------------------


def test_the_hours_that_they_choose_keep_advertising_for_later(world: World) -> None:
    world.clock.freeze()  # ten in the morning in Chicago, a Friday
    world.text("Hello")
    world.drain()
    story.sign_up(world)
    world.drain()
    written = {"mon_fri": ["16:00", "18:00"], "sat_sun": None}

    requests.set_hours(world.runtime, world.home.id, contact_id(world), written, actor=SYSTEM, cause="test")
    world.later(days=4)  # Tuesday
    staff.write(
        world.runtime, world.home.id, world.dana, world.conversation().id, "Open house", purpose=Purpose.MARKETING
    )
    world.drain()

    message = world.outbound()[-1]
    assert (message.state, message.reason) == (State.DEFERRED, Reason.QUIET_HOURS)
    assert message.not_before is not None
    assert message.not_before.hour == 22  # four in the afternoon there


@pytest.mark.parametrize(
    "written",
    [
        {"mon_fri": ["18:00", "09:00"]},
        {"mon_fri": ["9", "18"]},
        {"someday": ["09:00", "18:00"]},
        {"mon_fri": ["09:00", "25:00"]},
        {"mon_fri": ["09:00", ""]},
    ],
)
def test_hours_that_are_none_are_refused(written: Mapping[str, Any], world: World) -> None:
    world.text("Hello")

    with pytest.raises(InvalidInput):
        requests.set_hours(world.runtime, world.home.id, contact_id(world), written, actor=SYSTEM, cause="test")

    assert world.contact().hours is None


# ---- what is handed to them -------------------------------------------------------------------------------------------


def test_the_archive_holds_everything_of_one_person_and_nothing_of_another(world: World) -> None:
    story.tell(world)
    world.text("the neighbour's words", sender=story.OTHER)
    other = world.business("Zephyrine Motors", "+12065550186")
    world.text("words for another business", to=other)

    packed = archive(world.runtime, world.home.id, contact_id(world), actor=SYSTEM, cause="test")

    with zipfile.ZipFile(io.BytesIO(packed)) as archived:
        person = json.loads(archived.read("person.json"))
        texts = list(csv.DictReader(io.StringIO(archived.read("messages.csv").decode())))
        proofs = list(csv.DictReader(io.StringIO(archived.read("consent.csv").decode())))
    mine = [m for m in world.messages() if m.contact_id == contact_id(world)]
    assert person["you"]["number"] == LEAD
    assert [m["id"] for m in person["messages"]] == [row["id"] for row in texts]
    assert sorted(row["id"] for row in texts) == sorted(str(m.id) for m in mine)
    assert len(person["consent_events"]) == len(proofs) == world.contact().ledger_seq
    assert any(e["evidence"].get("disclosure") == story.DISCLOSURE for e in person["consent_events"])
    assert {d["outcome"] for d in person["decisions"]} >= {"allow"}
    whole = json.dumps(person)
    assert "neighbour" not in whole
    assert "another business" not in whole
    assert story.OTHER not in whole


def test_a_spreadsheet_runs_nothing_of_what_they_wrote(world: World) -> None:
    world.text('=HYPERLINK("https://elsewhere.example.test")')

    packed = archive(world.runtime, world.home.id, contact_id(world), actor=SYSTEM, cause="test")

    with zipfile.ZipFile(io.BytesIO(packed)) as archived:
        rows = list(csv.DictReader(io.StringIO(archived.read("messages.csv").decode())))
    assert rows[0]["words"] == '\'=HYPERLINK("https://elsewhere.example.test")'


def test_looking_changes_nothing(world: World) -> None:
    world.text("Hello")
    world.drain()
    before = (world.contact().ledger_hash, len(world.ledger()))

    shown = held(world.runtime, world.home.id, contact_id(world))

    assert shown.text_count == 2
    assert (world.contact().ledger_hash, len(world.ledger())) == before
