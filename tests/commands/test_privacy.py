"""The link, the archive, the limit and the erasure at the command line."""

from __future__ import annotations

import zipfile
from pathlib import Path

from consent.ledger import state_of
from consent.models import Contact
from privacy.links import read
from tests.commands.conftest import Command
from tests.world import LEAD, World


def privacy(run: Command, world: World, act: str, *more: str, number: str = LEAD):
    return run("privacy", act, "--tenant", str(world.home.id), "--number", number, *more)


def test_a_link_opens_their_page(in_world: Command, world: World) -> None:
    world.text("Hello")

    done = privacy(in_world, world, "link", number="312-555-0171")

    found = read(world.runtime, done.json["link"].rpartition("/")[2])
    assert (done.code, found is not None and found.contact_id == world.contact().id) == (0, True)


def test_restrict_and_unrestrict(in_world: Command, world: World) -> None:
    world.text("Hello")

    limited = privacy(in_world, world, "restrict")
    restricted = state_of(world.contact()).restricted is not None
    lifted = privacy(in_world, world, "unrestrict")

    assert (limited.code, lifted.code, restricted) == (0, 0, True)
    assert (limited.json["restricted"], limited.json["in_flight"], lifted.json["restricted"]) == (True, False, False)
    assert state_of(world.contact()).restricted is None


def test_the_archive_is_its_owner_s_alone_and_is_not_written_over(
    in_world: Command, world: World, tmp_path: Path
) -> None:
    world.text("Hello")
    out = tmp_path / "person.zip"

    done = privacy(in_world, world, "export", "--out", str(out))
    again = privacy(in_world, world, "export", "--out", str(out))

    with zipfile.ZipFile(out) as archived:
        assert "person.json" in archived.namelist()
    assert (done.code, again.code) == (0, 2)
    assert out.stat().st_mode & 0o777 == 0o600
    out.unlink()


def test_erasing_has_to_be_confirmed_and_leaves_no_number(in_world: Command, world: World) -> None:
    world.text("Hello")

    unsure = privacy(in_world, world, "erase")
    done = privacy(in_world, world, "erase", "--yes")
    again = privacy(in_world, world, "erase", "--yes")

    assert (unsure.code, done.code, again.code) == (2, 0, 2)
    assert done.json["messages"] == 2
    assert again.err == "--number: this tenant knows no such number\n"
    assert [contact.address_kind for contact in world.rows(Contact)] == ["erased"]
