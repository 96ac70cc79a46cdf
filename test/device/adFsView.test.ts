import { expect } from 'chai';
import { adFsView } from '../../src/device/adFsView.ts';
import type { AttributeValues } from '../../src/device/attributes.ts';

const enabled: AttributeValues = {
  altSecurityIdentities: [
    'X509:<SHA1-TP-PUBKEY>1BBF43F156D6544D87BD98580273C75F0344DA56zw4/fMMN7MbkH3DB7XrbDgnGchQ/wkRHkkb32d2M5Nk=',
  ],
  displayName: ['MyPC'],
  'msDS-DeviceID': ['fac6539d8eb309458fb151dedb421aac'],
  'msDS-IsEnabled': ['TRUE'],
  'msDS-IsManaged': ['TRUE'],
  'msDS-RegisteredOwner': [Buffer.from('S-1-5-21-1-2-3-1001').toString('hex')],
};
const view = (values: AttributeValues | null, key = false): Record<string, string> =>
  Object.fromEntries(adFsView(values, key).map(({ name, value }) => [name, value]));

describe('adFsView', () => {
  it('gives the claims of an enabled object, and none for a value that it lacks', () => {
    expect(view(enabled)).to.deep.equal({
      isknown: 'TRUE',
      registrationid: '9d53c6fa-b38e-4509-8fb1-51dedb421aac',
      displayname: 'MyPC',
      ismanaged: 'TRUE',
      isregistereduser: 'TRUE for S-1-5-21-1-2-3-1001',
      'device authentication': 'ClientTLS, PKeyAuth (SignedToken needs a transport key)',
    });
  });

  it('offers SignedToken with a transport key only, and no method without a certificate key', () => {
    expect(view(enabled, true)['device authentication']).to.equal('ClientTLS, PKeyAuth, SignedToken');
    expect(view({ ...enabled, altSecurityIdentities: [] }, true)['device authentication']).to.match(/^none/);
  });

  it('knows no device that is disabled or not there', () => {
    expect(view({ ...enabled, 'msDS-IsEnabled': ['FALSE'] })).to.deep.equal({
      isknown: 'FALSE: the device object is disabled',
    });
    expect(view(null)).to.deep.equal({ isknown: 'FALSE: there is no device object' });
  });
});
