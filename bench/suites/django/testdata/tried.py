"""The example's throttles beside those of Django REST framework, which the request chooses: ?kind=&key=&rate=&scope=."""

import os

from django.core.cache import caches
from django.urls import path
from rest_framework.response import Response
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from throttles import Throttle


class ByKey:
    def get_cache_key(self, request, view):
        return request.query_params["key"]


class InMemory(ByKey, SimpleRateThrottle):
    """A log in each process's memory, which is Django's default cache."""


class InRedis(InMemory):
    """A log in Redis, read, changed and written back."""

    cache = caches["redis"]


class SlidingLog(ByKey, Throttle):
    tells = True


class GCRA(SlidingLog):
    algorithm = "gcra"


kinds = {"memory": InMemory, "cache": InRedis, "slidinglog": SlidingLog, "gcra": GCRA}


class Tried(APIView):
    def get_throttles(self):
        query = self.request.GET
        chosen = {"rate": query["rate"], "scope": query.get("scope")}
        return [type("Chosen", (kinds[query["kind"]],), chosen)()]

    def get(self, request):
        return Response({"worker": os.getpid()})


urlpatterns = [path("", Tried.as_view())]
