#!/bin/sh
# Starts a Sentinel, one of three, that watches over the Redis at $PRIMARY, or the one at $REPLICA
# when that has taken over.
set -eu
SECRETS=${SECRETS:-/run/secrets/redis}
DATA=${DATA:-/data}

case $(timeout 2 redis-cli -h "$REPLICA" role 2>/dev/null) in
master*) PRIMARY=$REPLICA ;;
esac

# A file of its own: a Sentinel writes down what it learns.
umask 077
cat >"$DATA/sentinel.conf" <<CONF
port 26379
protected-mode no
dir $DATA
sentinel monitor tracker $PRIMARY 6379 2
sentinel auth-user tracker admin
sentinel auth-pass tracker $(cat "$SECRETS/admin-password")
sentinel down-after-milliseconds tracker 1500
sentinel failover-timeout tracker 5000
CONF
exec redis-server "$DATA/sentinel.conf" --sentinel
