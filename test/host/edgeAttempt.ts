/** Asks .NET once by edge-js, on the thread it runs on, and prints how it failed. Argument: module/bin. */
import { toWritebackError } from '../../src/errors.ts';
import { createHostServicesOverEdge } from '../../src/host/overEdge.ts';
import { asciiJson } from '../../src/protocol/channel.ts';

const failure = await createHostServicesOverEdge(process.argv[2] ?? '')
  .negotiate('ldap/dc1.contoso.com', null)
  .step(null)
  .then(
    () => null,
    (error: unknown) => toWritebackError(error).toJSON(),
  );
process.stdout.write(asciiJson(failure));
