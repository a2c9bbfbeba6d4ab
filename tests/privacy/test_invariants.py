"""A text that the ledger does not bear out is found, however it came about."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest

from consent.purposes import Purpose
from consent.state import Basis, EventKind
from conversations.models import Message
from privacy.invariants import Held, Violation, check, checks
from tests.commands.conftest import Command, in_world, run, variables
from tests.conftest import Database
from tests.ledger.chains import tampering
from tests.privacy import story
from tests.world import LEAD, World

__all__ = ["in_world", "run", "variables"]


def found(world: World) -> Violation:
    first = check(world.runtime, world.home.id)
    assert isinstance(first, Violation)
    return first


@pytest.fixture
def answered(world: World) -> Iterator[World]:
    """A question and its answer, which was sent."""
    world.text("Is it still there?")
    world.drain()
    assert isinstance(check(world.runtime, world.home.id), Held)
    yield world


def reply(world: World) -> Message:
    return world.outbound()[0]


def test_the_whole_story_holds(world: World) -> None:
    story.tell(world)

    held = check(world.runtime, world.home.id)

    assert isinstance(held, Held)
    assert held.contacts == 2
    assert held.events == len(world.ledger())
    assert held.sent == len(world.carrier.accepted)
    assert held.decisions >= held.sent


def test_batches_add_up_to_the_same(world: World) -> None:
    story.tell(world)

    each = list(checks(world.runtime, world.home.id, contacts=1))
    by_events = list(checks(world.runtime, world.home.id, events=1))

    assert len(each) == len(by_events) == 2
    assert sum(each, Held()) == sum(by_events, Held()) == check(world.runtime, world.home.id)


def test_another_tenants_rows_are_not_looked_at(answered: World) -> None:
    other = answered.business("Summit Ford", "+17205550100")

    assert check(answered.runtime, other.id) == Held()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("UPDATE messages SET consent_event_id = NULL WHERE id = %(id)s", "was sent without a consent event"),
        ("UPDATE messages SET sending_at = NULL WHERE id = %(id)s", "was sent and never passed the gate"),
        ("DELETE FROM decisions WHERE message_id = %(id)s", "was sent, and no decision allowed it at that moment"),
        (
            "UPDATE decisions SET outcome = 'block' WHERE message_id = %(id)s",
            "was sent, and no decision allowed it at that moment",
        ),
        (
            "UPDATE messages SET sending_at = sending_at + interval '1 minute' WHERE id = %(id)s",
            "was sent, and no decision allowed it at that moment",
        ),
        (
            "UPDATE decisions SET inputs = inputs || jsonb_build_object('window',"
            " jsonb_build_array(false, at + interval '1 hour', 'window.federal')) WHERE message_id = %(id)s",
            "was allowed outside the hours in which it may be sent",
        ),
        (
            "UPDATE decisions SET inputs = jsonb_set(inputs, '{standing,3}', to_jsonb(at)) WHERE message_id = %(id)s",
            "rests on consent that was over by then",
        ),
        (
            "UPDATE decisions SET consent_event_id = NULL WHERE message_id = %(id)s",
            "was allowed without a consent event",
        ),
        (
            "UPDATE messages SET purpose = 'appointment' WHERE id = %(id)s",
            "has another purpose than the decision that allowed it",
        ),
    ],
)
def test_a_text_that_was_sent_without_what_it_needs_is_found(
    answered: World, database: Database, change: str, what: str
) -> None:
    message = reply(answered)
    with tampering(database.superuser_url) as connection:
        assert connection.execute(change, {"id": message.id}).rowcount == 1

    first = found(answered)

    assert (first.contact_id, first.message_id, first.what) == (message.contact_id, message.id, what)


@pytest.mark.parametrize("state", ["sending", "sent", "delivered", "undelivered", "unknown"])
def test_every_state_after_the_carrier_counts_as_sent(world: World, database: Database, state: str) -> None:
    world.text("Is it still there?")
    world.text("STOP")
    (canceled,) = world.outbound()

    with tampering(database.superuser_url) as connection:
        connection.execute("UPDATE messages SET state = %s WHERE id = %s", (state, canceled.id))

    assert found(world).message_id == canceled.id


AGAIN = """
INSERT INTO decisions
  (id, tenant_id, message_id, contact_id, purpose, at, outcome, rule, consent_event_id, permit_id, inputs, versions)
SELECT gen_random_uuid(), tenant_id, message_id, contact_id, %(purpose)s, at + %(later)s * interval '1 second', 'allow', rule,
       consent_event_id, permit_id, inputs || jsonb_build_object('ledger_seq', %(known)s::int), versions
FROM decisions WHERE message_id = %(id)s ORDER BY at LIMIT 1
"""


def allow_again(
    world: World, database: Database, *, later_s: int, known: int, purpose: str = "reply", message: UUID | None = None
) -> None:
    """As if the gate had let the answer go once more, `later_s` after it did."""
    values = {"id": message or reply(world).id, "later": later_s, "known": known, "purpose": purpose}
    with tampering(database.superuser_url) as connection:
        assert connection.execute(AGAIN, values).rowcount == 1


def test_a_text_that_was_allowed_after_an_opt_out_is_found(answered: World, database: Database) -> None:
    answered.later(seconds=10)
    answered.text("STOP")
    stop = answered.ledger()[1]

    allow_again(answered, database, later_s=60, known=3)

    assert found(answered).what == f"was allowed after the opt-out {stop.id}"


def test_a_gate_that_did_not_look_at_the_opt_out_is_found(answered: World, database: Database) -> None:
    answered.later(seconds=10)
    answered.text("STOP")
    stop = answered.ledger()[1]

    allow_again(answered, database, later_s=60, known=1)

    assert found(answered).what == f"did not heed the opt-out {stop.id}, which had been recorded before"


def test_what_the_ledger_orders_needs_no_clock(world: World, database: Database) -> None:
    """Sent and opted out at one instant: the decision says how much of the ledger it knew."""
    world.clock.freeze()
    world.text("Is it still there?")
    world.drain()
    world.text("STOP")
    assert world.ledger()[1].recorded_at == reply(world).sending_at
    assert isinstance(check(world.runtime, world.home.id), Held)

    allow_again(world, database, later_s=0, known=2)

    assert "was allowed after the opt-out" in found(world).what


def test_a_purpose_that_was_ended_alone_is_heeded(answered: World, database: Database) -> None:
    end = story.append(answered, EventKind.OPT_OUT_PARTIAL, (Purpose.MARKETING, Purpose.INQUIRY))
    allow_again(answered, database, later_s=60, known=2)
    assert isinstance(check(answered.runtime, answered.home.id), Held)

    allow_again(answered, database, later_s=61, known=2, purpose="inquiry")

    assert found(answered).what == f"was allowed after {end} had ended texts of its purpose"


@pytest.mark.parametrize(
    ("kind", "ends", "what"),
    [
        (EventKind.HOLD, EventKind.RESUME, "hold"),
        (EventKind.CARRIER_BLOCK, EventKind.CARRIER_UNBLOCK, "carrier block"),
        (EventKind.RESTRICT, EventKind.UNRESTRICT, "restriction"),
        (EventKind.OPT_OUT, None, "opt-out"),
    ],
)
def test_whatever_stops_texts_is_heeded_until_it_ends(
    answered: World, database: Database, kind: EventKind, ends: EventKind | None, what: str
) -> None:
    stop = story.append(answered, kind)
    if ends is not None:
        story.append(answered, ends)
        allow_again(answered, database, later_s=60, known=3)
        assert isinstance(check(answered.runtime, answered.home.id), Held)

    allow_again(answered, database, later_s=61, known=2)

    assert found(answered).what == f"was allowed after the {what} {stop}"


def test_not_even_a_permit_passes_the_carriers_block(world: World, database: Database) -> None:
    story.answer_words_ourselves(world)
    world.text("HELP")
    world.drain()
    block = story.append(world, EventKind.CARRIER_BLOCK)
    assert isinstance(check(world.runtime, world.home.id), Held)

    allow_again(world, database, later_s=60, known=2, purpose="compliance")

    assert found(world).what == f"was allowed after the carrier block {block}"


def test_a_hold_does_not_stop_what_people_write(answered: World, database: Database) -> None:
    story.append(answered, EventKind.HOLD)
    allow_again(answered, database, later_s=60, known=2)
    with tampering(database.superuser_url) as connection:
        connection.execute("UPDATE messages SET author = 'agent' WHERE direction = 'outbound'")

    assert isinstance(check(answered.runtime, answered.home.id), Held)


@pytest.mark.parametrize(
    ("kind", "basis", "is_enough"),
    [
        (EventKind.OPT_IN, Basis.EXPRESS_WRITTEN, True),
        (EventKind.OPT_IN, Basis.EXPRESS, False),
        (EventKind.START, Basis.EXPRESS, False),
    ],
)
def test_marketing_needs_written_consent(
    world: World, database: Database, kind: EventKind, basis: Basis, is_enough: bool
) -> None:
    world.text("Is it still there?")
    event = story.append(world, kind, (Purpose.MARKETING,), basis)
    world.drain()

    with tampering(database.superuser_url) as connection:
        connection.execute("UPDATE decisions SET purpose = 'marketing', consent_event_id = %s", (event,))
        connection.execute(
            "UPDATE messages SET purpose = 'marketing', consent_event_id = %s WHERE author = 'ai'", (event,)
        )

    if is_enough:
        assert isinstance(check(world.runtime, world.home.id), Held)
    else:
        assert found(world).what == "is marketing and rests on no written consent"


def test_a_state_that_is_not_the_fold_is_found(answered: World, database: Database) -> None:
    with tampering(database.superuser_url) as connection:
        connection.execute("UPDATE contacts SET consent = jsonb_set(consent, '{purposes,reply,0}', '\"opted_in\"')")

    assert found(answered) == Violation(
        story.contact_id(answered), None, 1, "the contact's state is not the fold of its events"
    )


def test_a_gap_in_a_ledger_is_found(answered: World, database: Database) -> None:
    with tampering(database.superuser_url) as connection:
        connection.execute("UPDATE consent_events SET seq = 7")

    assert {one.what for one in checks(answered.runtime, answered.home.id) if isinstance(one, Violation)} == {
        "the contact's ledger has a gap"
    }


def test_one_question_can_be_answered_twice_without_a_finding_when_the_carrier_was_busy(world: World) -> None:
    """The first try was allowed and never processed; the second one was sent."""
    world.carrier.outcomes = [story.busy()]
    world.text("Is it still there?")
    world.drain()
    world.later(seconds=60)
    world.drain()

    assert check(world.runtime, world.home.id) == Held(contacts=1, events=1, decisions=2, sent=1)


# ---- the command -----------------------------------------------------------------------------------------------------


def test_the_confirmation_of_a_stop_may_leave_after_they_said_so_again(world: World) -> None:
    world.text("please stop texting me")
    world.text("I said stop")
    world.drain()

    assert len(world.carrier.accepted) == 1
    assert isinstance(check(world.runtime, world.home.id), Held)


def test_the_command_counts_what_it_held_against_the_ledger(in_world: Command, answered: World) -> None:
    done = in_world("consent", "check")

    assert (done.code, done.err) == (0, "")
    assert done.out == (
        f"{answered.home.id} (Lakeside Realty) ok: 1 contacts, 1 events, 1 decisions that allowed a text, 1 texts sent\n"
    )


def test_the_command_names_the_first_violation(in_world: Command, answered: World, database: Database) -> None:
    message = reply(answered)
    with tampering(database.superuser_url) as connection:
        connection.execute("UPDATE messages SET consent_event_id = NULL WHERE id = %s", (message.id,))

    done = in_world("consent", "check", "--tenant", str(answered.home.id))

    assert (done.code, LEAD in done.out) == (1, False)
    assert done.out == (
        f"{answered.home.id} (Lakeside Realty) violation: contact {message.contact_id}, message {message.id}:"
        " was sent without a consent event\n"
    )
