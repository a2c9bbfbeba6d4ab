"""Named places where a test can kill, delay or fail a process: `SMSBOT_FAILPOINTS=name=kill,other=sleep:0.5`.

`SMSBOT_FAILPOINTS_FOLDER` names a folder instead: a file in it that is called like a place holds the action, and the
first process to get there takes the file, so that it happens once and whoever is started anew lives on.

Nothing happens, at the cost of one look into an empty table, unless a variable is set; production refuses both.
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

from smsbot.errors import ConfigurationError, SmsbotError

VARIABLE = "SMSBOT_FAILPOINTS"
FOLDER_VARIABLE = "SMSBOT_FAILPOINTS_FOLDER"


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
FOLDER = os.environ.get(FOLDER_VARIABLE) or None


def failpoint(name: str) -> None:
    """Do what the test asked for at this place, if anything."""
    if name in ACTIVE:
        _act(name, *ACTIVE[name])
    elif FOLDER is not None:
        for taken, point in taken_from(Path(FOLDER), name).items():
            _act(taken, *point)


def taken_from(folder: Path, name: str) -> dict[str, tuple[str, float, float]]:
    """What is laid out for this place, taken away; empty when nothing is, or somebody else was quicker."""
    try:
        asked = (folder / name).read_text(encoding="ascii")
        (folder / name).unlink()
    except FileNotFoundError:
        return {}
    return _parsed(f"{name}={asked}")


def _act(name: str, action: str, argument: float, probability: float) -> None:
    if random.random() >= probability:
        return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "sleep":
        time.sleep(argument)
    else:
        raise FailpointRaised(name)
