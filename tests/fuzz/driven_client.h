#ifndef UDSRPC_TESTS_FUZZ_DRIVEN_CLIENT_H_
#define UDSRPC_TESTS_FUZZ_DRIVEN_CLIENT_H_

#include <cstddef>
#include <deque>
#include <memory>

#include "absl/strings/string_view.h"
#include "client/src/dialer.h"
#include "client/src/seqpacket_async_call.h"
#include "client/src/seqpacket_connection.h"
#include "client/src/seqpacket_connector.h"
#include "client/src/start_queue.h"
#include "tests/fuzz/client_words.h"
#include "tests/fuzz/raw_end.h"

namespace udsrpc::fuzz {

// What a channel has below its calls: connections to a server that the fuzzer is, on the fuzzer's own thread. Nothing
// but the fuzzer's turns makes them go on, except for calls for which there is no connection: their channel's thread
// tells them so, which every function here waits for.
class DrivenClient {
 public:
  explicit DrivenClient(const SeqpacketConnection::Limits& limits);
  // No calls are left, and nothing of the connections.
  ~DrivenClient();

  SeqpacketAsyncCall::Transport transport() {
    return {.connector = connector_, .starts = starts_, .max_message_bytes = limits_.max_receive_message_bytes};
  }

  // One packet of the server's, on the newest connection.
  void Send(absl::string_view packet, size_t descriptors);
  // The client goes through so many turns on each connection; the server reads nothing.
  void Turn(int times = 1);
  // The server takes one packet of the newest connection; or all that there are, of all.
  bool Receive();
  // Both, until nothing is left to be done.
  void Settle();
  // The server lets the client connect again, where it has no connection that takes calls.
  void Reconnect();
  // The server closes its ends.
  void Close();

  // The client has told the server of the newest connection that it broke the protocol.
  bool said_goodbye() const { return links_.back().words.ended(); }

 private:
  struct Link {
    RawEnd server;
    std::shared_ptr<SeqpacketConnection> client;
    ClientWords words;
  };

  static bool Receive(Link& link);
  void AwaitStarts();

  const SeqpacketConnection::Limits limits_;
  Dialer* dialer_;  // the connector's
  SeqpacketConnector connector_;
  StartQueue starts_;
  std::deque<Link> links_;
};

}  // namespace udsrpc::fuzz

#endif  // UDSRPC_TESTS_FUZZ_DRIVEN_CLIENT_H_
