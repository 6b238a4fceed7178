import { randomBytes } from 'node:crypto'

/** Another place to begin for each process, in 62 bits: no two of them come to the same marks. */
const first = randomBytes(8).readBigUInt64BE() >> 2n
let given = 0n

/** A mark that no other call has, as text for a bigint. */
export function nextWriteId(): string {
  given += 1n
  return (first + given).toString()
}
