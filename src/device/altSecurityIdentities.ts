import type { AlternativeSecurityId } from './entraDevice.ts';
import { canonical, type Values } from './attributes.ts';

/**
 * The certificate keys of a device. In AD: `X509:<SHA1-TP-PUBKEY>`, 40 upper-case hexadecimal digits (SHA-1 of the
 * certificate), 44 base64 characters (SHA-256 of the RSAPublicKey); the "+" that [MS-DVRE] 2.3.3 and [MS-DVRJ] 2.3.3
 * print between the parts is notation. In Graph: entries of type 2 whose key is the base64 of that text in UTF-16LE;
 * other kinds of key have type 2 too, so only the text decides.
 */
const KEY = /^X509:<SHA1-TP-PUBKEY>([0-9A-F]{40})([A-Za-z0-9+/]{43}=)$/;
/** Characters of such a text, and of the base64 of its UTF-16LE, which needs no padding. */
const KEY_LENGTH = 105;
const BASE64_LENGTH = 280;
/** Of another alphabet than RFC 4648 4, which Graph uses. */
const URL_SAFE = /[-_]/;
const PUBLIC_KEY_TYPE = 2;

/** The key's text if this entry is a certificate key of the known form, else null. */
export function keyOf(entry: AlternativeSecurityId): string | null {
  if (entry.type !== PUBLIC_KEY_TYPE || entry.key === null) return null;
  const text = fromUtf16Base64(entry.key);
  return text !== null && KEY.test(text) ? text : null;
}

/** The values of altSecurityIdentities that these entries stand for; entries of another form are left out. */
export function keysOf(entries: readonly AlternativeSecurityId[]): Values {
  return canonical(entries.map(keyOf).filter((key) => key !== null));
}

/**
 * The two parts of a value of altSecurityIdentities: certificate thumbprint and public key hash; null for another form.
 * Cut by length: the hash may itself contain a "+".
 */
export function parseKey(text: string): { readonly thumbprint: string; readonly publicKeyHash: string } | null {
  const parts = KEY.exec(text);
  if (parts?.[1] === undefined || parts[2] === undefined) return null;
  return { thumbprint: parts[1], publicKeyHash: parts[2] };
}

/** The text whose UTF-16LE this is, if it may be a key: only as long a base64, of which no character was passed over. */
function fromUtf16Base64(base64: string): string | null {
  if (base64.length !== BASE64_LENGTH || URL_SAFE.test(base64)) return null;
  const text = Buffer.from(base64, 'base64').toString('utf16le');
  return text.length === KEY_LENGTH ? text : null;
}
