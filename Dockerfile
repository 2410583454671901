# One image for every service and role: `python -m services.<service> <role>`.
ARG PYTHON_IMAGE=python:3.13-slim
FROM ${PYTHON_IMAGE} AS build
COPY requirements/base.lock /tmp/requirements.lock
RUN python -m venv /opt/weiguang && /opt/weiguang/bin/pip install --no-cache-dir --require-hashes -r /tmp/requirements.lock

FROM ${PYTHON_IMAGE}
ENV PATH=/opt/weiguang/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 MALLOC_ARENA_MAX=2
COPY --from=build /opt/weiguang /opt/weiguang
WORKDIR /app
COPY shared shared
COPY services services
COPY ops ops
COPY .env.example .env.example
RUN python -m compileall -q shared services ops \
    && useradd --system --no-create-home weiguang \
    && install -d -o weiguang /var/lib/weiguang
USER weiguang
CMD ["python", "-m", "services.web", "api"]
