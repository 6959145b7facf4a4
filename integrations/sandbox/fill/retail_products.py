"""What kind of thing a gift retailer's stock code is, told from its description alone."""

from __future__ import annotations

import re

# Stock codes that stand for a charge or a correction, not for goods (seen in the data; none begins with five digits).
_CHARGES = re.compile(r"^(POST|DOT|M|D|S|B|C2|C3|CRUK|BANK CHARGES|AMAZONFEE|ADJUST\d*|TEST\d*)$")

OTHER = "Other"
# The first type with a word in the title wins, so the telling words stand before the loose ones.
_TYPES: tuple[tuple[str, str], ...] = (
    ("Gift Vouchers", "GIFT VOUCHER"),
    ("Christmas", "CHRISTMAS|XMAS|ADVENT|SANTA|REINDEER|SNOWFLAKE|BAUBLE|NATIVITY|SNOWMAN"),
    ("Bags", "BAG|HANDBAG|LUGGAGE|SHOPPER|PURSE|SATCHEL|RUCKSACK|BACKPACK|SUITCASE|TOTE"),
    ("Candles", "CANDLE|T-LIGHT|TEALIGHT|T LIGHT|INCENSE|VOTIVE"),
    ("Lights", "LIGHT|LAMP|LANTERN|CHANDELIER|FAIRY"),
    ("Mugs & Cups", "MUG|CUP|BEAKER|TEA SET|TEACUP|EGG CUP"),
    ("Clocks", "CLOCK|ALARM"),
    ("Cushions", "CUSHION|PILLOW|STOOL|THROW|BLANKET|QUILT|BEAN BAG"),
    ("Signs", "SIGN|PLAQUE|BLACKBOARD|CHALKBOARD|MEMO BOARD|MEMOBOARD|NOTICEBOARD"),
    ("Cards & Wrap", "CARD|WRAP|RIBBON|GIFT TAPE|TISSUE|POSTER|STICKER|GIFT TAG|PAPER CHAIN"),
    ("Boxes & Tins", "BOX|TIN|CABINET|DRAWER|JAR|TRINKET POT|CRATE|BASKET|CHEST|STORAGE"),
    ("Jewellery", "NECKLACE|BRACELET|EARRING|RING |BROOCH|BANGLE|PENDANT|JEWEL|HAIR|CHARM|BEAD|DIAMANTE|LARIAT"),
    (
        "Stationery",
        "PEN|PENCIL|POCKET BOOK|ADDRESS BOOK|BOOKCOVER|MEMO|MAGNET|NOTEBOOK|JOURNAL|STATIONERY|ERASER|SKETCHBOOK|CALENDAR|PASSPORT|ALBUM|CHALK|DIARY|RULER",
    ),
    ("Toys", "TOY|GAME|DOLL|PUZZLE|CRAYON|PAINT|SPACEBOY|SOLDIER|PLAYING|TEDDY|JIGSAW|BALLOON|YO-YO|SKIPPING|PLAYHOUSE"),
    (
        "Kitchen",
        "CAKE|KITCHEN|BAKING|JUG|PLATE|BOWL|SPOON|TRAY|COASTER|APRON|LUNCH|OVEN|TOWEL|RECIPE|JELLY|NAPKIN|CUTLERY|BOTTLE|TEAPOT|SALT|"
        "PANTRY|DISH|GLASS|BISCUIT|CLOTH|TEA|COFFEE|DOILEY|BREAD|FOOD|SPICE|PLACEMAT|POT HOLDER|PICNIC|SCALES",
    ),
    ("Garden", "GARDEN|PLANT|WATERING|BIRD|FLOWER|PARASOL|HERB|SEED|WINDMILL|UMBRELLA|TROWEL|THERMOMETER"),
    (
        "Home Decor",
        "FRAME|MIRROR|HOOK|HANGER|DOORMAT|DOOR MAT|RUG|DECORATION|BUNTING|GARLAND|WREATH|HEART|WICKER|DOORSTOP|CURTAIN|ORNAMENT|VASE|"
        "DRAUGHT|RACK|SHELF|KNOB|HOLDER|SET OF|FELTCRAFT|HOT WATER",
    ),
)
TYPES = (*(name for name, _ in _TYPES), OTHER)
_PATTERNS = tuple((name, re.compile(rf"\b({words})")) for name, words in _TYPES)


def is_charge(stock_code: str) -> bool:
    """Whether the code (upper case) stands for postage, a fee, a discount or another entry that is not goods."""
    return _CHARGES.match(stock_code) is not None


def product_type(title: str) -> str:
    """The kind of goods a title speaks of, `OTHER` when no word of it is known."""
    upper = title.upper()
    return next((name for name, pattern in _PATTERNS if pattern.search(upper)), OTHER)
