"""The product's settings, and beside its addresses those of what it is measured against."""

import os

from valhalla.settings import *  # noqa: F403
from valhalla.settings import INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "waffle", "bench"]
ROOT_URLCONF = "bench.urls"
# The gate is measured around a view that nothing else stands around.
MIDDLEWARE = [] if os.environ.get("BENCH_BARE") else MIDDLEWARE
# Waffle's switches without a cache: the only setting in which none is on after it has been turned off.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "nothing": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
}
WAFFLE_CACHE_NAME = "nothing"
