"""The office: goods come in, stores that ran low are filled up, and what is open is decided."""
from client import Refused


class Office:
    def __init__(self, company, book, diary):
        self.company, self.book, self.diary = company, book, diary

    def receive(self):
        """The morning's lorry: a part waits for its inspection, and some of it breaks."""
        for place in self.company.warehouses:
            draw = self.company.random("lorry", place.code)
            lines = [{"sku": item.sku, "quantity": draw.randint(5, 40)}
                     for item in self.company.wanted(draw, 20)]
            checked = [{**line, "quantity": 2, "state": "STOCK_STATE_QUALITY_CONTROL"}
                       for line in lines[:3]]
            broken = {"sku": lines[0]["sku"], "quantity": -1}
            self.book.one("ReceiveStock", location=place.code, lines=lines + checked)
            self.book.one("ChangeStockState", location=place.code, note="sound", lines=[
                {"sku": line["sku"], "quantity": 2, "from_state": line["state"],
                 "to_state": "STOCK_STATE_AVAILABLE"} for line in checked])
            self.book.one("AdjustStock", location=place.code, lines=[broken],
                          reason="MOVEMENT_REASON_BREAKAGE", note="fell off the lift")
            for line in lines + checked + [broken]:
                self.diary.shelves.put(place.code, line["sku"], line["quantity"])

    def fill_up(self, hour):
        """Transfers from the warehouses to stores that ran low, and a few from store to store."""
        requests = []
        for store in self.company.stores:
            draw = self.company.random("fill up", hour, store.code)
            there = self.diary.shelves.there[store.code]
            low = [sku for sku, quantity in store.stock.items()
                   if quantity > 3 and there[sku] < quantity / 3][:15]
            if low:
                source = draw.choice(self.company.warehouses)
                approved = draw.random() < 0.6
                requests.append({
                    "source": source.code, "destination": store.code, "worker": "Vera",
                    "approve": approved, "allow_partial": approved,
                    "reference": f"FILL-{hour}-{store.code}", "lines": [
                        {"sku": sku, "quantity": store.stock[sku] - max(0, there[sku])}
                        for sku in low]})
            neighbour = draw.choice(self.company.stores)
            if neighbour is not store and draw.random() < 0.15:
                sku = draw.choice(list(neighbour.stock))
                requests.append({
                    "source": neighbour.code, "destination": store.code,
                    "reference": f"SWAP-{hour}-{store.code}",
                    "lines": [{"sku": sku, "quantity": 1}]})
        dropped = []
        for fields, answer in zip(requests, self.book.wave(
                [("RequestTransfer", fields) for fields in requests])):
            if isinstance(answer, Refused):
                if answer.reason != "OUT_OF_STOCK":
                    raise answer
                self.diary.add("refused: transfers")
                continue
            draw = self.company.random("drop", fields["reference"]).random()
            if draw < 0.04:
                dropped.append(("CancelTransfer", {"transfer_id": answer.transfer.id}))
            elif draw < 0.1 and answer.transfer.status == 2:
                dropped.append(("StepBackTransfer", {"transfer_id": answer.transfer.id,
                                                     "note": "not before it is looked at again"}))
        for answer in self.book.wave(dropped):
            if isinstance(answer, Refused):
                raise answer

    def decide(self):
        """What is open on orders: from wherever there is some now, or it does not come."""
        orders = sorted(self.diary.undecided - {""})
        self.diary.undecided.clear()
        # In the order in which they were placed, whatever their ids are.
        orders.sort(key=list(self.diary.orders).index)
        answers = self.book.wave([("AllocateOrder", {"order_id": order, "allow_partial": True})
                                  for order in orders])
        left = []
        for order, answer in zip(orders, answers):
            if not isinstance(answer, Refused):
                self.diary.add("open orders allocated after all")
                left.append(answer.order)
            elif answer.reason not in ("OUT_OF_STOCK", "WRONG_STATUS", "LINE_QUANTITY_EXCEEDED"):
                raise answer
            elif answer.reason == "OUT_OF_STOCK":
                left.append(self.book.one("GetOrder", order_id=order).order)
        for order in left:
            lines = [{"line": line.line, "quantity": line.open} for line in order.lines if line.open]
            if lines:
                self.book.one("CancelOrderLines", order_id=order.id, lines=lines,
                              note="there is no more of it")
                self.diary.add("units nobody had", sum(line["quantity"] for line in lines))
