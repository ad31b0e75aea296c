"""What the day was, for the shop's owner: read from the book again, and held against the ledger and
against what people were told and saw."""
import textwrap
from collections import Counter, defaultdict

METHODS = {2: "carried out", 1: "sent", 3: "fetched", 4: "sent to the store"}
CHANNELS = {"till": "tills", "web": "web shop", "phone": "phone"}
SUPPLIER, CUSTOMER, LOSS, BETWEEN = 9, 10, 11, 12
SHIP, SALE, FOUND, SHORT_PICK, RECOUNT, COLLECT, PARCEL_LOST = 9, 10, 16, 22, 23, 24, 25
PICKUP, SHIPMENT, TRANSFER = 13, 14, 15


class Records:
    """Everything of the day as the book has it."""

    def __init__(self, company, book, diary):
        self.company = company
        places = [place.code for place in company.places]
        self.orders = [answer.order for answer in book.all(
            "GetOrder", [{"order_id": order} for order in diary.orders])]
        self.levels = book.pages("ListStock", "levels", [{"location": code} for code in places])
        self.movements = book.pages("ListMovements", "movements",
                                    [{"location": code} for code in places])
        self.pickups = self._documents(book, "Pickup", places, range(1, 10))
        self.shipments = self._documents(book, "Shipment", places, range(1, 9))
        self.transfers = self._documents(book, "Transfer", places, range(1, 8), "source")
        # What a carrier lost was at no place any more.
        self.movements += book.pages("ListMovements", "movements", [
            {"document_id": shipment.id} for shipment in self.shipments if shipment.status == 6])
        unique = {(moved.part, moved.sequence): moved for moved in self.movements}
        self.movements = list(unique.values())

    @staticmethod
    def _documents(book, kind, places, statuses, side="location"):
        return book.pages(f"List{kind}s", f"{kind.lower()}s", [
            {side: code, "status": status} for code in places for status in statuses])

    def moved(self, **wanted):
        return sum(moved.quantity for moved in self.movements
                   if all(getattr(moved, name) == value for name, value in wanted.items()))

    def kind(self, code):
        return "stores" if self.company.by_code[code].is_store else "warehouses"


def table(title, heads, rows):
    """The first column to the left, figures to the right; a last row of sums where it is named so."""
    cells = [[cell if isinstance(cell, str) else f"{cell:,}" for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in [heads] + cells) for column in range(len(heads))]
    print(f"\n{title}\n")
    for row in [heads] + cells:
        print("  " + "  ".join(cell.rjust(width) if column else cell.ljust(width) for column, (
            cell, width) in enumerate(zip(row, widths))).rstrip())


def total(rows):
    return ["total"] + [sum(column) for column in list(zip(*rows))[1:]]


def pounds(pence):
    return f"{pence / 100:,.2f}"


def sold(records):
    """By channel and by the way to the customer."""
    found = defaultdict(lambda: [0] * 6)
    for order in records.orders:
        for method in {line.method for line in order.lines}:
            found[order.channel, method][0] += 1
        for line in order.lines:
            row = found[order.channel, line.method]
            row[1] += line.ordered
            row[2] += line.cancelled
            row[3] += line.ordered - line.cancelled - line.fulfilled
            row[4] += line.fulfilled
            row[5] += line.fulfilled * line.unit_price.minor_units
    rows = [[f"{CHANNELS[channel]}, {METHODS[method]}"] + found[channel, method]
            for channel in CHANNELS for method in METHODS if (channel, method) in found]
    rows.append(total(rows))
    rows[-1][1] = len(records.orders)  # an order that goes several ways stands in several rows
    table("What was sold, in units; an order that goes several ways is one in the total", ["", "orders", "ordered", "cancelled", "under way", "sold", "GBP"],
          [row[:-1] + [pounds(row[-1])] for row in rows])


def ways(records, diary):
    """What each way to the customer did."""
    counts = diary.counts
    parcels = Counter(shipment.status for shipment in records.shipments)
    pickups = Counter(pickup.status for pickup in records.pickups)
    by_name = sum(1 for pickup in records.pickups if pickup.collected_by)
    tied = sum(1 for transfer in records.transfers if transfer.order_id)
    units = Counter()
    for transfer in records.transfers:
        for line in transfer.lines:
            for name in ("received", "damaged", "lost", "returned", "over"):
                units[name] += getattr(line, name)
    short = sum(count for what, count in counts.items() if what.startswith("short: "))
    told = {
        "parcels": f"{sum(parcels[status] for status in (4, 5, 6)):,} left, {parcels[5]:,} were "
                   f"delivered, {parcels[6]:,} lost ({counts['lost parcels replaced']:,} of them "
                   f"replaced); {parcels[8]:,} were called off before they left",
        "pickups": f"{pickups[7]:,} collected ({by_name:,} of them by identification), {pickups[6]:,} "
                   f"wait for their customers, {pickups[9]:,} came to nothing "
                   f"({counts['pickups expired']:,} of them expired); "
                   f"{counts['visits: locked']:,} codes were locked after five wrong ones",
        "transfers": f"{len(records.transfers):,}, of which {tied:,} for customers who wait; "
                     f"{units['received']:,} units arrived, {units['damaged']:,} broken, "
                     f"{units['lost']:,} lost, {units['returned']:,} went back, "
                     f"{units['over']:,} came on top",
        "baskets": f"{counts['baskets held']:,} held on the web: {counts['baskets bought on the web']:,}"
                   f" bought there, {counts['baskets bought at a till']:,} at a till, "
                   f"{counts['baskets given up']:,} given up, {counts['baskets expired']:,} expired",
        "orders": f"{counts['orders amended']:,} amended, {counts['orders cancelled']:,} cancelled in "
                  f"whole or in part; {counts['promises asked']:,} promises asked for, "
                  f"{counts['promises complete']:,} of everything",
        "returns": f"{counts['returns']:,}, {counts['units returned']:,} units, at any store",
        "people": f"{counts['work done']:,} pieces of work, each claimed by one person; {short:,} "
                  f"units were not found or broken, {counts['work: RECOUNT']:,} recounts",
    }
    print("\nWhat each way to the customer did\n")
    for name, sentence in told.items():
        print(textwrap.fill(sentence, 98, initial_indent=f"  {name:11}", subsequent_indent=13 * " "))


def saved(records, diary):
    """What one store or one warehouse alone would have lost."""
    counts = diary.counts
    aisle = [(order, line) for order in records.orders if order.channel == "till"
             for line in order.lines if line.method != 2]
    value = sum((line.ordered - line.cancelled) * line.unit_price.minor_units for _, line in aisle)
    split = sum(1 for order in records.orders if order.channel != "till" and len(
        {allocation.location for line in order.lines for allocation in line.allocations}) > 1)
    elsewhere = counts["short: another place"] + counts["given up: another place"]
    table("What one place alone would have lost", ["", "orders", "units"], [
        ["sold at a till from another place's stock (endless aisle)",
         len({order.id for order, _ in aisle}), sum(line.ordered for _, line in aisle)],
        ["sent or handed over by more than one place", split, ""],
        ["not had as asked at first, then sent", counts["refused as asked, then sent"], ""],
        ["not found, or given up by its place, then had from another", "", elsewhere],
        ["not found, or given up by its place, then brought there", "",
         counts["short: a transfer"] + counts["given up: a transfer"]],
        ["open for a while, then found after all", counts["open orders allocated after all"], ""],
        ["lost by a carrier, then replaced", counts["lost parcels replaced"],
         counts["lost units replaced"]]])
    print(f"\n  The endless aisle alone is worth {pounds(value)} GBP. Lost for good:"
          f" {counts['units nobody had']:,} units that nobody had any more,\n "
          f" {counts['short: cancelled']:,} that a picker did not find and nobody waited for.")


def stock(records):
    """By kind of place: what came, what went, what is there; returns whether it adds up."""
    columns = {SUPPLIER: 1, CUSTOMER: 2, LOSS: 3, BETWEEN: 4}
    rows = {kind: [kind] + [0] * 9 for kind in ("warehouses", "stores")}
    for moved in records.movements:
        if moved.to_location and not moved.from_location:
            rows[records.kind(moved.to_location)][columns[moved.from_state]] += moved.quantity
        elif moved.from_location and not moved.to_location:
            row = rows[records.kind(moved.from_location)]
            row[{CUSTOMER: 5, LOSS: 6, BETWEEN: 7}[moved.to_state]] -= moved.quantity
    for level in records.levels:
        row = rows[records.kind(level.location)]
        row[8] += level.on_hand + level.in_transit
        row[9] += level.allocated + level.picked + level.reserved
    rows = list(rows.values())
    rows.append(total(rows))
    table("Stock, in units", ["", "received", "came back", "found", "from others", "sold and sent",
                              "lost, broken", "to others", "is there", "promised"], rows)
    return all(sum(row[1:8]) == row[8] for row in rows)


def hours(records, diary):
    """Sales by the hour in which they were ordered."""
    found = defaultdict(Counter)
    for order in records.orders:
        found[diary.orders[order.id]][order.channel] += sum(
            line.ordered - line.cancelled for line in order.lines)
    most = max(sum(found[hour].values()) for hour in found)
    print("\nUnits by the hour of their order (# tills, + web shop, . phone)\n")
    for hour in sorted(found):
        bar = "".join(mark * round(found[hour][channel] * 60 / most)
                      for channel, mark in (("till", "#"), ("web", "+"), ("phone", ".")))
        print(f"  {hour:2d}:00 {sum(found[hour].values()):7,}  {bar}")
    return sum(sum(channels.values()) for channels in found.values())


def story(book, diary):
    """One order with which not everything went well, as the book tells it."""
    for order in diary.stories:
        events = book.one("GetOrderHistory", order_id=order).events
        if 8 <= len(events) <= 16:
            break
    else:
        return
    kinds = {9: "order", PICKUP: "pickup", SHIPMENT: "shipment", TRANSFER: "transfer"}
    reference = book.one("GetOrder", order_id=order).order.reference
    print(f"\nOne order's story: {reference}\n")
    for event in events:
        status = " -> ".join(filter(None, (event.status_before, event.status_after)))
        print(f"  {kinds.get(event.document_kind, ''):9} {event.step:14} {event.location:9} "
              f"{status:32} {event.actor.partition('/')[2]}".rstrip())


def checks(records, diary, stock_adds_up, ordered):
    """(What must be equal, the figures)."""
    lines = [line for order in records.orders for line in order.lines]
    got = Counter()
    for line in lines:
        got[line.method] += line.fulfilled
    lost = records.moved(reason=PARCEL_LOST)
    levels = records.levels
    aside = sum(level.picked + level.damaged + level.quality_control + level.on_hold
                for level in levels)
    there = sum(sum(shelf.values()) for shelf in diary.shelves.there.values())
    noticed = (records.moved(reason=SHORT_PICK, to_state=LOSS)
               + records.moved(reason=RECOUNT, to_state=LOSS)
               - records.moved(reason=RECOUNT, from_state=LOSS)
               - sum(moved.quantity for moved in records.movements if moved.reason == FOUND
                     and moved.document_kind != TRANSFER))
    franchises = {place.code for place in records.company.stores if place.franchise}
    yield "carried out: orders, ledger", got[2], records.moved(reason=SALE)
    yield "sent and not lost: orders, ledger", got[1], records.moved(reason=SHIP) - lost
    yield "collected: orders, ledger", got[3] + got[4], records.moved(reason=COLLECT)
    yield "all that went to customers and was not lost: orders, ledger", sum(got.values()), records.moved(to_state=CUSTOMER) - lost
    yield "ordered and not cancelled: lines, by hour", sum(
        line.ordered - line.cancelled for line in lines), ordered
    yield "lines: ordered, and what became of it", sum(line.ordered for line in lines), sum(
        line.open + line.allocated + line.picked + line.fulfilled + line.cancelled for line in lines)
    yield "not found or broken: what pickers said, ledger", sum(
        count for what, count in diary.counts.items() if what.startswith("short: ")), sum(
            records.moved(reason=SHORT_PICK, document_kind=kind) for kind in (PICKUP, SHIPMENT))
    yield "promised: stock, orders", sum(level.allocated + level.picked for level in levels), sum(
        line.allocated + line.picked for line in lines)
    yield "stock: what came less what went is what is there, by kind of place", stock_adds_up, True
    yield "on hand in the book, and on all the shelves with what nobody missed yet", sum(
        level.on_hand for level in levels), there + aside + diary.shelves.missing - noticed
    yield "in transit or held in baskets at the end of the day: stock, none", sum(
        level.in_transit + level.reserved for level in levels), 0
    yield "parcels of the web shop that a franchise store sent: shipments, none", sum(
        1 for shipment in records.shipments
        if shipment.channel == "web" and shipment.location in franchises), 0


def tell(company, book, diary):
    """Prints it all; true when the book is right and every sum agrees."""
    right, rows = True, 0
    for check in book.client.Verify():
        rows += check.checked
        if check.wrong:
            right = False
            print(f"WRONG: {check.check}: {check.wrong} of {check.checked}: {list(check.findings)}")
    print(f"\n{'The book is right' if right else 'THE BOOK IS WRONG'}: verify looked at {rows:,} rows.")
    records = Records(company, book, diary)
    sold(records)
    hour_sum = hours(records, diary)
    ways(records, diary)
    saved(records, diary)
    adds_up = stock(records)
    shortages = book.pages("ListShortages", "levels", [{}])
    print(f"\n  Tills sold {diary.counts['units short']:,} units that were promised to others; "
          f"{sum(-level.available for level in shortages):,} of them are still to be settled.")
    story(book, diary)
    print("\nSums that must agree\n")
    for what, one, other in checks(records, diary, adds_up, hour_sum):
        right = right and one == other
        print(f"  {'ok   ' if one == other else 'WRONG'} {what}: " + (
            "yes" if other is True and one is True else f"{one:,}" if one == other
            else f"{one:,} is not {other:,}"))
    return right
