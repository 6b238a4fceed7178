import { expect, test } from 'vitest'
import { countAnomalies } from './anomaly.js'
import { checkLists, type ListPart, type ListTransaction } from './check-lists.js'

/** `x: 'ab'` is the stream x with the elements a and b. */
type Lists = Readonly<Record<string, string>>

const parts = (lists: Lists): readonly ListPart[] =>
  Object.entries(lists).map(([streamId, elements]) => ({ streamId, elements: elements.split('') }))

const transaction = (name: string, reads: Lists, appends: Lists, outcome: ListTransaction['outcome'] = 'ok') => ({
  name,
  outcome,
  reads: parts(reads),
  appends: parts(appends),
})

const found = (stored: Lists, ...transactions: readonly ListTransaction[]) =>
  countAnomalies(checkLists(transactions, new Map(parts(stored).map(({ streamId, elements }) => [streamId, elements]))))

test('transactions one after the other have no anomaly, whatever became of the unknown one', () => {
  const history = [
    transaction('1', {}, { x: 'ab', y: 'c' }),
    transaction('2', { x: 'ab', y: 'c' }, { x: 'd' }),
    transaction('3', { x: 'ab' }, {}),
    transaction('4', { x: 'abd', y: 'c' }, {}),
    transaction('5', { x: 'ab' }, { x: 'f' }, 'refused'),
  ]
  expect(found({ x: 'abd', y: 'c' }, ...history, transaction('6', {}, { y: 'g' }, 'unknown'))).toEqual({})
  expect(found({ x: 'abd', y: 'cg' }, ...history, transaction('6', {}, { y: 'g' }, 'unknown'))).toEqual({})
})

test('finds what was lost, what is half stored, what nobody wrote, and what was stored though it failed', () => {
  expect(found({ x: 'a' }, transaction('1', {}, { x: 'ab' }))).toEqual({ lost: 1 })
  expect(found({ x: 'a' }, transaction('1', {}, { x: 'a', y: 'b' }, 'unknown'))).toEqual({ lost: 1 })
  expect(found({ x: 'a' })).toEqual({ phantom: 1 })
  expect(found({ x: 'a' }, transaction('1', {}, { x: 'a' }, 'failed'))).toEqual({ unacknowledged: 1 })
})

test('finds a wrong order, stored and read', () => {
  expect(found({ x: 'ba' }, transaction('1', {}, { x: 'ab' }))).toEqual({ 'wrong order': 1 })
  const two = [transaction('1', {}, { x: 'a' }), transaction('2', {}, { x: 'b' })]
  expect(found({ x: 'ab' }, ...two, transaction('3', { x: 'b' }, {}))).toMatchObject({ 'wrong order': 1 })
})

test('G0: finds two transactions that overwrote each other', () => {
  expect(
    found({ x: 'ab', y: 'dc' }, transaction('1', {}, { x: 'a', y: 'c' }), transaction('2', {}, { x: 'b', y: 'd' })),
  ).toEqual({ G0: 2 })
})

test('G1a: finds a read of what was never stored', () => {
  const failed = transaction('1', {}, { x: 'a' }, 'failed')
  expect(found({}, failed, transaction('2', { x: 'a' }, {}))).toEqual({ G1a: 1 })
  expect(found({}, transaction('2', { x: 'a' }, {}))).toEqual({ phantom: 1 })
})

test('G1b: finds a read of half of what a transaction appended', () => {
  expect(found({ x: 'ab' }, transaction('1', {}, { x: 'ab' }), transaction('2', { x: 'a' }, {}))).toMatchObject({
    G1b: 1,
  })
})

test('G1c: finds two transactions that read from each other', () => {
  expect(
    found({ x: 'a', y: 'b' }, transaction('1', { y: 'b' }, { x: 'a' }), transaction('2', { x: 'a' }, { y: 'b' })),
  ).toEqual({ G1c: 2 })
})

test('G-single: finds a read that saw a transaction in one stream and not in the other', () => {
  expect(
    found({ x: 'a', y: 'b' }, transaction('1', {}, { x: 'a', y: 'b' }), transaction('2', { x: 'a', y: '' }, {})),
  ).toEqual({ 'G-single': 1 })
})

test('G-single: finds an append that did not see the one before it', () => {
  expect(found({ x: 'ab' }, transaction('1', { x: '' }, { x: 'a' }), transaction('2', { x: '' }, { x: 'b' }))).toEqual({
    'G-single': 1,
  })
})

test('G2-item: finds two transactions that each missed what the other wrote', () => {
  expect(
    found(
      { x: 'a', y: 'b' },
      transaction('1', { x: '', y: '' }, { x: 'a' }),
      transaction('2', { x: '', y: '' }, { y: 'b' }),
    ),
  ).toEqual({ 'G2-item': 2 })
})
