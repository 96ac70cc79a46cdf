import { quotedText } from '../device/visibleText.ts';
import { WritebackError } from '../errors.ts';
import type { SourceSettings } from '../ports.ts';

export interface Environment {
  /** Scheme, host and port of Graph, without a path. */
  readonly graph: string;
  /** Scheme, host and port of the sign-in service, without a path. */
  readonly login: string;
  /** What a token is asked for. */
  readonly scope: string;
  /** Whether MSAL knows the sign-in host by itself. */
  readonly known: boolean;
}

/** Names as Connect-MgGraph has them. Source: Microsoft Learn, "Microsoft Graph national cloud deployments". */
const ENVIRONMENTS: ReadonlyMap<string, { readonly graph: string; readonly login: string }> = new Map([
  ['Global', { graph: 'https://graph.microsoft.com', login: 'https://login.microsoftonline.com' }],
  ['USGov', { graph: 'https://graph.microsoft.us', login: 'https://login.microsoftonline.us' }],
  ['USGovDoD', { graph: 'https://dod-graph.microsoft.us', login: 'https://login.microsoftonline.us' }],
  ['China', { graph: 'https://microsoftgraph.chinacloudapi.cn', login: 'https://login.chinacloudapi.cn' }],
]);

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** The parser of addresses passes over spaces, line ends and an empty query; whoever wrote them meant something else. */
const BARE = /^https?:\/\/[^\s\p{Cc}/?#@\\]+\/?$/iu;

/**
 * The environment that was chosen; names are compared without regard to case.
 * Throws ParameterInvalid for an unknown name and for a base address that is not https (or http on loopback) or that
 * has more than scheme, host and port.
 */
export function environmentOf(choice: SourceSettings['environment']): Environment {
  if (typeof choice !== 'string') {
    const graph = baseAddress('graph', choice.graph);
    return { graph, login: baseAddress('login', choice.login), scope: `${graph}/.default`, known: false };
  }
  for (const [name, addresses] of ENVIRONMENTS) {
    if (name.toLowerCase() === choice.toLowerCase()) {
      return { ...addresses, scope: `${addresses.graph}/.default`, known: true };
    }
  }
  throw new WritebackError('ParameterInvalid', `Environment ${quotedText(choice)} is not known.`, {
    target: choice,
    remedy: `Use one of ${[...ENVIRONMENTS.keys()].join(', ')}, or give the base addresses "graph" and "login" of another cloud.`,
  });
}

function baseAddress(name: 'graph' | 'login', text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const secure = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.test(url.hostname));
  if (url !== null && secure && BARE.test(text)) return url.origin;
  const shown = url === null || url.username !== '' || url.password !== '' ? 'given' : quotedText(text);
  throw new WritebackError('ParameterInvalid', `The environment's ${name} address ${shown} cannot be used.`, {
    target: name,
    remedy:
      'Give scheme, host and port only, such as https://graph.microsoft.com; http is accepted for loopback addresses alone.',
  });
}
