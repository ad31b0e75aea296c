"""A session from Python: operations in, answers out, in any order.

    with Session(book) as session:
        session.send("ListStock", sku="A")
        answers = session.answers(1)

An answer is the response's message, or Refused as of a single call. close() half-closes; the rest
of the answers and the stream's status then come from finish().
"""
import queue

import grpc

from client import METHODS, MESSAGES, Client, Refused, TIMEOUT_S

PATH = "/stockbook.v1.SessionService/Session"
REQUEST = MESSAGES["stockbook.v1.SessionRequest"]
OPERATION = MESSAGES["stockbook.v1.SessionOperation"]
RESPONSE = MESSAGES["stockbook.v1.SessionResponse"]


class _Status:
    """Of an answer, as grpc.RpcError tells it of a call."""

    def __init__(self, answer):
        self.answer = answer

    def code(self):
        return next(code for code in grpc.StatusCode if code.value[0] == self.answer.status.code)

    def details(self):
        return self.answer.status.message

    def trailing_metadata(self):
        return [("grpc-status-details-bin", self.answer.status.SerializeToString()),
                ("stockbook-request-tag", self.answer.request_tag)]


class Session:
    def __init__(self, book, timeout=TIMEOUT_S):
        self.requests = queue.SimpleQueue()
        self.stream = book.channel.stream_stream(
            PATH, request_serializer=lambda request: request if isinstance(request, bytes)
            else request.SerializeToString(), response_deserializer=RESPONSE.FromString)(
                iter(self.requests.get, None), timeout=timeout, metadata=book.metadata)
        self.methods = {}
        self.messages = 0
        self.waiting = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
        self.stream.cancel()

    def operation(self, name, /, timeout=None, request=None, **fields):
        """One operation with the next number. A request given as bytes goes out as it is, and so
        does a name that is not a method's alone."""
        number = len(self.methods) + 1
        made = OPERATION(number=number, method=name)
        if name in METHODS and "/" not in name:
            method = METHODS[name]
            made.method = method.path.removeprefix("/stockbook.v1.")
            if request is None:
                request = Client.request(name, **fields).SerializeToString()
        made.request = request or b""
        if timeout is not None:
            made.timeout.FromMilliseconds(round(timeout * 1000))
        self.methods[number] = made.method
        return made

    def write(self, *operations):
        """All of them in one message."""
        self.requests.put(REQUEST(operations=operations))

    def send(self, name, /, **fields):
        operation = self.operation(name, **fields)
        self.write(operation)
        return operation.number

    def close(self):
        self.requests.put(None)

    def _take(self, answer):
        path = f"/stockbook.v1.{self.methods[answer.number]}"
        if answer.WhichOneof("outcome") == "status":
            return answer.number, Refused(_Status(answer), path)
        return answer.number, METHODS[path].response.FromString(answer.response)

    def answers(self, count):
        """The next answers, by their numbers, in the order in which they came."""
        found = {}
        while len(found) < count:
            while not self.waiting:
                self._read()
            number, answer = self.waiting.pop(0)
            assert number not in found, f"operation {number} was answered twice"
            found[number] = answer
        return found

    def answer(self, number):
        found = self.answers(1)
        assert list(found) == [number], found
        if isinstance(found[number], Refused):
            raise found[number]
        return found[number]

    def _read(self):
        try:
            message = next(self.stream)
        except grpc.RpcError as error:
            raise Refused(error, PATH) from None
        self.messages += 1
        self.waiting += [self._take(answer) for answer in message.answers]

    def call(self, name, /, **fields):
        """Like a single call, when nothing else is in flight."""
        return self.answer(self.send(name, **fields))

    def finish(self):
        """The answers that are left; raises Refused when the stream does not end with OK."""
        found = {}
        while True:
            try:
                self._read()
            except StopIteration:
                break
            finally:
                found.update(self.waiting)
                self.waiting = []
        assert self.stream.code() == grpc.StatusCode.OK, self.stream.details()
        return found
