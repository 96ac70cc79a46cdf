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

  it('spells out what is not seen in the words of a refusal, whatever they come in', () => {
    const body = { error: { code: 'Bad\u001b[2J', message: 'One.\r\nTwo\rThree\u202e.' } };
    const refused = refusalParts(400, body, '');
    expect(refused.text).to.equal('400 Bad\\u001b[2J One. Two\\u000dThree\\u202e.');
    expect(refused.code).to.equal('Bad\\u001b[2J');
    expect(refusalParts(502, null, 'Bad\u001b[2J\r\ngateway').text).to.equal('502 Bad\\u001b[2J gateway');
  });

  it('spells out what is not seen in a link, in a request-id and in the permissions of a token', () => {
    const request = { ...REQUEST, target: 'https://graph.example/v1.0/a\r\nb' };
    const context = { ...CONTEXT, roles: ['A\u001bB'], trace: 'request-id \u009b2J' };
    const error = answerError(request, refusalParts(403, null, ''), context);
    expect(error.detail).to.equal('https://graph.example/v1.0/a\\u000d\\u000ab; request-id \\u009b2J');
    expect(error.remedy).to.contain('the token has: A\\u001bB.');
  });

  it('leads to the trust store of the system where a certificate is not trusted', () => {
    const error = unreachableError('Reading', 'graph.example', { text: 'self-signed certificate', untrusted: true });
    expect(error.remedy).to.contain('trust store').and.to.contain('graph.example');
    expect(error.retryable).to.equal(false);
  });

  const codes: readonly (readonly [number, string, boolean])[] = [
    [400, 'GraphFailed', false],
    [401, 'GraphUnauthorized', false],
    [403, 'GraphForbidden', false],
    [404, 'GraphFailed', false],
    [429, 'GraphThrottled', true],
    [500, 'GraphFailed', true],
    [501, 'GraphFailed', false],
    [502, 'GraphFailed', true],
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
