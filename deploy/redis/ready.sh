#!/bin/sh
# Ready: part of a cluster that has all its slots, and, if a replica, with all that it copies.
# Pods are replaced one by one, so nobody is stopped before the last one is of use again.
set -eu
case $(redis-cli cluster info) in *cluster_state:ok*cluster_slots_ok:16384*) ;; *) exit 1 ;; esac
case $(redis-cli role) in master* | slave*connected*) ;; *) exit 1 ;; esac
