#!/bin/sh
# The start-up contract of the public image: options alone mean valkey-server, and it runs unprivileged.
set -e
[ "${1#-}" = "$1" ] && [ "${1%.conf}" = "$1" ] || set -- valkey-server "$@"
if [ "$(id -u)" = 0 ] && { [ "$1" = valkey-server ] || [ "$1" = redis-server ]; }; then
  chown valkey:valkey . || true
  program=$1
  shift
  # Reachable from other containers, as in the public image.
  exec setpriv --reuid=valkey --regid=valkey --init-groups -- "$program" --protected-mode no "$@"
fi
exec "$@"
