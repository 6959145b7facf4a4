"""Addresses of the install pages. Shopify's app settings name `shopify/install` and `shopify/callback`."""

from django.urls import path

from segsync.merchant import views

app_name = "merchant"
urlpatterns = [
    path("", views.landing, name="landing"),
    path("connect", views.connections, name="connect"),
    path("shopify/install", views.shopify_install, name="shopify-install"),
    path("shopify/callback", views.shopify_callback, name="shopify-callback"),
    path("hubspot/connect", views.hubspot_connect, name="hubspot-connect"),
    path("hubspot/callback", views.hubspot_callback, name="hubspot-callback"),
]
