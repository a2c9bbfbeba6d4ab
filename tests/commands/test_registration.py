"""The kit to paste, its problems, and the comparison with what was registered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands.conftest import Command
from tests.public.visitors import a_form
from tests.world import PUBLIC_URL, World


@pytest.fixture(autouse=True)
def public_url(variables: pytest.MonkeyPatch) -> None:
    variables.setenv("PUBLIC_URL", PUBLIC_URL)


def test_the_kit_comes_as_one_object(in_world: Command, world: World) -> None:
    form = a_form(world)
    done = in_world("registration", "kit", "--tenant", str(world.home.id), "--json")

    assert (done.code, done.json["problems"]) == (0, [])
    campaign = done.json["campaign"]
    assert 40 <= len(campaign["Description"]) <= 4096
    assert 40 <= len(campaign["MessageFlow"]) <= 2048
    assert 2 <= len(campaign["MessageSamples"]) <= 5
    assert all(20 <= len(sample) <= 1024 for sample in campaign["MessageSamples"])
    assert form.addresses.page in campaign["MessageFlow"]
    assert done.json["toll_free"]["OptInImageUrls"] == [form.addresses.page]


def test_the_kit_comes_as_fields_to_paste(in_world: Command, world: World) -> None:
    a_form(world)
    done = in_world("registration", "kit", "--tenant", str(world.home.id))

    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[lines.index("SubscriberOptIn") + 1] == "true"
    assert lines[lines.index("MessageSample 1") + 1].startswith("Lakeside Realty: ")
    assert "STOP," in lines[lines.index("OptOutKeywords") + 1]
    assert {"10DLC campaign", "Toll-free verification"} <= set(lines)


def test_a_kit_that_would_be_rejected_says_why_and_ends_with_1(in_world: Command, world: World) -> None:
    done = in_world("registration", "kit", "--tenant", str(world.home.id))

    assert done.code == 1
    assert "error: privacy_url: give the whole https address of the page" in done.err.splitlines()


def test_addresses_of_this_machine_cannot_be_registered(
    in_world: Command, world: World, variables: pytest.MonkeyPatch
) -> None:
    a_form(world)
    variables.setenv("PUBLIC_URL", "http://127.0.0.1:8000")
    done = in_world("registration", "kit", "--tenant", str(world.home.id))

    assert done.code == 1
    assert done.err.startswith("error: public_url: set PUBLIC_URL")


def samples_in(tmp_path: Path, content: object) -> str:
    path = tmp_path / "samples.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("shape", ["kit", "list", "lines"])
def test_what_the_kit_printed_does_not_drift(in_world: Command, world: World, tmp_path: Path, shape: str) -> None:
    a_form(world)
    kit = in_world("registration", "kit", "--tenant", str(world.home.id), "--json").json
    samples = kit["campaign"]["MessageSamples"]
    content = {"kit": kit, "list": samples, "lines": "\n".join(samples) + "\n"}[shape]
    done = in_world("registration", "drift", "--tenant", str(world.home.id), "--samples", samples_in(tmp_path, content))

    assert (done.code, done.out) == (0, f"ok: {len(samples)} samples, and every template in use is like one of them\n")


def test_samples_that_nothing_is_like_any_more_end_with_1(in_world: Command, world: World, tmp_path: Path) -> None:
    path = samples_in(tmp_path, ["Lakeside Realty: win a cruise in our prize draw! Reply STOP to end."])
    done = in_world("registration", "drift", "--tenant", str(world.home.id), "--samples", path)

    assert done.code == 1
    assert "sample 1: no live text is like it any more" in done.out


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"campaign": 5}', "[1]", '{"campaign": {"MessageSamples": "x"}}'])
def test_a_file_without_samples_is_refused_in_one_line(
    in_world: Command, world: World, tmp_path: Path, content: str
) -> None:
    done = in_world("registration", "drift", "--tenant", str(world.home.id), "--samples", samples_in(tmp_path, content))

    assert (done.code, done.err.count("\n")) == (2, 1)
    assert done.err.startswith("--samples: ")
