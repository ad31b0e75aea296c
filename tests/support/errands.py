"""What takes several calls: a pickup, a parcel, goods sent to a store for a customer, a transfer,
each ended in one of the ways that there are.

An errand is a generator. It yields a Step, is sent its answer, and yields the next. Nobody else
touches its documents, and there is stock for everything, so that each of its steps is possible, now
or later. A step says how many units it moves, to and from which account of the stock: the sums of
all steps are what the book must hold.
"""

STORES = ("NORTH", "SOUTH")
PLACES = ("WH", *STORES)


class Step:
    def __init__(self, name, moves=None, **fields):
        self.name = name
        self.moves = moves or {}  # {"available": -3, "reserved": 3}
        self.fields = fields


def amount(parts):
    return sum(part["quantity"] for part in parts)


def placed(parts, location, method="SHIP", **more):
    """What is ordered is allocated at the location."""
    return Step("PlaceOrder", {"available": -amount(parts), "allocated": amount(parts)},
                channel="web", lines=[{**part, "location": location, **more,
                                       "method": f"FULFILMENT_METHOD_{method}"} for part in parts])


def picked(name, document, parts, dice):
    """The step, and how many units it picks: all, or one of the first line is not where it should
    be, and the customer does not get it, waits for it, or gets it from elsewhere."""
    units = amount(parts)
    if dice.random() < 0.7:
        return Step(name, {"allocated": -units, "picked": units}, **document), units
    rows = [{"line": number, "picked": part["quantity"]} for number, part in enumerate(parts, 1)]
    rows[0].update(picked=rows[0]["picked"] - 1, short=1, reason="SHORT_REASON_NOT_FOUND")
    remedy = dice.choice(("OPEN", "RE_SOURCE", "CANCEL"))
    elsewhere = int(remedy == "RE_SOURCE")
    return Step(name, {"allocated": elsewhere - units, "available": -elsewhere,
                       "picked": units - 1},
                lines=rows, remedy=f"SHORT_REMEDY_{remedy}", **document), units - 1


def collect(dice, pickup, parts):
    """From a pickup that is REQUESTED to the customer's hands, or back to the shelf."""
    yield Step("AcceptPickup", **pickup)
    step, units = picked("PickPickup", pickup, parts, dice)
    yield step
    if units == 0:
        return  # there is nothing left to fetch
    if dice.random() < 0.7:
        code = (yield Step("ReadyPickup", **pickup)).code
        yield Step("CollectPickup", {"picked": -units}, code=code, channel="till", **pickup)
    else:
        yield Step("CancelPickup", **pickup)
        yield Step("PutBackPickup", {"picked": -units, "available": units}, **pickup)


def fetch(dice, parts):
    answer = yield placed(parts, dice.choice(STORES), "PICKUP")
    pickup = {"pickup_id": answer.pickups[0].id}
    if dice.random() < 0.1:
        yield Step("CancelPickup", {"allocated": -amount(parts), "available": amount(parts)},
                   **pickup)
    else:
        yield from collect(dice, pickup, parts)


def send_to_store(dice, parts):
    units = amount(parts)
    answer = yield placed(parts, "WH", "SHIP_TO_STORE", pickup_location=dice.choice(STORES))
    pickup = {"pickup_id": answer.pickups[0].id}
    transfer = {"transfer_id": answer.transfers[0].id}
    yield Step("DispatchTransfer", {"allocated": -units, "in_transit": units}, **transfer)
    yield Step("ReceiveTransfer", {"in_transit": -units, "allocated": units}, **transfer)
    yield from collect(dice, pickup, parts)


def ship(dice, parts):
    place = dice.choice(PLACES)
    answer = yield placed(parts, place)
    opened = yield Step("CreateShipment", order_id=answer.order.id, location=place)
    shipment = {"shipment_id": opened.shipment.id}
    step, units = picked("PickShipment", shipment, parts, dice)
    yield step
    if units == 0:
        return
    if dice.random() < 0.2:
        yield Step("CancelShipment", **shipment)
        yield Step("PutBackShipment", {"picked": -units, "available": units}, **shipment)
        return
    yield Step("PackShipment", **shipment)
    yield Step("ShipShipment", {"picked": -units}, carrier="Post", tracking="P 1", **shipment)
    if dice.random() < 0.7:
        yield Step("DeliverShipment", **shipment)
    else:  # what is lost is sent again
        yield Step("LoseShipment", {"available": -units, "allocated": units}, **shipment)


def move(dice, parts):
    """A transfer: cancelled, or received in two parts, or received short and closed."""
    units = amount(parts)
    source, destination = dice.sample(PLACES, 2)
    answer = yield Step("RequestTransfer", {"available": -units, "allocated": units}, source=source,
                        destination=destination, approve=True, lines=parts)
    transfer = {"transfer_id": answer.transfer.id}
    if dice.random() < 0.1:
        yield Step("CancelTransfer", {"allocated": -units, "available": units}, **transfer)
        return
    yield Step("DispatchTransfer", {"allocated": -units, "in_transit": units}, **transfer)
    rest = units - parts[0]["quantity"]
    arrived = [{"line": 1, "received": units - rest - 1, "damaged": 1}]
    yield Step("ReceiveTransfer", {"in_transit": rest - units, "available": units - rest - 1,
                                   "damaged": 1}, lines=arrived, **transfer)
    if rest == 0:
        return
    if dice.random() < 0.5:
        yield Step("ReceiveTransfer", {"in_transit": -rest, "available": rest}, **transfer)
    else:
        reason = dice.choice(("LOST", "MISCOUNTED"))
        yield Step("CloseTransfer", {"in_transit": -rest,
                                     "available": rest if reason == "MISCOUNTED" else 0},
                   reason=f"TRANSFER_LOSS_REASON_{reason}", **transfer)


ERRANDS = (fetch, send_to_store, ship, move)
