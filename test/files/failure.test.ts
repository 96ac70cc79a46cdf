import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { WritebackError } from '../../src/errors.ts';
import { isMissing, onState } from '../../src/files/failure.ts';

const systemError = (code: string): Error =>
  Object.assign(new Error(`${code}: as the system says`), { code, syscall: 'write' });

function failing(thrown: Error): () => never {
  return () => {
    throw thrown;
  };
}

function caught(work: () => unknown): unknown {
  try {
    return onState('write state', '/srv/state', work);
  } catch (thrown) {
    return thrown;
  }
}

function refusal(thrown: Error): WritebackError {
  const error = caught(failing(thrown));
  if (error instanceof WritebackError) return error;
  throw thrown;
}

describe('failure', () => {
  it('names the work, the folder, the cause in words, and the way on', () => {
    const error = refusal(systemError('EACCES'));
    expect(error.code).to.equal('StateUnwritable');
    expect(error.message).to.equal('Could not write state in /srv/state: permission denied (EACCES).');
    expect(error.target).to.equal('/srv/state');
    expect(error.remedy).to.include('-StatePath');
    expect(error.detail).to.equal('EACCES: as the system says');
  });

  it('knows what the system really throws', () => {
    const error = caught(() => readFileSync('/nowhere/at/all'));
    expect(error).to.be.instanceOf(WritebackError);
    expect((error as WritebackError).message).to.include('a folder of this path is not there (ENOENT)');
  });

  it('tells to make room where there is none', () => {
    for (const code of ['ENOSPC', 'EDQUOT', 'EFBIG']) {
      expect(refusal(systemError(code)).remedy, code).to.include('Make room');
    }
  });

  it("gives the system's own words for a cause that it does not know", () => {
    expect(refusal(systemError('EWEIRD')).message).to.include('as the system says (EWEIRD)');
  });

  it('passes results and all other errors on as they are', () => {
    expect(onState('write state', '/srv/state', () => 5)).to.equal(5);
    for (const thrown of [new WritebackError('StateInvalid', 'x', { remedy: 'y' }), new Error('a fault of ours')]) {
      expect(caught(failing(thrown))).to.equal(thrown);
    }
  });

  it('tells a missing file from any other failure', () => {
    expect(isMissing(systemError('ENOENT'))).to.equal(true);
    expect(isMissing(systemError('EACCES'))).to.equal(false);
    expect(isMissing('ENOENT')).to.equal(false);
  });
});
