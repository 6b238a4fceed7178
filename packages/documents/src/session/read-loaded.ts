import { safeInteger } from '@rillflow/core'
import { toTextArray } from '../collections/parse-field.js'
import { parseRead } from '../operations/read-document.js'
import type { WriteTarget } from '../operations/write-document.js'
import { getVersions } from '../sql/get-document.js'
import type { Loaded } from './identity-map.js'

/** Loaded as missing, or deleted by this session. */
export const absent: Loaded = { version: 0, doc: undefined }

/** Those of several documents that are live, by one statement. */
export async function readLoaded(
  { collection, executor }: WriteTarget,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Loaded>> {
  const statement = getVersions(executor.schema, [collection.name, toTextArray(ids)])
  const { rows } = await executor.query<readonly [id: string, doc: string, version: string]>(statement)
  const entries = rows.map(async ([id, json, version]): Promise<readonly [string, Loaded]> => {
    return [id, { version: safeInteger(version, 'version'), doc: await parseRead(collection, json) }]
  })
  return new Map(await Promise.all(entries))
}
