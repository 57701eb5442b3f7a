FROM debian
RUN apt-get update && apt-get install -y --no-install-recommends coturn libcap2-bin
# As upstream's: without this right in its container, the program does not start.
RUN setcap CAP_NET_BIND_SERVICE=+ep /usr/bin/turnserver
USER nobody:nogroup
ENTRYPOINT ["turnserver"]
