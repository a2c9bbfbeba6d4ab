"""Named places where a test can kill, delay or fail a process: `SMSBOT_FAILPOINTS=name=kill,other=sleep:0.5`.

Nothing happens, at the cost of one look into an empty table, unless the variable is set; production refuses it.
"""

from __future__ import annotations

import os
import random
import signal
import time

from smsbot.errors import ConfigurationError, SmsbotError

VARIABLE = "SMSBOT_FAILPOINTS"


class FailpointRaised(SmsbotError):
    """The error that a failpoint of action `raise` raises."""


def _parsed(text: str) -> dict[str, tuple[str, float, float]]:
    """`name=action[:argument][@probability]`, comma separated, as {name: (action, argument, probability)}."""
    points = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, _, rest = part.partition("=")
        rest, _, probability = rest.partition("@")
        action, _, argument = rest.partition(":")
        if action not in ("kill", "sleep", "raise"):
            raise ConfigurationError(f"{VARIABLE}: {name} has an unknown action, use kill, sleep:SECONDS or raise")
        points[name] = (action, float(argument or 0), float(probability or 1))
    return points


ACTIVE = _parsed(os.environ.get(VARIABLE, ""))


def failpoint(name: str) -> None:
    """Do what the test asked for at this place, if anything."""
    if not ACTIVE or name not in ACTIVE:
        return
    action, argument, probability = ACTIVE[name]
    if random.random() >= probability:
        return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "sleep":
        time.sleep(argument)
    else:
        raise FailpointRaised(name)
