#!/bin/sh
# Starts Redis with the users of the mounted secret; arguments go to redis-server.
#
# MEMORY: what the container may use, as in 1400m or 4gb; data get ten thirteenths of it. Connections,
# replicas that lag behind and fragmentation need the rest.
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
+info +eval +publish +spublish +subscribe +ssubscribe +scan +get +getrange +set +del +exists \
+persist +expire +pttl +time +hset +hget +hmget +hgetall +zadd +zrem +zcount +zrange +zrangebyscore \
+zremrangebyscore +zremrangebyrank +zscore +zscan +zincrby
RIGHTS
    # For the Sentinels: what Redis documents as their rights, and only their own channel.
    if [ -e "$SECRETS/sentinel-password" ]; then
        cat <<RIGHTS
user sentinel on >$(secret sentinel-password) resetchannels &__sentinel__:hello -@all +ping +info \
+role +publish +subscribe +multi +exec +slaveof +config|rewrite +client|setname +client|kill \
+script|kill
RIGHTS
    fi
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

ask_sentinel() { # HOST: prints nothing if no replica could take over, as far as it knows
    REDISCLI_AUTH=$(secret sentinel-password) timeout 2 \
        redis-cli -h "$1" -p 26379 --user sentinel sentinel master tracker 2>/dev/null |
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
    self=${POD_IP:-$(hostname -i)}
    for _ in $(seq 30); do # an election may fail, and the next one follows ten seconds later
        [ "$known" = "$self" ] || break
        pause 1
        known=$(primary)
        known=${known:-$self}
    done
    [ "$known" = "$self" ] || set -- "$@" --replicaof "$known" 6379
fi

data_share() { # SIZE: as Docker takes them; prints bytes
    echo "$1" | awk '{
        unit = index("bkmg", substr(tolower($1), match($1, /[A-Za-z]/), 1))
        if (!match($1, /[A-Za-z]/)) unit = 1
        printf "%.0f", $1 * 1024 ^ (unit - 1) * 10 / 13
    }'
}

[ -z "${MEMORY:-}" ] || set -- --maxmemory "$(data_share "$MEMORY")" "$@"

# By standard input, as command lines are for all to see.
settings=$(users)
exec redis-server "$SETTINGS/redis.conf" --dir "$DATA" \
    ${POD_IP:+--cluster-announce-ip "$POD_IP"} "$@" - <<USERS
$settings
USERS
