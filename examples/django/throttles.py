"""Throttles of Django REST framework that decide with Weir's Lua scripts.

A decision is one script on one Redis key, so any number of processes admit exactly the limit together. The keys are named as
Weir names them: a Go service with a limiter of the same algorithm, limit and name shares the count of a key.
"""

import functools
import hashlib
import logging
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import redis
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from redis.backoff import NoBackoff
from redis.retry import Retry
from rest_framework.exceptions import APIException
from rest_framework.throttling import ScopedRateThrottle, SimpleRateThrottle

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
SECOND = 1_000_000  # in microseconds, the unit of the scripts
UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}  # in seconds
LONGEST_KEY = 256  # in bytes; a longer one is hashed

log = logging.getLogger(__name__)


class Unavailable(APIException):
    """Redis gave no decision. The request may or may not have been charged, but never twice."""

    status_code = 503
    default_detail = "The rate limiter is not available."


class Decision(NamedTuple):
    """The answer to one request. Times are in microseconds."""

    allowed: bool
    remaining: int  # how many more requests would be admitted now
    retry_after: int  # 0 if allowed, else the wait after which this request would be allowed
    reset_after: int  # until the whole limit is available again


@functools.cache
def client() -> redis.Redis:
    """Returns this process's client. It doesn't retry: if a reply was lost, the request may have been charged."""
    timeout = getattr(settings, "WEIR_TIMEOUT", 1.0)
    once = Retry(NoBackoff(), 0)
    return redis.Redis.from_url(settings.WEIR_REDIS_URL, socket_timeout=timeout, socket_connect_timeout=timeout, retry=once)


@functools.cache
def script(name: str) -> Callable:
    """Returns a function that runs a script on a key. It sends the script's text only if the server doesn't have it."""
    text = (SCRIPTS / f"{name}.lua").read_bytes()
    sha1 = hashlib.sha1(text).hexdigest()

    def run(key: bytes, *args: int | str) -> int | list[int]:
        try:
            return client().evalsha(sha1, 1, key, *args)
        except redis.exceptions.NoScriptError:
            return client().eval(text, 1, key, *args)

    return run


def slidinglog(key: bytes, rate: int, period: int) -> Decision:
    """Admits at most rate requests in any period."""
    reply = script("slidinglog")(key, 1, rate, period)
    used, retry_after, reset_after = reply if isinstance(reply, list) else (reply, 0, period)
    allowed = used >= 0
    return Decision(allowed, max(rate - (used if allowed else -1 - used), 0), retry_after, reset_after)


def gcra(key: bytes, rate: int, period: int) -> Decision:
    """Admits rate requests at one moment, and then one each period / rate."""
    interval = Fraction(period, rate)
    whole, part, den = *divmod(interval.numerator, interval.denominator), interval.denominator
    reply = script("gcra")(key, whole, period, *(() if den == 1 else ("", part, 0, den)))
    standing, over = reply if isinstance(reply, list) else (reply, 0)
    allowed = standing >= 0
    ahead = (standing if allowed else -1 - standing) + Fraction(over, den)
    retry_after = 0 if allowed else math.ceil(ahead + interval - period)
    return Decision(allowed, (period - ahead) // interval, retry_after, math.ceil(ahead))


# The functions that decide, and the part of the limit that is in the key.
ALGORITHMS: dict[str, tuple[Callable, str]] = {"slidinglog": (slidinglog, "{period}"), "gcra": (gcra, "{rate}/{period}")}


def period_text(seconds: int) -> str:
    """Writes a period as a whole number of the largest unit that divides it, such as 1m."""
    unit = next(unit for unit, length in UNITS.items() if seconds % length == 0)
    return f"{seconds // UNITS[unit]}{unit}"


def redis_key(key: str, identity: str, name: str) -> bytes:
    """Returns the key on the server: weir:{KEY}:ALGORITHM:LIMIT or weir:{KEY}:ALGORITHM:LIMIT:NAME."""
    before, text = b"weir:{", key.encode()
    if text[:1] in (b"", b"}"):
        before = b"weir:-{-"
    elif len(text) > LONGEST_KEY:
        before, text = b"weir:-#-{", hashlib.sha256(text).hexdigest().encode()
    return before + text + f"}}:{identity}{':' if name else ''}{name}".encode()


class Throttle(SimpleRateThrottle):
    """Limits each user, and each address without one, to `rate`, such as "5/minute".

    As in Django REST framework, the rate of a `scope` is that of DEFAULT_THROTTLE_RATES, unless `rate` is set. The scope is
    also the NAME in Redis: without one, throttles of the same algorithm and limit count a user's requests together.
    """

    algorithm = "slidinglog"  # or "gcra"
    free_methods: frozenset[str] = frozenset()  # methods that are not limited
    tells = False  # whether answers have X-RateLimit fields: see rate_limit_fields

    def get_cache_key(self, request, view) -> str | None:
        """Returns the KEY in Redis: requests with the same KEY share one count. None means not limited."""
        if request.user and request.user.is_authenticated:
            return f"user:{request.user.pk}"
        return self.get_ident(request)

    def allow_request(self, request, view) -> bool:
        key = None if request.method in self.free_methods else self.get_cache_key(request, view)
        if self.rate is None or key is None:
            return True
        if self.num_requests < 1:
            raise ImproperlyConfigured(f"rate {self.rate!r} admits nothing: want 1 or more in a period")
        if self.algorithm not in ALGORITHMS:
            raise ImproperlyConfigured(f"there is no algorithm {self.algorithm!r}: want one of {', '.join(ALGORITHMS)}")
        decide, limit = ALGORITHMS[self.algorithm]
        limit = limit.format(rate=self.num_requests, period=period_text(self.duration))
        redis_name = redis_key(key, f"{self.algorithm}:{limit}", self.scope or "")
        try:
            self.decision = decide(redis_name, self.num_requests, self.duration * SECOND)
        except redis.RedisError as error:
            log.error("no decision by %s: %s", type(self).__name__, error)
            raise Unavailable from error
        if self.tells:
            told = getattr(request._request, "rate_limits", [])
            request._request.rate_limits = [*told, (self.num_requests, self.decision)]
        return self.decision.allowed

    def wait(self) -> float:
        """Returns the seconds that a denied request has to wait. Django REST framework rounds them up for Retry-After."""
        return self.decision.retry_after / SECOND


class ScopedThrottle(ScopedRateThrottle, Throttle):
    """Limits the views that have a `throttle_scope`, those of one scope together."""

    get_cache_key = Throttle.get_cache_key


def rate_limit_fields(get_response: Callable) -> Callable:
    """Django middleware that adds the X-RateLimit fields of the throttle with the least left. Reset is in seconds."""

    def middleware(request):
        response = get_response(request)
        if told := getattr(request, "rate_limits", None):
            limit, decision = min(told, key=lambda each: each[1].remaining)
            response["X-RateLimit-Limit"] = limit
            response["X-RateLimit-Remaining"] = decision.remaining
            response["X-RateLimit-Reset"] = math.ceil(decision.reset_after / SECOND)
        return response

    return middleware
