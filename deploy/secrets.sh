#!/bin/sh
# Makes the passwords of a compose project, once: nobody needs to know them. Runs at each start.
# Redis reads them in the volume redis-secrets, trackers what they need of them in tracker-secrets.
set -eu
umask 022
redis=/secrets/redis tracker=/secrets/tracker

password() { # FILE
    [ ! -s "$1" ] || return 0
    head -c 32 /dev/urandom | sha256sum | cut -c 1-64 >"$1.new"
    mv "$1.new" "$1"
}

password $redis/password
password $redis/admin-password
password /secrets/grafana/password
printf '%s' "${SCHEME:-redis}://tracker:$(cat $redis/password)@${HOSTS:-redis}" >$tracker/new
mv $tracker/new $tracker/TRACKER_REDIS_URL
