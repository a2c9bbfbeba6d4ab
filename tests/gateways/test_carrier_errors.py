"""Each of Twilio's codes asks for exactly one thing, written down beside it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsbot.errors import OutcomeUnknown, PermanentSendFailure, RecipientOptedOut, SendFailed, TemporarySendFailure
from smsbot.gateways.carrier_errors import ACTIONS, Action, action_for, failure_for

EXPECTED = {
    int(code): expected
    for code, expected in json.loads(Path(__file__).with_name("expected_actions.json").read_text()).items()
    if code != "source"
}


def test_the_table_and_the_expectations_name_the_same_78_codes() -> None:
    assert set(EXPECTED) == set(ACTIONS)
    assert len(ACTIONS) == 78


@pytest.mark.parametrize("code", sorted(EXPECTED))
def test_a_code_asks_for_what_is_written_down(code: int) -> None:
    known = action_for(code)

    assert [known.action.value, known.delay_s, known.max_tries] == EXPECTED[code]
    assert known.message


@pytest.mark.parametrize("code", sorted(EXPECTED))
def test_only_what_may_be_repeated_has_a_delay_and_tries(code: int) -> None:
    known = action_for(code)
    repeats = known.action in (Action.RETRY_LATER, Action.THROTTLE)

    assert (known.delay_s > 0, known.max_tries > 0) == (repeats, repeats)


@pytest.mark.parametrize(
    ("code", "status", "action"),
    [
        (99999, None, Action.PERMANENT),
        (None, None, Action.PERMANENT),
        (99999, 400, Action.PERMANENT),
        (99999, 418, Action.PERMANENT),
        (99999, 500, Action.AMBIGUOUS),
        (None, 502, Action.AMBIGUOUS),
        (None, 302, Action.AMBIGUOUS),
        (None, 401, Action.CONFIG),
        (99999, 403, Action.CONFIG),
        (None, 404, Action.PERMANENT),
        (None, 429, Action.THROTTLE),
    ],
)
def test_an_unknown_code_is_judged_by_its_status(code: int | None, status: int | None, action: Action) -> None:
    assert action_for(code, status).action is action


@pytest.mark.parametrize(
    ("status", "code", "failure", "kept_code"),
    [
        (400, 21610, RecipientOptedOut, 21610),
        (400, 21211, PermanentSendFailure, 21211),
        (400, 21614, PermanentSendFailure, 21614),
        (400, 21617, PermanentSendFailure, 21617),
        (400, 99999, PermanentSendFailure, 99999),
        (400, None, PermanentSendFailure, None),
        (401, 20003, PermanentSendFailure, 20003),
        (401, None, PermanentSendFailure, 20003),
        (403, None, PermanentSendFailure, 20403),
        (404, 20404, PermanentSendFailure, 20404),
        (400, 21611, TemporarySendFailure, 21611),
        (400, 63038, TemporarySendFailure, 63038),
        (429, 20429, TemporarySendFailure, 20429),
        (429, None, TemporarySendFailure, 20429),
        (429, 63038, TemporarySendFailure, 63038),
        (408, None, OutcomeUnknown, None),
        (500, 20500, OutcomeUnknown, 20500),
        (500, 21610, OutcomeUnknown, 21610),
        (503, None, OutcomeUnknown, None),
        (302, None, OutcomeUnknown, None),
    ],
)
def test_a_refused_request_is_translated_once(
    status: int, code: int | None, failure: type[SendFailed], kept_code: int | None
) -> None:
    error = failure_for(status, code)

    assert (type(error), error.code) == (failure, kept_code)


def test_a_throttle_waits_as_long_as_the_carrier_says_else_as_the_table_says() -> None:
    asked, unasked = failure_for(429, 20429, 7.5), failure_for(400, 21611)

    assert isinstance(asked, TemporarySendFailure)
    assert isinstance(unasked, TemporarySendFailure)
    assert (asked.retry_after_s, unasked.retry_after_s) == (7.5, 600)


@given(st.integers(100, 599), st.none() | st.integers(0, 99_999))
def test_a_server_error_is_never_called_safe_to_repeat(status: int, code: int | None) -> None:
    error = failure_for(status, code)

    assert isinstance(error, OutcomeUnknown) or 400 <= status < 500


@pytest.mark.parametrize("code", [30023, 30027])
@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(2026, 11, 20, 12, tzinfo=UTC), datetime(2026, 11, 21, 8, tzinfo=UTC)),
        (datetime(2026, 11, 21, 7, 59, tzinfo=UTC), datetime(2026, 11, 21, 8, tzinfo=UTC)),
        (datetime(2026, 7, 1, 12, tzinfo=UTC), datetime(2026, 7, 2, 7, tzinfo=UTC)),
        (datetime(2026, 11, 1, 8, tzinfo=UTC), datetime(2026, 11, 2, 8, tzinfo=UTC)),  # clocks go back: 25 hours
    ],
)
def test_a_daily_cap_ends_at_midnight_pacific_time(code: int, at: datetime, expected: datetime) -> None:
    assert action_for(code).not_before(at) == expected


def test_an_unreachable_handset_is_tried_once_an_hour_later() -> None:
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)

    assert action_for(30003).not_before(at) == at + timedelta(hours=1)
    assert action_for(30003).max_tries == 1
