"""How the code is named and described: what a reader relies on before reading a line of it."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

from tests.architecture.conftest import Plant
from tests.architecture.source import APART, BESIDE, FLOORS, ROOT, calls, dotted, nodes, sources

VAGUE = {"manager", "helper", "utils", "util", "data", "info", "process", "handler"}
VAGUE |= {f"{word}s" for word in VAGUE}
LEFT_FOR_LATER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def modules_without_a_first_line(root: Path) -> list[str]:
    """Modules whose docstring does not begin with one whole sentence on one line that fits a list."""
    found = []
    for source in sources(root):
        first = (ast.get_docstring(source.tree) or "").split("\n")[0]
        if not first.endswith((".", '."')) or len(first) > 120:
            found.append(source.path)
    return found


def vague_names(root: Path) -> list[str]:
    """Modules and classes with a name that says nothing."""
    found = []
    for source in sources(root):
        if set(source.module.split(".")) & VAGUE:
            found.append(source.path)
        for node in nodes(source):
            if isinstance(node, ast.ClassDef) and node.name.strip("_").lower() in VAGUE:
                found.append(f"{source.at(node)}: class {node.name}")
    return found


def work_left_for_later(root: Path) -> list[str]:
    """Comments that promise something; what is missing stands in docs/, where people look for it."""
    found = []
    files = [path for top in (*FLOORS, *APART, *BESIDE) for path in [root / f"{top}.py", *(root / top).rglob("*.py")]]
    for path in sorted(path for path in files if path.is_file()):
        text = path.read_text(encoding="utf-8")
        if not LEFT_FOR_LATER.search(text):
            continue
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT and LEFT_FOR_LATER.search(token.string):
                found.append(f"{path.relative_to(root)}:{token.start[0]}: {token.string}")
    return found


def relationships_across_packages(root: Path) -> list[str]:
    """Relationships to a class of another package: across packages we keep ids."""
    found = []
    everything = sources(root)
    classes: dict[str, set[str]] = {}
    for source in everything:
        classes.setdefault(source.top, set()).update(
            node.name for node in nodes(source) if isinstance(node, ast.ClassDef)
        )
    for source in everything:
        for node in nodes(source):
            if isinstance(node, ast.AnnAssign | ast.Assign) and _is_relationship(node.value):
                wanted = _class_names(node)
                if not wanted or not wanted <= classes[source.top]:
                    found.append(f"{source.at(node)}: relationship to {', '.join(sorted(wanted)) or 'nothing named'}")
        made = sum(name.rpartition(".")[2] == "relationship" for name, _ in calls(source))
        assigned = sum(
            _is_relationship(node.value) for node in nodes(source) if isinstance(node, ast.AnnAssign | ast.Assign)
        )
        if made != assigned:
            found.append(f"{source.path}: a relationship that is not an attribute")
    return found


def _is_relationship(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Call) and dotted(value.func).rpartition(".")[2] == "relationship"


def _class_names(node: ast.AnnAssign | ast.Assign) -> set[str]:
    """The classes that an assignment of a relationship names, in its annotation or as its first argument."""
    assert isinstance(node.value, ast.Call)
    parts: list[ast.expr] = [*node.value.args[:1]]
    if isinstance(node, ast.AnnAssign):
        parts.append(node.annotation)
    words = {
        word
        for part in parts
        for word in re.findall(r"[A-Za-z_]\w*", ast.unparse(part))
    }  # fmt: skip
    return words - {"Mapped", "list", "None", "Optional", "set", "WriteOnlyMapped", "DynamicMapped"}


GUARDS = [modules_without_a_first_line, vague_names, work_left_for_later, relationships_across_packages]


@pytest.mark.parametrize("guard", GUARDS)
def test_names_and_first_lines_say_what_things_are(guard) -> None:
    assert guard(ROOT) == []


@pytest.mark.parametrize(
    ("guard", "files"),
    [
        (modules_without_a_first_line, {"api/a.py": "X = 1\n"}),
        (modules_without_a_first_line, {"api/a.py": '"""no sentence"""\n'}),
        (vague_names, {"smsbot/helpers.py": ""}),
        (vague_names, {"smsbot/utils/a.py": ""}),
        (vague_names, {"api/a.py": "class Manager:\n    pass\n"}),
        (work_left_for_later, {"api/a.py": "X = 1  # TODO: more\n"}),
        (work_left_for_later, {"tests/test_a.py": "# FIXME\n"}),
        (
            relationships_across_packages,
            {
                "consent/models.py": "class Contact:\n    pass\n",
                "conversations/models.py": "class Lead:\n    contact: Mapped['Contact'] = relationship()\n",
            },
        ),
        (relationships_across_packages, {"api/a.py": "Lead.contact = property(relationship('Contact'))\n"}),
    ],
)
def test_a_broken_habit_is_seen(guard, files, plant: Plant) -> None:
    assert guard(plant(files)) != []


def test_a_relationship_inside_a_package_is_not_reported(plant: Plant) -> None:
    code = """
        class Message:
            pass


        class Trace:
            message: Mapped[Message] = relationship(lazy="raise")
        """

    assert relationships_across_packages(plant({"conversations/models.py": code})) == []
