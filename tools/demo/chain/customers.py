"""The customers of the day, in stores, on the web and on the phone."""
import time

from client import Refused
from company import CARRIERS, money

CARRY_OUT, SHIP, PICKUP, SHIP_TO_STORE = (f"FULFILMENT_METHOD_{name}" for name in (
    "CARRY_OUT", "SHIP", "PICKUP", "SHIP_TO_STORE"))
RUSH = {9: 5, 10: 8, 11: 11, 12: 15, 13: 13, 14: 9, 15: 9, 16: 11, 17: 15, 18: 12, 19: 7, 20: 5}
BASKETS_EXPIRE_AT = 13
A_DAY = {"till": 100, "web": 36, "phone": 3, "basket": 8, "return": 5}  # for each store


class Customers:
    def __init__(self, company, book, diary):
        self.company, self.book, self.diary = company, book, diary
        self.orders = {}  # id: as last answered, of those that may still change
        self.forgotten = []
        self.held = []  # baskets: (what becomes of it, where, its request, it)

    def _each(self, hour, what, stores, where=""):
        """Random numbers of their own for everybody who comes in this hour."""
        count = A_DAY[what] * stores * RUSH[hour] / sum(RUSH.values())
        for number in range(round(count)):
            yield f"{hour:02d}{number:03d}", self.company.random(what, where, hour, number)

    def _orders(self, name, requests, what):
        """Places orders. What the book refuses for want of stock is counted and answered None."""
        answers = self.book.wave([(name, fields) for fields in requests])
        for fields, answer in zip(requests, answers):
            if not isinstance(answer, Refused):
                self.diary.placed(answer.order)
            elif answer.reason == "OUT_OF_STOCK":
                self.diary.add(f"refused: {what}")
                answer = None
            else:
                raise answer
            yield fields, answer

    def _line(self, item, quantity, method, **more):
        return {"sku": item.sku, "quantity": quantity, "unit_price": money(item.price),
                "method": method, **more}

    # -- in the stores ---------------------------------------------------------------------------

    def tills(self, hour):
        orders, seen = [], []
        for store in self.company.stores:
            for number, draw in self._each(hour, "till", store.size, store.code):
                wanted = self.company.wanted(draw, draw.choice((1, 1, 1, 2, 2, 3)))
                found = [self._till_line(store, item, draw) for item in wanted]
                lines = [line for line, _ in found if line]
                if lines:
                    seen.append([(line, taken) for line, taken in found if "otherwise" in line])
                    orders.append({
                        "channel": "till", "reference": f"{store.code}-{number}", "lines": lines,
                        "customer": self.company.customer(draw), "allow_partial": True,
                        "worker": draw.choice(store.staff),
                        "sourcing": {"destination": store.coordinates()}})
        answers = self._orders("PlaceOrder", orders, "at a till")
        for doubtful, (_, answer) in zip(seen, answers):
            carried = {line.sku: line.ordered for line in answer.order.lines
                       if line.method == 2} if answer else {}
            for line, taken in doubtful:  # what was not carried out after all lies there still
                self.diary.shelves.put(line["location"], line["sku"],
                                       taken - carried.get(line["sku"], 0))
            if carried:
                self.diary.finished[hour].append(answer.order.id)

    def _till_line(self, store, item, draw):
        """Off the shelf where it lies there; else the assistant finds it elsewhere, in the same call
        (endless aisle), if the customer wants to wait for it. The line, and what was on the shelf."""
        wanted = draw.choice((1, 1, 1, 1, 2, 3))
        taken = self.diary.shelves.take(store.code, item.sku, wanted)
        if taken < wanted and draw.random() < 0.6 and not self.diary.shelves.unsure(store, item):
            method = draw.choice((SHIP, SHIP, SHIP_TO_STORE))
            line = self._line(item, wanted, CARRY_OUT, location=store.code, otherwise=method)
            if method == SHIP_TO_STORE:
                line["pickup_location"] = store.code
            return line, taken
        if not taken:
            return {}, 0
        line = self._line(item, taken, CARRY_OUT, location=store.code)
        return {**line, "sku": item.barcode}, taken  # as the till scans it

    # -- on the web and on the phone -------------------------------------------------------------

    def web(self, hour):
        orders = []
        for number, draw in self._each(hour, "web", len(self.company.stores)):
            home = self.company.home(draw)
            near = self.company.nearest_store(home).code
            kind = draw.choices(("ship", "fetch", "fetch near", "to store", "both"),
                                (56, 12, 14, 9, 9))[0]
            lines = []
            for item in self.company.wanted(draw, draw.choice((1, 1, 2, 2, 3, 4))):
                method, more = SHIP, {}
                if kind.startswith("fetch") or kind == "both" and lines:
                    method, more = PICKUP, {"location": near} if kind == "fetch near" else {}
                elif kind == "to store":
                    method, more = SHIP_TO_STORE, {"pickup_location": near}
                lines.append(self._line(item, draw.choice((1, 1, 1, 2, 3)), method, **more))
            orders.append({
                "channel": "web", "reference": f"WEB-{number}", "lines": lines,
                "customer": self.company.customer(draw), "allow_partial": draw.random() < 0.1,
                "sourcing": {"destination": home}})
        self._ask(orders)
        placed = list(self._orders("PlaceOrder", orders, "on the web, as asked first"))
        again = []
        for fields, answer in placed:
            if answer:
                self.orders[answer.order.id] = answer.order
            else:  # what cannot be had there, or so much of it, may come by post, in part
                for line in fields["lines"]:
                    line.update(method=SHIP, location="", pickup_location="")
                again.append({**fields, "allow_partial": True})
        for fields, answer in self._orders("PlaceOrder", again, "on the web, for good"):
            if answer:
                self.orders[answer.order.id] = answer.order
                self.diary.add("refused as asked, then sent", 1)

    def _ask(self, orders):
        """Every fifth asks before she orders what she would get, and when."""
        asked = [{"channel": "web", "lines": [
            {"sku": line["sku"], "quantity": line["quantity"]} for line in fields["lines"]],
            "method": fields["lines"][0]["method"], "near": fields["sourcing"]["destination"],
            "pickup_location": fields["lines"][0].get("pickup_location", ""),
            "options": fields["sourcing"], "explain": True} for fields in orders[::5]]
        for answer in self.book.all("Promise", asked):
            self.diary.add("promises asked")
            self.diary.add("promises complete", any(option.complete for option in answer.options))

    def phone(self, hour):
        """The call centre's orders go through the order's own steps, or a shipment made by hand."""
        orders = []
        for number, draw in self._each(hour, "phone", len(self.company.stores)):
            lines = [self._line(item, draw.randint(1, 3), SHIP)
                     for item in self.company.wanted(draw, draw.randint(1, 3))]
            orders.append({
                "channel": "phone", "reference": f"PHONE-{number}", "lines": lines,
                "customer": self.company.customer(draw), "worker": draw.choice(("Vera", "Wim")),
                "sourcing": {"strategy": "SOURCING_STRATEGY_FEWEST_PARCELS"}})
        placed = [answer.order for _, answer in self._orders(
            "PlaceOrder", orders, "on the phone") if answer]
        by_hand, by_order = placed[::2], [{"order_id": order.id} for order in placed[1::2]]
        self.book.all("CreateShipment", [
            {"order_id": order.id, "location": location, "worker": "Vera"} for order in by_hand
            for location in sorted({allocation.location for line in order.lines
                                    for allocation in line.allocations})])
        doubtful = by_order[::4]  # each of these steps has its inverse
        self.book.all("DeallocateOrder", doubtful)
        self.book.all("AllocateOrder", doubtful)
        self.book.all("PickOrder", by_order)
        self.book.all("PutBackOrder", doubtful)
        self.book.all("PickOrder", doubtful)
        for answer in self.book.all("ShipOrder", [
                {**order, "carrier": CARRIERS[0], "tracking": f"P{hour}-{number}"}
                for number, order in enumerate(by_order)]):
            self.diary.finished[hour].append(answer.order.id)
            for line in answer.order.lines:
                for allocation in line.allocations:
                    self.diary.shelves.take(allocation.location, line.sku, allocation.fulfilled)

    # -- baskets -----------------------------------------------------------------------------------

    def hold_baskets(self, hour):
        """On the web, for now; what becomes of each is decided an hour later."""
        holds = []
        for number, draw in self._each(hour, "basket", len(self.company.stores)):
            end = draw.choices(("send", "till", "mixed", "replace", "give up", "forget"),
                               (35, 25, 10, 10, 10, 10))[0]
            store = draw.choice(self.company.stores)
            items = self.company.wanted(draw, draw.choice((1, 2, 2, 3)))
            if end == "till":
                items = [item for item in items if not self.diary.shelves.unsure(store, item)
                         and self.diary.shelves.there[store.code][item.sku] > 3]
            forgets = end == "forget" and hour == BASKETS_EXPIRE_AT
            if items:
                holds.append((end, store, {
                    "owner": f"basket-{number}", "customer": self.company.customer(draw),
                    "channel": "web", "allow_partial": end != "till",
                    "hold_for": "1s" if forgets else "1800s", "lines": [
                        {"sku": item.sku, "quantity": draw.choice((1, 1, 2)),
                         "location": store.code if end == "till" else ""} for item in items]}))
        answers = self.book.wave([("Reserve", fields) for _, _, fields in holds])
        held = []
        for (end, store, fields), answer in zip(holds, answers):
            if isinstance(answer, Refused):
                if answer.reason != "OUT_OF_STOCK":
                    raise answer
                self.diary.add("refused: in a basket")
                continue
            self.diary.add("baskets held")
            held.append((end, store, fields, answer.reservation))
        self.held = held
        self.book.all("ExtendReservation", [
            {"reservation_id": basket.id, "hold_for": "3600s"}
            for end, _, _, basket in held[::6] if end != "forget"])
        if hour == BASKETS_EXPIRE_AT:
            self.forgotten = [basket.id for end, _, _, basket in held if end == "forget"]
            self._wait_for_expiry()

    def _wait_for_expiry(self):
        waiting = self.forgotten
        while waiting:
            time.sleep(0.2)
            answers = self.book.all("GetReservation", [{"reservation_id": id} for id in waiting])
            waiting = [answer.reservation.id for answer in answers if answer.reservation.status == 1]
        self.diary.add("baskets expired", len(self.forgotten))

    def decide_baskets(self, hour):
        confirmed, given_up = [], []
        for end, store, fields, basket in self.held:
            confirm = {"reservation_id": basket.id, "method": SHIP, "prices": [
                {"sku": line.sku, "unit_price": money(self.company.by_sku[line.sku].price)}
                for line in basket.lines], "reference": "WEB-" + fields["owner"]}
            if end in ("send", "mixed"):
                fetched = [line for line in basket.lines[:1] if end == "mixed"
                           and self.company.by_code[line.location].is_store]
                confirmed.append({**confirm, "lines": [
                    {"sku": line.sku, "location": line.location, "method": PICKUP}
                    for line in fetched]})
            elif end == "replace":
                answer = self.book.wave([("ReplaceReservation", {
                    "reservation_id": basket.id, "allow_partial": True, "lines": [
                        {"sku": line.sku, "quantity": 1} for line in basket.lines]})])[0]
                if isinstance(answer, Refused):
                    raise answer
                self.diary.add("baskets changed")
                confirmed.append(confirm)
            elif end == "till" and self._hand_over(store, basket):
                confirmed.append({**confirm, "channel": "till", "method": CARRY_OUT,
                                  "worker": store.staff[0]})
            elif basket.id not in self.forgotten:
                given_up.append({"reservation_id": basket.id, "note": "the customer gave it up"})
        for _, answer in self._orders("ConfirmReservation", confirmed, "basket"):
            at_till = answer.order.channel == "till"
            self.diary.add("baskets bought at a till" if at_till else "baskets bought on the web")
            if at_till:
                self.diary.finished[hour].append(answer.order.id)
        self.book.all("ReleaseReservation", given_up)
        self.diary.add("baskets given up", len(given_up))
        self.held = []

    def _hand_over(self, store, basket):
        """The till finds the basket by its customer; it is there unless another took it."""
        found = self.book.one("ListReservations", customer=basket.customer).reservations
        there = self.diary.shelves.there[store.code]
        if basket.id not in [held.id for held in found] or any(
                there[line.sku] < line.quantity for line in basket.lines):
            return False
        for line in basket.lines:
            self.diary.shelves.take(store.code, line.sku, line.quantity)
        return True

    # -- second thoughts ---------------------------------------------------------------------------

    def change_their_minds(self):
        """Of those who ordered on the web up to an hour ago some want more, less, or nothing."""
        calls = []
        for order in self.orders.values():
            draw = self.company.random("mind", order.reference)
            line = draw.choice(order.lines)
            what = draw.choices((None, "more", "less", "add", "cancel", "cancel line"),
                                (84, 4, 3, 3, 3, 3))[0]
            if what == "more":
                calls.append(("AmendOrder", {"order_id": order.id, "allow_partial": True, "lines": [
                    {"line": line.line, "quantity": str(line.ordered + 1)}]}))
            elif what == "less" and line.ordered > 1:
                calls.append(("AmendOrder", {"order_id": order.id, "lines": [
                    {"line": line.line, "quantity": str(line.ordered - 1)}]}))
            elif what == "add":
                item = self.company.wanted(draw, 1)[0]
                calls.append(("AmendOrder", {"order_id": order.id, "add": [
                    self._line(item, 1, SHIP)], "note": "forgot it"}))
            elif what == "cancel":
                calls.append(("CancelOrderLines", {"order_id": order.id, "note": "not needed"}))
            elif what == "cancel line":
                calls.append(("CancelOrderLines", {"order_id": order.id, "lines": [
                    {"line": line.line, "quantity": line.ordered}]}))
        for (name, _), answer in zip(calls, self.book.wave(calls)):
            amended = name == "AmendOrder"
            if not isinstance(answer, Refused):
                self.diary.add("orders amended" if amended else "orders cancelled")
                if any(line.open for line in answer.order.lines):
                    self.diary.undecided.add(answer.order.id)
            elif answer.reason in ("WRONG_STATUS", "LINE_QUANTITY_EXCEEDED", "OUT_OF_STOCK"):
                self.diary.add("too late, or none left, for second thoughts")
            else:
                raise answer
        self.orders = {}

    # -- returns -----------------------------------------------------------------------------------

    def bring_back(self, hour):
        """To any store, whichever sold it and however."""
        bought = [order for past in range(hour - 1) for order in self.diary.finished[past]]
        visits = []
        for number, draw in self._each(hour, "return", len(self.company.stores)):
            if bought:
                visits.append((draw, draw.choice(bought), draw.choice(self.company.stores).code))
        orders = self.book.all("GetOrder", [{"order_id": order} for _, order, _ in visits])
        seen, returns = set(), []
        for (draw, order_id, place), answer in zip(visits, orders):
            lines = [line for line in answer.order.lines if line.fulfilled > line.returned]
            if not lines or order_id in seen:
                continue
            seen.add(order_id)
            disposition = draw.choices(("RESTOCK", "DAMAGED", "DESTROYED", "UNSPECIFIED"),
                                       (60, 10, 5, 25))[0]
            returns.append({"location": place, "channel": "till", "order_id": order_id, "lines": [
                {"order_line": draw.choice(lines).line, "quantity": 1,
                 "disposition": f"DISPOSITION_{disposition}"}]})
        draw = self.company.random("blind", hour)
        item = self.company.wanted(draw, 1)[0]
        returns.append({"location": draw.choice(self.company.stores).code, "channel": "till",
                        "note": "no receipt", "lines": [
                            {"sku": item.sku, "quantity": 1, "unit_price": money(item.price // 2),
                             "disposition": "DISPOSITION_RESTOCK"}]})
        inspections = []
        for answer in self.book.all("CreateReturn", returns):
            back = answer.goods_return
            self.diary.add("returns")
            for line in back.lines:
                self.diary.shelves.put(back.location, line.sku, line.restocked)
                self.diary.add("units returned", line.quantity)
                if line.waiting:
                    sound = self.company.random("inspect", back.customer, line.sku).random() < 0.7
                    inspections.append({"return_id": back.id, "lines": [
                        {"line": line.line, "quantity": line.waiting, "disposition":
                         "DISPOSITION_RESTOCK" if sound else "DISPOSITION_DAMAGED"}]})
        for answer in self.book.all("InspectReturn", inspections):
            back = answer.goods_return
            for line in back.lines:
                self.diary.shelves.put(back.location, line.sku, line.restocked)
