FROM debian
RUN apt-get update && apt-get install -y --no-install-recommends redis-server
RUN mkdir /data && chown 999:1000 /data
WORKDIR /data
CMD ["redis-server"]
