#!/bin/sh
# The start-up contract of the public image: options or a file alone mean valkey-server, it runs unprivileged, and
# other containers reach it without a password (the public image is compiled with protected mode off).
set -e
case "$1" in -* | *.conf) set -- valkey-server "$@" ;; esac
case "$1" in
  valkey-server | redis-server)
    if [ "$(id -u)" = 0 ]; then
      find . \! -user valkey -exec chown valkey {} +
      exec setpriv --reuid=valkey --regid=valkey --clear-groups -- "$0" "$@"
    fi
    program=$1
    shift
    case "$1" in
      -v | --version | -h | --help | --test-memory | --check-system) ;; # alone, or they are taken for options
      '' | -*) set -- --protected-mode no "$@" ;;
      *) # the file has to come first, and keeps its word
        grep -qs '^[[:space:]]*protected-mode' "$1" || { file=$1; shift; set -- "$file" --protected-mode no "$@"; } ;;
    esac
    # Several flags in one variable: to be split, as the public image does.
    set -- "$program" "$@" $VALKEY_EXTRA_FLAGS
    ;;
esac
exec "$@"
