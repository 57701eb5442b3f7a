FROM debian
RUN apt-get update && apt-get install -y --no-install-recommends prometheus
RUN mkdir -p /prometheus && chown 65534:65534 /prometheus
USER 65534:65534
ENTRYPOINT ["prometheus"]
