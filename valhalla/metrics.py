"""``/metrics`` for Prometheus: what the processes have counted together, and the figures that stand in the database."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

from django.db import DatabaseError, InterfaceError
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from rest_framework.request import Request
from rest_framework.views import APIView

from governance import gauges, register
from governance.errors import Unavailable
from governance.metrics import Gauge

_log = logging.getLogger(__name__)


class Standing(Collector):
    """The figures that stand in the database: the kernel's and every lever's, in a few queries each."""

    def collect(self) -> Iterator[Metric]:
        """Yield them; where the database does not answer, only that it does not."""
        try:
            told = [*gauges.gauges(), *(gauge for lever in register.levers() for gauge in lever.gauges())]
        except (DatabaseError, InterfaceError, Unavailable):
            _log.exception("The figures for monitoring cannot be read.")
            told = []
        yield _family(Gauge("valhalla_readable", "The figures in the database can be read.", [({}, float(bool(told)))]))
        yield from map(_family, told)


def _family(gauge: Gauge) -> GaugeMetricFamily:
    names = list(gauge.values[0][0]) if gauge.values else []
    family = GaugeMetricFamily(gauge.name, gauge.help, labels=names)
    for labels, value in gauge.values:
        family.add_metric([labels[name] for name in names], value)
    return family


def counted() -> CollectorRegistry:
    """Return what all processes have counted, or, where gunicorn has set no folder for them, this one alone."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # it brings no types
    return registry


class MetricsView(APIView):
    """Figures for monitoring; the caller needs to read, as a token of a viewer's does."""

    @extend_schema(operation_id="metrics", responses={(200, "text/plain"): str})
    def get(self, request: Request) -> HttpResponse:
        """Return every figure in Prometheus's text format."""
        standing = CollectorRegistry()
        standing.register(Standing())
        text = generate_latest(counted()) + generate_latest(standing)
        return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)
