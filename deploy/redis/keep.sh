#!/bin/sh
# Makes the nodes one cluster, and one again after whatever happened: all were restarted at other
# addresses, or some lost what they knew. Changes nothing where all is well. Fails while any node
# does not answer, and is run again.
#
# NODES: HOST:PORT of each, as many replicas as primaries; the first ones begin as primaries.
set -eu
RANGES='0 5460,5461 10922,10923 16383'
SLOTS=16384
PATIENCE_S=30
REDISCLI_AUTH=$(cat "${SECRETS:-/run/secrets/redis}/admin-password")
export REDISCLI_AUTH
size=$(echo "$NODES" | wc -w)
first=${NODES%% *}

ask() { # NODE COMMAND...
    host=${1%:*} port=${1##*:}
    shift
    redis-cli -h "$host" -p "$port" --user admin -e "$@"
}

table() { # NODE AWK: of the nodes that it knows: 1 id, 2 address, 3 flags, 4 its primary, 9- slots
    ask "$1" cluster nodes | awk "$2"
}

slots() { # NODE: how many have an owner
    ask "$1" cluster info | tr -d '\r' | awk -F: '$1 == "cluster_slots_assigned" { print $2 }'
}

idle() { # NODE: is it a primary without slots?
    [ "$(table "$1" '/myself/ && $3 ~ /master/ && NF == 8')" ]
}

agree() { # do all know each other, and of the same slots?
    want=$(slots "$first")
    for node in $NODES; do
        known=$(table "$node" '$3 !~ /handshake/ && $8 == "connected"' | wc -l)
        [ "$known" -ge "$size" ] && [ "$(slots "$node")" = "$want" ] || return 1
    done
}

whole() { agree && [ "$(slots "$first")" = $SLOTS ]; }

copies() { # ID: does the first node know that this one is a replica?
    [ "$(table "$first" "\$1 == \"$1\" && \$3 ~ /slave/")" ]
}

wait_until() {
    for _ in $(seq $PATIENCE_S); do
        if "$@"; then return; fi
        sleep 1
    done
    echo "not within $PATIENCE_S s: $*" >&2
    exit 1
}

for node in $NODES; do # addresses as they are now
    address=$(ask "$node" config get cluster-announce-ip | tail -n 1)
    if [ -z "$(table "$first" "index(\$2, \"$address:${node##*:}@\") && \$8 == \"connected\"")" ]; then
        ask "$first" cluster meet "$address" "${node##*:}" >/dev/null
    fi
done

# All nodes answered, so who is failed is one whose disk was lost, or just came back. While a replica
# could still take over from it, it must.
present=$(for node in $NODES; do ask "$node" cluster myid; done)
for ghost in $(table "$first" '{ failed[$1] = $3 ~ /fail$|noaddr/; copied[$4] = 1 }
    END { for (id in failed) if (failed[id] && !copied[id]) print id }'); do
    case $present in *"$ghost"*) continue ;; esac
    for node in $NODES; do ask "$node" cluster forget "$ghost" >/dev/null 2>&1 || :; done
done
wait_until agree

# A range is refused where it has an owner: it always moves as a whole.
echo "$RANGES" | tr , '\n' | while read -r low high; do
    for node in $NODES; do
        if idle "$node"; then
            ask "$node" cluster addslotsrange "$low" "$high" >/dev/null 2>&1 || :
            break
        fi
    done
done
wait_until whole

for node in $NODES; do
    if idle "$node"; then
        primary=$(table "$first" '$3 ~ /master/ && $3 !~ /fail/ && NF > 8 { copies[$1] += 0 }
            $3 ~ /slave/ && $3 !~ /fail/ { copies[$4]++ }
            END { for (id in copies) print copies[id], id }' | sort -n | head -n 1)
        ask "$node" cluster replicate "${primary#* }" >/dev/null
        wait_until copies "$(ask "$node" cluster myid)"
    fi
done
