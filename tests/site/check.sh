#!/bin/sh
# Checks the site's scripts and styles: Biome, types against the API's OpenAPI document, unit tests.
set -eu
python=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
cd "$(dirname "$0")"

if ! command -v npm >/dev/null; then
    echo "npm is missing, so the site's scripts and styles are NOT CHECKED. Install Node.js 20 or newer." >&2
    test -z "${CI:-}"
    exit
fi

# As the lock names them, and only when it changed.
installed=node_modules/.homeroom-lock
if ! cmp --silent package-lock.json "$installed"; then
    npm ci --prefer-offline --silent
    cp package-lock.json "$installed"
fi

node_modules/.bin/biome ci --config-path=. --error-on-warnings --log-level=warn ../../src/homeroom/site .
mkdir -p build
"$python" print_openapi.py >build/openapi.json
node_modules/.bin/openapi-typescript build/openapi.json --output build/api-schema.d.ts >/dev/null
node_modules/.bin/tsc --project .
node --disable-warning=MODULE_TYPELESS_PACKAGE_JSON --test --test-reporter=dot unit/*.test.js
