# Both roles in one image: `relay web` (the default) and `relay listener`.
#   docker build -t price-relay .
#   docker run --read-only -p 3001:3001 -e REDIS_URL=redis://... price-relay

FROM python:3.11-slim AS build
COPY requirements.lock /src/
RUN python -m venv /opt/relay && /opt/relay/bin/pip install --no-cache-dir --require-hashes -r /src/requirements.lock
COPY . /src
RUN /opt/relay/bin/pip install --no-cache-dir --no-deps /src \
    && /opt/relay/bin/python -m compileall -q /opt/relay/lib

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home relay
COPY --from=build /opt/relay /opt/relay
ENV PATH=/opt/relay/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0 PORT=3001
USER 10001
EXPOSE 3001
# gunicorn's heartbeat file lies in memory (--worker-tmp-dir), so the root may be read-only.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/livez', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["relay"]
CMD ["web", "--worker-tmp-dir", "/dev/shm"]
