/*-------------------------------------------------------------------------
 *
 * tls.h
 *	  Certificates made for this run.
 *
 *-------------------------------------------------------------------------
 */
#ifndef EMULATOR_TLS_H
#define EMULATOR_TLS_H

typedef enum CertificateKind
{
	CERTIFICATE_GOOD,			/* for localhost and 127.0.0.1 */
	CERTIFICATE_EXPIRED,		/* the same, until yesterday */
	CERTIFICATE_WRONG_HOST		/* for wrong.example */
} CertificateKind;

/* PEM texts */
typedef struct Certificate
{
	char	   *key;
	char	   *chain;
} Certificate;

/* Make a certificate authority; returns its certificate's PEM text. */
extern const char *tls_init(void);

/* Make a server certificate that the authority signs. */
extern Certificate tls_certificate(CertificateKind kind);

#endif							/* EMULATOR_TLS_H */
