"""What counts as a text that came after the answer to a STOP."""

from __future__ import annotations

from tests.races.storm import late_replies


def test_the_count_sees_a_text_that_was_taken_after_the_stop_was_answered() -> None:
    taken = [("+13125550101", "early", 1.0), ("+13125550101", "late", 3.0), ("+13125550101", "bye", 3.1)]

    assert late_replies(taken, {"+13125550101": 2.0}, frozenset({"bye"})) == [("+13125550101", "late")]
    assert late_replies(taken, {}, frozenset()) == []
