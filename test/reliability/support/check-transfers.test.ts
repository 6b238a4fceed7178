import { expect, test } from 'vitest'
import { countAnomalies } from './anomaly.js'
import { checkTransfers, type TransferHistory } from './check-transfers.js'

const found = (history: Partial<TransferHistory>) =>
  countAnomalies(
    checkTransfers({
      total: 200,
      transfers: [
        { from: 'a', to: 'b', outcome: 'ok' },
        { from: 'b', to: 'a', outcome: 'refused' },
        { from: 'b', to: 'c', outcome: 'unknown' },
      ],
      reads: [],
      versions: new Map([
        ['a', 2],
        ['b', 2],
        ['c', 1],
      ]),
      ...history,
    }),
  )

const versions = (a: number, b: number, c: number): Partial<TransferHistory> => ({
  versions: new Map(Object.entries({ a, b, c })),
})

test('constant sums and a version for each transfer have no anomaly, whatever became of the unknown one', () => {
  expect(found({ reads: [{ by: 'find', balances: [50, 150, 0] }] })).toEqual({})
  expect(found(versions(2, 3, 2))).toEqual({})
})

test('finds a read with another sum, and one that misses an account', () => {
  expect(found({ reads: [{ by: 'find', balances: [50, 149, 0] }] })).toEqual({ sum: 1 })
  expect(found({ reads: [{ by: 'find', balances: [50, 150] }] })).toEqual({ 'missing account': 1 })
})

test('finds a transfer that was lost, and one that nobody made', () => {
  expect(found(versions(1, 2, 1))).toEqual({ lost: 1 })
  expect(found(versions(3, 2, 1))).toEqual({ unacknowledged: 1 })
})
