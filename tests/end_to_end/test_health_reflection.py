"""Health and reflection, as foreign tools use them; and clients made by plain protoc."""
import base64
import glob
import json
import os
import signal
import subprocess
import sys

import tap
from client import MESSAGES, METHODS
from google.protobuf import descriptor_pb2
from server import Server, new_directory
from shop import open_shop

HEALTH = "/grpc.health.v1.Health/"
SERVICES = {f"stockbook.v1.{noun}Service" for noun in (
    "Item", "Location", "Channel", "Stock", "Reservation", "Order", "Return", "Ledger", "Token",
    "Server")}

state = {}


def setup():
    server = state["server"] = Server()
    state["book"] = server.client()
    open_shop(state["book"])


def teardown():
    if "server" in state and state["server"].process.poll() is None:
        state["server"].stop()


def test_health_of_the_server_and_of_each_service():
    for service in ("", *SERVICES):
        assert state["book"].health(service) == "SERVING", service


def test_health_of_a_service_that_is_not_there():
    try:
        state["book"].health("stockbook.v1.NoService")
        raise AssertionError("answered")
    except Exception as error:  # pylint: disable=broad-except
        assert getattr(error, "code", None) == "NOT_FOUND", error


def reflect(version, **asked):
    path = f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
    method = METHODS[path]
    call = state["book"].channel.stream_stream(
        path, request_serializer=method.request.SerializeToString,
        response_deserializer=method.response.FromString)
    return list(call(iter([method.request(**asked)]), timeout=30))


def test_reflection_lists_the_services():
    for version in ("v1", "v1alpha"):
        answers = reflect(version, list_services="")
        names = {service.name for answer in answers
                 for service in answer.list_services_response.service}
        assert SERVICES <= names, (version, names)
        assert {"grpc.health.v1.Health", f"grpc.reflection.{version}.ServerReflection"} <= names


def test_reflection_gives_a_symbols_file_with_all_it_needs():
    for symbol in ("stockbook.v1.ReservationService", "stockbook.v1.ReserveRequest",
                   "stockbook.v1.ReservationService.Reserve", "google.protobuf.Timestamp"):
        answer = reflect("v1", file_containing_symbol=symbol)[0]
        files = [descriptor_pb2.FileDescriptorProto.FromString(data)
                 for data in answer.file_descriptor_response.file_descriptor_proto]
        names = {file.name for file in files}
        wanted = "timestamp" if "Timestamp" in symbol else "reservation"
        assert any(wanted in name for name in names), (symbol, names)


def test_reflection_of_what_is_not_there_is_an_error_in_the_stream():
    for asked in ({"file_containing_symbol": "stockbook.v1.Nothing"},
                  {"file_by_filename": "no/such.proto"}):
        answer = reflect("v1", **asked)[0]
        assert answer.error_response.error_code == 5, answer


def test_buf_curl_calls_without_proto_files():
    buf = os.path.join(os.environ["STOCKBOOK_NODE_DIR"], "node_modules", ".bin", "buf")
    if not os.path.exists(buf):
        raise tap.Skip("buf is not installed: tools/dev setup")
    target = f"http://{state['server'].target}"

    def curl(*arguments):
        done = subprocess.run([buf, "curl", "--protocol", "grpc", "--http2-prior-knowledge",
                               *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=60, check=False,
                              env={**os.environ, "HOME": new_directory("buf")})
        return done.returncode, done.stdout, done.stderr

    status, output, errors = curl("--list-services", target)
    assert status == 0, errors
    assert SERVICES <= set(output.split()), output
    status, output, errors = curl("-d", '{"sku": "TEAPOT"}',
                                  f"{target}/stockbook.v1.ItemService/GetItem")
    assert status == 0, errors
    assert json.loads(output)["item"]["sku"] == "TEAPOT", output
    status, output, errors = curl("-d", '{"sku": "NOPE"}',
                                  f"{target}/stockbook.v1.ItemService/GetItem")
    assert status != 0, output
    error = json.loads(errors)
    assert error["code"] == "not_found" and "'NOPE'" in error["message"], error
    assert error["details"][0]["type"] == "google.rpc.ErrorInfo", error
    info = base64.b64decode(error["details"][0]["value"] + "==")
    assert MESSAGES["google.rpc.ErrorInfo"].FromString(info).reason == "ITEM_NOT_FOUND", error


PLAIN_CLIENT = """
import sys, grpc
sys.path[:0] = [sys.argv[1]]
from stockbook.v1 import item_pb2
channel = grpc.insecure_channel(sys.argv[2])
get = channel.unary_unary("/stockbook.v1.ItemService/GetItem",
                          request_serializer=item_pb2.GetItemRequest.SerializeToString,
                          response_deserializer=item_pb2.GetItemResponse.FromString)
print(get(item_pb2.GetItemRequest(sku="TEAPOT"), timeout=30).item.name)
"""


def test_code_that_protoc_makes_for_python_works():
    made, proto = new_directory("made"), os.path.join(os.environ["STOCKBOOK_SOURCE_DIR"], "proto")
    subprocess.run(["protoc", "-I", proto, "--python_out", made,
                    *glob.glob(os.path.join(proto, "stockbook", "v1", "*.proto"))], check=True)
    done = subprocess.run([sys.executable, "-c", PLAIN_CLIENT, made, state["server"].target],
                          stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    assert done.stdout == "teapot\n", done.stdout


def test_health_watch_tells_when_the_server_ends():
    server, book = state["server"], state["book"]
    request = MESSAGES["grpc.health.v1.HealthCheckRequest"]()
    watch = book.stream(HEALTH + "Watch", request)
    said = next(watch)
    assert said.ServingStatus.Name(said.status) == "SERVING"
    server.signal(signal.SIGTERM)
    said = next(watch)
    assert said.ServingStatus.Name(said.status) == "NOT_SERVING", said
    watch.cancel()
    server.check_end(server.wait())


if __name__ == "__main__":
    tap.main()
