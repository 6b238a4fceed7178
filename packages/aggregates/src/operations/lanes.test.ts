import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import type { AnyAggregate, AnyLoaded } from '../definition/any-aggregate.js'
import { Lanes, type Turn } from './lanes.js'

const account = { name: 'account' } as AnyAggregate
const other = { name: 'other' } as AnyAggregate
const at = (version: number): AnyLoaded => ({ id: 's', state: {}, version, exists: version > 0 })

/** Asks for a turn, and shows whether it has come. */
function ask(lanes: Lanes, id = 's', signal?: AbortSignal, schema = 'a'): { turn: Promise<Turn>; came: () => boolean } {
  let came = false
  const turn = lanes.enter(schema, id, signal)
  turn.then(
    () => (came = true),
    () => undefined,
  )
  return { turn, came: () => came }
}

/** Lets everything run that waits for nothing from outside. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('the order', () => {
  test('is that in which turns were asked for, one at a time', async () => {
    const lanes = new Lanes()
    const asked = [ask(lanes), ask(lanes), ask(lanes)] as const
    for (const [index, { turn }] of asked.entries()) {
      await settle()
      expect(asked.map(({ came }) => came())).toEqual(asked.map((_, place) => place <= index))
      ;(await turn).leave()
    }
  })

  test('is that of each stream of each schema alone', async () => {
    const lanes = new Lanes()
    const asked = [ask(lanes, 's'), ask(lanes, 't'), ask(lanes, 's', undefined, 'b'), ask(lanes, 's')]
    await settle()
    expect(asked.map(({ came }) => came())).toEqual([true, true, true, false])
  })

  test('is not passed by leaving twice', async () => {
    const lanes = new Lanes()
    const [first, second, third] = [ask(lanes), ask(lanes), ask(lanes)]
    const turn = await first.turn
    turn.leave()
    turn.leave()
    await second.turn
    turn.leave()
    await settle()
    expect(third.came()).toBe(false)
  })
})

describe('a signal', () => {
  test('that is aborted already gets no turn, and keeps nobody else from theirs', async () => {
    const lanes = new Lanes()
    const reason = new Error('enough')
    await expect(ask(lanes, 's', AbortSignal.abort(reason)).turn).rejects.toMatchObject({
      code: 'Aborted',
      streamId: 's',
      cause: reason,
    })
    await expect(ask(lanes).turn).resolves.toBeDefined()
  })

  test('that is aborted while waiting gives the place up; those behind still wait for the one before', async () => {
    const lanes = new Lanes()
    const leaving = new AbortController()
    const first = await ask(lanes).turn
    const second = ask(lanes, 's', leaving.signal)
    const third = ask(lanes)
    leaving.abort(new Error('enough'))
    await expect(second.turn).rejects.toMatchObject({ code: 'Aborted', cause: leaving.signal.reason })
    await settle()
    expect(third.came()).toBe(false)
    first.leave()
    await third.turn
  })

  test('that is aborted with the turn taken changes nothing', async () => {
    const lanes = new Lanes()
    const late = new AbortController()
    const turn = await ask(lanes, 's', late.signal).turn
    const next = ask(lanes)
    late.abort()
    await settle()
    expect(next.came()).toBe(false)
    turn.leave()
    await next.turn
  })
})

describe('what one turn learns', () => {
  test('the next one knows, when it was waiting before the database was asked', async () => {
    const lanes = new Lanes()
    const first = await ask(lanes).turn
    const waiting = ask(lanes)
    const learn = first.asking(account)
    learn(at(5))
    first.leave()
    expect((await waiting.turn).known(account)).toEqual(at(5))
  })

  test('a later one does not, for it may have seen what happened since', async () => {
    const lanes = new Lanes()
    const first = await ask(lanes).turn
    const learn = first.asking(account)
    const later = ask(lanes)
    learn(at(5))
    first.leave()
    expect((await later.turn).known(account)).toBeUndefined()
  })

  test('is handed through a row of turns only as far as those who waited', async () => {
    const lanes = new Lanes()
    const first = await ask(lanes).turn
    const second = ask(lanes)
    const learn = first.asking(account)
    const third = ask(lanes)
    learn(at(5))
    first.leave()
    const turn = await second.turn
    expect(turn.known(account)).toEqual(at(5))
    // The third came before this one asks, and so what this one learns is not too old for it.
    turn.asking(account)(at(6))
    turn.leave()
    expect((await third.turn).known(account)).toEqual(at(6))
  })

  test('is of one definition', async () => {
    const lanes = new Lanes()
    const first = await ask(lanes).turn
    const waiting = ask(lanes)
    first.asking(account)(at(5))
    first.leave()
    const turn = await waiting.turn
    expect(turn.known(other)).toBeUndefined()
    expect(turn.known(account)).toEqual(at(5))
  })

  test('is of one stream', async () => {
    const lanes = new Lanes()
    const first = await ask(lanes, 's').turn
    const elsewhere = ask(lanes, 't')
    first.asking(account)(at(5))
    first.leave()
    expect((await elsewhere.turn).known(account)).toBeUndefined()
  })

  test('can be forgotten', async () => {
    const lanes = new Lanes()
    const first = await ask(lanes).turn
    const waiting = ask(lanes)
    first.asking(account)(at(5))
    first.forget()
    first.leave()
    expect((await waiting.turn).known(account)).toBeUndefined()
  })

  test('is left to nobody once it has left: the next one may have learned something newer', async () => {
    const lanes = new Lanes()
    const first = await ask(lanes).turn
    const [second, third] = [ask(lanes), ask(lanes)]
    const learnLate = first.asking(account)
    first.leave()
    const turn = await second.turn
    turn.asking(account)(at(7))
    learnLate(at(5))
    first.forget()
    turn.leave()
    expect((await third.turn).known(account)).toEqual(at(7))
  })

  test('a turn that has left does not go by: nobody can tell it that this has become old', async () => {
    const lanes = new Lanes()
    const first = await ask(lanes).turn
    const second = ask(lanes)
    first.asking(account)(at(5))
    first.leave()
    const turn = await second.turn
    turn.leave()
    expect(turn.known(account)).toBeUndefined()
  })
})

test('nothing is kept of a stream on which nobody waits any more', async () => {
  const lanes = new Lanes()
  const kept = await leaveState(lanes)
  await collectGarbage(kept)
  expect(kept.deref()).toBeUndefined()
  // Were they gone already, they could hold nothing.
  expect(lanes).toBeInstanceOf(Lanes)
})

/** Three executions, one of them given up, that learn a state; what they learned is in nobody's hands but theirs. */
async function leaveState(lanes: Lanes): Promise<WeakRef<AnyLoaded>> {
  const learned = at(5)
  const leaving = new AbortController()
  const first = await ask(lanes).turn
  const [second, third] = [ask(lanes, 's', leaving.signal), ask(lanes)]
  leaving.abort()
  await second.turn.catch(() => undefined)
  first.asking(account)(learned)
  first.leave()
  ;(await third.turn).leave()
  return new WeakRef(learned)
}

async function collectGarbage(until: WeakRef<object>): Promise<void> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let round = 0; round < 20 && until.deref() !== undefined; round += 1) {
    await settle()
    collect()
  }
}
