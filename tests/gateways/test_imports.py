"""What the web processes may know of the gateways costs them neither library."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["carrier", "carrier_errors", "model", "breaker", "addresses"])
def test_the_names_of_a_gateway_load_neither_twilios_nor_openais_client(module: str) -> None:
    asked = f"import sys, smsbot.gateways.{module}; print([m for m in ('twilio.rest', 'openai') if m in sys.modules])"

    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=20, check=True)

    assert told.stdout.strip() == "[]"
