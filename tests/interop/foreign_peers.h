#ifndef UDSRPC_TESTS_INTEROP_FOREIGN_PEERS_H_
#define UDSRPC_TESTS_INTEROP_FOREIGN_PEERS_H_

#include <string>
#include <vector>

#include "udsrpc/transport.h"

// Clients and servers in other languages, which are programs beside this one, as the other end of udsrpc's.

namespace udsrpc::testing {

// A client takes endpoints as further arguments and says "ok SCENARIO" of each of `scenarios` at each of them. One with
// `drains` then opens a stream at the first, says "drain", for its server to be ended, and "ok drain".
struct ForeignClient {
  std::string name;
  std::vector<std::string> command;
  std::vector<std::string> scenarios;
  bool drains = false;
  bool abstract_names = true;
};

// Runs it against a server of udsrpc.
void CheckForeignClient(const ForeignClient& client);

// A server takes endpoints likewise. It says "ready" when it serves the test service there, "cancelled GATE" when a
// Block was cancelled, "draining" when its input has ended and it takes no more calls, and "done" when the last has
// ended.
struct ForeignServer {
  std::string name;
  std::vector<std::string> command;
  Transport transport = Transport::kGrpc;
  bool abstract_names = true;
  bool drains = true;  // its open calls go on while it takes no more
};

// Makes calls of every kind to it, through channels of udsrpc.
void CheckForeignServer(const ForeignServer& server);

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_INTEROP_FOREIGN_PEERS_H_
