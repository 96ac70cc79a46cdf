import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { WritebackError } from '../../src/errors.ts';
import { isMissing, onState, stateUnwritable } from '../../src/files/failure.ts';

const systemError = (code: string): Error => Object.assign(new Error(`${code}: as the system says`), { code });

describe('failure', () => {
  it('names the work, the folder, the cause in words, and the way on', () => {
    const error = stateUnwritable('write state', '/srv/state', systemError('EACCES'));
    expect(error.code).to.equal('StateUnwritable');
    expect(error.message).to.equal('Could not write state in /srv/state: permission denied (EACCES).');
    expect(error.target).to.equal('/srv/state');
    expect(error.remedy).to.include('-StatePath');
    expect(error.detail).to.equal('EACCES: as the system says');
  });

  it('tells to make room where there is none', () => {
    for (const code of ['ENOSPC', 'EDQUOT', 'EFBIG']) {
      expect(stateUnwritable('write state', '/srv', systemError(code)).remedy, code).to.include('Make room');
    }
  });

  it('gives the own words of an error that it does not know', () => {
    expect(stateUnwritable('write state', '/srv', systemError('EWEIRD')).message).to.include(
      'as the system says (EWEIRD)',
    );
    expect(stateUnwritable('write state', '/srv', new Error('odd')).message).to.include('in /srv: odd.');
  });

  it('passes results and errors of ours on as they are', () => {
    const ours = new WritebackError('StateInvalid', 'x', { remedy: 'y' });
    expect(onState('read', '/srv', () => 5)).to.equal(5);
    expect(() =>
      onState('read', '/srv', () => {
        throw ours;
      }),
    )
      .to.throw()
      .that.equals(ours);
    expect(() => onState('read', '/srv', () => readFileSync('/nowhere/at/all'))).to.throw(
      WritebackError,
      'Could not read',
    );
  });

  it('tells a missing file from any other failure', () => {
    expect(isMissing(systemError('ENOENT'))).to.equal(true);
    expect(isMissing(systemError('EACCES'))).to.equal(false);
    expect(isMissing('ENOENT')).to.equal(false);
  });
});
