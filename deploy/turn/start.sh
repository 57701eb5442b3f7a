#!/bin/sh
# Starts coturn. The secret that it shares with the trackers is in a file: options of a command can
# be read by other users of the machine.
#
# SECRET                  file with the secret
# TURN_PORT               of STUN and TURN, UDP and TCP
# TURN_EXTERNAL_IP        the address at which clients reach this machine, if it is not one of its
#                         own: PUBLIC/PRIVATE behind NAT; in a private network the address there
# TURN_USER_QUOTA         relays of one client address at once
# TURN_TOTAL_QUOTA        relays at once
# TURN_BYTES_PER_SECOND   of one relay, each way
# Arguments are further options of coturn.
set -eu
umask 077
directory=${DIRECTORY:-/tmp}

secret=$(cat "${SECRET:-/run/secrets/turn/secret}")
[ -n "$secret" ] || { echo "the secret is empty" >&2; exit 1; }
{
    cat "${0%/*}/turnserver.conf"
    echo "listening-port=${TURN_PORT:-3478}"
    echo "static-auth-secret=$secret"
    echo "user-quota=${TURN_USER_QUOTA:-100}"
    echo "total-quota=${TURN_TOTAL_QUOTA:-2000}"
    echo "max-bps=${TURN_BYTES_PER_SECOND:-1000000}"
    echo "pidfile=$directory/turnserver.pid"
    echo "userdb=$directory/turndb"
    if [ -n "${TURN_EXTERNAL_IP:-}" ]; then
        echo "external-ip=$TURN_EXTERNAL_IP"
        echo "allowed-peer-ip=${TURN_EXTERNAL_IP#*/}" # relays of two browsers on this machine
    fi
} >"$directory/turnserver.conf"
exec turnserver -c "$directory/turnserver.conf" "$@"
