import type { AttributeValues, Values } from './attributes.ts';
import type { Guid } from './guid.ts';

/** The device object: the msDS-Device object in Active Directory, as it was read. */
export interface DeviceObject {
  readonly objectGuid: Guid;
  readonly distinguishedName: string;
  /** The value of the RDN. */
  readonly name: string;
  /** Without what the account may not read, so a mandatory attribute can be absent. */
  readonly attributes: AttributeValues;
  /** The values of adminDescription, none or one. */
  readonly adminDescription: Values;
  /** Whether msDS-KeyCredentialLink has a value; it is never written. */
  readonly hasTransportKey: boolean;
  /** 1970 if it could not be read, so that nothing takes the object for a new one. */
  readonly whenCreated: Date;
}
