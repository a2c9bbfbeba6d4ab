"""Where the browser is that the journeys drive: `python -m scripts.browser` prints its path, and installs one if need be.

Looked for in this order: CHROMIUM, the system's own, the one that Playwright keeps. Where there is none: the system's
package when root runs this on Debian or its like, else Playwright's download. Exit 2 with one line when all of it fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL_TIMEOUT_S = 600.0
# It says nothing to anybody but the pages under test, and starts on a machine without a network just as fast. Its
# sandbox does not start for root, nor in most containers; the pages are all our own.
FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
)
DEBIAN: tuple[tuple[str, ...], ...] = (
    ("apt-get", "update", "-qq"),
    ("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"),
)
PLAYWRIGHT = (sys.executable, "-m", "playwright", "install", "chromium")


def browser_path() -> str | None:
    """The executable, or None when there is none. What CHROMIUM names is taken as it is, or not at all."""
    if named := os.environ.get("CHROMIUM"):
        return shutil.which(named)
    if found := next(filter(None, map(shutil.which, NAMES)), None):
        return found
    with sync_playwright() as playwright:
        kept = Path(playwright.chromium.executable_path)
    return str(kept) if kept.exists() else None


def installed() -> str | None:
    """The path after an installation; None when it could not be done. What the installers say goes to stderr."""
    if os.geteuid() == 0 and shutil.which("apt-get") and all(_done(*command) for command in DEBIAN):
        return browser_path()
    return browser_path() if _done(*PLAYWRIGHT) else None


def _done(*command: str) -> bool:
    _say(f"no browser yet: {' '.join(command)}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            timeout=INSTALL_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        _say(f"{error}")
        return False
    return done.returncode == 0


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")


def main() -> int:
    named = os.environ.get("CHROMIUM")
    path = browser_path()
    if path is None and named:
        _say(f"CHROMIUM: {named} is no program on this machine")
        return 2
    path = path or installed()
    if path is None:
        _say("no browser: install Chromium and name it, CHROMIUM=/path/to/chromium make journeys")
        return 2
    sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
