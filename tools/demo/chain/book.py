"""The service as the demo calls it: one session, many calls at once, answers in the order asked."""
import sys

from client import Client, Refused
from session import Session

_AT_ONCE = 256  # of a session's message


class Book:
    def __init__(self, address):
        self.client = Client(address)
        self.session = Session(self.client, timeout=None)
        self.calls = 0

    def close(self):
        self.session.close()
        self.session.stream.cancel()
        self.client.close()

    def wave(self, calls):
        """Each of [(method, fields)] is answered, or refused: the answers in the same order."""
        answers = []
        for start in range(0, len(calls), _AT_ONCE):
            operations = [self.session.operation(name, **fields)
                          for name, fields in calls[start:start + _AT_ONCE]]
            self.session.write(*operations)
            found = self.session.answers(len(operations))
            answers += [found[operation.number] for operation in operations]
        self.calls += len(calls)
        return answers

    def all(self, name, requests):
        """As wave(), of one method, where nothing may be refused."""
        answers = self.wave([(name, fields) for fields in requests])
        for fields, answer in zip(requests, answers):
            if isinstance(answer, Refused):
                print(f"refused: {name} {fields}", file=sys.stderr)
                raise answer
        return answers

    def one(self, name, /, **fields):
        return self.all(name, [fields])[0]

    def pages(self, name, field, requests):
        """Every element of each of these lists."""
        found, waiting = [], list(requests)
        while waiting:
            answers = self.all(name, [{"page_size": 1000, **fields} for fields in waiting])
            for answer in answers:
                found.extend(getattr(answer, field))
            waiting = [{**fields, "page_token": answer.next_page_token}
                       for fields, answer in zip(waiting, answers) if answer.next_page_token]
        return found
