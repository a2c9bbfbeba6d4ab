"""What holds for every text: decoration changes nothing, and the same text always gets the same answer."""

from hypothesis import given, settings
from hypothesis import strategies as st

from consent.keywords import KEYWORDS, TABLE, Use
from consent.words import Verdict, WordContext, judge

PLAIN_WORDS = sorted(
    {word.upper() for name in ("fcc_per_se", "telnyx_default") for word in TABLE[name]}
    | set(TABLE["twilio_long_code_default"]["opt_out"])
)
LOOK_ALIKES = str.maketrans("AaCcEeOoPpSsXxTBHKM", "АаСсЕеОоРрЅѕХхТВНКМ")
FULL_WIDTH = {ord(c): ord(c) + 0xFEE0 for c in map(chr, range(0x21, 0x7F))}
OUTSIDE = [
    "",
    "!",
    "...",
    " ",
    '"',
    "'",
    "*",
    "(",
    ")",
    "[",
    "]",
    "🛑",
    " 😡",
    "🙏",
    "\n",
    "\u200b",
    "!!!",
    "“",
    "”",
    "-",
    "~",
]
INVISIBLE = ["\u200b", "\u200d", "\u2060", "\u00ad", "\ufeff", "\u202e"]


@st.composite
def decorated(draw: st.DrawFn) -> str:
    word: str = draw(st.sampled_from(PLAIN_WORDS))
    word = "".join(draw(st.sampled_from([c.lower(), c.upper()])) for c in word)
    match draw(st.sampled_from(["none", "look_alike", "full_width", "invisible", "spaced", "long"])):
        case "look_alike":
            word = word.translate(LOOK_ALIKES)
        case "full_width":
            word = word.translate(FULL_WIDTH)
        case "invisible":
            at = draw(st.integers(1, len(word) - 1))
            word = word[:at] + draw(st.sampled_from(INVISIBLE)) + word[at:]
        case "spaced":
            word = draw(st.sampled_from([" ", ".", "-", ". ", "_"])).join(word.replace(" ", ""))
        case "long":
            word += word[-1] * draw(st.integers(2, 12))
    ends = st.lists(st.sampled_from(OUTSIDE), max_size=3).map("".join)
    return draw(ends) + word + draw(ends)


@given(decorated(), st.sampled_from(WordContext))
@settings(max_examples=600, deadline=None)
def test_decoration_never_hides_an_opt_out_word(text: str, context: WordContext) -> None:
    assert judge(text, context).verdict is Verdict.OPT_OUT


@given(st.sampled_from(sorted(w for w, row in KEYWORDS.items() if row.use is Use.OPT_OUT)), st.sampled_from(OUTSIDE))
@settings(max_examples=300, deadline=None)
def test_every_word_of_the_table_opts_out_in_any_case(word: str, mark: str) -> None:
    row = KEYWORDS[word]

    assert judge(row.word.upper() + mark).verdict is Verdict.OPT_OUT


@given(st.text(max_size=300), st.sampled_from(WordContext))
@settings(max_examples=300, deadline=None)
def test_any_text_gets_one_answer_and_always_the_same(text: str, context: WordContext) -> None:
    first = judge(text, context)

    assert judge(text, context) == first
    assert 0 < len(first.rule) <= 80
    assert (first.scope is not None) is (first.verdict is Verdict.OPT_OUT)


@given(
    st.sampled_from(["house", "price", "Saturday", "my wife", "the red one"]), st.text(alphabet="abcde ", max_size=40)
)
def test_a_text_without_a_consent_word_is_not_an_opt_out(thing: str, noise: str) -> None:
    assert judge(f"what about {thing} {noise}").verdict is not Verdict.OPT_OUT
