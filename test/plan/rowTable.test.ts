import { expect } from 'chai';
import { guidFromHex } from '../../src/device/guid.ts';
import { RowIndex } from '../../src/plan/rowIndex.ts';
import { NONE, RowTable } from '../../src/plan/rowTable.ts';
import { randomNumbers } from './generator.ts';

const MANY = 50_000;

const guidOf = (number: number): string => `${number.toString(16).padStart(8, '0')}-9abc-4def-8012-${'f'.repeat(12)}`;

describe('a row table', () => {
  it('keeps the words of each row, over many rows', () => {
    const table = new RowTable(3);
    for (let row = 0; row < MANY; row += 1) {
      expect(table.append()).to.equal(row);
      table.setWord(row, 0, row);
      table.setWord(row, 2, 0xffff_ffff - row);
    }
    for (const row of [0, 63, 64, 16_383, 16_384, 16_385, MANY - 1]) {
      expect([0, 1, 2].map((at) => table.word(row, at))).to.deep.equal([row, 0, 0xffff_ffff - row]);
    }
    expect(table.count).to.equal(MANY);
  });

  it('refuses a row that was not appended', () => {
    const table = new RowTable(1);
    table.append();
    expect(() => table.word(1, 0)).to.throw(RangeError);
    expect(() => table.setWord(-1, 0, 1)).to.throw(RangeError);
  });

  it('gives the GUID back that was stored, written with or without hyphens', () => {
    const table = new RowTable(6);
    const row = table.append();
    for (const guid of ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff', guidOf(1)]) {
      for (const text of [guid, guid.replaceAll('-', '')]) {
        table.setBits(row, 1, text);
        expect(table.guid(row, 1)).to.equal(guid);
      }
    }
    expect([table.word(row, 0), table.word(row, 5)]).to.deep.equal([0, 0]);
  });

  it('orders rows as the texts of their GUIDs', () => {
    const random = randomNumbers(7);
    const guids = Array.from({ length: 300 }, () => {
      const hex = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join('');
      return guidFromHex(hex) ?? '';
    });
    const table = new RowTable(4);
    for (const guid of guids) table.setBits(table.append(), 0, guid);
    for (let row = 1; row < guids.length; row += 1) {
      const sign = Math.sign(table.compareBits(row - 1, 0, row));
      expect(sign).to.equal((guids[row - 1] ?? '') < (guids[row] ?? '') ? -1 : 1);
    }
  });
});

describe('a row index', () => {
  /** A table of the GUIDs of these numbers, at word 1. */
  function tableOf(numbers: readonly number[]): RowTable {
    const table = new RowTable(5);
    for (const number of numbers) table.setBits(table.append(), 1, guidOf(number));
    return table;
  }

  function rowsOf(index: RowIndex, number: number): number[] {
    const rows: number[] = [];
    for (let row = index.find(guidOf(number)); row !== NONE; row = index.next(row)) rows.push(row);
    return rows;
  }

  it('finds each of many rows, and none that is not there', () => {
    const table = tableOf(Array.from({ length: MANY }, (_, number) => 3 * number));
    const index = new RowIndex(table, 1);
    for (let number = 0; number < 3 * MANY; number += 1) {
      expect(index.find(guidOf(number))).to.equal(number % 3 === 0 ? number / 3 : NONE);
    }
    expect(index.hasShared).to.equal(false);
  });

  it('finds nothing in an empty table', () => {
    expect(new RowIndex(new RowTable(5), 1).find(guidOf(1))).to.equal(NONE);
  });

  it('finds every row of the same bits once, and says of each that it shares them', () => {
    const numbers = [1, 2, 1, 3, 1, 2];
    const table = tableOf(numbers);
    const index = new RowIndex(table, 1);
    expect(rowsOf(index, 1).toSorted()).to.deep.equal([0, 2, 4]);
    expect(rowsOf(index, 2).toSorted()).to.deep.equal([1, 5]);
    expect(rowsOf(index, 3)).to.deep.equal([3]);
    expect(numbers.map((_, row) => index.shares(row))).to.deep.equal([true, true, true, false, true, true]);
    expect(numbers.map((_, row) => index.isShared(table, row, 1))).to.deep.equal([true, true, true, false, true, true]);
  });

  it('holds only the rows that it is told to', () => {
    const index = new RowIndex(tableOf([1, 2, 1, 2]), 1, (row) => row > 1);
    expect([rowsOf(index, 1), rowsOf(index, 2)]).to.deep.equal([[2], [3]]);
    expect(index.hasShared).to.equal(false);
  });

  it('puts first the row that leads', () => {
    const table = tableOf([1, 1, 1, 1]);
    for (const [row, order] of [30, 10, 40, 20].entries()) table.setWord(row, 0, order);
    const index = new RowIndex(table, 1, undefined, (row, first) => table.word(row, 0) < table.word(first, 0));
    expect(rowsOf(index, 1)[0]).to.equal(1);
    expect(rowsOf(index, 1).toSorted()).to.deep.equal([0, 1, 2, 3]);
  });

  it('looks for the bits of a row of another table', () => {
    const other = new RowTable(4);
    other.setBits(other.append(), 0, guidOf(2));
    expect(new RowIndex(tableOf([1, 2]), 1).first(other, 0, 0)).to.equal(1);
  });
});
