# One image for all processes; compose.yaml says which of them runs.
FROM python:3.12-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PLAYWRIGHT_BROWSERS_PATH=/opt/browsers
WORKDIR /srv/redrive

COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock \
    && playwright install --with-deps --only-shell chromium \
    && rm -rf /var/lib/apt/lists/*

COPY . .
# Compiled once: otherwise each command compiles all of it, which takes longer than to start.
RUN python -m compileall -q config imports bills
# Collecting static files asks for settings, and connects to nothing.
RUN DATABASE_URL=postgres://nowhere/none REDIS_URL=redis://nowhere/0 SECRET_KEY=for-this-step-only \
    python manage.py collectstatic --no-input --verbosity 0 \
    && useradd --system --home-dir /var/lib/redrive --create-home redrive

# A container rarely has user namespaces, which Chromium's own sandbox needs.
ENV REDRIVE_HOME=/var/lib/redrive \
    RETRY_FILES_DIR=/var/lib/redrive/retry-files \
    BROWSER_SANDBOX=0 \
    BIND=0.0.0.0:8000
USER redrive
VOLUME /var/lib/redrive
EXPOSE 8000
CMD ["gunicorn", "-c", "config/gunicorn.py"]
