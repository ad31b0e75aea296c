/* The settings. What is said of them in --help and in the README is said here. */
#include "config/setting.h"

#include "base/uuid.h"
#include "config/config.h"

#define HEADING(text)                                                                              \
	{                                                                                              \
		.doc = text                                                                                \
	}
#define ROW(field, type, ...)                                                                      \
	{                                                                                              \
		.name = #field, .kind = SETTING_##type, .offset = offsetof(struct config, field),          \
		__VA_ARGS__                                                                                \
	}
#define TEXT(field, what, text) ROW(field, TEXT, .placeholder = what, .doc = text)
#define LIST(field, value, what, text)                                                             \
	ROW(field, LIST, .initial = value, .placeholder = what, .doc = text)
#define FLAG(field, text) ROW(field, FLAG, .initial = "false", .placeholder = "", .doc = text)
#define CHOICE(field, value, choices, text)                                                        \
	ROW(field, CHOICE, .initial = value, .placeholder = choices, .doc = text)
#define INTEGER(field, value, least, most, text)                                                   \
	ROW(field, INTEGER, .initial = value, .minimum = least, .maximum = most,                       \
		.placeholder = "NUMBER", .doc = text)

const struct setting settings_table[] = {
	HEADING("Database (one of embedded and database is needed)"),
	TEXT(embedded, "DIR", "run a private PostgreSQL in this folder, stopped with the server"),
	TEXT(database, "URI", "the PostgreSQL to use: postgresql://user@host/name, or a conninfo"),
	INTEGER(parts, "64", 1, UUID_PARTS_MAX - 1,
		"parts of the book, fixed when a database is made; more let more lanes and machines share it"),
	TEXT(migrations, "DIR", "apply the migrations of this folder instead of the built-in ones"),
	TEXT(postgres, "DIR", "folder of initdb and postgres for embedded; looked for when not set"),

	HEADING("Network and access"),
	LIST(listen, "127.0.0.1:50051", "ADDRESS",
		"host:port, [v6]:port or unix:path to serve on; repeat it, or separate by commas"),
	TEXT(tls_certificate, "FILE", "PEM file of the server's certificate; without it no TLS"),
	TEXT(tls_key, "FILE", "PEM file of the certificate's key"),
	TEXT(tls_client_ca, "FILE",
		"PEM file of the authority whose client certificates are asked for (mutual TLS)"),
	FLAG(require_tokens, "ask for tokens also where embedded on loopback would be open"),
	TEXT(bootstrap_token_file, "FILE",
		"where the first admin's token is written when there is none; DIR/admin.token with embedded"),
	FLAG(insecure_open, "serve without tokens: every caller is an admin; loopback only"),
	FLAG(insecure_remote,
		"allow what is insecure beyond loopback: no TLS, and insecure_open if that is set"),
	FLAG(reuse_port, "let several servers of this machine share the port"),
	INTEGER(message_bytes_max, "4194304", 65536, 67108864, "largest request, in bytes"),
	INTEGER(calls_in_flight_max, "10000", 1, 1000000, "calls at once; more are refused"),
	INTEGER(caller_calls_max, "5000", 1, 1000000,
		"calls of one token at once, of one connection where none are needed; never more than there is still room for"),
	INTEGER(requests_mb, "256", 16, 65536,
		"memory for the requests in flight, in MB; a caller may take as much as there is still room for"),
	INTEGER(session_operations_max, "1024", 1, 100000,
		"operations of one session at once, with answers not yet sent; more are not read"),
	INTEGER(drain_ms, "10000", 0, 600000,
		"how long calls may go on after SIGTERM, in milliseconds"),

	HEADING("Engine"),
	INTEGER(lanes, "0", 0, 64,
		"connections that write; 0: 3 to 8, more the longer the disk keeps them waiting"),
	INTEGER(readers, "2", 1, 64, "connections that read"),
	INTEGER(batch_operations_max, "256", 1, 1024, "operations in one transaction"),
	INTEGER(queue_operations_max, "10000", 1, 1000000,
		"operations that wait for a lane, or for the readers; more are refused, and of one caller more than there is still room for"),
	INTEGER(batch_deadline_ms, "10000", 100, 600000,
		"how long PostgreSQL may take for a round trip, in milliseconds"),
	INTEGER(lock_timeout_ms, "2000", 10, 600000,
		"how long a transaction may wait for a lock, in milliseconds"),
	INTEGER(policy_staleness_ms, "1000", 0, 600000,
		"how old a location's or channel's settings may be in a decision, in milliseconds"),
	INTEGER(cache_mb, "64", 0, 65536,
		"memory for stock rows, from which reads that may be old are answered, in MB; 0: none"),

	INTEGER(lane_memory_mb, "64", 0, 65536,
		"memory for stock rows, from which writes are decided without reading them, in MB; 0: none"),

	HEADING("Book"),
	INTEGER(hold_default_s, "900", 1, 31536000,
		"how long a reservation holds when its caller does not say, in seconds"),
	INTEGER(hold_max_s, "2592000", 1, 31536000, "how long a reservation may hold, in seconds"),
	INTEGER(sweep_interval_ms, "1000", 100, 3600000,
		"how often expired holds are tidied up, in milliseconds"),
	INTEGER(idempotency_retention_days, "30", 1, 3650,
		"how long request ids and their answers are remembered, in days"),
	INTEGER(blind_return_units_max, "100", 0, 1000000000,
		"units of a return without an order that a store's token may take back"),

	HEADING("Log"),
	CHOICE(log_format, "auto", "auto|text|json", "auto is text on a terminal and JSON elsewhere"),
	CHOICE(log_level, "info", "error|warning|info|debug", "what is logged, and all before it"),
	{0},
};
