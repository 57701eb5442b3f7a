#!/bin/sh
# Makes the passwords of a compose project, once. Runs at each start.
# Redis and Sentinels read theirs in the volume redis-secrets, trackers the URL in tracker-secrets,
# where they also find the secret that they share with coturn.
set -eu
umask 022
volumes=${VOLUMES:-/secrets}

password() { # FILE
    [ ! -s "$1" ] || return 0
    head -c 32 /dev/urandom | sha256sum | cut -c 1-64 >"$1.new"
    mv "$1.new" "$1"
}

password "$volumes/redis/password"
password "$volumes/redis/admin-password"
password "$volumes/redis/sentinel-password"
password "$volumes/grafana/password"
password "$volumes/turn/secret"
secret=$(cat "$volumes/redis/password")
url=${SCHEME:-redis}://tracker:$secret@${HOSTS:-redis}
case $url in redis+sentinel:*) url="$url?sentinel_username=tracker&sentinel_password=$secret" ;; esac
printf '%s' "$url" >"$volumes/tracker/new"
mv "$volumes/tracker/new" "$volumes/tracker/TRACKER_REDIS_URL"
cp "$volumes/turn/secret" "$volumes/tracker/new"
mv "$volumes/tracker/new" "$volumes/tracker/TRACKER_ICE_TURN_SECRET"
