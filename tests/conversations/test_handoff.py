"""Handing off: one bridge text, a task, the right people told, silence after it, and the way back."""

from __future__ import annotations

import json

import pytest

from conversations.models import Conversation, Message, Task
from conversations.people import give_back, take_over
from conversations.vocabulary import Author, Kind, State
from smsbot.events import Event
from tests.conversations.sending import alerts, crash_at, put_fact, tasks
from tests.world import World


def replies(world: World) -> list[Message]:
    return [m for m in world.outbound() if m.author is Author.AI]


def by_staff(world: World, takes: bool) -> None:
    act = take_over if takes else give_back
    with world.runtime.transaction(world.home.id) as session:
        conversation = session.get_one(Conversation, world.conversation().id)
        act(session, conversation, actor=world.dana, now=world.clock.now(), cause="dashboard")


@pytest.mark.parametrize(
    ("words", "reason", "roles"),
    [
        ("HUMAN", "human_requested", ["agent"]),
        ("Can I talk to a real person please?", "human_requested", ["agent"]),
        ("Please call me", "call_requested", ["agent"]),
        ("You will hear from my lawyer", "complaint_legal", ["agent", "manager"]),
    ],
)
def test_a_handoff_leaves_a_task_and_tells_the_right_people(
    world: World, words: str, reason: str, roles: list[str]
) -> None:
    world.text(words)
    world.drain()

    (reply,) = replies(world)
    assert (reply.state, reply.kind) == (State.SENT, Kind.BRIDGE)
    assert tasks(world) == [("handoff", reason)]
    assert alerts(world) == [("handoff", role) for role in roles]
    (task,) = world.rows(Task)
    assert (task.ref_id, task.conversation_id) == (reply.id, world.conversation().id)
    assert (task.due_at - task.created_at).total_seconds() == 300  # what the inbox promises too


def test_a_handoff_never_asks_a_model(world: World) -> None:
    world.with_model = True
    world.text("HUMAN")
    world.drain()

    assert (world.model.requests, len(world.carrier.accepted)) == ([], 1)


def test_a_model_may_hand_off_too(world: World) -> None:
    world.with_model = True
    world.model.answers = [
        json.dumps(
            {
                "action": "hand_off",
                "text": "Our team has your note about that.",
                "language": "en",
                "facts_used": [],
                "handoff_reason": "negotiation",
                "field_notes": [],
            }
        )
    ]
    world.text("What should I bring along to a visit?")
    world.drain()

    assert replies(world)[0].kind is Kind.BRIDGE
    assert tasks(world) == [("handoff", "negotiation")]
    assert world.conversation().taken_over_at is not None


def test_the_assistant_is_silent_once_the_bridge_text_is_out(world: World) -> None:
    world.text("HUMAN")
    world.drain()
    world.later(minutes=1)
    world.text("Are you still there?")
    world.drain()

    assert len(world.carrier.accepted) == 1
    assert world.inbound()[-1].reason == "TAKEOVER"
    assert world.conversation().handoff_reason == "human_requested"


def test_a_bridge_text_that_never_left_hands_nothing_over(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it is out, nobody was told that a person has it: the next text is answered."""
    world.text("HUMAN")
    world.later(seconds=4)
    crash_at(world, monkeypatch, "replies.stored")
    world.text("Are you open today?")

    assert world.conversation().taken_over_at is None
    world.drain()
    world.later(seconds=31)
    world.drain()
    assert len(world.carrier.accepted) == 1
    assert [task for task, _ in tasks(world)].count("handoff") >= 1


def test_given_back_the_assistant_answers_again(world: World) -> None:
    put_fact(world, "address", "office", {"text": "12 Lake Street"})
    world.text("HUMAN")
    world.drain()
    by_staff(world, takes=False)
    world.text("Where is your office?")
    world.drain()

    assert "12 Lake Street" in world.carrier.bodies[-1]
    conversation = world.conversation()
    assert (conversation.taken_over_at, conversation.handoff_reason) == (None, None)


def test_taken_over_nobody_answers_but_a_person(world: World) -> None:
    world.text("Hi")
    world.drain()
    by_staff(world, takes=True)
    world.text("Are you open today?")
    world.drain()

    assert len(world.carrier.accepted) == 1
    assert world.inbound()[-1].reason == "TAKEOVER"


def test_a_takeover_between_draft_and_send_wins(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.text("Are you open today?")
    world.later(seconds=4)
    crash_at(world, monkeypatch, "replies.stored")
    by_staff(world, takes=True)
    world.later(seconds=31)
    world.drain()

    (reply,) = replies(world)
    assert (reply.state, reply.reason, world.carrier.attempts) == (State.BLOCKED, "TAKEOVER", 0)
    assert reply.body != ""  # the agent may send it themselves


def test_a_takeover_before_the_draft_saves_the_draft(world: World) -> None:
    world.with_model = True
    world.text("Are you open today?")
    by_staff(world, takes=True)
    world.drain()

    (reply,) = replies(world)
    assert (reply.reason, reply.body, world.model.requests) == ("TAKEOVER", "", [])


def test_taking_over_twice_is_one_event(world: World) -> None:
    world.text("Hi")
    for takes in (True, True, False, False):
        by_staff(world, takes=takes)

    kinds = [event.kind for event in world.rows(Event) if event.actor_kind == "staff"]
    assert sorted(kinds) == ["conversation.given_back", "conversation.taken_over"]


def test_a_stop_counts_whoever_has_the_conversation(world: World) -> None:
    world.text("Hi")
    by_staff(world, takes=True)
    world.text("please stop texting me")
    world.drain()

    assert world.contact().consent["opted_out"] is not None
    assert [m.kind for m in world.outbound() if m.state is State.SENT] == [Kind.OPT_OUT_CONFIRMATION]


def test_two_unanswered_questions_are_left_to_a_person(world: World) -> None:
    for words in ("What should I bring along to a visit?", "Does the roof leak in spring?"):
        world.text(words)
        world.drain()
        world.later(minutes=1)

    assert ("handoff", "unknown_twice") in tasks(world)
    assert world.conversation().taken_over_at is not None
