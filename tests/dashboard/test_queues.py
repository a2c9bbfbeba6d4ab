"""Who waits, since when, and for whom: the queues, their order and their clocks."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from conversations.inbox import Queue, queue_page
from conversations.models import Task
from conversations.people import PROMISED_WITHIN
from dashboard.wording import Urgency, covered, span, urgency
from smsbot.actor import Actor, ActorKind, Role
from tests.dashboard.staff import Browser
from tests.world import START, World

WANTS = "Can I talk to a real person please"
ANSWERED = "Hello there"
OTHER = "+13125550172"


def queued(world: World, owner: Browser) -> dict[str, int]:
    """How many conversations each queue that holds any has."""
    actor = Actor(ActorKind.STAFF, owner.agent_id, Role.OWNER)
    with world.runtime.transaction(world.home.id) as session:
        counts = queue_page(session, actor, Queue.ALL, now=world.clock.now()).counts
    return {queue.value: count for queue, count in counts.items() if count}


def waiting(world: World, owner: Browser) -> list[timedelta | None]:
    """How long each conversation has waited, in the order of the list."""
    actor, now = Actor(ActorKind.STAFF, owner.agent_id, Role.OWNER), world.clock.now()
    with world.runtime.transaction(world.home.id) as session:
        rows = queue_page(session, actor, Queue.ALL, now=now).rows
    return [row.waiting_since and now - row.waiting_since for row in rows]


def test_a_new_text_is_with_the_ai_and_its_clock_runs(world: World, owner: Browser) -> None:
    world.clock.freeze()
    world.text("What time do you open?")
    world.later(seconds=5)

    assert queued(world, owner) == {"unassigned": 1, "ai": 1, "all": 1}
    assert waiting(world, owner)[0] == timedelta(seconds=5)


def test_an_answered_text_waits_for_nobody(world: World, owner: Browser) -> None:
    world.text(ANSWERED)
    world.drain()

    assert queued(world, owner) == {"unassigned": 1, "ai": 1, "waiting-on-lead": 1, "all": 1}
    assert waiting(world, owner) == [None]


def test_a_text_that_the_ai_left_unanswered_needs_a_human(world: World, owner: Browser) -> None:
    world.text("What time do you open?")
    world.later(minutes=3)

    assert queued(world, owner) == {"needs-human": 1, "unassigned": 1, "all": 1}


def test_who_asked_for_a_person_waits_until_a_person_answers(world: World, owner: Browser) -> None:
    world.text(WANTS)
    world.drain()
    world.later(minutes=7)
    before, waits = queued(world, owner), waiting(world, owner)[0]
    path = f"/c/{world.conversation().id}"
    owner.page(path)
    owner.post(f"{path}/messages", {"body": "Ann here", "seen": str(world.inbound()[0].id)})
    world.drain(wait=False)

    assert before == {"needs-human": 1, "unassigned": 1, "all": 1}
    assert waits > timedelta(minutes=7)
    assert queued(world, owner) == {"mine": 1, "waiting-on-lead": 1, "all": 1}


def test_a_text_to_whoever_took_over_waits_for_them(world: World, owner: Browser) -> None:
    world.text(ANSWERED)
    world.drain()
    path = f"/c/{world.conversation().id}"
    owner.page(path)
    owner.post(f"{path}/take-over")
    before = queued(world, owner)
    world.text("And may I bring my dog?")
    world.drain()

    assert before == {"mine": 1, "waiting-on-lead": 1, "all": 1}
    assert queued(world, owner) == {"needs-human": 1, "mine": 1, "all": 1}
    assert waiting(world, owner) != [None]


def test_a_hold_needs_a_human(world: World, owner: Browser) -> None:
    world.text("not now, please stop for today")

    assert queued(world, owner) == {"needs-human": 1, "unassigned": 1, "all": 1}


def test_who_opted_out_waits_for_nothing(world: World, owner: Browser) -> None:
    world.text("What time do you open?")
    world.text("STOP")
    world.later(minutes=30)

    assert queued(world, owner) == {"all": 1}


def test_an_acknowledgement_waits_for_nothing(world: World, owner: Browser) -> None:
    world.text(ANSWERED)
    world.drain()
    world.text("ok thanks")
    world.drain()

    assert waiting(world, owner) == [None]


@pytest.mark.parametrize("mode", ["draft", "off"])
def test_where_the_ai_does_not_send_every_text_needs_a_human(world: World, owner: Browser, mode: str) -> None:
    world.mode(mode)
    world.text("What time do you open?")
    world.drain()

    assert queued(world, owner) == {"needs-human": 1, "unassigned": 1, "all": 1}


def test_who_waits_longest_stands_first(world: World, owner: Browser) -> None:
    world.text(WANTS, sender=OTHER)
    world.later(minutes=5)
    world.text("What time do you open?")
    world.drain()
    world.text(WANTS)
    waits = waiting(world, owner)
    page = owner.page("/?queue=all")

    assert len(waits) == 2 and waits[0] > waits[1]
    assert page.index("••72") < page.index("••71")


def test_the_clock_says_by_word_and_colour_how_long(world: World, owner: Browser) -> None:
    world.text(WANTS)
    world.drain()
    world.later(minutes=6)
    page = " ".join(owner.page("/").split())

    assert re.search(r'clock-late"> ?<span class="clock-word">Overdue</span>', page)
    assert re.search(r'data-since="\d+" data-due="\d+">6 min</time>', page)


@pytest.mark.parametrize(
    ("seconds", "words", "level"),
    [
        (0, "0 s", Urgency.NEW),
        (59, "59 s", Urgency.NEW),
        (60, "1 min", Urgency.SOON),
        (299, "4 min", Urgency.SOON),
        (300, "5 min", Urgency.LATE),
        (3600, "1 h", Urgency.LATE),
        (7800, "2 h 10", Urgency.LATE),
        (7500, "2 h 05", Urgency.LATE),
        (86400 * 3 + 3600 * 4, "3 d 4 h", Urgency.LATE),
        (-5, "0 s", Urgency.NEW),
    ],
)
def test_a_span_in_words(seconds: int, words: str, level: Urgency) -> None:
    assert span(timedelta(seconds=seconds)) == words
    assert urgency(START, START + PROMISED_WITHIN, START + timedelta(seconds=seconds)) is level


@pytest.mark.parametrize(
    ("number", "shown"),
    [("+13125550171", "(312) •••-••71"), ("+442079460958", "+44 2• •••• ••58"), ("72345", "72345")],
)
def test_a_covered_number_keeps_what_tells_two_apart(number: str, shown: str) -> None:
    assert covered(number) == shown


def test_an_open_task_makes_its_conversation_wait_with_the_reason_in_the_row(world: World, owner: Browser) -> None:
    world.text("STOP")
    world.text("Are you still there?")
    (task,) = world.rows(Task)
    page = owner.page("/?queue=needs-human")
    before = queued(world, owner)
    owner.post(f"/tasks/{task.id}/done")

    assert "Wrote after opting out: call or mail" in page
    assert before == {"needs-human": 1, "all": 1}
    assert queued(world, owner) == {"all": 1}


def test_an_answer_that_did_not_arrive_needs_a_human_until_somebody_has_seen_to_it(
    world: World, owner: Browser
) -> None:
    world.text(ANSWERED)
    world.drain()
    world.status(world.outbound()[0], "undelivered", error=30003)
    page, path = owner.page("/?queue=needs-human"), f"/c/{world.conversation().id}"
    (task,) = world.rows(Task)
    owner.page(path)
    owner.post(f"{path}/messages", {"body": "Ann again", "seen": str(world.inbound()[0].id)})
    world.drain(wait=False)

    assert (task.kind, task.reason) == ("undelivered", "CARRIER_30003")
    assert "Not delivered" in page and "Our answer did not arrive" in page
    assert queued(world, owner) == {"mine": 1, "waiting-on-lead": 1, "all": 1}


def test_the_inbox_and_the_tasks_say_overdue_at_the_same_moment(world: World, owner: Browser) -> None:
    world.text(WANTS)
    world.drain()
    clocks = re.compile(r'clock clock-(\w+)"><span')
    for minutes, level in ((3, "soon"), (3, "late")):
        world.later(minutes=minutes)
        found = {path: set(clocks.findall(owner.page(path))) for path in ("/?queue=all", "/tasks")}

        assert found == {"/?queue=all": {level}, "/tasks": {level}}


def test_who_the_carrier_blocks_is_not_with_the_ai_and_waits_by_a_task(world: World, owner: Browser) -> None:
    world.text(ANSWERED)
    world.drain()
    world.status(world.outbound()[0], "failed", error=21610)
    before = queued(world, owner)
    (task,) = world.rows(Task)
    owner.page("/")
    owner.post(f"/tasks/{task.id}/done")

    assert before == {"needs-human": 1, "unassigned": 1, "all": 1}
    assert queued(world, owner) == {"unassigned": 1, "all": 1}
    assert waiting(world, owner) == [None]


def test_a_lead_leaves_the_unassigned_with_the_first_who_takes_it(world: World, owner: Browser) -> None:
    world.text(ANSWERED)
    path = f"/c/{world.conversation().id}"
    before = queued(world, owner)
    owner.page(path)
    owner.post(f"{path}/take-over")

    assert before["unassigned"] == 1
    assert "unassigned" not in queued(world, owner) and queued(world, owner)["mine"] == 1


def test_the_inbox_opens_where_somebody_waits_and_else_with_all(world: World, owner: Browser) -> None:
    chosen = re.compile(r'queue=([a-z-]+)" aria-current')
    quiet = chosen.findall(owner.page("/"))
    world.text(WANTS)
    world.drain()

    assert quiet == ["all"]
    assert chosen.findall(owner.page("/")) == ["needs-human"]
    assert chosen.findall(owner.page("/?queue=all")) == ["all"]
