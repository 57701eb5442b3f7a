#!/bin/sh
# Starts Redis with the users of the mounted secret; arguments go to redis-server.
set -eu
SETTINGS=$(dirname "$0")
SECRETS=${SECRETS:-/run/secrets/redis}
DATA=${DATA:-/data}

secret() { cat "$SECRETS/$1"; }

users() {
    # for probes: without a password
    echo 'user default on nopass resetkeys resetchannels -@all +ping +role +cluster|info'
    # the rights of docs/cluster.md
    cat <<RIGHTS
user tracker on >$(secret password) ~* &tracker:* -@all +select +hello +asking +cluster|slots \
+info +eval +publish +spublish +subscribe +ssubscribe +scan +get +set +del +exists +persist \
+expire +time +hset +hget +hmget +hgetall +zadd +zrem +zcount +zrange +zrangebyscore \
+zremrangebyscore +zremrangebyrank +zscore +zscan +zincrby
RIGHTS
    if [ -e "$SECRETS/admin-password" ]; then # nodes of a cluster speak to each other by it
        admin=$(secret admin-password)
        printf 'user admin on >%s ~* &* +@all\nmasteruser admin\nmasterauth %s\n' "$admin" "$admin"
    fi
}

# A primary that comes back at once comes back empty, and its replicas would throw away what they
# have. So wait until one of them took over.
pause() { # SECONDS: and end when told to
    trap 'exit 0' TERM INT
    sleep "$1" &
    wait $!
    trap - TERM INT
}

ask_sentinel() { # HOST: says nothing if nobody could take over, as far as it knows
    timeout 2 redis-cli -h "$1" -p 26379 sentinel master tracker 2>/dev/null |
        awk 'NR % 2 { name = $0; next } { told[name] = $0 }
            END { if (told["num-slaves"] > 0) print told["ip"] }'
}

primary() { # the address that one of $SENTINELS tells, if there are any
    {
        for sentinel in ${SENTINELS:-}; do ask_sentinel "$sentinel" & done
        wait
    } | head -n 1
}

if grep -qs myself,master "$DATA/nodes.conf"; then # of a cluster
    pause 10
fi
known=$(primary)
if [ -n "$known" ]; then # of a Sentinels' group
    self=$(hostname -i)
    for _ in $(seq 30); do # an election may fail, and the next one follows ten seconds later
        [ "$known" = "$self" ] || break
        pause 1
        known=$(primary)
        known=${known:-$self}
    done
    [ "$known" = "$self" ] || set -- "$@" --replicaof "$known" 6379
fi

# By standard input, as command lines are for all to see.
settings=$(users)
exec redis-server "$SETTINGS/redis.conf" --dir "$DATA" \
    ${POD_IP:+--cluster-announce-ip "$POD_IP"} "$@" - <<USERS
$settings
USERS
