"""One way out for a text: the outbox, behind the gate, through a gateway that only the composition knows."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.conftest import Plant
from tests.architecture.source import (
    COMPOSITION,
    FLOORS,
    ROOT,
    argument,
    calls,
    dotted,
    full_name,
    imports,
    names_in,
    nodes,
    sources,
)

OUTBOX = "conversations.outbox"
WEB = "wsgi"  # floor 5 as well, but it must not load what only workers need
PROVIDERS = {"smsbot.gateways.twilio_carrier": "twilio", "smsbot.gateways.openai_model": "openai"}
GENERATORS = {("smsbot.silence", "gen.send")}  # a generator's own method, where there is no gateway to be had
MESSAGES = {"conversations.models.Message", f"{OUTBOX}.Message"}
WITHOUT_ITS_CLASS = {"insert", "put_row", "bulk_insert_mappings"}


def sends_beside_the_outbox(root: Path) -> list[str]:
    """Everything that could be a call of the gateway's `send`, passed on or looked up by name included."""
    found = []
    for source in sources(root, *FLOORS):
        if source.module == OUTBOX or source.module.startswith("smsbot.gateways."):
            continue
        for node in nodes(source):
            if (
                isinstance(node, ast.Attribute)
                and node.attr == "send"
                and (source.module, dotted(node)) not in GENERATORS
            ):
                found.append(f"{source.at(node)}: {dotted(node)}")
            if isinstance(node, ast.Call) and dotted(node.func) in ("getattr", "methodcaller", "operator.methodcaller"):
                found += [
                    f"{source.at(node)}: send by name"
                    for value in node.args
                    if isinstance(value, ast.Constant) and value.value == "send"
                ]
    return found


def sends_of_the_outbox(root: Path) -> list[str]:
    return [
        source.at(node)
        for source in sources(root, "conversations")
        if source.module == OUTBOX
        for node in nodes(source)
        if isinstance(node, ast.Attribute) and node.attr == "send"
    ]


def gates_beside_the_outbox(root: Path) -> list[str]:
    """Uses of `consent.gate.check`: it takes permits and writes decisions, so only what then sends may ask it."""
    found = []
    for source in sources(root, *FLOORS):
        if source.module in (OUTBOX, "consent.gate"):
            continue
        known = names_in(source)
        for node in nodes(source):
            if isinstance(node, ast.Name | ast.Attribute) and full_name(source, node) == "consent.gate.check":
                found.append(f"{source.at(node)}: consent.gate.check")
        if "consent.gate.check" in known.values():
            found.append(f"{source.path}: imports consent.gate.check")
    return found


def providers_beside_the_composition(root: Path) -> list[str]:
    """Imports of a provider's gateway below floor 5 or by the web, and of a provider's library beside its gateway."""
    found = []
    for source in sources(root, *FLOORS):
        for imported in imports(source):
            for gateway, library in PROVIDERS.items():
                by_composition = FLOORS[source.top] == COMPOSITION and source.top != WEB
                if f"{imported.target}.".startswith(f"{gateway}.") and not by_composition:
                    found.append(f"{imported.where}: {imported.target}")
                if imported.top == library and source.module != gateway:
                    found.append(f"{imported.where}: {imported.target}")
    return found


def outbound_messages_beside_the_outbox(root: Path) -> list[str]:
    """Messages made elsewhere that are not plainly inbound: what it cannot read, it reports."""
    found = []
    for source in sources(root, *FLOORS):
        if source.module == OUTBOX:
            continue
        for _, call in calls(source):
            made = full_name(source, call.func)
            if made in MESSAGES:
                direction = argument(call, "direction")
                if direction is None or full_name(source, direction).rpartition(".")[2] != "INBOUND":
                    found.append(f"{source.at(call)}: a message that is not plainly inbound")
            elif (
                made.rpartition(".")[2] in WITHOUT_ITS_CLASS
                and {full_name(source, each) for each in call.args} & MESSAGES
            ):
                found.append(f"{source.at(call)}: a message is inserted without its class")
        for node in nodes(source):
            if (
                isinstance(node, ast.Attribute)
                and node.attr == "direction"
                and isinstance(node.ctx, ast.Store)
                and dotted(node.value) != "self"
            ):
                found.append(f"{source.at(node)}: the direction of a message is changed")
    return found


GUARDS = [
    sends_beside_the_outbox,
    gates_beside_the_outbox,
    providers_beside_the_composition,
    outbound_messages_beside_the_outbox,
]


@pytest.mark.parametrize("guard", GUARDS)
def test_there_is_one_door_out(guard) -> None:
    assert guard(ROOT) == []


def test_the_door_itself_stands_in_one_place_behind_the_gate() -> None:
    (outbox,) = [source for source in sources(ROOT, "conversations") if source.module == OUTBOX]
    asked = [call for _, call in calls(outbox) if full_name(outbox, call.func) == "consent.gate.check"]

    assert len(sends_of_the_outbox(ROOT)) == 1
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("guard", "files"),
    [
        (sends_beside_the_outbox, {"conversations/replies.py": "def f(gateway):\n    gateway.send(1)\n"}),
        (sends_beside_the_outbox, {"worker.py": "def f(gateway, pool):\n    pool.submit(gateway.send, 1)\n"}),
        (sends_beside_the_outbox, {"api/a.py": "def f(gateway):\n    getattr(gateway, 'send')(1)\n"}),
        (gates_beside_the_outbox, {"conversations/replies.py": "from consent.gate import check\n"}),
        (gates_beside_the_outbox, {"api/a.py": "from consent import gate\n\n\ndef f():\n    gate.check()\n"}),
        (gates_beside_the_outbox, {"api/a.py": "import consent.gate\n\n\ndef f():\n    consent.gate.check()\n"}),
        (providers_beside_the_composition, {"conversations/a.py": "from smsbot.gateways.twilio_carrier import X\n"}),
        (providers_beside_the_composition, {"wsgi.py": "from smsbot.gateways import openai_model\n"}),
        (providers_beside_the_composition, {"worker.py": "from twilio.rest import Client\n"}),
        (providers_beside_the_composition, {"smsbot/gateways/twilio_carrier.py": "import openai\n"}),
        (
            outbound_messages_beside_the_outbox,
            {
                "api/a.py": """
                from conversations.models import Direction, Message
                Message(direction=Direction.OUTBOUND)
                """
            },
        ),
        (
            outbound_messages_beside_the_outbox,
            {"api/a.py": "from conversations import models\nmodels.Message(**fields)\n"},
        ),
        (
            outbound_messages_beside_the_outbox,
            {"api/a.py": "from conversations.models import Message\ninsert(Message)\n"},
        ),
        (
            outbound_messages_beside_the_outbox,
            {"api/a.py": "from conversations.models import Message\nput_row(session, Message, values)\n"},
        ),
        (outbound_messages_beside_the_outbox, {"api/a.py": "def f(message):\n    message.direction = 'outbound'\n"}),
    ],
)
def test_a_second_door_is_seen(guard, files, plant: Plant) -> None:
    assert guard(plant(files)) != []


def test_inbound_messages_and_the_composition_are_not_reported(plant: Plant) -> None:
    root = plant(
        {
            "conversations/inbound.py": """
                from conversations.models import Direction, Message
                Message(direction=Direction.INBOUND)
                """,
            "worker.py": "from smsbot.gateways.twilio_carrier import TwilioGateway\n",
            "smsbot/gateways/twilio_carrier.py": "from twilio.rest import Client\n",
            "conversations/outbox.py": "from consent.gate import check\n\n\ndef f(gateway):\n    gateway.send(1)\n",
        }
    )

    assert [finding for guard in GUARDS for finding in guard(root)] == []
