import { defineStatement, uuidV7, type Scope } from '@rillflow/core'
import { checkText } from '../append/check-text.js'

/** How an alias that is not there yet is made. */
export interface ResolveAliasOptions {
  /**
   * Gives the id of the stream that a new alias leads to; a UUID unless told. Called only when the alias is not there,
   * and even then its answer is dropped if another process is faster.
   */
  readonly create?: (() => string | Promise<string>) | undefined
}

const findStatement = defineStatement(
  'find_alias',
  (schema) => `select a.stream_id from ${schema}.stream_aliases a where a.alias = $1::text`,
)

// The update changes nothing: it is what makes the statement wait for the other transaction, and give its row.
const createStatement = defineStatement(
  'create_alias',
  (schema) => `insert into ${schema}.stream_aliases as a (alias, stream_id) values ($1::text, $2::text)
  on conflict (alias) do update set stream_id = a.stream_id returning a.stream_id`,
)

/** Gives the stream id that an alias leads to; undefined when there is no such alias. */
export async function findAlias(scope: Scope, alias: string): Promise<string | undefined> {
  checkText('alias', alias)
  const { schema } = await scope.target()
  const { rows } = await scope.query<readonly [streamId: string]>(findStatement(schema, [alias]))
  return rows[0]?.[0]
}

/** Gives the stream id that an alias leads to, the same to all who ask, and makes the alias when it is not there. */
export async function resolveAlias(scope: Scope, alias: string, options: ResolveAliasOptions): Promise<string> {
  const known = await findAlias(scope, alias)
  if (known !== undefined) return known
  const streamId = await (options.create ?? uuidV7)()
  checkText('streamId', streamId)
  const { schema } = await scope.target()
  const { rows } = await scope.query<readonly [streamId: string]>(createStatement(schema, [alias, streamId]))
  return (rows[0] as readonly [string])[0]
}
