import { Socket, type SocketConstructorOpts } from 'node:net'

/** All sockets read into this one: what comes is used up before the next read. */
const shared = Buffer.allocUnsafeSlow(64 * 1024)

/**
 * A socket over the connection of `accepted` that gives what it reads to `receive`, in one buffer that is used again: net.Socket's `onread`, without which each read allocates. `accepted`
 * carries nothing any more, and closes when the answered socket has.
 *
 * `onread` is an option of the constructor alone, and accepted sockets are constructed by Node, so the connection changes hands by its handle, which Node does not document. Where there is
 * none, `accepted` itself is answered, read as streams are.
 */
export function withReusedReads(accepted: Socket, receive: (bytes: Buffer, length: number) => void): Socket {
  const handle: unknown = Reflect.get(accepted, '_handle')
  if (!isHandle(handle)) {
    accepted.on('data', (chunk: Buffer) => receive(chunk, chunk.byteLength))
    return accepted
  }
  accepted.removeAllListeners('data')
  Reflect.set(accepted, '_handle', null)
  const callback = (length: number, buffer: Uint8Array): boolean => {
    receive(buffer as Buffer, length)
    return true
  }
  const options: object = { handle, onread: { buffer: shared, callback } }
  const socket = new Socket(options as SocketConstructorOpts)
  socket.once('close', () => accepted.destroy())
  return socket
}

function isHandle(handle: unknown): boolean {
  return typeof handle === 'object' && handle !== null && 'useUserBuffer' in handle && 'readStart' in handle
}
