#!/bin/sh
# What the entry point of the official PostgreSQL image does, in short: as root it takes over its volume and
# becomes `postgres`; an empty volume gets a cluster and a database, never without a password.
set -eu
data=/var/lib/postgresql/data
if [ "$(id -u)" = 0 ]; then
    mkdir -p "$data"
    find "$data" \! -user postgres -exec chown postgres '{}' +
    chmod 700 "$data"
    install --directory --owner=postgres --mode=3777 /var/run/postgresql
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0"
fi
if [ ! -s "$data/PG_VERSION" ]; then
    : "${POSTGRES_PASSWORD:?is needed at the first start}"
    umask 077
    printf '%s\n' "$POSTGRES_PASSWORD" > /tmp/password
    initdb --pgdata "$data" --username "$POSTGRES_USER" --pwfile /tmp/password --auth-host scram-sha-256
    rm /tmp/password
    echo "host all all all scram-sha-256" >> "$data/pg_hba.conf"
    pg_ctl --pgdata "$data" --options "-c listen_addresses=" --wait start
    createdb --username "$POSTGRES_USER" "$POSTGRES_DB"
    pg_ctl --pgdata "$data" --mode fast --wait stop
fi
exec postgres -D "$data" -c 'listen_addresses=*'
