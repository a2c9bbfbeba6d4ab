"""Who answers STOP, HELP and START in every sender set-up, what the ledger says afterwards, and what never leaves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from consent.ledger import state_of
from consent.models import Permit
from consent.purposes import RESTORED_BY_START, Purpose, Reason
from consent.state import Basis, Overall, PurposeState
from conversations.models import Kind, State, Task
from smsbot.tenancy import OptOutHandling, SenderType, Tenant
from tests.edge.posts import OPT_OUT, SERVICE, THEIRS, Carrier, carrier, stored
from tests.world import World

TABLE = stored("expected_opt_out")
OURS, TWILIO, ADVANCED = OptOutHandling.OURS, OptOutHandling.TWILIO, OptOutHandling.ADVANCED
SET_UPS = [(sender, handling) for sender in SenderType for handling in OptOutHandling]
TWILIO_GROUPS = {SenderType.TOLL_FREE: "T", SenderType.SHORT_CODE: "S"}
OPTED_OUT = (State.BLOCKED, Reason.OPTED_OUT)


def group(sender: SenderType, handling: OptOutHandling) -> str:
    if handling is TWILIO:
        return TWILIO_GROUPS.get(sender, "A")
    return "V" if handling is ADVANCED else "O"


def as_sent(name: str, sender: SenderType, handling: OptOutHandling) -> dict[str, str]:
    """The fixture as this set-up would send it: OptOutType with Advanced Opt-Out only."""
    form = {key: value for key, value in OPT_OUT[name].items() if key != "OptOutType"}
    kind = TABLE["advanced_words"].get(form["Body"].strip().upper())
    if handling is not ADVANCED or kind is None or (form["Body"] == "YES" and sender is SenderType.TOLL_FREE):
        return form
    return {**form, "OptOutType": kind}


def expected(name: str, sender: SenderType, form: dict[str, str], handling: OptOutHandling) -> list[Any]:
    wanted = group(sender, handling)
    if handling is ADVANCED and form["Body"] == "YES" and "OptOutType" not in form:
        wanted = "T"  # on a toll-free number YES is no keyword of the carrier's
    (row,) = [row for groups, row in TABLE["cases"][name].items() if wanted in groups.split()]
    return list(row)


@pytest.mark.parametrize(("sender", "handling"), SET_UPS, ids=lambda value: value.value)
def test_each_word_is_answered_by_one_side_in_every_set_up(
    world: World, sender: SenderType, handling: OptOutHandling
) -> None:
    edge = carrier(world, sender_type=sender, handling=handling)
    forms = {
        name: {**as_sent(name, sender, handling), "From": f"+1628555{100 + at:04d}"} for at, name in enumerate(OPT_OUT)
    }
    for form in forms.values():
        assert edge.post(form) == 200
    edge.drain()

    found, wanted = {}, {}
    for name, form in forms.items():
        outcome = edge.outcome(form["MessageSid"])
        found[name] = [outcome.ledger, outcome.answer, outcome.reason, outcome.tasks]
        wanted[name] = expected(name, sender, form, handling)
        assert len(edge.to(form["From"])) == (0 if outcome.answer == "none" else 1)
    assert found == wanted
    assert len(found) == 26
    assert world.verified(of=edge.business)


@pytest.mark.parametrize("handling", [TWILIO, OURS], ids=lambda value: value.value)
@pytest.mark.parametrize("name", [name for name, form in OPT_OUT.items() if "OptOutType" in form])
def test_an_opt_out_type_wins_over_the_set_up_that_we_know(world: World, name: str, handling: OptOutHandling) -> None:
    edge = carrier(world, sender_type=SenderType.SHORT_CODE, handling=handling)
    edge.post(OPT_OUT[name])
    edge.drain()

    outcome = edge.outcome(OPT_OUT[name]["MessageSid"])
    assert (outcome.answer, outcome.reason, outcome.method) == ("none", "CARRIER_ANSWERS", "twilio_aoo")
    assert world.carrier.attempts == 0


# ---- repeats and sequences -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("handling", "confirmations"), [(OURS, 1), (TWILIO, 0)])
def test_two_stops_are_two_events_and_one_confirmation(
    world: World, handling: OptOutHandling, confirmations: int
) -> None:
    edge = carrier(world, handling=handling)
    edge.says("STOP")
    edge.says("STOP")
    edge.drain()
    edge.says("stop!")
    edge.drain()

    assert edge.kinds().count("opt_out") == 3
    assert len(edge.to(THEIRS)) == confirmations
    assert edge.kinds().count("carrier_block") == (1 if handling is TWILIO else 0)
    assert world.verified(of=edge.business)


def test_a_repeated_stop_with_the_same_sid_is_neither_a_second_event_nor_a_second_confirmation(world: World) -> None:
    edge = carrier(world, handling=OURS)
    for _ in range(3):
        edge.post(OPT_OUT["default_stop_no_type"])
        edge.drain()

    assert edge.kinds() == ["opt_out"]
    assert len(edge.to(THEIRS)) == 1


@pytest.mark.parametrize(
    ("word", "handling", "texts"),
    [("STOP", OURS, 1), ("HELP", OURS, 1), ("STOP", TWILIO, 0), ("HELP", TWILIO, 0), ("START", TWILIO, 0)],
)
def test_a_number_never_seen_gets_its_answer(world: World, word: str, handling: OptOutHandling, texts: int) -> None:
    edge = carrier(world, handling=handling)
    sid = edge.says(word)
    edge.drain()

    assert len(edge.to(THEIRS)) == texts
    assert edge.outcome(sid).reason == (None if texts else "CARRIER_ANSWERS")
    assert state_of(world.contact(THEIRS, of=edge.business)).overall(world.clock.now()) is (
        Overall.OPTED_OUT if word == "STOP" else Overall.UNKNOWN
    )


def test_help_after_stop_is_answered_once_per_help_where_we_answer(world: World) -> None:
    edge = carrier(world, handling=OURS)
    edge.says("STOP")
    edge.drain()
    for _ in range(2):
        edge.says("HELP")
        edge.drain()

    confirmation, *helps = edge.to(THEIRS)
    assert len(helps) == 2
    assert all("unsubscribed" in body and "START" in body for body in (confirmation, *helps))
    assert edge.kinds() == ["opt_out", "help", "help"]


@pytest.mark.parametrize("handling", [TWILIO, ADVANCED], ids=lambda value: value.value)
def test_help_after_stop_is_never_answered_where_the_carrier_does(world: World, handling: OptOutHandling) -> None:
    edge = carrier(world, handling=handling)
    extra = {"OptOutType": "HELP"} if handling is ADVANCED else {}
    edge.post(OPT_OUT["stop_advanced" if handling is ADVANCED else "default_stop_no_type"])
    edge.says("HELP", **extra)
    edge.says("HELP", **extra)
    edge.drain()

    assert world.carrier.attempts == 0
    assert edge.kinds() == ["opt_out", "carrier_block", "help", "help"]


@pytest.mark.parametrize("word", ["YES", "yes", "Yes "])
def test_yes_of_an_opted_out_person_lifts_only_the_carriers_block(world: World, word: str) -> None:
    edge = carrier(world)
    edge.says("STOP")
    sid = edge.says(word)
    allowed = edge.put("Shall we say 11?", purpose=Purpose.INQUIRY)
    edge.drain()

    state = state_of(world.contact(THEIRS, of=edge.business))
    assert edge.kinds() == ["opt_out", "carrier_block", "carrier_unblock"]
    assert (state.overall(world.clock.now()), state.carrier_blocked) == (Overall.OPTED_OUT, None)
    outcome = edge.outcome(sid)
    assert (outcome.answer, outcome.reason, outcome.tasks) == ("none", "OPTED_OUT", ["opted_out_wrote"])
    assert (edge.message(allowed).state, edge.message(allowed).reason) == OPTED_OUT
    assert world.carrier.attempts == 0


def test_yes_of_an_opted_out_person_lifts_nothing_on_a_toll_free_number(world: World) -> None:
    edge = carrier(world, sender_type=SenderType.TOLL_FREE)
    edge.says("STOP")
    sid = edge.says("YES")
    edge.drain()

    assert edge.kinds() == ["opt_out", "carrier_block"]
    assert edge.outcome(sid).tasks == ["opted_out_wrote"]
    assert world.carrier.attempts == 0


@pytest.mark.parametrize("handling", list(OptOutHandling), ids=lambda value: value.value)
@pytest.mark.parametrize("word", ["START", "UNSTOP"])
def test_start_restores_everything_but_marketing(world: World, handling: OptOutHandling, word: str) -> None:
    edge = carrier(world, handling=handling)
    edge.says("Hi")
    edge.agree(purposes=(Purpose.MARKETING,), basis=Basis.EXPRESS_WRITTEN)
    edge.says("STOP", **({"OptOutType": "STOP"} if handling is ADVANCED else {}))
    edge.drain()
    before = len(edge.to(THEIRS))
    edge.says(word, **({"OptOutType": "START"} if handling is ADVANCED else {}))
    edge.drain()

    state = state_of(world.contact(THEIRS, of=edge.business))
    assert {purpose: standing.state for purpose, standing in state.purposes.items()} == {
        **dict.fromkeys(RESTORED_BY_START, PurposeState.OPTED_IN),
        Purpose.MARKETING: PurposeState.OPTED_OUT,
    }
    assert (state.opted_out, state.carrier_blocked) == (None, None)
    ids = {purpose: edge.put("x", purpose=purpose) for purpose in (Purpose.APPOINTMENT, Purpose.MARKETING)}
    edge.drain()
    assert edge.message(ids[Purpose.APPOINTMENT]).state is State.SENT
    assert (edge.message(ids[Purpose.MARKETING]).state, edge.message(ids[Purpose.MARKETING]).reason) == OPTED_OUT
    confirmations = [m for m in edge.outbound() if m.kind is Kind.OPT_IN_CONFIRMATION]
    assert [m.state for m in confirmations] == ([State.SENT] if handling is OURS else [])
    assert len(edge.to(THEIRS)) == before + len(confirmations) + 1


def test_after_stop_nothing_reaches_the_carrier_but_its_confirmation(world: World) -> None:
    edge = carrier(world, handling=OURS)
    edge.says("Is the 2019 Civic still available?")
    edge.agree()
    waiting = edge.put("Reminder: tomorrow at 11.", in_s=7_200)
    edge.says("STOP")
    for body in ("Is it still there?", "thanks", "ok", "Call me", "YES"):
        edge.says(body)
    late = edge.put("One more.")
    edge.drain()
    world.later(hours=4)
    edge.drain()

    assert len(edge.to(THEIRS)) == 1
    assert (edge.message(waiting).state, edge.message(waiting).reason) == (State.CANCELED, Reason.OPTED_OUT)
    assert (edge.message(late).state, edge.message(late).reason) == OPTED_OUT


def test_stop_counts_and_is_confirmed_while_the_tenant_is_paused_and_its_sending_is_stopped(world: World) -> None:
    edge = carrier(world, handling=OURS)
    now = world.clock.now()
    with world.runtime.transaction(edge.business.id) as session:
        session.execute(
            update(Tenant).where(Tenant.id == edge.business.id).values(paused_at=now, sending_stopped_at=now)
        )
    question = edge.says("Is the 2019 Civic still available?")
    edge.drain()
    edge.says("STOP")
    edge.says("HELP")
    edge.drain()

    assert edge.outcome(question).answer == "none"
    assert edge.kinds() == ["inquiry", "opt_out", "help"]
    assert [m.kind for m in edge.outbound() if m.state is State.SENT] == [Kind.OPT_OUT_CONFIRMATION, Kind.HELP]


@pytest.mark.parametrize(("late_s", "sent"), [(290, True), (300, False), (86_400, False)])
def test_a_confirmation_later_than_five_minutes_is_not_sent_and_says_stale(
    world: World, late_s: float, sent: bool
) -> None:
    edge = carrier(world, handling=OURS)
    edge.says("STOP")
    world.later(seconds=late_s)
    edge.drain()

    (confirmation,) = edge.outbound()
    assert (confirmation.state, confirmation.reason) == (
        (State.SENT, None) if sent else (State.BLOCKED, Reason.STALE.value)
    )
    assert edge.kinds() == ["opt_out"]


def test_a_confirmation_uses_up_its_permit_and_a_second_text_on_it_is_blocked(world: World) -> None:
    edge = carrier(world, handling=OURS)
    edge.says("STOP")
    edge.drain()
    (confirmation,) = edge.outbound()
    second_id = edge.put("You are unsubscribed.", purpose=Purpose.COMPLIANCE, permit_id=confirmation.permit_id)
    edge.drain()

    (permit,) = world.rows(Permit, of=edge.business)
    assert (permit.event_id, permit.used_by) == (edge.ledger()[0].id, confirmation.id)
    assert (edge.message(second_id).state, edge.message(second_id).reason) == OPTED_OUT
    assert len(edge.to(THEIRS)) == 1


def test_stop_on_one_number_silences_every_number_of_the_tenant_and_no_other_tenant(world: World) -> None:
    edge = carrier(world, handling=OURS)
    second = add_number(edge, "+14155550124")
    stranger = carrier(
        world, number="+12125550105", account_sid="AC" + "2" * 32, service_sid=None, brand="Prairie Motors"
    )
    for each in (edge, second, stranger):
        each.says("Hi")
    edge.says("STOP")
    sid = second.says("Is the 2019 Civic still available?")
    edge.drain()

    assert second.outcome(sid).reason == "OPTED_OUT"
    assert sorted(sms.sender for sms in world.carrier.accepted) == sorted(
        [edge.business.number, stranger.business.number]
    )


def add_number(edge: Carrier, number: str) -> Carrier:
    """Another number of the same tenant."""
    number_id = edge.world.add_number(edge.business, number, handling=OURS)
    return Carrier(edge.world, replace(edge.business, number=number, number_id=number_id, service_sid=SERVICE))


@pytest.mark.parametrize("sender", ["rcs:+14155550100", "whatsapp:+14155550100"])
def test_stop_on_another_channel_is_in_the_ledger_and_nothing_leaves(world: World, sender: str) -> None:
    edge = carrier(world, handling=OURS)
    sid = edge.says("STOP", sender)
    edge.drain()

    assert edge.outcome(sid).ledger == ["opt_out"]
    assert world.carrier.attempts == 0
    assert state_of(world.contact(sender.split(":")[1], of=edge.business)).opted_out is not None


def test_stop_as_the_words_of_a_picture_and_in_a_long_text_counts(world: World) -> None:
    edge = carrier(world)
    edge.post({**OPT_OUT["default_stop_no_type"], "NumMedia": "1", "MediaUrl0": "https://api.twilio.com/x"})
    edge.drain()

    assert edge.kinds() == ["opt_out", "carrier_block"]


@pytest.mark.parametrize("word", ["CANCEL", "END", "QUIT"])
def test_a_word_that_may_mean_an_appointment_opts_out_and_asks_a_person_to_check(world: World, word: str) -> None:
    edge = carrier(world, handling=OURS)
    edge.says(word)
    edge.says(word)
    edge.drain()

    with world.runtime.transaction(edge.business.id) as session:
        tasks = session.scalars(select(Task.kind)).all()
    assert tasks == ["check_appointment", "check_appointment"]  # one for each of their texts
    assert edge.kinds() == ["opt_out", "opt_out"]
    assert len(edge.to(THEIRS)) == 1
