"""What to do about an inbound text before any model sees it: consent words, machines, holds, or an answer. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from consent.holidays import WEEKDAYS
from consent.preferred_times import PreferredTimes
from consent.purposes import Purpose, Reason
from consent.state import ConsentState
from consent.words import CarrierWord, Judgement, MachineText, Scope, Verdict, WordContext


class Step(StrEnum):
    OPT_OUT = "opt_out"
    OPT_OUT_PARTIAL = "opt_out_partial"
    START = "start"  # an opted-out person comes back
    OPT_IN = "opt_in"  # yes to an open question
    HELP = "help"
    HOLD = "hold"
    SILENT = "silent"
    REPLY = "reply"


@dataclass(frozen=True, slots=True)
class Course:
    """What follows from the text. `answer` is whether we owe a compliance text, `reason` why nothing is said."""

    step: Step
    answer: bool = False
    reason: Reason | None = None
    by_carrier: bool = False  # the carrier acted on this word itself: it blocked, unblocked or answered
    purposes: tuple[Purpose, ...] = ()
    resumes: bool = False  # a clear new text ends a hold
    for_staff: str | None = None  # the kind of task that a person gets


MACHINE_REASONS = {
    MachineText.REACTION: Reason.REACTION,
    MachineText.AUTO_REPLY: Reason.AUTO_REPLY,
    MachineText.OTP: Reason.OTP,
}
CATEGORY_WORDS = frozenset({"stop", "quit", "end", "cancel", "unsubscribe"})  # "stop all" and "revoke" say more
WELCOMES = ("start", "unstop")  # the words that end a hold by rule; anything else takes a second look or a person


def word_context(state: ConsentState) -> WordContext:
    """How YES and START are to be read."""
    if state.opted_out or state.carrier_blocked:
        return WordContext.OPTED_OUT
    return WordContext.PENDING_OPT_IN if state.pending else WordContext.ACTIVE


def course_of(
    body: str,
    *,
    state: ConsentState,
    judgement: Judgement,
    carrier_word: CarrierWord | None,
    machine: MachineText | None,
    wants_person: bool,
    textable: bool,
    told: bool = False,
) -> Course:
    """The one course for this text. `carrier_word` is set only where the carrier itself handles the word.

    `told`: the carrier named the word in its request (OptOutType), instead of our knowing what it does by default.
    """
    if carrier_word is CarrierWord.STOP:
        return Course(Step.OPT_OUT, by_carrier=True, reason=Reason.CARRIER_ANSWERS, for_staff=_checks(judgement))
    if carrier_word is CarrierWord.HELP:
        return Course(Step.HELP, by_carrier=True, reason=Reason.CARRIER_ANSWERS)
    if carrier_word is CarrierWord.START:
        return _carrier_start(body, state, textable, told)
    if machine is not None:
        return Course(Step.SILENT, reason=MACHINE_REASONS[machine])
    match judgement.verdict:
        case Verdict.OPT_OUT:
            return _opt_out(state, judgement, textable)
        case Verdict.OPT_IN if state.opted_out or state.carrier_blocked:
            return Course(Step.START, answer=textable, reason=None if textable else Reason.INVALID_NUMBER)
        case Verdict.OPT_IN if state.pending:
            return Course(Step.OPT_IN, answer=textable, reason=None if textable else Reason.INVALID_NUMBER)
        case Verdict.HELP if not wants_person:
            return Course(Step.HELP, answer=textable, reason=None if textable else Reason.INVALID_NUMBER)
        case Verdict.AMBIGUOUS if not state.opted_out:
            return Course(Step.HOLD, reason=Reason.HELD)
        case _:
            return _conversation(body, state, textable)


def _checks(judgement: Judgement) -> str | None:
    """A bare CANCEL, END or QUIT may have been meant for an appointment too (C-022)."""
    return "check_appointment" if "bare_cancel" in judgement.tags else None


def _carrier_start(body: str, state: ConsentState, textable: bool, told: bool) -> Course:
    bare_yes = body.strip().casefold() == "yes"
    if state.pending and not state.opted_out:
        return Course(Step.OPT_IN, by_carrier=True, reason=Reason.CARRIER_ANSWERS)
    if state.opted_out and bare_yes:
        # C-029: the carrier has lifted its own block; our ledger decides, and a yes to nobody's question is no opt-in.
        return Course(Step.SILENT, by_carrier=True, reason=Reason.OPTED_OUT, for_staff="opted_out_wrote")
    if state.opted_out or ((state.held or state.carrier_blocked) and not bare_yes):
        return Course(Step.START, by_carrier=True, reason=Reason.CARRIER_ANSWERS)
    if bare_yes and told:
        # C-013: the carrier has answered, so that nothing of ours may follow; what they said yes to is for a person.
        return Course(Step.SILENT, by_carrier=True, reason=Reason.CARRIER_ANSWERS, for_staff="unanswerable")
    if bare_yes:
        return _conversation(body, state, textable)  # an answer to what was asked
    if told:
        return Course(Step.START, by_carrier=True, reason=Reason.CARRIER_ANSWERS)  # C-012: recorded, whoever wrote it
    return Course(Step.SILENT, by_carrier=True, reason=Reason.CARRIER_ANSWERS)


def _opt_out(state: ConsentState, judgement: Judgement, textable: bool) -> Course:
    if judgement.scope is Scope.PARTIAL and "partial:marketing" in judgement.tags and not state.opted_out:
        return Course(Step.OPT_OUT_PARTIAL, purposes=(Purpose.MARKETING,), reason=None)
    # C-018: a second STOP is recorded again and confirmed once; one on a channel that we do not answer on, never.
    confirm = textable and not state.opted_out
    silence = Reason.OPTED_OUT if state.opted_out else Reason.INVALID_NUMBER
    return Course(Step.OPT_OUT, answer=confirm, reason=None if confirm else silence, for_staff=_checks(judgement))


def _conversation(body: str, state: ConsentState, textable: bool) -> Course:
    if state.opted_out:
        return Course(Step.SILENT, reason=Reason.OPTED_OUT, for_staff="opted_out_wrote")
    if not textable:
        return Course(Step.SILENT, reason=Reason.INVALID_NUMBER, for_staff="unanswerable")
    if state.carrier_blocked:
        # Nothing of ours arrives there: a person calls, or they text START.
        return Course(Step.SILENT, reason=Reason.CARRIER_BLOCKED, for_staff="opted_out_wrote")
    if state.held:
        if body.strip().casefold() in WELCOMES:
            return Course(Step.REPLY, resumes=True)
        # However long it is, what the rules do not know is no clear word: the second look takes all texts together.
        return Course(Step.HOLD, reason=Reason.HELD)
    return Course(Step.REPLY)


def course_by_category(course: Course, judgement: Judgement, *, last_purpose: Purpose | None) -> Course:
    """The course where the tenant has chosen that a STOP ends what it answers (FCC 24-24, 26-67).

    A bare keyword after a marketing text ends marketing; what is said in so many words, what the carrier acts on
    itself, and a keyword after anything else ends everything.
    """
    bare = judgement.keyword is not None and judgement.keyword.casefold() in CATEGORY_WORDS
    if course.step is Step.OPT_OUT and not course.by_carrier and bare and last_purpose is Purpose.MARKETING:
        return Course(Step.OPT_OUT_PARTIAL, answer=course.answer, purposes=(Purpose.MARKETING,), reason=course.reason)
    return course


def hours_of(wish: PreferredTimes) -> dict[str, list[str] | None]:
    """The wish as hours of each weekday, as `consent.quiet_hours.hours_from` reads them. A span over midnight opens
    until the day ends: nothing may leave after midnight anyway."""
    opens = f"{wish.opens:%H:%M}" if wish.opens else "00:00"
    closes = f"{wish.closes:%H:%M}" if wish.closes and (not wish.opens or wish.opens < wish.closes) else "24:00"
    days = wish.days if wish.days is not None else frozenset(range(len(WEEKDAYS)))
    return {name: [opens, closes] if day in days else None for day, name in enumerate(WEEKDAYS)}


def course_of_late(course: Course, state: ConsentState, at: datetime) -> Course:
    """The course of a text that was written at `at` and found later: it undoes nothing that was said after it."""
    if course.step in (Step.START, Step.OPT_IN) and state.opted_out and at <= state.opted_out.since:
        return Course(Step.SILENT, reason=Reason.OPTED_OUT, for_staff="opted_out_wrote")
    if state.held and at <= state.held.since and (course.resumes or course.step in (Step.START, Step.OPT_IN)):
        return Course(Step.SILENT, reason=Reason.HELD)
    return course
