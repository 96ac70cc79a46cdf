import { expect } from 'chai';
import { anchorValue } from '../../src/device/anchor.ts';
import { displayValue } from '../../src/device/displayValue.ts';
import { guidToHex } from '../../src/device/guid.ts';

const ID = '9d53c6fa-b38e-4509-8fb1-51dedb421aac';

describe('displayValue', () => {
  it('shows ids and owners as people write them, and other values as they are', () => {
    expect(displayValue('msDS-DeviceID', guidToHex(ID))).to.equal(ID);
    expect(displayValue('msDS-CloudAnchor', anchorValue(ID))).to.equal(ID);
    const owner = 'S-1-5-21-685966194-1071688910-211446493-3729';
    expect(displayValue('msDS-RegisteredOwner', Buffer.from(owner).toString('hex'))).to.equal(owner);
    const anchorText = Buffer.from(`Device_${ID}`).toString('hex');
    expect(displayValue('msDS-CloudAnchor', anchorText)).to.equal(`Device_${ID}`);
    expect(displayValue('displayName', 'Prüfstand')).to.equal('Prüfstand');
    expect(displayValue('msDS-IsEnabled', 'TRUE')).to.equal('TRUE');
  });

  it('shows octets that are no id and no text in hexadecimal digits', () => {
    expect(displayValue('msDS-CloudAnchor', 'ff00')).to.equal('ff00');
    expect(displayValue('msDS-RegisteredOwner', '0105000000000005')).to.equal('0105000000000005');
  });
});
