import { describe, expect, test } from 'vitest'
import { saveOrder } from '../../src/place-order/save-order.js'
import { storeOrder } from '../../src/place-order/store-order.js'
import type { OpenLibrary } from './library.js'
import { rejectionOf } from './rejection-of.js'
import { all, none, useShop, type TestShop } from './use-shop.js'

/** What must hold for every library whose transactions a store joins; registers the tests, and gives what they run on. */
export function describeJoining(name: string, open: OpenLibrary): TestShop {
  const on = useShop(open)
  describe(`a transaction of ${name}`, () => {
    testOutcomes(on)
    testConflicts(on)
    testSessions(on)
    testRefusals(on)
    testValues(on)
  })
  return on
}

function testOutcomes(on: TestShop): void {
  test('commits the document and the event with the row of the caller, as the guide shows', async () => {
    const order = on.newOrder()
    await on.library.placeOrder(on.shop, order)

    expect(await on.stored(order)).toEqual(all)
  })

  test('shows nothing of them before its COMMIT', async () => {
    const order = on.newOrder()
    const before = await on.library.transaction(async ({ client, insert }) => {
      await insert(order.id)
      await storeOrder(on.shop, client, order)
      return on.stored(order)
    })

    expect(before).toEqual(none)
    expect(await on.stored(order)).toEqual(all)
  })

  test('rolls back all of them together', async () => {
    const order = on.newOrder()
    const stop = new Error('stop')
    const rolledBack = on.library.transaction(async ({ client, insert }) => {
      await insert(order.id)
      await storeOrder(on.shop, client, order)
      throw stop
    })

    expect(await rejectionOf(rolledBack)).toBe(stop)
    expect(await on.stored(order)).toEqual(none)
  })

  test('joins twenty times on a pool of one, every other time in vain, and keeps no connection', async () => {
    const orders = Array.from({ length: 20 }, () => on.newOrder())
    for (const [index, order] of orders.entries()) {
      const attempt = on.library.transaction(async ({ client, insert }) => {
        await insert(order.id)
        await storeOrder(on.shop, client, order)
        if (index % 2 === 1) throw new Error('stop')
      })
      await attempt.catch(() => undefined)
    }

    for (const [index, order] of orders.entries()) expect(await on.stored(order)).toEqual(index % 2 === 1 ? none : all)
  })
}

function testConflicts(on: TestShop): void {
  test('goes on after a conflict of versions, without what the failed call wrote', async () => {
    const [taken, first, lost, last] = [on.newOrder(), on.newOrder(), on.newOrder(), on.newOrder()]
    await on.library.placeOrder(on.shop, taken)
    const errors = await on.library.transaction(async ({ client, insert }) => {
      await insert(first.id)
      await storeOrder(on.shop, client, first)
      const document = await rejectionOf(storeOrder(on.shop, client, taken))
      const stream = await rejectionOf(
        on.shop.transaction({ client }, async (tx) => {
          await tx.docs.orders.put(lost)
          await tx.events.append(`order-${taken.id}`, [{ type: 'OrderPlaced', data: { total: 1 } }], { expected: 7 })
        }),
      )
      await insert(last.id)
      await storeOrder(on.shop, client, last)
      return [document, stream]
    })

    expect(errors).toMatchObject([
      { code: 'VersionConflict', subject: 'document', expected: 0, actual: 1 },
      { code: 'VersionConflict', subject: 'stream', expected: 7, actual: 1 },
    ])
    expect(await on.stored(first)).toEqual(all)
    expect(await on.stored(taken)).toEqual(all)
    expect(await on.stored(lost)).toEqual(none)
    expect(await on.stored(last)).toEqual(all)
  })

  test('goes on after an SQL error, which comes out as the typed error', async () => {
    const [taken, order] = [on.newOrder(), on.newOrder()]
    await on.library.placeOrder(on.shop, taken)
    const twice = { ...on.newOrder(), reference: taken.reference }
    const error = await on.library.transaction(async ({ client, insert, guarded }) => {
      const refused = await rejectionOf(guarded((inner) => storeOrder(on.shop, inner, twice)))
      await insert(order.id)
      await storeOrder(on.shop, client, order)
      return refused
    })

    expect(error).toMatchObject({ code: 'UniqueConflict', collection: 'orders', fields: ['reference'] })
    expect(await on.stored(twice)).toEqual(none)
    expect(await on.stored(order)).toEqual(all)
  })

  test('is not run again when it cannot be serialized: only the caller can repeat the whole', async () => {
    const order = on.newOrder()
    await on.library.placeOrder(on.shop, order)
    let calls = 0
    const failed = on.library.transaction(async ({ client }) => {
      await client.query({ text: 'set transaction isolation level repeatable read' })
      await client.query({ text: 'select 1 from rillflow.docs limit 1' })
      // Another transaction changes the document after this one has taken its snapshot.
      await on.database.query('update rillflow.docs set version = version + 1 where id = $1', [order.id])
      await on.shop.transaction({ client }, async (tx) => {
        calls += 1
        await tx.docs.orders.put(order)
      })
    })

    expect(await rejectionOf(failed)).toMatchObject({ code: 'SerializationFailure', retryable: true })
    expect(calls).toBe(1)
  })
}

function testSessions(on: TestShop): void {
  test('commits a session with the row of the caller, as the guide shows', async () => {
    const order = on.newOrder()
    const position = await on.library.transaction(async ({ client, insert }) => {
      await insert(order.id)
      return saveOrder(on.shop, client, order)
    })

    expect(await on.stored(order)).toEqual(all)
    expect(await on.shop.events.readStream(`order-${order.id}`).toArray()).toMatchObject([{ position }])
  })

  test('takes what a session has staged, and the session lets go of it before the COMMIT', async () => {
    const [kept, undone] = [on.newOrder(), on.newOrder()]
    for (const order of [kept, undone]) {
      const session = on.shop.session()
      session.docs.orders.store(order)
      session.events.append(`order-${order.id}`, [{ type: 'OrderPlaced', data: { total: order.total } }])
      const ended = on.library.transaction(async ({ client, insert }) => {
        await insert(order.id)
        const saved = await session.saveChanges({ client })
        expect(saved).toMatchObject({ docs: [{ id: order.id, version: 1 }], events: [{ version: 1 }] })
        expect(session.pending).toBe(0)
        if (order === undone) throw new Error('stop')
      })
      await ended.catch((error: Error) => expect(error.message).toBe('stop'))
    }

    expect(await on.stored(kept)).toEqual(all)
    expect(await on.stored(undone)).toEqual(none)
  })

  test('leaves to a session what could not be saved, and goes on', async () => {
    const [taken, order] = [on.newOrder(), on.newOrder()]
    await on.library.placeOrder(on.shop, taken)
    const session = on.shop.session()
    session.docs.orders.store(order)
    session.events.append(`order-${taken.id}`, [{ type: 'OrderPlaced', data: { total: 1 } }], { expected: 'noStream' })
    await on.library.transaction(async ({ client, insert }) => {
      expect(await rejectionOf(session.saveChanges({ client }))).toMatchObject({ code: 'VersionConflict', actual: 1 })
      expect(session.pending).toBe(2)
      await insert(order.id)
    })

    expect(await on.stored(order)).toEqual({ ...none, invoices: 1 })
  })
}

function testRefusals(on: TestShop): void {
  test('must be one: a client that is in none is refused, and nothing is written', async () => {
    const order = on.newOrder()
    const client = await on.library.outside()
    const session = on.shop.session()
    session.docs.orders.store(order)

    expect(await rejectionOf(storeOrder(on.shop, client, order))).toMatchObject({ code: 'InvalidState' })
    expect(await rejectionOf(session.saveChanges({ client }))).toMatchObject({ code: 'InvalidState' })
    expect(session.pending).toBe(1)
    expect(await on.stored(order)).toEqual(none)
  })
}

/** Text that is JSON, a date, a number or an array somewhere else, and must stay text here. */
const texts = ['{"a_b":1}', '[1,2]', '2020-01-02T03:04:05.678901Z', '17', '{x,y}', 'null', 'what? \\? $1 :name', '☃"\'']

function testValues(on: TestShop): void {
  test.each(texts)('keeps the text %s as it is, whatever the library does to values', async (note) => {
    const order = { ...on.newOrder(), note }
    const stream = `order-${order.id}`
    const inside = await on.library.transaction(({ client }) =>
      on.shop.transaction({ client }, async (tx) => {
        await tx.docs.orders.put(order)
        const placed = { type: 'OrderPlaced', data: { total: 1.5, note } } as const
        await tx.events.append(stream, [placed, placed], { headers: { note } })
        const events = await tx.events.readStream(stream).toArray()
        return { doc: await tx.docs.orders.getStored(order.id), events }
      }),
    )

    expect(inside.doc).toMatchObject({ id: order.id, version: 1, doc: order, createdAt: expect.any(Date) })
    expect(inside.events).toMatchObject(
      [1, 2].map((version) => ({ version, data: { total: 1.5, note }, headers: { note } })),
    )
    // The same by the store's own connection, whose parsers are known to be right.
    expect(await on.shop.docs.orders.getStored(order.id)).toEqual(inside.doc)
    expect(await on.shop.events.readStream(stream).toArray()).toEqual(inside.events)
  })

  test('prepares its statements where the library can', async () => {
    const rows = await on.library.transaction(async ({ client }) => {
      await storeOrder(on.shop, client, on.newOrder())
      const text = `select count(*) > 0 as prepared from pg_prepared_statements where statement like '/* rillflow:%'`
      return (await client.query({ text })).rows
    })

    expect(rows).toEqual([{ prepared: on.library.prepares }])
  })

  test('binds the values of tx.sql, and gives its rows as objects', async () => {
    const rows = await on.library.transaction(({ client }) =>
      on.shop.transaction(
        { client },
        (tx) => tx.sql`select ${'a'} as z, ${7}::int as a, ${true}::bool as yes, ${null}::text is null as nothing,
          cardinality(${['x', 'y,"z']}::text[]) as size, (${'{"k":1}'}::jsonb ->> 'k') as member`,
      ),
    )

    expect(rows).toEqual([{ z: 'a', a: 7, yes: true, nothing: true, size: 2, member: '1' }])
  })
}
