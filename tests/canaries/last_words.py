"""The last text of every World: all canaries at once, into whatever state a test has left behind."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence

from tests.canaries.watch import CARD, MARKED_ANSWER, MARKED_WORDS, SSN, WATCH
from tests.world import World

MOST = 50  # rows of work: a storm's own leftovers are not for now
TEXT = f"{MARKED_WORDS}, my ssn is {SSN} and my card {CARD}"
LEAD = "+13125550198"


def last_words(world: World) -> None:
    """Send the text and do what it brings about. How the product takes it is no matter here, what it keeps is."""
    world.carrier.before = world.carrier.while_listing = None  # a test's own barriers: nobody comes any more
    world.model.answers[:] = [_repeats] * 4
    home = world.home
    form = {"MessageSid": world.sid(), "AccountSid": home.account_sid, "From": LEAD, "To": home.number, "Body": TEXT}
    status = world.post("/webhooks/twilio/sms", form, token=home.token).status_code
    WATCH.counts["marked texts"] += 1
    WATCH.counts["marked texts accepted"] += status == 200
    with contextlib.suppress(Exception):  # a broken database, carrier or model is part of what is looked at
        world.drain(most=MOST)


def _repeats(messages: Sequence[Mapping[str, str]]) -> str:
    """A model that says everything back."""
    answer = {"action": "reply", "text": f"{MARKED_ANSWER}: {SSN}, {CARD}", "language": "en", "facts_used": []}
    return json.dumps({**answer, "handoff_reason": None, "field_notes": []})
