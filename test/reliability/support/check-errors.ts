/** SQLSTATEs that a race may raise inside the server, and that no caller may ever see. */
const races = ['40001', '40P01', '23505'] as const

/** How often the server logged each of the SQLSTATEs that a race may raise, in this part of its log. */
export function countRaces(log: string): Readonly<Record<(typeof races)[number], number>> {
  const count = (state: string): number => log.split('\n').filter((line) => line.includes(` ${state} ERROR: `)).length
  return { '40001': count('40001'), '40P01': count('40P01'), '23505': count('23505') }
}
