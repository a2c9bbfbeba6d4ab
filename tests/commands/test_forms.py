"""`manage.py form`: the same forms as on the dashboard."""

from __future__ import annotations

import json
from uuid import uuid4

from tests.commands.conftest import Command
from tests.public.visitors import Visitor
from tests.world import World


def test_a_form_is_made_published_listed_and_closed(command: Command, world: World) -> None:
    tenant = str(world.home.id)
    made = command(
        "form", "add", "--tenant", tenant, "--title", "Ask us", "--purpose", "inquiry", "--purpose", "marketing",
        "--language", "es", "--double-opt-in", "--origin", "https://www.lakeside.example",
    )  # fmt: skip
    assert (made.code, made.err) == (0, "")
    form_id = made.json["form_id"]
    published = command("form", "publish", "--tenant", tenant, "--form", form_id)
    listed = command("form", "list", "--tenant", tenant)
    closed = command("form", "close", "--tenant", tenant, "--form", form_id)

    assert (made.json["state"], made.json["version"]) == ("draft", None)
    assert (published.json["state"], published.json["version"], published.json["missing"]) == ("live", 1, [])
    assert [json.loads(line) for line in listed.out.splitlines()] == [published.json]
    assert published.json["purposes"] == ["inquiry", "marketing"] and published.json["double_opt_in"] is True
    assert closed.json["state"] == "closed"


def test_words_that_lack_something_are_refused_in_one_line_that_says_what(
    command: Command, world: World, tmp_path
) -> None:
    tenant, words = str(world.home.id), tmp_path / "words"
    words.write_text("Lakeside Realty texts you.", encoding="utf-8")
    made = command(
        "form", "add", "--tenant", tenant, "--title", "Ask us", "--purpose", "inquiry", "--wording", str(words)
    )  # fmt: skip
    refused = command("form", "publish", "--tenant", tenant, "--form", made.json["form_id"])

    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert "Reply STOP" in refused.err and "rates" in refused.err
    assert "rates" in made.json["missing"]


def test_a_form_of_nobody_and_a_number_of_another_are_refused(command: Command, world: World) -> None:
    tenant = str(world.home.id)
    strange = command("form", "publish", "--tenant", tenant, "--form", str(uuid4()))
    number = command(
        "form", "add", "--tenant", tenant, "--title", "x", "--purpose", "inquiry", "--number", "+12065550186"
    )  # fmt: skip

    assert (strange.code, number.code) == (2, 2)
    assert "no number of this tenant" in number.err


def test_both_demo_businesses_have_one_published_form(command: Command, world: World) -> None:
    for _ in range(2):
        assert command("demo", "--without-history").code == 0
    tenants = [json.loads(line) for line in command("tenant", "list").out.splitlines()]
    forms = {
        tenant["name"]: [
            json.loads(line) for line in command("form", "list", "--tenant", tenant["tenant_id"]).out.splitlines()
        ]
        for tenant in tenants
        if tenant["name"] != world.home.brand
    }

    assert {name: [form["state"] for form in found] for name, found in forms.items()} == {
        "Lakeside Realty Group": ["live"], "Summit Ford": ["live"]
    }  # fmt: skip
    tokens = [form["address"].rpartition("/")[2] for found in forms.values() for form in found]
    assert [Visitor(world, token).open().status_code for token in tokens] == [200, 200]
