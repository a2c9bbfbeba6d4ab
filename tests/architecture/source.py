"""The product's own source as the guards read it: files, syntax trees, imports. Nothing here is executed.

Every guard is a function from a folder to findings, so that it can be shown a small folder that breaks its rule.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

FLOORS = {
    "smsbot": 0,
    "consent": 1,
    "conversations": 2,
    "appointments": 3,
    "integrations": 3,
    "privacy": 3,
    "reports": 3,
    "webhooks": 4,
    "api": 4,
    "dashboard": 4,
    "public": 4,
    "wsgi": 5,
    "worker": 5,
    "scheduler": 5,
    "manage": 5,
    "commands": 5,
}
COMPOSITION = 5
APART = ("simulator",)  # ours, but it knows the rest over HTTP only
BESIDE = (
    "tests",
    "bench",
    "chaos",
    "scripts",
    "migrations",
)  # may import the product; the product imports none of them
OURS = (*FLOORS, *APART, *BESIDE)
LOADER = "commands.lazy"  # loads a command's module by name when it is asked for: the one dynamic import
LOADED = {"manage": "commands"}  # who so reaches what


@dataclass(frozen=True)
class Source:
    """One file: its dotted module name, its path from the root, its text and its syntax tree."""

    module: str
    path: str
    text: str
    tree: ast.Module
    is_package: bool

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]

    @property
    def folder(self) -> str:
        return self.module if self.is_package else self.module.rpartition(".")[0] or self.module

    def at(self, node: ast.AST) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}"


@dataclass(frozen=True)
class Imported:
    """One name that a file imports: `target` is the dotted name as far as it is written."""

    target: str
    where: str
    in_function: bool
    for_types_only: bool

    @property
    def top(self) -> str:
        return self.target.partition(".")[0]


def sources(root: Path, *tops: str) -> list[Source]:
    """Every Python file of the named packages and modules (all of the product and the simulator when none is named)."""
    return [source for top in (tops or (*FLOORS, *APART)) for source in _sources_of(root, top)]


@cache
def _sources_of(root: Path, top: str) -> tuple[Source, ...]:
    alone = root / f"{top}.py"
    files = [alone] if alone.is_file() else []
    if (root / top).is_dir():
        files += sorted((root / top).rglob("*.py"))
    return tuple(_read(root, path) for path in files)


def _read(root: Path, path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    parts = path.relative_to(root).with_suffix("").parts
    is_package = parts[-1] == "__init__"
    module = ".".join(parts[:-1] if is_package else parts)
    return Source(module, str(path.relative_to(root)), text, ast.parse(text, str(path)), is_package)


@cache
def imports(source: Source) -> tuple[Imported, ...]:
    """Every import of a file, those inside functions, conditions and type checks among them."""
    return tuple(_imports(source, source.tree, in_function=False, for_types_only=False))


def _imports(source: Source, node: ast.AST, *, in_function: bool, for_types_only: bool) -> Iterator[Imported]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for name in child.names:
                yield Imported(name.name, source.at(child), in_function, for_types_only)
        elif isinstance(child, ast.ImportFrom):
            base = _base(source, child)
            for name in child.names:
                yield Imported(f"{base}.{name.name}", source.at(child), in_function, for_types_only)
        else:
            yield from _imports(
                source,
                child,
                in_function=in_function or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda),
                for_types_only=for_types_only
                or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)),
            )


def _base(source: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = source.module.split(".") if source.is_package else source.module.split(".")[:-1]
    base = parts[: len(parts) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def import_graph(found: list[Source]) -> dict[str, set[str]]:
    """Which file needs which, by module name. A name from a package leads to the submodule of that name, if any."""
    modules = {source.module for source in found}
    graph: dict[str, set[str]] = {module: set() for module in sorted(modules)}
    for source in found:
        for imported in imports(source):
            target = imported.target if imported.top in OURS else ""
            while target and target not in modules:
                target = target.rpartition(".")[0]
            if target and target != source.module:
                graph[source.module].add(target)
        if source.module in LOADED:
            graph[source.module] |= {module for module in modules if module.startswith(f"{LOADED[source.module]}.")}
    return graph


def dotted(node: ast.AST) -> str:
    """`a.b.c` of a name or attribute, `""` of anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else f"?.{node.attr}"
    return ""


@cache
def nodes(source: Source) -> tuple[ast.AST, ...]:
    """Every node of a file's tree."""
    return tuple(ast.walk(source.tree))


@cache
def calls(source: Source) -> tuple[tuple[str, ast.Call], ...]:
    """Every call with the dotted name of what is called; `?` stands for an object without a name."""
    return tuple((dotted(node.func), node) for node in nodes(source) if isinstance(node, ast.Call))


@cache
def names_in(source: Source) -> dict[str, str]:
    """What each imported name of a file stands for: {"put": "smsbot.work.put", "work": "smsbot.work"}."""
    found = {}
    for node in nodes(source):
        if isinstance(node, ast.Import):
            for name in node.names:
                found[name.asname or name.name.partition(".")[0]] = (
                    name.name if name.asname else name.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            for name in node.names:
                found[name.asname or name.name] = f"{_base(source, node)}.{name.name}"
    return found


def full_name(source: Source, node: ast.AST) -> str:
    """The dotted name of what an expression refers to, through the file's imports; its own names get its module."""
    written = dotted(node)
    first, dot, rest = written.partition(".")
    known = names_in(source).get(first)
    if known is not None:
        return known + dot + rest
    return f"{source.module}.{written}" if written else ""


def argument(call: ast.Call, name: str) -> ast.expr | None:
    """The value of a keyword argument."""
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
