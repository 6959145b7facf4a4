"""Starting a sandbox: fill it, serve it, end it cleanly."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from integrations.sandbox.fill.generator import generate
from integrations.sandbox.fill.retail import Account, load
from integrations.sandbox.server import SandboxServer
from integrations.sandbox.world import SandboxConfig, World

PLANS = ("standard", "advanced", "plus", "enterprise")


@dataclass(frozen=True)
class Options:
    """What a sandbox is started with. `data` "" makes a store up from `seed`; without `announce` nothing is said."""

    port: int = 9292
    seed: int = 7
    customers: int = 2000
    data: str = ""
    plan: str = "standard"
    shopify_webhook_url: str = ""
    hubspot_webhook_url: str = ""
    announce: Callable[[str], object] | None = None


class _Ended(Exception):
    """Somebody asked the process to end."""


@contextmanager
def _until_asked_to_end() -> Iterator[None]:
    """Ends the body quietly on Ctrl-C and SIGTERM; puts the former handlers back."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise _Ended

    former = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except _Ended:
        pass
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def build(options: Options) -> tuple[World, str]:
    """A filled world that is not served yet, and a sentence on what fills it.

    Raises ValueError for an unknown plan, a port or a number of customers that cannot be, and UnreadableData (one too)
    for a data file that is none.
    """
    if options.plan not in PLANS:
        raise ValueError(f"There is no plan {options.plan!r}; choose one of: {', '.join(PLANS)}.")
    if not 1 <= options.port <= 65_535:
        raise ValueError(f"{options.port} is no port; choose one from 1 to 65535.")
    config = SandboxConfig(port=options.port, shopify_webhook_url=options.shopify_webhook_url, hubspot_webhook_url=options.hubspot_webhook_url)
    world = World(config)
    if options.data:
        account = Account()
        store, portal = load(options.data, world.clock.now(), account, plan=options.plan)
        told = account.summary()
    else:
        store, portal = generate(options.seed, world.clock.now(), options.customers, plan=options.plan)
        told = f"A made-up store, seed {options.seed}."
    world.stores[store.domain] = store
    world.portals[portal.hub_id] = portal
    return world, told


def welcome(world: World, told: str) -> str:
    """Where the sandbox is, what it holds, and how an app connects to it."""
    base = world.config.base_url
    lines = [f"The sandbox answers at {base} (look there with a browser; Ctrl-C ends it).", told]
    for store in world.stores.values():
        lines += [
            f"  Shopify store   {store.domain}: {len(store.customers):,} customers, {len(store.orders):,} orders, "
            f"{len(store.products):,} products, {len(store.checkouts):,} abandoned checkouts, plan {store.plan}",
            f"    install       {base}/shopify/{store.domain}/admin/oauth/authorize",
            f"    client id     {world.config.shopify_client_id}   secret  {world.config.shopify_client_secret}",
        ]
    for portal in world.portals.values():
        lines += [
            f"  HubSpot portal  {portal.hub_id}: {len(portal.contacts):,} contacts, {len(portal.email_events):,} e-mail events",
            f"    connect       {base}/hubspot/oauth/authorize",
            f"    client id     {world.config.hubspot_client_id}   secret  {world.config.hubspot_client_secret}",
        ]
    return "\n".join(lines)


def run(options: Options) -> None:
    """Fill a sandbox and serve it until Ctrl-C or SIGTERM.

    Raises PortInUse when the port is taken, and what `build` raises; nothing is left running then.
    """
    with _until_asked_to_end():
        world, told = build(options)
        server = SandboxServer(world)
        try:
            server.start()
            if options.announce is not None:
                options.announce(welcome(world, told))
            signal.pause()
        finally:
            server.stop()
