"""Requests put together from their parts: every polite, misspelt or legal wording of one request gets one answer."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent import grammar
from consent.foreign_words import FOREIGN_HELP, FOREIGN_HOLD
from consent.keywords import KNOWN, repaired
from consent.machine_texts import AUTO
from consent.normalise import plain
from consent.plain_words import HOLD, OTHER_SENSE
from consent.words import Scope, Verdict, judge

DATA = Path(__file__).parent / "data"
SETS = (
    "revocation_corpus.jsonl",
    "own_texts.jsonl",
    "varied_texts.jsonl",
    "blind_texts_1.jsonl",
    "blind_texts_2.jsonl",
    "blind_texts_3.jsonl",
    "business_texts.jsonl",
)
EVERY_TEXT = [
    json.loads(line)["text"] for name in SETS for line in (DATA / name).read_text("utf-8").splitlines() if line
]


def phrases(text: str) -> st.SearchStrategy[str]:
    """One of the lines of `text`; an empty line stands for nothing."""
    return st.sampled_from([line.strip() for line in text.strip("\n").splitlines()])


OPENINGS = phrases("""

please
pls
Hi,
Thanks but
sorry but
ok
Not interested,
We already bought a house so
Wrong number,
I'm asking you nicely to
could you please
can you
would you kindly
yall need to
you can
I need you to
I'd like you to
for the last time
""")
COMMANDS_ONLY = phrases("""

please
pls
Hi.
Not interested.
Wrong number.
We already bought.
seriously,
""")
ENDINGS = phrases("""

please
thanks
now
immediately
asap
!!
.
ok?
thank you
already
from now on
""")

STOP = phrases("""
stop
quit
cease
discontinue
""")
TOUCHING = phrases("""
texting me
messaging me
contacting me
texting this number
sending me texts
sending these messages
sending me stuff
texting my phone
bothering me
with the texts
all the messages
these messages
the text messages
your texts
all communication
spamming my phone
blowing up my phone
""")
REMOVE = phrases("""
remove
delete
take
erase
scratch
get
drop
""")
WHO = phrases("""
me
my number
my name
my cell
this number
our number
my phone number
my info
""")
FROM = phrases("""
off your list
off this list
from your list
from your system
off the mailing list
out of your database
from your contacts
off whatever list this is
from all your lists
""")
NEGATION = phrases("""
don't
do not
never
dont
please do not
don't ever
no longer
please don't
""")
TOUCH = phrases("""
text me
contact me
message me again
text this number
message this phone
text me anymore
send me texts
send me any more messages
text or call me
call or text this number
send anything else
bother me
reach out to me again
""")
WANT = phrases("""
I don't want
I do not want
I no longer want
we don't want
i dont want
I don't wish to get
I no longer wish to receive
I don't need
we do not want to receive
I'd rather not get
I'm not interested in getting
I don't care to receive
""")
MESSAGES = phrases("""
your texts
these messages
any more texts
these texts anymore
text messages from you
any further communication
your marketing texts
more messages
texts from your company
""")
CONSENT = phrases("""
I revoke my consent
I withdraw my permission
I hereby revoke any consent
my consent is withdrawn
I rescind my authorization
You no longer have my permission to text this number
I do not consent to these texts
I'm taking back my consent
I withdraw any prior express consent
consent to contact me is revoked
""")
BUSINESS = phrases("""
the appointment
my appointment for Friday
our showing
the test drive
the loan application
the extended warranty
the red one
the contract
the fence repair
the carpet
""")


@given(OPENINGS, STOP, TOUCHING, ENDINGS)
@settings(max_examples=300, deadline=None)
def test_a_request_to_stop_texts_is_an_opt_out_in_any_words(before: str, stop: str, texts: str, after: str) -> None:
    text = f"{before} {stop} {texts} {after}"

    assert judge(text).verdict is Verdict.OPT_OUT, text


@given(OPENINGS, REMOVE, WHO, FROM, ENDINGS)
@settings(max_examples=300, deadline=None)
def test_a_request_to_be_taken_off_a_list_is_an_opt_out(before: str, verb: str, who: str, off: str, after: str) -> None:
    text = f"{before} {verb} {who} {off} {after}"

    assert judge(text).verdict is Verdict.OPT_OUT, text


@given(COMMANDS_ONLY, NEGATION, TOUCH, ENDINGS)
@settings(max_examples=300, deadline=None)
def test_a_command_not_to_text_is_an_opt_out(before: str, negation: str, touch: str, after: str) -> None:
    text = f"{before} {negation} {touch} {after}"

    assert judge(text).verdict is Verdict.OPT_OUT, text


@given(COMMANDS_ONLY, WANT, MESSAGES, ENDINGS)
@settings(max_examples=300, deadline=None)
def test_who_does_not_want_texts_opts_out(before: str, want: str, messages: str, after: str) -> None:
    text = f"{before} {want} {messages} {after}"

    assert judge(text).verdict is Verdict.OPT_OUT, text


@given(COMMANDS_ONLY, CONSENT, ENDINGS)
@settings(max_examples=100, deadline=None)
def test_who_takes_consent_back_opts_out(before: str, consent: str, after: str) -> None:
    text = f"{before} {consent} {after}"

    assert judge(text).verdict is Verdict.OPT_OUT, text


@given(
    phrases("""
please cancel
I need to cancel
can we stop
could you remove
please take off
we want to end
don't send
I don't want
no longer need
can you delete
"""),
    BUSINESS,
    ENDINGS.filter(lambda words: words not in ("from now on", "!!")),
)
@settings(max_examples=200, deadline=None)
def test_the_same_verbs_about_business_are_no_opt_out(verb: str, thing: str, after: str) -> None:
    text = f"{verb} {thing} {after}"

    assert judge(text).verdict is not Verdict.OPT_OUT, text


def _slip(word: str, at: int, kind: str) -> str:
    match kind:
        case "swap":
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        case "double":
            return word[:at] + word[at] + word[at:]
    return word[:at] + word[at + 1 :]


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_one_slip_of_the_finger_in_a_long_word_changes_nothing(data: st.DataObject) -> None:
    text = data.draw(
        st.sampled_from(["stop texting me", "stop sending messages", "remove my number", "unsubscribe please"])
    )
    word = max(text.split(), key=len)
    slip = _slip(word, data.draw(st.integers(1, len(word) - 2)), data.draw(st.sampled_from(["swap", "double", "drop"])))

    assert judge(text.replace(word, slip)).verdict in (Verdict.OPT_OUT, Verdict.AMBIGUOUS), slip


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("take the hot tub off the list of must haves", Verdict.NONE),
        ("take the Civic off my list, keep the Camry", Verdict.NONE),
        ("please remove my ex from the title", Verdict.NONE),
        ("the engine light won't go away", Verdict.NONE),
        ("I want out of this lease, can you roll it into the new one?", Verdict.NONE),
        ("stop by the house", Verdict.NONE),
        ("drop me a pin for the house", Verdict.NONE),
        ("don't stop sending me listings", Verdict.NONE),
        ("you didn't send me the link", Verdict.NONE),
        ("do these texts cost me anything", Verdict.HELP),
        ("stop texting my wife", Verdict.AMBIGUOUS),
        ("please don't text my wife about the house anymore", Verdict.AMBIGUOUS),
        ("Stop calling me", Verdict.AMBIGUOUS),
        ("No texts for the next two weeks, we're traveling", Verdict.AMBIGUOUS),
    ],
)
def test_words_in_another_sense_keep_their_own_answer(text: str, verdict: Verdict) -> None:
    assert judge(text).verdict is verdict


@pytest.mark.parametrize(
    ("text", "scope", "tag"),
    [
        ("No promotions please", Scope.PARTIAL, "partial:marketing"),
        ("Stop the marketing. Order status texts for my parts are fine", Scope.PARTIAL, "partial:marketing"),
        ("Please stop the price drop alerts but keep me posted on my offer", Scope.PARTIAL, "partial:other"),
        ("stop with the texts, phone calls are fine", Scope.SMS_ONLY, "email_instead"),
        ("No me textee más, llámeme a la casa", Scope.SMS_ONLY, "email_instead"),
        ("no more contact please, not by phone, not by text", Scope.ALL, "voice_opt_out"),
    ],
)
def test_what_stays_welcome_is_read_from_the_text(text: str, scope: Scope, tag: str) -> None:
    found = judge(text)

    assert (found.verdict, found.scope) == (Verdict.OPT_OUT, scope)
    assert tag in found.tags


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("No me llame, mejor mándeme texto", Verdict.NONE),
        ("Ya no me llamen", Verdict.AMBIGUOUS),
        ("Please don't call, just text", Verdict.NONE),
        ("Don't phone me again", Verdict.AMBIGUOUS),
    ],
)
def test_an_end_to_calls_is_not_an_end_to_texts(text: str, verdict: Verdict) -> None:
    found = judge(text)

    assert found.verdict is verdict
    assert "voice_opt_out" in found.tags


ANY_TEXT = st.one_of(
    st.sampled_from(EVERY_TEXT),
    st.lists(st.sampled_from(EVERY_TEXT), min_size=2, max_size=2).map(" ".join),
    st.lists(st.sampled_from(sorted({word for text in EVERY_TEXT for word in text.split()})), max_size=12).map(
        " ".join
    ),
)


@given(ANY_TEXT)
@settings(max_examples=600, deadline=None)
def test_a_screen_lets_every_pattern_through_that_matches(text: str) -> None:
    flow = plain(text, KNOWN, repaired).flow

    for screen in (OTHER_SENSE, HOLD, FOREIGN_HOLD, FOREIGN_HELP, AUTO):
        let_through = list(screen.rows_for(flow.split()))
        assert [row for row in screen.rows if row[1].search(flow)] == [
            row for row in let_through if row[1].search(flow)
        ]


@given(ANY_TEXT, st.booleans())
@settings(max_examples=600, deadline=None)
def test_the_rules_that_are_tried_are_all_that_can_match(text: str, topic: bool) -> None:
    coded, _ = grammar.letters(plain(text, KNOWN, repaired).flow)
    rules = grammar.ALL_RULES if topic else grammar.COMPILED

    tried = [rule for rule in grammar.possible_rules(coded, topic) if rule[1].search(coded)]

    assert tried == [rule for rule in rules if rule[1].search(coded)]


def test_no_word_of_the_grammar_is_repaired_into_a_stranger() -> None:
    read = {word for typed in grammar.VOCABULARY for word in repaired(typed).split()}

    assert read <= grammar.VOCABULARY
