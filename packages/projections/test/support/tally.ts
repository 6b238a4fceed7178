import { typed } from '@rillflow/core'
import { defineCollection } from '@rillflow/documents'
import { defineEvents } from '@rillflow/events'
import { defineProjection, toTable, type ProjectionMode } from '@rillflow/projections'
import { z } from 'zod'

const TallyEvents = defineEvents('tally', {
  Added: typed<{ n: number; to?: readonly string[] }>(),
  Reset: typed<object>(),
  Kept: typed<object>(),
  Broken: typed<object>(),
})
/** Events that nothing projects. */
const NoteEvents = defineEvents('note', { Noted: typed<{ text: string }>() })

/** What the stores of these tests know. */
export const families = { tally: TallyEvents, note: NoteEvents }

/** A document for each tally; what its schema adds is stored. */
export const Tallies = defineCollection('tallies', {
  schema: z.object({ id: z.string(), sum: z.number(), unit: z.string().default('one') }),
})

const common = { version: 1, from: [TallyEvents] } as const

/** An event may be about other tallies than that of its stream, and about several. */
const keysOf = ({ data, streamId }: { readonly data: object; readonly streamId: string }) =>
  'to' in data ? (data.to as readonly string[]) : streamId

type Keys = 'own' | 'stream'

const broken = (): never => {
  throw new Error('a handler of the test throws')
}

/** Sums up each tally in a document; a reset deletes it. */
export function tallies<const Mode extends Exclude<ProjectionMode, 'live'>>(mode: Mode, keys: Keys = 'own') {
  return defineProjection('tallies', {
    ...common,
    key: keys === 'own' ? keysOf : undefined,
    mode,
    to: Tallies,
    on: {
      Added: (doc, { data }, key) => ({ ...doc, id: key, sum: (doc?.sum ?? 0) + data.n }),
      Reset: () => undefined,
      Kept: (doc) => doc,
      Broken: broken,
    },
  })
}

/** The same in rows of a table. */
export function tallyRows<const Mode extends Exclude<ProjectionMode, 'live'>>(mode: Mode, keys: Keys = 'own') {
  return defineProjection('tally-rows', {
    ...common,
    key: keys === 'own' ? keysOf : undefined,
    mode,
    to: toTable('tally_rows', {
      key: 'name',
      schema: z.object({ name: z.string(), sum: z.number(), note: z.unknown().optional() }),
    }),
    migrations: [
      {
        number: 1,
        name: 'rows',
        sql: `create table :"schema".tally_rows (name text primary key, sum double precision not null, note jsonb,
          twice double precision generated always as (sum * 2) stored)`,
      },
    ],
    on: {
      Added: (row, { data }, key) => ({ ...row, name: key, sum: (row?.sum ?? 0) + data.n }),
      Reset: () => undefined,
      Kept: (row) => row,
    },
  })
}

/** Writes a line for each event that adds. */
export function tallyLines<const Mode extends Exclude<ProjectionMode, 'live'>>(mode: Mode) {
  return defineProjection('tally-lines', {
    version: 1,
    mode,
    from: [TallyEvents],
    tables: ['tally_lines'],
    types: ['Added', 'Broken'],
    migrations: [
      {
        number: 1,
        name: 'lines',
        sql: 'create table :"schema".tally_lines (place bigint not null, stream_id text not null, n double precision)',
      },
    ],
    handle: async ({ type, position, streamId, data }, tx) => {
      if (type === 'Broken') broken()
      const n = 'n' in data ? data.n : null
      await tx.query(`insert into ${tx.table('tally_lines')} values ($1, $2, $3)`, [position, streamId, n])
    },
  })
}

/** An event that adds `n`, to other tallies than that of its stream where they are named. */
export function added(n: number, ...to: readonly string[]) {
  return { type: 'Added', data: to.length === 0 ? { n } : { n, to } } as const
}
