# syntax=docker/dockerfile:1
# One image for each program of the workspace: --build-arg BIN=commons (everything in one process),
# user-service, channel-service, message-service or gateway. docker-compose.yml builds what it needs.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
ARG BIN=commons
# The whole workspace decides the features, so that every image shares what the first one compiled.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --release --locked --workspace --bin "$BIN" \
    && strip --strip-debug -o /service "target/release/$BIN"

FROM debian:bookworm-slim
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /service /usr/local/bin/service
COPY LICENSE /usr/share/doc/commons/
COPY --chmod=0755 <<'EOT' /usr/local/bin/healthy
#!/bin/bash
# 0 when the service of this container answers 200 to a path, /health when none is given.
listen=${COMMONS_SERVICES__LISTEN:-$COMMONS_GATEWAY__LISTEN}
exec 3<> "/dev/tcp/127.0.0.1/${listen##*:}" || exit 1
printf 'GET %s HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n' "${1:-/health}" >&3
read -r -t 4 -u 3 _ status _
[ "$status" = 200 ]
EOT
RUN install -d -m 0700 -o 10001 -g 10001 /data
ENV COMMONS_ENV=production \
    COMMONS_DATA_DIR=/data \
    COMMONS_GATEWAY__LISTEN=0.0.0.0:8000
WORKDIR /data
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=1s CMD ["healthy"]
ENTRYPOINT ["service"]
