#!/bin/sh
# Ready: part of a cluster that has all its slots, with some of them, or with all that it copies.
# Pods are replaced one by one, so nobody is stopped before the last one is of use again.
set -eu
case $(redis-cli cluster info) in *cluster_state:ok*cluster_slots_ok:16384*) ;; *) exit 1 ;; esac
case $(redis-cli role) in
master*) ! awk '/myself,master/ && NF == 8' "${DATA:-/data}/nodes.conf" | grep -q . ;;
slave*connected*) ;;
*) exit 1 ;;
esac
