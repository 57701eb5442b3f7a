#!/bin/sh
# Ready: a replica could take over, and enough Sentinels would agree to it.
set -eu
REDISCLI_AUTH=$(cat "${SECRETS:-/run/secrets/redis}/sentinel-password")
export REDISCLI_AUTH

ask() { redis-cli -p 26379 --user sentinel sentinel "$@"; }

ask ckquorum tracker | grep -q ^OK
ask replicas tracker | grep -q .
