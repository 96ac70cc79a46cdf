import { expect } from 'chai';
import type { AttributeChange, Change, Plan } from '../../src/plan/change.ts';
import { checkPlan, refusalOf, type PlanRules } from '../../src/plan/checkPlan.ts';
import { computePlan } from '../../src/plan/computePlan.ts';
import { countActions } from '../../src/plan/counts.ts';
import { inOrderOfApplying } from '../../src/plan/order.ts';
import { DEFAULT_POLICY } from '../../src/plan/policy.ts';
import { countsAsRemoval } from '../../src/plan/thresholds.ts';
import { undoPlan } from '../../src/plan/undo.ts';
import { randomInput, randomNumbers } from './generator.ts';
import {
  anchor,
  CONTAINER,
  daysAgo,
  deviceId,
  deviceObject,
  entraDevice,
  gone,
  idValue,
  key,
  MARK,
  NOW,
  objectGuid,
  objectId,
  OTHER_TENANT,
  planInput,
  removedMark,
  TENANT,
} from './samples.ts';

const RULES: PlanRules = { tenantId: TENANT, container: CONTAINER, made: NOW, now: NOW, policy: DEFAULT_POLICY };

/** A plan with one change of each kind: what a full run of these samples gives. */
const PLAN = computePlan(
  planInput({
    devices: [
      entraDevice(1),
      entraDevice(2, { displayName: 'New', ownerSid: 'S-1-5-21-1-2-3-1001' }),
      entraDevice(3, { accountEnabled: false }),
      entraDevice(4),
    ],
    objects: [
      deviceObject(2),
      deviceObject(3),
      deviceObject(4, { attributes: { 'msDS-IsEnabled': ['FALSE'] }, mark: removedMark(daysAgo(3)) }),
      deviceObject(5),
      deviceObject(6, { attributes: { 'msDS-IsEnabled': ['FALSE'] }, mark: removedMark(daysAgo(31)) }),
      deviceObject(7, { attributes: { 'msDS-IsEnabled': ['FALSE'] } }),
    ],
    absences: gone(5, 6, 7),
  }),
);

/** The same plan with other changes, its figures fitting them. */
function withChanges(changes: readonly Change[], parts: Partial<Plan> = {}): Plan {
  const ordered = inOrderOfApplying(changes);
  const removals = ordered.filter(countsAsRemoval).length;
  const summary = { ...PLAN.summary, actions: countActions(ordered), removals };
  return { ...PLAN, changes: ordered, summary, ...parts };
}

const changeOf = (number: number): Change => {
  const change = PLAN.changes.find((one) => one.deviceId === deviceId(number));
  if (change === undefined) throw new Error(`no change of device ${number}`);
  return change;
};
const CREATE = changeOf(1);
const UPDATE = changeOf(2);
const STATED = changeOf(3);
const ENABLE = changeOf(4);
const REMOVAL = changeOf(5);
const DELETE = changeOf(6);
const MARKING = changeOf(7);

/** The change with other values of one attribute; null takes the attribute out. */
function withValues(
  change: Change,
  attribute: AttributeChange['attribute'],
  values: Partial<AttributeChange> | null,
): Change {
  const attributes = change.attributes.flatMap((one) => {
    if (one.attribute !== attribute) return [one];
    return values === null ? [] : [{ ...one, ...values }];
  });
  return { ...change, attributes };
}

const faultsOf = (change: Change, rules: Partial<PlanRules> = {}, parts: Partial<Plan> = {}): string[] =>
  checkPlan(withChanges([change], parts), { ...RULES, ...rules }).map(({ fault }) => fault);

describe('checkPlan', () => {
  it('finds no fault in a plan of every kind of change', () => {
    expect(PLAN.changes.map(({ action, cause }) => `${action} ${cause}`)).to.deep.equal([
      'disable stated',
      'disable removal',
      'update flow',
      'update removal',
      'enable flow',
      'create flow',
      'delete retention',
    ]);
    expect(checkPlan(PLAN, RULES)).to.deep.equal([]);
  });

  it('finds no fault in any plan that was computed, nor in the undo of one', () => {
    for (let seed = 1; seed <= 400; seed += 1) {
      const input = randomInput(randomNumbers(seed));
      const plan = computePlan(input);
      const rules = { ...RULES, policy: input.policy };
      expect(checkPlan(plan, rules), `seed ${seed}`).to.deep.equal([]);
      const begun = plan.changes.map((change) => ({ change, state: 'applied' as const }));
      const undo = undoPlan({ runId: 'r', tenantId: TENANT, container: CONTAINER }, begun);
      expect(checkPlan(undo, rules), `undo of seed ${seed}`).to.deep.equal([]);
    }
  });

  it('names the change and its object', () => {
    const [fault] = checkPlan(withChanges([STATED, { ...CREATE, mark: MARK }]), RULES);
    expect(fault).to.deep.equal({
      number: 1,
      distinguishedName: CREATE.distinguishedName,
      fault: 'the old mark is not that of its object',
    });
  });

  const wholes: readonly (readonly [string, Plan, string])[] = [
    ['of another tenant', { ...PLAN, tenantId: OTHER_TENANT }, 'it is of another tenant'],
    ['of another container', { ...PLAN, container: `CN=Other,${CONTAINER}` }, 'it is of another container'],
    ['from an incomplete read', { ...PLAN, complete: false }, 'it was made from an incomplete read'],
    [
      'in another order',
      { ...PLAN, changes: PLAN.changes.toReversed() },
      'its changes are not in the order of applying',
    ],
    ['that counts less', { ...PLAN, changes: PLAN.changes.slice(1) }, 'its summary counts other changes'],
    [
      'that counts no removals',
      { ...PLAN, summary: { ...PLAN.summary, removals: 0 } },
      'its summary counts other removals',
    ],
    [
      'that counts held differences which are not there',
      { ...PLAN, summary: { ...PLAN.summary, held: { NoKey: 1 } } },
      'its summary counts other held differences',
    ],
    ['with a notice that moves the cursor', { ...PLAN, notices: ['a\u001b[2Jb'] }, 'a notice has control characters'],
  ];
  for (const [what, plan, fault] of wholes) {
    it(`refuses a plan ${what}`, () => {
      expect(checkPlan(plan, RULES).map((one) => one.fault)).to.include(fault);
    });
  }

  it('refuses two changes of one object, by id and by name', () => {
    const other = { ...MARKING, deviceId: deviceId(70), objectGuid: objectGuid(70) };
    for (const second of [
      { ...other, objectGuid: MARKING.objectGuid, distinguishedName: `CN=x,${CONTAINER}` },
      other,
    ]) {
      const faults = checkPlan(withChanges([MARKING, second]), RULES);
      expect(faults.map(({ fault }) => fault)).to.deep.equal(['another change is of the same object']);
    }
  });

  const keyLink = 'msDS-KeyCredentialLink' as AttributeChange['attribute'];
  const changes: readonly (readonly [string, Change, string])[] = [
    ['without a difference', { ...UPDATE, attributes: [] }, 'it changes nothing'],
    ['of an action with a cause that it cannot have', { ...UPDATE, cause: 'stated' }, 'no update has the cause stated'],
    [
      'of the transport key',
      { ...UPDATE, attributes: [...UPDATE.attributes, { attribute: keyLink, before: [], after: ['00'] }] },
      'it names an attribute that is never written',
    ],
    [
      'that names an attribute twice',
      { ...UPDATE, attributes: [...UPDATE.attributes, ...UPDATE.attributes.slice(-1)] },
      'its attributes are not in order, or repeat',
    ],
    ['whose sentence turns text about', { ...UPDATE, sentence: 'a\u202eb' }, 'its sentence has control characters'],
    [
      'elsewhere',
      { ...UPDATE, distinguishedName: 'CN=krbtgt,CN=Users,DC=corp,DC=contoso,DC=test' },
      `it is not below ${CONTAINER}`,
    ],
    [
      'of a name that only looks as if it were below the container',
      { ...UPDATE, distinguishedName: `CN=a\\,${CONTAINER}` },
      `it is not below ${CONTAINER}`,
    ],
    ['without the id of its object', { ...UPDATE, objectGuid: null }, 'it does not name the objectGUID of its object'],
    [
      'that creates an object that is there',
      { ...CREATE, objectGuid: objectGuid(1) },
      'a create names an object that is there',
    ],
    [
      'that creates under another name',
      { ...CREATE, distinguishedName: `CN=${deviceId(2)},${CONTAINER}` },
      `a create must be named CN=${deviceId(1)},${CONTAINER}`,
    ],
    ['to the same value', withValues(UPDATE, 'displayName', { before: ['New'] }), 'displayName does not change'],
    ['with two names', withValues(UPDATE, 'displayName', { after: ['A', 'B'] }), 'displayName takes one value'],
    [
      'with values out of order',
      withValues(CREATE, 'msDS-DevicePhysicalIDs', { after: ['b', 'a'] }),
      'the values of msDS-DevicePhysicalIDs are not sorted, or repeat',
    ],
    [
      'with values that differ by case only',
      withValues(CREATE, 'msDS-DevicePhysicalIDs', { after: ['A', 'a'] }),
      'values of msDS-DevicePhysicalIDs differ by case only',
    ],
    [
      'that clears a mandatory attribute',
      withValues(UPDATE, 'displayName', { after: [] }),
      'displayName is mandatory and is cleared',
    ],
    [
      'with too long a name',
      withValues(UPDATE, 'displayName', { after: ['x'.repeat(257)] }),
      'displayName takes 1 to 256 characters, not 257',
    ],
    [
      'with a half character',
      withValues(UPDATE, 'displayName', { after: ['\ud800'] }),
      'a value of displayName is not in the form of its syntax',
    ],
    [
      'with octets in capitals',
      withValues(CREATE, 'msDS-DeviceID', { after: ['AB'.repeat(16)] }),
      'a value of msDS-DeviceID is not in the form of its syntax',
    ],
    [
      'with another word for true',
      withValues(ENABLE, 'msDS-IsEnabled', { after: ['true'] }),
      'a value of msDS-IsEnabled is not in the form of its syntax',
    ],
    [
      'with a number over 32 bits',
      withValues(CREATE, 'msDS-DeviceObjectVersion', { after: ['2147483648'] }),
      'a value of msDS-DeviceObjectVersion is not in the form of its syntax',
    ],
    [
      'with the device id of another',
      withValues(CREATE, 'msDS-DeviceID', { after: idValue(deviceId(9)) }),
      'msDS-DeviceID gets a value that no Entra device gives it',
    ],
    [
      'with the anchor of another',
      withValues(CREATE, 'msDS-CloudAnchor', { after: anchor(objectId(9)) }),
      'msDS-CloudAnchor gets a value that no Entra device gives it',
    ],
    [
      'with a key of another form',
      withValues(CREATE, 'altSecurityIdentities', { after: ['X509:<I>CN=CA<S>CN=Administrator'] }),
      'altSecurityIdentities gets a value that no Entra device gives it',
    ],
    [
      'with an owner that is no SID',
      withValues(UPDATE, 'msDS-RegisteredOwner', { after: ['00'] }),
      'msDS-RegisteredOwner gets a value that no Entra device gives it',
    ],
    [
      'that creates with old values',
      withValues(CREATE, 'displayName', { before: ['Old'] }),
      'a create has no old values',
    ],
    [
      'that creates without a key',
      withValues(CREATE, 'altSecurityIdentities', null),
      'a create must give altSecurityIdentities',
    ],
    [
      'that creates without a mark',
      withValues(CREATE, 'adminDescription', null),
      'it leaves its object without a mark',
    ],
    [
      'that deletes and gives values',
      withValues(DELETE, 'displayName', { after: ['New'] }),
      'a delete gives no values',
    ],
    ['that updates and switches', { ...ENABLE, action: 'update' }, 'an update does not switch msDS-IsEnabled'],
    ['that enables nothing', withValues(ENABLE, 'msDS-IsEnabled', null), 'an enable sets msDS-IsEnabled to TRUE'],
    [
      'that calls an enable a disable',
      { ...ENABLE, action: 'disable', cause: 'stated' },
      'a disable sets msDS-IsEnabled to FALSE',
    ],
    [
      'that removes and renames',
      {
        ...REMOVAL,
        attributes: [
          ...REMOVAL.attributes.slice(0, 1),
          ...UPDATE.attributes.slice(0, 1),
          ...REMOVAL.attributes.slice(1),
        ],
      },
      'a removal changes the mark and msDS-IsEnabled only',
    ],
    [
      'that removes without the time of now: the delete would come at once',
      withValues(REMOVAL, 'adminDescription', { after: [removedMark(daysAgo(400))] }),
      'a removal marks its object as removed at the time of the plan',
    ],
    [
      'that removes without a removed mark',
      withValues(REMOVAL, 'adminDescription', null),
      'a removal marks its object as removed at the time of the plan',
    ],
    ['of an unowned object', { ...UPDATE, mark: null }, 'it leaves its object without a mark'],
    [
      'of a foreign object',
      { ...UPDATE, mark: `DeviceWriteback ${OTHER_TENANT}` },
      'its object does not carry the mark of this tenant',
    ],
    [
      'of an object that somebody else marked',
      { ...UPDATE, mark: 'do not touch' },
      'its object does not carry the mark of this tenant',
    ],
    [
      'that takes over an object of another tenant',
      withValues({ ...ENABLE, mark: `DeviceWriteback ${OTHER_TENANT}` }, 'adminDescription', {
        before: [`DeviceWriteback ${OTHER_TENANT}`],
      }),
      'its object does not carry the mark of this tenant',
    ],
    [
      'that gives the mark of another tenant',
      withValues(ENABLE, 'adminDescription', { after: [`DeviceWriteback ${OTHER_TENANT}`] }),
      'it gives a mark that is not of this tenant',
    ],
    [
      'that takes the mark off',
      withValues(ENABLE, 'adminDescription', { after: [] }),
      'it leaves its object without a mark',
    ],
    [
      'that marks as removed what is in scope',
      withValues(ENABLE, 'adminDescription', { after: [removedMark(NOW)] }),
      'only a removal marks its object as removed',
    ],
    [
      'that names another old mark',
      withValues(ENABLE, 'adminDescription', { before: [MARK], after: [] }),
      'the old mark is not that of its object',
    ],
    [
      'that deletes an object in use',
      { ...DELETE, mark: MARK, attributes: withValues(DELETE, 'adminDescription', { before: [MARK] }).attributes },
      'the object is not disabled and marked as removed',
    ],
    [
      'that deletes an enabled object',
      withValues(DELETE, 'msDS-IsEnabled', { before: ['TRUE'] }),
      'the object is not disabled and marked as removed',
    ],
    ['that deletes at once', { ...DELETE, cause: 'removal' }, 'a removal deletes at once with -DeleteAfter 0 only'],
    [
      'that deletes without the mark',
      withValues(DELETE, 'adminDescription', null),
      'a delete names the mark of its object',
    ],
  ];
  for (const [what, change, fault] of changes) {
    it(`refuses a change ${what}`, () => {
      expect(faultsOf(change)).to.deep.equal([fault]);
    });
  }

  it('lets the retention time decide by the clock and policy of now', () => {
    const before = new Date(NOW.getTime() - 2 * 24 * 60 * 60 * 1000);
    expect(faultsOf(DELETE, { now: before })).to.deep.equal(['the retention time is not over']);
    const policy = { ...DEFAULT_POLICY, keepRemoved: true };
    expect(faultsOf(DELETE, { policy })).to.deep.equal(['the retention time is not over']);
    expect(
      faultsOf({ ...DELETE, cause: 'removal' }, { policy: { ...DEFAULT_POLICY, deleteAfterDays: 0 } }),
    ).to.deep.equal([]);
  });

  it('refuses a delete in the plan of a delta run', () => {
    expect(faultsOf(DELETE, {}, { reading: 'delta' })).to.deep.equal(['deletes happen in full runs only']);
  });

  it('lets an adoption give the mark to an object without one, and the undo of its undo', () => {
    const marking: AttributeChange = { attribute: 'adminDescription', before: [], after: [MARK] };
    const adoption: Change = { ...UPDATE, mark: null, attributes: [marking, ...UPDATE.attributes] };
    expect(faultsOf(adoption)).to.deep.equal([]);
    expect(faultsOf({ ...adoption, cause: 'undo' })).to.deep.equal([]);
  });

  it('lets an undo bring back values that no Entra device gives', () => {
    const undo: Change = { ...withValues(UPDATE, 'displayName', { before: ['New'], after: ['Old'] }), cause: 'undo' };
    const keys: AttributeChange = { attribute: 'altSecurityIdentities', before: [key(2)], after: ['X509:<S>CN=old'] };
    expect(faultsOf({ ...undo, attributes: [keys, ...undo.attributes] })).to.deep.equal([]);
    const octets = withValues(undo, 'msDS-RegisteredOwner', { after: ['0G'] });
    expect(faultsOf(octets)).to.deep.equal(['a value of msDS-RegisteredOwner is not in the form of its syntax']);
  });
});

describe('refusalOf', () => {
  const removals = (number: number): Plan =>
    withChanges(Array.from({ length: number }, (_, index) => ({ ...REMOVAL, objectGuid: objectGuid(100 + index) })));

  it('counts the removals again by what the container holds now', () => {
    expect(refusalOf(removals(6), 60, DEFAULT_POLICY)?.code).to.equal('SourceTooSmall');
    const delta = { ...removals(6), reading: 'delta' as const };
    expect(refusalOf(delta, 60, DEFAULT_POLICY)).to.equal(null);
    expect(refusalOf(delta, 50, DEFAULT_POLICY)?.code).to.equal('RemovalThreshold');
    expect(refusalOf(delta, 50, { ...DEFAULT_POLICY, maximumRemoval: 6 })).to.equal(null);
  });

  it('does not believe the removals that the summary claims', () => {
    const plan = removals(6);
    const lie = { ...plan, reading: 'delta' as const, summary: { ...plan.summary, removals: 0 } };
    expect(refusalOf(lie, 10, DEFAULT_POLICY)?.sentence).to.include('removes 6 device objects (enabled now: 10)');
  });

  it('refuses more deletes after the retention time than one run may do', () => {
    const deletes = Array.from({ length: 6 }, (_, index) => ({ ...DELETE, objectGuid: objectGuid(100 + index) }));
    const plan = withChanges(deletes, { summary: { ...PLAN.summary, inScope: 10 } });
    const refusal = refusalOf(plan, 10, DEFAULT_POLICY);
    expect(refusal?.code).to.equal('RemovalThreshold');
    expect(refusal?.sentence).to.include('deletes 6 device objects').and.include('at most 5');
    expect(refusal?.remedy).to.include('-MaximumRemoval 6').and.include(plan.digest);
    expect(refusalOf(plan, 60, DEFAULT_POLICY)?.code).to.equal('SourceTooSmall');
    expect(refusalOf(plan, 10, { ...DEFAULT_POLICY, maximumRemoval: 6 })).to.equal(null);
  });
});
