import { createStore, singleTenant, type PoolLike, type ClientLike, type Tenancy } from '@rillflow/core'
import pg from 'pg'
import { expectTypeOf } from 'vitest'
import { notes, type NotesApi, type SessionNotesApi, type TransactionNotesApi } from './support/notes.js'
import type { Module } from '@rillflow/core'

declare const perTenant: Tenancy<'perTenant'>
/** A module that stages nothing. */
declare const counter: Module<{
  readonly store: { count(): Promise<number> }
  readonly transaction: { count(): Promise<number> }
  readonly session: undefined
  readonly saved: undefined
}>
declare const client: pg.Client

const modules = { notes: notes(), counter }
const store = createStore({ connection: process.env['DATABASE_URL'], modules })

// The keys of a store, a transaction and a session are those of the record.
expectTypeOf(store.notes).toEqualTypeOf<NotesApi>()
expectTypeOf(store.counter.count()).toEqualTypeOf<Promise<number>>()
// @ts-expect-error: no such module
void store.other

void store.transaction(async (tx) => {
  expectTypeOf(tx.notes).toEqualTypeOf<TransactionNotesApi>()
  expectTypeOf(tx.counter.count()).toEqualTypeOf<Promise<number>>()
  expectTypeOf(await tx.sql<{ id: string }>`select ${1}`).toEqualTypeOf<readonly { id: string }[]>()
  // @ts-expect-error: no such module
  void tx.other
})
expectTypeOf(store.transaction(async () => Promise.resolve(7))).toEqualTypeOf<Promise<number>>()
expectTypeOf(store.withContext({}, () => 'x')).toEqualTypeOf<string>()

// A session has the modules that stage work, and no others.
const session = store.session({ headers: { user: 'ada' }, correlationId: 'c' })
expectTypeOf(session.notes).toEqualTypeOf<SessionNotesApi>()
// @ts-expect-error: the counter stages nothing
void session.counter
expectTypeOf(session.saveChanges()).toEqualTypeOf<Promise<{ readonly notes: readonly string[] }>>()

// A store of one tenant takes no tenant.
// @ts-expect-error: not in a store of one tenant
store.session({ tenant: 'a' })
// @ts-expect-error: not in a store of one tenant
void store.transaction({ tenant: 'a' }, async () => Promise.resolve())
// @ts-expect-error: not in a store of one tenant
store.tenant('a')
const explicit = createStore({ connection: 'x', modules, tenancy: singleTenant({ schema: 'public' }) })
expectTypeOf(explicit.notes).toEqualTypeOf<NotesApi>()

// A store per tenant requires one, and forbids it once it is named.
const tenants = createStore({ connection: 'x', modules, tenancy: perTenant })
// @ts-expect-error: a tenant must be named
void tenants.notes
// @ts-expect-error: a tenant must be named
tenants.session()
// @ts-expect-error: a tenant must be named
tenants.session({ correlationId: 'c' })
// @ts-expect-error: a tenant must be named
void tenants.transaction(async () => Promise.resolve())
// @ts-expect-error: a tenant must be named
void tenants.transaction({}, async () => Promise.resolve())
expectTypeOf(tenants.session({ tenant: 'a' }).notes).toEqualTypeOf<SessionNotesApi>()
expectTypeOf(tenants.transaction({ tenant: 'a' }, async () => Promise.resolve(7))).toEqualTypeOf<Promise<number>>()
const acme = tenants.tenant('acme')
expectTypeOf(acme.notes).toEqualTypeOf<NotesApi>()
// @ts-expect-error: it is named already
acme.session({ tenant: 'a' })
// @ts-expect-error: it is named already
acme.tenant('a')

// The driver's own types fit as they are.
expectTypeOf<pg.Pool>().toExtend<PoolLike>()
expectTypeOf<pg.Client>().toExtend<ClientLike>()
expectTypeOf<pg.PoolClient>().toExtend<ClientLike>()
createStore({ connection: { pool: new pg.Pool() }, modules })
createStore({ connection: { client }, modules })
void store.transaction({ client }, async (tx) => tx.notes.all())
void new pg.Pool().connect().then((lent) => store.transaction({ client: lent }, async (tx) => tx.notes.all()))

// An unset variable is taken by the type, and refused with words when the store is made.
createStore({ connection: undefined, modules })
// @ts-expect-error: neither a URL, nor a pool, nor a client
createStore({ connection: { host: 'x' }, modules })
// @ts-expect-error: not a module
createStore({ connection: 'x', modules: { notes } })
