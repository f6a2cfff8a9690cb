#!/bin/sh
# What the deployment tests run against: there already, or installed by apt as root. Missing is a failure.
# `ensure-tools.sh rehearsal`: only what `make rehearse` needs, which is less.
set -eu
missing=""
tools="nginx:nginx certbot:certbot pebble:pebble openssl:openssl curl:curl certutil:libnss3-tools chromium:chromium"
brotli=/usr/lib/nginx/modules/ngx_http_brotli_filter_module.so
if [ "${1:-}" != rehearsal ]; then
    tools="$tools dockerd:docker.io docker-compose:docker-compose mmdebstrap:mmdebstrap"
    tools="$tools qemu-system-x86_64:qemu-system-x86 genisoimage:genisoimage ssh:openssh-client ssh-keygen:openssh-client"
    tools="$tools shellcheck:shellcheck cloud-init:cloud-init"
    test -e $brotli || missing=" libnginx-mod-http-brotli-filter"
    if ! command -v terraform >/dev/null && ! command -v tofu >/dev/null; then
        # No package of the distribution has it: the tests of AWS say that they did not run, the others do.
        echo "WARNING: neither terraform nor tofu is on PATH: deploy/aws WILL NOT BE CHECKED." >&2
    fi
fi
for pair in $tools; do
    PATH="$PATH:/usr/sbin" command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"
done
test -n "$missing" || exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]; then
    echo "Installing$missing for the deployment tests …"
    apt-get -qq update
    # shellcheck disable=SC2086 # these are several words
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends $missing >/dev/null
    exit 0
fi
echo "The deployment tests need$missing. Install them: sudo apt install$missing" >&2
exit 3
