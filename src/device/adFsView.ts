import { type AttributeValues } from './attributes.ts';
import { displayValue } from './displayValue.ts';

/** One thing that AD FS would say or do about a device, by claim name or method. */
export interface AdFsFact {
  readonly name: string;
  readonly value: string;
}

/**
 * What AD FS will see of a device object. Which attribute feeds which claim is not documented: this is the obvious reading
 * of the claim names (…/2012/01/devicecontext/claims/registrationid, displayname, ostype, osversion, ismanaged,
 * isregistereduser; …/2014/02/…/isknown; …/2014/09/…/iscompliant) and so inferred. That the object is found by its
 * altSecurityIdentities and that SignedToken needs the transport key is [MS-OAPXBC] 3.2.5.1.2.3.
 * @param values of the object, null where there is none
 */
export function adFsView(values: AttributeValues | null, hasTransportKey: boolean): readonly AdFsFact[] {
  if (values === null) return [{ name: 'isknown', value: 'FALSE: there is no device object' }];
  if (values['msDS-IsEnabled']?.[0] !== 'TRUE')
    return [{ name: 'isknown', value: 'FALSE: the device object is disabled' }];
  const first = (name: keyof AttributeValues): string | null => {
    const value = values[name]?.[0];
    return value === undefined ? null : displayValue(name, value);
  };
  const owner = first('msDS-RegisteredOwner');
  const claims: readonly (readonly [string, string | null])[] = [
    ['isknown', 'TRUE'],
    ['registrationid', first('msDS-DeviceID')],
    ['displayname', first('displayName')],
    ['ostype', first('msDS-DeviceOSType')],
    ['osversion', first('msDS-DeviceOSVersion')],
    ['ismanaged', first('msDS-IsManaged')],
    ['iscompliant', first('msDS-IsCompliant')],
    ['isregistereduser', owner === null ? null : `TRUE for ${owner}`],
    ['device authentication', methods(values, hasTransportKey)],
  ];
  return claims.flatMap(([name, value]) => (value === null ? [] : [{ name, value }]));
}

function methods(values: AttributeValues, hasTransportKey: boolean): string {
  if ((values.altSecurityIdentities ?? []).length === 0) return 'none: no certificate key';
  return hasTransportKey
    ? 'ClientTLS, PKeyAuth, SignedToken'
    : 'ClientTLS, PKeyAuth (SignedToken needs a transport key)';
}
