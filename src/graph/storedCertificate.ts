import { createHash, randomUUID, X509Certificate } from 'node:crypto';
import { WritebackError } from '../errors.ts';
import type { Clock, HostServices, SignatureAlgorithm } from '../ports.ts';
import { certificateProblem, checkValidity, isSigningKey, NO_SIGNING_KEY } from './certificate.ts';

/** Makes the assertion with which an application proves itself to this token endpoint. */
export type MakeAssertion = (clientId: string, tokenEndpoint: string) => Promise<string>;

/** Seconds that an assertion is good for. */
const LIFETIME = 600;

/**
 * Assertions that a certificate signs in its store, for its key may not leave it.
 * Throws CertificateUnusable, CertificateExpired, HostServiceUnavailable.
 * Source: Microsoft Learn, "Microsoft identity platform application authentication certificate credentials"; RFC 7523.
 */
export async function storedCertificate(
  thumbprint: string,
  hostServices: HostServices | null,
  clock: Clock,
): Promise<MakeAssertion> {
  if (hostServices === null) throw noStores(thumbprint);
  const name = `${thumbprint} of the certificate store`;
  const unusable = certificateProblem('CertificateUnusable', name, thumbprint);
  const reference = { thumbprint, storeLocation: null };
  const stored = await hostServices.findCertificate(reference);
  if (!stored.hasPrivateKey) {
    throw unusable('it has no private key in the store', 'Import the certificate with its private key.');
  }
  const certificate = new X509Certificate(stored.certificate);
  if (!isSigningKey(certificate.publicKey)) throw unusable(...NO_SIGNING_KEY);
  checkValidity(name, thumbprint, certificate, clock.now());

  const signed = async (algorithm: SignatureAlgorithm, header: object, claims: object): Promise<string | null> => {
    const text = [{ alg: algorithm, typ: 'JWT', ...header }, claims].map(base64url).join('.');
    const signature = await hostServices.sign(reference, algorithm, Buffer.from(text, 'ascii'));
    return signature === null ? null : `${text}.${Buffer.from(signature).toString('base64url')}`;
  };
  const digest = (algorithm: 'sha1' | 'sha256'): string =>
    createHash(algorithm).update(certificate.raw).digest('base64url');

  return async (clientId, tokenEndpoint) => {
    const now = Math.floor(clock.now().getTime() / 1000);
    const times = { nbf: now, iat: now, exp: now + LIFETIME };
    const claims = { aud: tokenEndpoint, iss: clientId, sub: clientId, jti: randomUUID(), ...times };
    const assertion =
      (await signed('PS256', { 'x5t#S256': digest('sha256') }, claims)) ??
      (await signed('RS256', { x5t: digest('sha1') }, claims));
    if (assertion !== null) return assertion;
    throw unusable('its key makes neither PS256 nor RS256 signatures', 'Make a new certificate with an RSA key.');
  };
}

function base64url(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

function noStores(thumbprint: string): WritebackError {
  return new WritebackError(
    'HostServiceUnavailable',
    `Signing in with the certificate ${thumbprint}: there is no .NET here, which has the certificate stores.`,
    { target: thumbprint, remedy: 'Run it from PowerShell, or give the certificate as a PEM or PFX file.' },
  );
}
