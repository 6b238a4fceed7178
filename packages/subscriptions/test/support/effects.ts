import type { SqlTag } from '@rillflow/core'
import type pg from 'pg'

/** A table that handlers write to, in the order of their commits: without a key, so that what is done twice shows. */
export async function makeEffects(pool: pg.Pool, schema: string): Promise<{ read(): Promise<readonly number[]> }> {
  await pool.query(`create table "${schema}".effects (id bigint generated always as identity, total int not null)`)
  return {
    async read() {
      const { rows } = await pool.query<{ total: number }>(`select total from "${schema}".effects order by id`)
      return rows.map(({ total }) => total)
    },
  }
}

/** Writes an effect in a transaction. */
export async function addEffect(tx: { readonly sql: SqlTag }, schema: string, total: number): Promise<void> {
  await tx.sql`select set_config('search_path', ${`"${schema}"`}, true)`
  await tx.sql`insert into effects (total) values (${total})`
}
