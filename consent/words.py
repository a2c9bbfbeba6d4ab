"""What an inbound text says about consent: out, in, help, nothing, or for a person to decide. Pure.

47 CFR 64.1200(a)(10): seven words end consent by themselves, any other words do when a reasonable person reads them so.
Order: the whole text as a keyword (no machine writes one), texts of machines, a misspelt keyword, then plain words.
What the rules leave open and looks like a request all the same is held. The same text gives the same answer under the
same WORDS_VERSION.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from consent.keywords import (
    CANCEL_WORDS,
    COURTESY,
    KEYWORDS,
    KNOWN,
    CarrierWord,
    Keyword,
    Use,
    carrier_word,
    misspelt,
    repaired,
    spelling,
    spoilt,
)
from consent.machine_texts import MachineText
from consent.machine_texts import machine_text as machine_text_of
from consent.normalise import Plain, plain
from consent.plain_words import Scope, Verdict, WordContext, asks_for, reading
from smsbot.masking import REPLACEMENTS

__all__ = [
    "WORDS_VERSION",
    "CarrierWord",
    "Judgement",
    "MachineText",
    "Scope",
    "Verdict",
    "WordContext",
    "asks_for_person",
    "carrier_word",
    "flow_of",
    "judge",
    "machine_text",
]

WORDS_VERSION = "words.5"

_BARE_CANCEL = CANCEL_WORDS | {"end", "quit"}  # a reminder may have been what was meant: staff look at the appointment
STOP_SIGN = "🛑"
MOMENTS = 64  # one text is asked about in several ways while it is taken in; more than that many at once are read again
_LONGEST_SLIP = 14  # letters; beyond it no per-se word is one edit away


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a text says, and why.

    `rule`: at most 80 characters, stable under one `version`. `keyword`: the table's spelling when the whole text is
    one. `language`: of the word or rule that decided, None when unclear. `tags`: what else the product must act on.
    """

    verdict: Verdict
    scope: Scope | None
    rule: str
    version: str
    keyword: str | None
    language: str | None
    tags: frozenset[str]


def judge(text: str, context: WordContext = WordContext.ACTIVE, extra_opt_out: Iterable[str] = ()) -> Judgement:
    """What `text` asks for. `context`: where the number stood before it; `extra_opt_out`: a tenant's own keywords."""
    text = _as_written(text)
    p = _plain(text)
    words = _words_of(p)
    own = {spelling(word) for word in extra_opt_out}
    if own and own & {" ".join(words), spelling(text)}:
        return _judged(Verdict.OPT_OUT, "keyword.tenant", keyword=" ".join(words))
    keyword = _keyword_in(p, words)
    if keyword is None and STOP_SIGN in text:  # beside a word it only underlines
        unsigned = _plain(text.replace(STOP_SIGN, " "))
        keyword = _keyword_in(unsigned, _words_of(unsigned))
    if keyword is not None:
        return _of_keyword(keyword, context)
    machine = machine_text(text)
    if machine is not None:
        return _judged(Verdict.NONE, f"machine.{machine}", tags=frozenset({machine.value}))
    match misspelt(p.letters) if len(words) <= 2 and len(p.letters) <= _LONGEST_SLIP else None:
        case "meant":
            return _judged(Verdict.OPT_OUT, "keyword.misspelt", language="en")
        case "open":
            return _judged(Verdict.AMBIGUOUS, "keyword.neighbour", language="en")
    read = reading(p, text, context)
    return _judged(read.verdict, read.rule, scope=read.scope, language=read.language, tags=read.tags)


@lru_cache(maxsize=MOMENTS)
def machine_text(text: str) -> MachineText | None:
    """Which kind of machine wrote `text`, or None for a person."""
    return machine_text_of(text)


def _as_written(text: str) -> str:
    """The text without the marks that masking left in it: "[card number removed]" are our words, not theirs."""
    if "[" in text:
        for mark in REPLACEMENTS.values():
            text = text.replace(mark, "")
    return text


def flow_of(text: str) -> str:
    """The plain form of `text` that the rules read: words, "|" between sentences, "?" after a question."""
    return _plain(_as_written(text)).flow


def asks_for_person(text: str) -> bool:
    """Whether `text` asks for a human being: HUMAN, AGENT, PERSONA alone, or "can I talk to someone"."""
    return machine_text(text) is None and asks_for(_plain(text))


@lru_cache(maxsize=MOMENTS)
def _plain(text: str) -> Plain:
    return plain(text, KNOWN, repaired)


def _judged(
    verdict: Verdict,
    rule: str,
    *,
    scope: Scope | None = None,
    keyword: str | None = None,
    language: str | None = None,
    tags: frozenset[str] = frozenset(),
) -> Judgement:
    if verdict is Verdict.OPT_OUT:
        scope = scope or Scope.ALL
    return Judgement(verdict, scope, rule, WORDS_VERSION, keyword, language, tags)


def _words_of(p: Plain) -> list[str]:
    return [word for word in p.flow.split() if word not in "|?"]


def _keyword_in(p: Plain, words: list[str]) -> Keyword | None:
    """The keyword that is the whole text, said once or again and again, with courtesy around it for HELP words."""
    if not words:
        return None
    whole = " ".join(words)
    candidates = [whole, "".join(words)]
    if len(set(words)) == 1:
        candidates.append(words[0])
    rest = [word for word in words if word not in COURTESY]
    for key in candidates:
        row = KEYWORDS.get(key)
        if row is not None and not spoilt(p.marked, row):
            return row
    row = KEYWORDS.get(" ".join(rest))
    if row is not None and row.use in (Use.HELP, Use.OPT_IN, Use.JOIN) and not spoilt(p.marked, row):
        return row
    return None


def _of_keyword(row: Keyword, context: WordContext) -> Judgement:
    verdict = Verdict.NONE
    match row.use:
        case Use.OPT_OUT:
            verdict = Verdict.OPT_OUT
        case Use.HELP:
            verdict = Verdict.HELP
        case Use.OPT_IN if context is not WordContext.ACTIVE:
            verdict = Verdict.OPT_IN
        case Use.JOIN | Use.ANSWER_IN if context is WordContext.PENDING_OPT_IN:
            verdict = Verdict.OPT_IN
    bare_cancel = row.use is Use.OPT_OUT and spelling(row.word) in _BARE_CANCEL
    return _judged(
        verdict,
        f"keyword.{row.use}",
        keyword=row.word,
        language=row.language,
        tags=frozenset({"bare_cancel"}) if bare_cancel else frozenset(),
    )
