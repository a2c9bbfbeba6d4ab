"""`manage.py keyword set`: a word that would be another one than people read on the sign is refused."""

from __future__ import annotations

import pytest

from conversations.models import KeywordRoute
from tests.commands.conftest import Command
from tests.world import World


@pytest.mark.parametrize("word", ["HÖME", "two words"])
def test_a_word_with_anything_but_letters_and_digits_is_refused(in_world: Command, world: World, word: str) -> None:
    done = in_world("keyword", "set", "--tenant", str(world.home.id), "--word", word, "--source", "sign")

    assert done.code == 2
    assert "the word can hold only letters A to Z and digits" in done.err
    assert world.rows(KeywordRoute) == []
