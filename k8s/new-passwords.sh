#!/bin/sh
# Prints new passwords for the overlay production, which keeps them as the Secret `tracker-redis`:
#   sh k8s/new-passwords.sh >k8s/overlays/production/redis.env
set -eu
password() { head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }
password=$(password)
cat <<ENV
password=$password
admin-password=$(password)
TRACKER_REDIS_URL=redis+cluster://tracker:$password@redis-0.redis,redis-1.redis,redis-2.redis
ENV
