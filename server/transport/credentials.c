#include "transport/credentials.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <grpc/grpc_security.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#define PEM_BYTES_MAX ((size_t)1 << 20)

/* The whole file as a string; NULL and the reason when it cannot be read. */
static char *pem_read(const char *what, const char *path, char *error, size_t error_size)
{
	FILE *file = fopen(path, "rb");
	if (!file) {
		snprintf(error, error_size, "%s '%s' cannot be opened: %s", what, path, strerror(errno));
		return NULL;
	}
	char *text = calloc(1, PEM_BYTES_MAX + 1);
	CHECK(text != NULL);
	size_t size = fread(text, 1, PEM_BYTES_MAX + 1, file);
	bool failed = ferror(file) != 0;
	fclose(file);
	if (failed || size == 0 || size > PEM_BYTES_MAX) {
		snprintf(error, error_size, "%s '%s' %s", what, path,
			failed      ? "cannot be read"
			: size == 0 ? "is empty"
						: "is larger than 1 MiB");
		OPENSSL_cleanse(text, PEM_BYTES_MAX + 1);
		free(text);
		return NULL;
	}
	return text;
}

static void pem_free(char *text)
{
	if (text)
		OPENSSL_cleanse(text, strlen(text));
	free(text);
}

static X509 *parse_certificate(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	CHECK(bio != NULL);
	X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	return certificate;
}

static EVP_PKEY *parse_key(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	CHECK(bio != NULL);
	/* An empty passphrase: a server cannot ask for one. */
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)(uintptr_t) "");
	BIO_free(bio);
	return key;
}

/* gRPC would only say that it cannot listen. */
static bool pair_is_right(const struct transport_settings *settings, const char *certificate_pem,
	const char *key_pem, char *error, size_t error_size)
{
	X509 *certificate = parse_certificate(certificate_pem);
	EVP_PKEY *key = parse_key(key_pem);
	bool right = false;
	if (!certificate)
		snprintf(error, error_size, "tls certificate '%s' is no PEM certificate",
			settings->tls_certificate);
	else if (!key)
		snprintf(error, error_size, "tls key '%s' is no PEM private key without a passphrase",
			settings->tls_key);
	else if (X509_check_private_key(certificate, key) != 1)
		snprintf(error, error_size, "tls key '%s' does not belong to certificate '%s'",
			settings->tls_key, settings->tls_certificate);
	else
		right = true;
	EVP_PKEY_free(key);
	X509_free(certificate);
	ERR_clear_error();
	return right;
}

static bool authority_is_right(const char *path, const char *pem, char *error, size_t error_size)
{
	X509 *certificate = parse_certificate(pem);
	ERR_clear_error();
	if (!certificate) {
		snprintf(error, error_size, "tls client authority '%s' is no PEM certificate", path);
		return false;
	}
	X509_free(certificate);
	return true;
}

static bool settings_are_whole(const struct transport_settings *settings, char *error,
	size_t error_size)
{
	const char *missing = NULL;
	if (settings->tls_certificate && !settings->tls_key)
		missing = "a tls certificate needs its key";
	else if (!settings->tls_certificate && settings->tls_key)
		missing = "a tls key needs its certificate";
	else if (!settings->tls_certificate && settings->tls_client_ca)
		missing = "a tls client authority needs a certificate and a key of the server";
	if (missing)
		snprintf(error, error_size, "%s", missing);
	return missing == NULL;
}

grpc_server_credentials *credentials_new(const struct transport_settings *settings, char *error,
	size_t error_size)
{
	if (!settings_are_whole(settings, error, error_size))
		return NULL;
	if (!settings->tls_certificate)
		return grpc_insecure_server_credentials_create();

	grpc_server_credentials *credentials = NULL;
	char *authority = NULL;
	char *key = NULL;
	char *certificate = pem_read("tls certificate", settings->tls_certificate, error, error_size);
	if (!certificate)
		goto out;
	key = pem_read("tls key", settings->tls_key, error, error_size);
	if (!key || !pair_is_right(settings, certificate, key, error, error_size))
		goto out;
	if (settings->tls_client_ca) {
		authority = pem_read("tls client authority", settings->tls_client_ca, error, error_size);
		if (!authority ||
			!authority_is_right(settings->tls_client_ca, authority, error, error_size))
			goto out;
	}
	grpc_ssl_pem_key_cert_pair pair = {.private_key = key, .cert_chain = certificate};
	credentials = grpc_ssl_server_credentials_create_ex(authority, &pair, 1,
		authority ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
				  : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
		NULL);
	if (!credentials)
		snprintf(error, error_size, "tls certificate '%s' was refused", settings->tls_certificate);
out:
	pem_free(authority);
	pem_free(key);
	pem_free(certificate);
	return credentials;
}
