FROM debian
RUN apt-get update && apt-get install -y --no-install-recommends nginx-light libnginx-mod-stream
# The stream module is built in upstream, and a file here.
RUN echo '#!/bin/sh\n\
exec /usr/sbin/nginx -g "load_module /usr/lib/nginx/modules/ngx_stream_module.so;" "$@"' \
    >/usr/local/bin/nginx && chmod +x /usr/local/bin/nginx
STOPSIGNAL SIGQUIT
CMD ["nginx"]
