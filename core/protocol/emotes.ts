/** The gestures there are: number 1 is the first. */
export const EMOTES = ['wave', 'bow', 'nod', 'laugh', 'cheer', 'dance', 'point', 'shrug'] as const
