# The service as an image: runs as a user without rights, writes only to /data.
FROM node:24.21.0-bookworm-slim

WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY tools ./tools
RUN npm install --omit=dev --omit=optional --no-audit --no-fund && npm cache clean --force
COPY src ./src
COPY detectors.yaml ./

ENV NODE_ENV=production \
    DECLINEWATCH_DATA=/data \
    HOST=0.0.0.0 \
    PORT=4242 \
    ADMIN_HOST=127.0.0.1 \
    ADMIN_PORT=4243
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 4242
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:4242/healthz').then(a=>process.exit(a.ok?0:1),()=>process.exit(1))"]
CMD ["node", "src/cli/main.ts", "start", "--no-demo"]
