import { typed } from '@rillflow/core'
import { defineEvents } from '@rillflow/events'
import { defineProjection } from '@rillflow/projections'
import { useDatabase } from '@rillflow/testing/vitest'
import { beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { newStore, type TestStore } from './support/store-of.js'
import { added, families, tallies } from './support/tally.js'

const database = useDatabase()

const View = defineProjection('view', {
  version: 1,
  mode: 'live',
  from: [families.tally],
  filter: { categories: ['tally'] },
  to: { name: 'view', schema: z.object({ ns: z.array(z.number()), unit: z.string().default('one') }) },
  on: {
    Added: (doc, { data }) => ({ ...doc, ns: [...(doc?.ns ?? []), data.n] }),
    Reset: () => undefined,
    Broken: () => {
      throw new Error('a handler of the test throws')
    },
  },
})

let store: TestStore
beforeEach(async () => void ({ store } = await newStore(database.pool, [View])))

test('a stream is folded as it is now', async () => {
  expect(await store.projections.live(View, 's')).toBeUndefined()
  await store.events.append('s', [added(1), { type: 'Noted', data: { text: 'a' } }, added(2)])
  await store.events.append('t', [added(3)])
  expect(await store.projections.live(View, 's')).toEqual({ ns: [1, 2], unit: 'one' })
  await store.events.append('s', [{ type: 'Reset', data: {} }, added(4)])
  expect(await store.projections.live(View, 's')).toEqual({ ns: [4], unit: 'one' })
})

test('what its filter leaves out is not folded', async () => {
  await store.events.append('s', [added(1)], { category: 'other' })
  expect(await store.projections.live(View, 's')).toBeUndefined()
})

test('a transaction sees what it has appended', async () => {
  await store.transaction(async (tx) => {
    await tx.events.append('s', [added(1)])
    expect(await tx.projections.live(View, 's')).toEqual({ ns: [1], unit: 'one' })
  })
})

test('a handler that throws, and a document that does not fit, are told', async () => {
  await store.events.append('broken', [{ type: 'Broken', data: {} }])
  await expect(store.projections.live(View, 'broken')).rejects.toMatchObject({
    code: 'ProjectionFailed',
    projection: 'view',
    streamId: 'broken',
    cause: { message: 'a handler of the test throws' },
  })
  await store.events.append('wrong', [added('many' as unknown as number)])
  await expect(store.projections.live(View, 'wrong')).rejects.toMatchObject({ cause: { code: 'ValidationFailed' } })
})

test('what is stored, and what is no projection, is refused by name', async () => {
  const live = async (projection: unknown, key: string): Promise<unknown> =>
    store.projections.live(projection as typeof View, key)
  await expect(live(tallies('inline'), 's')).rejects.toThrow(/The projection tallies is inline/)
  await expect(live('view', 's')).rejects.toMatchObject({ code: 'InvalidArgument', argument: 'projection' })
  await expect(live(View, '')).rejects.toMatchObject({ code: 'InvalidArgument', argument: 'streamId' })
})

test('it need not be one of the store, and reads families of its own alone', async () => {
  const Others = defineEvents('other', { Noted: typed<{ text: string }>() })
  const Last = defineProjection('last', {
    version: 1,
    mode: 'live',
    from: [Others],
    to: { name: 'last', schema: typed<{ text: string }>() },
    on: { Noted: (_, { data }) => data },
  })
  await store.events.append('s', [added(1), { type: 'Noted', data: { text: 'last' } }])
  expect(await store.projections.live(Last, 's')).toEqual({ text: 'last' })
})
