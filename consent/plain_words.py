"""What a text in anyone's own words asks about being texted: request or refusal, verb and object. Pure.

47 CFR 64.1200(a)(10): any wording counts that a reasonable person reads as a request to end. A sentence is read in
this order: what uses the same words in another sense is taken out, then requests are looked for, then who or what
they are about (somebody else, a time of day, a pause, one kind of message) changes their weight.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from consent.foreign_words import (
    FOREIGN_HELP,
    FOREIGN_HOLD,
    FOREIGN_IN,
    FOREIGN_NOT_OUT,
    FOREIGN_OUT,
    FOREIGN_PAUSE,
    FOREIGN_TIME,
    OTHER_SCRIPTS,
)
from consent.keywords import CANCEL_WORDS, KEYWORDS, SOFT_WORDS, Use
from consent.normalise import Plain, without_accents


class Verdict(StrEnum):
    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    HELP = "help"
    NONE = "none"
    AMBIGUOUS = "ambiguous"


class WordContext(StrEnum):
    """Where the number stands when the text arrives."""

    ACTIVE = "active"
    PENDING_OPT_IN = "pending_opt_in"
    OPTED_OUT = "opted_out"


class Scope(StrEnum):
    ALL = "all"
    PARTIAL = "partial"
    SMS_ONLY = "sms_only"


@dataclass(frozen=True, slots=True)
class Reading:
    verdict: Verdict
    rule: str
    scope: Scope | None = None
    language: str | None = None
    tags: frozenset[str] = frozenset()


def _words(text: str) -> str:
    """Alternatives, the longest first, so that "text" never hides "texting"."""
    return "(?:" + "|".join(sorted(text.split(), key=len, reverse=True)).replace("_", " ") + ")"


V = {
    "stop": _words(
        "stop quit cease discontinue halt terminate stopping quitting refrain_from knock_off cut_out lay_off give_up"
        " stopped hold_off desist_from abstain_from be_done done knock_it_off cut_it_out enough "
        "end_all chill back_off"
    ),
    "end": _words(
        "stop quit cease discontinue halt terminate end cancel turn_off shut_off switch_off disable "
        "suspend kill block"
        " deactivate enough no_more knock_off cut_out remove delete stopping ending cancelling "
        "canceling unsubscribe_from"
        " opt_out_of opt_me_out_of unsubscribe_me_from remove_me_from take_me_off knock_it_off "
        "cut_it_out done over_with"
    ),
    "fill": _words(
        "please just ever even all any the these those this that your you ur yall guys with w damn "
        "fucking fuckin freaking"
        " fricking goddamn bloody stupid annoying constant more further future unwanted unsolicited automated being"
        " getting receiving such so many random dumb daily immediately now right_away really kindly completely simply"
        " of_these of_this of_your sending me us to on already asap forever spam spammy text sms "
        "service weekly endless"
        " from_sending on_sending sending_out at_once today it also again and both always marketing promotional sales"
        " incessant pointless useless goddam up out keep continue ya u unneeded nonstop non_stop other new"
    ),
    "touching": _words(
        "texting txting txtin textin texts_to messaging msging messagin contacting smsing spamming "
        "bothering harassing"
        " annoying bugging pestering hounding stalking hitting_me hitting_up hitting_us hitting_my "
        "blowing_up blowing_my blowing_me pinging soliciting writing emailing bombarding"
        " reaching_out communicating corresponding disturbing notifying advertising marketing harrassing blasting"
        " text_messaging sms_ing flooding badgering replying responding nagging trolling"
    ),
    "touch": _words(
        "text txt message msg contact sms spam bother harass annoy bug pester ping hit_up hit_me_up hit_us_up hit_me solicit write email"
        " reach_out blow_up notify disturb communicate reach text_or_call call_or_text call_and_text text_and_call"
        " contact_or_text call_text text_call call_nor_text message_or_call call_or_message texting "
        "messaging contacting"
        " talk_to speak_to respond_to reply_to harrass send_text market_to approach phone_or_text email_or_text"
        " text_or_email call_email email_call follow_up"
    ),
    "msg": _words(
        "text texts txt txts message messages msg msgs sms notification notifications alert alerts ad "
        "ads promo promos"
        " promotion promotions advertisement advertisements advertising solicitation solicitations solicitating"
        " newsletter newsletters blasts communication communications correspondence texting messaging spamming spam"
        " text_messages textmessages mms contact conversation thread subscription enrollment contacting messeges"
        " messges crap bullshit bs nonsense harassment marketing outreach autotexts followups follow_ups offers deals"
        " listings coupons updates reminders surveys emails junk check_ins service_texts this_service this_program"
    ),
    "me": (
        r"(?:me|us|here|myself|(?:my|our|this|that)(?: \w+){0,2}? (?:phone|cell|cellphone|number|numbers|line|mobile|"
        r"device|inbox|phones|lines)|this)"
    ),
    "away": _words(
        "again anymore any_more ever back further no_more any_longer about_this about_anything unless "
        "in_the_future for_any_reason"
        " please pls plz thanks thank_you at_all or_call or_contact or_email or_message or_text and_don't period"
        " moving_forward going_forward another after_this today now either ok okay so asap immediately"
    ),
    "no": (
        r"(?:do not|dont|don t|never|please not|not to|must not|mustnt|shouldnt|should not|no need to|no reason to|"
        r"stop trying to|you (?:may|can|should|must|need|are|can) (?:not|no longer|never)(?: to)?|may "
        r"not|can no longer|"
        r"no longer|nobody should|dont need to|dont have to|didnt|rather you not|rather not|prefer not|"
        r"prefer you not|"
        r"rather you didnt|rather you dont|prefer you didnt|prefer if you didnt|prefer you dont|prefer if you dont)"
    ),
    "dont": r"(?:do not|dont|don t|does not|doesnt|did not|didnt|no longer|never|would not|wouldnt|not|"
    r"rather not|aint)",
    "drop": _words(
        "take remove delete get drop pull scratch erase scrub strike cross clear wipe unlist purge "
        "keep want out kick bump"
        " toss yank knock leave removing taking deleting dropping scrap mark be cut exclude"
    ),
    "list": _words(
        "list lists database databases data_base system systems records files file rolodex crm "
        "contacts thread group roster"
        " distribution directory mailing program campaign blast service call_list text_list queue log books pipeline"
        " texts messages texting sms alerts rotation platform outreach mailings books phonebook"
    ),
    "who": (
        r"(?:(?:my|his|her|our|their|the)(?: \w+)? (?:wife|husband|mom|mother|mum|dad|father|son|sons|"
        r"daughter|daughters|"
        r"kid|kids|brother|sister|spouse|partner|girlfriend|boyfriend|gf|bf|fiance|fiancee|parents|"
        r"grandma|grandmother|"
        r"grandpa|grandfather|grandparents|roommate|friend|friends|boss|coworker|coworkers|employee|"
        r"employees|assistant|"
        r"family|aunt|uncle|cousin|niece|nephew|ex|tenant|tenants|neighbor|neighbors|customers|staff|child|children|"
        r"secretary|mother in law|father in law|client|clients|teenager|stepson|roomie|inlaws)|(?:wife|"
        r"husband|mom|dad)|"
        r"him|her|them)"
    ),
    "visit": _words(
        "appointment appointments appt appts apt showing showings tour viewing visit meeting "
        "test_drive testdrive drive"
        " service reservation booking inspection session call consultation walkthrough tomorrow today "
        "tonight monday tuesday"
        " wednesday thursday friday saturday sunday slot time visit lunch delivery pickup pick_up deposit order"
    ),
}


def _pattern(text: str) -> re.Pattern[str]:
    for name, words in V.items():
        text = text.replace(f"<{name}>", words)
    return re.compile(text.replace("<f>", f"(?:{V['fill']} ){{0,7}}"))


# The same words in another sense. "it won't stop leaking", "stop by", "bus stop", "don't stop", "the end of the month".
_COMPLAINT_FIRST = _pattern(
    r"\b(?:(?:you|yall|u|they|people|guys|who)(?: \w+)? (?:wont|will not|dont|do not|never|cant|"
    r"didnt|did not|havent|refuse to) (?:ever )?(?:stop|quit)"
    r"|why (?:wont|dont|cant|havent) (?:you|u|yall|they)(?: \w+){0,2} (?:stop|quit)|(?:cant|wont|"
    r"can|will|would|could) (?:you|u|yall) (?:all |guys |please |just |fucking )*(?:stop|quit)(?= "
    r"<f>(?:<touching>|<msg>)| it\b| please| now|$| already))"
)
_MISTAKEN = _pattern(
    r"\b(?:accident(?:al+y)?|mistake(?:nly)?|by mistake|in error|oops|wrong button|"
    r"unintentional(?:ly)?|didnt mean to|did not mean to|never meant to|not mean to|wasnt supposed "
    r"to)\b"
)
_NEGATED = _pattern(
    r"\b(?:dont|do not|don t|never|wont|will not|cant|cannot|can not|couldnt|could not|wouldnt|"
    r"would not|doesnt|does not|didnt|did not|isnt|not|no need to|without|hasnt|havent|wasnt|aint)"
    r"(?: (?:ever|want|wanna|need|mean|meant|say|said|saying|ask|asked|asking|tell|told|you|to|them|it|me|this|texts|"
    r"that|actually|please|reply|even|type|typed|try|trying|intend|going|seem|really|be|will|you "
    r"to|guys|plan|on|just|have|had|dare|the)){0,6} "
    r"(?:stop(?:ping|ped)?|quit|unsubscribe[d]?|opt(?:ed|ing)? out|cancel|end|remove me|taken? "
    r"(?:me )?off|revoke|removed?)\b(?: <f>(?:<touching>|<msg>|the \w+ing|\w+ing)\b)?"
)
_OTHER_SENSE = tuple(
    _pattern(p)
    for p in (
        r"\bstop(?:ping|ped|s)? (?:by|in|over|off|there|here|for (?!good|ever|the love|real)|near|"
        r"around|along|sign|signs|light|lights|lamp|watch|gap|loss|"
        r"start|and (?:see|look|check|get|grab|go|pick|say|take|eat|visit|meet|drop|talk)|at (?!once)|"
        r"to (?:see|look|get|grab|pick|check|eat|say|visit)|on (?:my|the|our) way|through|short|"
        r"working|"
        r"leaking|running|raining|snowing|motion|bath|shop|into|up)\b",
        r"\b(?:bus|truck|pit|rest|train|metro|next|last|first|full|non|door|traffic|quick|short|coach|"
        r"auto|car|trolley|subway|gas|back|hard|only|"
        r"shuttle|tram|(?<!to )a|another|every|second|final|one|many|stop and|the) stops?\b(?! "
        r"<f>(?:<touching>|<msg>))",
        r"\b(?:does|do|did|will|would|can|has|when|where|until|till|if|unless|before|after) (?!this\b|"
        r"these\b|those\b|you\b|i\b|i\b)(?:it|he|she|we|they|the|my|our|this car|\w+)(?: \w+){0,2}? "
        r"(?:ever |just |finally )?(?:stop|stops|stopped|end|ends|quit|quits)\b",
        r"(?<!make )(?<!made )(?<!have )(?<!get )\b(?:it|he|she|we|car|engine|rain|snow|motor|ac|heat|"
        r"price|prices|showings|sales?|music|brakes?|light|lights|alarm|truck|which|that) (?:just |"
        r"suddenly |never |already |has |had |will |would |might |could )*(?:stops?|stopped|quit|quits|"
        r"ends?|ended)\b(?! <f>(?:<touching>|<msg>))",
        r"\b(?:gonna|gunna|going to|can|could|will|would|to|must|should|wont|whats?|nothing|anything|"
        r"what) stops? (?:me|us|you|them|him|her|it) from\b(?! <f>(?:receiving|getting|<touching>))",
        r"\bwhat stops\b|\b(?:when|if|whenever|where|every time|each time|once|while|before|after) "
        r"(?:i|we|you|u) (?:stop|brake|stopped)\b(?! <f>(?:<touching>|<msg>|receiving|getting))",
        r"\b(?:start|auto start|autostart) (?:and )?stop\b|\bstop (?:and )?(?:start|go)\b",
        r"\b(?:need|needed|have|had|got|want|going|trying|tried|try|able|me|us|him|her|them) to "
        r"(?:stop|quit|end) (?!<f>(?:<touching>|<msg>|sending|receiving|getting|this|these|it|now|"
        r"please|calling)\b)\w+",
        r"\b(?:we|i|ill|we ll|well|id|lets|they|he|she|he ll|she ll|might|may|gotta) (?:might |will |"
        r"can |could |should |may |have to |had to |need to |gotta |also |just |ll |d )*stop\b(?! "
        r"<f>(?:<touching>|<msg>|receiving|getting|this|these|please|now|$))",
        r"\bstop (?:making me|looking|thinking|talking (?:about|yourself)|smoking|drinking|dreaming|"
        r"worrying|procrastinating|driving|working|living|renting|paying|searching|shopping|laughing|"
        r"smiling|crying|selling|buying|playing|dropping|going|being|"
        r"accepting|taking|offering|charging|producing|using|showing|leaking|asking|watching)\b",
        r"\b(?:year|month|week|week s|day|season|book|the|high|low|low|dead|rear|front|back|back|tail|"
        r"deep|far|either|each|other|both|east|west|north|south|one|an|in the|at the|by the|loose|odd|"
        r"top|bottom|upper) end\b|\bweekend\b|"
        r"\bend (?:of|up|unit|units|date|table|tables|result|zone|cap|user|goal|lot|to end|game|on|in|"
        r"at|with|was|is)\b|\b(?:will|does|do|did|lease|term|sale|promo|offer|event|deal) ends?\b|"
        r"\bends? (?:in|on|at|this|next|tomorrow|today|soon|up)\b(?! <msg>)",
        r"\b(?:my|his|her|their|our|the|i|we|he|she|they|car|engine|ac|just) (?:just |almost |finally |"
        r"have |had |has |already )*quit (?!<f>(?:<touching>|<msg>|receiving|getting)\b)\w+|\bquit "
        r"?claim\b|\bquit (?:on|my job|smoking|working|claim|running|starting|the|drinking|dipping|"
        r"vaping)\b(?! <f>(?:<touching>|<msg>))",
        r"\bopt(?:ed|ing)? out (?:of|from) (?!<f>(?:<msg>|<touching>|all|everything|list|lists|your|"
        r"future|receiving|contact|here|further|it|this|these)\b)(?:\w+ ?){1,4}",
        r"\b(?:something|anything|thing|things|fee|fees|one|that|which|what|we can|you can|hoa|"
        r"warranty)(?: \w+){0,4} opt out of$",
        r"\b(?!(?:please|and|just|to|so|can|you|u|now|but|ok|then)\b)\w+ quit (?!<f>(?:<touching>|"
        r"<msg>|receiving|getting|sending|calling|it|please|now)\b)\w+",
        r"\brevok(?:e|ed|es|ing) (?!<f>(?:consent|permission|authori[sz]ation|my|all|any)\b)(?:\w+ "
        r"?){1,3}|\b(?:license|permit|offer|was|were|been|be|get|got) revoked?\b",
        r"\b(?:unsubscrib\w+|remov\w+|delet\w+|tak\w+) (?:my |the |our )?(?:old |other |previous |work "
        r")(?:email|e mail|number|address|account|phone)\b",
    )
)
_QUESTION_ABOUT_STOP = _pattern(
    r"\b(?:what (?:happens|does|if|would happen|will happen)|what is (?:the )?(?:reply )?stop|will "
    r"i|do i still|would i|should i|does it|if i|when i|why does (?:it|every|your|the|this|each)|"
    r"is it|does reply|can i still|the word)\b[^|?]*\b(?:stop|unsubscribe|opt out|cancel|end|"
    r"quit)\b"
)
_KEEP_ME = _pattern(
    r"\b(?:keep me (?:on|posted|updated|informed|in)|keep (?:them|it|em|these|the \w+) coming|keep "
    r"(?:texting|sending|messaging|in touch)|"
    r"love (?:these|the|your|getting)|stay on (?:the|your) list)\b"
)

# A request to end, and the name of its rule. `call` alone is about the voice line and stands further down.
_REQUESTS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, _pattern(p))
    for name, p in (
        ("stop_touching", r"\b<stop> <f><touching>\b"),
        ("stop_touching", r"\b<stop> <f>(?:calling|phoning)(?: or| and| n| \w+)? (?:text|messag|contact)\w*"),
        (
            "stop_sending",
            r"\b<stop> <f>(?:sending|send|receiving|getting)(?: <fill>){0,6}(?: <me>)?(?: <msg>| anything| "
            r"stuff| shit| these| this| those| them| things|$)",
        ),
        ("stop_messages", r"\b<end> <f>(?:<msg>|text)\b(?! light| sign)"),
        (
            "stop_messages",
            r"\b(?:make|get|have|want|need|needs|like|wish|would like|appreciate if|hoping|tell)(?: \w+)? "
            r"<f>(?:it|them|<msg>|this|these|that|those)?(?: \w+)? ?(?:to )?(?:stop|end|cease|"
            r"quit)(?:ped)?(?! by| in| at)\b(?= *$| please| now| immediately| today| asap| coming)",
        ),
        (
            "stop_messages",
            r"\b(?:<msg>|these|this|it) (?:need|needs|has|have|had|must|should|better|gotta|ought|can|"
            r"could|please)(?: to| please| all| just| now)* (?:stop|end|cease|quit)\b",
        ),
        (
            "told_to_stop",
            r"\b(?:ask|asked|asking|tell|told|telling|said|beg|begged|begging|request|requested|requesting|"
            r"want|wanted|need|demand|demanding|advised|instruct|instructing|like|love|wish|appreciate it "
            r"if|appreciate if|please|rather|prefer|if)(?: for)? ?(?:you|u|yall|ya|them|your company|you "
            r"guys|you people|your team)?(?: \w+){0,3}? (?:to )?(?:stop|quit|cease)(?:ped)?\b(?! (?:by|in|"
            r"at|over))(?= *$| <f>(?:<touching>|<msg>|sending|now|please|already|it|this|that|calling)\b)",
        ),
        (
            "said_stop",
            r"\b(?:i|we|already|previously|just|ive|weve|times|again|clearly|literally)(?: \w+){0,3}? "
            r"(?:said|say|saying|told (?:you|u|yall|them)|texted|replied|typed|sent|wrote|responded|put|"
            r"answered|asked(?: you)?)(?: \w+){0,3}? (?:stop|quit|unsubscribe|opt out|no more)\b(?! (?:by|"
            r"in|at|over))",
        ),
        (
            "said_stop",
            r"\b(?:told|asked|telling|asking|begged) (?:you|u|yall|them)(?: \w+){0,3}? (?:to (?:stop|quit)|"
            r"not to <touch>|to (?:remove|take) me)\b(?! by| in| at| for)",
        ),
        (
            "said_stop",
            r"\b(?:what part of|which part of|do you not understand|dont you understand|how many (?:more "
            r")?times|after|for the \w+ time|last time)\b[^|?]*\b(?:stop|unsubscribe|unsubscribed|opted "
            r"out|opt out|remove me)\b",
        ),
        (
            "said_stop",
            r"\bi (?:have |already |had |just |ve |did )+(?:unsubscribed?|opt out)\b|\bi (?:\w+ "
            r"){0,2}(?:unsubscribed|opted out|asked to be (?:removed|taken off|left alone))\b",
        ),
        (
            "dont_touch",
            r"(?<!\bi )(?<!\bwe )(?<!\bwhy )(?<!\bthey )(?<!\bif you )(?<!\byou )(?<!\bu )(?<!\bhe "
            r")(?<!\bshe )(?<!\bim )(?<!\bwhy do )(?<!\bid )\b(?:do not|dont|don t|never|please not|must "
            r"not|no need to|no reason to|no longer|(?:can|could|would|will) (?:you|u|yall)(?: please| "
            r"just| guys| all| kindly)* not)(?: (?:you|u|ya|yall|ever|please|even|fucking|bother|try|to|"
            r"dare|reply|call|email|or|and|need|want|anyone|think about|keep|continue|feel the need|have|"
            r"have to|nobody|be)){0,5} <touch>(?: (?:or|and|nor) (?:call|email|phone|text|message|contact|"
            r"reply|bother|write|mail|visit|respond|send))?(?: to)?(?: (?:<me>|<away>|anything|<msg>)\b| "
            r"*$)",
        ),
        (
            "dont_touch",
            r"\b(?:rather|prefer|appreciate|like|ask|asking|want|request|requesting|kindly|asked|told)(?: "
            r"(?:it|if|that|you|u|to|would|could|do|did|please)){0,4} (?:not|didnt|dont|never|wont)(?: "
            r"(?:you|u|to|do|did|be|please|ever)){0,3} (?:<touch>|contacted|texted|messaged|on your|get|"
            r"receive|hear)\b",
        ),
        (
            "dont_touch",
            r"\b(?:mind|please|about|start|consider|for|ask|appreciate|by) not <touching>\b(?= (?:<me>|"
            r"<away>)\b| *$)",
        ),
        (
            "dont_send",
            r"(?<!\bi )(?<!\bwe )(?<!\bwhy )\b(?:do not|dont|don t|never|quit|no need to|please not|must "
            r"not)(?: (?:you|ever|please|even|fucking|have to|need to|bother|continue|keep)){0,3} (?:send|"
            r"sending|forward|text|message)(?: <me>)?(?: to <me>)? <f>(?:<msg>|anything|any more|anymore|"
            r"more|these|this shit|stuff|nothing|things|again|ads?)\b",
        ),
        (
            "may_not",
            r"\b(?:you|yall|your company|u) (?:may|can|should|must|are|need|have|do|will|r)(?: \w+)? "
            r"?(?:not|no longer|never|no)(?: \w+){0,3}? (?:<touch>|permission|consent|authori[sz]ed|"
            r"allowed|right|send|my permission|my consent)\b",
        ),
        (
            "may_stop",
            r"\b(?:you|u|yall) (?:can|may|could|should|need to|have to|must|gotta|better|can go ahead and|"
            r"are free to) (?:now |please |just |really |go ahead and |also )*(?:stop|quit|remove|delete|"
            r"take|drop|cease|lose)\b(?= <f>(?:<touching>|<msg>|my number|my name|my info|my contact|me|us|"
            r"this number|now|sending)\b| *$)",
        ),
        (
            "remove_me",
            r"\b<drop> (?:please |pls |plz |just |the fuck |the hell |tf )*(?:me|us|myself|this number|"
            r"that number|(?:my|our)(?: \w+){0,2}? (?:number|numbers|name|names|info|information|contact|"
            r"contacts|cell|phone|details|data|digits|email|household)(?: number| info| information)?)(?: "
            r"\w+){0,3}? (?:off|from|out of|out|outta)(?: of)?(?: \w+){0,5}? <list>\b",
        ),
        (
            "remove_me",
            r"\b(?:remove|delete|erase|drop|scrub|unlist|purge|unenroll|opt out|scratch|take off|wipe|"
            r"clear|lose|forget|trash|get rid of|ditch|discard|destroy|block|blacklist|unsubscribe|opt|"
            r"exclude)(?: out)? (?:please |pls |plz |just |all |of |to )*(?:(?:my|our)(?: \w+){0,2}? "
            r"(?:number|numbers|name|cell|digits|contact|contacts|contact info|info|information|phone|"
            r"phone number|data|details)|(?:this|that|the)(?: \w+)? (?:number|cell|line|phone number|"
            r"contact)|this phone|number)\b(?! (?:one|\w+ with))",
        ),
        (
            "remove_me",
            r"\b(?:remove|unsubscribe|unenroll|delete|exclude|deregister|disenroll|unregister|opt) (?:me|"
            r"us|myself)\b(?! (?:as|from (?:the )?(?:loan|application|title|deed|lease|contract|policy|"
            r"mortgage|insurance)))",
        ),
        (
            "remove_me",
            r"\b(?:take|get|count|leave|want|cut|keep) (?:me|us) (?:off|out)\b(?= *$| of (?:this|it|here|"
            r"these|your)| please| now| thanks| asap| the (?:text|mailing|contact|call|sms|email|message|"
            r"marketing)| (?:this|your|ur|these|all|any|every|that|whatever))",
        ),
        (
            "remove_me",
            r"\b(?:i|we|id|please|wanna|want|like|need|be|to be|get|got)(?: \w+){0,4}? (?:taken )?(?:off|"
            r"removed|off of|out of|deleted|unsubscribed|dropped)(?: of)?(?: from)?(?: (?:this|your|ur|the|"
            r"these|all|any|every|that|whatever|of|it))*(?: \w+){0,2}? (?:<list>|$)",
        ),
        (
            "remove_me",
            r"\b(?:take|remove|pull|scratch|scrub|get) (?:this|my|our|the) (?:number|name|phone|cell|line|"
            r"info|information)(?: number)? (?:off|from|out)\b",
        ),
        (
            "remove_me",
            r"\b(?:want|need|like|wish|love|request|requesting|asking|please)(?: \w+){0,2}? to be "
            r"(?:removed|taken off|unsubscribed|deleted|opted out|left alone|left off)",
        ),
        (
            "remove_me",
            r"\b(?:my|this|our) (?:\w+ )?(?:number|name|info|information|contact)(?: info)?(?: to)?(?: "
            r"be)? (?:removed|deleted|erased|taken off|taken out|wiped|dropped)\b",
        ),
        (
            "remove_me",
            r"\b(?:add|put|place) (?:me|us|this number|my number|my name|this)(?: \w+){0,4}? (?:do not|"
            r"dont|no) (?:call|contact|text|message|disturb)",
        ),
        (
            "remove_me",
            r"^(?:please |pls |plz |just |ok |kindly |hi |hello )*(?:remove|delete|off(?: the| your| "
            r"this)? list|take (?:me )?off)(?: (?:please|pls|plz|now|thanks|thx|thank you|asap|immediately|"
            r"me|my|from list|list))*$",
        ),
        (
            "no_more",
            r"\b(?:no more|no|not another|zero|enough(?: of| with)?|sick of|tired of|done with|over|"
            r"without|no further|not any more|no additional|fed up with|quit with|enough already with) "
            r"<f><msg>\b(?= *$| \w+)(?! (?:alerts? )?(?:from (?:the|my)|yet|received|came|back|showed|"
            r"about the|in my|on the|on my|was|were|is|are|has|have|for the))",
        ),
        ("no_more", r"\b(?:no more|no further|enough of) (?:\w+ ){0,2}<msg>\b(?= *$)"),
        (
            "no_more",
            r"^(?:please |pls |plz |ok |just )*no(?:t)? (?:more|texting|text|texts|contact|messages|"
            r"messaging|contacting)\b(?! (?:than|info|room|bed|mile|question|option|car|than|home|"
            r"house))(?: <fill>| <msg>| please| pls| thanks| thank you| to me| ok){0,5}$",
        ),
        (
            "no_need",
            r"\b(?:no need|no point|no reason|not necessary|unnecessary|dont need|do not need|dont have|do "
            r"not have|need not|neednt)(?: (?:to|for|in|of|any|anymore|more|you|u|me|us|keep|continue|"
            r"continuing|be|all|further|please|bother|it|from))* (?:<touching>|<touch>|<msg>|reach|"
            r"(?:sending|send) <f>(?:<msg>|anything|any more|more|these|it|$))\b(?! (?:about|if))",
        ),
        (
            "not_wanted",
            r"\b<dont> (?:\w+ ){0,2}?(?:want|wish|need|care|like|wanna|desire|appreciate|interested|"
            r"consent|agree|authori[sz]e|permit|allow|enjoy|ask)(?:ed|ing)?(?: (?:to|for|in|you|your "
            r"company|yall|u|any|be|being|get|getting|gettin|receive|receiving|have|having|keep|continue|"
            r"more|of|the|these|those|this|your|ur|such|further|on|anymore|all|future|unsolicited|"
            r"marketing|automated|so|many|random|from)){0,8} (?:<msg>|texted|messaged|contacted|bothered|"
            r"spammed|solicited|hear from|hearing from|heard from|<touching>|<touch>|list)\b(?! (?:me "
            r")?(?:the|about|back|before|if|list price)|(?: to| with)? (?:an? |the |your |this )(?:bot|"
            r"robot|ai|machine|computer|chatbot)\b)",
        ),
        (
            "not_wanted",
            r"\b<dont> (?:\w+ ){0,2}?(?:want|wish|need|care|wanna|like)(?: (?:to|get|getting|receive|"
            r"receiving|be|hear|see|any|more|of|from))* (?:these|this|those|anything|stuff|them|more|any|"
            r"it|communication)(?: (?:from (?:you|u|yall|this|your)\w*|anymore|any more|any longer|again|"
            r"else|sent|at all)\b)(?: (?:from you|at all))?",
        ),
        (
            "not_wanted",
            r"\b(?:rather|prefer|want|wish|like)(?: \w+)? (?:not|no longer|never)(?: \w+)? (?:get|receive|"
            r"hear|be contacted|be texted|be messaged|to (?:get|receive|hear|be))\b",
        ),
        (
            "not_wanted",
            r"\b(?:want|need|wanted)(?: \w+)? (?:no more|no further|nothing (?:more |else )?(?:from|to do "
            r"with)|none of|out of (?:this|these|your))\b|\b(?:i|we) want (?:out|off)\b(?= *$| of (?:this|"
            r"these|your|here)| (?:this|your|the) list)|\b(?:lose|forget) my number\b",
        ),
        (
            "not_wanted",
            r"\bnot (?:interested|wanting|looking|trying)(?: in| for| to)?(?: (?:receive|get|getting|"
            r"receiving|being|any|more|these|your|further|be|future)){0,4} (?:<msg>|contacted|texted|hear "
            r"from)\b",
        ),
        (
            "consent",
            r"\b(?:withdraw|withdrawing|withdrew|revoke|revoking|revoked|rescind|rescinding|retract|"
            r"retracting|cancel|cancelling|remove|removing|pull|pulling|terminate|take back|taking back|"
            r"void|end|ending|deny|withhold)(?: \w+){0,4}? (?:consent|permission|permissions|"
            r"authori[sz]ation|approval|opt in|optin|agreement to)\b",
        ),
        (
            "consent",
            r"\b(?:consent|permission|authori[sz]ation)(?: \w+){0,5}? (?:is |has been |are |was |now |"
            r"hereby )*(?:revoked|withdrawn|rescinded|canceled|cancelled|terminated|over|gone|denied|"
            r"pulled|retracted)\b",
        ),
        (
            "consent",
            r"\b(?:i|we|me|you|u) (?:\w+ )?(?:do not|dont|no longer|never|dont have|do not have|didnt|did "
            r"not)(?: \w+){0,2}? (?:consent|authori[sz]e|(?:have|give|grant) (?:you |my |our |any )*(?:consent|permission)|(?:my|"
            r"our) (?:consent|permission))(?! form)(?= *$| (?:to|for|any) )",
        ),
        (
            "consent",
            r"\bi revoke\b(?= *$| all| my| any| this)|\bno longer (?:authori[sz]ed?|allowed|permitted|"
            r"welcome) to\b|\bhereby (?:revoke|withdraw|opt out|request)\b",
        ),
        (
            "cease",
            r"\bcease\b(?= and| n | all| any| *$| communicat| contact| desist| text| messag| send| this| "
            r"these)|\bdesist\b",
        ),
        (
            "leave_alone",
            r"\b(?:leave|let) (?:me|us|my family|this number|my phone)(?: (?:the|tf|hell|fuck|heck|fucking|"
            r"f|the f|please|damn|alone and|freaking)){0,3} (?:alone|be|in peace)\b(?! (?:sure|clear|"
            r"honest|there|able|the))",
        ),
        (
            "go_away",
            r"\b(?:go|get) (?:the (?:fuck|hell) )?(?:away|lost|bent)\b(?= *$| (?:please|and|with|now|you|"
            r"already|u|plz|pls))|\b(?:fuck|f|piss|buzz|bug|back|eff|sod|screw|bugger) (?:the fuck |the "
            r"hell )?off\b(?! (?:the|on|a|my|of))|\b(?:gtfo|fuckoff|kick rocks|take a hike|pound sand|beat "
            r"it|shoo|get off my (?:phone|line|case))\b",
        ),
        (
            "turn_off",
            r"\b(?:turn|shut|switch|toggle)(?: \w+){0,3}? (?:alerts|texts|messages|notifications|messaging|"
            r"texting|this|these|sms|them|it)(?: \w+)? off\b|\bmake (?:it|this|them|these|the \w+|"
            r"yourself) (?:stop|end|go away|disappear)\b|\bput (?:a|an) (?:stop|end) to (?:this|these|the|"
            r"your|all|it)",
        ),
        (
            "threat",
            r"\b(?:if|next time|every time|should) (?:i|you|u|yall|your company|this number|anyone|you "
            r"guys|you people|we)(?: \w+){0,2}? (?:<touch>|send|get)(?: \w+){0,4}? (?:again|another|one "
            r"more|any more|anymore|<msg>)\b[^|]*\b(?:report|lawyer|attorney|sue|suing|fcc|ftc|complaint|"
            r"police|legal|block|court|cops|action|file|filing|contacting|authorities|calling|lawsuit|bbb|"
            r"attorney general)\b",
        ),
        (
            "threat",
            r"\b(?:next|another|one more) (?:text|message|msg|time)\b[^|]*\b(?:report|reporting|lawyer|"
            r"attorney|sue|suing|fcc|ftc|complaint|police|cops|block|court|filing|lawsuit)\b",
        ),
        (
            "threat",
            r"\b(?:<touch>|send)(?: \w+){0,3}? (?:one more time|once more|again) (?:and|or|ill|i)\b|\bone "
            r"more (?:text|message|msg)(?: \w+){0,3}? (?:and|or|ill|im|i)\b|\b(?:you|u) better not "
            r"(?:<touch>|send)\b|\bdont you dare (?:<touch>|send)\b",
        ),
        (
            "how_to_stop",
            r"\b(?:how|where|what|which|who|can|could|way|link|number|word|is there)\b[^|"
            r"?]{0,60}?\b(?:(?:stop|quit|end|cancel|block|turn off|opt out of|unsubscribe from|get out of|"
            r"get rid of|off of)\b <f>(?:<msg>|receiving|getting|<touching>|them|(?:these|this|it)(?= *$))|"
            r"unsubscribe|opt out *$|get (?:me |myself |us )?(?:off|removed|unsubscribed|taken off|out of "
            r"(?:this|these|your))|make (?:it|this|these|them)(?: \w+)? stop|be (?:removed|taken off)|"
            r"(?:these|the|your|those) <msg> (?:to )?stop)\b",
        ),
        (
            "unsubscribe",
            r"\b(?:unsubscribe|unsub|optout|opt (?:me |us |myself |this number |my number |my phone )?out|"
            r"opting (?:me )?out|desubscribe|unenroll|unsubscribing|stopall|stop all)\b",
        ),
        (
            "sms_costs",
            r"\b<msg> (?:cost|costs|are costing|costing|charge|charges) (?:me|us|money)[^|]*\b(?:dont|stop|"
            r"no more|quit|not)\b",
        ),
    )
)
# A request about the phone line only, or about somebody else, or only for a time.
_CALLS = _pattern(
    r"\b(?:<stop>|do not|dont|never|no|no more|please not|quit) (?:you |ever |please |with the |"
    r"the |all |fucking |with |any |more )*(?:call|calling|calls|phone calls|ring|phoning|phone|"
    r"ringing)\b"
)
_CALLS_TOO = _pattern(
    r"\b(?:text|texting|message|messaging|contact|email)(?: me)? (?:or|and|nor) (?:call|calling|phone)\b"
    r"|\b(?:call|calling|phone)(?: me)? (?:or|and|nor) (?:text|texting|message|messaging|contact)\b"
)
_CALLS_NOT_TEXTS = _pattern(
    r"\b(?:text|texts|texting|message|messages|sms)\b[^|]{0,24}\b(?:better|best|instead|only|fine|"
    r"ok|okay|please|this one|me|mine|preferred|easier|works|prefer|rather)\b|\b(?:prefer|only|"
    r"just|rather|please|better to|easier to|stick to)(?: you)?(?: to)? (?:text|texts|texting|"
    r"message|messages)\b|\btext (?:me|this|instead)\b"
)
_THIRD_OBJECT = _pattern(
    r"\b(?:<touching>|<touch>|sending|calling|call|send|to|take|remove|delete|get|off|drop|from|"
    r"<msg>)(?: up)? (?:out |to )?<who>\b(?! and (?:me|i)\b)(?! alone)"
)
_THIRD_SUBJECT = _pattern(
    r"\b(?:<who>|he|she)(?: \w+)? (?:doesnt|does not|dont|do not|didnt|wants|no longer|isnt|is not|never|hates) "
)
_ME_TOO = _pattern(
    r"\b(?:texting|text|messaging|message|contacting|contact|remove|alone|leave|take|sending|stop|"
    r"calling) (?:me|us)\b|\band me\b"
)
_TIME = _pattern(
    r"\b(?:before|after|past|until after|between|earlier than|later than|prior to|til|till|until|"
    r"at) (?:\d{1,4} ?(?:am|pm|a m|p m|oclock)?|noon|midnight|work|dark|lunch|dinner|bedtime|"
    r"school|hours)\b(?! (?:years?|months?|times|days|weeks))"
    r"|\b(?:so|this|that|too|very|super|real) (?:late|early)\b|\bat night\b|\b(?:in|during) the "
    r"(?:morning|mornings|evening|evenings|night|day|daytime|afternoon|week|middle of the night)\b|"
    r"\b(?:on|during) (?:the )?(?:sundays?|saturdays?|weekends?|weekdays|mondays?|tuesdays?|"
    r"wednesdays?|thursdays?|fridays?|sabbath)\b|\bduring (?:work|business|school|church|dinner|"
    r"office)\b(?: hours)?|\bwhile (?:im|i am) (?:at work|working|sleeping|driving|at)\b|\bat "
    r"(?:work|\d+ ?(?:am|pm))\b|\b(?:late|early) (?:at night|in the|texts|messages)\b|\b(?:late|"
    r"early) (?:night|morning)\b|\bafter hours\b|\b\d{1,2} ?(?:am|pm)\b"
)
_PAUSE = _pattern(
    r"\b(?:until|till|til) (?!i die|hell|you)\w+|\bfor (?:a while|now|a bit|a few|a couple|the "
    r"moment|the time being|the next|awhile|some time|a (?:week|month|year|day|minute)|this "
    r"(?:week|month)|\d+ (?:days?|weeks?|months?)|the (?:rest|summer|winter|holidays?)|today)\b|"
    r"\b(?:pause|hold off|take a break|give (?:it|me) (?:a|some) (?:break|time|space|few|couple)|"
    r"back in touch (?:in|after)|temporarily|slow down|less (?:often|frequent|texts|messages)|"
    r"fewer|so (?:many|much|often|frequently)|as (?:many|often|much)|too (?:many|often|much)|every "
    r"(?:single )?(?:day|hour|week))\b|\bthis week\b"
)
_SPECIAL_KIND = _pattern(
    r"\b(?:ad|ads|marketing|promo|promos|promotion|promotions|promotional|advertising|"
    r"advertisements?|offer|offers|deals?|sales?|newsletters?|surveys?|specials|coupons?|"
    r"solicitations?|blasts|trade ins?|spam)\b"
)
_OTHER_KIND = _pattern(
    r"\b(?:listings?|reminders?|updates?|news|alerts?|birthday|open house|market reports?|"
    r"recommendations?|new homes|inventory|review requests?|price drops?|events?)\b"
)
_KEEP = _pattern(
    r"\b(?:keep|keeping|still (?:want|send|need|get|text|like|ok|okay|receive|message|interested "
    r"in)|only|just|except|besides|other than|but|continue|leave|want|need|rest|fine|ok)\b(?: "
    r"\w+){0,8}? "
    r"(?:reminders?|appointments?|appts?|service (?:updates?|reminders?|texts?|messages?|alerts?|"
    r"appointments?|notices?)|my service|closing|updates?|confirmations?|oil change|receipts?|"
    r"recall notices?|recalls?|delivery|order|account|important|urgent|status|listings?|alerts|"
    r"payment|billing|notices?|statements?|loan|inspection|showings?|notifications?|about my|about "
    r"the|regarding my|the one|ones|maintenance|pickup|schedul\w+)\b"
)
# Whoever ends promotions and asks for an answer in the same breath wants that answer.
_ANSWER_WANTED = _pattern(
    r"\b(?:just|only|but|still|please|i want|id like|want)(?: (?!(?:dont|do|not|never|no|stop)\b)\w+){0,3}? "
    r"(?:tell me|let me know|answer|reply|respond|get back to me|see (?:it|the|that)|test drive|visit|tour|"
    r"my (?:appointment|car|order|question|visit|showing))\b"
)
_EVERYTHING = _pattern(
    r"\b(?:everything|anything|nothing|all (?:texts|messages|of)|leave me|unsubscribe|opt (?:me )?out|remove me|"
    r"take me off|just stop|never|(?:stop|quit) (?:texting|messaging|contacting))\b"
)
_OTHER_CHANNEL = _pattern(
    r"\b(?:e ?mail|call|phone|mail|voicemail|ring|calls|emails|phone call|e mail)(?: \w+){0,5}? "
    r"(?:instead|only|rather|if (?:you|u|there|it|needed)|is (?:better|best|fine|ok|preferred)|"
    r"works better|preferred|would be)\b"
    r"|\b(?:instead|rather|prefer|only|just|please|can|could|use|via|through|by|can you|better to|"
    r"switch to)(?: \w+){0,2}? (?:e ?mail|call|phone|mail|calls|emails|a call|phone calls)(?: me| "
    r"us| it)?\b|\b(?:call|email) me\b"
)
_INSTEAD_OF_TEXT = _pattern(
    r"\b(?:instead of|rather than|not by|not via|not through|no longer by|over|and not) (?:the |a |"
    r"sending |your |these |by |via )*(?:text|texts|texting|sms|message|messages|messaging|text "
    r"messages)\b|\b(?:i|we) (?:dont|do not|never|cant|cannot) (?:do|use|like|read|check|accept|"
    r"get|receive|have)(?: \w+)? (?:text|texts|texting|sms|text messages|messaging)\b|\b(?:i|we) "
    r"(?:dont|do not) text\b(?! and| you| while| when)|\b(?:text|texts|texting|text messages|"
    r"messages) cost\w* (?:me|us)\b|\bno (?:text|texts|texting|sms) (?:please |just |only "
    r")*(?:email|call|phone)"
)
_EMAIL_INSTEAD = _pattern(
    r"^(?:please |pls |can you |could you |just |hi |hello |id |i d |i would |i |rather |prefer |"
    r"better |to |we |you |be |contact me |reach me |by |via |talk |through |communicate |only |"
    r"use )*(?:e ?mail|call|e mail|phone)(?: me| us| my \w+)?(?: \w+)? (?:instead|only|please|"
    r"rather|for now|from now on)?(?: please| thanks)*$"
)

_IN: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, _pattern(p))
    for name, p in (
        (
            "resume",
            r"(?<!to )(?<!you )\b(?:start|resume|restart|begin|keep|continue|go back to|go ahead and|"
            r"reactivate|restore|renew|re start|reinstate|bring back|turn on|unblock)(?: back)?(?: "
            r"(?:please|up|with|the|my|your|these|those|sending|getting|receiving|me|us|to|all|new|again|"
            r"on|daily|weekly|text|sms|appointment|and|be)){0,6} (?:text|texts|texting|messages|messaging|"
            r"message|msgs|sms|alerts|updates|listings|notifications|reminders|sending|contacting|"
            r"subscription|service|contact|coming|number|offers)\b",
        ),
        (
            "resume",
            r"\b(?:want|like|love|wish|ready|okay|ok|need|happy|wanna|fine|interested|would)(?: \w+){0,2}? "
            r"(?:to |with |in )?(?:start |resume |keep |begin |be |getting |get |receive |receiving |"
            r"continue |have |hear |hearing |being )+(?:\w+ ){0,4}?(?:text|texts|texting|texted|messages|"
            r"messaging|message|sms|alerts|updates|listings|notifications|reminders|contacted|from you|"
            r"again|them)\b",
        ),
        (
            "turn_on",
            r"\b(?:turn|switch)(?: \w+){0,3}? (?:texts|messages|alerts|notifications|reminders|texting|it|"
            r"them|sms|text messages|updates)(?: back)? on\b|\b(?:turn|switch)(?: back)? on\b(?: \w+){0,3} "
            r"(?:texts|messages|alerts|notifications|reminders|sms|updates)",
        ),
        (
            "me_in",
            r"\b(?:opt|sign|put|add|subscribe|resubscribe|include|get|count|enroll|re enroll|reenroll|re "
            r"add|bring|let|re subscribe|re opt|take|register)(?:ing)? (?:me|us|my number|this number|my "
            r"phone|myself)(?: \w+)?(?: (?:back|in|up|on|again|for|to))(?! (?:touch|the|contact with) "
            r"(?:showing|tour|call|schedule|calendar))\b",
        ),
        (
            "me_in",
            r"^(?:please |pls |ok |yes |hi |hello |can you |i want to |id like to |i would like to |want "
            r"to |ok |hey )*(?:resubscribe|subscribe|opt (?:back )?in|unstop|restart|rejoin|re subscribe|"
            r"sign (?:me )?(?:back )?up|opt me in|un stop|start|start again|start over)(?: (?:me|please|"
            r"pls|again|thanks|now|my|number|back|to|this|your|texts|messages|the|list|alerts))*$",
        ),
        (
            "may_text",
            r"(?<!before )\b(?:you|u|yall) (?:can|may|could|are welcome to|are free to|should) (?:now |"
            r"please |go ahead and |start |again |keep |continue |resume |definitely )*(?:text|texting|"
            r"message|messaging|contact|contacting|send|sending)\b(?! that| this| the| it)",
        ),
        (
            "text_again",
            r"\b(?:text|message|contact|texting|messaging|send|texts|messages)(?: \w+){0,3}? again\b|"
            r"\b(?:ok|okay|fine|good|alright|all right) (?:to|with you|if you) (?:text|message|contact|"
            r"resum|start|send)\w*",
        ),
        (
            "mistake",
            r"\b(?:accident(?:al+y)?|mistake(?:nly)?|in error|didnt mean to|did not mean to|never meant to|"
            r"not mean to|by mistake|unintentional(?:ly)?)\b[^?]{0,60}\b(?:stop|stopped|unsubscribed?|"
            r"opt(?:ed)? out|texts|cancel|cancelled|canceled|blocked|removed|quit)\b|\b(?:stop|stopped|"
            r"unsubscribed?|opted out|opt out|cancelled|canceled)\b[^?]{0,40}\b(?:accident(?:ally)?|"
            r"mistake|in error|not on purpose|by mistake)\b",
        ),
        (
            "changed_mind",
            r"\bchanged my mind\b[^?]*\b(?:text|message|contact|send|back|in|start)\w*|\b(?:want|like) "
            r"(?:back )?(?:in|my texts|the texts|your texts|texts back|back on)\b|\bback on (?:the|your) "
            r"(?:\w+ )?list\b|\bundo (?:my |the |that )?(?:stop|opt out|unsubscribe)\b",
        ),
        (
            "agree",
            r"\b(?:i|we) (?:\w+ )?(?:agree|consent|accept|opt in|authori[sz]e|want)(?: \w+){0,4} (?:text|"
            r"texts|messages|texted|sms|texting|contacted|updates|alerts)\b",
        ),
        (
            "never_stop",
            r"\b(?:dont|do not|never|didnt|did not|not)(?: \w+){0,4} stop(?:ping)? (?:texting|sending|"
            r"messaging|texts|messages)\b|\bkeep me (?:on|posted|updated|in the loop)\b",
        ),
    )
)
_REFUSES = _pattern(r"\b(?:dont|do not|not|never|no|cant|wont|isnt|stop)\b")
_YES = _pattern(
    r"^(?:yes|y|yeah|yep|yup|yea|sure|ok|okay|absolutely|definitely|of course|please do|sounds "
    r"good|agreed|i agree|i consent|i accept|i do|confirm|confirmed|si|oui|sim|ja|correct|fine|go "
    r"ahead)\b"
)
_NOT_A_YES = _pattern(
    r"\b(?:but|no|not|dont|stop|who|what|why|how|remove|wrong|appointment|showing|tomorrow|car|"
    r"house|price|available|is|when|where)\b"
)

# Words that leave the matter to a person.
_HOLD: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (tag, _pattern(p))
    for tag, p in (
        (
            "wrong_number",
            r"\bwrong (?:number|num|person|guy|gal|lady|dude|man|woman|phone|one|contact|recipient|cell|"
            r"party|digits|people|no|individual|chick|girl)\b(?<!wrong one)|\b(?:meant|supposed|trying|"
            r"intended|think|looking)(?: \w+){0,4} (?:someone|somebody|some one|another person|another "
            r"number|a different) ?(?:else|person|number)?\b(?! to)|\b(?:misdial\w*|mistaken identity|me confused with|mistaken me for|thinking of (?:someone|somebody) else|not "
            r"my name|not (?:his|her|their) (?:number|phone|cell)|no longer (?:his|her|their|\w+s) "
            r"(?:number|phone|cell)|(?:new|just got(?: this)?|recently got(?: this)?|changed) (?:phone "
            r")?number (?:recently|last|from)|(?:this|the) (?:number|phone|cell) (?:belongs|used to belong|"
            r"now belongs|is no longer|isnt|is not)|(?:have|got|texting|texted) the wrong(?= *$)|not the "
            r"(?:person|right person|one you)|number (?:was|got|has been) (?:reassigned|recycled|changed)|"
            r"had this number (?:for|since)|just got this (?:number|phone)|not (?:the )?owner of this "
            r"(?:number|phone))\b|\b(?:dont|do not) know (?:any|anyone|anybody|a person|who (?:this|that|"
            r"you|\w+ is))(?: (?:named|called|by that name|by the name))?(?! (?:about|the|to)|thing)|\bno "
            r"?(?:one|body)(?: here)? (?:named|called|by (?:that|the) name|here)|\bnot at this (?:number|"
            r"phone|address)\b|\b(?:doesnt|does not|no longer|dont|didnt) (?:live|have this (?:number|"
            r"phone)|own this phone|use this number)(?: here| at this)?(?= here| at| number| *$)|"
            r"\b(?:passed away|deceased|is dead|died (?:last|in|on|a|\d))\b",
        ),
        (
            "not_interested",
            r"\b(?:not|no longer|never|isnt|arent|aren t|aint|wasnt|nt|zero|non)(?: \w+)?(?: been)? "
            r"(?:interested|intrested|interest|intersted)\b(?! in (?!it\b|this\b|that\b|any\w*\b|your\b|"
            r"you\b|buying\b|selling\b|purchas|moving\b|what\b|texts?\b|more\b|these\b|at\b|real\b))|"
            r"\b(?:uninterested|no interest|lost interest|have no interest|dont have any interest)\b(?! "
            r"(?:rate|charge|for|loan|financing))|\bnot (?:int|looking|in the market|shopping|selling|"
            r"buying|moving|for me|for us)\b(?= *$| (?:anymore|any more|right now|for|to (?:buy|sell|move)|"
            r"at (?:this|the)|now|thanks|thank you|sorry|currently|either))|\bno longer (?:looking|in the "
            r"market|in need|need|searching|shopping|buying|selling|want(?:ing)?|needed|interested|"
            r"considering)\b(?= *$| (?:for|to|a|your|anything|this|it|thanks|your|any|at|of|help|"
            r"assistance|and|but|services?))",
        ),
        (
            "not_interested",
            r"^(?:(?:hi|hey|hello|sorry|um|oh|ok|well|no|nah|nope|lol|thanks|but|thank|you|yeah) )*(?:no "
            r"(?:thanks|thank you|thanx|thx|thankyou|ty|tks)|nah|pass|hard pass|(?:im|i am|were|we are|we "
            r"re|i m|all|i ll) (?:good|set|all set|fine|ok|pass|done|okay|straight|all good|covered)|all "
            r"(?:set|good|done)|not (?:for me|today|right now|now|at this time|interested|anymore|looking|"
            r"happening|really|this time|at the moment)|never ?mind|nvm|no need|nothing|maybe later|ill "
            r"pass|we ll pass|i ll pass|well pass|dont need (?:it|anything)|no longer needed)(?: (?:thanks|"
            r"thank you|thx|though|but|for now|ty|now|anymore|not looking|sorry|today|right now|appreciate "
            r"it|tho|here|bye|good luck|not interested|at this time|at the moment|we re good|im good|were "
            r"good|guys|sir|maam|please|no|this time))*$",
        ),
        (
            "complaint",
            r"\b(?:harass(?:ment|ing|ed)?|harrass\w*|stalking|stalker)\b|\b(?:report(?:ing|ed)?|sue|suing|"
            r"lawyer|attorney|complaint|lawsuit|legal action|bbb|better business|attorney general)\b[^|"
            r"?]*\b(?:you|this|fcc|ftc|number|texts?|spam|company|against|guys|messages?|bbb|yall)\b|"
            r"\b(?:fcc|ftc|tcpa|do not call (?:list|registry)|dnc (?:list|registry)|dnc)\b|\bspam(?:mer|"
            r"mers|ming|my)?\b(?! (?:filter|folder|blocker))|\bscam(?:mer|mers)?\b|\b(?:invasion of|my) "
            r"privacy\b|\billegal (?:to|text|texts|messages)\b|\bthis is (?:getting |so |really |just |"
            r"very )*(?:illegal|ridiculous|annoying|unacceptable|creepy|out of control|crazy|insane|bs|"
            r"bullshit|too much)\b|\b(?:unbelievable|ridiculous|annoying|creepy|relentless|obnoxious|"
            r"intrusive|excessive|fed up|sick of|tired of|enough|drives? me)\b[^|?]*\b(?:texts?|messages?|"
            r"texting|messaging|you|these|this|already)\b|\b(?:texts?|messages?|texting|you guys|yall|you "
            r"people|you|these)(?: \w+){0,3} (?:annoying|ridiculous|unbelievable|creepy|relentless|"
            r"obnoxious|excessive|out of control|getting old|pathetic|pissing me off|too much|nonstop)\b|"
            r"\b(?:never|didnt|did not|dont recall|dont remember)(?: \w+)? (?:gave|give|given|giving|"
            r"signed|sign|signing|asked|ask|consented?|agreed?|opted|requested|subscribed?)(?: \w+){0,4} "
            r"(?:permission|consent|up|for (?:this|these|texts|any|your)|to (?:this|these|text|texts|"
            r"texted|be|receive|get|any)|in|texts|messages|number)\b|\bwhy (?:do|are|did|does|would|r) "
            r"(?:you|u|yall|i|they|your)(?: \w+){0,2}? (?:keep|still|continue|always|constantly|texting me "
            r"(?:so|every|again)|blowing|bothering|harassing|spamming|contacting|getting so|messaging)\b|"
            r"\b(?:seriously|wtf|omg|really|jesus|ffs)\b.*\b(?:\d ?am|morning|midnight|night|again|"
            r"another)\b|\b(?:so sick|had enough|bug off|blocked|blocking|blacklist\w*)\b",
        ),
        (
            "complaint",
            r"\b(?:fuck|screw|f) (?:you|u|yall|this|ya|ur|your)\b|\b(?:fu|stfu|fuk u|fck u|fk u|shut up|"
            r"shut the|eat shit|go to hell|bite me|drop dead|fuck|bullshit|assholes?|asshat|dickheads?|"
            r"piece of shit|kiss my)\b(?! (?:yeah|yes))|\b(?:another|again with the|more) (?:text|message|"
            r"spam|one of these)\b",
        ),
        (
            "pause",
            r"\b(?:hold off|hold (?:the|these|your|all) (?:texts|messages)|pause|take a break|slow down|ease up|cool it|chill|back off|lay off|cut back|"
            r"tone (?:it )?down|give (?:me|us) (?:a|some) (?:break|space|time))\b(?= *$| (?:on|with|the|"
            r"for|texting|a|from|texts|until|till|messag\w+|please|these|those|some|now|and))|\b(?:not|"
            r"fewer|less|too|so) (?:right now|many texts|texts|messages|many messages|often|frequently|"
            r"many)\b(?= *$|(?: \w+){0,2} (?:text|message)\w*)|\b(?:talk|text|reach out|contact|message|"
            r"try)(?: \w+){0,2} (?:later|another time|some other time)\b(?= *$| please| thanks)|\bnot (?:a "
            r"good time|right now|at this time|now|today)\b(?= *$| (?:please|thanks|sorry))",
        ),
    )
)
_BOUGHT = _pattern(
    r"\b(?:already|just|recently|ended up|finally|we|i|have|ive|weve)(?: \w+){0,2}? (?:bought|"
    r"purchased|sold|found (?:one|something|another|a|what)|closed on|leased|signed|went with|"
    r"going with|moved on|got (?:one|another)|chose|settled on|picked (?:one|another))\b|"
    r"\b(?:going|went|working|gone|signed) with (?:another|a different|someone|somebody|other|the "
    r"other)\b|\balready (?:have|working with|under contract|taken care|handled)\b"
)
_IDENTITY = _pattern(
    r"^(?:(?:hi|hey|hello|ok|um|uh|sorry|yes|so|and|but|wait|lol|excuse me|huh|umm|yo|im sorry|"
    r"thanks|good morning) )*(?:who (?:is|are|dis|this|the (?:hell|fuck) (?:is|are)|s|am i|r|was|"
    r"sent|gave|texted)\b(?: (?:this|that|you|u|dis|texting|messaging|it|these|is|i|speaking|"
    r"talking|me|the|from|sending|guys|contacting|your|there|with|to|calling|asking|my|number|"
    r"please|your|company|sender|and)){0,7}|whos? (?:this|dis|that|it|texting|messaging|contacting|"
    r"asking|calling|number|sending|there|the)\b.*|whose number.*|new phone who.*|(?:what|which) "
    r"(?:company|business|dealership|dealer|organization|agency|brokerage|store|office|place|group|"
    r"number)(?: (?:name|agent|line))?(?:$| (?:is|are|am|r|do|does) (?:this|these|it|that|you|u|i|"
    r"yall|texting|messaging|calling)\b.{0,60}| (?:texted|messaged|sent|called)\b.{0,60})|what (?:is"
    r"|are) (?:this|these)(?:$| (?:about|for|regarding|in regards|all about|service|company)\b.*)|what is the name of (?:this|your|the) (?:company|business|"
    r"dealership|store|agency|brokerage)\b.*|(?:how|where|howd) (?:did |do |have |d "
    r")?(?:you|u|yall|they)(?: \w+)? (?:get|got|find|obtain|have) (?:my|this) .*|where are you "
    r"(?:texting|from|based).*|(?:do i|should i) know (?:you|this).*|(?:what|who) do you "
    r"(?:represent|work).*|is this (?!(?:the|a|one|car|house|still|available|place|unit|home|"
    r"property|price|deal|vehicle|listing|real|negotiable|firm|it|true|correct|right|time|in|for|"
    r"an|your|my|ok|good|possible|include|still|ai|automated|human|chatgpt|computer|bot|robot|auto|"
    r"someone|that|how|where|when|why)\b)\w+(?: \w+){0,3}|is this (?:a |the )?(?:scam|spam|legit|"
    r"business|company|dealer\w*|office)\b.*|(?:are you|is this) (?:with|from|legit|spam|a "
    r"scam)\b.{0,40}|identify yourself.*)$"
)
_PROGRAMME = _pattern(
    r"\b(?:why (?:am i|do i|did i|are you|r you|are we|u|you) (?:getting|get|receiving|receive|"
    r"texting|messaging|contacting|keep getting|sending)|what (?:is|are|s) (?:this|these|the)(?: "
    r"\w+){0,2} (?:text|texts|message|messages|program|about|alerts|number|for|list)|(?:do|does|"
    r"will|are|is|how much)(?: \w+){0,3} (?:texts?|messages?|text messages|sms|service|this)(?: "
    r"\w+){0,2} (?:cost|charge|charged|free|fee|extra)|(?:do|will|am) i (?:get |be |being |have to "
    r")?(?:charged?|pay|billed)(?: \w+){0,3} (?:texts?|messages?|sms|this)|(?:cost|charge|charges|"
    r"fee)(?: \w+){0,4} (?:texts?|messages?|these|receive)|how (?:often|many(?! more)|much)(?: "
    r"\w+){0,4} (?:text|texts|message|messages|messaging)(?: me| will| do| should| can)?|message "
    r"rates|data rates|help with (?:these|this|the|your) (?:text|texts|message|messages|program|"
    r"service|number)|(?:phone )?number (?:i|we) can (?:call|reach)|number to call|customer "
    r"(?:service|support)|what did i sign up|when did i sign up|what list|how did i (?:get on|end "
    r"up|sign)|contact (?:support|info for))\b"
)
_PERSON = _pattern(
    r"\b(?:can|could|may|let|want|need|like|please|prefer|have|get|rather|give|transfer|connect|"
    r"put|pass|hand|talk|speak|is there|chat|wanna|just|any)(?: \w+){0,5}? (?:human|humans|real "
    r"person|actual person|live person|person|representative|rep|agent|somebody|someone|"
    r"salesperson|sales person|manager|real agent|live agent|real human|people|real one|supervisor|"
    r"human being|sales rep|salesman|realtor|operator)\b"
)
_PERSON_ALONE = _pattern(
    r"^(?:(?:please|pls|a|an|real|live|the|i|want|need|hi|hello|talk|speak|to|can|actual|get|me|"
    r"with|now|un|una|por|favor|quiero|hablar|con|je|veux|svp|parler|s|il|vous|plait) )*(?:human|"
    r"agent|person|representative|rep|operator|human being|someone|somebody|humano|agente|persona|"
    r"asesor|representante|humain|personne|conseiller)(?: (?:please|pls|now|thanks|por|favor|svp|s|"
    r"il|vous|plait|real|plz))*$"
)
_PERSON_TALK = _pattern(
    r"\b(?:talk|speak|chat|connect\w*|transfer\w*|put|pass|hand|get|reach|call\w*|help|hear|text|"
    r"deal|human|live|real|actual|there)\b"
)
_PERSON_NOT = _pattern(
    r"\b(?:my|our|your|his|her|their|another|other|listing|seller s|buyer s|insurance|already|have "
    r"an|loan|sellers|buyers|title|the seller) (?:agent|person|rep|realtor|human|representative)\b|"
    r"\b(?:are you|is this|am i|r u|you a|you are)\b|\bin person\b|\bper person\b|\bone person\b|"
    r"\bwrong person\b"
)
_PERSON_FOREIGN = re.compile(
    r"\b(?:hablar|comunic\w*|atiend\w*|pas\w*|conect\w*)(?: \w+){0,3} (?:persona|alguien|humano|"
    r"agente|asesor|representante|vendedor)\b"
    r"|\b(?:parler|parle|joindre)(?: \w+){0,4} (?:humain|personne|quelqu un|agent|conseiller|"
    r"vendeur)\b|\b(?:falar|fala)(?: \w+){0,3} (?:pessoa|atendente|humano|alguem)\b"
    r"|(?:人工|真人)(?:客服|服务)?|\b(?:mit einem|mit einer|einen) (?:menschen|mitarbeiter\w*|person)\b"
)

_NOT_FIRST = frozenset(
    ["can", "do", "should", "will", "when", "if", "what", "where", "why", "does", "did", "how", "you"]
)
_CANCEL_SOFT = _pattern(
    r"^(?:(?:please|pls|plz|kindly|just|i|we|id|want|would|like|need|to|can|you|could|have|gonna|"
    r"going|im|must|wanna|ok|hi|hello|hey|yes|so|and|sorry|gotta|go|ahead|will|thanks|thank|lets|"
    r"actually|por|favor|quiero|deseo|je|veux|voudrais|svp|quisiera|necesito|merci) )*"
    r"(?:cancel|cancelar|annuler|cancelen|cancela|annule)(?: (?:it|this|that|please|pls|plz|thanks|"
    r"thank|you|now|all|everything|me|asap|immediately|sorry|thx|por|favor|svp|merci|s|il|vous|"
    r"plait|gracias|todo|tout|esto))*$"
)
_CANCEL_ALL = _pattern(
    r"\b(?:cancel|end|terminate|close|deactivate|delete) (?:please |all |any |of |further |the "
    r")*(?:me|us|my (?:subscription|enrollment|membership|registration|sign ?up|alerts|texts|"
    r"notifications|text alerts|account|number)|everything|subscription|this subscription|the "
    r"subscription|this (?:conversation|chat|thread|service|number|communication)|our conversation|"
    r"communications?)\b(?! (?:as|for|on|down|appointment))"
)
_APPOINTMENT = _pattern(
    r"\b(?:cancel|cancell?ed|cancell?ing|cancels|cancelar|cancelo|annuler|annule|anular|cancelado|"
    r"cancelada)\b(?![^|?]{0,6}<msg>)"
)
_SPARE = _pattern(r"\b(?:stop|quit|unsubscribe|unsubscribed|optout|opt out|opted out|revoke|stopall|unsub)\b")
_CONTACT_WORD = _pattern(r"\b(?:<msg>|<touching>|texted|messaged|contacted|number|list|spam|me)\b")
_HOLD_SIGNS = frozenset("🚫❌👎🖕✋⛔📵🔇🙅")
_NAMED = re.compile(
    r"\b(?:[Tt]his (?:isn.?t|is not|aint|ain.?t)|[Ii].?m not|[Ii] am not|[Tt]here.?s no|[Tt]here "
    r"is no|[Nn]o|[Nn]ot|[Dd]on.?t know(?: (?:a|any))?)"
    r" (?:a )?(?!I\b|You|The|Thank|Way|Problem|[A-Z]{2,})[A-Z][a-z]{2,14}(?:.s (?:phone|number|"
    r"cell|line))?(?= *$|[.,!;] *| here| at this| anymore| and| but)"
)
_NAMED_PLAIN = _pattern(
    r"\b(?:this|it|that) (?:isnt|is not|aint) (?:\w+ ?s? )?(?:phone|number|cell|line)\b|\bthis "
    r"(?:isnt|is not) (?!(?:a|the|good|right|working|my|what|true|fair|bad|going|an|about|funny|"
    r"real|for|in|available|it|cool|ok|okay|an|your|enough|clear|possible|correct|"
    r"acceptable)\b)\w+$|\b(?:no|theres no|there is no) \w+ (?:here|at this (?:number|phone)|lives "
    r"here)\b|\b(?:who is|whos|who the hell is|who tf is) (?!(?:this|that|it|the|your|you|my|a|in|"
    r"on|texting|calling|messaging|there|dis|contacting|asking|doing|going|responsible)\b)\w+$|"
    r"\bnever heard of (?:\w+|you)\b|\bi (?:am|m) not \w+ s\b"
)


def reading(plain: Plain, text: str, context: WordContext) -> Reading:
    """What `plain`, the plain form of `text`, asks for; NONE when it says nothing about being texted."""
    if not plain.had_letters:
        return _of_signs(plain)
    flow = plain.flow
    sentences = [s for s in (part.strip() for part in re.split(r"[|?]", flow)) if s]
    if context is not WordContext.ACTIVE:
        wish = _wish(flow, sentences, context)
        if wish is not None:
            return wish
    found = [r for r in (_request(s, plain) for s in sentences) if r is not None]
    if len(plain.clauses) > len(sentences) and all(r.verdict is not Verdict.OPT_OUT and not r.tags for r in found):
        in_clauses = (_request(" ".join(clause), plain) for clause in plain.clauses)
        found += [r for r in in_clauses if r is not None and r.verdict is Verdict.OPT_OUT]
    settled = next((r for r in found if r.verdict is Verdict.OPT_OUT), None)
    if settled is not None:
        return _scoped(settled, flow)
    hold = next((r for r in found if r.verdict is Verdict.AMBIGUOUS), None)
    if hold is not None and hold.rule != "token_left_open":
        return hold
    foreign = _foreign(_NEGATED.sub(" ~ ", flow)) if not any(r.tags for r in found) else None
    if foreign is not None:
        return foreign
    if hold is not None:
        return hold
    return _soft(plain, sentences, text, found)


def asks_for(plain: Plain) -> bool:
    """Whether `plain` asks for a person instead of a program."""
    for sentence in (part.strip() for part in re.split(r"[|?]", plain.flow)):
        if _PERSON_ALONE.match(sentence) or _PERSON_FOREIGN.search(sentence):
            return True
        if _PERSON.search(sentence) and _PERSON_TALK.search(sentence) and not _PERSON_NOT.search(sentence):
            return True
    return False


def _of_signs(plain: Plain) -> Reading:
    if plain.signs & _HOLD_SIGNS:
        return Reading(Verdict.AMBIGUOUS, "sign.refusal")
    return Reading(Verdict.NONE, "no_words")


def _wish(flow: str, sentences: list[str], context: WordContext) -> Reading | None:
    """A wish to be texted, from someone who is not: an answer to an open question, or plain words after an opt-out."""
    for name, pattern in _IN:
        match = pattern.search(flow)
        if match is None:
            continue
        before = flow[max(0, match.start() - 24) : match.start()]
        if name not in {"mistake", "never_stop"} and _REFUSES.search(before.rsplit("|", 1)[-1]):
            continue
        return Reading(Verdict.OPT_IN, f"in.{name}", language="en")
    if context is WordContext.PENDING_OPT_IN and sentences and _YES.match(flow) and not _NOT_A_YES.search(flow):
        return Reading(Verdict.OPT_IN, "in.yes", language="en")
    for language, pattern in FOREIGN_IN:
        match = pattern.search(flow)
        if match and not re.search(r"\b(?:no|ne|n|nao|nicht|pas|не)\b", flow[: match.start()]) and "不" not in flow:
            if language == "es" and re.search(r"\b(?:no|ya no|deje|dejen)\b", flow):
                continue
            return Reading(Verdict.OPT_IN, "in.foreign", language=language)
    return None


def _request(sentence: str, plain: Plain) -> Reading | None:
    """What one sentence asks: an end to texts, something a person has to read, or None."""
    if _CANCEL_SOFT.match(sentence):
        return Reading(Verdict.AMBIGUOUS, "cancel.courtesy", language="en", tags=frozenset({"bare_cancel"}))
    if _COMPLAINT_FIRST.search(sentence):
        return _weighed("wont_stop", sentence, 0)
    negated = _NEGATED.sub(" ~ ", sentence)
    cleared = negated
    if _QUESTION_ABOUT_STOP.search(cleared) and not _HOW.search(cleared):
        return Reading(Verdict.NONE, "question_about_words", language="en")
    for pattern in _OTHER_SENSE:
        cleared = pattern.sub(" ~ ", cleared)
    for name, pattern in _REQUESTS:
        match = pattern.search(cleared)
        if match:
            return _weighed(name, cleared, match.start())
    if _CANCEL_ALL.search(cleared):
        return _weighed("cancel_all", cleared, 0)
    bare = _bare(cleared)
    if bare is not None:
        return bare
    if _INSTEAD_OF_TEXT.search(sentence) and not _CALLS.search(sentence):
        return Reading(Verdict.OPT_OUT, "out.other_channel", Scope.SMS_ONLY, "en", frozenset({"email_instead"}))
    if _CALLS.search(sentence):
        tags = frozenset({"voice_opt_out"})
        if _CALLS_NOT_TEXTS.search(plain.flow):
            return Reading(Verdict.NONE, "calls.texts_welcome", language="en", tags=tags)
        if _CALL_ME_REQUEST.search(sentence):
            return Reading(Verdict.AMBIGUOUS, "calls", language="en", tags=tags)
    if _THIRD_LEFT_ALONE.search(sentence) or (_THIRD_SUBJECT.search(sentence) and _WANTS_THESE.search(sentence)):
        return Reading(Verdict.AMBIGUOUS, "third_party.not_wanted", language="en", tags=frozenset({"third_party"}))
    left = _SPARE.search(cleared)
    if (
        left
        and not _APPOINTMENT.search(sentence)
        and (_STARTS.match(cleared) or len(cleared.split()) <= 6 or _CONTACT_WORD.search(cleared))
    ):
        return Reading(Verdict.AMBIGUOUS, "token_left_open", language="en")
    return None


_STARTS = _pattern(r"^(?:please |pls |plz |just |ok |so |can you |could you )*(?:stop|quit|unsubscribe|opt out)\b")
_THIRD_LEFT_ALONE = _pattern(r"\bleave <who>(?: \w+)? alone\b")
_WANTS_THESE = _pattern(
    r"\bwants? (?:any |more |any more |to |get |receive )*(?:<msg>|(?:these|this|them)(?= *$| anymore| any))"
)
_RUDE_HOUR = _pattern(
    r"\b(?:seriously|wtf|omg|really|jesus|ffs|dude|hello|why)\b.{0,24}\b(?:\d{1,2} ?(?:am|a m)|in "
    r"the morning|midnight|middle of the night|(?:at )?night)\b|\bits (?:like |literally |almost "
    r")?\d{1,2} ?(?:am|pm)\b(?= *$| [|?]| why| stop| in the)"
)
_HOW = _pattern(r"\bhow\b|\bwhere\b")
_CALL_ME_REQUEST = _pattern(
    r"\b(?:call|calling|calls|ring|phoning|ringing)(?: \w+)? (?:me|us|this|my|again|anymore|here|"
    r"from|please|number|and)\b|\b(?:call|calling|calls)$"
)


def _weighed(name: str, cleared: str, start: int) -> Reading:
    """The request found at `start`, or less than one when it is about somebody else, a time of day or a while."""
    if (_THIRD_OBJECT.search(cleared) or _THIRD_SUBJECT.search(cleared)) and not _ME_TOO.search(cleared):
        return Reading(Verdict.AMBIGUOUS, f"third_party.{name}", language="en", tags=frozenset({"third_party"}))
    if name not in {"said_stop", "threat", "consent", "wont_stop", "remove_me"}:
        if _TIME.search(cleared, start) or _TIME.match(cleared):
            tags = frozenset({"time_preference"})
            verdict = Verdict.NONE if name.startswith(("dont", "no_")) else Verdict.AMBIGUOUS
            return Reading(verdict, f"time.{name}", language="en", tags=tags)
        if _PAUSE.search(cleared, start):
            return Reading(Verdict.AMBIGUOUS, f"pause.{name}", language="en", tags=frozenset({"pause"}))
    return Reading(Verdict.OPT_OUT, f"out.{name}", language="en")


def _bare(cleared: str) -> Reading | None:
    """A per-se word with nothing but courtesy around it, in a sentence or at its end."""
    words = cleared.split()
    core = [w for w in words if w not in SOFT_WORDS]
    own = [w for w in core if (row := KEYWORDS.get(w)) and row.use is Use.OPT_OUT]
    if (
        core
        and own == core
        and not all(w in CANCEL_WORDS for w in core)
        and not (words[0] in _NOT_FIRST and "i" in words[:3])
    ):
        if words[0] in {"the", "an", "a"}:
            return None
        return Reading(Verdict.OPT_OUT, "out.bare_word", language=KEYWORDS[core[0]].language)
    if _STOP_AT_END.search(cleared) or _STOP_AT_START.search(cleared):
        return Reading(Verdict.OPT_OUT, "out.bare_word", language="en")
    return None


_STOP_AT_END = _pattern(
    r"\b(?:please|pls|plz|just|so|but|now|thanks|thx|and|kindly|number|person|interested|off|again|"
    r"already|no|seriously|guys|enough|thank you) (?:please |just |fucking )*(?:stop|quit|"
    r"unsubscribe)(?: (?:please|pls|plz|now|thanks|thank you|already|it|asap|immediately))*$"
)
_STOP_AT_START = _pattern(
    r"^(?:please |pls |plz |ok |just |omg |hey |hi )*stop (?:it|please|pls|plz|now|already|this|"
    r"all|immediately|asap|everything|u|you|creep|thank|thanks|thx|i|im|you|wrong|not|no|we|the "
    r"madness|the nonsense|the bs|the crap|the spam|with|spam|doing this|trying|pushing|"
    r"harass\w*)\b"
)


def _scoped(found: Reading, flow: str) -> Reading:
    """`found` with what it ends: everything, one kind of message that stands beside one to keep, or texts only."""
    if found.scope is not None:
        return found
    if _SPECIAL_KIND.search(flow) or _OTHER_KIND.search(flow):
        keep = _KEEP.search(flow)
        if keep:
            kind = "marketing" if _SPECIAL_KIND.search(flow[: keep.start()] + flow[keep.end() :]) else "other"
            return _with(found, Scope.PARTIAL, f"partial:{kind}")
    if _SPECIAL_KIND.search(flow) and _ANSWER_WANTED.search(flow) and not _EVERYTHING.search(flow):
        return _with(found, Scope.PARTIAL, "partial:marketing")
    calls_too = _CALLS.search(flow) or _CALLS_TOO.search(flow)
    elsewhere = _OTHER_CHANNEL.search(flow) or _INSTEAD_OF_TEXT.search(flow)
    if elsewhere and (not calls_too or _EMAIL.search(flow)):
        return _with(found, Scope.SMS_ONLY, "email_instead")
    return _with(found, Scope.ALL, *(["voice_opt_out"] if calls_too else []))


_EMAIL = re.compile(r"\be ?mail")


def _with(found: Reading, scope: Scope, *tags: str) -> Reading:
    return Reading(found.verdict, found.rule, scope, found.language, found.tags | set(tags))


def _foreign(flow: str) -> Reading | None:
    """A request in another language."""
    cleared = FOREIGN_NOT_OUT.sub(" ~ ", flow)
    latin = flow.isascii()
    for language, pattern in FOREIGN_OUT:
        if (latin and language in OTHER_SCRIPTS) or not pattern.search(cleared):
            continue
        if _FOREIGN_TIME.search(flow):
            return Reading(Verdict.NONE, "time.foreign", language=language, tags=frozenset({"time_preference"}))
        if _FOREIGN_PAUSE.search(flow):
            return Reading(Verdict.AMBIGUOUS, "pause.foreign", language=language, tags=frozenset({"pause"}))
        return Reading(Verdict.OPT_OUT, "out.foreign", Scope.ALL, language)
    return None


_FOREIGN_TIME = re.compile(without_accents(FOREIGN_TIME))
_FOREIGN_PAUSE = re.compile(without_accents(FOREIGN_PAUSE))


def _soft(plain: Plain, sentences: list[str], text: str, found: list[Reading]) -> Reading:
    """What is neither a request nor a wish: a hold, a question about us, or nothing."""
    flow = plain.flow
    if found and "voice_opt_out" in found[0].tags | found[-1].tags:
        return next(r for r in found if "voice_opt_out" in r.tags)
    if any(r.rule == "question_about_words" for r in found):
        return Reading(Verdict.NONE, "question_about_words", language="en")
    timed = next((r for r in found if r.tags), None)
    if timed is not None:
        return timed
    if _RUDE_HOUR.search(flow):
        return Reading(Verdict.AMBIGUOUS, "hold.complaint", language="en", tags=frozenset({"complaint"}))
    for language, pattern in FOREIGN_HELP:
        if pattern.search(flow):
            return Reading(Verdict.HELP, "help.identity", language=language)
    if asks_for(plain) and "?" in flow:
        return Reading(Verdict.HELP, "help.person", language="en")
    for sentence in sentences:
        complains = "?" not in flow and any(p.search(sentence) for tag, p in _HOLD if tag == "complaint")
        if not complains and (_IDENTITY.match(sentence) or _PROGRAMME.search(sentence)):
            return Reading(Verdict.HELP, "help.question", language="en")
    for sentence in sentences:
        for tag, pattern in _HOLD:
            if pattern.search(sentence) and not (tag == "not_interested" and _goes_on(sentences, sentence)):
                return Reading(Verdict.AMBIGUOUS, f"hold.{tag}", language="en", tags=frozenset({tag}))
    if _NAMED.search(text) or any(_NAMED_PLAIN.search(s) for s in sentences):
        return Reading(Verdict.AMBIGUOUS, "hold.wrong_number", language="en", tags=frozenset({"wrong_number"}))
    for language, tag, pattern in FOREIGN_HOLD:
        if pattern.search(flow):
            return Reading(Verdict.AMBIGUOUS, f"hold.{tag}", language=language, tags=frozenset({tag}))
    if any(_EMAIL_INSTEAD.match(s) for s in sentences) and len(flow.split()) <= 10:
        return Reading(Verdict.AMBIGUOUS, "hold.other_channel", language="en", tags=frozenset({"email_instead"}))
    return _nothing(flow)


def _goes_on(sentences: list[str], brush_off: str) -> bool:
    """Whether the text deals with business beside a brush-off ("I'm good. What time Saturday?")."""
    rest = [s for s in sentences if s != brush_off]
    return any(len(s.split()) >= 4 and not _BOUGHT.search(s) for s in rest)


def _nothing(flow: str) -> Reading:
    tags = set()
    if _APPOINTMENT.search(flow):
        tags.add("appointment_cancel")
    if _BOUGHT.search(flow):
        tags.add("not_interested")
    if _TEXT_TIME.search(flow):
        tags.add("time_preference")
    return Reading(Verdict.NONE, "nothing", tags=frozenset(tags))


_TEXT_TIME = _pattern(
    r"\b(?:text|message|contact|reach|call|hit)(?: me| us| me up| back| out| this number){0,2} "
    r"(?:only )?(?:after|before|between|around|in the|on|anytime after|monday|tuesday|wednesday|"
    r"thursday|friday|saturday|sunday|next week|tomorrow|later)\b|\bonly (?:text|message|"
    r"contact)(?: me)?\b"
)
