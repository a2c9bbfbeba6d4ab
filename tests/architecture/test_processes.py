"""What a process loads and does before anyone has asked it for anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.conftest import Plant
from tests.architecture.source import COMPOSITION, FLOORS, ROOT

ENTRIES = tuple(name for name, floor in FLOORS.items() if floor == COMPOSITION and name != "commands")
WORKERS_ONLY = ("twilio", "openai", "httpx", "httpx2", "requests", "urllib3", "aiohttp")  # heavy, and never the web's

# Imports each module in turn, in a fresh interpreter with an empty environment, and tells what that did.
OBSERVER = """
import json, logging, signal, sys, threading
told, effects = {}, []
signals = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGHUP)}  # as whoever started us left them

def watch(event, arguments):
    if event == "open":
        path, mode, _ = arguments
        if isinstance(mode, str) and set(mode) & set("wax+"):
            effects.append(f"opens {path} to write")
    elif event == "socket.bind" and tuple(arguments[1]) == ("::1", 0):
        pass  # urllib3 finds out at import whether this machine has IPv6
    elif event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.fork", "os.system"):
        effects.append(f"{event} {arguments[1:]}")

sys.addaudithook(watch)
sys.path.insert(0, sys.argv[1])
for module in sys.argv[2:]:
    try:
        __import__(module)
    except BaseException as error:
        effects.append(f"raises {type(error).__name__}")
    effects += [f"starts {t.name}" for t in threading.enumerate() if t is not threading.main_thread()]
    effects += [f"handles {s.name}" for s, before in signals.items() if signal.getsignal(s) != before]
    effects += ["configures logging"] if logging.getLogger().handlers else []
    told[module] = {"effects": list(effects), "loaded": sorted({m.split(".")[0] for m in sys.modules})}
    effects.clear()
print(json.dumps(told))
"""


def observed(root: Path, *modules: str) -> dict[str, dict[str, list[str]]]:
    """By module: what its import did, and which top-level packages are loaded after it."""
    answer = subprocess.run(
        [sys.executable, "-I", "-B", "-c", OBSERVER, str(root), *modules],
        env={"PATH": os.defpath},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    told: dict[str, dict[str, list[str]]] = json.loads(answer.stdout.splitlines()[-1])
    return told


@pytest.fixture(scope="module")
def entries() -> dict[str, dict[str, list[str]]]:
    return observed(ROOT, *ENTRIES)  # the web first: what it loads must not come from the others


@pytest.mark.parametrize("entry", ENTRIES)
def test_importing_an_entry_does_nothing(entry, entries) -> None:
    assert entries[entry]["effects"] == []


def test_the_web_loads_no_client_of_the_carrier_or_of_a_model(entries) -> None:
    assert ENTRIES[0] == "wsgi"
    assert set(entries["wsgi"]["loaded"]) & {*WORKERS_ONLY, "worker", "scheduler", "simulator"} == set()
    assert {"flask", "webhooks", "conversations"} <= set(entries["wsgi"]["loaded"])
    assert {"twilio", "openai"} <= set(entries["worker"]["loaded"])  # so the names above are the right ones


@pytest.mark.parametrize(
    ("code", "finding"),
    [
        ("import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()", "starts Thread-1"),
        ("import socket\nsocket.socket().bind(('127.0.0.1', 0))", "socket.bind"),
        ("import socket\nsocket.socket().connect_ex(('127.0.0.1', 9))", "socket.connect"),
        ("import os\nos.environ['DATABASE_URL']", "raises KeyError"),
        ("import sys\nsys.exit(1)", "raises SystemExit"),
        ("import signal\nsignal.signal(signal.SIGTERM, lambda *_: None)", "handles SIGTERM"),
        ("import logging\nlogging.basicConfig()", "configures logging"),
        ("import subprocess\nsubprocess.run(['true'])", "subprocess.Popen"),
        ("open('/dev/null', 'w')", "opens /dev/null to write"),
    ],
)
def test_an_effect_of_an_import_is_seen(code, finding, plant: Plant) -> None:
    told = observed(plant({"noisy.py": code}), "noisy")

    assert any(effect.startswith(finding) for effect in told["noisy"]["effects"]), told
