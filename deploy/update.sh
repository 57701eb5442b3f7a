#!/bin/sh
# Update all trackers of the compose project without closing a WebSocket:
#
#     IMAGE=registry.example/tracker-cluster:0.2.0 sh deploy/update.sh
#
# New HTTP frontends start beside the old ones. The old ones leave the load balancer and keep their
# browsers until the last one has left, or for TRACKER_WS_DRAIN seconds. This script waits for that.
# If it is interrupted, they go on; remove them when they have ended: docker container prune.
set -eu

running() {
	docker compose ps --quiet "$1"
}

old=$(running http)
http=$(echo "$old" | grep -c .)
udp=$(running udp | grep -c .)
[ "$http" -gt 0 ] || {
	echo "no HTTP frontend is running: docker compose up --detach --wait" >&2
	exit 1
}

docker compose up --detach --wait --no-deps --no-recreate --scale "http=$((2 * http))" http
for id in $old; do
	docker update --restart no "$id" >/dev/null # it ends when the last browser has left
	docker kill --signal TERM "$id" >/dev/null
done
docker compose up --detach --wait --no-deps --scale "udp=$udp" udp workers

echo "updated; waiting until the last browsers have left the $http old HTTP frontends"
for id in $old; do
	docker wait "$id" >/dev/null
	docker rm "$id" >/dev/null
done
