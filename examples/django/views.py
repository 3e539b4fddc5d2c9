"""The views of a small API whose processes share their limits."""

from django.urls import path
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from throttles import ScopedThrottle, Throttle


class PingThrottle(Throttle):
    scope = "ping"
    rate = "10/minute"


class BooksThrottle(Throttle):
    scope = "books"
    rate = "5/minute"


class MessagesThrottle(ScopedThrottle):
    free_methods = frozenset({"POST"})
    tells = True


class Ping(APIView):
    """Anyone may ask, each address 10 times a minute."""

    throttle_classes = [PingThrottle]

    def get(self, request):
        return Response({"ping": "pong"})


class Books(APIView):
    """The owner of an API key may ask 5 times a minute."""

    permission_classes = [IsAuthenticated]
    throttle_classes = [BooksThrottle]

    def get(self, request):
        return Response({"books": ["Middlemarch"]})


class Search(APIView):
    """One of the views in the scope "search". They have 60 requests a minute together."""

    permission_classes = [IsAuthenticated]
    throttle_classes = [ScopedThrottle]
    throttle_scope = "search"

    def get(self, request):
        return Response({"found": []})


class Messages(APIView):
    """GET is limited to 256 a minute, and responses say how many are left. POST is not limited."""

    permission_classes = [IsAuthenticated]
    throttle_classes = [MessagesThrottle]
    throttle_scope = "messages"

    def get(self, request):
        return Response({"messages": []})

    def post(self, request):
        return Response({"message": "accepted"}, status=201)


urlpatterns = [
    path("ping", Ping.as_view()),
    path("books", Books.as_view()),
    path("search", Search.as_view()),
    path("messages", Messages.as_view()),
]
