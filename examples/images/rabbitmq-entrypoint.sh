#!/bin/sh
# As the official image's: guest may connect from other containers, the log goes to standard output.
set -e
if [ "$1" = rabbitmq-server ]; then
    echo "loopback_users.guest = false" > /etc/rabbitmq/rabbitmq.conf
    echo "log.console = true" >> /etc/rabbitmq/rabbitmq.conf
    chown -R rabbitmq:rabbitmq /var/lib/rabbitmq
    exec setpriv --reuid rabbitmq --regid rabbitmq --init-groups env HOME=/var/lib/rabbitmq RABBITMQ_LOGS=- \
        /usr/lib/rabbitmq/bin/rabbitmq-server
fi
exec "$@"
