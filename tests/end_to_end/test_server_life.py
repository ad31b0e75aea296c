"""A server's life: settings, migrations, tokens of the first hour, TLS, starting twice, ending
well."""
import glob
import json
import os
import signal
import socket
import subprocess
import threading
import time

import tap
from client import Client, Refused, grpc, refused
from cluster import Cluster
from server import Server, new_directory, next_port, run, wait_for
from shop import hold_stock, line, open_shop, sql

state = {}


def setup():
    state["cluster"] = Cluster()


def teardown():
    if "cluster" in state:
        state["cluster"].close()


def fresh(name):
    """URI of a new, empty database."""
    cluster = state["cluster"]
    sql(cluster, f"CREATE DATABASE {name}")
    return cluster.uri(name)


def test_help_names_every_setting():
    done = run("--help")
    assert done.returncode == 0, done
    for setting in ("--embedded", "--database", "--listen", "--tls-certificate", "--tls-client-ca",
                    "--drain-ms", "--log-level", "migrate"):
        assert setting in done.stdout, setting
    assert run("--version").stdout.strip().split()[-1][0].isdigit()
    markdown = run("--help-markdown").stdout
    assert "STOCKBOOK_LISTEN" in markdown and "| --- |" in markdown


def test_a_setting_that_is_wrong_is_named():
    for arguments, words in ((("--lanes", "none"), ("lanes", "none")),
                             (("--no-such-flag",), ("--no-such-flag",)),
                             (("--embedded", "a", "--database", "b"), ("embedded", "database")),
                             ((), ("--embedded", "--database")),
                             (("serve-me",), ("serve-me",)),
                             (("--embedded", "x", "--listen", "nowhere"), ("nowhere",)),
                             (("--database", "x", "--insecure-open", "--listen", "0.0.0.0:1"),
                              ("--insecure-remote",)),
                             (("--database", "x", "--listen", "0.0.0.0:1"), ("tls",))):
        done = run(*arguments)
        assert done.returncode not in (0, None) and done.returncode > 0, (arguments, done)
        for word in words:
            assert word in done.stderr, (arguments, done.stderr)


def test_settings_from_the_environment_and_a_file():
    directory = new_directory("settings")
    path = os.path.join(directory, "stockbook.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write("# a comment\nlanes = many\n")
    done = run("--config", path, "--embedded", directory)
    assert done.returncode > 0 and "line 2" in done.stderr and "many" in done.stderr, done
    done = run("--embedded", directory, env={"STOCKBOOK_LANES": "65"})
    assert done.returncode > 0 and "STOCKBOOK_LANES" in done.stderr, done
    # What is set nearer wins.
    done = run("--config", path, "--embedded", directory, "--lanes", "oops",
               env={"STOCKBOOK_LANES": "65"})
    assert "oops" in done.stderr, done


def test_migrate_check_says_what_is_pending():
    uri = fresh("pending")
    done = run("migrate", "--check", "--database", uri)
    assert done.returncode == 1 and "book" in done.stdout + done.stderr, done
    assert sql(uri, "SELECT count(*) FROM pg_namespace WHERE nspname = 'stockbook'") == [["0"]]
    done = run("migrate", "--database", uri)
    assert done.returncode == 0, done
    done = run("migrate", "--check", "--database", uri)
    assert done.returncode == 0, done
    assert run("migrate", "--database", uri).returncode == 0


def test_a_database_newer_than_the_server_is_refused():
    uri = fresh("newer")
    assert run("migrate", "--database", uri).returncode == 0
    sql(uri, "INSERT INTO schema_version (version, name, checksum) VALUES (9999, 'future', 'x')")
    for arguments in (("migrate",), ("migrate", "--check"),
                      ("--insecure-open", "--listen", f"127.0.0.1:{next_port()}")):
        done = run(*arguments, "--database", uri)
        assert done.returncode > 0, done
        words = done.stdout + done.stderr
        assert "9999" in words and "newer" in words, words


def test_two_servers_started_at_once_migrate_once():
    uri = fresh("twice")
    servers = [Server(database=uri, serving=False) for _ in range(3)]
    try:
        for server in servers:
            server.wait_until_serving()
        versions = sql(uri, "SELECT version, count(*) FROM schema_version GROUP BY 1 ORDER BY 1")
        count = len(glob.glob(os.path.join(os.environ["STOCKBOOK_SOURCE_DIR"], "migrations",
                                           "*.sql")))
        assert versions == [[str(number), "1"] for number in range(1, count + 1)], versions
        open_shop(servers[0].client())
        assert servers[2].client().GetItem(sku="TEAPOT").item.sku == "TEAPOT"
    finally:
        for server in servers:
            server.stop()


def test_the_service_may_not_change_the_ledger():
    uri = fresh("rights")
    assert run("migrate", "--database", uri).returncode == 0
    for statement in ("UPDATE movement SET quantity = 1", "DELETE FROM movement",
                      "TRUNCATE movement", "UPDATE change SET step = ''", "DELETE FROM change",
                      "DROP TABLE movement", "CREATE TABLE x (y int)"):
        try:
            sql(uri, f"SET ROLE stockbook_service; {statement}")
            raise AssertionError(f"allowed: {statement}")
        except RuntimeError as error:
            assert "denied" in str(error) or "must be owner" in str(error), error


def test_an_embedded_server_says_that_it_is_open_and_keeps_its_book():
    with Server() as server:
        book = server.client()
        open_shop(book, stock={("TEAPOT", "WH"): 3})
        assert book.GetServerInfo().open
        assert "open" in server.log(), server.log()
        server.stop()
        server.start()
        assert server.client().level("TEAPOT", "WH").available == 3
        server.stop()
        # Its database is stopped with it.
        wait_for(lambda: not postgres_in(server.directory), 10, "the embedded database ends")


def postgres_in(directory):
    found = subprocess.run(["ps", "-eo", "pid=,args="], stdout=subprocess.PIPE, text=True,
                           check=True).stdout
    return [row for row in found.splitlines() if "postgres" in row and f"{directory}/" in row]


def test_the_first_administrator_gets_a_token():
    uri = fresh("first")
    with Server(database=uri, tokens=True) as server:
        token = server.admin_token()
        assert oct(os.stat(server.token_path).st_mode & 0o777) == "0o600"
        assert token not in server.log()
        refused("TOKEN_INVALID", server.client().ListItems, status="UNAUTHENTICATED")
        open_shop(server.client(token))
        assert not server.client(token).GetServerInfo().open
        with Server(database=uri, tokens=True) as second:
            assert not os.path.exists(second.token_path), "one administrator is enough"
            second.client(token).Verify()


def authority(directory, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-keyout", f"{name}.key", "-out", f"{name}.pem"], cwd=directory, check=True,
                   stderr=subprocess.DEVNULL)


def certificate(directory, name, signer):
    subprocess.run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out",
                    f"{name}.csr"], cwd=directory, check=True, stderr=subprocess.DEVNULL)
    with open(os.path.join(directory, f"{name}.ext"), "w", encoding="utf-8") as file:
        file.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    subprocess.run(["openssl", "x509", "-req", "-in", f"{name}.csr", "-CA", f"{signer}.pem",
                    "-CAkey", f"{signer}.key", "-CAcreateserial", "-days", "2", "-extfile",
                    f"{name}.ext", "-out", f"{name}.pem"], cwd=directory, check=True,
                   stderr=subprocess.DEVNULL)


def read(directory, name):
    with open(os.path.join(directory, name), "rb") as file:
        return file.read()


def fails_to_connect(server, credentials):
    with Client(server.target, credentials=credentials) as client:
        try:
            client.health(timeout=3)
            return False
        except Refused as error:
            return error.code in ("UNAVAILABLE", "DEADLINE_EXCEEDED")


def test_tls_and_mutual_tls():
    directory = new_directory("tls")
    authority(directory, "ours")
    authority(directory, "theirs")
    certificate(directory, "server", "ours")
    certificate(directory, "till", "ours")
    certificate(directory, "stranger", "theirs")
    ours = read(directory, "ours.pem")
    tls = ("--tls-certificate", f"{directory}/server.pem", "--tls-key", f"{directory}/server.key")
    trusting = grpc.ssl_channel_credentials(ours)
    uri = fresh("tls")
    with Server(*tls, database=uri, credentials=trusting) as server:
        open_shop(server.client())
        assert fails_to_connect(server, None), "plaintext was accepted"
        assert fails_to_connect(server, grpc.ssl_channel_credentials(
            read(directory, "theirs.pem"))), "the client trusted whom it should not"
    known = grpc.ssl_channel_credentials(ours, read(directory, "till.key"),
                                         read(directory, "till.pem"))
    with Server(*tls, "--tls-client-ca", f"{directory}/ours.pem", database=uri,
                credentials=known) as server:
        assert server.client().GetItem(sku="TEAPOT").item.sku == "TEAPOT"
        assert fails_to_connect(server, trusting), "no certificate was asked for"
        assert fails_to_connect(server, grpc.ssl_channel_credentials(
            ours, read(directory, "stranger.key"), read(directory, "stranger.pem")))


def test_a_certificate_that_cannot_be_read_is_named():
    done = run("--embedded", new_directory("cert"), "--listen", f"127.0.0.1:{next_port()}",
               "--tls-certificate", "/no/such.pem", "--tls-key", "/no/such.key")
    assert done.returncode > 0 and "/no/such" in done.stderr, done


def test_a_port_that_is_taken_is_named():
    with socket.socket() as taken:
        port = next_port()
        taken.bind(("127.0.0.1", port))
        taken.listen()
        done = run("--database", fresh("taken"), "--insecure-open", "--listen",
                   f"127.0.0.1:{port}")
        assert done.returncode > 0 and str(port) in done.stderr, done


def test_a_database_that_is_not_there_is_named():
    done = run("--database", "postgresql://nobody@/nothing?host=/no/such/folder", "--insecure-open",
               "--listen", f"127.0.0.1:{next_port()}")
    assert done.returncode > 0 and "/no/such/folder" in done.stderr, done


def test_calls_in_flight_are_answered_when_the_server_is_told_to_end():
    uri = fresh("drain")
    with Server("--lock-timeout-ms", "20000", database=uri) as server:
        book = server.client()
        open_shop(book, stock={("TEAPOT", "WH"): 50})
        locker = hold_stock(uri, 2)
        calls = [book.start("Reserve", book.request("Reserve", lines=[line("TEAPOT", 1, "WH")]))
                 for _ in range(20)]
        time.sleep(0.5)
        server.signal(signal.SIGTERM)
        time.sleep(0.3)
        assert server.process.poll() is None, "it did not wait for its calls"
        try:
            with server.client() as late:
                late.send("ListItems", late.request("ListItems"), timeout=5)
            raise AssertionError("a new call was taken")
        except Refused as error:
            assert error.code == "UNAVAILABLE", error
        assert all(call.result().reservation.id for call in calls)
        server.check_end(server.wait(20))
        locker.wait()
    assert sql(uri, "SELECT sum(reserved) FROM stock") == [["20"]]


def test_the_end_is_not_waited_for_longer_than_its_bound():
    uri = fresh("bound")
    with Server("--drain-ms", "500", "--lock-timeout-ms", "60000", "--batch-deadline-ms", "60000",
                database=uri) as server:
        book = server.client()
        open_shop(book, stock={("TEAPOT", "WH"): 50})
        locker = hold_stock(uri, 30)
        call = book.start("Reserve", book.request("Reserve", lines=[line("TEAPOT", 1, "WH")]))
        time.sleep(0.5)
        started = time.monotonic()
        server.signal(signal.SIGTERM)
        status = server.wait(15)
        assert time.monotonic() - started < 12, "it took too long"
        server.check_end(status)
        try:
            call.result()
            raise AssertionError("answered although the row is locked")
        except Refused as error:
            assert error.code in ("UNAVAILABLE", "CANCELLED"), error
        locker.terminate()
        locker.wait()


def test_ending_while_many_call_loses_nothing_that_was_answered():
    uri = fresh("busy")
    with Server(database=uri) as server:
        clients = [server.client() for _ in range(4)]
        open_shop(clients[0], stock={("TEAPOT", "WH"): 10**6})
        answered, stop = [], threading.Event()

        def work(book):
            while not stop.is_set():
                try:
                    answered.append(book.Reserve(lines=[line("TEAPOT", 1, "WH")]).reservation.id)
                except Refused as error:
                    assert error.code in ("UNAVAILABLE", "CANCELLED"), error
                    return
        threads = [threading.Thread(target=work, args=(book,)) for book in clients]
        for thread in threads:
            thread.start()
        wait_for(lambda: len(answered) > 100, 30, "reserves are answered")
        server.signal(signal.SIGTERM)
        status = server.wait(30)
        stop.set()
        for thread in threads:
            thread.join()
        server.check_end(status)
    rows = {row[0] for row in sql(uri, "SELECT id FROM reservation")}
    assert set(answered) <= rows, "answered, but not in the book"
    assert len(rows) - len(answered) <= len(clients)


def test_logs_carry_the_calls_tag():
    with Server("--log-format", "json", "--log-level", "debug", database=fresh("logs")) as server:
        book = server.client()
        error = refused("ITEM_NOT_FOUND", book.GetItem, sku="NOPE")
        assert error.tag, "no stockbook-request-tag in the trailers"
        lines = [json.loads(row) for row in server.log().splitlines() if row.startswith("{")]
        assert any(error.tag in str(found) and "GetItem" in str(found) for found in lines), lines


if __name__ == "__main__":
    tap.main()
