/** Lets those who wait go on when somebody opens it. */
export interface Barrier {
  readonly opened: Promise<void>
  readonly open: () => void
}

/** A barrier that is shut. */
export function barrier(): Barrier {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open }
}
