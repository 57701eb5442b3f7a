# A release with a defect: it starts, and never becomes ready.
ARG IMAGE
FROM ${IMAGE}
ENTRYPOINT ["env", "TRACKER_REDIS_URL=redis://127.0.0.1:1", "tracker"]
