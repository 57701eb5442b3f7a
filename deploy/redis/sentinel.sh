#!/bin/sh
# Starts a Sentinel, one of three, that watches over the Redis at $PRIMARY, or the one at $REPLICA
# when that has taken over.
set -eu
SECRETS=${SECRETS:-/run/secrets/redis}
DATA=${DATA:-/data}
secret=$(cat "$SECRETS/sentinel-password")

case $(timeout 2 redis-cli -h "$REPLICA" role 2>/dev/null) in
master*) PRIMARY=$REPLICA ;;
esac

# A file of its own: a Sentinel writes down what it learns. Its users: a tracker finds the primary,
# and `sentinel` is for the other Sentinels, for health checks, and for a Redis that starts.
umask 077
cat >"$DATA/sentinel.conf" <<CONF
port 26379
protected-mode no
dir $DATA
user default off
user tracker on >$(cat "$SECRETS/password") -@all +hello +ping +client|setname \
+sentinel|get-master-addr-by-name +sentinel|masters
user sentinel on >$secret resetchannels &__sentinel__:hello -@all +client|setname +hello +ping \
+publish +sentinel|ckquorum +sentinel|get-master-addr-by-name \
+sentinel|is-master-down-by-addr +sentinel|master +sentinel|replicas
sentinel sentinel-user sentinel
sentinel sentinel-pass $secret
sentinel monitor tracker $PRIMARY 6379 2
sentinel auth-user tracker sentinel
sentinel auth-pass tracker $secret
sentinel down-after-milliseconds tracker 1500
sentinel failover-timeout tracker 5000
CONF
exec redis-server "$DATA/sentinel.conf" --sentinel
