"""The install pages: they translate between the browser and `connect`, nothing more."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import wraps

import structlog
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from integrations.models import Shop
from segsync import clock
from segsync.merchant import connect
from segsync.merchant.overview import next_step, overview
from segsync.merchant.refusals import Refused

log = structlog.get_logger(__name__)
View = Callable[[HttpRequest], HttpResponse]

# Nothing of ours runs in a frame or loads from elsewhere; the embedded pages will name their own ancestors (shopify.dev, Set up iframe protection).
POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"
BROWSER = "oauth_browser"
CONNECT_SHOP = "connect_shop_id"


def page(view: View) -> View:
    """Give a view our security policy, keep it out of caches, and tell a refusal as a page of its own status."""

    @never_cache
    @wraps(view)
    def wrapped(request: HttpRequest) -> HttpResponse:
        try:
            response = view(request)
        except Refused as refusal:
            log.info("connect.refused", path=request.path, status=refusal.status)
            response = render(request, "merchant/refused.html", {"sentence": str(refusal), "again": refusal.again}, status=refusal.status)
        response.headers["Content-Security-Policy"] = POLICY
        return response

    return wrapped


@require_safe
@page
def landing(request: HttpRequest) -> HttpResponse:
    """What SegSync is, and where to install it or sign in."""
    return render(request, "merchant/landing.html", {"shop": request.GET.get("shop", "")})


@require_GET
@page
def shopify_install(request: HttpRequest) -> HttpResponse:
    """Begin the consent for one store; Shopify opens this address as well."""
    if "hmac" in request.GET:
        connect.verify_opening(request.GET.dict())
    return _leave(connect.begin_shopify(request.GET.get("shop", ""), browser=_browser(request), now=clock.now()))


@require_GET
@page
def shopify_callback(request: HttpRequest) -> HttpResponse:
    """End the consent for one store; from here on this browser may connect that store's HubSpot account."""
    shop = connect.finish_shopify(request.GET.dict(), browser=_browser(request), now=clock.now())
    return _connected(request, shop)


@require_GET
@page
def hubspot_connect(request: HttpRequest) -> HttpResponse:
    """Begin the consent for a HubSpot account, for the store this browser installed."""
    shop = _shop(request)
    address = connect.begin_hubspot(shop, browser=_browser(request), now=clock.now())
    request.session[CONNECT_SHOP] = shop.pk  # so that starting again after a refusal means the same store
    return _leave(address)


@require_GET
@page
def hubspot_callback(request: HttpRequest) -> HttpResponse:
    """End the consent for a HubSpot account."""
    shop = connect.finish_hubspot(request.GET.dict(), browser=_browser(request), now=clock.now())
    return _connected(request, shop)


@require_safe
@page
def connections(request: HttpRequest) -> HttpResponse:
    """Both connections of one store with their state, and what to do next."""
    shop = _shop(request)
    cards = overview(shop, clock.now())
    return render(request, "merchant/connect.html", {"shop": shop, "cards": cards, "next_step": next_step(cards)})


def _shop(request: HttpRequest) -> Shop:
    domain = request.GET.get("shop", "")
    if domain and _operates(request.user):
        shop = Shop.objects.filter(domain=domain).first()
    elif (pk := request.session.get(CONNECT_SHOP)) is not None:
        shop = Shop.objects.filter(pk=pk).first()
    else:
        shop = None
    if shop is None or (domain and domain != shop.domain):
        raise Refused("We do not know which store you mean; install SegSync into your store first, in this browser.", status=403, again="/")
    return shop


def _operates(user: User | AnonymousUser) -> bool:
    return user.is_staff and user.has_perm("integrations.change_connection")


def _browser(request: HttpRequest) -> str:
    """The secret that ties a consent to the browser that began it."""
    if BROWSER not in request.session:
        request.session[BROWSER] = secrets.token_urlsafe(32)
    return str(request.session[BROWSER])


def _leave(address: str) -> HttpResponse:
    return HttpResponseRedirect(address)


def _connected(request: HttpRequest, shop: Shop) -> HttpResponse:
    request.session.cycle_key()  # the session may do more from here on, so a key known before must not serve
    request.session[CONNECT_SHOP] = shop.pk
    return redirect("merchant:connect")
