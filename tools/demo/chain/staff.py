"""The people in stores and warehouses: they claim what is to be done and do it, with what they really
find on their shelves."""
from collections import Counter

from client import Refused
from company import CARRIERS

KINDS = {"ACCEPT": 1, "PICK": 2, "MAKE_READY": 3, "PACK": 4, "SHIP": 5, "PUT_BACK": 7, "APPROVE": 8,
         "DISPATCH": 9, "RECEIVE": 10, "RECOUNT": 11}  # of WorkKind, as they are done in an hour
TURNS_MAX = 200
PICKUP = 13  # of DocumentKind
REMEDIES = ("RE_SOURCE", "RE_SOURCE", "TRANSFER", "CANCEL", "OPEN")


class Staff:
    def __init__(self, company, book, diary):
        self.company, self.book, self.diary = company, book, diary
        self.seen = Counter()  # how often each document came by, for each kind of work
        self.ready = {}  # pickup: (its code, since when, its order's key, units)
        self.on_the_road = []  # shipments, by the hour in which they left
        self.given_up = set()  # references; what another place gave up is done by the next one
        self.ship = 0

    def work(self, hour):
        """True when there was any."""
        before = self.diary.counts["work done"]
        self.diary.add("units short", sum(-level.available for level in self.book.pages(
            "ListShortages", "levels", [{}])))
        for kind in KINDS:
            self._work_on(kind, hour)
        return self.diary.counts["work done"] > before

    def _work_on(self, kind, hour):
        """Two people at each place take turns until nothing is left to do."""
        turn, busy = 0, [place.code for place in self.company.places]
        while True:
            busy = self._with_work(kind, busy)
            if not busy:
                return
            workers = {code: self.company.by_code[code].staff[turn % 2] for code in busy}
            claims = self.book.all("ClaimWork", [
                {"location": code, "kind": f"WORK_KIND_{kind}", "worker": workers[code], "most": 100}
                for code in busy])
            jobs = [(work, workers[work.location]) for claim in claims for work in claim.work]
            jobs.sort(key=lambda job: self._key(job[0]))
            if turn == 0:
                self._meddle(kind, jobs)
            self._do(kind, jobs, hour)
            turn += 1
            if turn > TURNS_MAX:
                raise AssertionError(f"there is no end of {kind}: {jobs}")

    def _with_work(self, kind, places):
        number = KINDS[kind]
        answers = self.book.all("SummariseWork", [{"location": code} for code in places])
        return [code for code, answer in zip(places, answers)
                if any(summary.kind == number for summary in answer.kinds)]

    def _do(self, kind, jobs, hour):
        calls = []
        for work, worker in jobs:
            self.seen[kind, work.document_id] += 1
            self.diary.add("work done")
            self.diary.add(f"work: {kind}")
            calls += [(work, name, {**fields, "worker": worker})
                      for name, fields in getattr(self, "_" + kind.lower())(work, hour)]
        answers = self.book.wave([(name, fields) for _, name, fields in calls])
        for (work, name, fields), answer in zip(calls, answers):
            if not isinstance(answer, Refused):
                self._learn(work, name, fields, answer, hour)
            elif name == "ApproveTransfer" and answer.reason == "OUT_OF_STOCK":
                self.book.one("CancelTransfer", transfer_id=work.document_id)
            else:
                raise answer

    def _meddle(self, kind, jobs):
        """Somebody tries what another has claimed; and somebody is called away and gives hers back."""
        if kind == "PICK" and jobs:
            work, _ = jobs[0]
            name, key = (("PickPickup", "pickup_id") if work.document_kind == PICKUP
                         else ("PickShipment", "shipment_id"))
            answer = self.book.wave([(name, {key: work.document_id, "worker": "somebody else"})])[0]
            if not isinstance(answer, Refused) or answer.reason != "WORK_CLAIMED":
                raise AssertionError(f"claimed work was done by somebody else: {answer}")
            self.diary.add("claims kept")
        if kind == "PACK" and jobs:
            work, worker = jobs[-1]
            given_back = {"location": work.location, "worker": worker,
                          "document_ids": [work.document_id]}
            self.book.one("ReleaseWork", **given_back)
            self.book.one("ClaimWork", location=work.location, kind="WORK_KIND_PACK", worker=worker,
                          document_ids=[work.document_id])

    @staticmethod
    def _key(work):
        """The same for the same document in each run, whatever its id."""
        lines = sorted(f"{line.sku}:{line.quantity}" for line in work.lines)
        return work.location, work.reference, work.customer, *lines

    def _draw(self, work, step):
        return self.company.random(step, *self._key(work))

    def _may_give_up(self, work):
        before = len(self.given_up)
        self.given_up.add(work.reference)
        return len(self.given_up) > before

    # -- what is done, by the kind of work: the calls ----------------------------------------------

    def _accept(self, work, _):
        pickup = {"pickup_id": work.document_id}
        draw = self._draw(work, "accept").random()
        if draw < 0.02 and self._may_give_up(work):  # too much to do
            return [("CancelPickup", {**pickup, "remedy": "SHORT_REMEDY_RE_SOURCE"})]
        if draw < 0.04:  # the wrong one
            return [("AcceptPickup", pickup), ("StepBackPickup", pickup), ("AcceptPickup", pickup)]
        return [("AcceptPickup", pickup)]

    def _pick(self, work, hour):
        name, key = (("PickPickup", "pickup_id") if work.document_kind == PICKUP
                     else ("PickShipment", "shipment_id"))
        document = {key: work.document_id}
        draw = self._draw(work, "pick")
        lines = [line for line in work.lines if line.quantity]
        units = sum(line.quantity for line in lines)
        if name == "PickShipment" and self.seen["PICK", work.document_id] == 1:
            if units > 1 and draw.random() < 0.03:
                return [("SplitShipment", {**document, "lines": [
                    {"line": lines[0].line, "quantity": 1}]})]
            if draw.random() < 0.02 and self._may_give_up(work):
                return [("CancelShipment", {**document, "remedy": "SHORT_REMEDY_RE_SOURCE"})]
        picked, short = [], False
        for line in lines:
            there = self.diary.shelves.take(work.location, line.sku, line.quantity)
            broken = there > 0 and draw.random() < 0.008
            short = short or broken or there < line.quantity
            picked.append({"line": line.line, "picked": there - broken,
                           "short": line.quantity - there + broken})
            if picked[-1]["short"]:
                picked[-1]["reason"] = ("SHORT_REASON_DAMAGED" if broken and there == line.quantity
                                        else "SHORT_REASON_NOT_FOUND")
                if broken and there < line.quantity:  # found behind the others, after all
                    self.diary.shelves.put(work.location, line.sku, 1)
        remedy = draw.choice(REMEDIES)
        if remedy == "TRANSFER" and name == "PickShipment":
            remedy = "RE_SOURCE"
        return [(name, {**document, "lines": picked, **(
            {"remedy": f"SHORT_REMEDY_{remedy}"} if short else {})})]

    def _make_ready(self, work, hour):
        return [("ReadyPickup", {"pickup_id": work.document_id})]

    def _pack(self, work, _):
        shipment = {"shipment_id": work.document_id}
        draw = self._draw(work, "pack")
        pack = ("PackShipment", {**shipment, "parcels": 1 + (draw.random() < 0.05)})
        if draw.random() < 0.02:  # the wrong box
            return [pack, ("StepBackShipment", shipment), pack]
        return [pack]

    def _ship(self, work, _):
        self.ship += 1
        return [("ShipShipment", {"shipment_id": work.document_id, "carrier": self._draw(
            work, "carrier").choice(CARRIERS), "tracking": f"QF{self.ship:06d}"})]

    def _put_back(self, work, _):
        for line in work.lines:
            self.diary.shelves.put(work.location, line.sku, line.quantity)
        return [("PutBackPickup", {"pickup_id": work.document_id})
                if work.document_kind == PICKUP else
                ("PutBackShipment", {"shipment_id": work.document_id})]

    def _approve(self, work, _):
        return [("ApproveTransfer", {"transfer_id": work.document_id, "allow_partial": True})]

    def _dispatch(self, work, _):
        lines = []
        for line in work.lines:
            there = self.diary.shelves.take(work.location, line.sku, line.quantity)
            lines.append({"line": line.line, "quantity": there, "short": line.quantity - there})
            if there < line.quantity:
                lines[-1]["reason"] = "SHORT_REASON_NOT_FOUND"
                self.diary.undecided.add(work.order_id)
        return [("DispatchTransfer", {"transfer_id": work.document_id, "lines": lines,
                                      "carrier": "own van", "final": True})]

    def _receive(self, work, _):
        """Most transfers arrive as they were sent; the others short, over, broken, or in parts."""
        transfer = {"transfer_id": work.document_id}
        again = self.seen["RECEIVE", work.document_id] > 1
        draw = self._draw(work, "receive")
        how = draw.choices(("whole", "parts", "short", "over", "broken", "back"),
                           (62, 10, 9, 9, 6, 4))[0]
        if work.order_id and how in ("over", "back"):
            how = "whole"
        if how == "short" and again:
            reason = draw.choice(("LOST", "DAMAGED", "MISCOUNTED"))
            return [("CloseTransfer", {**transfer, "reason": f"TRANSFER_LOSS_REASON_{reason}",
                                       "note": "not in the van"})]
        if how == "back":
            return [("CancelTransfer", {**transfer, "write_off": draw.random() < 0.3,
                                        "note": "the store is closed"})]
        lines = [{"line": line.line, "received": line.quantity, "damaged": 0}
                 for line in work.lines]
        first = lines[0]
        if how == "parts" and not again:
            for line in lines:
                line["received"] -= line["received"] // 2
        elif how == "short":
            first["received"] -= 1
        elif how == "over":
            first["received"] += 1
        elif how == "broken":
            first.update(received=first["received"] - 1, damaged=1)
        if not any(line["received"] or line["damaged"] for line in lines):
            return [("CloseTransfer", {**transfer, "reason": "TRANSFER_LOSS_REASON_LOST"})]
        skus = {line.line: line.sku for line in work.lines}
        for line in lines:
            self.diary.shelves.put(work.location, skus[line["line"]], line["received"])
        return [("ReceiveTransfer", {**transfer, "lines": lines})]

    def _recount(self, work, _):
        """Everything of a SKU is counted: on the shelf, set aside, broken, in the corner."""
        calls = []
        for line in work.lines:
            level = self.book.client.level(line.sku, work.location)
            there = self.diary.shelves.there[work.location][line.sku]
            aside = level.picked + level.damaged + level.quality_control + level.on_hold
            calls.append(("RecordRecount", {"location": work.location, "sku": line.sku,
                                            "on_hand": there + aside}))
        return calls

    # -- what is learned from the answers ----------------------------------------------------------

    def _learn(self, work, name, fields, answer, hour):
        if hasattr(answer, "resourced"):
            self.diary.resourced(work.order_id, answer, name.startswith("Pick"))
        if name == "ReadyPickup":
            pickup = answer.pickup
            self.ready[pickup.id] = (answer.code, hour, f"{pickup.reference}|{pickup.location}",
                                     {line.line: line.picked for line in pickup.lines})
        elif name == "ShipShipment":
            self.on_the_road.append((hour, answer.shipment))
        elif name == "CloseTransfer" and "MISCOUNTED" in fields["reason"] or (
                name == "CancelTransfer" and not fields.get("write_off")):
            for line in answer.transfer.lines:
                self.diary.shelves.put(answer.transfer.source, line.sku, line.returned)
        elif name == "SplitShipment":
            self.diary.add("shipments split")
