import { defineProjection, type ProjectionTransaction } from '@rillflow/projections'
import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { newStore } from './support/store-of.js'
import { added, families } from './support/tally.js'

const database = useDatabase({ max: 8 })

type Handle = (tx: ProjectionTransaction<'it"s lines'>, n: number) => Promise<void>

/** An inline projection to a table of numbers. */
function handling(handle: Handle) {
  return defineProjection('lines', {
    version: 1,
    mode: 'inline',
    from: [families.tally],
    tables: ['it"s lines'],
    types: ['Added'],
    migrations: [
      { number: 1, name: 'lines', sql: 'create table :"schema"."it""s lines" (n int unique check (n < 100))' },
    ],
    handle: (event, tx) => handle(tx, event.data.n),
  })
}

test('a handler reads and writes in the transaction of the append', async () => {
  const seen: unknown[] = []
  const { store, schema } = await newStore(database.pool, [
    handling(async (tx, n) => {
      const table = tx.table('it"s lines')
      seen.push(await tx.query(`select n from ${table} order by n`), await tx.sql`select ${n}::int + 1 as next`)
      await tx.query(`insert into ${table} values ($1)`, [n])
    }),
  ])
  await store.events.append('s', [added(1), added(2)])
  expect(seen).toEqual([[], [{ next: 2 }], [{ n: 1 }], [{ next: 3 }]])
  expect((await database.query(`select n from ${schema}."it""s lines"`)).rowCount).toBe(2)
})

test.each<readonly [what: string, handle: Handle, cause: object]>([
  [
    'refused SQL',
    async (tx, n) => void (await tx.query(`insert into ${tx.table('it"s lines')} values ($1)`, [n + 100])),
    { code: 'DatabaseError' },
  ],
  ['wrong SQL', async (tx) => void (await tx.query('select nonsense from nowhere')), { code: 'SchemaMissing' }],
  ['a table that it does not name', async (tx) => void tx.table('other' as 'it"s lines'), { argument: 'name' }],
  ['what it throws itself', async () => Promise.reject(new Error('mine')), { message: 'mine' }],
])('%s: nothing is stored, and others are not disturbed', async (_, handle, cause) => {
  const { store } = await newStore(database.pool, [handling(async (tx, n) => (n === 3 ? handle(tx, n) : undefined))])
  const ends = await Promise.allSettled([1, 2, 3, 4].map((n) => store.events.append(`s-${n}`, [added(n)])))
  expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
  expect(ends[2]).toMatchObject({ reason: { code: 'ProjectionFailed', projection: 'lines', streamId: 's-3', cause } })
  expect(await store.events.readStream('s-3').toArray()).toEqual([])
})

test('an SQL error that the handler has caught undoes the append all the same, and no other', async () => {
  const { store } = await newStore(database.pool, [
    handling(async (tx, n) => {
      if (n === 3) await tx.query('select nonsense from nowhere').catch(() => undefined)
    }),
  ])
  const ends = await Promise.allSettled([1, 2, 3, 4].map((n) => store.events.append(`s-${n}`, [added(n)])))
  expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
  expect(await store.events.readStream('s-3').toArray()).toEqual([])
})
