"""What kind of line a number is, as the stand-in carrier's Lookup says it. Pure.

https://www.twilio.com/docs/lookup/v2-api/line-type-intelligence
"""

from __future__ import annotations

import re
from typing import Any

from simulator.accounts import NORTH_AMERICAN, e164

HOST = "https://lookups.twilio.com"
FIELD = "line_type_intelligence"
TYPES = frozenset(
    {
        "landline", "mobile", "fixedVoip", "nonFixedVoip", "personal", "tollFree", "premium", "sharedCost", "uan",
        "voicemail", "pager", "unknown",
    }
)  # fmt: skip
TOLL_FREE = re.compile(r"\+18(?:00|33|44|55|66|77|88)\d{7}")
LANDLINES = re.compile(r"\+1\d{6}019\d")  # 0190 to 0199: so that there are some without setting them
OTHER_PACKAGES = (
    "caller_name", "sim_swap", "call_forwarding", "line_status", "identity_match", "reassigned_number",
    "sms_pumping_risk", "phone_number_quality_score", "pre_fill",
)  # fmt: skip


def line_type(number: str) -> str:
    """The kind of line, unless it was set otherwise: North American numbers that end in 0190 to 0199 are landlines,
    toll-free ones are toll-free, and every other number is a mobile."""
    if TOLL_FREE.fullmatch(number):
        return "tollFree"
    return "landline" if LANDLINES.fullmatch(number) else "mobile"


def resource(written: str, fields: str, kind: str | None) -> dict[str, Any]:
    """The PhoneNumber resource of Lookup v2 for `written`; `kind` None follows the rule above. A package that was not
    asked for is null, and so is every one for what is no number."""
    number = e164(written)
    asked = FIELD in fields.split(",")
    domestic = number is not None and bool(NORTH_AMERICAN.fullmatch(number))
    said = None
    if number is not None and asked:
        said = {
            "mobile_country_code": "310" if domestic else None,
            "mobile_network_code": "004" if domestic else None,
            "carrier_name": "Stand-in Wireless",
            "type": kind or line_type(number),
            "error_code": None,
        }
    return {
        "calling_country_code": "1" if domestic else None,
        "country_code": "US" if domestic else None,
        "phone_number": number or written,
        "national_format": f"({number[2:5]}) {number[5:8]}-{number[8:]}" if number and domestic else None,
        "valid": number is not None,
        "validation_errors": None if number else ["NOT_A_NUMBER"],
        **dict.fromkeys(OTHER_PACKAGES),
        FIELD: said,
        "url": f"{HOST}/v2/PhoneNumbers/{number or written}",
    }
