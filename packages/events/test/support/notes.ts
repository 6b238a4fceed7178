import { defineStatement, moduleContract, type Module, type TransactionScope } from '@rillflow/core'

interface NotesShape {
  readonly store: undefined
  readonly transaction: { write(text: string): Promise<void> }
  readonly session: { stage(text: string): void }
  readonly saved: number
}

const insert = defineStatement('write_note', (schema) => `insert into ${schema}.notes (text) values ($1::text)`)

async function write(scope: TransactionScope, text: string): Promise<void> {
  const { schema } = await scope.target()
  await scope.query(insert(schema, [text]))
}

/** A second module with a table of its own, to see that what is saved together is one transaction. */
export function notes(): Module<NotesShape> {
  return {
    name: 'notes',
    contract: moduleContract,
    components: [
      { module: 'notes', migrations: [{ number: 1, name: 'notes', sql: 'create table :"schema".notes (text text)' }] },
    ],
    install: () => ({
      store: () => undefined,
      transaction: (scope) => ({ write: (text) => write(scope, text) }),
      session: () => {
        let staged: readonly string[] = []
        let flushed = 0
        return {
          api: { stage: (text) => void (staged = [...staged, text]) },
          pending: () => staged.length,
          flush: async (scope) => {
            flushed = staged.length
            for (const text of staged) await write(scope, text)
            return flushed
          },
          committed: () => void (staged = staged.slice(flushed)),
          clear: () => void (staged = []),
        }
      },
    }),
  }
}
