import { BailiwickError } from '../core/errors.ts'

export interface Lead {
  /**
   * Asked before each thing that is written. One that stood still for longer than its lease lasts finds what it was told meanwhile before it finds that it leads no longer: another release may lead by now, and know
   * better what to write. Default: it may.
   */
  readonly mayAct?: () => boolean
}

/** False: the lease was lost. */
export function leads({ mayAct }: Lead): boolean {
  return mayAct?.() !== false
}

/** Throws Busy when the lease was lost. */
export function mustLead(lead: Lead, asked: string): void {
  if (!leads(lead)) throw new BailiwickError('Busy', { asked, found: 'the lease was lost' })
}
