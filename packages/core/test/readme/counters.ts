import { defineStatement, moduleContract, safeInteger, type Module, type Scope } from '@rillflow/core'

export interface Counters {
  /** Adds to a counter and gives its new value. */
  add(name: string, by: number): Promise<number>
}

const addStatement = defineStatement(
  'counter-add',
  (schema) => `
    insert into ${schema}.counters as c (name, value) values ($1, $2::text::bigint)
    on conflict (name) do update set value = c.value + excluded.value
    returning value::text`,
)

export function counters(): Module<{ store: Counters; transaction: Counters; session: undefined; saved: undefined }> {
  const sql = 'create table :"schema".counters (name text primary key, value bigint not null)'
  return {
    name: 'counters',
    contract: moduleContract,
    components: [{ module: 'counters', migrations: [{ number: 1, name: 'counters', sql }] }],
    install: () => ({ store: countersOn, transaction: countersOn }),
  }
}

function countersOn(scope: Scope): Counters {
  return {
    async add(name, by) {
      const { schema } = await scope.target()
      const { rows } = await scope.query<[value: string]>(addStatement(schema, [name, String(by)]))
      return rows.reduce((_, [value]) => safeInteger(value, 'counter'), 0)
    },
  }
}
