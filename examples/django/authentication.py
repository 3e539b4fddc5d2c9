"""API keys."""

import hashlib
from dataclasses import dataclass

from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed


@dataclass(frozen=True)
class User:
    """The owner of an API key."""

    pk: str
    is_authenticated: bool = True


def fingerprint(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


pairs = (pair.partition("=") for pair in settings.API_KEYS.split(",") if pair)
owners = {fingerprint(key): User(name) for name, _, key in pairs}


class ApiKeyAuthentication(BaseAuthentication):
    """Authenticates users by an API key: in the header, Authorization: Api-Key KEY, or in the query, ?api_key=KEY.

    An invalid key is refused before any throttle is called. So a client can't get a new limit by making up a key.
    """

    def authenticate(self, request) -> tuple[User, None] | None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "api-key":
            key = request.query_params.get("api_key", "")
        if not key:
            return None
        user = owners.get(fingerprint(key))
        if user is None:
            raise AuthenticationFailed("The API key is not valid.")
        return user, None

    def authenticate_header(self, request) -> str:
        return "Api-Key"
