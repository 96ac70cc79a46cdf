import { randomInt } from 'node:crypto';
import { expect } from 'chai';
import { ATTRIBUTES, MARK_ATTRIBUTE } from '../../src/device/attributes.ts';
import { ACTIONS, type AttributeChange, type Change, type Plan } from '../../src/plan/change.ts';
import { checkPlan, type PlanRules } from '../../src/plan/checkPlan.ts';
import { computePlan, type PlanInput } from '../../src/plan/computePlan.ts';
import { DEFAULT_POLICY } from '../../src/plan/policy.ts';
import { randomDelta, randomInput, randomNumbers } from './generator.ts';
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

/** Each round mutates one plan in every way that fits it. */
const ROUNDS = 120;

/** Ids that no random input has. */
const STRANGER = 200;

/** One element of a list, chosen at random. */
type Choice = <T>(elements: readonly T[]) => T | undefined;

/** The plan with one thing in it that the engine never makes; null where the plan has nothing to spoil that way. */
type Mutation = (plan: Plan, choose: Choice) => Plan | null;

/** The plan with the change spoilt; null stands for a change that cannot be spoilt so. */
function inOneChange(fits: (change: Change) => boolean, spoil: (change: Change) => Change | null): Mutation {
  return (plan, choose) => {
    const victim = choose(plan.changes.filter(fits));
    const spoilt = victim === undefined ? null : spoil(victim);
    if (victim === undefined || spoilt === null) return null;
    return { ...plan, changes: plan.changes.map((change) => (change === victim ? spoilt : change)) };
  };
}

function inOneAttribute(
  fits: (attribute: AttributeChange, change: Change) => boolean,
  spoil: (attribute: AttributeChange, change: Change) => Partial<AttributeChange>,
): Mutation {
  return inOneChange(
    (change) => change.attributes.some((one) => fits(one, change)),
    (change) => {
      const victim = change.attributes.find((one) => fits(one, change));
      const attributes = change.attributes.map((one) => (one === victim ? { ...one, ...spoil(one, change) } : one));
      return { ...change, attributes };
    },
  );
}

const any = (): boolean => true;
const is =
  (...actions: readonly string[]) =>
  (change: Change): boolean =>
    actions.includes(change.action);
const caused =
  (...causes: readonly string[]) =>
  (change: Change): boolean =>
    causes.includes(change.cause);
const writes =
  (attribute: AttributeChange['attribute']) =>
  (one: AttributeChange, { action }: Change): boolean =>
    one.attribute === attribute && action !== 'delete';
const marks = (change: Change): boolean =>
  change.attributes.some((one) => one.attribute === MARK_ATTRIBUTE && one.after.length > 0);
const gives = (one: AttributeChange, change: Change): boolean =>
  one.attribute !== MARK_ATTRIBUTE && change.action !== 'delete';
const isText = (one: AttributeChange, change: Change): boolean =>
  gives(one, change) && one.attribute !== MARK_ATTRIBUTE && ATTRIBUTES[one.attribute].syntax === 'text';

const KEY_LINK = 'msDS-KeyCredentialLink' as AttributeChange['attribute'];

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'another tenant': (plan) => ({ ...plan, tenantId: OTHER_TENANT }),
  'another container': (plan) => ({ ...plan, container: 'CN=Users,DC=corp,DC=contoso,DC=test' }),
  'an incomplete read': (plan) => ({ ...plan, complete: false }),
  'a change left out': (plan, choose) => {
    const victim = choose(plan.changes);
    return victim === undefined ? null : { ...plan, changes: plan.changes.filter((change) => change !== victim) };
  },
  'a change made twice': (plan, choose) => {
    const victim = choose(plan.changes);
    return victim === undefined
      ? null
      : { ...plan, changes: plan.changes.flatMap((change) => (change === victim ? [change, change] : [change])) };
  },
  'two changes in the other order': (plan) =>
    plan.changes.length < 2 ? null : { ...plan, changes: plan.changes.toReversed() },
  'one action more in the summary': (plan, choose) => {
    const action = choose(ACTIONS) ?? 'create';
    const actions = { ...plan.summary.actions, [action]: plan.summary.actions[action] + 1 };
    return { ...plan, summary: { ...plan.summary, actions } };
  },
  'one removal more in the summary': (plan) => ({
    ...plan,
    summary: { ...plan.summary, removals: plan.summary.removals + 1 },
  }),
  'a held difference left out': (plan) => (plan.held.length === 0 ? null : { ...plan, held: plan.held.slice(1) }),
  'a held sentence that moves the cursor': (plan) =>
    plan.held.length === 0 ? null : { ...plan, held: plan.held.map((one) => ({ ...one, sentence: '\u001b[2J' })) },
  'a sentence that turns text about': inOneChange(any, (change) => ({
    ...change,
    sentence: `a\u202e${change.action}`,
  })),
  'an object elsewhere': inOneChange(any, (change) => ({
    ...change,
    distinguishedName: `CN=${change.deviceId},CN=Users,DC=corp,DC=contoso,DC=test`,
  })),
  'the container itself': inOneChange(any, (change) => ({ ...change, distinguishedName: CONTAINER })),
  'a create under another name': inOneChange(is('create'), (change) => ({
    ...change,
    distinguishedName: `CN=${deviceId(STRANGER)},${CONTAINER}`,
  })),
  'a create of another device': inOneChange(is('create'), (change) => ({ ...change, deviceId: deviceId(STRANGER) })),
  'a create of an object that is there': inOneChange(is('create'), (change) => ({
    ...change,
    objectGuid: objectGuid(STRANGER),
  })),
  'no objectGUID': inOneChange(is('update', 'disable', 'enable', 'delete'), (change) => ({
    ...change,
    objectGuid: null,
  })),
  'the object of another change': (plan) => {
    const [first, second] = plan.changes.filter((change) => change.objectGuid !== null);
    if (first === undefined || second === undefined) return null;
    const moved = { ...second, objectGuid: first.objectGuid };
    return { ...plan, changes: plan.changes.map((change) => (change === second ? moved : change)) };
  },
  'another action': (plan, choose) =>
    inOneChange(any, (change) => {
      const action = choose(ACTIONS.filter((one) => one !== change.action));
      return action === undefined ? null : { ...change, action };
    })(plan, choose),
  'an ordinary change called a removal': inOneChange(caused('flow', 'stated', 'noKey', 'adoption'), (change) => ({
    ...change,
    cause: 'removal',
  })),
  'an ordinary change called a delete that is due': inOneChange(
    is('create', 'update', 'disable', 'enable'),
    (change) => ({
      ...change,
      cause: 'retention',
    }),
  ),
  'a removal called something else': inOneChange(
    (change) => caused('removal')(change) && !is('delete')(change),
    (change) => ({ ...change, cause: change.action === 'disable' ? 'stated' : 'flow' }),
  ),
  'a delete in a delta run': (plan) => (plan.changes.some(is('delete')) ? { ...plan, reading: 'delta' } : null),
  'a delete of an object that is not yet due': inOneChange(caused('retention'), (change) => {
    const mark = removedMark(daysAgo(-1));
    return { ...change, mark, attributes: withMark(change, { before: [mark] }) };
  }),
  'a delete of an object that is not removed': inOneChange(caused('retention'), (change) => ({
    ...change,
    mark: MARK,
    attributes: withMark(change, { before: [MARK] }),
  })),
  'a delete of an enabled object': inOneAttribute(
    (one, change) => one.attribute === 'msDS-IsEnabled' && change.cause === 'retention',
    () => ({ before: ['TRUE'] }),
  ),
  'a delete that names no mark': inOneChange(is('delete'), (change) => ({
    ...change,
    attributes: change.attributes.filter(({ attribute }) => attribute !== MARK_ATTRIBUTE),
  })),
  'a removal of yesterday': inOneChange(
    (change) => caused('removal')(change) && marks(change),
    (change) => ({ ...change, attributes: withMark(change, { after: [removedMark(daysAgo(1))] }) }),
  ),
  'a removal without a removed mark': inOneChange(
    (change) => caused('removal')(change) && marks(change),
    (change) => ({ ...change, attributes: withMark(change, { after: [MARK] }) }),
  ),
  'an object of another tenant': inOneChange(
    (change) => change.mark !== null,
    (change) => {
      const mark = `DeviceWriteback ${OTHER_TENANT}`;
      return { ...change, mark, attributes: withMark(change, { before: [mark] }) };
    },
  ),
  'an object that somebody else uses': inOneChange(
    (change) => change.mark !== null,
    (change) => ({ ...change, mark: 'ours', attributes: withMark(change, { before: ['ours'] }) }),
  ),
  'an object whose mark the change does not name': inOneChange(
    (change) => change.mark !== null,
    (change) => ({ ...change, mark: null }),
  ),
  'a mark of another tenant': inOneAttribute(writes(MARK_ATTRIBUTE), () => ({
    after: [`DeviceWriteback ${OTHER_TENANT}`],
  })),
  'no mark any more': inOneAttribute(writes(MARK_ATTRIBUTE), () => ({ after: [] })),
  'the transport key': inOneChange(any, (change) => ({
    ...change,
    attributes: [...change.attributes, { attribute: KEY_LINK, before: [], after: ['00'] }],
  })),
  'an attribute twice': inOneChange(any, (change) => ({
    ...change,
    attributes: [...change.attributes, ...change.attributes.slice(-1)],
  })),
  'attributes in another order': inOneChange(
    (change) => change.attributes.length > 1,
    (change) => ({ ...change, attributes: change.attributes.toReversed() }),
  ),
  'nothing to change': inOneChange(any, (change) => ({ ...change, attributes: [] })),
  'a value that does not change': inOneAttribute(any, ({ after }) => ({ before: after })),
  'two values of one': inOneAttribute(
    (one, change) => gives(one, change) && one.attribute === 'displayName',
    () => ({ after: ['A', 'B'] }),
  ),
  'values out of order': inOneAttribute(isText, ({ after }) => ({ after: ['b', 'a', ...after] })),
  'a mandatory value cleared': inOneAttribute(
    (one, change) => gives(one, change) && one.attribute !== MARK_ATTRIBUTE && ATTRIBUTES[one.attribute].mandatory,
    () => ({ after: [] }),
  ),
  'a create without a mandatory value': inOneChange(is('create'), (change) => ({
    ...change,
    attributes: change.attributes.filter(({ attribute }) => attribute !== 'altSecurityIdentities'),
  })),
  'a create with an old value': inOneAttribute(
    (_, change) => change.action === 'create',
    () => ({ before: ['0'] }),
  ),
  'a delete with a new value': inOneAttribute(
    (one, change) => change.action === 'delete' && one.attribute === 'displayName',
    () => ({ after: ['New'] }),
  ),
  'too long a name': inOneAttribute(writes('displayName'), () => ({ after: ['x'.repeat(257)] })),
  'half a character': inOneAttribute(isText, () => ({ after: ['\ud83d'] })),
  'the character NUL': inOneAttribute(isText, () => ({ after: ['a\0'] })),
  'another word for a boolean': inOneAttribute(writes('msDS-IsEnabled'), ({ after }) => ({
    after: after.map((value) => value.toLowerCase()),
  })),
  'the other state': inOneAttribute(writes('msDS-IsEnabled'), ({ after, before }) => ({
    after: before.length > 0 ? before : after.map((value) => `${value}!`),
  })),
  'a key of another form': inOneAttribute(writes('altSecurityIdentities'), () => ({
    after: ['X509:<I>DC=test,CN=CA<S>CN=Administrator'],
  })),
  'a key written another way': inOneAttribute(writes('altSecurityIdentities'), () => ({
    after: [key(7).toLowerCase()],
  })),
  'the anchor of another device': inOneAttribute(writes('msDS-CloudAnchor'), () => ({
    after: anchor(objectId(STRANGER)),
  })),
  'an anchor as text': inOneAttribute(writes('msDS-CloudAnchor'), (_, change) => ({
    after: [Buffer.from(`Device_${change.objectId}`).toString('hex')],
  })),
  'the device id of another device': inOneAttribute(
    (one, change) => change.action === 'create' && one.attribute === 'msDS-DeviceID',
    () => ({ after: idValue(deviceId(STRANGER)) }),
  ),
};

function withMark(change: Change, values: Partial<AttributeChange>): readonly AttributeChange[] {
  return change.attributes.map((one) => (one.attribute === MARK_ATTRIBUTE ? { ...one, ...values } : one));
}

const EVERYTHING = planInput({
  devices: [
    entraDevice(1),
    entraDevice(2, { displayName: 'New' }),
    entraDevice(3, { accountEnabled: false }),
    entraDevice(4),
    entraDevice(5),
    entraDevice(6, { alternativeSecurityIds: [] }),
  ],
  objects: [
    deviceObject(2),
    deviceObject(3),
    deviceObject(4, { mark: removedMark(daysAgo(3)), attributes: { 'msDS-IsEnabled': ['FALSE'] } }),
    deviceObject(5, { mark: null }),
    deviceObject(6),
    deviceObject(7),
    deviceObject(8, { attributes: { 'msDS-IsEnabled': ['FALSE'] } }),
    deviceObject(9, { mark: removedMark(daysAgo(31)), attributes: { 'msDS-IsEnabled': ['FALSE'] } }),
  ],
  absences: gone(7, 8, 9),
  policy: { ...DEFAULT_POLICY, adopt: true },
});

const rulesFor = ({ policy }: PlanInput): PlanRules => ({
  tenantId: TENANT,
  container: CONTAINER,
  made: NOW,
  now: NOW,
  policy,
});

describe('a plan with one thing in it that the engine never makes', () => {
  const first = randomInt(2 ** 31);
  const inputs = Array.from({ length: ROUNDS }, (_, round) => {
    const random = randomNumbers(first + round);
    // One plan has a change of every kind: random ones have few deletes.
    const input = round === 0 ? EVERYTHING : round % 4 === 0 ? randomDelta(random) : randomInput(random);
    const choose: Choice = (elements) => elements[Math.floor(random() * elements.length)];
    return { seed: first + round, input, plan: computePlan(input), choose };
  });

  it('has no fault before', () => {
    for (const { seed, input, plan } of inputs) {
      expect(checkPlan(plan, rulesFor(input)), `seed ${seed}`).to.deep.equal([]);
    }
  });

  for (const [what, mutate] of Object.entries(MUTATIONS)) {
    it(`is refused: ${what}`, () => {
      let mutated = 0;
      for (const { seed, input, plan, choose } of inputs) {
        const spoilt = mutate(plan, choose);
        if (spoilt === null) continue;
        mutated += 1;
        expect(checkPlan(spoilt, rulesFor(input)), `seed ${seed}`).to.not.deep.equal([]);
      }
      expect(mutated, `of ${ROUNDS} plans`).to.be.greaterThan(0);
    });
  }
});
