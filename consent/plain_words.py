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
    FOREIGN_PAUSE,
    FOREIGN_TIME,
)
from consent.grammar import about_ending, about_others, request_in
from consent.keywords import CANCEL_WORDS, KEYWORDS, SOFT_WORDS, Use
from consent.normalise import Plain, without_accents
from consent.preferred_times import time_preference
from consent.screen import Screen
from consent.suspicion import looks_like_a_request
from consent.tongues import foreign_request_in


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
    "who": (
        r"(?:(?:my|his|her|our|their|the)(?: \w+)? (?:wife|husband|mom|mother|mum|dad|father|son|sons|"
        r"daughter|daughters|"
        r"kid|kids|brother|sister|spouse|partner|girlfriend|boyfriend|gf|bf|fiance|fiancee|parents|"
        r"grandma|grandmother|"
        r"grandpa|grandfather|grandparents|roommate|friend|friends|boss|coworker|coworkers|employee|"
        r"employees|assistant|"
        r"family|aunt|uncle|cousin|niece|nephew|ex|tenant|tenants|neighbor|neighbors|customers|staff|child|children|"
        r"secretary|mother in law|father in law|client|clients|teenager|stepson|roomie|inlaws)|(?:wife|"
        r"husband|mom|dad|grandpa|grandma|hubby|mother|father)|"
        r"him|her|them)"
    ),
}


def _pattern(text: str) -> re.Pattern[str]:
    for name, words in V.items():
        text = text.replace(f"<{name}>", words)
    return re.compile(text.replace("<f>", f"(?:{V['fill']} ){{0,7}}"))


# The same words in another sense. "it won't stop leaking", "stop by", "bus stop", "don't stop", "the end of the month".
_COMPLAINT_FIRST = _pattern(
    r"(?<!if )\b(?:(?:you|yall|u|they|people|guys|who)(?: \w+)? (?:wont|will not|dont|do not|never|cant|"
    r"didnt|did not|havent|refuse to) (?:ever )?(?:stop|quit)(?! (?:playing|by|at|in|for|being|doing|changing|raising|"
    r"working|running|leaking|moving|making|selling|using|charging|offering|building|dropping|talking about)\b)"
    r"|why (?:wont|dont|cant|havent) (?:you|u|yall|they)(?: \w+){0,2} (?:stop|quit)|(?:cant|wont|"
    r"can|will|would|could) (?:you|u|yall) (?:all |guys |please |just |fucking )*(?:stop|quit)(?= "
    r"<f>(?:<touching>|<msg>)| it\b| please| now|$| already))"
)
_NEGATED = _pattern(
    r"\b(?:(?<!why )dont|do not|don t|never|wont|will not|cant|cannot|can not|couldnt|could not|wouldnt|"
    r"would not|doesnt|does not|didnt|did not|isnt|not|no need to|without|hasnt|havent|wasnt|aint)"
    r"(?: (?:ever|want|wanna|need|mean|meant|say|said|saying|ask|asked|asking|tell|told|you|to|them|it|me|this|"
    r"that|actually|please|even|type|typed|try|trying|intend|going|seem|really|be|will|you "
    r"to|guys|plan|on|have|had|dare|the)){0,6} "
    r"(?:stop(?:ping|ped)?|quit|unsubscribe[d]?|opt(?:ed|ing)? out|cancel|end|remove me|taken? "
    r"(?:me )?off|revoke|removed?)\b(?: <f>(?:<touching>|<msg>|the \w+ing|\w+ing)\b)?"
)
OTHER_SENSE = Screen(
    ("", _pattern(p))
    for p in (
        r"(?<!i text )(?<!i sent )(?<!i wrote )(?<!we wrote )(?<!i texted )(?<!we texted )(?<!we sent )(?<!typed )(?<!replied )(?<!replying )(?<!sending )"
        r"\bstop in\b|\bstop(?:ping|ped|s)? (?:by|(?<!stop )in|over|off|there|here|for (?!good|ever|the love|real)|near|"
        r"around|along|sign|signs|light|lights|lamp|watch|gap|loss|"
        r"start|me (?:if|when)|and (?:shop|see|look|check|get|grab|go|pick|say|take|eat|visit|meet|drop|talk)|at (?!once)|"
        r"to (?:see|look|get|grab|pick|check|eat|say|visit)|on (?:my|the|our) way|through|short|"
        r"working|"
        r"leaking|running|raining|snowing|motion|bath|shop|into|up)\b",
        r"\b(?:bus|truck|pit|rest|train|metro|next|(?<!my )last|first|full|non|door|traffic|quick|short|coach|"
        r"auto|car|trolley|subway|gas|back|hard|only|"
        r"shuttle|tram|(?<!to )a|another|every|second|final|one|many|stop and|the) stops?\b(?! "
        r"<f>(?:<touching>|<msg>))",
        r"\b(?:does|do|did|will|would|can|has|when|where|until|till|if|unless|before|after) (?!this\b|"
        r"these\b|those\b|you\b|u\b|ya\b|yall\b|i\b|to\b|like\b|love\b|prefer\b|appreciate\b|be\b)(?:it|he|she|we|they|the|my|our|this car|\w+)"
        r"(?: (?!so\b|and\b|but\b|please\b|just\b|then\b)\w+){0,2}? "
        r"(?:ever |just |finally )?(?:stop|stops|stopped|end|ends|quit|quits)\b",
        r"(?<!make )(?<!made )(?<!have )(?<!get )\b(?:it|he|she|we|car|engine|rain|snow|motor|ac|heat|"
        r"price|prices|showings|sales?|music|brakes?|light|lights|alarm|truck|which|that) (?:just |"
        r"suddenly |never |already |has |had |will |would |might |could )*(?:stops?|stopped|quit|quits|"
        r"ends?|ended)\b(?! <f>(?:<touching>|<msg>|getting|receiving))",
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
        r"smiling|crying|selling(?! me)|buying|playing|dropping|going|being|"
        r"accepting|taking|offering|charging|producing|using|showing|leaking|watching|kidding|joking|teasing)\b",
        r"\b(?:stop|quit) asking (?:(?!me\b|us\b|again\b|now\b|please\b|already\b)\w+|(?:me|us) (?:for|to))\b",
        r"\b(?:year|month|week|week s|day|season|book|(?<!this be )(?<!that be )(?<!it be )the|high|low|low|dead|rear|front|back|back|tail|"
        r"deep|far|either|each|other|both|east|west|north|south|one|in the|at the|by the|loose|odd|"
        r"top|bottom|upper) end\b|\bweekend\b|"
        r"(?<!let this be the )(?<!let that be the )(?<!let it be the )\bend (?:of|up|unit|units|date|table|tables|result|zone|cap|user|goal|lot|to end|game|on|in|"
        r"at|with|was|is)\b|\b(?:will|does|do|did|lease|term|sale|promo|offer|event|deal) ends?\b|"
        r"(?<!must )(?<!to )\bends? (?:in|on|at|this (?:week|month|year|weekend|spring|summer|fall|winter|\w+day)|next|tomorrow|today|soon|up)\b(?! <msg>)",
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
        r"\brevok(?:e|es|ing) (?!<f>(?:consent|permission|authori[sz]ation|my|all|any|please|thanks|pls|plz|now)\b)(?:\w+ "
        r"?){1,3}|\b(?:license|permit|offer|was|were|been|be|get|got) revoked?\b",
        r"\bunsubscrib\w+(?: me)?(?: from)?(?: the| my| our| that)? (?:\w+ )?(?:sirius\w*|xm|onstar|radio|satellite|bluetooth|wifi|hotspot|trial|zillow|"
        r"redfin|trulia|realtor com|autotrader|cargurus|carvana|hulu|netflix)\b(?: \w+){0,2}",
        r"\b(?:stop|quit) (?:the|my|our|your|that) (?:\w+ )?(?:sale|deal|closing|job|day job|payment|check|loan|paperwork|credit pull|auction|"
        r"listing|contract|showing|appointment|delivery|order|process|repairs?|work|\d{1,2} ?(?:am|pm)?)\b(?! <f>(?:<msg>|<touching>))",
        r"\bstop payment\b|\boff the record\b|\bno bother\b(?! me| us)",
        r"\b(?:stop|unsubscrib\w+|opt(?:ing)? out|cancel\w*|quit) (?:was|were) (?:an |a |by |in |just |only |my )*(?:accident\w*|mistake\w*|error|typo)\b",
        r"\b(?:tell|ask) (?:the|that|those|their) (?:sellers?|buyers?|lender|bank|tenants?|neighbors?|inspector|contractor|hoa|appraiser|"
        r"other \w+) to \w+(?: \w+){0,4}",
        r"\b(?:dont|do not|never|no need to|without) (?:text|txt|message|send|sms)(?:ing)? (?:me|us|him|her|them) (?:the|my|our|that|his|her) "
        r"(?:\w+ )?(?:price|prices|address|link|pics?|photos?|pictures?|vin|details|contract|code|docs?|documents?|paperwork|"
        r"listing|offer|quote|total|password|directions|location|terms|figures|payoff|breakdown)\b",
        r"\bquit (?:playing|kidding|joking|teasing|laughing|worrying)\b",
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

# A request about the phone line only, or about somebody else, or only for a time.
_CALLS = _pattern(
    r"\b(?:<stop>|do not|dont|never|no|no more|please not|quit) (?:you |ever |please |with the |"
    r"the |all |fucking |with |any |more )*(?:call|calling|calls|phone calls|ring|phoning|phone|"
    r"ringing|dial|dialing|telephone|robocalls?|robo calls?)\b"
)
_CALLS_TOO = _pattern(
    r"\bnot by (?:phone|call)|\b(?:text|texting|message|messaging|contact|email)(?: me)? (?:or|and|nor) (?:call|calling|phone)\b"
    r"|\b(?:call|calling|phone)(?: me)? (?:or|and|nor) (?:text|texting|message|messaging|contact)\b"
)
_CALLS_NOT_TEXTS = _pattern(
    r"\b(?:text|texts|texting|message|messages|sms)\b[^|]{0,24}\b(?:better|best|instead|only|fine|"
    r"ok|okay|please|this one|me|mine|preferred|easier|works|prefer|rather)\b|\b(?:prefer|only|"
    r"just|rather|please|better to|easier to|stick to)(?: you)?(?: to)? (?:text|texts|texting|"
    r"message|messages)\b|\btext (?:me|this|instead)\b"
)
_THIRD_OBJECT = _pattern(
    r"\b(?:<touching>|<touch>|sending(?! them *$)|calling|call|send(?! them)|to|take|remove|delete|get|off|drop|from|"
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
_ANY_TIME = _pattern(r"\b(?:any (?:other )?(?:time|day|hour)|anytime|ever|day or night|at all|or otherwise)\b")
_PAUSE = _pattern(
    r"\b(?:until|till|til) (?!i die|hell|you)\w+|\bfor (?:a while|now|a bit|a few|a couple|the "
    r"moment|the time being|the next|awhile|some time|a (?:week|month|year|day|minute)|this "
    r"(?:week|month)|\d+ (?:days?|weeks?|months?)|the (?:rest|summer|winter|holidays?)|today)\b|"
    r"\b(?:pause|hold off|take a break|give (?:it|me) (?:a|some) (?:break|time|space|few|couple)|"
    r"back in touch (?:in|after)|temporarily|slow down|less (?:often|frequent|texts|messages)|"
    r"fewer|so (?:many|much|often|frequently)|as (?:many|often|much)|too (?:many|often|much)|every "
    r"(?:single )?(?:day|hour|week))\b|(?<!not )\bthis week\b"
)
_SPECIAL_KIND = _pattern(
    r"\b(?:ad|ads|marketing|promo|promos|promotion|promotions|promotional|advertising|"
    r"advertisements?|(?<!my )(?<!our )(?<!the )offers?|deals?|sales?|newsletters?|surveys?|specials|coupons?|"
    r"solicitations?|blasts|trade ins?|spam|ofertas?|promocion\w*|publicidad|propaganda|anuncios?|offres?|pubs?|werbung)\b"
)
_OTHER_KIND = _pattern(
    r"\b(?:listings?|reminders?|updates?|news|alerts?|birthday|open house|market reports?|"
    r"recommendations?|new homes|inventory|review requests?|price drops?|events?)\b"
)
_KEEP = _pattern(
    r"(?<!dont )(?<!not )(?<!no )(?<!never )\b(?:keep|keeping|still (?:want|send|need|get|text|like|ok|okay|receive|message|interested "
    r"in)|only|just|except|besides|other than|but|continue|leave|want|need|rest|fine|ok)\b(?: (?!(?:dont|not|stop|no)\b)\w+){0,8}? "
    r"(?:reminders?|appointments?|appts?|service (?:updates?|reminders?|texts?|messages?|alerts?|"
    r"appointments?|notices?)|my service|closing|updates?|confirmations?|oil change|receipts?|"
    r"recall notices?|recalls?|delivery|order|account|important|urgent|status|listings?|alerts|"
    r"payment|billing|notices?|statements?|loan|inspection|showings?|notifications?|about my|about "
    r"the|regarding my|the one|ones|maintenance|pickup|schedul\w+)\b"
    r"|\bkeep (?:me (?:posted|updated|informed|in the loop)|sending|texting)\b"
    r"|\b(?:everything else|all else|the rest|the others?|(?:\w+ ){0,3}(?:reminders?|updates?|texts?|notices?|confirmations?|"
    r"alerts?|messages?)(?: for my \w+)?) (?:is |are |r )?(?:still )?(?:ok|okay|fine|good|great|welcome|alright|cool|useful|helpful)\b"
    r"|\bleave (?:the |my )?(?:\w+ ){1,4}?on\b|\b(?:but|please|and) do (?:tell|text|send|let|keep)\b|\bi (?:only|just) want to\b"
    r"|\bpero si (?:avis|mand|envi)\w*|\bmais (?:gardez|continuez)\b|\bsolo (?:mis|los|las|la|el) \w+"
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
    r"\b(?:phone calls?|calls?|ring|e ?mails?|mail|letters?(?: in the post| by post)?|voicemails?|phone)(?: \w+){0,4}? "
    r"(?:instead|only|rather|(?:is|are|r|would be|works?) (?:still |always )?(?:ok|okay|fine|good|great|welcome|better|best|"
    r"preferred|alright)|preferred|works better|if (?:you|u|there|it|needed))\b"
    r"|\b(?:you|u) (?:can|may|could)(?: still| always| just)? (?:call|e ?mail|ring|phone|mail)\b"
    r"|\b(?:instead|rather|prefer|only|just|please|could|use|via|through|(?<!not )by|can you|better to|switch to)(?: \w+){0,2}? "
    r"(?:e ?mail|call|ring|mail|calls|emails|a call|phone calls|phone(?! rest| alone| off| is| number| back))(?: me| us| it)?\b"
    r"|\b(?:call|email|ring|phone) (?:me|us|the house|my (?:home|house|office|landline|work|email))\b"
    r"|\bwrite (?:me |to )*(?:at )?my e ?mail\b|\bmejor (?:por )?(?:correo|email|llam\w+)\b|(?<!no )(?<!ni )(?<!de )\bllam\w*(?:me|nos)\b"
    r"|\bpor (?:correo|email)\b|\bappelez (?:moi|nous|plutot)\b|\bpar (?:courriel|e ?mail)\b"
)
_INSTEAD_OF_TEXT = _pattern(
    r"\b(?:instead of|rather than|not by|not via|not through|no longer by|over|and not) (?:the |a |"
    r"sending |your |these |by |via )*(?:text|texts|texting|sms|message|messages|messaging|text "
    r"messages)\b|\b(?:i|we) (?:dont|do not|never|cant|cannot) (?:do|use|like|read|check|accept|"
    r"get|receive|have)(?: any)? (?:text|texts|texting|sms|text messages|messaging)\b|\b(?:i|we) "
    r"(?:dont|do not) text\b(?! and| you| while| when| much| often| a lot| back| fast| well)|\b(?:text|texts|texting|text messages|"
    r"messages) cost\w* (?:me|us)\b|\b<msg> (?:is|are|isnt|arent) (?:not )?(?:a |the )?(?:good|great|best|right|ideal|bad|poor|terrible) (?:way|method)\b|\bno (?:text|texts|texting|sms) (?:please |just |only "
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
            r"^(?:unstop|resubscribe|re subscribe|reenroll|re enroll)\b|\b(?:re ?enroll|re ?subscribe|re ?add|reinstate|set) (?:me|us|my number)(?: up)?\b|^(?:please |pls |ok |yes |hi |hello |can you |can i |could i |may i |how do i |i want to |id like to |i would like to |want "
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
HOLD = Screen(
    (tag, _pattern(p))
    for tag, p in (
        (
            "wrong_number",
            r"\b(?:have|got|has|had|getting|thinking) (?:me|us) (?:\w+ )?(?:mixed up|confused|mistaken|mixed)\b|\b(?:mixing me up|confusing me|mistaking me|mistook me)\b"
            r"|\bnever (?:owned|lived|inquired|applied|shopped|filled out|heard of you|contacted you|requested)\b",
        ),
        (
            "not_interested",
            r"(?<!please )(?<!pls )\b(?:(?<=i )dont|(?<=we )dont|^(?:nope |no |sorry )?dont want|(?<=i )do not|(?<=we )do not|not|no longer|wont be|decided not|decided against|no plans|arent|isnt|never|no need|chose not|changed our minds? about|changed my mind about)"
            r" (?:\w+ ){0,2}?(?:sell|selling|buy|buying|move|moving|purchase|purchasing|trade|trading|lease|leasing|refinance|refinancing|relocate|relocating|for sale|in the market|shopping|upgrade|upgrading)\b"
            r"(?= *$| (?:anymore|any more|right now|now|this year|after all|it|anything|thanks|thank you|at this time|either|sorry))"
            r"|\b(?:pass on (?:this|it|that|these|your)|gonna pass|going to pass|have to pass|ill pass(?! on)|decided to (?:stay|wait|keep|hold))\b"
            r"|^(?:hi |hey |sorry |thanks |no |but |already |we |i |ive |weve |have |just |actually )*(?:bought|sold|purchased|leased|moved|closed)(?: (?:it|one|ours|mine|a \w+|the \w+|our \w+|my \w+))? (?:last|already|ago|a while|months|weeks|years|elsewhere)\b",
        ),
        (
            "complaint",
            r"^(?:(?:seriously|really|again|wtf|omg|ugh|come on|ffs|another one|more texts|cut the crap|give it a rest|zip it|im done|im out|i am done|i am out|can you not|can you please not|would you please not|can yall not|could you not|could you please not|please dont|please do not|dont|wow|jeez|jesus|good grief|unbelievable|enough|not again) ?)+$"
            r"|\b(?:second|third|fourth|fifth|sixth|tenth|\d+(?:st|nd|rd|th)|another) (?:text|message|one|msg) (?:today|this week|this morning|already|in)\b"
            r"|\byou people (?:ever|never|always|have no|dont|are)\b|\bshame on (?:you|u|yall)\b|\bhow dare (?:you|u|yall)\b"
            r"|\bwhats? (?:the \w+ )?(?:is )?wrong with (?:you|u|yall)\b|\bworst (?:dealer\w*|company|business|service|agen\w+|realtor|place) ever\b|\bhave you no\b|\b(?:has to be|must be|cant be|is this even|gotta be|probably) (?:il)?legal\b"
            r"|\b(?:bbb|consumer protection|better business bureau|attorney general)\b",
        ),
        (
            "pause",
            r"\b(?:pls|please|can you|can we|could you|need to|lets|just|must) (?:pause|cool it|hold off|take a break|back off|slow down|ease up)\b"
            r"|\bno (?:more )?<msg> (?:please )?(?:for|until|till|til|this week|next week|the next)\b",
        ),
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
            r"?(?:one|body)(?: here)? (?:named|called|by (?:that|the) name|here(?! (?:wants?|likes?|needs?|told|can|has|cares?)\b))|\bnot at this (?:number|"
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
            r"\b(?<!mean to )(?<!not )(?:harass(?:ment(?! training)|ing|ed)?|harrass\w*|stalking|stalker)\b|\b(?:report(?:ing|ed)?|sue|suing|"
            r"lawyer|attorney|complaint|lawsuit|legal action|bbb|better business|attorney general)\b[^|"
            r"?]*\b(?:you|this|fcc|ftc|number|texts?|spam|(?<!title )(?<!insurance )company|against|guys|messages?|bbb|yall)\b|"
            r"\b(?:fcc|ftc|tcpa|do not call (?:list|registry)|dnc (?:list|registry)|dnc)\b|(?<!isnt )(?<!not )(?<!to )(?<!in )(?<!in my )(?<!in the )\bspam(?:mer|"
            r"mers|ming|my)?\b(?! (?:filter|folder|blocker|risk|likely|calls?))|\bscam(?:mer|mers)?\b|\b(?:invasion of|my) "
            r"privacy\b|\billegal (?:to|text|texts|messages)\b|\bthis is (?:getting |so |really |just |"
            r"very )*(?:illegal|ridiculous|annoying|unacceptable|creepy|out of control|crazy|insane|bs|"
            r"bullshit|too much)\b(?= *$| (?:now|already|stop|and|you|yall|guys|people|texts|messages))|\b(?:unbelievable|ridiculous|annoying|creepy|relentless|obnoxious|"
            r"intrusive|excessive|fed up|sick of|tired of|enough|drives? me)\b(?: \w+){0,6}? (?:texts?|messages?|"
            r"texting|messaging|you (?:people|guys|all)|yall|these|spam|ads|of you|with you)\b|\b(?:texts?|messages?|texting|you guys|yall|you "
            r"people|you|these)(?: \w+){0,3} (?:annoying|ridiculous|unbelievable|creepy|relentless|"
            r"obnoxious|excessive|out of control|getting old|pathetic|pissing me off|too much|nonstop)\b|"
            r"\b(?:never|didnt|did not|dont recall|dont remember)(?: \w+)? (?:gave|give|given|giving|"
            r"signed|sign|signing|asked|ask|consented?|agreed?|opted|requested|subscribed?)(?: \w+){0,4} "
            r"(?:permission|consent|up(?! for (?:the|an?) (?!<msg>|list|\w+ <msg>))|for (?:this|these|texts|any|your)|to (?:this|these|text|texts|"
            r"texted|be|receive|get|any)|in|texts|messages|number)\b|\bwhy (?:do|are|did|does|would|r) "
            r"(?:you|u|yall|i|they|your)(?: \w+){0,2}? (?:keep|still|continue|always|constantly|texting me "
            r"(?:so|every|again)|blowing|bothering|harassing|spamming|contacting|getting so|messaging)\b|"
            r"\b(?:seriously|wtf|omg|really|jesus|ffs)\b.*\b(?:\d ?am|morning|midnight|night|again|"
            r"another)\b|\b(?:so sick|had enough(?! (?:saved|money|room|time|space|for))(?! of (?!you|your|this|these|it\b|the (?:<msg>)))|bug off|"
            r"blocked(?! (?:drive|driveway|road|street|view|lane|entrance|off))|blocking|blacklist\w*)\b",
        ),
        (
            "complaint",
            r"\b(?:fuck|screw|f) (?:you|u|yall|this|ya|ur|your)\b|\b(?:fu|stfu|fuk u|fck u|fk u|shut up|"
            r"shut the (?!front)|eat shit|go to hell|bite me|drop dead|fuck|bullshit|assholes?|asshat|dickheads?|"
            r"piece of shit|kiss my)\b(?! (?:yeah|yes))|\b(?:another|again with the|more) (?:text|message|"
            r"spam|one of these)\b(?! (?:from|about|for) (?:the|my|our|his|her)\b)",
        ),
        (
            "complaint",
            r"^(?:(?:this|that|it|you|is|are|was|thats|its|so|just|very|how|wow|omg|really|yall|guys|super|absolutely|"
            r"pretty|beyond|totally|what|a|an|completely|this whole thing) )*(?:ridiculous|unprofessional|unacceptable|"
            r"pathetic|disgusting|outrageous|shameful|shady|sketchy|rude|reported|blocked|annoying|creepy|unreal|"
            r"disrespectful|predatory|inappropriate|appalling|a joke|a nuisance|spammers?|not cool|not ok|not okay|insane|"
            r"obnoxious|joke|nuisance|desperate|unbelievable)"
            r"(?: (?:guys|yall|people|now|already|really|seriously|smh|honestly|behavior|company|i|cant|even|stuff|business|practice))*$",
        ),
        (
            "pause",
            r"\b(?:stop|quit|hold off|pause|break)(?: \w+){0,3} for (?:a (?:while|bit|few|couple|week|month|day|year|minute|moment)|\d+|couple|few|now|awhile|"
            r"this (?:week|month|year|season|summer|winter)|some time|the (?:next|rest|time|moment|day|night|week|weekend|month|season|summer|winter|holidays?|year))\b"
            r"|\b(?:hold off|hold (?:the|these|your|all) (?:texts|messages)|pause|take a break|slow down|ease up|cool it|(?<!more )(?<!so )(?<!are )(?<!is )(?<!be )(?<!pretty )chill|back off|lay off|cut back|"
            r"tone (?:it )?down|give (?:me|us|it) (?:a|some) (?:break|space|time|rest))\b(?= *$| (?:on (?:the |these |your |all )*(?:<msg>|<touching>)|after|til|with|the|"
            r"for|texting|a|from|texts|until|till|messag\w+|please|these|those|some|now|and))|\b(?:not|"
            r"fewer|less|too|so) (?:right now|many texts|texts|messages|many messages|often|frequently|"
            r"many)\b(?= *$|(?: \w+){0,2} (?:text|message)\w*)|(?<!can i )(?<!ill )(?<!i can )\b(?:talk|text|reach out|contact|message|"
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
_BUT_MORE = _pattern(
    r"\bbut (?:what|do|the|another|maybe|how|is|are|can|could|show|would|still|keep|let|(?:i|we) (?:am|do|are|still|would|might|like|want|could))\b|\bonly$"
)
_GLAD = _pattern(
    r"\b(?:love|loved|loving|keep|great|best|better|works?|fine|happy|miss|enjoy|resend|again tomorrow|waiting for|looking forward|"
    r"got your|get your|see your|reached|automatic\w*)\b"
)
_SHORT = 14  # words; who writes more has something to say beside "we bought another one"
_ELSEWHERE = _pattern(
    r"\b(?:bought|purchased|found|leased|signed|got|rented|went|going|gone|chose|picked|closed on|ended up|ordered)"
    r"(?: \w+){0,5}? (?:elsewhere|somewhere else|(?:another|a different|someone else|somebody else|other|different)"
    r"(?: (?:one|dealer\w*|agent|agency|company|place|home|house|car|truck|realtor|broker|lender))?)\b"
)
_OTHERS_PHONE = _pattern(
    r"\b(?:this|that|it|number|phone) (?:is|was|belongs to|s) (?:now |actually |really )?(?:my |his |her |our |the )?"
    r"(?:wife|husband|mom|mother|dad|father|son|daughter|kid|brother|sister|spouse|grandma|grandmother|grandpa|"
    r"grandfather|roommate|friend|boss|coworker|neighbor|aunt|uncle|girlfriend|boyfriend|partner|ex)"
    r"(?: ?s)? (?:\w+ )?(?:phone|number|cell|line|mobile)\b"
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
_SPARE = _pattern(r"\b(?:stop|quit|unsubscribe|optout|opt out|opted out|revoke|stopall|unsub)\b")
_CONTACT_WORD = _pattern(r"\b(?:<msg>|<touching>|texted|messaged|contacted|number|list|spam|me)\b")
_HOLD_SIGNS = frozenset("🚫❌👎🖕✋⛔📵🔇🙅")
_NAMED = re.compile(
    r"\b(?:[Tt]his (?:isn.?t|is not|aint|ain.?t)|[Ii].?m not|[Ii] am not|[Tt]here.?s no|[Tt]here "
    r"is no|[Nn]o|[Nn]ot|[Dd]on.?t know(?: (?:a|any))?)"
    r" (?:a )?(?!I\b|You|The|Thank|Way|Problem|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|January|February|March|April|June|July|[A-Z]{2,})[A-Z][a-z]{2,14}(?:.s (?:phone|number|"
    r"cell|line))?(?= *$|[.,!;] *| here| at this| anymore| and| but)"
)
_NAMED_PLAIN = _pattern(
    r"\b(?:this|it|that) (?:isnt|is not|aint) (?:\w+ ?s? )?(?:phone|number|cell|line)\b|\bthis "
    r"(?:isnt|is not) (?!(?:a|the|good|right|working|my|what|true|fair|bad|going|an|about|funny|"
    r"real|for|in|available|it|cool|ok|okay|an|your|enough|clear|possible|correct|"
    r"acceptable)\b)\w+$|\b(?:no|theres no|there is no) (?!\w+s\b|problem|parking|garage|one\b)\w+ (?:here|at this (?:number|phone)|lives "
    r"here)\b|\b(?:who is|whos|who the hell is|who tf is) (?!(?:this|that|it|the|your|you|my|a|in|"
    r"on|texting|calling|messaging|there|dis|contacting|asking|doing|going|responsible)\b)\w+$|"
    r"\bnever heard of (?:\w+|you)\b|\bi (?:am|m) not \w+ s\b"
)


_MOST_BEATS = 12  # words with a stop after each; more are noise
_WEAK = "out.enough"  # "that's enough, I'll sign": what is enough stands in the rest of the sentence
# "omg stop, they accepted!", "stop it, that kitchen is gorgeous": who is delighted asks nobody to stop anything.
_PLAYFUL = _pattern(
    r"^(?:(?:omg|haha\w*|lol|lmao|aww+|oh|girl|dude|wait|um|ha|shut up) )*stop(?: it)?(?= [|]|(?: its| youre| you are| that \w+ is| that is|"
    r" thats| they| this is| he| she| i love| im)\b| it)"
)
_DELIGHT = _pattern(
    r"\b(?:gorgeous|perfect|amazing|beautiful|adorable|cute|funny|hilarious|stunning|love (?:it|that|this|them)|obsessed|"
    r"accepted|no way (?:they|he|she|its|thats|that|we)|(?:is|so|are|thats|its) (?:insane|unreal|incredible|crazy good)|crying|"
    r"blushing|congrats|too (?:good|sweet|cute|kind|nice)|dreamy|dream house|making me (?:blush|laugh|cry|jealous))\b"
)
_IN_EARNEST = _pattern(
    r"\b(?:<msg>|<touching>|text\w*|number|list|alone|wrong|not interested|no more|please|pls|serious|seriously|fuck\w*|already|"
    r"asked|told|never|you people|creepy|remove|unsubscribe|report|scam\w*|bothering|me off|no thanks|dont want|gross|not (?:funny|cute|amazing|perfect))\b"
)


def reading(plain: Plain, text: str, context: WordContext) -> Reading:
    """What `plain`, the plain form of `text`, asks for; NONE when it says nothing about being texted."""
    if not plain.had_letters:
        return _of_signs(plain)
    flow = plain.flow
    if _PLAYFUL.match(flow) and _DELIGHT.search(flow) and not _IN_EARNEST.search(flow):
        return Reading(Verdict.NONE, "other_sense.playful", language="en")
    sentences = [s for s in (part.strip() for part in re.split(r"[|?]", flow)) if s]
    if 2 <= len(sentences) <= _MOST_BEATS and all(" " not in s for s in sentences):
        sentences.append(" ".join(sentences))  # "leave. me. alone."
    if context is not WordContext.ACTIVE:
        wish = _wish(flow, sentences, context)
        if wish is not None and not _ends_a_kind(sentences, flow, plain):
            return wish
    found = [r for r in (_request(s, plain) for s in sentences) if r is not None]
    if len(plain.clauses) > len(sentences) and all(r.verdict is not Verdict.OPT_OUT and not r.tags for r in found):
        in_clauses = (_request(" ".join(clause), plain) for clause in plain.clauses)
        found += [r for r in in_clauses if r is not None and r.verdict is Verdict.OPT_OUT and r.rule != _WEAK]
    settled = next((r for r in found if r.verdict is Verdict.OPT_OUT), None)
    if settled is not None:
        return _scoped(settled, flow)
    hold = next((r for r in found if r.verdict is Verdict.AMBIGUOUS), None)
    if hold is not None and hold.rule != "token_left_open":
        return hold
    foreign = _foreign(plain) if not any(r.tags for r in found) else None
    if foreign is not None:
        return _scoped(foreign, flow) if foreign.verdict is Verdict.OPT_OUT else foreign
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


def _ends_a_kind(sentences: list[str], flow: str, plain: Plain) -> bool:
    """Whether one kind of text is to end beside one to keep: "stop the ads, keep the reminders" brings nobody back."""
    found = (_request(sentence, plain) for sentence in sentences)
    ends = (one for one in found if one is not None and one.verdict is Verdict.OPT_OUT)
    return any(_scoped(one, flow).scope is Scope.PARTIAL for one in ends)


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
    for _, pattern in OTHER_SENSE.rows_for(cleared.split()):
        cleared = pattern.sub(" ~ ", cleared)
    asked = request_in(cleared, not _TOPIC.isdisjoint(plain.words))
    if asked is not None:
        return _weighed(asked[0], cleared, asked[1])
    if _CANCEL_ALL.search(cleared):
        return _weighed("cancel_all", cleared, 0)
    bare = _bare(cleared)
    if bare is not None:
        return bare
    if _INSTEAD_OF_TEXT.search(sentence) and not _CALLS.search(sentence) and not _ASKS.match(sentence):
        return Reading(Verdict.OPT_OUT, "out.other_channel", Scope.SMS_ONLY, "en", frozenset({"email_instead"}))
    if _CALLS.search(sentence):
        tags = frozenset({"voice_opt_out"})
        if _CALLS_NOT_TEXTS.search(plain.flow):
            return Reading(Verdict.NONE, "calls.texts_welcome", language="en", tags=tags)
        if _CALL_ME_REQUEST.search(sentence):
            return Reading(Verdict.AMBIGUOUS, "calls", language="en", tags=tags)
    if (
        about_others(sentence)
        or _THIRD_LEFT_ALONE.search(sentence)
        or (_THIRD_SUBJECT.search(sentence) and _WANTS_THESE.search(sentence))
    ):
        return Reading(Verdict.AMBIGUOUS, "third_party.not_wanted", language="en", tags=frozenset({"third_party"}))
    left = _SPARE.search(cleared)
    if (
        left
        and not _APPOINTMENT.search(sentence)
        and (_STARTS.match(cleared) or len(cleared.split()) <= 6 or _CONTACT_WORD.search(cleared))
    ):
        return Reading(Verdict.AMBIGUOUS, "token_left_open", language="en")
    return None


_ASKS = _pattern(r"^(?:do|does|will|would|are|is|how|what|if|why)\b")
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
    r"\b(?:call|calling|calls|ring|phoning|ringing|phone|dial|dialing|telephone)(?: \w+)? (?:me|us|this|my|again|anymore|here|"
    r"from|please|number|and)\b|\b(?:call|calling|calls|robocalls?|robo calls?)$"
)


_TOPIC = frozenset(
    [
        "info",
        "text",
        "texts",
        "texting",
        "txt",
        "txts",
        "message",
        "messages",
        "messaging",
        "msg",
        "msgs",
        "sms",
        "notification",
        "notifications",
        "alert",
        "alerts",
        "spam",
        "ads",
        "promos",
        "list",
        "number",
        "contact",
        "unsubscribe",
        "stop",
        "newsletter",
    ]
)


def _weighed(name: str, cleared: str, start: int) -> Reading:
    """The request found at `start`, or less than one when it is about somebody else, a time of day or a while."""
    if (_THIRD_OBJECT.search(cleared) or _THIRD_SUBJECT.search(cleared)) and not _ME_TOO.search(cleared):
        return Reading(Verdict.AMBIGUOUS, f"third_party.{name}", language="en", tags=frozenset({"third_party"}))
    if name not in {"said_stop", "threat", "consent", "wont_stop", "remove_me"}:
        if (_TIME.search(cleared, start) or _TIME.match(cleared)) and not _ANY_TIME.search(cleared):
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
    r"madness|the nonsense|the bs|the crap|the spam|with|spam|who|what|how|doing this|trying|pushing|"
    r"harass\w*)\b"
)


# Rules that name what is to end; "remove me" names nobody but the writer.
_NAMES_KIND = frozenset(
    {"no_more", "stop_messages", "stop_sending", "stop_touching", "dont_send", "not_wanted", "turn_off"}
)
_PROMOTION = _pattern(
    r"\b(?:(?:marketing|promo|promos|promotional|promotion|promotions|sales?|advertising|ads?|advertisements?|coupons?|offers?|deals?|"
    r"specials?|newsletters?|surveys?|holiday|birthday)(?: (?:or|and|texts?|messages?|sms|alerts?|stuff|ones?|emails?))*)+\b"
)
_ANY_TEXT = _pattern(
    r"\b(?:text|texts|texting|txt|txts|message|messages|messaging|sms|contact|contacting|number|list|spam|these|this|those|that|"
    r"it|them|your|solicit\w*|harass\w*|wrong|anymore|again|ever)\b"
)


def _only_promotions(flow: str) -> bool:
    """Whether promotions are named and nothing else is asked to end: "no promotions please" leaves reminders alone."""
    return (
        bool(_PROMOTION.search(flow))
        and not _EVERYTHING.search(flow)
        and not _ANY_TEXT.search(_PROMOTION.sub(" ", flow))
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
    if found.rule.removeprefix("out.") in _NAMES_KIND and _only_promotions(flow):
        return _with(found, Scope.PARTIAL, "partial:marketing")
    calls_too = _CALLS.search(flow) or _CALLS_TOO.search(flow)
    elsewhere = _OTHER_CHANNEL.search(flow) or _INSTEAD_OF_TEXT.search(flow)
    if elsewhere and (not calls_too or _EMAIL.search(flow)):
        return _with(found, Scope.SMS_ONLY, "email_instead")
    return _with(found, Scope.ALL, *(["voice_opt_out"] if calls_too else []))


_EMAIL = re.compile(r"\be ?mail")


def _with(found: Reading, scope: Scope, *tags: str) -> Reading:
    return Reading(found.verdict, found.rule, scope, found.language, found.tags | set(tags))


def _parts(flow: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(part.split()) for part in re.split(r"[|?]", flow) if part.strip())


def _foreign(plain: Plain) -> Reading | None:
    """A request in another language."""
    flow = plain.flow
    if foreign_request_in(plain.clauses) is None and foreign_request_in(_parts(flow)) is None:
        return None
    cleared = FOREIGN_NOT_OUT.sub(" | ", _NEGATED.sub(" | ", flow))
    sentences = _parts(cleared)
    asked = foreign_request_in(sentences if cleared != flow else plain.clauses)
    if asked is None and cleared == flow and len(sentences) < len(plain.clauses):
        asked = foreign_request_in(sentences)
    if asked is None:
        return None
    match asked.kind:
        case "calls":
            return Reading(
                Verdict.AMBIGUOUS, "calls.foreign", language=asked.language, tags=frozenset({"voice_opt_out"})
            )
        case "texts_welcome":
            return Reading(
                Verdict.NONE, "calls.texts_welcome", language=asked.language, tags=frozenset({"voice_opt_out"})
            )
        case "third_party":
            tags = frozenset({"third_party"})
            return Reading(Verdict.AMBIGUOUS, "third_party.foreign", language=asked.language, tags=tags)
    if _FOREIGN_TIME.search(flow):
        return Reading(Verdict.NONE, "time.foreign", language=asked.language, tags=frozenset({"time_preference"}))
    if _FOREIGN_PAUSE.search(flow):
        return Reading(Verdict.AMBIGUOUS, "pause.foreign", language=asked.language, tags=frozenset({"pause"}))
    return Reading(Verdict.OPT_OUT, "out.foreign", None, asked.language)


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
    for language, pattern in FOREIGN_HELP.rows_for(flow.split()):
        if pattern.search(flow):
            return Reading(Verdict.HELP, "help.identity", language=language)
    if asks_for(plain) and "?" in flow:
        return Reading(Verdict.HELP, "help.person", language="en")
    for sentence in sentences:
        asks = _IDENTITY.match(sentence) or _PROGRAMME.search(sentence)
        if asks and ("?" in flow or not any(p.search(sentence) for p in _complaints(sentence))):
            return Reading(Verdict.HELP, "help.question", language="en")
    for sentence in sentences:
        for tag, pattern in HOLD.rows_for(sentence.split()):
            if not pattern.search(sentence):
                continue
            about_them = tag == "complaint" and _OTHER_FIRM.search(flow) and _PRAISE.search(flow)
            goes_on = tag == "not_interested" and (_goes_on(sentences, sentence) or _BUT_MORE.search(sentence))
            if not about_them and not goes_on:
                return Reading(Verdict.AMBIGUOUS, f"hold.{tag}", language="en", tags=frozenset({tag}))
    if "?" not in flow and any(_ELSEWHERE.search(s) for s in sentences) and len(flow.split()) <= _SHORT:
        return Reading(Verdict.AMBIGUOUS, "hold.not_interested", language="en", tags=frozenset({"not_interested"}))
    if any(_OTHERS_PHONE.search(s) for s in sentences):
        return Reading(Verdict.AMBIGUOUS, "hold.wrong_number", language="en", tags=frozenset({"wrong_number"}))
    if _NAMED.search(text) or any(_NAMED_PLAIN.search(s) for s in sentences):
        return Reading(Verdict.AMBIGUOUS, "hold.wrong_number", language="en", tags=frozenset({"wrong_number"}))
    for (language, tag), pattern in FOREIGN_HOLD.rows_for(flow.split()):
        if pattern.search(flow):
            return Reading(Verdict.AMBIGUOUS, f"hold.{tag}", language=language, tags=frozenset({tag}))
    if any(about_ending(s) for s in sentences) and not _GLAD.search(flow):
        return Reading(Verdict.AMBIGUOUS, "hold.about_texts", language="en")
    if any(_EMAIL_INSTEAD.match(s) for s in sentences) and len(flow.split()) <= 10:
        return Reading(Verdict.AMBIGUOUS, "hold.other_channel", language="en", tags=frozenset({"email_instead"}))
    return _nothing(plain, text)


def _complaints(sentence: str) -> list[re.Pattern[str]]:
    return [pattern for tag, pattern in HOLD.rows_for(sentence.split()) if tag == "complaint"]


def _goes_on(sentences: list[str], brush_off: str) -> bool:
    """Whether the text deals with business beside a brush-off ("I'm good. What time Saturday?")."""
    rest = [s for s in sentences if s != brush_off]
    return any(len(s.split()) >= 4 and not _BOUGHT.search(s) for s in rest)


def _nothing(plain: Plain, text: str) -> Reading:
    flow = plain.flow
    if not _CALL_WORDS.isdisjoint(plain.words) and _PREFERS_TEXTS.search(flow):
        return Reading(Verdict.NONE, "calls.texts_welcome", language="en", tags=frozenset({"voice_opt_out"}))
    tags = set()
    if _APPOINTMENT.search(flow):
        tags.add("appointment_cancel")
    if _BOUGHT.search(flow):
        tags.add("not_interested")
    if _TEXT_TIME.search(flow) or (not _TIME_WORDS.isdisjoint(plain.words) and time_preference(text)):
        tags.add("time_preference")
    if not tags and looks_like_a_request(flow) and not welcomes(flow):
        return Reading(Verdict.AMBIGUOUS, "hold.suspicion")
    return Reading(Verdict.NONE, "nothing", tags=frozenset(tags))


def welcomes(flow: str) -> bool:
    """Whether `flow` says that texts may go on: "don't take me off", "please keep texting", "texts over calls"."""
    if _WISHES.search(flow) and not _REFUSES.search(flow):
        return True
    explained = _NEGATED.search(flow) or _PREFERS_TEXTS.search(flow) or _APOLOGY.search(flow)
    return bool(explained) or any(p.search(flow) for _, p in _IN)


_WISHES = _pattern(
    r"\b(?:want|like|love|need|wish|asked|waiting|hoping|prefer)(?: you)?(?: \w+)? to (?:get|hear|receive|see|talk|speak|know|learn|text|be "
    r"(?:contacted|texted|called|added|on|notified))\b"
)


_APOLOGY = _pattern(r"\bsorry (?:about|for|to) (?:\w+ ){0,3}?(?:<msg>|<touching>|bother|bug|disturb)\b")
# "the other dealer keeps spamming me, you guys are great": the complaint is about somebody else.
_OTHER_FIRM = _pattern(
    r"\b(?:other|another|that|those) (?:dealer\w*|place|agents?|company|guys?|realtors?|lenders?|store)\b|\b(?:dealer\w*|place|agent) (?:down|across|over|up) "
)
_PRAISE = _pattern(
    r"\b(?:you guys|you|yall) (?:are|r|were|have been|seem) (?:\w+ ){0,2}?(?:chill|better|great|nice|nicer|good|awesome|helpful|different|the best|polite|not)\b"
    r"|\b(?:prefer|rather deal with|glad) (?:you|yall)\b"
)
_CALL_WORDS = frozenset(["call", "calls", "calling", "phone", "ringing", "voicemail"])
_PREFERS_TEXTS = _pattern(
    r"\b(?:text|texts|texting)(?: \w+){0,2}? (?:best|better|great|fine|preferred|easier|only|instead|rather|over)\b[^?]*\b(?:calls?|calling|phone)\b"
    r"|\b(?:prefer|shoot me a|just|send me a) (?:text|texts|texting)\b[^?]*\b(?:over|than|rather|instead|not|cant|no) (?:\w+ ){0,2}?(?:calls?|calling|"
    r"ringing|phone)\b|\b(?:calls?|phone|phone calls?|voicemail)\b[^?]*\b(?:no use|cant|hard|full|instead|so|not)\b[^?]*\b(?:text|texts)\b"
    r"|\bcant (?:\w+ ){0,3}?(?:calls?|phone)\b[^?]*\btext"
)
# A text without any of these states no hour and no day.
_TIME_WORDS = frozenset(
    [
        "after",
        "before",
        "between",
        "until",
        "till",
        "til",
        "only",
        "evenings",
        "mornings",
        "afternoons",
        "nights",
        "evening",
        "morning",
        "afternoon",
        "weekdays",
        "weekday",
        "weekends",
        "weekend",
        "hours",
        "antes",
        "despues",
        "avant",
        "apres",
        "tarde",
        "noche",
        "manana",
        "matin",
        "soir",
        "semana",
        "semaine",
        "best",
        "prefer",
        "anytime",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "mondays",
        "tuesdays",
        "wednesdays",
        "thursdays",
        "fridays",
        "saturdays",
        "sundays",
    ]
)
_TEXT_TIME = _pattern(
    r"\b(?:text|message|contact|reach|call|hit)(?: me| us| me up| back| out| this number){0,2} "
    r"(?:only )?(?:after|before|between|around|in the|on|anytime after|monday|tuesday|wednesday|"
    r"thursday|friday|saturday|sunday|next week|tomorrow|later)\b|\bonly (?:text|message|"
    r"contact)(?: me)?\b"
)
