"""A wish to be contacted is none; the same words with a negation are an opt-out."""

from __future__ import annotations

import pytest

from consent.words import Verdict, judge

WELCOME = """
I'd like to get more info
I want to hear more
I want to get a quote
I want to receive the brochure
I would like to get a call
I'd like to be contacted
I asked to be contacted tomorrow
I want to talk to a real person
I want to speak to an agent
would like to hear back today
please ask her to text me
I asked you to text me the address
I want to be on your list for new homes
I'd prefer you text me
""".strip().splitlines()

UNWELCOME = """
I'd rather you didn't text me
I would appreciate it if you would not contact me
I asked not to be contacted
I'd prefer not to get these
I want you to not text me
I'd like to not receive these
would prefer that you never contact me again
I told you not to message me
""".strip().splitlines()


@pytest.mark.parametrize("text", WELCOME)
def test_a_wish_to_be_contacted_is_no_opt_out(text: str) -> None:
    assert judge(text).verdict is Verdict.NONE


@pytest.mark.parametrize("text", UNWELCOME)
def test_a_wish_not_to_be_contacted_is_an_opt_out(text: str) -> None:
    assert judge(text).verdict is Verdict.OPT_OUT
