# Homeroom in a container: `docker build -t homeroom .`, or `docker compose up` (compose.yaml).
# Any official slim Python from 3.11 on will do; a digest pins it: --build-arg BASE=python@sha256:…
ARG BASE=python:3.13-slim

# What installs stays behind here.
FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/homeroom
COPY requirements/run.txt requirements/run.txt
RUN /opt/homeroom/bin/python -m pip install --quiet --require-hashes --no-deps -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /opt/homeroom/bin/python -m pip install --quiet --no-deps --no-build-isolation . \
    && /opt/homeroom/bin/python -m pip uninstall --quiet --yes setuptools pip

FROM ${BASE}
# 1000 is the first person's number on most machines, so a folder that they made can be written.
RUN useradd --uid 1000 --user-group --no-create-home --home-dir /instance --shell /usr/sbin/nologin homeroom \
    && install --directory --owner=homeroom --group=homeroom --mode=0700 /instance
COPY --from=build /opt/homeroom /opt/homeroom
ENV PATH=/opt/homeroom/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOMEROOM_ENV=production \
    INSTANCE_PATH=/instance
USER 1000:1000
WORKDIR /instance
EXPOSE 8086
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["homeroom", "health"]
# A signal to stop waits until the database is prepared; then the server takes the shell's place, and hears it itself.
CMD ["sh", "-c", "trap 'exit 143' TERM; homeroom prepare --site \"${SITE_URL:-http://localhost:8286}\" && exec homeroom serve --host 0.0.0.0"]
