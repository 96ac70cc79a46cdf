import type { asn1, default as library, pkcs12, pki } from 'node-forge';

/** What a PFX file holds, each PEM. */
export interface PfxContent {
  readonly certificates: readonly string[];
  readonly privateKeys: readonly string[];
}

/** Why a PFX file could not be read. */
export class PfxFailure extends Error {
  /** Whether the password is what does not fit. */
  readonly ofPassword: boolean;

  constructor(ofPassword: boolean, cause: unknown) {
    super(ofPassword ? 'the password does not open it' : 'it is no PFX file that can be read', { cause });
    this.ofPassword = ofPassword;
  }
}

type Forge = typeof library;

/**
 * The certificates and keys in a PFX file. Node's own OpenSSL reads PFX only into a TLS context, which gives no key out.
 * Throws PfxFailure. Source: RFC 7292.
 */
export async function readPfx(bytes: Uint8Array, password: string | null): Promise<PfxContent> {
  const forge = await load();
  const pfx = opened(forge, bytes, password);
  const { certBag = '', keyBag = '', pkcs8ShroudedKeyBag = '' } = forge.pki.oids;
  const bags = (type: string): readonly pkcs12.Bag[] => pfx.getBags({ bagType: type })[type] ?? [];
  return {
    certificates: bags(certBag).map(({ cert, asn1: raw }) =>
      toPem('CERTIFICATE', forge, cert ? certificateOf(forge, cert) : raw),
    ),
    privateKeys: [...bags(pkcs8ShroudedKeyBag), ...bags(keyBag)].map(({ key, asn1: raw }) =>
      toPem('PRIVATE KEY', forge, key ? forge.pki.wrapRsaPrivateKey(forge.pki.privateKeyToAsn1(key)) : raw),
    ),
  };
}

/** Source: RFC 8018, 6.2. The library's types leave it out. */
type CipherFor = (oid: string, parameters: asn1.Asn1, password: string) => unknown;

let loaded: Promise<Forge> | null = null;

function load(): Promise<Forge> {
  loaded ??= import('node-forge').then((imported) => {
    // Where a bundler has put the CommonJS package into a chunk of its own, the chunk has a default export only.
    const forge: Forge = imported.pkcs12 === undefined ? imported.default : imported;
    // PBES2 takes the password in UTF-8, as OpenSSL and .NET write it; the library would take a byte for a character.
    const { pbe } = forge.pki as unknown as { readonly pbe: { getCipherForPBES2: CipherFor } };
    const cipherFor = pbe.getCipherForPBES2;
    pbe.getCipherForPBES2 = (oid, parameters, password) => cipherFor(oid, parameters, forge.util.encodeUtf8(password));
    return forge;
  });
  return loaded;
}

function opened(forge: Forge, bytes: Uint8Array, password: string | null): pkcs12.Pkcs12Pfx {
  let parsed: asn1.Asn1;
  try {
    parsed = forge.asn1.fromDer(Buffer.from(bytes).toString('binary'));
  } catch (error) {
    throw new PfxFailure(false, error);
  }
  try {
    return forge.pkcs12.pkcs12FromAsn1(parsed, true, password ?? '');
  } catch (error) {
    throw new PfxFailure(error instanceof Error && /password|decrypt/i.test(error.message), error);
  }
}

/**
 * The certificate as it was signed. The library would write the parameters of the signature's algorithm anew, and another
 * thumbprint with them; the signed part names the same algorithm (RFC 5280, 4.1.1.2).
 */
function certificateOf(
  { asn1: { Class, create, Type } }: Forge,
  { tbsCertificate: signed, signature }: pki.Certificate,
): asn1.Asn1 {
  const fields = Array.isArray(signed.value) ? signed.value : [];
  const algorithm = fields[fields[0]?.tagClass === Class.CONTEXT_SPECIFIC ? 2 : 1];
  if (algorithm === undefined) throw new PfxFailure(false, null);
  const bits = create(Class.UNIVERSAL, Type.BITSTRING, false, `\0${String(signature)}`);
  return create(Class.UNIVERSAL, Type.SEQUENCE, true, [signed, algorithm, bits]);
}

function toPem(label: string, { asn1: { toDer } }: Forge, content: asn1.Asn1): string {
  const base64 = Buffer.from(toDer(content).getBytes(), 'binary').toString('base64');
  return `-----BEGIN ${label}-----\n${(base64.match(/.{1,64}/g) ?? []).join('\n')}\n-----END ${label}-----\n`;
}
