/*
 * Addresses and TLS: certificates are made by openssl for the test. What is wrong with a setting
 * is said in words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/status.h>

#include "integration/grpc_client.h"
#include "integration/transport_server.h"

#define PEM_BYTES_MAX 8192

static struct transport_server server;
static struct grpc_client client;
static char folder[] = "/tmp/stockbook-tls-XXXXXX";

static const char *path_of(const char *name)
{
	static char paths[8][128];
	static unsigned next;
	char *path = paths[next++ % ARRAY_COUNT(paths)];
	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void shell(const char *command)
{
	if (system(command) != 0) {
		fprintf(stderr, "failed: %s\n", command);
		abort();
	}
}

static void make_authority(const char *name)
{
	char command[1024];
	snprintf(command, sizeof(command),
		"cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
		"-subj '/CN=%s' -keyout %s.key -out %s.pem 2>/dev/null",
		folder, name, name, name);
	shell(command);
}

/* A certificate that the authority signed; alternative: "DNS:localhost,IP:127.0.0.1" or "". */
static void make_certificate(const char *name, const char *authority, const char *alternative)
{
	char command[2048];
	snprintf(command, sizeof(command),
		"cd %s && openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
		"-subj '/CN=%s' -keyout %s.key -out %s.csr 2>/dev/null && "
		"printf '%s' >%s.ext && "
		"openssl x509 -req -in %s.csr -CA %s.pem -CAkey %s.key -CAcreateserial -days 2 "
		"-extfile %s.ext -out %s.pem 2>/dev/null",
		folder, name, name, name, alternative, name, name, authority, authority, name, name);
	shell(command);
}

static int make_all(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return 1;
	make_authority("authority");
	make_authority("stranger");
	make_certificate("server", "authority", "subjectAltName=DNS:localhost,IP:127.0.0.1");
	make_certificate("till-7", "authority", "");
	make_certificate("shop", "authority", "subjectAltName=DNS:shop.example");
	make_certificate("forged", "stranger", "");
	return 0;
}

static int remove_all(void **state)
{
	(void)state;
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static char *read_pem(const char *name, char pem[PEM_BYTES_MAX])
{
	FILE *file = fopen(path_of(name), "r");
	assert_non_null(file);
	size_t size = fread(pem, 1, PEM_BYTES_MAX - 1, file);
	pem[size] = '\0';
	fclose(file);
	return pem;
}

static grpc_channel_credentials *credentials_of(const char *authority, const char *name)
{
	char root[PEM_BYTES_MAX];
	char key[PEM_BYTES_MAX];
	char certificate[PEM_BYTES_MAX];
	char file[64];
	grpc_ssl_pem_key_cert_pair pair = {0};
	if (name) {
		snprintf(file, sizeof(file), "%s.key", name);
		pair.private_key = read_pem(file, key);
		snprintf(file, sizeof(file), "%s.pem", name);
		pair.cert_chain = read_pem(file, certificate);
	}
	snprintf(file, sizeof(file), "%s.pem", authority);
	return grpc_ssl_credentials_create(read_pem(file, root), name ? &pair : NULL, NULL, NULL);
}

static struct transport_settings tls_settings(bool mutual)
{
	return (struct transport_settings){
		.tls_certificate = path_of("server.pem"),
		.tls_key = path_of("server.key"),
		.tls_client_ca = mutual ? path_of("authority.pem") : NULL,
	};
}

static int start(void **state)
{
	(void)state;
	struct transport_settings settings = tls_settings(false);
	transport_server_start(&server, &settings);
	return 0;
}

static int start_mutual(void **state)
{
	(void)state;
	struct transport_settings settings = tls_settings(true);
	transport_server_start(&server, &settings);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	transport_server_stop(&server);
	return 0;
}

/* What ASK answers up to the first bar is the caller's name. */
static int ask_as(grpc_channel_credentials *credentials, char name[64])
{
	uint8_t *answer;
	size_t size = 0;
	grpc_client_open(&client, server.target, credentials);
	int status = grpc_client_unary(&client, METHOD_ASK, "", 0, 3000, &answer, &size);
	name[0] = '\0';
	if (answer) {
		answer[size] = '\0';
		snprintf(name, 64, "%.*s", (int)strcspn((char *)answer, "|"), (char *)answer);
	}
	free(answer);
	grpc_client_close(&client);
	return status;
}

static void tls_is_answered_and_plaintext_is_not(void **state)
{
	(void)state;
	char name[64];
	assert_int_equal(ask_as(credentials_of("authority", NULL), name), GRPC_STATUS_OK);
	assert_string_equal(name, "");
	assert_int_equal(ask_as(credentials_of("stranger", NULL), name), GRPC_STATUS_UNAVAILABLE);
	assert_int_not_equal(ask_as(NULL, name), GRPC_STATUS_OK);
	assert_int_equal(atomic_load(&server.api.handled), 1);
}

static void mutual_tls_names_the_caller(void **state)
{
	(void)state;
	char name[64];
	assert_int_equal(ask_as(credentials_of("authority", "till-7"), name), GRPC_STATUS_OK);
	assert_string_equal(name, "till-7");
	assert_int_equal(ask_as(credentials_of("authority", "shop"), name), GRPC_STATUS_OK);
	assert_string_equal(name, "shop.example"); /* the alternative name goes before the common one */
}

static void mutual_tls_refuses_callers_without_a_known_certificate(void **state)
{
	(void)state;
	char name[64];
	assert_int_equal(ask_as(credentials_of("authority", NULL), name), GRPC_STATUS_UNAVAILABLE);
	assert_int_equal(ask_as(credentials_of("authority", "forged"), name), GRPC_STATUS_UNAVAILABLE);
	assert_int_equal(atomic_load(&server.api.handled), 0);
}

/* ---- addresses and settings */

static void unix_sockets_are_listened_on(void **state)
{
	(void)state;
	char address[128];
	char name[64];
	snprintf(address, sizeof(address), "unix:%s/socket", folder);
	const char *const addresses[] = {address, "127.0.0.1:0"};
	transport_server_start(&server,
		&(struct transport_settings){.addresses = addresses, .addresses_count = 2});
	assert_string_equal(server.target, address);
	assert_int_equal(ask_as(NULL, name), GRPC_STATUS_OK);
	/* The second address is served by the same server. */
	assert_in_range(transport_port(server.transport), 1, 65535);
	snprintf(server.target, sizeof(server.target), "127.0.0.1:%d",
		transport_port(server.transport));
	assert_int_equal(ask_as(NULL, name), GRPC_STATUS_OK);
	transport_server_stop(&server);
}

static bool has_no_method(const struct api *api, const char *method)
{
	(void)api;
	(void)method;
	return false;
}

static void assert_refused(struct transport_settings settings, const char *words)
{
	static const char *const anywhere[] = {"127.0.0.1:0"};
	struct transport_api api = {.has_method = has_no_method};
	char error[256] = "";
	uv_loop_t loop;
	if (settings.addresses_count == 0) {
		settings.addresses = anywhere;
		settings.addresses_count = 1;
	}
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_null(transport_open(&loop, &settings, &api, error, sizeof(error)));
	if (!strstr(error, words))
		fail_msg("'%s' does not say '%s'", error, words);
	assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(uv_loop_close(&loop), 0); /* nothing is left open */
}

static void wrong_settings_are_refused_in_words(void **state)
{
	(void)state;
	struct transport_settings settings = tls_settings(false);
	settings.tls_key = NULL;
	assert_refused(settings, "needs its key");
	settings.tls_key = path_of("no.key");
	assert_refused(settings, "no.key' cannot be opened: No such file");
	settings.tls_key = path_of("shop.key");
	assert_refused(settings, "shop.key' does not belong to certificate");
	settings.tls_key = path_of("server.pem");
	assert_refused(settings, "is no PEM private key");
	settings.tls_key = path_of("server.key");
	settings.tls_certificate = path_of("server.ext");
	assert_refused(settings, "is no PEM certificate");
	settings = tls_settings(true);
	settings.tls_client_ca = path_of("server.csr");
	assert_refused(settings, "is no PEM certificate");
	assert_refused((struct transport_settings){.tls_client_ca = path_of("authority.pem")},
		"needs a certificate");
}

static void address_in_use_is_refused(void **state)
{
	(void)state;
	char address[sizeof(server.target)];
	transport_server_start(&server, &(struct transport_settings){0});
	snprintf(address, sizeof(address), "%s", server.target);
	const char *const addresses[] = {"127.0.0.1:0", address};
	assert_refused((struct transport_settings){.addresses = addresses, .addresses_count = 2},
		"cannot listen on '127.0.0.1:");
	const char *const nonsense[] = {"nowhere.invalid:99999"};
	assert_refused((struct transport_settings){.addresses = nonsense, .addresses_count = 1},
		"cannot listen on 'nowhere.invalid:99999'");
	transport_server_stop(&server);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tls_is_answered_and_plaintext_is_not, start, stop),
		cmocka_unit_test_setup_teardown(mutual_tls_names_the_caller, start_mutual, stop),
		cmocka_unit_test_setup_teardown(mutual_tls_refuses_callers_without_a_known_certificate,
			start_mutual, stop),
		cmocka_unit_test(unix_sockets_are_listened_on),
		cmocka_unit_test(wrong_settings_are_refused_in_words),
		cmocka_unit_test(address_in_use_is_refused),
	};
	signal(SIGPIPE, SIG_IGN);
	grpc_init();
	int failed = cmocka_run_group_tests(tests, make_all, remove_all);
	grpc_shutdown();
	return failed;
}
