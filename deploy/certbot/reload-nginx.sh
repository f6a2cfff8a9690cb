#!/bin/sh
# Certbot's deploy hook: a new certificate is there, so Nginx reads its configuration anew; connections stay.
# A configuration that is broken is told and not loaded: the old certificate goes on being served.
set -eu
# Debian's Nginx by default; NGINX names another program with its options.
NGINX=${NGINX:-/usr/sbin/nginx}
# shellcheck disable=SC2086 # a program and its options
$NGINX -t -q
# shellcheck disable=SC2086
$NGINX -s reload
