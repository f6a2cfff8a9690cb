#!/bin/sh
# The site's settings: settings.sh MACHINE_ENV FILE writes FILE from what the machine was told, where it is not there.
# Where it is there, the volume brought it from the machine before. What is asked for differently from then is
# changed in it; everything else, and what was changed by hand, stays.
set -eu
# shellcheck source=/dev/null
. "$1"
file=$2
umask 077

asked() {
    echo "SITE_URL=https://$DOMAIN"
    echo "FRONTEND_ORIGINS=$ORIGINS"
    echo "TIME_ZONE=$TIME_ZONE"
    echo "BACKUP_URL=${BACKUP_URL:-file:///var/lib/homeroom-backups}"
    test -z "$REGION" || echo "AWS_REGION=$REGION"
}

# Settled with the site's first machine: pictures stay where they are.
settled() {
    echo "# Settings of this site; after a change: sudo homeroom-machine restart"
    echo "HOMEROOM_ENV=production"
    echo "INSTANCE_PATH=/var/lib/homeroom"
    test -z "$DATA_DEVICE" || echo "VOLUME_PATH=/var/lib/homeroom"
    echo "TRUSTED_PROXIES=1"
    test -z "$UPLOADS_URL" || echo "UPLOADS_URL=$UPLOADS_URL"
}

change() {
    grep -v "^${1%%=*}=" "$file" >"$file.new" || test $? -eq 1
    echo "$1" >>"$file.new"
    mv "$file.new" "$file"
}

asked >"$file.asked.new"
if [ ! -e "$file" ]; then
    { settled; asked; } >"$file.new"
    mv "$file.new" "$file"
elif [ -e "$file.asked" ]; then
    while IFS= read -r line; do
        grep -qxF "$line" "$file.asked" || change "$line"
    done <"$file.asked.new"
fi
mv "$file.asked.new" "$file.asked"
