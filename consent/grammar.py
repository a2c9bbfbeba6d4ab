"""Requests to end texts by their grammar: who asks, refusal or request, verb, object, in any words of a class. Pure.

data/grammar.json says which words stand in which class (verbs of ending, of removal, of touching; nouns for messages,
numbers and lists). A sentence becomes one letter per word, and a rule is a pattern over such letters: a new verb or
noun is a line of data and works in every rule.
"""

import json
import re
from functools import lru_cache
from importlib import resources
from typing import Any

from consent.screen import letters_of

_LETTERS = 0x4E00  # one letter per set of classes; a block without upper case or meaning in a pattern
_GAP, _OTHER, _ING, _DIGITS = "~", "other", "ing", "digits"
_PHONE = re.compile(r"\b(?:1 )?(?:\d{3} )?\d{3} ?\d{4}\b")
_PATIENCE = 80  # words; nobody buries a request in a longer sentence, and a pattern must not wander

_DATA: dict[str, Any] = json.loads(resources.files("consent").joinpath("data/grammar.json").read_text("utf-8"))
_CLASSES: dict[str, list[str]] = _DATA["classes"]
_FILLER = frozenset(_DATA["filler"])
_SAME_AS: dict[str, str] = _DATA["same"]
_SAME = re.compile(rf"\b(?:{'|'.join(sorted(_SAME_AS, key=len, reverse=True))})\b")
_INTENSIFIERS = re.compile(rf"\b(?:{'|'.join(_DATA['intensifiers'])})\b")


def _sets() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for name, words in _CLASSES.items():
        for word in words:
            found.setdefault(word, set()).add(name)
    for names in found.values():
        if names == {"notours"}:
            names.add(_OTHER)  # a noun like any other, but for a list
    return {word: frozenset(names) for word, names in found.items()}


_SET_OF = _sets()
# Every word of the grammar, for reading typing errors.
VOCABULARY = frozenset(
    word for phrase in (*_SET_OF, *_FILLER) for word in phrase.split() if word.isascii() and word.isalpha()
)
_KINDS = [*sorted(set(_SET_OF.values()), key=sorted), *map(frozenset, ({_GAP}, {_OTHER}, {_ING, _OTHER}, {_DIGITS}))]
_LETTER_OF = {kind: chr(_LETTERS + n) for n, kind in enumerate(_KINDS)}
_LETTER_OF_WORD = {word: _LETTER_OF[kind] for word, kind in _SET_OF.items()}
_GAP_LETTER, _OTHER_LETTER = _LETTER_OF[frozenset({_GAP})], _LETTER_OF[frozenset({_OTHER})]
_ING_LETTER, _DIGITS_LETTER = _LETTER_OF[frozenset({_ING, _OTHER})], _LETTER_OF[frozenset({_DIGITS})]


def _phrases() -> dict[str, tuple[int, ...]]:
    """The lengths of the phrases that begin with a word, the longest first."""
    lengths: dict[str, set[int]] = {}
    for phrase in (*_SET_OF, *_FILLER):
        words = phrase.split()
        if len(words) > 1:
            lengths.setdefault(words[0], set()).add(len(words))
    return {first: tuple(sorted(found, reverse=True)) for first, found in lengths.items()}


_PHRASES = _phrases()

_PARTS = {
    "DETS": "(?:det|more|your|this|my|to)*",
    "ADJ": "(?:other){0,2}",
    "ME": "(?:me|(?:my|this)(?:other){0,2}number|(?:det|your|off)(?:other){0,2}number(?=$|off|again|or|gap)|number)",
    "END": "(?:$|gap|again|prep|or|you|i|it$|q|thing|not|no)",
    # After "off": a list of ours, or nothing that could be something else ("off the loan").
    "TAIL": "(?!det+(?:msg|touch))(?!det(?:other|notours))(?!to(?:det)?(?:other|digits))(?!off(?:det|your|this|my|other|more|msg|list){0,4}notours)(?!(?:prep|to)(?:det|your|this|my|other){0,2}notours)(?!other.)(?!notours)(?:.|$)",
    # After "removed": the end, or a list of ours.
    "GONE": "(?!off(?:det|your|this|my|other|more|msg|list){0,4}notours)(?!(?:det|this|my)(?:other){0,2}notours)(?!other.)(?!notours)(?:.|$)",
    # A subject or a question word before a negation makes it a statement ("I don't text", "why don't you text me").
    "NS": "(?<!i)(?<!you)(?<!q)(?<!third)(?<!if)(?<!modal)",
    "MSG": "(?:(?:det|more|your|this|my)*(?:other|number){0,2}(?:msg|touching))",
}


@lru_cache(maxsize=512)
def _letters_of_class(name: str) -> str:
    letters = "".join(letter for kind, letter in _LETTER_OF.items() if name in kind)
    if not letters:
        raise ValueError(f"no word stands in the class {name}")
    return f"[{letters}]"


def _pattern(text: str) -> re.Pattern[str]:
    """`text` with class names (lower case) and parts (upper case) as a pattern over letters."""
    for _ in range(2):  # a part may name another
        text = re.sub(r"[A-Z]+", lambda m: _PARTS[m[0]], text)
    text = text.replace("gap", _GAP_LETTER)
    return re.compile(re.sub(r"[a-z]+", lambda m: _letters_of_class(m[0]), text).replace(" ", ""))


# A request, and the name of its rule. The first that is found in a sentence names it.
_RULES: tuple[tuple[str, str], ...] = (
    # "stop texting", "quit it with the daily messages", "cease sending me anything", "stop including me"
    ("stop_touching", r"(?<!iwill)(?<!third)(?<!not)(?<!cannot) stop (?:prep|to|off)? DETS (?:call or)? touching"),
    ("stop_messages", r"(?<!iwill)(?<!third)(?<!not)(?<!cannot) stop (?:prep|off|it|det|your)* (?:call or)? MSG"),
    (
        "stop_sending",
        r"(?<!third)(?<!not)(?<!cannot) stop (?:sending|send|get) (?:(?:to)? ME)? DETS (?:thing|it(?!to)|again|(?:other){0,2} msg|$|(?:other){1,3} (?:$|gap|or|i|want|you|again))",
    ),
    (
        "stop_sending",
        r"(?<!third)(?<!not)(?<!cannot)(?<!to) stop ing (?:me|my other? number) (?:$|again|or|if|(?:prep|off)(?:det|your|this|more)*(?:other){0,2}(?:msg|junk|thing|it|list|$))",
    ),
    (
        "stop_messages",
        r"(?<!third)(?<!not)(?<!cannot)(?<!i) end (?!(?:off|det|my|this){0,2}(?:other)?notours)(?:your|det|this|more|my|off)* (?:other){0,2} msg END",
    ),
    # "these texts need to stop", "could the alerts be turned off", "I'd like the texting ended"
    (
        "stop_messages",
        r"(?:(?:modal|hope|how) (?:you|me|to|be|have|it|modal|det)* MSG (?:(?:me|your|my|prep) other? number?)? (?:modal|be|to)* (?:stop|ended|end) (?:$|gap|again|prep|or|me|my|if|i))",
    ),
    ("stop_messages", r"MSG (?:modal) (?:be|to|modal)* (?:stop|ended|end) (?:$|gap|again|prep|or)"),
    ("stop_touching", r"hope (?:you|to|it|if|modal)* ended (?:touching|sending|MSG)"),
    ("stop_messages", r"hope (?:you|to|me|be|have)* it (?:to|be|modal)* (?:stop|ended) (?:$|gap|again|or)"),
    # "remove me", "lose our number", "delete my details from your records"
    ("remove_me", r"(?<!third)(?<!not)(?<!cannot)(?<!i) remove ME TAIL"),
    (
        "remove_me",
        r"(?<!not)(?<!cannot) take (?:(?:my|this)(?:other){0,2}number off (?!(?:det|your|this|my|other|more|msg|list){0,4}notours)(?!other.)|me off (?:$|gap|again|or|you|i|if|prep you|not|no|(?:det|your|this|more|my)*(?:other|msg|touching){0,3}?(?:list|msg|touching|number)|(?:it|this)(?:thing)?(?:$|again|or|gap|prep|i|other$)|your|more))",
    ),
    ("remove_me", r"(?<!not) take ME (?:det|your)+ (?:other|msg)? list"),
    (
        "remove_me",
        r"(?:my|this) (?:other){0,2} number (?:modal|be|to)* (?:come)? off (?:det|your|this)* (?:other|msg){0,2} (?:list|msg)",
    ),
    ("remove_me", r"removed off? (?:det|this)* your (?:other|msg){0,2} (?:list|msg)"),
    ("remove_me", r"(?:hope|want) (?:you|to)* take (?:it)? off (?:my|this) number"),
    ("remove_me", r"(?:remove|take) it off (?:det|your)* your (?:other|msg|touching){0,2} (?:list|msg)"),
    ("remove_me", r"(?:hope|want|how|said) (?:you|to|be|have|modal|i)* (?:ME (?:be|to|modal)*)? removed GONE"),
    ("remove_me", r"i modal be removed GONE"),
    ("remove_me", r"(?:my|this) (?:other){0,2} number (?:be|to|modal)* removed GONE"),
    ("remove_me", r"(?:want|hope) (?:to|be)* off (?:det|your|this|my)* (?:other|msg){0,2} (?:list|msg)"),
    (
        "remove_me",
        r"(?:list|msg|number) removal | removal (?:want|said|off (?:det|your|this)* (?:other|msg)? list) | (?:want|said|hope) (?:det|my|be|to)* removal",
    ),
    ("remove_me", r"^off (?:det|your|this)* (?:other|msg)? list"),
    ("remove_me", r"forget (?:about)? (?:me|you) (?:have)? or? (?:my|this) other? number"),
    (
        "dont_include",
        r"NS not (?:you|again|continue|to|want)* include ME (?:prep|off|to|again)* (?:det|your|more|this)* (?:other)? (?:list|msg)",
    ),
    (
        "dnc",
        r"(?:add|include) (?:ME|to|be|it) (?:prep|off|det|your|my|this|more|be|other|to){0,5} (?:dnc|(?:not|no) (?:touch|call|msg|list))",
    ),
    (
        "dnc",
        r"(?:hope|want) (?:to)? be add (?:prep|off|det|your|my|this|more|be|other|to){0,4} (?:dnc|(?:not|no) (?:touch|call|msg|list))",
    ),
    # "do not contact me", "you may not text this number", "would you not message us"
    (
        "dont_touch",
        r"NS not (?:you|again|continue|to|want|it|modal|(?:call|touch)+ or)* (?:touch|touching) (?:(?:or|not) (?:touch|call|not))* (?:to)? (?:ME|again|$|gap|it (?:$|again)|msg)",
    ),
    ("dont_touch", r"NS not touch (?:or)? not (?:touch|call)"),
    ("dont_touch", r"NS not (?:have|get|continue)* ME touched"),
    (
        "dont_touch",
        r"(?:modal|hope|want|said) (?:if|to|it|you|modal)* (?:not|cannot) (?:to|be|again|continue)* (?:touch|touched) (?:(?:or|not) (?:touch|call))* (?:ME|again|$|gap|it|msg)",
    ),
    (
        "dont_touch",
        r"you (?:be|modal)* (?:not|cannot) (?:again|be)? (?:fine|allow|welcome) (?:to)? (?:touch|send|call)",
    ),
    ("dont_touch", r"(?:unwelcome|(?:not|cannot) (?:be)? (?:fine|welcome)) (?:to)? (?:touch|send) (?:ME)"),
    (
        "dont_send",
        r"NS (?:not|no) (?:you|again|continue|to|want)* (?:send|sending|touch) (?:(?:to)? (?:ME|it))? (?:to ME)? (?:(?:det|more|your|this)* (?:other){0,2} (?:msg|junk|promo) | (?:det|more|your|this)* thing (?:$|gap|again|more|or|this|to ME|you|off you) | more (?:$|gap|again|or|you|to) | it | (?:det|this|again)* $) END?",
    ),
    (
        "dont_send",
        r"(?:hope|want|modal) (?:if|to|it|you|modal)* not (?:to|be|again|continue)* send (?:ME)? (?:det|more|your|this)* (?:other){0,2} (?:msg|thing|more|it)",
    ),
    # "no more texts", "no calls or messages", "enough with the ads"
    (
        "no_more",
        r"(?:^|gap|prep|or|thing|i want|hope|want|again) (?:no|nomore) (?:det|your|this)* (?:call or)* (?:other){0,2} (?:msg|touching) (?:(?:or|not|no) (?:call|msg|touching))* (?:$|gap|to ME|again|you want|if|i|it)",
    ),
    (
        "no_more",
        r"(?:^|gap|prep|or|want|i|it) (?:nomore|no (?:det|your|this)* more) (?:det|your|this)* (?:other){0,2} (?:msg|touching)",
    ),
    ("no_more", r"^nomore (?:det|this|it|your|off|you|thing)* $"),
    ("no_more", r"enough (?:off|prep|have|get)? (?:det|your|this|more)* (?:other){0,2} (?:msg|touching)"),
    # "I don't want your texts", "not interested in being messaged", "I decline further messages"
    (
        "not_wanted",
        r"(?:not|cannot) (?:again|you|i)* want (?:to|you|off)* (?:get|send|again)* (?:det|more|your|this|my|off)* (?:other){0,1} (?:msg|touching|touched) (?!prep? (?:det|your|this)* other)",
    ),
    (
        "not_wanted",
        r"(?:not|cannot) (?:again)? want (?:you|it|third)* (?:to)? (?:touch|touching|sending|send|call or touch) (?:ME|again|$|gap|thing|more)",
    ),
    ("not_wanted", r"(?:not|cannot) (?:again)? want (?:to)? be (?:touched|list|prep list|prep your)"),
    ("not_wanted", r"(?:not|cannot) (?:again)? want (?:to)? (?:be)? prep (?:det|your|this)* (?:other|msg){0,2} list"),
    ("not_wanted", r"(?:not|cannot) (?:again)? want (?:to)? hear (?:thing)? (?:off|prep)+ (?:you|this|your|det|it)"),
    (
        "not_wanted",
        r"(?:not|cannot) (?:again)? want (?:to)? get? (?:it|thing|det|more|this)+ (?:off (?:you|your|this|me)|again|(?:i? get))",
    ),
    (
        "not_wanted",
        r"(?:not|cannot) (?:again|be)? (?:fine|allow) (?:prep|off|to|you)* (?:get|be|hear|your|more|det|this)* (?:touching|touched|msg|sending (?:me|it|msg))",
    ),
    (
        "not_wanted",
        r"(?:hope|want) (?:to|it|if|you|i|be)* (?:not|no) (?:to|again|be)* (?:touched|hear (?:thing|off|again|$)|get (?:touched|(?:det|more|your|this|off)* (?:(?:other)? (?:msg|touching)|it|these|thing) END))",
    ),
    (
        "not_wanted",
        r"refuse (?:to|prep)* (?:get|be|hear|allow)* (?:(?:det|more|your|this)* (?:other){0,2} (?:msg|touching|touched))",
    ),
    (
        "not_wanted",
        r"MSG (?:be|cannot|not|i)* (?:unwelcome|(?:not|cannot) (?:again)? welcome? (?:i)? (?:welcome|want|fine))",
    ),
    (
        "not_wanted",
        r"(?:hope|want|modal) (?:if|it|this|to|be|you|modal|i)* (?:det|your|my|this)* last (?:other)? (?:msg|touching) ",
    ),
    ("not_wanted", r"(?:it|this) (?:modal|be)+ (?:det|your|my)* last (?:other)? msg (?:you|i|me|to)"),
    ("not_wanted", r"last thing (?:i)? (?:want|hope) (?:be)* MSG"),
    (
        "not_wanted",
        r"(?:hope|said) (?:to|i|you|this number|my number)* (?:not|no) (?:again|have|be)* (?:get|hear|touched) (?:$|(?:det|more|your|this|again)* (?:other)? (?:msg|off you|touching|thing off))",
    ),
    (
        "not_wanted",
        r"(?:changed) (?:prep|about)* (?:get|be|about)* (?:det|your|this|more)* (?:other)? (?:msg|touched|touching)",
    ),
    ("not_wanted", r"i (?:not|cannot) (?:again)? want (?:to)? (?:get)? these (?:$|gap|again|or)"),
    (
        "no_need",
        r"noneed (?:to|prep|you|it|me|again|continue|want|more|send|det|other)* (?:touch|touching|sending|send|msg) (?:END|(?:ME|me)(?!(?:det|your|my|this)+(?:other|notours))|my(?:other)?number|msg|(?:det|more|your|this)+(?:other){0,2}(?:msg|thing)|more|thing|off)",
    ),
    ("no_more", r"^MSG off (?:$|gap|or)"),
    ("no_more", r"(?:nomore|no) (?:other|more|det)* msg to touch ME"),
    ("dont_send", r"(?:^|gap|or|i|modal|to|prep) send (?:me)? zilch"),
    ("dont_send", r"(?:want|hope) zilch (?:touched|send|off you|off your|more)"),
    ("dont_touch", r"nobody (?:.){0,4}? touch ME"),
    ("dont_touch", r"touching me .{0,4} (?:not|no) $"),
    ("not_wanted", r"(?<!i)(?:not|nobody) hear off+ (?:you|your|this)"),
    (
        "not_wanted",
        r"(?:good|hope|want|modal) (?:i|be|it|to|modal|det)* without (?:det|more|your|this)+ (?:other)? msg",
    ),
    ("not_wanted", r"silence (?:off|prep) (?:you|your)"),
    ("not_wanted", r"(?:hope|want) you to? not (?:other|touch|send|call)+ (?:me)? again"),
    ("said_stop", r"stopreq .{0,6} (?:not|cannot|be)+ .{0,2} honored"),
    ("said_stop", r"my (?:other)? stopreq"),
    ("go_away", r"goodbye .{0,3} (?:your|this|these) (?:other)? msg"),
    ("turn_off", r"end (?:det|your) (?:other|or){0,2} msg (?:other|or|msg){0,4} thing"),
    ("bare_word", r"^(?:or|it|you|i|again|modal|me)* stop (?:it|or|again|you|no|me)* $"),
    (
        "not_wanted",
        r"(?:hope|be|consider) (?:it|this|to|be|you|modal)* (?:det|your|my|this)* last (?:part|time)? (?:you|your)+ (?:modal)? touch",
    ),
    (
        "not_wanted",
        r"(?:no|zilch) desire (?:to|off|prep)* (?:get|hear|be touched)+ (?:det|more|your|this|thing|off)* (?:msg|thing|this|it|you|touching)",
    ),
    ("remove_me", r"consider (?:me|ME|this) (?:det|my|to|prep)* (?:unsubbed|removed|stopreq|removal|unsub)"),
    ("remove_me", r"(?:^|i|want|gap|be|or|to|how|modal) depart (?:det|your|this)+ (?:other|msg)? list"),
    ("remove_me", r"(?:^|gap|prep|or|i|me|number) remove off (?:det|this)* your (?:other|msg){0,2} list"),
    ("enough", r"^(?:it|this|be)* enuf (?:again)? $"),
    (
        "go_away",
        r"^(?:or|take|it|you|i|other|touch|come)? (?:touch|touching) elsewhere|^(?:or|come|you|other)* elsewhere to touch",
    ),
    ("may_not", r"you (?:have)? (?:no|zilch) right (?:to)? (?:touch|touching|be touching|send|sending)"),
    ("stop_touching", r"stop ing (?:my|me) .{0,4} (?:msg|touching)"),
    ("stop_messages", r"(?<!third)(?<!not)(?<!cannot) stop (?:det|your|this|prep)* (?:other)? junk END"),
    ("said_stop", r"honored my (?:last|other)? (?:stop|stopreq|removal|unsub)"),
    ("threat", r"(?:continue|^next) (?:touching|msg|it|this|more|thing)* (?:or) .*report"),
    ("remove_me", r"i (?:hope|want) (?:to|be)* off (?:$|gap|again)"),
    ("remove_me", r"modal i (?:be|have|get)+ removed GONE"),
    ("not_wanted", r"modal (?:i|you) not (?:other)? (?:det|this|your)* touching"),
    ("not_wanted", r"want zilch to other prep (?:you|your)"),
    ("not_wanted", r"(?:not|no) (?:other)? modal you (?:again)? touch (?:ME|$)"),
    ("said_stop", r"^(?:det|this|my|other|be)* (?:stopreq|removal) (?:$|gap|prep|again|said)"),
    ("said_stop", r"honored (?:det|my|this)* removal"),
    ("said_stop", r"^(?:again|part|other)? unsubbed (?!off)(?!ME)(?!other off)(?!det)"),
    (
        "said_stop",
        r"i (?:continue|have|be|still|said)* saying (?:det|other)? (?:stop|unsub) (?:$|gap|or|prep|you|again|i|it)",
    ),
    ("no_more", r"no to (?:det|your|more|this)* (?:msg|touching)"),
    ("no_more", r"(?:not|no) (?:det|your) promo (?:$|gap|or)"),
    ("stop_messages", r"stop rest|elserest (?:modal|be|to)* stop $"),
    ("dont_touch", r"(?<!i)(?<!third)(?<!person) not to touch ME"),
    ("dont_touch", r"you not be touching ME"),
    ("remove_me", r"i (?:modal)? (?:not|cannot) (?:be|other|join|want)* (?:prep|off)* (?:this|your) (?:other)? list"),
    ("said_stop", r"my unsub (?!off)(?!.{0,2}notours)"),
    ("not_wanted", r"(?:it|this) modal+ be (?:det|your)* last (?:msg|thing)"),
    ("dont_touch", r"NS not use (?:my|this) number (?:$|again|prep to|prep msg|gap)"),
    ("dont_touch", r"NS not waste your (?:part)? touching ME"),
    ("dont_touch", r"^touch ME (?:nomore|no (?:again|more))"),
    ("said_stop", r"i (?:be|other)* off (?:det|this)* your (?:other)? list"),
    (
        "not_wanted",
        r"(?:not|cannot) (?:again|be)* want (?:to)? join (?:$|gap|this|it|or|again|(?:your|det|this)+ (?:other)? (?:list|msg))",
    ),
    ("not_wanted", r"(?:not|cannot) (?:be|again)+ want (?:det|more|your|this)* (?:other)? msg"),
    ("turn_off", r"(?:take|remove|turn|end) MSG off (?:my|this) (?:number|list)"),
    ("no_need", r"noneed (?:to|you|again)* include me (?:prep|off|to)* (?:det|your|this)* (?:other)? list"),
    ("stop_touching", r"(?<!iwill)(?<!third)(?<!not)(?<!cannot)(?<!to) stop ing (?:other|msg){1,2} prep me"),
    ("partial_only", r"only (?:other|det|my)* msg .*zilch"),
    ("partial_only", r"only (?:you|i|me|to|modal)* (?:want|touch|send|get) .*nothing (?:$|prep|off)"),
    ("leave_alone", r"leave ME (?:other)? alone (?!det)(?!other.)"),
    ("remove_me", r"leave me off (?:det|your|this)* (?:other|msg)? (?:list|msg)"),
    # "I withdraw my permission", "consent is revoked", "I never authorized this"
    ("consent", r"(?<!third)withdraw (?:det|my|your|more|this|thing|other|i|you){0,5} consent"),
    ("consent", r"(?<!third)consent (?!prep? (?:det)? other notours) (?:.{0,9}? (?:be|have)+ (?:other)?)? withdrawn"),
    (
        "consent",
        r"(?:not|no) (?:again)? (?:have|get)? (?:my|det|more)* consent (?:$|gap|or|again|(?:to|prep|off)+ (?:you|be|get|touch|touched|touching|msg|your|this|it|more|send|sending|det msg|call))",
    ),
    (
        "consent",
        r"i (?:not|cannot) (?:again)? allow (?:you|to|prep|det|your|more|this|it|be)* (?:touch|touched|touching|msg|send|number|call)",
    ),
    ("forget_number", r"forget (?:you|to)* (?:have)? (?:my|this) (?:other)? number TAIL"),
    ("threat", r"(?:more|if|last|next) (?:other|you|me)* (?:msg|touch|touching|part).*report"),
    ("threat", r"(?:msg|touch) (?:me)? (?:more|again|thing|next)+ (?:other|part)? (?:or|i|you).*report"),
    # "I already told you to stop", "said no more", "asked to be taken off"
    (
        "said_stop",
        r"(?<!not)(?<!cannot)(?<!third)(?<!person) said (?:you|to|prep|det|more|again|other|me|be|have|digits|it|last|part){0,6} (?:stop|unsub|unsubbed|removed(?=GONE)(?:this thing)?|nomore|not touch|(?:take|remove|leave) ME) (?:END|MSG|again|last|part|digits|me|my|thing|sending|send|get|off|other)",
    ),
    ("said_stop", r"(?:hope|modal) (?:you|this|it|MSG|your|det)* (?:to|modal)* stop (?:$|gap|again|it$|this$|or|i$)"),
    ("said_stop", r"part (?:.){0,6}? (?:stop|unsub|nomore) (?:MSG)? (?:$|gap|you|q|i|not|cannot|modal|again)"),
    (
        "said_stop",
        r"(?:i|q) (?:have|not|modal|other|i|said|again)* (?:be)? unsubbed (?!off (?:det|my)* other)(?!(?:det|my) other)",
    ),
    (
        "unsubscribe",
        r"(?<!not)(?<!cannot)(?<!third) unsub (?!(?:off|det|my|this){0,2}(?:other)?notours)(?:(?:det|more)* $|other (?:this|your|list|msg)|gap|again|ME|you|i|prep|or|it|not|no|thing|q|if|number|(?:off)?(?:det|your|this|more|my)*(?:other|msg|touching){0,3}?(?:list|msg|number|touching)|off $|off (?:it|you|me|thing|more|$))",
    ),
    (
        "go_away",
        r"(?:^|gap|prep|or|no|again|me|unsub|stop|other) away (?:$|gap|again|or|you|me|it|my|(?:prep|off)* (?:your|this|these|list|touching|msg))",
    ),
    (
        "turn_off",
        r"(?:^|modal|gap|how|you|i|to|prep|or|hope|want) (?:you|to|i|modal)* turn (?:(?:det|this|your|my)* (?:other)? msg|this) off (?:$|gap|again|prep|or|to|me)",
    ),
    ("consent", r"(?:not|cannot) (?:again|i)? give (?:you)? (?:my|det|more)* consent"),
    (
        "how_to_stop",
        r"how .*?(?:stop MSG|(?:end) (?!(?:off|det|my|this){0,2}(?:other)?notours)MSG|take me off|be removed GONE|get removed GONE|end it $|MSG (?:to|be)* (?:stop|ended)|you (?:to)? stop $|unsub(?!my|det|person|third|off(?:det|my)?(?:other)?notours)|off this $|away (?:$|again))",
    ),
    # "I should no longer be getting these", "is there a way not to get them anymore", "it'd be nice if I didn't"
    (
        "not_wanted",
        r"(?:^|gap|i|number|me|or|prep|person) shouldnt (?:be|again|to|continue|have)* get (?:det|more|again|your|this|off)* (?:other)? (?:msg|touching|these (?:$|gap|again|or|off|prep|not))",
    ),
    (
        "not_wanted",
        r"(?:hope|want|good) (?:it|to|be|modal|me)* if (?:i|me|(?:my|this) number) (?:not|cannot|unsubbed|ended)+ (?:have|to|again|be|modal)* (?:touched|get (?:det|more|your|this|off|again)* (?:(?:other)? (?:msg|touching)|it|these|thing) (?:END|off (?:you|your)))",
    ),
    (
        "how_to_stop",
        r"how (?:i|me|modal|to|you|be|prep|for|how|about)* (?:not|without|end|stop|avoid) (?:again|be|to)* get (?:det|your|more|this|off)* (?:(?:other)? (?:msg|touching)|it|these|thing) (?:END|off (?:you|your))",
    ),
    # "texts from you are no longer welcome at this number", "these messages are to be discontinued"
    (
        "not_wanted",
        r"MSG (?:off (?:you|your other|this other?))? (?:(?:prep|to)* (?:me|(?:my|this) other? number))? (?:be|modal)* (?:unwelcome|(?:not|cannot) (?:again)? welcome)",
    ),
    (
        "stop_messages",
        r"MSG (?:off (?:you|your other))? (?:(?:prep|to)* (?:me|(?:my|this) other? number))? be (?:to|modal) (?:be)? (?:ended|stop|end) (?:$|gap|again|prep|or)",
    ),
    (
        "stop_messages",
        r"MSG (?:off (?:you|your other))? (?:(?:prep|to)* (?:me|(?:my|this) other? number))? (?:modal) (?:be|to|modal|have)* (?:stop|ended|end) (?:$|gap|again|prep|or)",
    ),
    ("stop_messages", r"(?:stop|ended|end) be (?:it|what) i (?:hope|want) .{0,3} (?:msg|touching)"),
    # "let this be the end of it", "make this the last one", "all I want from you is silence"
    (
        "not_wanted",
        r"(?:^|gap|prep|or) (?:hope|leave) (?:this|it) be? (?:theend|(?:det|your|my)* last (?:(?:thing|time) (?:$|gap|off|i|you)|i hear))",
    ),
    (
        "not_wanted",
        r"(?:want|hope|desire) off (?:you|your other?) be (?:silence|removal|removed GONE|unsub|to? (?:stop|ended|be removed GONE)|(?:det)? end)",
    ),
    (
        "not_wanted",
        r"only thing i? (?:want|hope) (?:be|to|you|off|this|your|for|hear)* (?:stop|ended|unsub|unsubbed|removed GONE|be removed GONE|removal)",
    ),
    # "I'd rather not be on this list"
    (
        "remove_me",
        r"(?:hope|want) (?:to|i|modal)* (?:not|no) (?:to|be|again|have)* (?:prep|off|join)+ (?:det|your|this)* (?:other|msg)? (?:list|msg) (?:$|gap|again|or|prep|if)",
    ),
    (
        "not_wanted",
        r"(?:this|it|hope|modal) (?:modal|to|be)* (?:det|your|my)* last (?:time|msg|thing) (?:i|you) (?:get|hear|touch|send)",
    ),
    ("stop_touching", r"touching be withdrawn (?:$|gap|or)"),
    (
        "said_stop",
        r"i (?:have|again|continue|still|other)* hit (?:det|word)* (?:stop|unsub) (?:$|gap|again|digits|part|last|or you|or i)",
    ),
    ("forget_number", r"forget you have (?:it|(?:my|this) (?:other)? number)"),
    (
        "dont_touch",
        r"you shouldnt (?:be|again|continue|to|have)* (?:touch|touching|send|sending) (?:ME|msg|again|$|gap|thing|more|det msg)",
    ),
    ("threat", r"(?:touching|touch|msg) (?:ME)? (?:again|more|next) (?:modal|be|consider|prep|det)* report"),
    ("threat", r"(?:send|touch) (?:me)? (?:det|digits)* (?:more|next|again|thing)+ (?:msg|part)? (?:or|i|you).*report"),
    ("not_wanted", r"(?<!iwill)(?<!third)(?<!not)(?<!cannot) stop hear (?:thing)? (?:off|prep)+ (?:you|your)"),
    ("not_wanted", r"(?:hope|want) (?:to|be)* get zilch (?:$|gap|more|again|off|or)"),
    ("how_to_stop", r"how .{0,5}? off (?:this|your)+ (?:other)? (?:list|msg) (?:$|gap|again)"),
    ("remove_me", r"(?:take|remove) your (?:det|msg|junk|touching){1,3} off (?:my|this) (?:other)? number"),
    # "nobody here wants to be texted by you", "none of us asked for your messages"
    (
        "not_wanted",
        r"nobody .{0,5}? (?:want|hope) (?:to|be|get|hear|again)* (?:touched|touching|off you|(?:det|your|more|this)* msg (?:$|gap|again|off|or))",
    ),
    # "stop asking", "quit asking me about it"
    (
        "stop_touching",
        r"(?<!iwill)(?<!third)(?<!not)(?<!cannot)(?<!to) stop asking (?:$|again|gap|or|me (?:$|gap|again|or|if))",
    ),
    # "take me off the holiday sale stuff", "stop sending me his car stuff"
    (
        "remove_me",
        r"(?<!third)(?<!not)(?<!cannot)(?<!i) (?:take|remove) ME off (?:det|your|this|my)* (?:other|notours|msg|promo){0,4} (?:junk|promo|msg) END",
    ),
    (
        "stop_sending",
        r"(?<!third)(?<!not)(?<!cannot)(?<!to) stop (?:sending|send) (?:to)? ME? (?:det|your|this|my|third|other|notours|more){0,5} (?:junk|msg|thing) (?:$|gap|again|or|i|it|prep)",
    ),
    # "So I text STOP in June"
    (
        "said_stop",
        r"i (?:have|again|continue|still|other)* (?:touch|said|saying|send|sending) (?:you|to|det|word|prep)* stop (?:$|gap|again|part|last|prep|other|or|i|you|digits|to)",
    ),
    # "any further message is without my consent"
    (
        "consent",
        r"(?:more|next|again) (?:other)? (?:msg|touching|touch) .{0,6}? be (?:without|not) (?:my|det)* (?:other)? consent",
    ),
    (
        "consent",
        r"(?:more|next|again) (?:other)? (?:msg|touching|touch) .{0,6}? be (?:det|prep)* (?:unwelcome|report|refuse)",
    ),
)
# Where texts have been spoken of: "end it", "I'd like them gone", "undo that".
_TOPIC_RULES: tuple[tuple[str, str], ...] = (
    ("stop_it", r"(?:hope|want) (?:to|have)* it (?:to|be|modal)* (?:ended|removed) off (?:det|this)* (?:your|you)"),
    ("stop_it", r"(?<!i)(?<!third)(?<!not)(?<!cannot)(?<!be)(?<!get) end (?:it|this|det)* $"),
    ("stop_it", r"(?:hope|want) (?:you|to|me|be|have|i)* (?:it|thing)? (?:to|be|modal)* (?:stop|ended|removed) $"),
    ("stop_it", r"spare (?:me|det|your|more)* (?:other|msg|thing|digits)? $"),
    ("stop_it", r"(?:^|gap|or|modal|you|prep) remove it $"),
    ("stop_it", r"(?:^|gap|modal|or|i) undo (?:it|this|$)"),
    ("stop_it", r"(?:^|gap|modal|or|how|to) turn it off $"),
    ("stop_it", r"(?:not|cannot) (?:again|i)* want (?:to|get)* (?:it|this|more|thing)+ $"),
    ("stop_it", r"(?:^|gap|i|me) (?:be)? (?:off|enough) $"),
)
# About somebody else's phone or wishes: a person decides.
_OTHERS_RULES: tuple[tuple[str, str], ...] = (
    (
        "third_party",
        r"(?:not|no|stop) (?:you|again|continue|to|touch|or)* (?:touch|touching|send|sending|call) (?:or touch|or call|to)* (?:my|det|your|third)? person",
    ),
    (
        "third_party",
        r"(?:take|remove|leave|unsub) (?:my|third|det)? (?:other)? person (?:number|other)* (?:$|gap|alone|off (?:det|your|this|my)* (?:other|msg){0,2} (?:list|msg)|off $)",
    ),
)
COMPILED = tuple((name, _pattern(rule)) for name, rule in _RULES)
_OTHERS = tuple(_pattern(rule) for _, rule in _OTHERS_RULES)
_TOPIC = tuple((name, _pattern(rule)) for name, rule in _TOPIC_RULES)
ALL_RULES = COMPILED + _TOPIC
_ABOUT_TEXTS = _pattern(r"(?:your|these|more)(?:det|other){0,2}msg|(?:your|this|these)(?:other)?list|msg list")
_AN_END = _pattern(
    r"(?:enuf|end|stop|last|without|spare|silence|goodbye|nomore|zilch|noneed|refuse|undo|remove|removed|unwelcome)"
)
_WITHOUT_TOPIC = (1 << len(COMPILED)) - 1
_PEOPLE = frozenset(letter for kind, letter in _LETTER_OF.items() if "person" in kind)


_NEEDED = tuple(letters_of(pattern.pattern) for _, pattern in ALL_RULES)


def _rules_with() -> tuple[dict[str, int], int]:
    """For every letter the rules (as bits) that need it or another; and those of which nothing is known."""
    needing: dict[str, int] = {}
    always = 0
    for bit, needed in enumerate(_NEEDED):
        if not needed:
            always |= 1 << bit
        for letter in needed[0] if needed else ():
            needing[letter] = needing.get(letter, 0) | 1 << bit
    return needing, always


_RULES_WITH, _ALWAYS = _rules_with()


@lru_cache(maxsize=64)  # one sentence is asked about in several ways
def letters(sentence: str) -> tuple[str, list[int]]:
    """One letter for each word or phrase of `sentence` that has a part in the grammar, and the word each begins at."""
    sentence = _SAME.sub(lambda m: _SAME_AS[m[0]], _PHONE.sub("undersigned", sentence))
    words = _INTENSIFIERS.sub(" _ ", sentence).split()[:_PATIENCE]
    return _coded([word for word in words if word != "_"])


def _coded(words: list[str]) -> tuple[str, list[int]]:
    out: list[str] = []
    begins: list[int] = []
    at = 0
    while at < len(words):
        word = words[at]
        for length in _PHRASES.get(word, ()):
            phrase = " ".join(words[at : at + length])
            if phrase in _FILLER:
                at += length
                break
            letter = _LETTER_OF_WORD.get(phrase)
            if letter:
                out.append(letter)
                begins.append(at)
                at += length
                break
        else:
            at += 1
            if word in _FILLER:
                continue
            out.append(_LETTER_OF_WORD.get(word) or _letter_of_unknown(word))
            begins.append(at - 1)
    return "".join(out), begins


def _letter_of_unknown(word: str) -> str:
    if word == _GAP:
        return _GAP_LETTER
    if word.isdigit():
        return _DIGITS_LETTER
    return _ING_LETTER if word.endswith("ing") and len(word) > 4 else _OTHER_LETTER


def request_in(sentence: str, topic: bool) -> tuple[str, int] | None:
    """The rule by which `sentence` asks that texts end and the place in it where the request begins, or None.

    `topic`: the whole text speaks of texts, so that "it" and "them" can be these.
    """
    coded, begins = letters(sentence)
    for name, pattern in possible_rules(coded, topic):
        match = pattern.search(coded)
        if match:
            begin = begins[match.start()] if match.start() < len(begins) else 0
            return name, len(" ".join(sentence.split()[:begin]))
    return None


def classes_in(sentence: str) -> list[frozenset[str]]:
    """The classes of each word or phrase of `sentence` that has a part in the grammar, in order."""
    return [_KINDS[ord(letter) - _LETTERS] for letter in letters(sentence)[0]]


def about_ending(sentence: str) -> bool:
    """Whether `sentence` speaks of our texts or our list and of an end in whatever words: a person reads it."""
    coded, _ = letters(sentence)
    return bool(_ABOUT_TEXTS.search(coded) and _AN_END.search(coded))


def about_others(sentence: str) -> bool:
    """Whether `sentence` asks for somebody else than its writer to be left out."""
    coded, _ = letters(sentence)
    return not _PEOPLE.isdisjoint(coded) and any(pattern.search(coded) for pattern in _OTHERS)


def possible_rules(coded: str, topic: bool) -> list[tuple[str, re.Pattern[str]]]:
    """The rules that can match `coded`: those of whose letters at least one stands in it."""
    bits = _ALWAYS
    present = set(coded)
    for letter in present:
        bits |= _RULES_WITH.get(letter, 0)
    if not topic:
        bits &= _WITHOUT_TOPIC
    rows = []
    while bits:
        lowest = bits & -bits
        bit = lowest.bit_length() - 1
        if not any(needed.isdisjoint(present) for needed in _NEEDED[bit]):
            rows.append(ALL_RULES[bit])
        bits ^= lowest
    return rows
