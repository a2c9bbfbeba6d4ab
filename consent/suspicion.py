"""How much a text that no rule explains looks like a request to end texts: a score over its words and classes. Pure.

A linear score whose weights (data/suspicion.json) scripts/suspicion.py learns from labelled texts. It never opts
anybody out: what it suspects is held for a person, who may know words that the rules do not.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

from consent.grammar import classes_in

_DATA: Mapping[str, Any] = json.loads(resources.files("consent").joinpath("data/suspicion.json").read_text("utf-8"))
_WEIGHTS: Mapping[str, float] = {name: float(weight) for weight, names in _DATA["weights"].items() for name in names}
_BIAS: float = _DATA["bias"]
THRESHOLD: float = _DATA["threshold"]
VERSION: str = _DATA["version"]
_STEM = 5  # letters; "discontinued" and "discontinuing" share a beginning
_FEWEST = 3  # words; of less the rules know what there is to know
# A wish to be called and a threat to go to law are a person's anyway, who is told what they are; neither is about texts.
_OTHERWISE_READ = re.compile(r"\bcall me\b|\b(?:lawyers?|attorneys?|sue|court)\b")
# Without any of these nobody asks that texts end, whatever else is unusual about the words.
_ALARM = re.compile(
    r"\b(?:text|txt|msg|messag|sms|number|list|contact|phone|inbox|notif|spam|stop|quit|end\b|unsub|remov|delet|cancel|bother|"
    r"haras|bug|pester|annoy|alone|leave|done|over|enough|never|no more|nothing more|again|already|still getting|consent|permission|agreed|"
    r"sign|report|block|lose|forget|peace|quiet|reminder|blow|ping|got|opt|out\b|off\b|away|cease|desist|keep|every)"
)
_ABOUT_TEXTS = re.compile(r"\b(?:text|txt|msg|message|sms|number|list|contact|stop|spam)")
_ALARMING = 0.1  # a text in which no word or stem weighs more than this is not worth a closer look


def features(flow: str) -> set[str]:
    """What the score is summed over: words and pairs of words of the plain form `flow`, and classes of the grammar.

    w= a word, p= a stem, b= two neighbours, k= a class, q= the classes of two neighbours, r= with one between.
    """
    found: set[str] = set()
    count = 0
    for sentence in flow.replace("?", "?|").split("|"):
        words = sentence.split()
        if not words:
            continue
        count += len(words)
        found.update(_of_words(words))
        found.update(_of_classes(" ".join(word for word in words if word != "?")))
    found.add(f"n={min(count.bit_length(), 7)}")
    return found


def _of_words(words: list[str]) -> Iterator[str]:
    for word in words:
        yield f"w={word}"
        if len(word) > _STEM:
            yield f"p={word[:_STEM]}"
    for one, two in zip(["^", *words], [*words, "$"], strict=True):
        yield f"b={one} {two}"


def _of_classes(sentence: str) -> Iterator[str]:
    kinds = [frozenset("^"), *classes_in(sentence), frozenset("$")]
    for kind in kinds:
        for name in kind:
            yield f"k={name}"
    for mark, apart in (("q", 1), ("r", 2)):
        for one, two in zip(kinds, kinds[apart:], strict=False):
            for a in one:
                for b in two:
                    yield f"{mark}={a} {b}"


_WORDS = frozenset(name[2:] for name, weight in _WEIGHTS.items() if name[:2] == "w=" and weight > _ALARMING)
_STEMS = frozenset(name[2:] for name, weight in _WEIGHTS.items() if name[:2] == "p=" and weight > _ALARMING)


def looks_like_a_request(flow: str) -> bool:
    """Whether `flow`, the plain form of a text that no rule explains, should be read by a person."""
    words = [word for word in flow.split() if word not in "|?"]
    if (
        len(words) < _FEWEST
        or not _ALARM.search(flow)
        or (_OTHERWISE_READ.search(flow) and not _ABOUT_TEXTS.search(flow))
    ):
        return False
    if _WORDS.isdisjoint(words) and _STEMS.isdisjoint(word[:_STEM] for word in words if len(word) > _STEM):
        return False
    return suspicion(flow) >= THRESHOLD


def scaled(total: float, count: int, bias: float) -> float:
    """The score of a text with `count` features whose weights sum up to `total`: long texts do not weigh more."""
    return bias + total / math.sqrt(max(1, count))


def suspicion(flow: str) -> float:
    """How much `flow` looks like a request to end texts; from THRESHOLD on a person should read it."""
    found = features(flow)
    return scaled(sum(_WEIGHTS.get(name, 0.0) for name in found), len(found), _BIAS)
