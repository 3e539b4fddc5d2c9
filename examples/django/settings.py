"""Django's settings of the service."""

import os

ALLOWED_HOSTS = ["*"]
MIDDLEWARE = ["throttles.rate_limit_fields"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["authentication.ApiKeyAuthentication"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_THROTTLE_RATES": {"search": "60/minute", "messages": "256/min"},
    "NUM_PROXIES": 0,  # in front of the service; without this setting a client could send a false address
    "UNAUTHENTICATED_USER": None,
}
ROOT_URLCONF = "views"
SECRET_KEY = os.urandom(32).hex()  # signs nothing here
USE_I18N = False
USE_TZ = True

API_KEYS = os.environ.get("API_KEYS", "")  # alice=KEY,bob=KEY
WEIR_REDIS_URL = os.environ.get("REDIS_URL", "redis://localhost:6379")
WEIR_TIMEOUT = float(os.environ.get("REDIS_TIMEOUT", "1"))  # how many seconds a decision may take
