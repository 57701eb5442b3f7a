#!/bin/sh
# Keeps nodes one cluster, for as long as it runs. /tmp/kept: they were one at least once.
trap 'exit 0' TERM INT
while :; do
    timeout 120 sh "$(dirname "$0")/keep.sh" & # a signal ends `wait`, and nothing else
    wait $! && touch /tmp/kept
    sleep 10 &
    wait $!
done
