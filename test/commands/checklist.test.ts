import { expect } from 'chai';
import { Checklist, fail, pass, warn } from '../../src/commands/checklist.ts';
import { cancelled, WritebackError } from '../../src/errors.ts';
import { RecordedOutputs } from './recordedOutputs.ts';

describe('commands/checklist', () => {
  let said: RecordedOutputs;
  let list: Checklist;

  beforeEach(() => {
    said = new RecordedOutputs();
    list = new Checklist(said);
  });

  function states(): readonly string[] {
    return said.items.map(
      ({ kind, item }) => `${kind} ${'id' in item ? item.id : ''} ${'state' in item ? item.state : ''}`,
    );
  }

  it('streams each check as it is done and gives its value to the next', async () => {
    const first = await list.check('A', 'First', 'ground', async (ground) => pass(`${ground}+`, 'seen'));
    const second = await list.check('B', 'Second', first, async (ground) => warn(ground.length, 'seen', 'do'));
    expect(second).to.equal(7);
    expect(said.items[0]).to.deep.equal({
      kind: 'check',
      item: { id: 'A', title: 'First', state: 'Pass', evidence: 'seen', remedy: null },
    });
    expect(states()).to.deep.equal(['check A Pass', 'check B Warning']);
    expect(list.passed).to.equal(true);
  });

  it('fails when one check does, and leaves what needs it untested', async () => {
    const failed = await list.check('A', 'First', true, async () => fail('nothing there', 'make it'));
    await list.check('B', 'Second', failed, () => Promise.reject(new Error('never asked')));
    await list.check('C', 'Third', true, async () => pass(true, 'seen'));
    expect(states()).to.deep.equal(['check A Fail', 'check B NotTested', 'check C Pass']);
    expect(list.passed).to.equal(false);
  });

  it('takes a check that throws for failed, with the error as evidence and its remedy', async () => {
    const thrown = new WritebackError('GraphForbidden', 'Graph said 403.', { remedy: 'Grant it.' });
    await list.check('A', 'First', true, () => Promise.reject(thrown));
    expect(said.items[0]?.item).to.include({ state: 'Fail', evidence: 'Graph said 403.', remedy: 'Grant it.' });
    expect(list.passed).to.equal(false);
  });

  it('ends with the error when the call is stopped', async () => {
    const stopped = list.check('A', 'First', true, () => Promise.reject(cancelled()));
    const error = await stopped.catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(WritebackError).and.have.property('code', 'Cancelled');
    expect(said.items).to.deep.equal([]);
  });
});
