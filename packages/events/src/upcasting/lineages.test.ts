import { isRillflowError } from '@rillflow/core'
import { expect, test } from 'vitest'
import { buildLineages, type Lineage } from './lineages.js'
import { upcaster, type EventVersion, type Upcaster } from './upcaster.js'

/** Steps written as `A1>B2`. */
function steps(text: string): readonly Upcaster[] {
  return text
    .split(' ')
    .filter((step) => step !== '')
    .map((step) => {
      const [from, to] = step.split('>').map((form): EventVersion => [form.charAt(0), Number(form.slice(1))])
      return upcaster({ from: from as EventVersion, to: to as EventVersion, upcast: (data) => data })
    })
}

function build(text: string, types: string, strict = true): ReadonlyMap<string, Lineage> {
  return buildLineages(steps(text), { types: new Set(types), strict })
}

function show(lineages: ReadonlyMap<string, Lineage>): Record<string, string> {
  return Object.fromEntries(
    [...lineages].map(([name, { type, version, newest, paths }]) => [
      name,
      `${type}${version} newest ${newest}` +
        [...paths]
          .toSorted(([one], [other]) => one - other)
          .map(([from, path]) => ` ${from}:${path.map(({ to }) => to.join('')).join('>')}`)
          .join(''),
    ]),
  )
}

test.each<[string, string, Record<string, string>]>([
  ['', 'A', { A: 'A1 newest 1' }],
  ['A1>A2', 'AB', { A: 'A2 newest 2 1:A2', B: 'B1 newest 1' }],
  ['A2>A3 A1>A2', 'A', { A: 'A3 newest 3 1:A2>A3 2:A3' }],
  ['A1>B1', 'B', { A: 'B1 newest 1 1:B1', B: 'B1 newest 1' }],
  ['A1>B2', 'B', { A: 'B2 newest 1 1:B2', B: 'B2 newest 2' }],
  [
    'A1>A2 A2>B3 B3>C1 C1>C2',
    'C',
    { A: 'C2 newest 2 1:A2>B3>C1>C2 2:B3>C1>C2', B: 'C2 newest 3 3:C1>C2', C: 'C2 newest 2 1:C2' },
  ],
  // Two old names of one type, and versions that fall.
  ['A1>C2 B5>C2', 'C', { A: 'C2 newest 1 1:C2', B: 'C2 newest 5 5:C2', C: 'C2 newest 2' }],
  // Version 1 of a type whose first upcaster begins later.
  ['A3>A4', 'A', { A: 'A4 newest 4 3:A4' }],
])('%j of %j', (text, types, lineages) => {
  expect(show(build(text, types))).toEqual(lineages)
})

test.each<[string, string, string, RegExp]>([
  ['two steps from one form', 'A1>A2 A1>B1', 'AB', /two upcasters begin at A 1/],
  ['a step to itself', 'A1>A1', 'A', /circle: A 1 → A 1\./],
  ['a circle', 'A1>A2 A2>B1 B1>A1', 'AB', /circle: A 1 → A 2 → B 1 → A 1\./],
  ['a circle behind a chain', 'A1>A2 A2>B1 B1>B2 B2>B1', 'B', /circle: B [12] → B [12] → B [12]\./],
  ['a hole', 'A1>A2 A3>A4', 'A', /from A 3 to A 4, and from another version of A to A 2.*step that is missing/],
  [
    'versions that become different types',
    'A1>B1 A2>C1',
    'BC',
    /from A 2 to C 1, and from another version of A to B 1/,
  ],
  ['versions that become different versions', 'A1>B1 A2>B2', 'B', /All versions of a type must end in one/],
  ['a renamed type that is still in a family', 'A1>B1', 'AB', /turn A into B, and A is in a family still/],
  ['an end in no family', 'A1>A2', 'B', /turn A into A, which is in none of this store's families/],
])('%s is refused', (_name, text, types, message) => {
  const error = thrownBy(() => build(text, types))
  expect(isRillflowError(error, 'InvalidConfig'), String(error)).toBe(true)
  expect((error as Error).message).toMatch(message)
})

test('an end in no family is taken when unknown types may be read', () => {
  expect(show(build('A1>A2', 'B', false))).toEqual({ A: 'A2 newest 2 1:A2', B: 'B1 newest 1' })
})

test('a long chain', () => {
  const text = Array.from({ length: 500 }, (_, index) => `A${index + 1}>A${index + 2}`).join(' ')
  expect(build(text, 'A').get('A')).toMatchObject({ version: 501, newest: 501 })
  expect(build(text, 'A').get('A')?.paths.get(1)).toHaveLength(500)
})

const upcast = (data: unknown): unknown => data
const fits: EventVersion = ['A', 1]

test.each<[string, unknown]>([
  ['no version', { from: ['A'], to: fits, upcast }],
  ['version 0', { from: ['A', 0], to: fits, upcast }],
  ['half a version', { from: fits, to: ['A', 1.5], upcast }],
  ['a version that no column holds', { from: fits, to: ['A', 2 ** 31], upcast }],
  ['a version as text', { from: fits, to: ['A', '2'], upcast }],
  ['an empty type', { from: ['', 1], to: fits, upcast }],
  ['a type that is no text', { from: [1, 1], to: fits, upcast }],
  ['text for a form', { from: 'A1', to: fits, upcast }],
  ['no function', { from: fits, to: ['A', 2], upcast: 'x' }],
])('an upcaster with %s is refused', (_name, definition) => {
  const error = thrownBy(() => upcaster(definition as Upcaster))
  expect(isRillflowError(error, 'InvalidConfig'), String(error)).toBe(true)
})

function thrownBy(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}
