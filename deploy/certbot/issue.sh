#!/bin/sh
# The first certificate, and how it is renewed: issue.sh DOMAIN EMAIL [certbot's further options …]
# Nginx answers the authority from the webroot (`homeroom deploy nginx --http-only`); it is never stopped.
set -eu
if [ $# -lt 2 ]; then
    echo "Usage: issue.sh DOMAIN EMAIL [options for certbot]" >&2
    exit 2
fi
domain=$1 email=$2
shift 2
hook=$(cd "$(dirname "$0")" && pwd)/reload-nginx.sh
webroot=${WEBROOT:-/var/www/letsencrypt}
mkdir -p "$webroot"
# The hook is kept with the certificate, for every renewal.
exec certbot certonly --webroot --webroot-path "$webroot" --domain "$domain" --cert-name "$domain" \
    --email "$email" --agree-tos --no-eff-email --non-interactive --keep-until-expiring \
    --key-type ecdsa --deploy-hook "$hook" "$@"
