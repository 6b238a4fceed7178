import { sync } from '@rillflow/schema'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openHistoryStore, type HistoryStore } from './support/open-history-store.js'
import { useServer } from './support/use-server.js'

const server = useServer()
let store: HistoryStore

beforeAll(async () => {
  store = openHistoryStore({ url: server.url }, 'saves')
  await sync(store)
})

afterAll(() => store.close())

const added = { type: 'Added', data: {} } as const

/** What makes a save of a session fail, and what takes the hindrance away. */
const hindrances: Readonly<
  Record<string, { put: (name: string) => Promise<unknown>; take: (name: string) => Promise<unknown>; code: string }>
> = {
  'a document that is there already': {
    put: (name) => store.docs.accounts.insert({ id: `${name}-fresh`, balance: 7 }),
    take: (name) => store.docs.accounts.purge(`${name}-fresh`, { force: true }),
    code: 'VersionConflict',
  },
  'a document that is deleted': {
    put: async (name) => {
      await store.docs.registers.put({ id: `${name}-other`, value: 'x' })
      await store.docs.registers.delete(`${name}-other`)
    },
    take: (name) => store.docs.registers.restore(`${name}-other`),
    code: 'DocumentDeleted',
  },
  'a stream that is archived': {
    put: async (name) => {
      await store.events.append(`${name}-stream`, [added])
      await store.events.archiveStream(`${name}-stream`)
    },
    take: (name) => store.events.unarchiveStream(`${name}-stream`),
    code: 'StreamArchived',
  },
}

/** How many events the stream has, and the documents of the name. */
async function stored(name: string): Promise<object> {
  const events = (await store.events.readStream(`${name}-stream`).toArray()).length
  const fresh = (await store.docs.accounts.get(`${name}-fresh`))?.balance
  const other = (await store.docs.registers.get(`${name}-other`))?.value
  return { events, fresh, other }
}

test.each(Object.keys(hindrances))(
  'a save that fails for %s stores neither documents nor events, keeps both, and stores both when it succeeds',
  async (name) => {
    const { put, take, code } = hindrances[name] as (typeof hindrances)[string]
    await put(name)
    const before = await stored(name)
    const session = store.session()
    session.events.append(`${name}-stream`, [added, added])
    session.docs.accounts.store({ id: `${name}-fresh`, balance: 1 }, { expected: 0 })
    session.docs.registers.store({ id: `${name}-other`, value: 'y' })
    for (let time = 1; time <= 2; time += 1) {
      await expect(session.saveChanges()).rejects.toMatchObject({ code })
      expect(session.pending).toBe(3)
      expect(await stored(name)).toEqual(before)
    }
    await take(name)
    const { events: already } = (await stored(name)) as { events: number }
    const { docs, events } = await session.saveChanges()
    expect([docs.length, events.length, session.pending]).toEqual([2, 1, 0])
    expect(await stored(name)).toEqual({ events: already + 2, fresh: 1, other: 'y' })
    expect(await session.saveChanges()).toEqual({ docs: [], events: [] })
  },
)
