"""An answer by hand goes through the gate, once, and not past what the lead has written meanwhile."""

from __future__ import annotations

import re

import pytest

from conversations.models import Alert, Author, State, Task
from tests.dashboard.staff import Browser
from tests.world import World

KEY = re.compile(r'name="key" value="([^"]+)"')
SEEN = re.compile(r'name="seen" value="([^"]*)"')


def composed(page: str, body: str, **more: str) -> dict[str, str]:
    """The form of the page as a browser would send it."""
    return {"key": KEY.findall(page)[0], "seen": SEEN.findall(page)[0], "body": body, **more}


def open_thread(world: World, owner: Browser, said: str = "Is it still there?") -> tuple[str, str]:
    """The address and the page of the one conversation."""
    world.text(said)
    path = f"/c/{world.conversation().id}"
    return path, owner.page(path)


def test_a_text_by_hand_reaches_the_lead_through_the_gate(world: World, owner: Browser) -> None:
    path, page = open_thread(world, owner)
    answer = owner.post(f"{path}/messages", composed(page, "It is. Want to see it?"))
    world.drain(wait=False)

    assert (answer.status_code, answer.headers["Location"]) == (303, path)
    assert world.carrier.bodies == ["It is. Want to see it?"]
    sent = next(m for m in world.outbound() if m.author is Author.AGENT)
    assert (sent.state, sent.agent_id) == (State.SENT, owner.agent_id)
    assert "Allowed because they texted us" in owner.page(path)


def test_a_text_by_hand_takes_the_conversation_over_and_voids_what_the_ai_was_about_to_say(
    world: World, owner: Browser
) -> None:
    path, page = open_thread(world, owner)
    owner.post(f"{path}/messages", composed(page, "Ann here, one moment"))
    world.drain()

    assert world.carrier.bodies == ["Ann here, one moment"]
    assert [m.state for m in world.outbound() if m.author is Author.AI] == [State.CANCELED]
    assert "You have it" in owner.page(path)


def test_taking_over_voids_the_draft_and_giving_back_lets_the_ai_answer_the_next_text(
    world: World, owner: Browser
) -> None:
    path, _ = open_thread(world, owner)
    owner.post(f"{path}/take-over")
    world.drain()
    silent = list(world.carrier.bodies)
    owner.post(f"{path}/give-back")
    world.text("Hello?")
    world.drain()

    assert silent == []
    assert len(world.carrier.bodies) == 1


def test_the_same_form_twice_is_one_text(world: World, owner: Browser) -> None:
    path, page = open_thread(world, owner)
    form = composed(page, "Hi")
    answers = [owner.post(f"{path}/messages", form).status_code for _ in range(2)]
    world.drain(wait=False)

    assert answers == [303, 303]
    assert world.carrier.bodies == ["Hi"]


def test_a_form_cannot_take_the_id_of_a_text_that_is_there(world: World, owner: Browser) -> None:
    path, page = open_thread(world, owner)
    known = world.inbound()[0].id
    owner.post(f"{path}/messages", composed(page, "Hi") | {"key": str(known)})

    assert [m.body for m in world.outbound() if m.author is Author.AGENT] == ["Hi"]


def test_who_answers_past_a_newer_text_is_shown_it_and_keeps_what_was_typed(world: World, owner: Browser) -> None:
    path, page = open_thread(world, owner)
    world.text("Never mind, I bought one")
    answer = owner.post(f"{path}/messages", composed(page, "Shall we say Friday at 3?"))
    shown = answer.get_data(as_text=True)
    world.drain(wait=False)

    assert answer.status_code == 409
    assert "They wrote while you were typing" in shown
    assert "Never mind, I bought one" in shown
    assert ">Shall we say Friday at 3?</textarea>" in shown
    assert [m for m in world.outbound() if m.author is Author.AGENT] == []
    assert owner.post(f"{path}/messages", composed(shown, "Congratulations")).status_code == 303


@pytest.mark.parametrize(
    ("body", "why"), [("   ", "Write something first."), ("x" * 1601, "A text has at most 1600 characters")]
)
def test_what_cannot_be_sent_comes_back_with_its_reason(world: World, owner: Browser, body: str, why: str) -> None:
    path, page = open_thread(world, owner)
    answer = owner.post(f"{path}/messages", composed(page, body))

    assert answer.status_code == 422
    assert why in answer.get_data(as_text=True)
    assert "The AI" in owner.page(path)


def test_after_a_day_of_silence_the_text_needs_a_purpose_that_their_consent_covers(
    world: World, owner: Browser
) -> None:
    path, _ = open_thread(world, owner)
    world.drain()
    world.later(hours=25)
    owner.sign_in("ann@example.test")
    page = owner.page(path)
    without = owner.post(f"{path}/messages", composed(page, "Still looking?"))
    again = without.get_data(as_text=True)
    owner.post(f"{path}/messages", composed(again, "Still looking?", purpose="inquiry"))
    world.drain(wait=False)

    assert without.status_code == 422
    assert re.search(r'value="inquiry">Follow-up', page)
    assert re.search(r'value="marketing" disabled>Marketing – there is no consent', page)
    assert world.carrier.bodies[-1] == "Still looking?"


def test_an_opt_out_by_hand_is_asked_twice_recorded_and_disables_the_composer(world: World, owner: Browser) -> None:
    path, _ = open_thread(world, owner)
    asked = owner.page(f"{path}/opt-out")
    before = world.ledger()
    answer = owner.post(f"{path}/opt-out", {"note": "told me on the phone"})
    page = owner.page(path)
    refused = owner.post(f"{path}/messages", {"key": "", "seen": str(world.inbound()[-1].id), "body": "But wait"})
    world.drain()

    assert "Staff cannot undo it" in asked
    assert not any(event.kind.value == "opt_out" for event in before)
    assert answer.status_code == 303
    assert world.ledger()[-1].kind.value == "opt_out"
    assert "Opted out" in page and "No text can be sent: the person has opted out." in page
    assert re.search(r"<textarea[^>]* disabled>", page)
    assert re.search(r'<button class="btn-solid" disabled', page)
    assert refused.status_code == 303  # the gate refuses it, whatever a browser sends
    assert world.carrier.bodies == []
    assert "Not sent: the person has opted out" in owner.page(path)


@pytest.mark.parametrize(("meaning", "kind"), [("opt_out", "opt_out"), ("not_opt_out", "resume")])
def test_a_hold_is_settled_by_a_person(world: World, owner: Browser, meaning: str, kind: str) -> None:
    path, page = open_thread(world, owner, "not now, please stop for today")
    answer = owner.post(f"{path}/hold", {"meaning": meaning})

    assert "On hold" in page
    assert answer.status_code == 303
    assert [event.kind.value for event in world.ledger()][:2] == ["hold", kind]
    assert "It is an opt-out" not in owner.page(path)


def test_a_task_that_is_done_leaves_the_list(world: World, owner: Browser) -> None:
    path, _ = open_thread(world, owner, "Can I talk to a real person please")
    world.drain()
    page = owner.page("/tasks")
    task = world.rows(Task)[0]
    answer = owner.post(f"/tasks/{task.id}/done", {"next": path})

    assert "Answer in person" in page
    assert answer.headers["Location"] == path
    assert world.rows(Task)[0].done_by == owner.agent_id
    assert "Nothing is left to do" in owner.page("/tasks")


def test_an_alert_that_was_seen_leaves_the_list(world: World, owner: Browser) -> None:
    open_thread(world, owner, "Can I talk to a real person please")
    world.drain()
    page = owner.page("/alerts")
    owner.post(f"/alerts/{world.rows(Alert)[0].id}/seen")

    assert "The AI handed a conversation over" in page
    assert "All quiet" in owner.page("/alerts")


def test_once_a_person_has_said_that_it_was_no_opt_out_the_text_can_be_answered(world: World, owner: Browser) -> None:
    path, page = open_thread(world, owner, "not now, please stop for today")
    owner.post(f"{path}/hold", {"meaning": "not_opt_out"})
    owner.post(f"{path}/messages", composed(owner.page(path), "No problem. Tomorrow, then?"))
    world.drain(wait=False)

    assert "No text can be sent: say first whether their text was an opt-out." in page
    assert world.carrier.bodies == ["No problem. Tomorrow, then?"]
    assert [event.kind.value for event in world.ledger()] == ["hold", "resume", "inquiry"]
    assert world.verified()


def test_an_answer_by_hand_ends_the_tasks_that_asked_for_one(world: World, owner: Browser) -> None:
    path, _ = open_thread(world, owner, "Can I talk to a real person please")
    world.drain()
    before = [task.kind for task in world.rows(Task) if task.done_at is None]
    owner.post(f"{path}/messages", composed(owner.page(path), "Ann here, what can I do?"))

    assert before == ["handoff"]
    assert [(task.kind, task.done_by) for task in world.rows(Task)] == [("handoff", owner.agent_id)]


@pytest.mark.parametrize("meaning", ["opt_out", "not_opt_out"])
def test_a_hold_is_ended_by_its_decision_and_not_by_done(world: World, owner: Browser, meaning: str) -> None:
    path, _ = open_thread(world, owner, "not now, please stop for today")
    world.drain()
    (task,) = world.rows(Task)
    page = owner.page(path)
    refused = owner.post(f"/tasks/{task.id}/done", {"next": path})
    said = owner.page(path)
    still = world.rows(Task)[0].done_at
    owner.post(f"{path}/hold", {"meaning": meaning})

    assert task.kind == "settle_hold" and f"/tasks/{task.id}/done" not in page
    assert (refused.status_code, still) == (303, None)
    assert "Say whether it is an opt-out: that ends this task." in said
    assert world.rows(Task)[0].done_by == owner.agent_id
