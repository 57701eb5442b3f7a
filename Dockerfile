# A whole tracker, with a Redis of its own:   docker run -d -p 80:80 -p 80:80/udp tracker-cluster
# A frontend that may be replaced any time:   the same with -e TRACKER_REDIS_URL=redis://…
# Another command:                          docker run tracker-cluster workers, or … tracker workers
# Runs as it is with --read-only and --cap-drop ALL.

ARG PYTHON_IMAGE=python:3.13-slim-trixie
# The libraries of the pages that share files. Node.js stays in this stage.
FROM ${PYTHON_IMAGE} AS web
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends nodejs npm \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY scripts/web scripts/
COPY web web
RUN scripts/web

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends binutils \
    && rm -rf /var/lib/apt/lists/* \
    && python -m venv /opt/tracker
WORKDIR /src
# Packages first: they change less often than the code, and Docker keeps their layer.
COPY requirements.lock ./
# Wheels come with symbols for debuggers, a fifth of the image.
RUN /opt/tracker/bin/pip install --no-deps --require-hashes --only-binary :all: \
        --requirement requirements.lock \
    && find /opt/tracker -name '*.so' -exec strip --strip-unneeded {} +
COPY LICENSE README.md pyproject.toml ./
COPY tracker tracker
COPY --from=web /src/tracker/web/static/vendor tracker/web/static/vendor
COPY workers workers
RUN /opt/tracker/bin/pip install --no-build-isolation --no-deps . \
    && /opt/tracker/bin/pip uninstall --yes setuptools pip

FROM ${PYTHON_IMAGE}
# For when no TRACKER_REDIS_URL is given. Not pinned: a build takes the release's last security fix.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends redis-server \
    && rm -rf /var/lib/apt/lists/* \
    && install --directory --mode=700 --owner=10001 --group=10001 /var/lib/tracker
COPY --from=build /opt/tracker /opt/tracker

# PORT: hosts that give one port say so by this variable. DRAIN: `docker stop` kills after 10 s.
# EMBEDDED_DIR: keeps the swarms of the private Redis, on a volume also those of a container that is replaced.
# ADMIN: known at once to `tracker health`. TMPDIR: the one place that can be written to, and is memory, when the rest is read-only.
ENV PATH=/opt/tracker/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TMPDIR=/dev/shm \
    PORT=80 \
    TRACKER_REDIS_EMBEDDED_DIR=/var/lib/tracker \
    TRACKER_ADMIN=127.0.0.1:8001 \
    TRACKER_DRAIN=8
EXPOSE 80/tcp 80/udp
USER 10001:10001
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["tracker", "health"]
ENTRYPOINT ["tracker"]
CMD ["serve"]

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="tracker-cluster" \
      org.opencontainers.image.description="A BitTorrent tracker for HTTP, UDP and WebTorrent on one port, its peers in Redis" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
