import { typed } from '@rillflow/core'
import { defineCollection, index } from '@rillflow/documents'
import { defineEvents, type StoredEvent } from '@rillflow/events'
import { defineProjection, toTable, type Projection, type ProjectionTransaction } from '@rillflow/projections'
import type { Pool } from 'pg'
import { z } from 'zod'

const AccountEvents = defineEvents('account', {
  /** Goes to the account of its stream, or to those that it names. A tag belongs to one account at most. */
  Deposited: typed<{ amount: number; to?: readonly string[]; tag?: string }>(),
  Closed: typed<object>(),
})
const NoteEvents = defineEvents('note', { Noted: typed<object>() })

/** What the stores of these tests know; nothing projects notes. */
export const families = { account: AccountEvents, note: NoteEvents }

/** What readers see of an account, whatever keeps it. */
export interface Account {
  readonly total: number
  /** How many events it was changed by. */
  readonly count: number
  /** The version of the projection that wrote it. */
  readonly made: number
  readonly tag: string | null
}

/** What readers see of all accounts. */
export type Accounts = Readonly<Record<string, Account>>

/** How a projection of accounts is made. */
export interface AccountsOptions {
  /** Its own, and that of where it writes; `accounts` unless told. */
  readonly name?: string | undefined
  readonly version?: number | undefined
  readonly mode?: 'async' | 'inline' | undefined
  readonly prefix?: string | undefined
  /** Called for each event before it is projected. What a handler gets to write with is given to it too. */
  readonly meet?: ((event: StoredEvent, tx?: ProjectionTransaction) => unknown) | undefined
}

/** One way to keep accounts. */
export interface Kind {
  readonly define: (options?: AccountsOptions) => Projection
  readonly read: (pool: Pool, schema: string, name?: string) => Promise<Accounts>
}

const Shape = {
  total: z.number(),
  count: z.number(),
  made: z.number(),
  tag: z.string().nullable(),
}

/** The collection that the projection of a name writes. */
export function accountCollection(name: string) {
  return defineCollection(name, {
    schema: z.object({ id: z.string(), ...Shape }),
    indexes: [index('tag', { unique: true })],
  })
}

type Deposited = StoredEvent<'Deposited', { amount: number; to?: readonly string[]; tag?: string }>

const keysOf = (event: { readonly streamId: string; readonly data: object }): string | readonly string[] =>
  'to' in event.data ? (event.data.to as readonly string[]) : event.streamId

function common({ version = 1, mode = 'async', prefix }: AccountsOptions) {
  return {
    version,
    mode,
    from: [AccountEvents],
    filter: prefix === undefined ? undefined : { streamPrefix: prefix },
  } as const
}

function changed(before: Account | undefined, { data }: Deposited, made: number): Account {
  return {
    total: (before?.total ?? 0) + data.amount,
    count: (before?.count ?? 0) + 1,
    made,
    tag: data.tag ?? before?.tag ?? null,
  }
}

const collection: Kind = {
  define(options = {}) {
    const { name = 'accounts', version = 1, meet } = options
    return defineProjection(name, {
      ...common(options),
      key: keysOf,
      to: accountCollection(name),
      on: {
        Deposited: (doc, event, key) => {
          meet?.(event)
          return { id: key, ...changed(doc, event, version) }
        },
        Closed: (_, event) => void meet?.(event),
      },
    })
  },
  async read(pool, schema, name = 'accounts') {
    const { rows } = await pool.query<{ id: string; doc: Account }>(
      `select id, doc - 'id' as doc from "${schema}".docs where collection = $1 order by id`,
      [name],
    )
    return Object.fromEntries(rows.map(({ id, doc }) => [id, doc]))
  },
}

const columns = 'total double precision not null, count int not null, made int not null, tag text unique'

function tableOf(name: string) {
  const sql = `create table :"schema".${name} (id text primary key, ${columns})`
  return [{ number: 1, name: 'accounts', sql }]
}

async function readTable(pool: Pool, schema: string, name = 'accounts'): Promise<Accounts> {
  const { rows } = await pool.query<{ id: string; doc: Account }>(
    `select id, to_jsonb(t) - 'id' as doc from "${schema}".${name} t order by id`,
  )
  return Object.fromEntries(rows.map(({ id, doc }) => [id, doc]))
}

const table: Kind = {
  define(options = {}) {
    const { name = 'accounts', version = 1, meet } = options
    return defineProjection(name, {
      ...common(options),
      key: keysOf,
      to: toTable(name, { key: 'id', schema: z.object({ id: z.string(), ...Shape }) }),
      migrations: tableOf(name),
      on: {
        Deposited: (row, event, key) => {
          meet?.(event)
          return { id: key, ...changed(row, event, version) }
        },
        Closed: (_, event) => void meet?.(event),
      },
    })
  },
  read: readTable,
}

const handler: Kind = {
  define(options = {}) {
    const { name = 'accounts', version = 1, meet } = options
    return defineProjection(name, {
      ...common(options),
      tables: [name],
      migrations: tableOf(name),
      handle: async (event, tx) => {
        await meet?.(event, tx)
        const at = tx.table(name)
        for (const id of [keysOf(event)].flat()) {
          if (event.type === 'Closed') await tx.query(`delete from ${at} where id = $1`, [id])
          else {
            const { amount, tag = null } = event.data
            await tx.query(
              `insert into ${at} as t values ($1, $2, 1, $4, $3) on conflict (id) do update
               set total = t.total + $2, count = t.count + 1, tag = coalesce($3, t.tag), made = $4`,
              [id, amount, tag, version],
            )
          }
        }
      },
    })
  },
  read: readTable,
}

/** The ways to keep accounts: documents, rows by key, and SQL of one's own. */
export const kinds = { collection, table, handler } as const

/** The names of {@link kinds}, for `describe.each`. */
export const kindNames = Object.keys(kinds) as readonly (keyof typeof kinds)[]

/** An event that pays in. */
export function deposited(amount: number, more: { readonly to?: readonly string[]; readonly tag?: string } = {}) {
  return { type: 'Deposited', data: { amount, ...more } } as const
}

/** An event that ends an account. */
export const closed = { type: 'Closed', data: {} } as const

/** An event that no projection reads. */
export const noted = { type: 'Noted', data: {} } as const

/** So many deposits of 1 each. */
export function deposits(count: number, amount = 1) {
  return Array.from({ length: count }, () => deposited(amount))
}
