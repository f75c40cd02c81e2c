#!/usr/bin/env bash
# The start-up contract of the public image: POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB (each also as NAME_FILE),
# POSTGRES_INITDB_ARGS, POSTGRES_HOST_AUTH_METHOD, PGDATA, and scripts in /docker-entrypoint-initdb.d that run once,
# on an empty data folder.
set -euo pipefail

die() { echo "postgres: $*" >&2; exit 1; }

from_file() {
  local file="${1}_FILE"
  [ -z "${!file:-}" ] || { [ -z "${!1:-}" ] || die "both $1 and $file are set"; export "$1=$(<"${!file}")"; }
}

read_settings() {
  from_file POSTGRES_USER; from_file POSTGRES_PASSWORD; from_file POSTGRES_DB; from_file POSTGRES_INITDB_ARGS
  export POSTGRES_USER=${POSTGRES_USER:-postgres} POSTGRES_PASSWORD=${POSTGRES_PASSWORD:-}
  export POSTGRES_DB=${POSTGRES_DB:-$POSTGRES_USER} PGPASSWORD=${PGPASSWORD:-$POSTGRES_PASSWORD}
  method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
  [ -n "$POSTGRES_PASSWORD" ] || [ "$method" = trust ] || die "POSTGRES_PASSWORD is not set"
}

create_cluster() {
  local password=()
  [ -z "$POSTGRES_PASSWORD" ] || password=(--pwfile=/dev/fd/3)
  # Not synced: a container that dies during its first start is thrown away. Afterwards fsync is on, as by default.
  eval "initdb --no-sync --username=\"\$POSTGRES_USER\" \"\${password[@]}\" ${POSTGRES_INITDB_ARGS:-}" \
    3< <(printf '%s\n' "$POSTGRES_PASSWORD")
  printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"
}

run_sql() { psql -v ON_ERROR_STOP=1 --no-psqlrc --no-password -U "$POSTGRES_USER" -d "$POSTGRES_DB" "$@"; }

create_database() {
  [ "$POSTGRES_DB" = postgres ] || POSTGRES_DB=postgres run_sql --set "db=$POSTGRES_DB" <<<'CREATE DATABASE :"db";'
}

run_script() {
  echo "$0: running $1"
  case "$1" in
    *.sh) if [ -x "$1" ]; then "$1"; else . "$1"; fi ;;
    *.sql) run_sql -f "$1" ;;
    *.sql.gz) gunzip -c "$1" | run_sql ;;
    *) echo "$0: ignoring $1" ;;
  esac
}

first_start() {
  create_cluster
  # Not reachable by network until it is complete, as with the public image: a health check must not pass too early.
  pg_ctl -D "$PGDATA" -o "$(printf '%q ' "$@" -c listen_addresses= -p 5432)" -w start
  create_database
  local script
  for script in /docker-entrypoint-initdb.d/*; do [ ! -e "$script" ] || run_script "$script"; done
  pg_ctl -D "$PGDATA" -m fast -w stop
}

as_root() {
  mkdir -p "$PGDATA"
  chmod 700 "$PGDATA"
  find "$PGDATA" /run/postgresql \! -user postgres -exec chown postgres {} +
  exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$0" "$@"
}

wants_help() { case " $* " in *" -? "* | *" --help "* | *" --describe-config "* | *" -V "* | *" --version "*) ;; *) false ;; esac; }

[ "${1:0:1}" != - ] || set -- postgres "$@"
if [ "${1:-}" = postgres ] && ! wants_help "$@"; then
  [ "$(id -u)" != 0 ] || as_root "$@"
  if [ ! -s "$PGDATA/PG_VERSION" ]; then
    read_settings
    first_start "${@:2}"
    unset PGPASSWORD
  fi
fi
exec "$@"
