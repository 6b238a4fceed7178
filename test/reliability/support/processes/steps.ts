import { existsSync } from 'node:fs'
import { tell, type Point } from './words.js'

/** Makes this process do what its job says, at the places that it names. */
export class Steps {
  readonly #points: readonly Point[]
  readonly #times = new Map<string, number>()
  readonly #flag: string

  /** `flag` is a file that lets a process go on that is too busy to hear. */
  constructor(points: readonly Point[], flag: string) {
    this.#points = points
    this.#flag = flag
  }

  /** Does what is to be done at this place and time, if anything is. */
  async reach(place: string): Promise<void> {
    const point = this.next(place)
    if (point !== undefined) await this.act(point)
  }

  /** Counts this time, and gives the point that it is. */
  next(place: string): Point | undefined {
    const time = (this.#times.get(place) ?? 0) + 1
    this.#times.set(place, time)
    return this.#points.find((point) => point.place === place && point.nth === time)
  }

  async act({ place, deed }: Point): Promise<void> {
    if (deed === 'die') return this.die()
    if (deed === 'end') return void process.kill(process.pid, 'SIGTERM')
    const goOn = deed === 'wait' ? new Promise<void>((resolve) => process.once('message', () => resolve())) : undefined
    await tell({ kind: 'at', place })
    if (deed === 'freeze') process.kill(process.pid, 'SIGSTOP')
    if (deed === 'block') this.#block()
    await goOn
  }

  /** At once: nothing runs behind it. */
  die(): void {
    process.kill(process.pid, 'SIGKILL')
    for (;;) rest(1_000)
  }

  /** Nothing of this process gets a turn, its heartbeat neither. */
  #block(): void {
    while (!existsSync(this.#flag)) rest(10)
  }
}

function rest(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}
