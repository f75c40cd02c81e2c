"""Small applications behind real rate limiters: python apps.py NAME PORT.

`/items/ANYTHING` has ten requests in four seconds. It runs in an environment of its own.
"""

import sys
import types
from collections.abc import Callable
from typing import Any

QUOTA, WINDOW_S = 10, 4
RATE = f"{QUOTA} per {WINDOW_S} seconds"


def serve_wsgi(application: Any, port: int) -> None:
    """Serve a WSGI application."""
    import waitress

    waitress.serve(application, host="127.0.0.1", port=port, threads=8, clear_untrusted_proxy_headers=False)


def serve_asgi(application: Any, port: int) -> None:
    """Serve an ASGI application."""
    import uvicorn

    uvicorn.run(application, host="127.0.0.1", port=port, log_level="error")


def with_limits(strategy: str, port: int) -> None:
    """Use the package `limits` by itself."""
    import limits

    limiter = getattr(limits.strategies, strategy)(limits.storage.MemoryStorage())
    item = limits.parse(RATE)

    def application(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        admitted = limiter.hit(item, environ["REMOTE_ADDR"])
        start("200 OK" if admitted else "429 Too Many Requests", [("Content-Type", "text/plain")])
        return [b"ok" if admitted else b"slow down"]

    serve_wsgi(application, port)


def slowapi_application() -> Any:
    """Return FastAPI behind slowapi, as its README has it: with headers, keyed by the socket's address."""
    import fastapi
    import slowapi
    from slowapi.errors import RateLimitExceeded
    from slowapi.util import get_remote_address

    limiter = slowapi.Limiter(key_func=get_remote_address, headers_enabled=True)
    application = fastapi.FastAPI()
    application.state.limiter = limiter
    application.add_exception_handler(RateLimitExceeded, slowapi._rate_limit_exceeded_handler)

    @application.get("/items/{item}")
    @limiter.limit(RATE)
    async def items(request: fastapi.Request, response: fastapi.Response, item: str) -> dict[str, str]:
        del request, response
        return {"item": item}

    return application


def with_flask(port: int) -> None:
    """Flask-Limiter with a moving window and headers."""
    import flask
    import flask_limiter
    from flask_limiter.util import get_remote_address

    application = flask.Flask("limited")
    limiter = flask_limiter.Limiter(
        get_remote_address,
        app=application,
        storage_uri="memory://",
        strategy="moving-window",
        headers_enabled=True,
    )

    @application.get("/items/<item>")
    @limiter.limit(RATE)
    def items(item: str) -> str:
        return f"item {item}"

    serve_wsgi(application, port)


def with_django(port: int, *, drf: bool) -> None:
    """django-ratelimit, or the throttle of Django REST framework."""
    import django
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application

    urls = types.ModuleType("limited_urls")
    sys.modules["limited_urls"] = urls
    settings.configure(
        ROOT_URLCONF="limited_urls",
        ALLOWED_HOSTS=["*"],
        SECRET_KEY="x",
        REST_FRAMEWORK={"UNAUTHENTICATED_USER": None, "DEFAULT_AUTHENTICATION_CLASSES": []},
    )
    django.setup()
    from django.urls import path

    urls.urlpatterns = [path("items/<item>", drf_view() if drf else ratelimit_view())]
    serve_wsgi(get_wsgi_application(), port)


def drf_view() -> Any:
    """Return a view behind a throttle by address."""
    from rest_framework.response import Response
    from rest_framework.throttling import AnonRateThrottle
    from rest_framework.views import APIView

    class Throttle(AnonRateThrottle):
        rate = "x"
        num_requests, duration = QUOTA, WINDOW_S

        def parse_rate(self, rate: str) -> tuple[int, int]:
            return QUOTA, WINDOW_S

        def get_cache_key(self, request: Any, view: Any) -> str:
            return f"throttle_{self.get_ident(request)}"

    class View(APIView):
        throttle_classes = [Throttle]

        def get(self, request: Any, item: str) -> Any:
            return Response({"item": item})

    return View.as_view()


def ratelimit_view() -> Any:
    """Return a view that is blocked by address."""
    from django.http import HttpResponse
    from django_ratelimit.decorators import ratelimit

    @ratelimit(key="ip", rate=f"{QUOTA}/{WINDOW_S}s", block=True)
    def view(request: Any, item: str) -> HttpResponse:
        return HttpResponse(f"item {item}")

    return view


def main() -> None:
    """Serve one of them."""
    name, port = sys.argv[1], int(sys.argv[2])
    if name == "slowapi":
        serve_asgi(slowapi_application(), port)
    elif name == "flask-limiter":
        with_flask(port)
    elif name in {"drf", "django-ratelimit"}:
        with_django(port, drf=name == "drf")
    else:
        with_limits(name, port)


if __name__ == "__main__":
    main()
