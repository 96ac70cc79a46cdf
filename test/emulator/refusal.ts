import { randomUUID } from 'node:crypto';
import type { AppRegistration } from './appRegistrations.ts';
import type { Answer, EmulatorRequest } from './exchange.ts';
import type { Tenant } from './tenant.ts';

/** A refusal as Entra words it: OAuth 2.0 error, AADSTS number, and its text. */
export class Refusal extends Error {
  readonly status: number;
  readonly error: string;
  readonly number: number;

  constructor(status: number, error: string, number: number, message: string) {
    super(message);
    this.status = status;
    this.error = error;
    this.number = number;
  }
}

export function missing(parameter: string): Refusal {
  const text = `The request body must contain the following parameter: '${parameter}'.`;
  return new Refusal(400, 'invalid_request', 900144, text);
}

/** The application that a sign-in request is for. Throws Refusal for another tenant or an unknown application. */
export function applicationOf(request: EmulatorRequest, form: URLSearchParams, tenant: Tenant): AppRegistration {
  const name = request.path.split('/')[1] ?? '';
  if (name.toLowerCase() !== tenant.tenantId.toLowerCase()) {
    const text = `Tenant '${name}' not found. Check to make sure you have the correct tenant ID.`;
    throw new Refusal(400, 'invalid_request', 90002, text);
  }
  const clientId = form.get('client_id');
  if (clientId === null) throw missing('client_id');
  const app = tenant.apps.get(clientId);
  if (app === null) {
    const text = `Application with identifier '${clientId}' was not found in the directory '${tenant.tenantId}'.`;
    throw new Refusal(400, 'unauthorized_client', 700016, text);
  }
  return app;
}

/** The answer, or the refusal that was thrown instead. */
export async function orRefusal(request: EmulatorRequest, answer: () => Answer | Promise<Answer>): Promise<Answer> {
  try {
    return await answer();
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown;
    return refusalAnswer(thrown, request.parameters.get('client-request-id') ?? randomUUID());
  }
}

function refusalAnswer(refusal: Refusal, correlationId: string): Answer {
  const traceId = randomUUID();
  const timestamp = `${new Date().toISOString().slice(0, 19).replace('T', ' ')}Z`;
  const description =
    `AADSTS${refusal.number}: ${refusal.message} Trace ID: ${traceId} ` +
    `Correlation ID: ${correlationId} Timestamp: ${timestamp}`;
  return {
    status: refusal.status,
    headers: {},
    body: {
      error: refusal.error,
      error_description: description,
      error_codes: [refusal.number],
      timestamp,
      trace_id: traceId,
      correlation_id: correlationId,
    },
  };
}
