#!/bin/sh
# Update all trackers of the compose project without closing a WebSocket. First set IMAGE in .env:
#
#     sh deploy/update.sh
#
# New HTTP frontends start beside the old ones. The old ones leave the load balancer and keep their
# browsers until the last one has left, or for WS_DRAIN seconds. This script waits for that, and then
# removes them. If it is interrupted, they go on, and the next update removes them.
set -eu

# Print the containers of a service that have this status.
containers() {
	docker compose ps --all --quiet --status "$2" "$1"
}

# Return whether a container drains or has drained: an update has signalled it.
drains() {
	[ "$(docker inspect --format '{{.HostConfig.RestartPolicy.Name}}' "$1" 2>/dev/null)" = no ]
}

# Return whether all of some containers are ready.
healthy() {
	for each; do
		[ "$(docker inspect --format '{{.State.Health.Status}}' "$each")" = healthy ] || return 1
	done
}

count() {
	echo "$#"
}

# Lists of ids are split into words: they hold no spaces.
old=
draining=
stopped=
for id in $(containers http running); do
	if drains "$id"; then draining="$draining $id"; else old="$old $id"; fi
done
for id in $(containers http exited); do
	drains "$id" || stopped="$stopped $id"
	docker rm "$id" >/dev/null # Compose would start it again, with its old image
done
if [ -z "$old" ]; then
	echo "no HTTP frontend is running: docker compose up --detach --wait" >&2
	exit 1
fi
all=$(count $draining $old $old $stopped)
udp=$(count $(containers udp running))
workers=$(count $(containers workers running))

# Not with --wait, which would wait for those that drain as well.
docker compose up --detach --no-deps --no-recreate --scale "http=$all" http
new=
for id in $(docker compose ps --all --quiet http); do
	case " $draining $old " in *" $id "*) ;; *) new="$new $id" ;; esac
done
tries=60
until healthy $new; do
	tries=$((tries - 1))
	if [ "$tries" -eq 0 ]; then
		echo "not updated: the new HTTP frontends do not become ready; the old ones go on. Logs:" >&2
		for id in $new; do
			docker logs --tail 5 "$id" >&2 || true
		done
		docker rm --force $new >/dev/null
		exit 1
	fi
	sleep 1
done
for id in $old; do # it must not start again when the last browser has left
	docker update --restart no "$id" >/dev/null || continue
	docker kill --signal TERM "$id" >/dev/null || true
done
docker compose up --detach --wait --no-deps \
	--scale "udp=$udp" --scale "workers=$workers" udp workers

echo "updated; waiting until the last browsers have left the old HTTP frontends"
for id in $draining $old; do
	docker wait "$id" >/dev/null 2>&1 || true # another update may have removed it
	docker rm "$id" >/dev/null 2>&1 || true
done
