import pg from 'pg'
import { openStore } from './open-store.mjs'
import { wrongFeed } from './wrong-feeds.mjs'

/**
 * Opens a way to read all events: `next(size)` gives the events after those that it gave before, about `size` of them.
 * `library` is Rillflow's own; the others are known to be wrong, and a test must catch them.
 */
export function openFeed(job) {
  return job.feed === 'library' ? libraryFeed(job) : pooled(job)
}

function libraryFeed(job) {
  const store = openStore({ ...job, connections: 1 })
  let after = 0
  let calls = 0
  return {
    async next(size) {
      calls += 1
      // Both ways of reading: one page, and page by page up to the head.
      const events = calls % 2 === 0 ? await readThrough(store, after, size) : await readPage(store, after, size)
      after = events.at(-1)?.position ?? after
      return events.map(({ position, version, type, id, streamId }) => ({ position, version, type, id, streamId }))
    },
    close: () => store.close(),
  }
}

function readPage(store, after, size) {
  return store.events.readAll({ after, limit: size }).toArray()
}

async function readThrough(store, after, size) {
  const events = []
  for await (const event of store.events.readAll({ after, pageSize: size })) events.push(event)
  return events
}

function pooled({ url, schema, feed }) {
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  pool.on('error', () => {})
  const query = async (text, values) => (await pool.query(text, values)).rows
  return { ...wrongFeed(query, schema, feed), close: () => pool.end() }
}
