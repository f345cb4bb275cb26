#ifndef UDSRPC_CLIENT_THREAD_STACK_H_
#define UDSRPC_CLIENT_THREAD_STACK_H_

namespace udsrpc {

// Whether `object` is a local variable of a function that the calling thread is in, on the thread's own stack. No where
// that cannot be known.
bool IsOnThisThreadsStack(const void* object);

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_THREAD_STACK_H_
