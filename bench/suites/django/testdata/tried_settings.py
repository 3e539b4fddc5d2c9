"""The example's settings for tried.py."""

from settings import *

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "redis": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": WEIR_REDIS_URL},
}
ROOT_URLCONF = "tried"
