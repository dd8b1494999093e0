# syntax=docker/dockerfile:1

# One image for nodes and gateways: `docker run breakwater node --config …`, `docker run breakwater gateway --config …`.
#
# The base is pinned by version. To pin it by content too, look the digest up where you trust it and build with
#   docker build --build-arg NODE_IMAGE=node:24.21.0-bookworm-slim@sha256:<digest> .
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

# What runs in production, and nothing else. No package's script is run: the native addon comes prebuilt.
FROM ${NODE_IMAGE} AS dependencies
WORKDIR /opt/breakwater
COPY package.json package-lock.json .npmrc ./
RUN ["npm", "ci", "--omit=dev", "--ignore-scripts"]

FROM ${NODE_IMAGE} AS build
WORKDIR /opt/breakwater
COPY package.json package-lock.json .npmrc ./
RUN ["npm", "ci", "--ignore-scripts"]
COPY . .
RUN ["npm", "run", "build"]

FROM ${NODE_IMAGE} AS runtime
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Breakwater" \
      org.opencontainers.image.description="An oracle network for lending protocols that signs a price and whether a loan may be liquidated on it" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV NODE_ENV=production
WORKDIR /opt/breakwater
COPY --from=dependencies /opt/breakwater/node_modules ./node_modules
COPY --from=build /opt/breakwater/dist ./dist
COPY package.json LICENSE README.md ./
# A number that no user of a host is likely to have; it owns nothing in here and may write nowhere but into what is mounted.
USER 10001:10001
EXPOSE 8080 9000
STOPSIGNAL SIGTERM
# Whether the process answers, not whether the network certifies: what restarts a container must not restart it for a lost quorum.
HEALTHCHECK --interval=15s --timeout=5s --start-period=90s --retries=4 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/health/live').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# V8's young generation stays small: what a node makes is short-lived.
ENTRYPOINT ["node", "--max-semi-space-size=8", "dist/cli/main.js"]
CMD ["--help"]
