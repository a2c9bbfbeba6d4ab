"""Counts what is said to a checker to keep it quiet: at most MOST in all, each with its reason on the line.

`python scripts/suppressions.py [FOLDER]` prints each with its place and reason, and their number last; exit 1 when there
are too many or one has no reason.
"""

from __future__ import annotations

import io
import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MOST = 10
NOT_OURS = {"node_modules", "__pycache__", "build", "dist", "artifacts"}

# In Python the comment is a token, so a string that looks like one does not count; what follows the marker's own words
# and another `#` is the reason. A marker for a whole file is one too many whatever its reason.
LINE = re.compile(
    r"#\s*(?P<what>noqa\b(?::\s*[A-Z]+\d+(?:[,\s]+[A-Z]+\d+)*)?|type:\s*ignore(?:\[[\w\-, ]*\])?|pyright:\s*ignore\S*"
    r"|nosec(?:\s+B\d+(?:,\s*B\d+)*)?|pragma:\s*no\s?cover)(?P<rest>.*)",
    re.IGNORECASE,
)
WHOLE_FILE = re.compile(
    r"#\s*(?P<what>(?:ruff|flake8):\s*noqa|mypy:\s*\S+|pyright:\s*(?:basic|false)).*", re.IGNORECASE
)
# In scripts and style sheets of pages.
PAGE = re.compile(
    r"(?P<what>(?:eslint|stylelint|biome|prettier|oxlint)-(?:disable|ignore)\S*|@ts-(?:ignore|nocheck|expect-error))"
    r"(?P<rest>.*)"
)
PAGE_SUFFIXES = (".js", ".mjs", ".ts", ".css")
REASON = re.compile(r"(?:#|--|—|:)\s*(?P<reason>[^\s#].{7,}?)\s*(?:\*/)?\s*$")


@dataclass(frozen=True, slots=True)
class Suppression:
    """One marker; `reason` is empty when its line has none, or when it silences a whole file."""

    path: str
    line: int
    what: str
    reason: str


def suppressions(root: Path) -> list[Suppression]:
    """Every marker in the files under `root`, in order of path and line."""
    found: list[Suppression] = []
    for path in _files(root):
        shown = str(path.relative_to(root))
        text = path.read_text(encoding="utf-8")
        found += _in_python(shown, text) if path.suffix == ".py" else _in_page(shown, text)
    return found


def _files(root: Path) -> Iterator[Path]:
    for path in sorted(root.iterdir()):
        if path.name.startswith(".") or path.name in NOT_OURS or path.is_symlink():
            continue
        if path.is_dir():
            yield from _files(path)
        elif path.suffix == ".py" or path.suffix in PAGE_SUFFIXES:
            yield path


def _in_python(shown: str, text: str) -> Iterator[Suppression]:
    if not LINE.search(text) and not WHOLE_FILE.search(text):
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.COMMENT:
            continue
        if whole := WHOLE_FILE.search(token.string):
            yield Suppression(shown, token.start[0], whole["what"], "")
        elif marker := LINE.search(token.string):
            yield Suppression(shown, token.start[0], marker["what"], _reason(marker["rest"]))


def _in_page(shown: str, text: str) -> Iterator[Suppression]:
    for number, line in enumerate(text.splitlines(), 1):
        if marker := PAGE.search(line):
            yield Suppression(shown, number, marker["what"], _reason(marker["rest"]))


def _reason(rest: str) -> str:
    found = REASON.search(rest)
    return found["reason"] if found else ""


def main(arguments: list[str]) -> int:
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parents[1]
    found = suppressions(root)
    for each in found:
        sys.stdout.write(f"{each.path}:{each.line}: {each.what}: {each.reason or 'NO REASON'}\n")
    sys.stdout.write(f"{len(found)} of at most {MOST}\n")
    return 1 if len(found) > MOST or not all(each.reason for each in found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
