import { loadPeer } from '../../peers/load-peer.js'
import { peers } from '../../peers/peers.js'
import type { EventStore } from './event-store.js'
import { countRows, POOL_SIZE } from '../pool.js'

/** What is used of `@rotorsoft/act-pg`. */
interface ActPg {
  readonly PostgresStore: new (config: object) => ActStore
}

interface ActStore {
  seed(): Promise<void>
  commit(stream: string, events: readonly object[], meta: object, expectedVersion: number): Promise<unknown>
  query(each: (event: unknown) => void, query: { readonly stream: string }): Promise<number>
  dispose(): Promise<void>
}

/** Act's Postgres store: `commit` and `query`. */
export async function act(url: string): Promise<EventStore> {
  const { PostgresStore } = await loadPeer<ActPg>(peers.act, '@rotorsoft/act-pg')
  const { hostname, port, username, password, pathname } = new URL(url)
  const store = new PostgresStore({
    host: hostname,
    port: Number(port),
    user: username,
    password: decodeURIComponent(password),
    database: pathname.slice(1),
    max: POOL_SIZE,
  })
  await store.seed()
  const meta = { correlation: 'benchmark', causation: {} }
  return {
    // Its versions begin at 0, and a stream that does not exist stands at -1.
    append: (stream, version, events) =>
      store.commit(
        stream,
        events.map(({ type, data }) => ({ name: type, data })),
        meta,
        version - 1,
      ),
    load: (stream) => store.query(() => undefined, { stream }),
    count: () => countRows(url, 'public.events'),
    close: () => store.dispose(),
  }
}
