"""A process that stores texts from many threads and prints the id of each as soon as it is acknowledged."""

from __future__ import annotations

import json
import secrets
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from conversations.accepting import Accepting
from conversations.inbound import InboundText
from smsbot.accounts import SharedLookUps
from smsbot.bell import NoBell
from smsbot.clock import SystemClock
from smsbot.crypto import Keyring
from smsbot.database import database_engine
from smsbot.phone import address
from smsbot.runtime import Runtime
from smsbot.settings import Settings, sqlalchemy_url

TEXTS, THREADS = 200, 24


def main() -> None:
    asked = json.load(sys.stdin)
    key = bytes.fromhex(asked["key"])
    settings = Settings(
        home=Path("."), secret_key=secrets.token_urlsafe(48), encryption_keys=(key,), database_url=asked["url"]
    )
    engine = database_engine(sqlalchemy_url(asked["url"]), pool_size=8)
    runtime = Runtime(settings, SystemClock(), engine, NoBell(), Keyring((key,)))
    (found,) = SharedLookUps(runtime).candidates(asked["account"], asked["number"], None)
    accepting = Accepting(runtime)

    def accept(number: int) -> None:
        sid = f"SM{number:032x}"
        person = f"+1312555{1000 + number:04d}"
        text = InboundText(sid, address(person), address(asked["number"]), "Is 412 Maple still available?")
        accepting.accept(found.recipient, text)
        sys.stdout.write(sid + "\n")
        sys.stdout.flush()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(accept, range(asked["first"], asked["first"] + TEXTS)))


if __name__ == "__main__":
    main()
