"""A Shopify and a HubSpot on your own machine: stateful stand-ins served over HTTP, for the demo and for the tests.

They are judged on behaving as the platforms do; each rule in them cites the page it comes from.
Nothing here imports the clients or the core: the sandbox knows SegSync only through HTTP.
"""
