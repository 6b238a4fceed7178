import { typed } from '@rillflow/core'
import { describe, expect, test } from 'vitest'
import { defineCollection, type PatchBuild } from '../src/index.js'
import { errorOf } from './support/error-of.js'
import { useDocuments } from './support/use-documents.js'

const Note = defineCollection('notes', { schema: typed<{ id: string; text: string }>() })
const fixture = useDocuments({ notes: Note })
type Notes = (typeof fixture)['store']['docs']['notes']

/** Each state is made of the same steps, so that its version is known: live and deleted are at 3. */
const states = ['missing', 'live', 'deleted'] as const

async function bring(notes: Notes, id: string, state: (typeof states)[number]): Promise<void> {
  if (state === 'missing') return
  await notes.put({ id, text: 'first' })
  await notes.put({ id, text: 'second' })
  if (state === 'live') await notes.put({ id, text: 'third' })
  else await notes.delete(id)
}

const replacement = (id: string): { id: string; text: string } => ({ id, text: 'new' })
const isNewText: PatchBuild<{ id: string; text: string }> = (patch) => patch.set('text', 'new')
const calls = {
  put: (notes: Notes, id: string) => notes.put(replacement(id)),
  'put, expected 0': (notes: Notes, id: string) => notes.put(replacement(id), { expected: 0 }),
  insert: (notes: Notes, id: string) => notes.insert(replacement(id)),
  'put, expected 3': (notes: Notes, id: string) => notes.put(replacement(id), { expected: 3 }),
  'put, expected 2': (notes: Notes, id: string) => notes.put(replacement(id), { expected: 2 }),
  update: (notes: Notes, id: string) => notes.update(id, (note) => ({ ...note, text: 'new' })),
  'update, expected 3': (notes: Notes, id: string) => notes.update(id, () => replacement(id), { expected: 3 }),
  'update, expected 2': (notes: Notes, id: string) => notes.update(id, () => replacement(id), { expected: 2 }),
  patch: (notes: Notes, id: string) => notes.patch(id, isNewText),
  'patch, expected 3': (notes: Notes, id: string) => notes.patch(id, isNewText, { expected: 3 }),
  'patch, expected 2': (notes: Notes, id: string) => notes.patch(id, isNewText, { expected: 2 }),
  'patch, validated': (notes: Notes, id: string) => notes.patch(id, isNewText, { validate: true }),
  'patch, validated, expected 2': (notes: Notes, id: string) =>
    notes.patch(id, isNewText, { validate: true, expected: 2 }),
  delete: (notes: Notes, id: string) => notes.delete(id),
  'delete, expected 3': (notes: Notes, id: string) => notes.delete(id, { expected: 3 }),
  'delete, expected 2': (notes: Notes, id: string) => notes.delete(id, { expected: 2 }),
  restore: (notes: Notes, id: string) => notes.restore(id),
  'restore, expected 3': (notes: Notes, id: string) => notes.restore(id, { expected: 3 }),
  'restore, expected 2': (notes: Notes, id: string) => notes.restore(id, { expected: 2 }),
}

const isNew = { version: 1, text: 'new' }
const isReplaced = { version: 4, text: 'new' }
const isDeleted = { version: 4, text: undefined }
const isUntouched = { version: 3, text: 'third' }
const isBack = { version: 4, text: 'second' }
const notFound = { code: 'DocumentNotFound' }
const deleted = { code: 'DocumentDeleted' }
const conflict = (expected: number, actual: number): object => ({
  code: 'VersionConflict',
  subject: 'document',
  expected,
  actual,
})

const outcomes: Record<keyof typeof calls, Record<(typeof states)[number], object>> = {
  put: { missing: isNew, live: isReplaced, deleted },
  'put, expected 0': { missing: isNew, live: conflict(0, 3), deleted },
  insert: { missing: isNew, live: conflict(0, 3), deleted },
  'put, expected 3': { missing: conflict(3, 0), live: isReplaced, deleted },
  'put, expected 2': { missing: conflict(2, 0), live: conflict(2, 3), deleted },
  update: { missing: notFound, live: isReplaced, deleted },
  'update, expected 3': { missing: notFound, live: isReplaced, deleted },
  'update, expected 2': { missing: notFound, live: conflict(2, 3), deleted },
  patch: { missing: notFound, live: isReplaced, deleted },
  'patch, expected 3': { missing: notFound, live: isReplaced, deleted },
  'patch, expected 2': { missing: notFound, live: conflict(2, 3), deleted },
  'patch, validated': { missing: notFound, live: isReplaced, deleted },
  'patch, validated, expected 2': { missing: notFound, live: conflict(2, 3), deleted },
  delete: { missing: notFound, live: isDeleted, deleted },
  'delete, expected 3': { missing: notFound, live: isDeleted, deleted },
  'delete, expected 2': { missing: notFound, live: conflict(2, 3), deleted },
  restore: { missing: notFound, live: isUntouched, deleted: isBack },
  'restore, expected 3': { missing: notFound, live: isUntouched, deleted: isBack },
  'restore, expected 2': { missing: notFound, live: conflict(2, 3), deleted: conflict(2, 3) },
}

const cases = Object.entries(outcomes).flatMap(([name, byState]) =>
  states.map((state) => ({ name: name as keyof typeof calls, state, outcome: byState[state] })),
)

const places = {
  'on the store': (work: (notes: Notes) => Promise<unknown>) => work(fixture.store.docs.notes),
  'in a transaction': (work: (notes: Notes) => Promise<unknown>) =>
    fixture.store.transaction((tx) => work(tx.docs.notes)),
}

describe.each(Object.entries(places))('%s', (place, run) => {
  test.each(cases)('$name × $state', async ({ name, state, outcome }) => {
    const notes = fixture.store.docs.notes
    const id = `${place} ${name} ${state}`
    await bring(notes, id, state)
    const before = await notes.getStored(id)

    if ('code' in outcome) {
      const error = await errorOf(run((target) => calls[name](target, id)))
      expect(error).toMatchObject({ ...outcome, collection: 'notes', id })
      expect(error.message).toContain(id)
      expect(await notes.getStored(id)).toEqual(before)
      return
    }

    const { version, text } = outcome as { version: number; text: string | undefined }
    expect(await run((target) => calls[name](target, id))).toMatchObject({ id, version })
    expect(await notes.get(id)).toEqual(text === undefined ? undefined : { id, text })
    const after = await notes.getStored(id)
    expect(after).toMatchObject({ id, version, doc: { id } })
    expect(after?.deletedAt instanceof Date).toBe(text === undefined)
  })
})

test('the times tell when the document was made and when its version was', async () => {
  const notes = fixture.store.docs.notes
  await notes.put({ id: 'times', text: 'a' })
  const made = await notes.getStored('times')
  expect(made?.createdAt).toEqual(made?.updatedAt)
  await notes.delete('times')
  const gone = await notes.getStored('times')
  const { rows } = await fixture.database.query<{ created: string; updated: string; deleted: string }>(
    `select floor(extract(epoch from created_at) * 1000)::text as created,
            floor(extract(epoch from updated_at) * 1000)::text as updated,
            floor(extract(epoch from deleted_at) * 1000)::text as deleted
     from rillflow.docs where id = 'times'`,
  )
  expect({
    created: gone?.createdAt.getTime(),
    updated: gone?.updatedAt.getTime(),
    deleted: gone?.deletedAt?.getTime(),
  }).toEqual({
    created: Number(rows[0]?.created),
    updated: Number(rows[0]?.updated),
    deleted: Number(rows[0]?.deleted),
  })
  expect(gone?.createdAt).toEqual(made?.createdAt)
})

test('a version beyond 2^31 is exact, and one beyond 2^53 is refused', async () => {
  const notes = fixture.store.docs.notes
  await notes.put({ id: 'old', text: 'a' })
  await fixture.database.query("update rillflow.docs set version = 3000000000 where id = 'old'")
  expect(await notes.put({ id: 'old', text: 'b' }, { expected: 3_000_000_000 })).toEqual({
    id: 'old',
    version: 3_000_000_001,
  })
  await fixture.database.query("update rillflow.docs set version = 9007199254740992 where id = 'old'")
  expect(await errorOf(notes.getStored('old'))).toMatchObject({ code: 'PositionOverflow' })
})

test('an update that changes the id is refused, and the document stays as it was', async () => {
  const notes = fixture.store.docs.notes
  await notes.put({ id: 'stays', text: 'a' })
  const error = await errorOf(notes.update('stays', (note) => ({ ...note, id: 'other' })))
  expect(error).toMatchObject({ code: 'InvalidArgument', argument: 'change' })
  expect(await notes.getStored('stays')).toMatchObject({ version: 1 })
  expect(await notes.getStored('other')).toBeUndefined()
})

test('an error of the update itself comes out unchanged', async () => {
  const notes = fixture.store.docs.notes
  await notes.put({ id: 'thrower', text: 'a' })
  const mine = new Error('mine')
  await expect(
    notes.update('thrower', () => {
      throw mine
    }),
  ).rejects.toBe(mine)
})

test.each([-1, 1.5, Number.NaN, Number.MAX_SAFE_INTEGER + 1])('expected: %s is refused', async (expected) => {
  const notes = fixture.store.docs.notes
  const refused = { code: 'InvalidArgument', argument: 'expected' }
  expect(await errorOf(notes.put({ id: 'n', text: 'a' }, { expected }))).toMatchObject(refused)
  expect(await errorOf(notes.delete('n', { expected }))).toMatchObject(refused)
})

test.each([
  ['empty', ''],
  ['with NUL', 'a\0b'],
  ['with a lone surrogate', '\ud800'],
  ['of 1,025 bytes', 'x'.repeat(1025)],
  ['of 1,026 bytes in 513 characters', 'Ω'.repeat(513)],
  ['that is a number', 5 as never],
])('an id %s is refused by every method', async (_what, id) => {
  const notes = fixture.store.docs.notes
  for (const call of [
    () => notes.put({ id, text: 'a' }),
    () => notes.insert({ id, text: 'a' }),
    () => notes.get(id),
    () => notes.getMany(['fine', id]),
    () => notes.getField(id, 'text'),
    () => notes.patch(id, (patch) => patch.set('text', 'x')),
    () => notes.purge(id),
    () => notes.getStored(id),
    () => notes.update(id, (note) => note),
    () => notes.delete(id),
    () => notes.restore(id),
    () => fixture.store.session().docs.notes.load(id),
  ]) {
    expect(await errorOf(call())).toMatchObject({ code: 'InvalidArgument', argument: 'id' })
  }
})

test('an id of 1,024 bytes is taken', async () => {
  const id = 'Ω'.repeat(512)
  await fixture.store.docs.notes.put({ id, text: 'a' })
  expect(await fixture.store.docs.notes.get(id)).toEqual({ id, text: 'a' })
})

test('the body of a row agrees with its id, also against SQL by hand', async () => {
  await fixture.store.docs.notes.put({ id: 'agrees', text: 'a' })
  const edit = fixture.database.query(`update rillflow.docs set doc = '{"id": "other"}' where id = 'agrees'`)
  await expect(edit).rejects.toMatchObject({ code: '23514', constraint: 'docs_id_agrees' })
})

test('getMany and getField see live documents alone', async () => {
  const notes = fixture.store.docs.notes
  await notes.put({ id: 'many-1', text: 'a' })
  await notes.put({ id: 'many-2', text: 'b' })
  await notes.delete('many-2')
  expect(await notes.getMany(['many-2', 'many-1', 'many-3', 'many-1'])).toEqual([
    undefined,
    { id: 'many-1', text: 'a' },
    undefined,
    { id: 'many-1', text: 'a' },
  ])
  expect(await notes.getMany([])).toEqual([])
  expect(await notes.getField('many-1', 'text')).toBe('a')
  expect(await notes.getField('many-1', 'none' as never)).toBeUndefined()
  expect(await notes.getField('many-2', 'text')).toBeUndefined()
  expect(await notes.getField('many-3', 'text')).toBeUndefined()
})

test('a purged document is gone: its id is new again, its version begins at 1', async () => {
  const notes = fixture.store.docs.notes
  await notes.put({ id: 'purged', text: 'a' })
  await notes.put({ id: 'purged', text: 'b' })
  const refused = await errorOf(notes.purge('purged'))
  expect(refused).toMatchObject({ code: 'DocumentNotDeleted', collection: 'notes', id: 'purged' })
  await notes.delete('purged')
  expect(await errorOf(notes.purge('purged', { expected: 2 }))).toMatchObject({ expected: 2, actual: 3 })
  expect(await notes.purge('purged', { expected: 3 })).toEqual({ id: 'purged', version: 3 })
  expect(await notes.getStored('purged')).toBeUndefined()
  expect(await errorOf(notes.purge('purged'))).toMatchObject({ code: 'DocumentNotFound' })
  expect(await notes.insert({ id: 'purged', text: 'c' })).toEqual({ id: 'purged', version: 1 })
  expect(await errorOf(notes.purge('purged', { force: true, expected: 2 }))).toMatchObject({ expected: 2, actual: 1 })
  expect(await notes.purge('purged', { force: true })).toEqual({ id: 'purged', version: 1 })
})
