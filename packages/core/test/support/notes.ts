import { defineStatement, moduleContract, type Module, type Scope, type TransactionScope } from '@rillflow/core'

/** A note as it is stored, with what the context put on it. */
export interface Note {
  readonly id: string
  readonly body: string
  readonly headers: unknown
  readonly correlationId: string | null
}

/** The notes of a store or of a transaction. */
export interface NotesApi {
  add(id: string, body: string): Promise<void>
  all(): Promise<readonly Note[]>
  /** Runs any statement; its columns must be text. */
  run(text: string): Promise<readonly (readonly unknown[])[]>
  /** Runs `work` in one transaction of the scope. */
  together(work: (notes: TransactionNotesApi) => Promise<void>): Promise<void>
}

/** The notes of a transaction. */
export interface TransactionNotesApi extends NotesApi {
  onCommit(listener: () => void): void
}

/** The staged notes of a session. */
export interface SessionNotesApi {
  add(id: string, body: string): void
  all(): Promise<readonly Note[]>
}

/** What the notes add to a store. */
export interface NotesShape {
  readonly store: NotesApi
  readonly transaction: TransactionNotesApi
  readonly session: SessionNotesApi
  readonly saved: readonly string[]
}

interface NotesOptions {
  /** Called at the start of each flush, with the ids that it is going to write. */
  readonly onFlush?: ((ids: readonly string[]) => void | Promise<void>) | undefined
  readonly onClose?: (() => Promise<void>) | undefined
}

const insert = defineStatement(
  'note-add',
  (schema) => `insert into ${schema}.notes (id, body, headers, correlation_id) values ($1, $2, $3::text::jsonb, $4)`,
)
const select = defineStatement(
  'note-all',
  (schema) => `select id, body, headers::text, correlation_id from ${schema}.notes order by id`,
)

type Row = [id: string, body: string, headers: string | null, correlationId: string | null]

/** A module of one table, small enough to see through, that stages work in a session. */
export function notes(options: NotesOptions = {}): Module<NotesShape> {
  return {
    name: 'notes of the tests',
    contract: moduleContract,
    components: [],
    install: () => ({
      store: notesApi,
      transaction: (scope) => ({ ...notesApi(scope), onCommit: (listener) => scope.onCommit(listener) }),
      session: (scope) => stagedNotes(scope, options),
      close: async () => options.onClose?.(),
    }),
  }
}

function notesApi(scope: Scope): NotesApi {
  return {
    add: (id, body) => add(scope, id, body),
    all: () => all(scope),
    run: async (text) => (await scope.query({ operation: 'run', text, values: [] })).rows,
    together: (work) =>
      scope.transaction((inner) => work({ ...notesApi(inner), onCommit: (listener) => inner.onCommit(listener) })),
  }
}

async function add(scope: Scope, id: string, body: string): Promise<void> {
  const { schema } = await scope.target()
  const { headers, correlationId } = scope.context()
  await scope.query(insert(schema, [id, body, JSON.stringify(headers ?? null), correlationId ?? null]))
}

async function all(scope: Scope): Promise<readonly Note[]> {
  const { schema } = await scope.target()
  const { rows } = await scope.query<Row>(select(schema, []))
  return rows.map(([id, body, headers, correlationId]) => ({
    id,
    body,
    headers: headers === null ? null : (JSON.parse(headers) as unknown),
    correlationId,
  }))
}

function stagedNotes(scope: Scope, options: NotesOptions) {
  const staged: { readonly id: string; readonly body: string }[] = []
  let flushed = 0
  return {
    api: {
      add: (id: string, body: string) => void staged.push({ id, body }),
      all: () => all(scope),
    },
    pending: () => staged.length,
    async flush(tx: TransactionScope): Promise<readonly string[]> {
      const batch = [...staged]
      flushed = batch.length
      await options.onFlush?.(batch.map(({ id }) => id))
      await Promise.all(batch.map(({ id, body }) => add(tx, id, body)))
      return batch.map(({ id }) => id)
    },
    committed: () => void staged.splice(0, flushed),
    clear: () => void staged.splice(0),
  }
}

/** What creates the table of {@link notes} in `schema`. */
export function notesTable(schema: string): string {
  return `
    create schema if not exists "${schema}";
    create table "${schema}".notes (id text primary key, body text not null, headers jsonb, correlation_id text);`
}
