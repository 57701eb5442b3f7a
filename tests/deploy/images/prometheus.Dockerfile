FROM debian
RUN apt-get update && apt-get install -y --no-install-recommends prometheus
USER 65534:65534
ENTRYPOINT ["prometheus"]
