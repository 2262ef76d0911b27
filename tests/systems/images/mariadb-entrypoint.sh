#!/bin/sh
# As the official image's: the first start makes MARIADB_DATABASE, and MARIADB_USER with MARIADB_PASSWORD, who may do all in it.
set -e
[ "$1" = mariadbd ] || exec "$@"
mkdir -p /run/mysqld && chown mysql:mysql /run/mysqld /var/lib/mysql
if [ ! -d /var/lib/mysql/mysql ]; then
    mariadb-install-db --user=mysql --skip-test-db > /dev/null
    cat > /run/mysqld/first.sql <<SQL
CREATE DATABASE \`$MARIADB_DATABASE\`;
CREATE USER '$MARIADB_USER'@'%' IDENTIFIED BY '$MARIADB_PASSWORD';
GRANT ALL ON \`$MARIADB_DATABASE\`.* TO '$MARIADB_USER'@'%';
SQL
    set -- "$@" --init-file=/run/mysqld/first.sql
fi
exec "$@" --user=mysql --bind-address=0.0.0.0
