#!/bin/sh
# As the official image's: options alone are redis-server's, it runs as redis, and takes clients from other containers.
set -e
case "$1" in -*) set -- redis-server "$@" ;; esac
if [ "$1" = redis-server ]; then
    set -- "$@" --protected-mode no
    if [ "$(id -u)" = 0 ]; then
        chown -R redis:redis .
        exec setpriv --reuid redis --regid redis --init-groups "$@"
    fi
fi
exec "$@"
