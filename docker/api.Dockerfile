# The API: Flask under Gunicorn, and the migrations. No engine package is installed, and no engine code is here.

FROM python:3.11-slim AS packages
WORKDIR /build
# What is installed of setup.cfg's extras.
ARG EXTRAS=api,sentry
RUN python -m venv --without-pip /opt/venv
# Only what names the packages: this layer is made again when they change, not when code does.
COPY constraints.txt pyproject.toml setup.cfg ./
RUN pip --python /opt/venv/bin/python install --no-cache-dir -c constraints.txt ".[$EXTRAS]"

FROM python:3.11-slim
LABEL org.opencontainers.image.title="Afterimage API" org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 DATA_DIR=/tmp/afterimage HOST=0.0.0.0 PORT=5000
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
