import { afterEach } from 'vitest'

const works: (() => Promise<unknown>)[] = []

/** Has something done when the test has ended, whether it has passed or not; what was begun last ends first. */
export function atEnd(work: () => Promise<unknown>): void {
  works.push(work)
}

afterEach(async () => {
  for (let work = works.pop(); work !== undefined; work = works.pop()) await work()
})
