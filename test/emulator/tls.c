/*-------------------------------------------------------------------------
 *
 * tls.c
 *	  Certificates made for this run.
 *
 *-------------------------------------------------------------------------
 */
#include "tls.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY 86400

static gnutls_x509_privkey_t ca_key;
static gnutls_x509_crt_t ca;

static void
check(int result, const char *what)
{
	if (result < 0)
	{
		fprintf(stderr, "keyapi_emulator: %s: %s\n", what,
				gnutls_strerror(result));
		exit(1);
	}
}

static gnutls_x509_privkey_t
make_key(void)
{
	gnutls_x509_privkey_t key;

	check(gnutls_x509_privkey_init(&key), "key");
	check(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
									   GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
		  "key generation");
	return key;
}

/* A certificate with what all of them have; valid from a week ago. */
static gnutls_x509_crt_t
make_crt(gnutls_x509_privkey_t key, const char *name, time_t expires)
{
	static unsigned char last_serial;
	unsigned char serial[8];
	gnutls_x509_crt_t crt;

	/* Clients cache by issuer and serial number: let runs differ. */
	check(gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial)), "random");
	serial[0] &= 0x7F;
	serial[7] = ++last_serial;

	check(gnutls_x509_crt_init(&crt), "certificate");
	check(gnutls_x509_crt_set_version(crt, 3), "version");
	check(gnutls_x509_crt_set_serial(crt, serial, sizeof(serial)), "serial");
	check(gnutls_x509_crt_set_key(crt, key), "public key");
	check(gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0,
										name, (unsigned) strlen(name)), "name");
	check(gnutls_x509_crt_set_activation_time(crt, time(NULL) - 7 * DAY),
		  "activation");
	check(gnutls_x509_crt_set_expiration_time(crt, expires), "expiry");
	return crt;
}

static char *
to_text(const gnutls_datum_t *datum)
{
	return (char *) datum->data;	/* PEM ends with a 0 byte */
}

const char *
tls_init(void)
{
	gnutls_datum_t pem;

	check(gnutls_global_init(), "GnuTLS");
	ca_key = make_key();
	ca = make_crt(ca_key, "keyapi_emulator CA", time(NULL) + 30 * DAY);
	check(gnutls_x509_crt_set_basic_constraints(ca, 1, -1), "constraints");
	check(gnutls_x509_crt_set_key_usage(ca, GNUTLS_KEY_KEY_CERT_SIGN), "usage");
	check(gnutls_x509_crt_sign2(ca, ca, ca_key, GNUTLS_DIG_SHA256, 0), "CA");
	check(gnutls_x509_crt_export2(ca, GNUTLS_X509_FMT_PEM, &pem), "PEM");
	return to_text(&pem);
}

static void
set_names(gnutls_x509_crt_t crt, const char *name, int with_address)
{
	struct in_addr loopback = {htonl(INADDR_LOOPBACK)};

	check(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name,
											   (unsigned) strlen(name), GNUTLS_FSAN_SET), "SAN");
	if (with_address)
		check(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS,
												   &loopback, sizeof(loopback), GNUTLS_FSAN_APPEND),
			  "SAN");
}

Certificate
tls_certificate(CertificateKind kind)
{
	const char *name = kind == CERTIFICATE_WRONG_HOST ?
	"wrong.example" : "localhost";
	time_t		expires = time(NULL) +
	(kind == CERTIFICATE_EXPIRED ? -DAY : 30 * DAY);
	gnutls_x509_privkey_t key = make_key();
	gnutls_x509_crt_t crt = make_crt(key, name, expires);
	gnutls_datum_t key_pem;
	gnutls_datum_t crt_pem;

	set_names(crt, name, kind != CERTIFICATE_WRONG_HOST);
	check(gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE),
		  "usage");
	check(gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0),
		  "purpose");
	check(gnutls_x509_crt_sign2(crt, ca, ca_key, GNUTLS_DIG_SHA256, 0),
		  "signature");
	check(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &key_pem),
		  "PEM");
	check(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &crt_pem), "PEM");
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
	return (Certificate)
	{
		to_text(&key_pem), to_text(&crt_pem)
	};
}
