# The API: Flask under Gunicorn, and the migrations. No engine package is installed, and no engine code is here.

FROM python:3.11-slim AS packages
WORKDIR /build
# More of setup.cfg's extras, installed by version without hashes: `debug` for docker-compose.dev.yml.
ARG EXTRAS=
RUN python -m venv --without-pip /opt/venv
# Only what names the packages: this layer is made again when they change, not when code does.
COPY requirements/api.txt ./
RUN pip --python /opt/venv/bin/python install --no-cache-dir --require-hashes -r api.txt
# The project itself, without code: its name and version.
COPY constraints.txt pyproject.toml setup.cfg ./
RUN pip --python /opt/venv/bin/python install --no-cache-dir --no-deps . \
    && if [ -n "$EXTRAS" ]; then \
         pip --python /opt/venv/bin/python install --no-cache-dir -c constraints.txt ".[$EXTRAS]"; fi

FROM python:3.11-slim
LABEL org.opencontainers.image.title="Afterimage API" org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 DATA_DIR=/tmp/afterimage HOST=0.0.0.0 PORT=5000
ENV MALLOC_ARENA_MAX=2
WORKDIR /app
COPY --from=packages /opt/venv /opt/venv
COPY LICENSE ./
COPY common ./common
COPY migrations ./migrations
COPY api ./api
# Users other than root cannot write byte code here later.
RUN python -m compileall -q .
USER 10001:10001
EXPOSE 5000
STOPSIGNAL SIGTERM
CMD ["gunicorn", "-c", "python:api.gunicorn_conf", "api.app:from_env()"]
