"""What the demo knows by itself, beside the book: what people saw and were answered, and what really
lies on the shelves. The summary holds the book against it."""
from collections import Counter, defaultdict


class Shelves:
    """What really lies on each shelf; in some places thieves and muddles made it other than the book
    says, which nobody knows before somebody looks for it."""

    def __init__(self, company):
        self.there = {place.code: Counter(place.stock) for place in company.places}
        self.differs = set()
        self.missing = 0
        for place in company.stores:
            draw = company.random("shrinkage", place.code)
            for sku, quantity in place.stock.items():
                if draw.random() < 0.015:
                    gone = draw.randint(1, quantity)
                    self.there[place.code][sku] -= gone
                    self.missing += gone
                    self.differs.add((place.code, sku))

    def unsure(self, place, item):
        return (place.code, item.sku) in self.differs

    def take(self, place, sku, wanted):
        """As many as there are of what is wanted."""
        taken = max(0, min(wanted, self.there[place][sku]))
        self.there[place][sku] -= taken
        return taken

    def put(self, place, sku, quantity):
        self.there[place][sku] += quantity


class Diary:
    def __init__(self, company):
        self.shelves = Shelves(company)
        self.counts = Counter()
        self.orders = {}  # id: the hour in which it was placed
        self.undecided = set()  # orders with something open
        self.finished = defaultdict(list)  # hour: orders of which a customer has the goods
        self.stories = []  # orders with which something unusual happened
        self.hour = 0

    def add(self, what, quantity=1):
        self.counts[what] += quantity

    def placed(self, order):
        self.orders[order.id] = self.hour
        if any(line.open for line in order.lines):
            self.undecided.add(order.id)

    def resourced(self, order_id, answer, short):
        """What became of units that a place could not deliver."""
        names = {1: "open", 2: "another place", 3: "a transfer", 4: "cancelled"}
        for part in answer.resourced:
            self.add(f"{'short' if short else 'given up'}: {names[part.remedy]}", part.quantity)
            if part.remedy == 1:
                self.undecided.add(order_id)
            if part.remedy in (2, 3):
                self.stories.append(order_id)
