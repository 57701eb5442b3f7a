#!/bin/sh
# Before a primary stops, its replica takes over, which is a matter of milliseconds; when it just
# went, the others would wait for it for seconds.
set -eu
PORT=${PORT:-6379}
REDISCLI_AUTH=$(cat "${SECRETS:-/run/secrets/redis}/admin-password")
export REDISCLI_AUTH
HOST=${POD_IP:-127.0.0.1}

# shellcheck disable=SC2046 # words: master OFFSET [REPLICA PORT OFFSET]
set -- $(redis-cli -h "$HOST" -p "$PORT" role)
[ "$1" = master ] && [ $# -ge 5 ] || exit 0
redis-cli -h "$3" -p "$4" --user admin -e cluster failover
for _ in 1 2 3 4 5 6 7 8 9 10; do
    case $(redis-cli -h "$HOST" -p "$PORT" role) in slave*) exit 0 ;; esac
    sleep 1
done
