// One token by MSAL, in a process of its own because MSAL keeps identity source and cache for the life of the process.
// Arguments: the client id of a user-assigned identity or nothing, and the folder that stands for that of Azure Arc's keys.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { basename, join } from 'node:path';

const [, , clientId = '', keyFolder = ''] = process.argv;
if (keyFolder !== '') {
  for (const name of ['statSync', 'readFileSync']) {
    const original = fs[name];
    fs[name] = (path, ...rest) =>
      original(String(path).startsWith('/var/opt/azcmagent/tokens/') ? join(keyFolder, basename(path)) : path, ...rest);
  }
  syncBuiltinESMExports();
}

const { ManagedIdentityApplication } = await import('@azure/msal-node');
const application = new ManagedIdentityApplication({
  system: { disableInternalRetries: true },
  ...(clientId === '' ? {} : { managedIdentityIdParams: { userAssignedClientId: clientId } }),
});
try {
  const { accessToken } = await application.acquireToken({ resource: 'https://graph.microsoft.com' });
  process.stdout.write(JSON.stringify({ accessToken }));
} catch (thrown) {
  process.stdout.write(JSON.stringify({ errorCode: thrown.errorCode }));
}
