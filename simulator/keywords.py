"""What the carrier itself does when a person texts STOP, START or HELP. Pure.

https://support.twilio.com/hc/en-us/articles/223134027, .../360058144374 (toll-free), and
https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.accounts import Number, OptOut, SenderType

OPT_OUT = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
OPT_IN = frozenset({"START", "YES", "UNSTOP"})
HELP = frozenset({"HELP", "INFO"})

STOP_REPLY = (
    "You have successfully been unsubscribed. You will not receive any more messages from this number. "
    "Reply START to resubscribe."
)
START_REPLY = (
    "You have successfully been re-subscribed to messages from this number. Reply HELP for help. "
    "Reply STOP to unsubscribe. Msg&Data Rates May Apply."
)
HELP_REPLY = "Reply STOP to unsubscribe. Msg&Data Rates May Apply."
NETWORK_STOP_REPLY = (
    'NETWORK MSG: You replied with the word "stop" which blocks all texts sent from this number. '
    'Text back "unstop" to receive messages again.'
)
NETWORK_START_REPLY = 'NETWORK MSG: You have replied "unstop" and will begin receiving messages again from this number.'


@dataclass(frozen=True)
class Reaction:
    """`blocked`: whether the person is blocked from now on. `opt_out_type` goes into the webhook."""

    blocked: bool
    replies: tuple[str, ...] = ()
    opt_out_type: str | None = None


def keyword_in(body: str, number: Number) -> str | None:
    """STOP, START or HELP when the whole body is such a word of this number, in any case; else None.

    YES opts in on every sender but a toll-free number, where only START and UNSTOP do.
    """
    word = body.strip().upper()
    if number.opt_out is OptOut.ADVANCED and word in number.keywords:
        return number.keywords[word]
    if word in OPT_OUT:
        return "STOP"
    if word in OPT_IN and not (word == "YES" and number.type is SenderType.TOLL_FREE):
        return "START"
    return "HELP" if word in HELP else None


def reaction_to(body: str, number: Number, blocked: bool) -> Reaction:
    """What the carrier does before it tells the customer. One who is blocked already gets no second confirmation and
    no help."""
    keyword = None if number.opt_out is OptOut.OURS else keyword_in(body, number)
    advanced = number.opt_out is OptOut.ADVANCED
    toll_free = number.type is SenderType.TOLL_FREE
    kind = keyword if advanced else None
    match keyword:
        case "STOP":
            network = toll_free and body.strip().upper() == "STOP"
            reply = NETWORK_STOP_REPLY if network else STOP_REPLY
            return Reaction(True, () if blocked else (reply,), kind)
        case "START" if blocked and toll_free:
            return Reaction(False, (NETWORK_START_REPLY, START_REPLY) if advanced else (NETWORK_START_REPLY,), kind)
        case "START":
            return Reaction(False, (START_REPLY,) if blocked or advanced else (), kind)
        case "HELP":
            return Reaction(blocked, () if blocked else (HELP_REPLY,), kind)
    return Reaction(blocked)
