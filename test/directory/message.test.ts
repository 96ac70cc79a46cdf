import { expect } from 'chai';
import { AddRequest, BerReader, DeleteRequest, ModifyRequest, SearchRequest, type Message } from 'ldapts';
import { describeQuery, searchRequest, writeRequest } from '../../src/directory/message.ts';
import { equal } from '../../src/directory/search.ts';

const query = { base: 'DC=test', scope: 'one', filter: equal('name', 'a*)(b'), attributes: ['name', 'cn'] } as const;

/** The message as the other side reads it. */
function received<T extends Message>(sent: Message, empty: T): T {
  const reader = new BerReader(sent.write());
  reader.readSequence();
  reader.readInt();
  reader.readSequence(sent.protocolOperation);
  empty.parse(reader, []);
  return empty;
}

describe('message', () => {
  it('asks for what the query names, with the time limit that is given', () => {
    const search = received(searchRequest(query, 120, []), new SearchRequest({ messageId: 0, filter: query.filter }));
    expect(search).to.include({ baseDN: 'DC=test', scope: 'one', timeLimit: 120, sizeLimit: 0 });
    expect(search.attributes).to.deep.equal(['name', 'cn']);
  });

  it('lets no character of a value mean anything in a filter', () => {
    const search = received(searchRequest(query, 1, []), new SearchRequest({ messageId: 0, filter: equal('x', 'x') }));
    expect(search.filter).to.include({ attribute: 'name', value: 'a*)(b' });
    expect(describeQuery(query)).to.equal('Search DC=test, scope one, filter (name=a\\2a\\29\\28b): name, cn');
  });

  it('sends values as the octets that they are', () => {
    const values = [Buffer.from('ff00c3', 'hex'), Buffer.from('é')];
    const add = received(
      writeRequest({ operation: 'add', name: 'CN=a', attributes: [{ name: 'x;binary', values }] }, []),
      new AddRequest({ messageId: 0, dn: '' }),
    );
    expect(add.dn).to.equal('CN=a');
    expect(add.attributes[0]?.parsedBuffers).to.deep.equal(values);
  });

  it('keeps the order of the modifications', () => {
    const modifications = [
      { operation: 'delete', name: 'a', values: [Buffer.from('1')] },
      { operation: 'add', name: 'a', values: [Buffer.from('2')] },
      { operation: 'replace', name: 'b', values: [] },
    ] as const;
    const modify = received(
      writeRequest({ operation: 'modify', name: '<GUID=1>', modifications }, []),
      new ModifyRequest({ messageId: 0 }),
    );
    expect(
      modify.changes.map(({ operation, modification }) => [operation, modification.type, modification.values]),
    ).to.deep.equal([
      ['delete', 'a', ['1']],
      ['add', 'a', ['2']],
      ['replace', 'b', []],
    ]);
  });

  it('names the object of a delete', () => {
    const name = 'CN=ü,DC=test';
    const sent = writeRequest({ operation: 'delete', name }, []);
    expect(sent).to.be.instanceOf(DeleteRequest).with.property('dn', name);
    expect(sent.write().includes(Buffer.from(name))).to.equal(true);
  });
});
