"""Where the ways to the customer end: pickups are collected or not, parcels arrive or not."""
import time

from client import Refused


class Arrivals:
    def __init__(self, company, book, diary, staff):
        self.company, self.book, self.diary, self.staff = company, book, diary, staff

    # -- pickups -----------------------------------------------------------------------------------

    def collect(self, hour):
        """Customers come for what was ready an hour ago."""
        come = {pickup: known for pickup, known in self.staff.ready.items() if known[1] < hour}
        visits = []  # (pickup, its order's key, calls one after the other)
        for pickup, (code, _, key, units) in come.items():
            del self.staff.ready[pickup]
            draw = self.company.random("collect", key)
            document = {"pickup_id": pickup}
            with_code = ("CollectPickup", {**document, "code": code, "channel": "till"})
            wrong = ("CollectPickup", {**document, "code": "000000"})
            how = draw.choices(("code", "person", "mistyped", "locked", "part", "later", "not"),
                               (62, 12, 6, 3, 7, 4, 6))[0]
            calls = [with_code]
            if how == "person":
                calls = [("CollectPickup", {**document, "identification": {
                    "name": self.company.customer(draw), "shown": "order confirmation"}})]
            elif how == "mistyped":
                calls = [wrong, with_code]
            elif how == "locked":  # after five wrong ones even the right code does not open it
                calls = [wrong] * 5 + [with_code, ("IssuePickupCode", document)]
            elif how == "part" and sum(units.values()) > 1:
                line = next(line for line, count in units.items() if count)
                calls = [("CollectPickup", {**with_code[1], "lines": [
                    {"line": line, "quantity": 1}]})]
            elif how == "later":
                calls = [("ExtendPickup", {**document, "collect_by": self._at(14 * 86400)})]
            elif how == "not":
                calls = [("CancelPickup", {**document, "note": "bought it elsewhere"})]
            visits.append((pickup, key, calls))
            self.diary.add(f"visits: {how}")
        answers = iter(self.book.wave([call for _, _, calls in visits for call in calls]))
        for pickup, key, calls in visits:
            last = [next(answers) for _ in calls][-1]
            if isinstance(last, Refused):
                raise last
            if calls[-1][0] == "IssuePickupCode":
                self.staff.ready[pickup] = (last.code, hour, key + "|again", {})
            elif last.pickup.status == 7:
                self.diary.finished[hour].append(last.pickup.order_id)

    @staticmethod
    def _at(seconds):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))

    def expire(self):
        """The last hour's pickups that nobody comes for are over; waits until they are swept."""
        late = [pickup for pickup, known in self.staff.ready.items()
                if self.company.random("expire", known[2]).random() < 0.3]
        self.book.all("ExtendPickup", [{"pickup_id": pickup, "collect_by": self._at(2)}
                                       for pickup in late])
        waiting, deadline = late, time.monotonic() + 60
        while waiting:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(waiting)} expired pickups were not swept within a minute")
            time.sleep(0.2)
            answers = self.book.all("GetPickup", [{"pickup_id": pickup} for pickup in waiting])
            waiting = [answer.pickup.id for answer in answers if answer.pickup.status == 6]
        for pickup in late:
            del self.staff.ready[pickup]
        self.diary.add("pickups expired", len(late))

    # -- parcels -----------------------------------------------------------------------------------

    def deliver(self, hour):
        """What left an hour ago arrives, or is lost, and then replaced or paid back."""
        arrives = [shipment for left, shipment in self.staff.on_the_road if left < hour]
        self.staff.on_the_road = [parcel for parcel in self.staff.on_the_road if parcel[0] >= hour]
        calls = []
        for shipment in arrives:
            draw = self.company.random("deliver", shipment.reference, shipment.location,
                                       bool(shipment.replaces))
            if draw.random() < 0.02:
                calls.append(("LoseShipment", {
                    "shipment_id": shipment.id, "note": "the carrier cannot find it", "remedy":
                    "SHORT_REMEDY_" + draw.choice(("RE_SOURCE", "RE_SOURCE", "CANCEL"))}))
            else:
                calls.append(("DeliverShipment", {"shipment_id": shipment.id}))
        for (name, _), shipment, answer in zip(calls, arrives, self.book.wave(calls)):
            if isinstance(answer, Refused):
                raise answer
            if name == "DeliverShipment":
                self.diary.finished[hour].append(shipment.order_id)
                continue
            self.diary.add("parcels lost")
            replaced = [part for part in answer.resourced if part.remedy == 2]
            self.diary.add("lost units replaced", sum(part.quantity for part in replaced))
            self.diary.add("lost parcels replaced", bool(replaced))
            if replaced:
                self.diary.stories.append(shipment.order_id)
            if any(part.remedy == 1 for part in answer.resourced):
                self.diary.undecided.add(shipment.order_id)
