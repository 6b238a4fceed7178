import { runOnce } from '../pool.js'

/** The sum of all versions: each write that was stored has made one. */
export async function countWrites(url: string, table: string, versionColumn: string): Promise<number> {
  const text = `select coalesce(sum(${versionColumn}), 0) as writes from ${table}`
  const [row] = await runOnce<{ writes: string }>(url, text)
  return Number(row?.writes)
}
