#ifndef UDSRPC_TESTS_FUZZ_DRIVEN_SERVER_H_
#define UDSRPC_TESTS_FUZZ_DRIVEN_SERVER_H_

#include <cstddef>
#include <memory>

#include "absl/strings/string_view.h"
#include "server/src/caller.h"
#include "server/src/seqpacket_connection.h"
#include "server/src/seqpacket_transport.h"
#include "server/src/user.h"
#include "tests/fuzz/fuzz_service.h"
#include "tests/fuzz/raw_end.h"
#include "tests/fuzz/server_words.h"

namespace udsrpc::fuzz {

// The seqpacket half of a server with one connection, whose other end is the fuzzer's, on the fuzzer's own thread.
// Nothing but the fuzzer's turns makes it go on.
class DrivenServer {
 public:
  DrivenServer(const ServerOptions& options, const UserLimits& limits);
  // The client leaves, and all that the server had for it has gone.
  ~DrivenServer();

  // One packet of the client's.
  void Send(absl::string_view packet, size_t descriptors);
  // The server goes through so many turns; the client reads nothing.
  void Turn(int times = 1);
  // The client takes one packet, or all that there are.
  bool Receive();
  void ReceiveAll();
  // Both, until nothing is left to be done.
  void Settle();

  void Drain() { connection_->Drain(); }
  void Farewell() { connection_->Farewell(); }
  void Close() { connection_->Close("the fuzzer says so"); }

  FuzzService& service() { return *service_; }
  ServerWords& words() { return words_; }
  RawEnd& client() { return client_; }

 private:
  // Everything that counts against a user has been given back.
  void CheckUser();

  const UserLimits limits_;
  std::unique_ptr<FuzzService> service_ = std::make_unique<FuzzService>();
  MethodTable methods_;
  std::shared_ptr<User> user_;
  std::shared_ptr<const Caller> caller_;
  ServingLoop* loop_;  // the transport's
  std::unique_ptr<SeqpacketServerTransport> transport_;
  std::shared_ptr<SeqpacketServerConnection> connection_;
  UniqueFd server_socket_;
  RawEnd client_ = RawEnd::Pair(&server_socket_);
  ServerWords words_{&FuzzService::KindOf};
};

}  // namespace udsrpc::fuzz

#endif  // UDSRPC_TESTS_FUZZ_DRIVEN_SERVER_H_
