"""What the sample store sells: products with types, vendors, tags, taxonomy categories, collections and variants."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from integrations.sandbox.fill import ids
from integrations.sandbox.shopify.state import Collection, Product, Store, Variant


@dataclass(frozen=True, slots=True)
class Range:
    """One kind of product. `category` is a full name in Shopify's product taxonomy (shopify.github.io/product-taxonomy)."""

    product_type: str
    category: str
    nouns: tuple[str, ...]
    low_minor: int
    high_minor: int
    variants: tuple[str, ...]


RANGES = (
    Range("Shoes", "Apparel & Accessories > Shoes", ("Trainer", "Loafer", "Ankle Boot", "Sandal", "Brogue", "Slip-on"), 4500, 13500, ("5", "6", "7", "8")),
    Range(
        "Coats",
        "Apparel & Accessories > Clothing > Outerwear > Coats & Jackets",
        ("Raincoat", "Parka", "Overcoat", "Quilted Jacket"),
        7000,
        21000,
        ("S", "M", "L"),
    ),
    Range("Tops", "Apparel & Accessories > Clothing > Clothing Tops", ("Tee", "Shirt", "Jumper", "Cardigan"), 1800, 6500, ("S", "M", "L")),
    Range("Bags", "Apparel & Accessories > Handbags, Wallets & Cases > Handbags", ("Tote", "Satchel", "Crossbody", "Weekender"), 2900, 11000, ("One",)),
    Range("Jewellery", "Apparel & Accessories > Jewelry", ("Pendant", "Stud Earrings", "Bangle", "Signet Ring"), 1500, 8000, ("Silver", "Gold")),
    Range("Candles", "Home & Garden > Decor > Home Fragrances > Candles", ("Candle", "Tealights", "Pillar Candle"), 700, 3200, ("Fig", "Cedar", "Linen")),
    Range("Mugs", "Home & Garden > Kitchen & Dining > Tableware > Drinkware", ("Mug", "Tumbler", "Espresso Cup"), 800, 2400, ("One",)),
    Range("Throws", "Home & Garden > Linens & Bedding > Bedding > Blankets", ("Throw", "Blanket", "Bedspread"), 3500, 9500, ("Small", "Large")),
    Range("Skincare", "Health & Beauty > Personal Care > Cosmetics > Skin Care", ("Balm", "Face Oil", "Hand Cream"), 900, 4200, ("50 ml", "100 ml")),
    Range("Outdoor", "Sporting Goods > Outdoor Recreation > Camping & Hiking", ("Flask", "Rucksack", "Camp Lantern"), 1900, 8900, ("One",)),
)
PRODUCTS_PER_RANGE = 12
_ADJECTIVES = ("Alder", "Bramble", "Cove", "Dune", "Ember", "Fern", "Gale", "Heath", "Isle", "Juniper", "Kelp", "Lark", "Moss", "North", "Onyx", "Pebble")
_VENDORS = ("Harrowmere", "Tidewell Mills", "Brightfold", "Oakenlow", "Lumenrow", "Fennimore Works", "Saltbarrow", "Quillhaven")
_SHOPPER_TAGS = ("new", "bestseller", "sale", "handmade", "vegan", "gift", "limited")


@dataclass(slots=True)
class Catalogue:
    """The store's products, by type and in all."""

    by_type: dict[str, list[Product]]
    products: list[Product]

    def pick(self, rng: random.Random, favourites: tuple[str, ...], devotion: float) -> Product:
        """A product, from a favourite type with probability `devotion`."""
        if favourites and rng.random() < devotion:
            return rng.choice(self.by_type[rng.choice(favourites)])
        return rng.choice(self.products)


def _price(rng: random.Random, wanted: Range) -> int:
    pounds = round(rng.triangular(wanted.low_minor, wanted.high_minor, wanted.low_minor * 1.4) / 100)
    return pounds * 100 - rng.choice((0, 1, 5, 50))


def stock(rng: random.Random, store: Store, opened: datetime, now: datetime) -> Catalogue:
    """Fill `store` with collections and products, the oldest made when it `opened`, the newest within the last weeks."""
    for name in (*(wanted.product_type for wanted in RANGES), "New in", "Gifts under 25", "Sale"):
        number = ids.next_id(store.collections, ids.COLLECTION)
        store.collections[number] = Collection(number, name.lower().replace(" ", "-"), name)
    by_title = {collection.title: collection.id for collection in store.collections.values()}
    by_type: dict[str, list[Product]] = {}
    products: list[Product] = []
    span = (now - opened).days
    variant_id = ids.VARIANT
    for wanted in RANGES:
        adjectives = rng.sample(_ADJECTIVES, PRODUCTS_PER_RANGE)
        for place, adjective in enumerate(adjectives):
            noun = wanted.nouns[place % len(wanted.nouns)]
            price = _price(rng, wanted)
            # Two thirds were there from the start; the rest came later, two of each range lately.
            age = span if place < 8 else rng.randrange(30, span) if place < 10 else rng.randrange(1, 40)
            made = (now - timedelta(days=age, hours=rng.randrange(24))).replace(microsecond=0)
            tags = sorted(rng.sample(_SHOPPER_TAGS, rng.choice((0, 1, 1, 2, 3))))
            homes = [by_title[wanted.product_type]]
            homes += [by_title["New in"]] if age < 40 else []
            homes += [by_title["Gifts under 25"]] if price < 2500 else []
            homes += [by_title["Sale"]] if "sale" in tags else []
            number = ids.PRODUCT + len(products)
            title = f"{adjective} {noun}"
            handle = title.lower().replace(" ", "-")
            variants = []
            for size in wanted.variants:
                variants.append(Variant(variant_id, f"{adjective[:3]}-{noun[:3]}-{size}".upper().replace(" ", ""), price))
                variant_id += 1
            product = Product(number, handle, title, wanted.product_type, rng.choice(_VENDORS), tags, wanted.category, homes, variants, made, made)
            if place == 7:  # merchants forget the category of some products
                product.category = ""
            store.products[number] = product
            products.append(product)
            by_type.setdefault(wanted.product_type, []).append(product)
    return Catalogue(by_type, products)
