import type { Pool } from 'pg'

/** What happens to each row on its way into the snapshots. */
export interface SnapshotTrigger {
  readonly name: string
  readonly when: 'before insert' | 'after insert' | 'after insert or update'
  /** Statements of plpgsql, which see the row as `new`. */
  readonly body: string
}

/** Puts a trigger on the snapshots of a schema. One before the insert runs before an older row is looked at. */
export async function onSnapshots(pool: Pool, schema: string, { name, when, body }: SnapshotTrigger): Promise<void> {
  await pool.query(
    `create function "${schema}".${name}() returns trigger language plpgsql as $$ begin ${body} return new; end $$;
    create trigger ${name} ${when} on "${schema}".snapshots for each row execute function "${schema}".${name}()`,
  )
}
