#!/bin/sh
# The browsers of the tests, and wrk, which the bench loads with: there already, installed by apt where this user may, or asked for.
# Exit status 3: Chromium is missing, without which no browser test can run. Firefox and WebKit are asked for
# by tests/browser/test_engines.py itself, and wrk by tests/bench/test_operations.py.
have_chromium() {
    command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null
}
have_engines() {
    command -v chromedriver >/dev/null && command -v firefox-esr >/dev/null &&
        command -v WebKitWebDriver >/dev/null && command -v Xvfb >/dev/null
}
have_wrk() {
    command -v wrk >/dev/null
}
have_chromium && have_engines && have_wrk && exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]; then
    echo "Installing Chromium, Firefox, WebKit and wrk for the tests …"
    install="apt-get -qq install --yes --no-install-recommends"
    {
        apt-get -qq update
        have_chromium || $install fonts-noto-core chromium-headless-shell || $install fonts-noto-core chromium
        have_engines || $install chromium chromium-driver firefox-esr webkit2gtk-driver xvfb
        have_wrk || $install wrk
    } >/dev/null
fi
have_chromium && exit 0
echo "Chromium is missing, so the browser tests cannot run. Install it: sudo apt install chromium" >&2
exit 3
