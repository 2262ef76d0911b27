#!/bin/sh
# As the official image's: the first start makes POSTGRES_DB and the superuser POSTGRES_USER with POSTGRES_PASSWORD, and runs
# /docker-entrypoint-initdb.d/*.sql, on a server that listens on its Unix socket alone.
set -e
case "$1" in -*) set -- postgres "$@" ;; esac
[ "$1" = postgres ] || exec "$@"
if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" && chown -R postgres:postgres "$PGDATA"
    exec setpriv --reuid postgres --regid postgres --init-groups "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    user=${POSTGRES_USER:-postgres}
    database=${POSTGRES_DB:-$user}
    if [ -z "$POSTGRES_PASSWORD" ]; then
        echo "Error: Database is uninitialized and superuser password is not specified." >&2
        exit 1
    fi
    password=$(mktemp)
    printf '%s\n' "$POSTGRES_PASSWORD" > "$password"
    chmod 700 "$PGDATA"
    initdb --username "$user" --pwfile "$password" --auth-local trust --auth-host scram-sha-256 $POSTGRES_INITDB_ARGS
    rm "$password"
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
    echo "listen_addresses = '*'" >> "$PGDATA/postgresql.conf"
    pg_ctl -w -o "-c listen_addresses=" start
    [ "$database" = postgres ] || createdb --username "$user" --maintenance-db postgres "$database"
    for file in /docker-entrypoint-initdb.d/*.sql; do
        [ ! -f "$file" ] || psql --username "$user" --dbname "$database" --no-psqlrc -v ON_ERROR_STOP=1 --file "$file"
    done
    pg_ctl -m fast -w stop
fi
exec "$@"
