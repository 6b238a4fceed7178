import { randomFillSync } from 'node:crypto'

const pool = Buffer.alloc(10 * 256)
let used = pool.length
let lastTime = 0
let sequence = 0

/**
 * A time-ordered UUID (RFC 9562, version 7), rising within the process: the 12 bits after the time count the ids of one
 * millisecond, and borrow from the next one when they run out.
 */
export function uuidV7(): string {
  const now = Date.now()
  if (now > lastTime) {
    lastTime = now
    sequence = 0
  } else if (sequence === 0xfff) {
    lastTime += 1
    sequence = 0
  } else {
    sequence += 1
  }
  const time = lastTime.toString(16).padStart(12, '0')
  const random = takeRandom()
  const counter = (0x7000 | sequence).toString(16)
  const variant = (0x8000 | (Number.parseInt(random.slice(0, 4), 16) & 0x3fff)).toString(16)
  return `${time.slice(0, 8)}-${time.slice(8)}-${counter}-${variant}-${random.slice(4, 16)}`
}

/** Eight random bytes as hex; the pool saves a system call for each id. */
function takeRandom(): string {
  if (used + 8 > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const hex = pool.toString('hex', used, used + 8)
  used += 8
  return hex
}
