"""Stockbook from Python, over grpcio, without generated code: messages and stubs are made from the
API's descriptors ($STOCKBOOK_DESCRIPTORS).

    book = Client("127.0.0.1:20000", token="...")
    book.ReceiveStock(location="LEEDS", lines=[{"sku": "A", "quantity": 3}])

A method is called by its name, its fields are given as the JSON mapping of protobuf has them. A
request id is made where the request takes one and none is given. What fails raises Refused.
"""
import os
import uuid

# Tests start processes while calls are under way; gRPC would wait for those to end.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

import grpc  # noqa: E402  pylint: disable=wrong-import-position
from google.protobuf import (  # noqa: E402  pylint: disable=wrong-import-position
    descriptor_pb2, descriptor_pool, json_format, message_factory)

TIMEOUT_S = 60
CHANNEL_OPTIONS = [
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_retries", 0),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 300),
]


class Method:
    def __init__(self, descriptor, request, response):
        self.path = f"/{descriptor.containing_service.full_name}/{descriptor.name}"
        self.name = descriptor.name
        self.request = request
        self.response = response
        self.takes_request_id = "request_id" in request.DESCRIPTOR.fields_by_name
        self.streams = False


def load():
    """Every method by its name and by its full path, every message by its full name."""
    files = descriptor_pb2.FileDescriptorSet()
    with open(os.environ["STOCKBOOK_DESCRIPTORS"], "rb") as file:
        files.ParseFromString(file.read())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    found, kinds = {}, {}
    for file in files.file:
        for kind in file.message_type:
            name = f"{file.package}.{kind.name}"
            kinds[name] = factory.GetPrototype(pool.FindMessageTypeByName(name))
        for service in file.service:
            described = pool.FindServiceByName(f"{file.package}.{service.name}")
            for proto in service.method:
                method = Method(described.methods_by_name[proto.name],
                                kinds[proto.input_type[1:]], kinds[proto.output_type[1:]])
                method.streams = proto.server_streaming
                found[method.path] = method
                if file.package == "stockbook.v1":
                    found[method.name] = method
    return found, kinds


METHODS, MESSAGES = load()


class Refused(Exception):
    """An error as the caller sees it: the code's name, the reason, the metadata, and what was said
    of each wrong field."""

    def __init__(self, error, method):
        super().__init__()
        self.code = error.code().name
        self.message = error.details()
        self.reason = None
        self.domain = None
        self.metadata = {}
        self.fields = {}
        self.retry_after = None
        self.tag = None
        self.detailed = False
        for key, value in error.trailing_metadata() or ():
            if key == "grpc-status-details-bin":
                self._read(value)
            elif key == "stockbook-request-tag":
                self.tag = value
        self.args = (f"{method}: {self.code} {self.reason}: {self.message} "
                     f"{self.fields or ''} {self.metadata or ''}",)

    def _read(self, value):
        self.detailed = True
        status = MESSAGES["google.rpc.Status"].FromString(value)
        assert status.message == self.message, (status.message, self.message)
        for any_message in status.details:
            detail = MESSAGES[any_message.type_url.split("/")[-1]].FromString(any_message.value)
            name = detail.DESCRIPTOR.name
            if name == "ErrorInfo":
                self.reason, self.domain = detail.reason, detail.domain
                self.metadata = dict(detail.metadata)
            elif name == "BadRequest":
                for violation in detail.field_violations:
                    self.fields[violation.field] = violation.description
            elif name == "RetryInfo":
                self.retry_after = detail.retry_delay.ToTimedelta().total_seconds()


class Started:
    """A call under way."""

    def __init__(self, future, method, request):
        self.future = future
        self.method = method
        self.request = request

    def result(self):
        try:
            return self.future.result()
        except grpc.RpcError as error:
            raise Refused(error, self.method.path) from None


def new_id():
    return str(uuid.uuid4())


class Client:
    def __init__(self, target, token=None, credentials=None, options=()):
        options = CHANNEL_OPTIONS + list(options)
        self.channel = (grpc.secure_channel(target, credentials, options) if credentials
                        else grpc.insecure_channel(target, options))
        self.metadata = [("authorization", f"Bearer {token}")] if token else []
        self.stubs = {}

    def close(self):
        self.channel.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @staticmethod
    def request(name, /, **fields):
        method = METHODS[name]
        if method.takes_request_id and "request_id" not in fields:
            fields["request_id"] = new_id()
        return json_format.ParseDict(fields, method.request())

    def _stub(self, method):
        if method.path not in self.stubs:
            make = self.channel.unary_stream if method.streams else self.channel.unary_unary
            self.stubs[method.path] = make(
                method.path,
                request_serializer=lambda request: request if isinstance(request, bytes)
                else request.SerializeToString(),
                response_deserializer=method.response.FromString)
        return self.stubs[method.path]

    def send(self, name, request, timeout=TIMEOUT_S, metadata=None, patient=False):
        """Calls with a message, or with bytes as they are; all messages of one that streams.
        A patient call waits for its server to be there; gRPC carries a connection forward only
        while some call waits for it."""
        method = METHODS[name]
        try:
            answer = self._stub(method)(request, timeout=timeout, wait_for_ready=patient,
                                        metadata=self.metadata if metadata is None else metadata)
            return list(answer) if method.streams else answer
        except grpc.RpcError as error:
            raise Refused(error, method.path) from None

    def start(self, name, request, timeout=TIMEOUT_S):
        """Sends a unary call and returns at once; result() waits."""
        method = METHODS[name]
        return Started(self._stub(method).future(request, timeout=timeout,
                                                 metadata=self.metadata), method, request)

    def stream(self, name, request, timeout=TIMEOUT_S):
        method = METHODS[name]
        return self._stub(method)(request, timeout=timeout, metadata=self.metadata)

    def __getattr__(self, name):
        if name not in METHODS:
            raise AttributeError(name)
        return lambda **fields: self.send(name, self.request(name, **fields))

    # -- what most tests ask ---------------------------------------------------------------------

    def health(self, service="", timeout=5):
        path = "/grpc.health.v1.Health/Check"
        answer = self.send(path, METHODS[path].request(service=service), timeout=timeout)
        return answer.ServingStatus.Name(answer.status)

    def level(self, sku, location):
        """The balances of a SKU at a location; all 0 where it never was."""
        for level in self.ListStock(sku=sku, location=location).levels:
            return level
        return MESSAGES["stockbook.v1.StockLevel"](sku=sku, location=location)

    def available(self, sku, location, **more):
        answer = self.GetAvailability(skus=[sku], locations=[location], **more)
        return answer.availabilities[0].available_to_sell

    def pages(self, name, field, **fields):
        """All elements of a list, page by page."""
        token, found = "", []
        while True:
            answer = getattr(self, name)(page_token=token, **fields)
            found.extend(getattr(answer, field))
            token = answer.next_page_token
            if not token:
                return found

    def verify_clean(self):
        """Proves the book; fails with what is wrong."""
        checks = self.Verify()
        assert checks, "verify made no check"
        assert [check.index for check in checks] == list(range(1, len(checks) + 1)), checks
        assert len(checks) == checks[0].checks, checks
        wrong = [f"{check.check}: {check.wrong} wrong: {list(check.findings)}"
                 for check in checks if check.wrong]
        assert not wrong, "\n".join(wrong)
        return checks


def refused(reason, call, /, *arguments, status=None, field=None, **fields):
    """The error of a call that must be refused for this reason; a field says that it is named."""
    try:
        answer = call(*arguments, **fields)
    except Refused as error:
        assert error.reason == reason, error
        assert error.detailed and error.domain == "stockbook", error
        assert status is None or error.code == status, error
        assert field is None or field in error.fields, error
        assert error.message and not error.message.endswith("."), error
        return error
    raise AssertionError(f"expected {reason}, but was answered: {answer}")
