import { suites } from '../suites/index.js'
import type { Answer, Request } from './messages.js'
import type { Running, Suite } from './suite.js'

// One contender of one suite. In a process of its own, so that no peer's parsers, handlers or garbage touch another's.
const [suiteName, contenderName] = process.argv.slice(2)
const suite = find(suiteName)
let running: Running<Suite['cases'][number]> | undefined

process.on('message', (request: Request) => {
  void answer(request).then((reply) => {
    process.send?.(reply, () => {
      if (request.kind === 'close') process.exit()
    })
  })
})
// The run has died: nothing may outlive it.
process.on('disconnect', () => process.exit())

async function answer(request: Request): Promise<Answer> {
  try {
    return { kind: 'done', round: await handle(request) }
  } catch (error) {
    return { kind: 'failed', message: explain(error) }
  }
}

async function handle(request: Request) {
  switch (request.kind) {
    case 'open': {
      const contender = suite.contenders[contenderName ?? '']
      if (!contender) throw new Error(`Suite ${suite.name} has no contender ${contenderName}.`)
      const scaled = (count: number): number => Math.max(1, Math.round(count * request.scale))
      running = await contender({ url: request.url, scaled })
      return undefined
    }
    case 'round': {
      const one = suite.cases.find((each) => each.name === request.caseName)
      if (!one || !running) throw new Error(`Suite ${suite.name} has no case ${request.caseName}, or is not open.`)
      globalThis.gc?.()
      return await running.round(one, request.seconds)
    }
    case 'close':
      await running?.close()
      return undefined
  }
}

function find(name: string | undefined): Suite {
  const found = suites.find((each) => each.name === name)
  if (!found) throw new Error(`There is no suite ${name}.`)
  return found
}

function explain(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(explain).join('; ')
  return error instanceof Error ? error.message || error.name : String(error)
}
