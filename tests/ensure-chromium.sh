#!/bin/sh
# Chromium for the browser tests: there already, installed by apt where this user may, or asked for.
# Exit status 3: there is none.
have() {
    command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null
}
have && exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]; then
    echo "Installing Chromium for the browser tests …"
    install="apt-get -qq install --yes --no-install-recommends fonts-noto-core"
    { apt-get -qq update && { $install chromium-headless-shell || $install chromium; }; } >/dev/null
fi
have && exit 0
echo "Chromium is missing, so the browser tests cannot run. Install it: sudo apt install chromium" >&2
exit 3
