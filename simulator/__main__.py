"""`python -m simulator`: the stand-in carrier and model on a loopback port, until it is interrupted."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from simulator.server import TARGET, start

PORT = 8010


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 after SIGINT or SIGTERM, 2 for arguments that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=PORT, help="0 takes a free one")
    parser.add_argument("--target", default=TARGET, help="where the program under test listens")
    parser.add_argument("--public-url", help="its PUBLIC_URL, when that is another address")
    parser.add_argument("--seed", type=int, help="makes chance and sids repeatable")
    parser.add_argument("--log", type=Path, metavar="FILE.jsonl", help="appends all that happens to it, texts included")
    parser.add_argument(
        "--accounts", type=Path, metavar="FILE.json", help="accounts, as for POST /sim/accounts, in a list"
    )
    asked = parser.parse_args(arguments)
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    try:
        running = start(
            asked.port,
            host=asked.host,
            target=asked.target,
            public_url=asked.public_url,
            seed=asked.seed,
            accounts=json.loads(asked.accounts.read_text()) if asked.accounts else (),
            log=asked.log,
        )
    except (ValueError, OSError) as error:
        parser.error(str(error))
    sys.stdout.write(f"simulator {running.url} -> {running.carrier.caller.target} seed {running.control.seed}\n")
    sys.stdout.flush()
    done.wait()
    running.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
