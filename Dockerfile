# syntax=docker/dockerfile:1

FROM rust:1-slim-bookworm AS build
# For the OpenSSL and libgit2 that git2 brings along; the compiler is in the image. Debian keeps no older versions that could be named.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends make perl \
    && rm -rf /var/lib/apt/lists/*
# zlib comes out of its crate too: the runtime image has none.
ENV LIBZ_SYS_STATIC=1
WORKDIR /build
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --locked --release --package confbus --bin confbus \
    && install -D target/release/confbus /out/usr/local/bin/confbus \
    && install -D --mode=644 LICENSE /out/usr/share/doc/confbus/LICENSE \
    && mkdir -p /out/var/lib/confbus

# glibc, certificates and an account without rights; no shell.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/usr /usr
# 65532 is `nonroot`. A new volume takes over the owner of the folder it covers.
COPY --from=build --chown=65532:65532 /out/var/lib/confbus /var/lib/confbus

# The clone of the configuration repository, and the last good answers with it.
ENV SPRING_CLOUD_CONFIG_SERVER_GIT_BASEDIR=/var/lib/confbus/clone
VOLUME /var/lib/confbus
WORKDIR /var/lib/confbus
EXPOSE 8888

HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["/usr/local/bin/confbus", "health"]
ENTRYPOINT ["/usr/local/bin/confbus"]
# Never the demo by mistake: without a repository this is an error that says what to set.
CMD ["serve"]
