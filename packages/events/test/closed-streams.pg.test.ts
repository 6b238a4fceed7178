import { isRillflowError } from '@rillflow/core'
import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import type { ExpectedVersion } from '../src/index.js'
import { added, newStore } from './support/test-store.js'

const database = useDatabase()

const states = [
  { column: 'archived_at', code: 'StreamArchived' },
  { column: 'tombstoned_at', code: 'StreamTombstoned' },
] as const
const modes: readonly ExpectedVersion[] = ['any', 'noStream', 'streamExists', 0, 2, 5]
const cases = states.flatMap((state) => modes.map((expected) => ({ ...state, expected })))

test.each(cases)('$code when $expected is expected, and nothing is written', async ({ column, code, expected }) => {
  const { store, schema } = await newStore(database.pool)
  await store.events.append('s', added(2))
  await database.query(`update "${schema}".streams set ${column} = now()`)
  const error: unknown = await store.events.append('s', added(1), { expected }).catch((thrown: unknown) => thrown)
  expect(isRillflowError(error, code), String(error)).toBe(true)
  expect(error).toMatchObject({ streamId: 's', retryable: false })
  const { rows } = await database.query(`select version::int from "${schema}".streams`)
  expect(rows).toEqual([{ version: 2 }])
  expect(await store.events.readStream('s', { tombstoned: 'include' }).toArray()).toHaveLength(2)
})

test('a stream that is both is tombstoned', async () => {
  const { store, schema } = await newStore(database.pool)
  await store.events.append('s', added(1))
  await database.query(`update "${schema}".streams set archived_at = now(), tombstoned_at = now()`)
  await expect(store.events.append('s', added(1))).rejects.toMatchObject({ code: 'StreamTombstoned' })
})

test('a staged append to an archived stream leaves everything staged', async () => {
  const { store, schema } = await newStore(database.pool)
  await store.events.append('closed', added(1))
  await database.query(`update "${schema}".streams set archived_at = now()`)
  const session = store.session()
  session.events.append('open', added(1))
  session.events.append('closed', added(1))
  await expect(session.saveChanges()).rejects.toMatchObject({ code: 'StreamArchived', streamId: 'closed' })
  expect(session.pending).toBe(2)
  expect(await store.events.readStream('open').toArray()).toEqual([])
})
