/** Microsoft Graph of a tenant of so many devices that can be written: a program for `startProgram`. */
import { startGraphEmulator } from '../emulator/graphEmulator.ts';
import { LAB_TENANT } from '../lab/registrationService.ts';
import { APPLICATION, say } from './streamedServers.ts';
import { writableTenant } from './writableTenant.ts';

const { devices } = JSON.parse(process.argv[2] ?? '{}') as { devices: number };
const graph = await startGraphEmulator({ synthetic: writableTenant(devices), tenantId: LAB_TENANT.tenantId });
graph.apps.register({ clientId: APPLICATION.userName, secrets: [APPLICATION.password] });
say({ graphUrl: graph.graphUrl, loginUrl: graph.loginUrl });
process.stdin.resume().on('end', () => process.exit(0));
