"""Shopify: reads customers, orders, products and abandoned checkouts; writes customer tags and native segments.

GraphQL Admin API only; ShopifyAPI is used for its stateless parts (addresses, signatures, scopes), never for calls: its
GraphQL client has no time-out and keeps the active store in the thread.
"""
