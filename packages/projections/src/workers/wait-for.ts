import { setTimeout as sleep } from 'node:timers/promises'
import { defineStatement, safeInteger, type Scope } from '@rillflow/core'
import { WaitTimeoutError } from '../errors.js'

/** How long is waited, and until when. */
export interface WaitOptions {
  /** In milliseconds; 10,000 unless told. */
  readonly timeout?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Between looks, in milliseconds: short at first, as a projection usually follows at once. */
const pause = { first: 2, most: 50 }

const placeStatement = defineStatement(
  'projection_place',
  (schema) => `select c.position::text as position, c.status, c.version from ${schema}.consumers c
  where c.kind = 'projection' and c.name = $1::text and c.group_name = ''`,
)

interface Place {
  readonly position: number
  readonly state: string
  readonly version: number
}

/** Where a projection stands; undefined for one that never ran. */
export async function placeOf(scope: Scope, name: string): Promise<Place | undefined> {
  const { schema } = await scope.target()
  const { rows } = await scope.query<readonly [position: string, state: string, version: number]>(
    placeStatement(schema, [name]),
  )
  const [row] = rows
  return row && { position: safeInteger(row[0], 'position'), state: row[1], version: row[2] }
}

/**
 * Waits until a projection has handled everything up to a position, whichever process does it.
 *
 * @throws WaitTimeout; at once for one that is paused or has stopped before it.
 */
export async function waitForPosition(
  scope: Scope,
  name: string,
  {
    position,
    version,
    timeout = 10_000,
    signal,
  }: WaitOptions & { readonly position: number; readonly version: number },
): Promise<void> {
  const deadline = performance.now() + timeout
  for (let wait = pause.first; ; wait = Math.min(wait * 2, pause.most)) {
    signal?.throwIfAborted()
    const place = await placeOf(scope, name)
    if (place !== undefined && place.position >= position && place.version >= version) return
    const why = reasonOf(place, performance.now() >= deadline)
    if (why !== undefined) throw new WaitTimeoutError(name, { wanted: position, position: place?.position ?? 0, why })
    const pauseEnd = Math.max(0, Math.min(wait, deadline - performance.now()))
    // The next look throws the signal's own reason.
    await sleep(pauseEnd, undefined, { signal }).catch(() => undefined)
  }
}

function reasonOf(place: Place | undefined, isLate: boolean): string | undefined {
  if (place?.state === 'paused') return 'it is paused; resume it'
  if (place?.state === 'stopped') return 'it has stopped at an event that failed; see its status'
  if (!isLate) return undefined
  return place === undefined
    ? 'it never ran; is there a worker?'
    : 'it is behind; is there a worker, and is it in time?'
}
