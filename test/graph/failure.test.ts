import { expect } from 'chai';
import { answerError, invalidAnswer, refusalOf, refusalParts, unreachableError } from '../../src/graph/failure.ts';

const REQUEST = { target: '/devices', purpose: 'Reading the devices', permission: 'Device.Read.All' };
const CONTEXT = {
  host: 'graph.example',
  clientId: 'app',
  roles: [],
  renewable: true,
  trace: 'client-request-id 1, request-id 2',
};

describe('graph/failure', () => {
  it("reads Graph's code and message", () => {
    const body = { error: { code: 'Request_BadRequest', message: 'Not like this.', innerError: {} } };
    expect(refusalParts(400, body, '')).to.deep.equal({
      status: 400,
      code: 'Request_BadRequest',
      text: '400 Request_BadRequest Not like this.',
    });
  });

  it('reads the words of an HTML page, and none of an empty body', () => {
    const page = '<html><head><title>502 Bad Gateway</title></head><body>\n<h1>Sorry</h1></body></html>';
    expect(refusalParts(502, null, page)).to.deep.equal({ status: 502, code: null, text: '502 502 Bad Gateway Sorry' });
    expect(refusalParts(504, null, '').text).to.equal('504');
    expect(refusalParts(500, null, 'x'.repeat(5000)).text).to.have.length(204);
  });

  const codes: readonly (readonly [number, string, boolean])[] = [
    [400, 'GraphFailed', false],
    [401, 'GraphUnauthorized', false],
    [403, 'GraphForbidden', false],
    [404, 'GraphFailed', false],
    [429, 'GraphThrottled', true],
    [500, 'GraphFailed', true],
    [503, 'GraphFailed', true],
    [200, 'GraphFailed', true],
  ];
  for (const [status, code, retryable] of codes) {
    it(`makes ${code} of ${status}, ${retryable ? 'worth' : 'not worth'} another run`, () => {
      const error = answerError(REQUEST, refusalParts(status, null, 'words'), CONTEXT);
      expect(error).to.include({ code, retryable, target: 'graph.example' });
      expect(error.message).to.equal(`Reading the devices from graph.example: Graph answered ${status} words`);
      expect(error.detail).to.equal('/devices; client-request-id 1, request-id 2');
      expect(error.remedy).not.to.equal('');
      expect(refusalOf(error)?.status).to.equal(status);
    });
  }

  it('says that the token of a 403 has no permission at all', () => {
    expect(answerError(REQUEST, refusalParts(403, null, ''), CONTEXT).remedy).to.equal(
      'Grant application app the Microsoft Graph permission Device.Read.All with admin consent; the token has: none.',
    );
  });

  it('finds no answer of Graph in other errors', () => {
    const errors = [
      unreachableError('Reading', 'graph.example', { text: 'cut', untrusted: false }),
      invalidAnswer('Reading', 'graph.example', 'nothing'),
      new Error('x'),
      null,
    ];
    for (const error of errors) expect(refusalOf(error)).to.equal(null);
  });
});
