# syntax=docker/dockerfile:1
# The sidecar as an image:
#   docker build -t safeguards .
#   docker run --rm --name safeguards -v safeguards-data:/var/lib/safeguards safeguards
#   docker exec safeguards safeguards info
#
# It listens on the loopback interface of its own network namespace, so nothing is exposed and no
# port can be published. Agents share that namespace (a pod, `--network container:safeguards`) or a
# Unix socket in a common volume. See deploy/README.md.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc LICENSE ./
RUN npm ci
COPY scripts/build.mjs scripts/lock-packages.mjs scripts/notices.mjs ./scripts/
COPY src ./src
RUN npm run build
# The empty folder becomes that of the data, with its mode.
RUN mkdir -p bin lib \
  && mkdir -m 700 lib/safeguards \
  && chmod 755 dist/main.js \
  && ln -s ../dist/main.js bin/safeguards

FROM ${NODE_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="safeguards" \
  org.opencontainers.image.description="Budgets for AI agents, enforced beside the agent" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
WORKDIR /app
COPY package.json LICENSE ./
COPY proto ./proto
COPY deploy/health.mjs ./
COPY --from=build /app/dist ./dist
COPY --from=build /app/bin ./bin
COPY --from=build --chown=10001:10001 /app/lib /var/lib
ENV NODE_ENV=production \
  PATH=/app/bin:$PATH \
  SAFEGUARDS_DATA_DIR=/var/lib/safeguards
VOLUME ["/var/lib/safeguards"]
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["node", "/app/health.mjs"]
# Most of what a call makes is garbage when it is answered. With more room for the young a BatchSpend took
# 50 us of CPU a spend where Node's 16 MiB took 56; an idle process does not take the room.
ENTRYPOINT ["node", "--max-semi-space-size=32", "/app/dist/main.js"]
CMD ["serve"]
