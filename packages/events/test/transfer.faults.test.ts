import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { backendOf, untilBlockedBy } from './support/blocking.js'
import { eventsOf, newStore, type TestStore } from './support/test-store.js'
import { useServer } from './support/use-server.js'
import { numbered } from './support/numbered.js'

const COUNT = 6_000
const KILLS = 6

const server = useServer({ max: 6, fixture: 'transfer-import' })
const children: ChildProcess[] = []

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** Starts a process that imports all of them; its source stands still after the row `last`, if one is given. */
function startImport(schema: string, batchSize: number, last = COUNT): ChildProcess {
  const args = [server.url, schema, String(COUNT), String(batchSize), String(last)]
  const child = fork(server.file, args, { execArgv: [] })
  children.push(child)
  return child
}

/** The import that the processes run, in this one. */
async function runImport(store: TestStore, batchSize = 500): Promise<unknown> {
  return store.events.import(numbered(COUNT, ['a', 'b', 'c']), { name: 'numbers', batchSize })
}

async function expectAllOnce(store: TestStore): Promise<void> {
  const stored = await store.events.readAll().toArray()
  expect(stored.map(({ data }) => (data as { n: number }).n)).toEqual(Array.from({ length: COUNT }, (_, n) => n + 1))
  expect(await store.events.verify()).toEqual([])
}

test(`an import that is killed ${KILLS} times stores everything once, in order`, async () => {
  const { store, schema } = await newStore(server.pool)
  for (let kill = 1; kill <= KILLS; kill += 1) {
    // Small and odd, so that the kills land at other places of a batch; and however late they come, rows are left.
    const batch = 37 * kill
    const child = startImport(schema, batch, (await eventsOf(store)).length + batch * (kill + 2))
    await untilTold(child, kill)
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const stored = (await eventsOf(store)).length
  expect(stored).toBeGreaterThanOrEqual(37 * (1 + 4 + 9 + 16 + 25 + 36))
  // Otherwise the last kill came too late to say anything.
  expect(stored).toBeLessThan(COUNT)
  expect(await runImport(store)).toMatchObject({ skipped: stored, events: COUNT - stored })
  await expectAllOnce(store)
})

/** Waits until a process has told of so many batches. */
async function untilTold(child: ChildProcess, batches: number): Promise<void> {
  let told = 0
  await new Promise<void>((resolve, reject) => {
    child.on('message', () => {
      told += 1
      if (told === batches) resolve()
    })
    child.once('exit', (code, signal) => reject(new Error(`the import ended with ${signal ?? code}`)))
  })
}

/** Stops every transaction that has written the event with this number, at its commit or at its insert. */
async function withGate(
  schema: string,
  when: { readonly at: 'insert' | 'commit'; readonly n: number },
  work: (gate: { readonly holder: number; readonly open: () => Promise<void> }) => Promise<void>,
): Promise<void> {
  const trigger = when.at === 'commit' ? 'constraint trigger gate after' : 'trigger gate before'
  await server.pool.query(`
    create function "${schema}".gate() returns trigger language plpgsql as $$ begin
      if new.data ->> 'n' = '${when.n}' then perform pg_advisory_xact_lock_shared(77, 7); end if; return new; end $$;
    create ${trigger} insert on "${schema}".events ${when.at === 'commit' ? 'deferrable initially deferred' : ''}
      for each row execute function "${schema}".gate()`)
  const client = await server.pool.connect()
  try {
    await client.query('select pg_advisory_lock(77, 7)')
    const open = async (): Promise<void> => void (await client.query('select pg_advisory_unlock(77, 7)'))
    await work({ holder: await backendOf(client), open })
  } finally {
    await client.query('select pg_advisory_unlock_all()')
    client.release()
  }
}

async function blockedBy(holder: number): Promise<number> {
  await untilBlockedBy(server.pool, holder)
  const { rows } = await server.pool.query<{ pid: number }>(
    'select pid from pg_stat_activity where $1 = any(pg_blocking_pids(pid))',
    [holder],
  )
  return rows[0]?.pid ?? 0
}

test('a batch that commits after its process was killed is not stored again', async () => {
  const { store, schema } = await newStore(server.pool)
  await withGate(schema, { at: 'commit', n: 700 }, async ({ holder, open }) => {
    const child = startImport(schema, 500)
    const orphan = await blockedBy(holder)
    child.kill('SIGKILL')
    await once(child, 'exit')
    const second = runImport(store).catch((error: unknown) => error)
    // It has read how far the import is, and now waits for the server's process that the first one has left behind.
    await untilBlockedBy(server.pool, orphan)
    await open()
    expect(await second).toMatchObject({
      code: 'ImportFailed',
      row: 501,
      imported: 0,
      cause: { code: 'InvalidState' },
    })
  })
  expect(await eventsOf(store)).toHaveLength(1_000)
  expect(await runImport(store)).toMatchObject({ skipped: 1_000, events: COUNT - 1_000 })
  await expectAllOnce(store)
})

// Little is all sent when the server ends the connection; of much, the socket is full, and the copy waits for it to drain.
test.each([
  { size: 10, end: 'pg_terminate_backend', code: 'ConnectionLost' },
  { size: 10_000, end: 'pg_terminate_backend', code: 'ConnectionLost' },
  { size: 10, end: 'pg_cancel_backend', code: 'QueryCanceled' },
])('$end in the middle of a COPY of rows of $size bytes fails the batch alone', async ({ size, end, code }) => {
  const { store, schema } = await newStore(server.pool)
  const filler = 'x'.repeat(size)
  const rows = numbered(1_000, ['a', 'b']).map((row) => ({ ...row, data: { ...row.data, filler } }))
  const options = { batchSize: 600, name: 'big' }
  await withGate(schema, { at: 'insert', n: 605 }, async ({ holder, open }) => {
    const ended = store.events.import(rows, options).catch((error: unknown) => error)
    await server.pool.query(`select ${end}($1)`, [await blockedBy(holder)])
    expect(await ended).toMatchObject({
      code: 'ImportFailed',
      row: 601,
      imported: 600,
      retryable: true,
      cause: { code },
    })
    await open()
  })
  expect(await eventsOf(store)).toHaveLength(600)
  expect(server.pool.totalCount - server.pool.idleCount).toBe(0)
  expect(await store.events.import(rows, options)).toMatchObject({ skipped: 600, events: 400 })
  expect(await eventsOf(store)).toHaveLength(1_000)
})

test('a connection that is lost while COMMIT is out leaves the outcome to the next run', async () => {
  const { store, schema } = await newStore(server.pool)
  await withGate(schema, { at: 'commit', n: 700 }, async ({ holder, open }) => {
    const ended = runImport(store).catch((error: unknown) => error)
    await server.pool.query('select pg_terminate_backend($1)', [await blockedBy(holder)])
    expect(await ended).toMatchObject({
      code: 'ImportFailed',
      row: 501,
      imported: 500,
      retryable: true,
      cause: { code: 'CommitOutcomeUnknown' },
    })
    await open()
  })
  await runImport(store)
  await expectAllOnce(store)
})
