"""Prometheus collectors of every role, in one place so that names and labels are the same everywhere.

Labels hold only what has few values: route templates, never paths; topics and groups, never ids.
"""

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

from shared.version import VERSION

__all__ = [
    "ALERTS_OPEN",
    "BATCH_SECONDS",
    "BATCH_SIZE",
    "BUILD",
    "CONNECTIONS",
    "CONNECTIONS_REFUSED",
    "CONSUMER_LAG",
    "CONSUMER_PAUSED",
    "CONSUMER_PROGRESS",
    "DEAD_LETTERS",
    "MONITORS_JUDGED",
    "OUTBOX_AGE",
    "OUTBOX_DEPTH",
    "OUTBOX_REFUSED",
    "OUTBOX_SENT",
    "RECORDS_CONSUMED",
    "REQUESTS",
    "REQUEST_SECONDS",
    "UNREADABLE_RANGES",
]

disable_created_metrics()  # type: ignore[no-untyped-call]  # they double the series and are not read

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

BUILD = Gauge("weiguang_build_info", "The version that the process runs.", ["version"])
BUILD.labels(VERSION).set(1)

REQUESTS = Counter(
    "weiguang_http_requests_total", "HTTP requests answered, by route template.", ["method", "route", "status"]
)
REQUEST_SECONDS = Histogram(
    "weiguang_http_request_seconds", "Time to answer a request, in seconds.", ["method", "route"], buckets=_SECONDS
)

CONNECTIONS = Gauge("weiguang_http_connections", "Open HTTP connections of the process.")
CONNECTIONS_REFUSED = Counter(
    "weiguang_http_connections_refused_total", "HTTP connections refused or cut off, by reason.", ["reason"]
)

OUTBOX_DEPTH = Gauge("weiguang_outbox_depth", "Events in the outbox not yet acknowledged by the broker.", ["service"])
OUTBOX_AGE = Gauge(
    "weiguang_outbox_age_seconds", "Age of the oldest event not yet acknowledged, in seconds.", ["service"]
)
OUTBOX_REFUSED = Gauge(
    "weiguang_outbox_refused", "Events in the outbox that the broker will not take as they are.", ["service"]
)
OUTBOX_SENT = Counter("weiguang_outbox_sent_total", "Events acknowledged by the broker.", ["topic"])

CONSUMER_LAG = Gauge(
    "weiguang_consumer_lag", "Records between a group's position and the end.", ["group", "topic", "partition"]
)
CONSUMER_PAUSED = Gauge("weiguang_consumer_paused", "Whether operators have paused the consumer.", ["group"])
CONSUMER_PROGRESS = Gauge(
    "weiguang_consumer_progress_timestamp_seconds", "When the group last applied a batch, in Unix seconds.", ["group"]
)
RECORDS_CONSUMED = Counter("weiguang_records_consumed_total", "Records handled and committed.", ["group", "topic"])
BATCH_SIZE = Histogram(
    "weiguang_batch_records", "Records per batch.", ["group"], buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2000)
)
BATCH_SECONDS = Histogram(
    "weiguang_batch_seconds", "Time to handle and commit a batch, in seconds.", ["group"], buckets=_SECONDS
)
UNREADABLE_RANGES = Counter(
    "weiguang_unreadable_ranges_total", "Ranges of offsets skipped because no client can read them.", ["group", "topic"]
)
ALERTS_OPEN = Gauge("weiguang_alerts_open", "Open alerts of the monitors.", ["monitor"])
MONITORS_JUDGED = Gauge(
    "weiguang_monitors_judged_timestamp_seconds", "When the monitors were last judged, in Unix seconds."
)
DEAD_LETTERS = Counter("weiguang_dead_letters_total", "Records stored as dead letters.", ["group", "topic", "kind"])
