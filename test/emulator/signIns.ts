import { randomBytes, randomInt } from 'node:crypto';
import type { SignedInUser } from './accessTokens.ts';
import { DIRECTORY_READERS } from './permissions.ts';

/** A sign-in by device code, from the moment a program has asked for the code. */
export interface DeviceSignIn {
  readonly appId: string;
  readonly scope: string;
  readonly deviceCode: string;
  readonly userCode: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
  /** What the user did so far; the user's own identity when approved. */
  outcome: 'waiting' | 'declined' | SignedInUser;
  /** Seconds that must lie between two polls, and when the last one came, in milliseconds since 1970. */
  interval: number;
  polled: number;
}

export interface RefreshToken {
  readonly appId: string;
  readonly scope: string;
  readonly user: SignedInUser;
}

/** Without what is easily mistaken when read aloud. */
const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';

/** What users do at the page where a device code is entered, and the refresh tokens that came of it. */
export class SignIns {
  readonly #byDeviceCode = new Map<string, DeviceSignIn>();
  readonly #refreshTokens = new Map<string, RefreshToken>();

  /** `lifetime` and `interval` in seconds. */
  begin(appId: string, scope: string, lifetime: number, interval: number): DeviceSignIn {
    const signIn: DeviceSignIn = {
      appId,
      scope,
      deviceCode: randomBytes(32).toString('base64url'),
      userCode: Array.from({ length: 9 }, () => LETTERS[randomInt(LETTERS.length)]).join(''),
      expires: Date.now() + lifetime * 1000,
      outcome: 'waiting',
      interval,
      polled: 0,
    };
    this.#byDeviceCode.set(signIn.deviceCode, signIn);
    return signIn;
  }

  /** User codes that nobody has approved or declined yet. */
  waiting(): readonly string[] {
    return [...this.#byDeviceCode.values()].filter((one) => one.outcome === 'waiting').map((one) => one.userCode);
  }

  /** The user enters the code and consents; a Directory Reader if no roles are given. Throws if the code is unknown. */
  approve(
    userCode: string,
    user: { readonly id: string; readonly userPrincipalName: string; readonly directoryRoles?: readonly string[] },
  ): void {
    this.#find(userCode).outcome = { directoryRoles: [DIRECTORY_READERS], ...user };
  }

  /** The user enters the code and refuses. Throws if the code is unknown. */
  decline(userCode: string): void {
    this.#find(userCode).outcome = 'declined';
  }

  get(deviceCode: string): DeviceSignIn | null {
    return this.#byDeviceCode.get(deviceCode) ?? null;
  }

  /** A code gives tokens once. */
  finish(signIn: DeviceSignIn): void {
    this.#byDeviceCode.delete(signIn.deviceCode);
  }

  issueRefreshToken(token: RefreshToken): string {
    const text = randomBytes(48).toString('base64url');
    this.#refreshTokens.set(text, token);
    return text;
  }

  refreshToken(text: string): RefreshToken | null {
    return this.#refreshTokens.get(text) ?? null;
  }

  /** No refresh token given so far is good from now on. */
  revokeRefreshTokens(): void {
    this.#refreshTokens.clear();
  }

  #find(userCode: string): DeviceSignIn {
    const signIn = [...this.#byDeviceCode.values()].find((one) => one.userCode === userCode);
    if (signIn === undefined) throw new Error(`There is no sign-in with the user code ${userCode}.`);
    return signIn;
  }
}
