import { isRillflowError } from '@rillflow/core'
import { Hono, type Context } from 'hono'
import { z } from 'zod'
import { Account, type BankStore } from './store.js'

const Opening = Account.omit({ balance: true })
const Movement = z.object({ amount: z.number().positive() })

/** The routes. Each request that writes is one session: the document and its event are committed together. */
export function makeApp(store: BankStore): Hono {
  const app = new Hono()

  app.post('/accounts', async (c) => {
    const { id, owner } = Opening.parse(await c.req.json())
    const session = sessionOf(store, c)
    session.docs.accounts.store({ id, owner, balance: 0 }, { expected: 0 })
    session.events.append(streamOf(id), [{ type: 'Opened', data: { owner } }], { expected: 'noStream' })
    await session.saveChanges()
    return c.json({ id, owner, balance: 0 }, 201)
  })

  app.get('/accounts', async (c) => {
    const owner = c.req.query('owner')
    return c.json(await store.docs.accounts.find(owner === undefined ? {} : { owner }))
  })

  app.get('/accounts/:id', async (c) => {
    const account = await store.docs.accounts.get(c.req.param('id'))
    return account === undefined ? c.json({ error: 'NotFound' }, 404) : c.json(account)
  })

  app.get('/accounts/:id/events', async (c) => {
    const events = await store.events.readStream(streamOf(c.req.param('id'))).toArray()
    return c.json(events.map(({ version, type, data, headers }) => ({ version, type, data, headers })))
  })

  app.post('/accounts/:id/deposits', (c) => move(c, store, 'Deposited', 1))
  app.post('/accounts/:id/withdrawals', (c) => move(c, store, 'Withdrawn', -1))

  app.onError((error, c) => {
    if (error instanceof z.ZodError || error instanceof SyntaxError) return c.json({ error: 'BadRequest' }, 400)
    if (isRillflowError(error, 'VersionConflict')) return c.json({ error: error.code, message: error.message }, 409)
    if (isRillflowError(error, 'ValidationFailed')) return c.json({ error: error.code, message: error.message }, 400)
    throw error
  })
  return app
}

async function move(c: Context, store: BankStore, type: 'Deposited' | 'Withdrawn', sign: 1 | -1): Promise<Response> {
  const { amount } = Movement.parse(await c.req.json())
  const session = sessionOf(store, c)
  const account = await session.docs.accounts.load(c.req.param('id') ?? '')
  if (account === undefined) return c.json({ error: 'NotFound' }, 404)
  const balance = account.balance + sign * amount
  if (balance < 0) return c.json({ error: 'InsufficientFunds', balance: account.balance }, 422)
  // The version that was loaded is expected when it is saved: of two requests that read the same balance, one wins.
  session.docs.accounts.store({ ...account, balance })
  session.events.append(streamOf(account.id), [{ type, data: { amount } }])
  await session.saveChanges()
  return c.json({ ...account, balance })
}

function sessionOf(store: BankStore, c: Context): ReturnType<BankStore['session']> {
  const requestId = c.req.header('x-request-id')
  return store.session({ headers: { path: c.req.path }, correlationId: requestId })
}

function streamOf(id: string): string {
  return `account-${id}`
}
