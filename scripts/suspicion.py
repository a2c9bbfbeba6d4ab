"""Learns the weights of consent/suspicion.py from the labelled texts of the tests: consent/data/suspicion.json.

`python -m scripts.suspicion` writes the file, the same from the same texts. `--check` writes nothing: it leaves out
one set at a time, learns from the others and prints what the score finds in the set left out.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import random
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from consent.plain_words import welcomes
from consent.suspicion import features, scaled
from consent.words import WORDS_VERSION, WordContext, flow_of, judge

ROOT = Path(__file__).resolve().parent.parent
TEXTS = ROOT / "tests" / "consent" / "data"
TARGET = ROOT / "consent" / "data" / "suspicion.json"
SETS = (
    "revocation_corpus",
    "own_texts",
    "varied_texts",
    "blind_texts_1",
    "blind_texts_2",
    "blind_texts_3",
    "business_texts",
)
SUSPECT = frozenset({"opt_out", "ambiguous"})  # the labels that a person should read
EXPLAINED = ("machine.", "keyword.")  # texts that never come to a score
ROUNDS = 15  # more change nothing in the sets left out
RATE, DECAY = 0.125, 1e-4
RAREST = 2  # texts; what stands in one text only says nothing about others
LIGHTEST = 0.2  # weights below it are left out: a smaller file for nothing lost
SEED = 1
VARIATIONS = 300
THRESHOLD = 0.5  # of each set that people wrote, left out, it holds at most 2 texts in 100 without need


@dataclass(frozen=True, slots=True)
class Example:
    text: str
    label: str
    found: tuple[str, ...]
    explained: bool  # never comes to a score
    open: bool  # no rule says what it means


def variations() -> list[Example]:
    """Requests and business put together from their parts; some of them, for all would outweigh what people wrote."""
    parts = json.loads((TEXTS / "constructions.json").read_text("utf-8"))
    found = []
    for kind, label in (("constructions", "opt_out"), ("business", "none")):
        texts = [" ".join(row) for rows in parts[kind].values() for row in itertools.product(*rows)]
        found += [example(text, label, WordContext.ACTIVE) for text in random.Random(SEED).sample(texts, VARIATIONS)]
    return found


@dataclass(frozen=True, slots=True)
class Model:
    weights: Mapping[str, float]
    bias: float

    def score(self, example: Example) -> float:
        return scaled(sum(self.weights.get(name, 0.0) for name in example.found), len(example.found), self.bias)


def examples(name: str) -> list[Example]:
    rows = (json.loads(line) for line in (TEXTS / f"{name}.jsonl").read_text("utf-8").splitlines())
    return [example(row["text"], row["label"], WordContext(row["context"])) for row in rows]


def example(text: str, label: str, context: WordContext) -> Example:
    flow = flow_of(text)
    rule = judge(text, context).rule
    left_open = rule in ("nothing", "hold.suspicion") and not welcomes(flow)
    return Example(text, label, tuple(sorted(features(flow))), rule.startswith(EXPLAINED), left_open)


def learned(rows: Iterable[Example]) -> Model:
    """Weights under which the texts that a person should read score above zero."""
    rows = [row for row in rows if not row.explained]
    seen = Counter(name for row in rows for name in row.found)
    cases = [([n for n in row.found if seen[n] >= RAREST], float(row.label in SUSPECT)) for row in rows]
    order = random.Random(SEED)
    weights: dict[str, float] = {}
    steps: dict[str, float] = {}
    bias, bias_steps = 0.0, 1e-6
    for _ in range(ROUNDS):
        order.shuffle(cases)
        for found, wanted in cases:
            share = 1 / max(1, len(found)) ** 0.5
            score = scaled(sum(weights.get(name, 0.0) for name in found), len(found), bias)
            error = 1 / (1 + math.exp(-max(-30.0, min(30.0, score)))) - wanted
            if abs(error) < 1e-3:
                continue
            bias_steps += error * error
            bias -= 2 * RATE * error / bias_steps**0.5
            for name in found:
                weight = weights.get(name, 0.0)
                slope = error * share + DECAY * weight
                steps[name] = steps.get(name, 1e-4) + slope * slope
                weights[name] = weight - RATE * slope / steps[name] ** 0.5
    kept = {name: round(weight, 2) for name, weight in sorted(weights.items()) if abs(weight) >= LIGHTEST}
    return Model(kept, round(bias, 3))


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


def check(sets: Mapping[str, list[Example]], more: list[Example]) -> None:
    """Of requests and open texts: those the score finds by itself. Of others: those held though no rule asks for it."""
    say(f"{'left out':<18} {'opt-outs':>14} {'ambiguous':>14} {'others held':>14}   at {THRESHOLD}")
    for name, rows in sets.items():
        model = learned([*(row for other, found in sets.items() if other != name for row in found), *more])
        cells = []
        for labels in ({"opt_out"}, {"ambiguous"}, {"none", "help", "opt_in"}):
            asking = labels <= SUSPECT
            those = [
                model.score(row) >= THRESHOLD and (asking or row.open)
                for row in rows
                if row.label in labels and not (asking and row.explained)
            ]
            cells.append(f"{sum(those):>4}/{len(those):<4}{sum(those) / max(1, len(those)):6.3f}")
        say(f"{name:<18} " + " ".join(cells))


def written(model: Model) -> str:
    head = {
        "source": "product, learned by scripts/suspicion.py from the texts in tests/consent/data: "
        + ", ".join((*SETS, "constructions")),
        "version": f"suspicion.1 under {WORDS_VERSION}",
        "threshold": THRESHOLD,
        "bias": model.bias,
    }
    lines = ",\n".join(f" {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in head.items())
    by_weight: dict[float, list[str]] = {}
    for name, weight in model.weights.items():
        by_weight.setdefault(weight, []).append(name)
    rows = ",\n".join(
        f"  {json.dumps(str(w))}: {json.dumps(names, ensure_ascii=False)}" for w, names in sorted(by_weight.items())
    )
    return f'{{\n{lines},\n "weights": {{\n{rows}\n }}\n}}\n'


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--check", action="store_true", help="leave out one set at a time and print what is found")
    sets = {name: examples(name) for name in SETS}
    if options.parse_args().check:
        check(sets, variations())
        return
    model = learned([*(row for rows in sets.values() for row in rows), *variations()])
    TARGET.write_text(written(model), "utf-8")
    say(f"{len(model.weights)} weights, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
