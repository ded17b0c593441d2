# The engine, which makes the predictions, and `python -m engine.models pull`, which fetches its models.

FROM python:3.11-slim AS packages
WORKDIR /build
# More of setup.cfg's extras, installed by version without hashes: `tensorflow` adds the second runtime.
ARG EXTRAS=
RUN python -m venv --without-pip /opt/venv
# Only what names the packages: this layer is made again when they change, not when code does.
COPY requirements/engine.txt ./
RUN pip --python /opt/venv/bin/python install --no-cache-dir --require-hashes -r engine.txt
# The project itself, without code: its name and version.
COPY constraints.txt pyproject.toml setup.cfg ./
RUN pip --python /opt/venv/bin/python install --no-cache-dir --no-deps . \
    && if [ -n "$EXTRAS" ]; then \
         pip --python /opt/venv/bin/python install --no-cache-dir -c constraints.txt ".[$EXTRAS]"; fi

FROM python:3.11-slim
LABEL org.opencontainers.image.title="Afterimage engine" org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 DATA_DIR=/tmp/afterimage MODEL_DIR=/models
# Memory of large images goes back to the system, whichever thread has decoded them (docs/operations.md).
ENV MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=8388608 MALLOC_TRIM_THRESHOLD_=16777216
# A volume that is mounted here for the first time takes the owner over.
RUN install -d -o 10001 -g 10001 /models /index
WORKDIR /app
COPY --from=packages /opt/venv /opt/venv
COPY LICENSE ./
COPY docker/engine_health.py ./
COPY common ./common
COPY engine ./engine
# Users other than root cannot write byte code here later.
RUN python -m compileall -q .
USER 10001:10001
EXPOSE 9100
STOPSIGNAL SIGTERM
CMD ["python", "-m", "engine"]
