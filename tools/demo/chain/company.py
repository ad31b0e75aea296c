"""A chain of shops that never was: its places, its items, what lies where, generated from a seed.

Everything is drawn from random numbers that a name and the seed decide, so that one place more
changes nothing about the others.
"""
import math
import random
from dataclasses import dataclass, field

NAME = "Quillfeather Homeware"
CARRIERS = ("Larkpost", "Heron Freight", "Pennant Parcels")

_BEGINNINGS = ("Ald", "Brack", "Cold", "Dun", "Elm", "Fair", "Gris", "Hart", "Ivel", "Kest", "Lang",
               "Mere", "Nether", "Oaken", "Pens", "Quar", "Rush", "Stan", "Thorn", "Wid")
_ENDINGS = ("bourne", "combe", "den", "ford", "gate", "holme", "mouth", "stow", "thorpe", "wick")
_FIRST_NAMES = ("Ada", "Bram", "Cleo", "Dov", "Elsa", "Finn", "Greta", "Hugo", "Ines", "Jonas",
                "Kaya", "Leo", "Mina", "Noor", "Otis", "Pia", "Rosa", "Sami", "Tess", "Yara")
_LAST_NAMES = ("Ashdown", "Birk", "Calder", "Dray", "Ember", "Fenn", "Gale", "Holm", "Isley", "Jute",
               "Kirk", "Lund", "Moss", "Nye", "Orrin", "Pike", "Quint", "Rowe", "Sedge", "Tarn")
_THINGS = {"mug": 9, "teapot": 28, "bowl": 11, "plate": 10, "vase": 24, "jug": 19, "candle": 14,
           "lantern": 36, "cushion": 26, "blanket": 58, "rug": 95, "lamp": 72, "clock": 64,
           "mirror": 88, "basket": 22, "tray": 17, "stool": 79, "throw": 45, "apron": 16, "kite": 21}
_RANGES = ("Harbour", "Meadow", "Moor", "Orchard", "Dune", "Fell", "Hearth", "Garden", "Winter",
           "Lark")
_COLOURS = ("amber", "chalk", "ink", "moss", "oat", "plum", "rust", "sea", "slate", "straw")


def chance(*key):
    """Random numbers that only the key decides."""
    return random.Random("|".join(str(part) for part in key))


@dataclass
class Place:
    code: str
    name: str
    kind: str
    latitude: float
    longitude: float
    size: float
    time_zone: str = "Europe/London"
    franchise: bool = False
    ships: bool = True
    stock: dict = field(default_factory=dict)
    staff: tuple = ()

    @property
    def is_store(self):
        return self.kind == "STORE"

    def coordinates(self):
        return {"latitude": self.latitude, "longitude": self.longitude}

    def location(self):
        """As the API takes it."""
        hours = []
        if self.is_store:
            opens, closes = (9, 20) if self.size > 1 else (9, 18)
            hours = [{"weekday": day, "open_minute": opens * 60, "close_minute": closes * 60}
                     for day in range(1, 7)] + [
                         {"weekday": 7, "open_minute": 600, "close_minute": 960}]
        return {
            "code": self.code, "name": self.name, "kind": f"LOCATION_KIND_{self.kind}",
            "address": {"city": self.name.split(",")[0], "country_code":
                        "IE" if self.time_zone == "Europe/Dublin" else "GB"},
            "coordinates": self.coordinates(), "time_zone": self.time_zone,
            "opening_hours": hours, "sells_at_till": self.is_store, "ships": self.ships,
            "hands_over_pickups": self.is_store, "takes_returns": True,
            "daily_ship_capacity": round(25 * self.size) if self.is_store else 5000,
            "safety_stock": 1 if self.is_store else 0,
            "pickup_accept_minutes": 30, "pickup_ready_minutes": 120,
            "pickup_hold_minutes": 4320 if self.franchise else 10080,
            "ship_minutes": 1440 if self.is_store else 360}


@dataclass
class Item:
    sku: str
    name: str
    barcode: str
    price: int  # pence
    demand: float  # how much it is wanted, in parts of all demand


def _barcode(number):
    digits = f"200{number:09d}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return digits + str(-total % 10)


class Company:
    def __init__(self, seed, stores, items, warehouses=3):
        self.seed = seed
        self.items = self._items(items)
        self.by_sku = {item.sku: item for item in self.items}
        self._weights = [item.demand for item in self.items]
        self.stores, self.warehouses = [], []
        self._places(stores, warehouses)
        self.places = self.warehouses + self.stores
        self.by_code = {place.code: place for place in self.places}
        for place in self.places:
            self._fill(place)

    def random(self, *key):
        return chance(self.seed, *key)

    # -- what there is ---------------------------------------------------------------------------

    def _items(self, count):
        kinds = [(thing, series, colour) for thing in _THINGS for series in _RANGES
                 for colour in _COLOURS]
        draw = self.random("items")
        draw.shuffle(kinds)
        found = []
        for rank, (thing, series, colour) in enumerate(kinds[:count]):
            price = _THINGS[thing] * 100 * draw.uniform(0.8, 1.6)
            found.append(Item(f"{thing}-{series}-{colour}".upper(), f"{series} {thing}, {colour}",
                              _barcode(rank + 1), int(price / 50) * 50 + 45, 1 / (rank + 8) ** 0.75))
        total = sum(item.demand for item in found)
        for item in found:
            item.demand /= total
        return found

    def _places(self, stores, warehouses):
        towns = [beginning + ending for beginning in _BEGINNINGS for ending in _ENDINGS]
        self.random("towns").shuffle(towns)
        for number, town in enumerate(towns[:warehouses + stores]):
            draw = self.random("place", town)
            is_store = number >= warehouses
            abroad = is_store and number % 11 == 5  # across the sea
            place = Place(
                town[:8].upper() if is_store else f"{town[:5].upper()}-WH",
                f"{town}, {'the store' if is_store else 'the warehouse'}",
                "STORE" if is_store else "WAREHOUSE",
                round(draw.uniform(51, 56), 4),
                round(draw.uniform(-8.5, -6.5) if abroad else draw.uniform(-3.5, 0.5), 4),
                draw.choice((0.6, 0.8, 1.0, 1.0, 1.4, 2.0)) if is_store else 8,
                time_zone="Europe/Dublin" if abroad else "Europe/London",
                franchise=is_store and number == warehouses + stores // 2,
                ships=not is_store or draw.random() < 0.75,
                staff=tuple(draw.sample(_FIRST_NAMES, 2)))
            (self.stores if is_store else self.warehouses).append(place)

    def _fill(self, place):
        """What lies there in the morning: a warehouse has nearly everything, a store a part."""
        draw = self.random("stock", place.code)
        for rank, item in enumerate(self.items):
            if place.is_store:
                kept = draw.random() < 0.3 + 0.25 * place.size or rank < len(self.items) / 20
                quantity = draw.randint(0, 4) + round(place.size * 250 * item.demand)
            else:
                kept = draw.random() < 0.9
                quantity = draw.randint(2, 20) + round(1500 * item.demand)
            if kept and quantity:
                place.stock[item.sku] = quantity

    def shelf(self, place, sku):
        draw = self.random("shelf", place.code, sku)
        return f"{draw.choice('ABCDEF')}-{draw.randint(1, 24):02d}-{draw.randint(1, 5)}"

    # -- who comes -------------------------------------------------------------------------------

    def wanted(self, draw, count):
        """SKUs that a customer would like, popular ones more often, none twice."""
        found = {}
        while len(found) < min(count, len(self.items)):
            item = draw.choices(self.items, self._weights)[0]
            found[item.sku] = item
        return list(found.values())

    @staticmethod
    def customer(draw):
        name = f"{draw.choice(_FIRST_NAMES)} {draw.choice(_LAST_NAMES)}"
        return f"{name} {draw.randint(1, 99)}"

    def home(self, draw):
        """Where a customer lives: near one of the stores."""
        near = draw.choice(self.stores)
        return {"latitude": near.latitude + draw.gauss(0, 0.15),
                "longitude": near.longitude + draw.gauss(0, 0.2)}

    def nearest_store(self, home):
        return min(self.stores, key=lambda store: math.hypot(
            store.latitude - home["latitude"], (store.longitude - home["longitude"]) * 0.6))


def money(pence):
    return {"minor_units": pence, "currency_code": "GBP"}


def set_up(company, book):
    """Tells the service of all of it."""
    book.all("PutLocation", [{"location": place.location()} for place in company.places])
    codes = [place.code for place in company.places]
    book.one("PutLocationGroup", location_group={
        "code": "everywhere", "name": "Warehouses, then stores", "locations": codes})
    book.one("PutLocationGroup", location_group={
        "code": "warehouses", "name": "Warehouses", "locations": codes[:len(company.warehouses)]})
    # A franchise hands over what the web shop sold of its stock, but the web shop may not drain it.
    franchises = [{"location": store.code, "method": f"FULFILMENT_METHOD_{method}"}
                  for store in company.stores if store.franchise
                  for method in ("SHIP", "SHIP_TO_STORE")]
    for channel in (
            {"code": "web", "name": "Web shop", "kind": "CHANNEL_KIND_WEB",
             "plans_shipments": True, "strategy": "SOURCING_STRATEGY_NEAREST",
             "exclusions": franchises, "delivery_days": 1, "delivery_km_per_day": 400},
            {"code": "till", "name": "Tills", "kind": "CHANNEL_KIND_TILL", "plans_shipments": True,
             "strategy": "SOURCING_STRATEGY_MOST_STOCK"},
            {"code": "phone", "name": "Customers on the phone", "kind": "CHANNEL_KIND_CALL_CENTRE",
             "location_group": "warehouses", "strategy": "SOURCING_STRATEGY_BALANCED"}):
        book.one("PutChannel", channel={"location_group": "everywhere", **channel})
    book.all("PutItem", [{"item": {"sku": item.sku, "name": item.name, "aliases": [item.barcode]}}
                         for item in company.items])
    book.all("ReceiveStock", [{"location": place.code, "reference": "the morning's stock", "lines": [
        {"sku": sku, "quantity": quantity} for sku, quantity in place.stock.items()]}
        for place in company.places])
    book.all("SetShelf", [{"location": place.code, "lines": [
        {"sku": sku, "shelf": company.shelf(place, sku)} for sku in place.stock]}
        for place in company.places])
    best = company.items[:max(3, len(company.items) // 40)]
    book.all("SetSafetyStock", [{"location": store.code, "lines": [
        {"sku": item.sku, "quantity": 2} for item in best if item.sku in store.stock]}
        for store in company.stores])
    for place in company.warehouses:
        book.one("SetQuota", location=place.code, channel="web", lines=[
            {"sku": item.sku, "quantity": place.stock[item.sku] // 3} for item in best
            if item.sku in place.stock])
