#!/bin/sh
# HTTPS for the machine: the first certificate, once the name leads here, and Nginx's whole configuration.
# Let's Encrypt counts failures, so it is asked only after this machine has seen itself under its name.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. /etc/homeroom/machine.env
site=/etc/nginx/sites-available/homeroom

leads_here() {
    folder=/var/www/letsencrypt/.well-known/acme-challenge
    mark=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    mkdir -p "$folder"
    echo "$mark" >"$folder/$mark"
    seen=$(curl --silent --max-time 10 "http://$DOMAIN/.well-known/acme-challenge/$mark" || true)
    rm "$folder/$mark"
    test "$seen" = "$mark"
}

if [ ! -e "/etc/letsencrypt/live/$DOMAIN/fullchain.pem" ]; then
    if ! leads_here; then
        echo "http://$DOMAIN does not lead to this machine yet: set its DNS record, and leave port 80 open." >&2
        exit 75
    fi
    "$here/../certbot/issue.sh" "$DOMAIN" "$EMAIL" ${ACME_SERVER:+--server "$ACME_SERVER"}
fi

/opt/homeroom/current/bin/homeroom deploy nginx --domain "$DOMAIN" --env-file /etc/homeroom/homeroom.env \
    --upstream-file /opt/homeroom/upstream.conf >"$site.new"
cp "$site" "$site.before"
mv "$site.new" "$site"
if ! nginx -t -q; then
    mv "$site.before" "$site"
    exit 1
fi
rm "$site.before"
systemctl reload-or-restart nginx
echo "https://$DOMAIN is served."
