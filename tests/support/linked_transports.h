#ifndef UDSRPC_TESTS_SUPPORT_LINKED_TRANSPORTS_H_
#define UDSRPC_TESTS_SUPPORT_LINKED_TRANSPORTS_H_

namespace udsrpc::testing {

// True, unless the program has one of its own: those that are linked without gRPC define it as false, and run the
// seqpacket half.
extern const bool kWithGrpc;

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_SUPPORT_LINKED_TRANSPORTS_H_
