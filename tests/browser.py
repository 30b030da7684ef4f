"""A headless Chromium that opens files of this machine, for tests of what a page shows."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
NEEDS_BROWSER = pytest.mark.skipif(
    not (CHROMIUM.exists() and DRIVER.exists()),
    reason=f"needs {CHROMIUM} and {DRIVER} (Debian: chromium, chromium-driver)",
)


@contextmanager
def browser(*options: str) -> Iterator[Any]:
    """A browser with a profile of its own, which writes down what its console and network say."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    profile = tempfile.mkdtemp(prefix="chromium-")
    wanted = webdriver.ChromeOptions()
    wanted.binary_location = str(CHROMIUM)
    for option in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        f"--user-data-dir={profile}",
        *options,
    ):
        wanted.add_argument(option)
    wanted.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=wanted, service=Service(str(DRIVER)))
    driver.set_script_timeout(30)
    try:
        yield driver
    finally:
        driver.quit()
        shutil.rmtree(profile, ignore_errors=True)


def open_page(driver: Any, path: Path, width: int = 1600, height: int = 1000) -> None:
    """Open a file at a width of the page, and wait until it says that it has drawn all."""
    from selenium.webdriver.support.ui import WebDriverWait

    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.get(path.resolve().as_uri())
    drawn = "return document.documentElement.dataset.ready === 'yes'"
    WebDriverWait(driver, 30).until(lambda d: d.execute_script(drawn))
