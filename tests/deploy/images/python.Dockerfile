# In place of python:3.13-slim-trixie. `debian` is what debootstrap made; ca.crt this machine's.
FROM debian
COPY ca.crt /etc/ssl/certs/ca-certificates.crt
# As upstream's images of Debian have it: apt leaves nothing behind.
RUN ln -s python3 /usr/bin/python \
    && rm -f /usr/lib/python3*/EXTERNALLY-MANAGED \
    && echo 'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin"; };' \
        >/etc/apt/apt.conf.d/docker-clean \
    && echo 'Dir::Cache { pkgcache ""; srcpkgcache ""; };' >>/etc/apt/apt.conf.d/docker-clean
CMD ["python3"]
