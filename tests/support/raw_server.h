#ifndef UDSRPC_TESTS_SUPPORT_RAW_SERVER_H_
#define UDSRPC_TESTS_SUPPORT_RAW_SERVER_H_

#include <deque>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/src/wire/frame.h"
#include "tests/support/raw_client.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc::testing {

// The server's end of a connection, which says whatever a test wants. A receive waits for 20 s at most.
class RawServerConnection {
 public:
  RawServerConnection() = default;  // none: every receive finds the end
  explicit RawServerConnection(UniqueFd fd) : fd_(std::move(fd)) {}

  bool valid() const { return fd_.valid(); }
  int fd() const { return fd_.get(); }

  // One packet; waits for room. False: the client has closed.
  bool Send(absl::string_view packet);
  // The next packet as it came, whatever is in it; empty at the end.
  std::string ReceivePacket();
  // The next frame, out of however many packets; nothing at the end.
  std::optional<ReceivedFrame> Receive();
  // Whether a frame comes, or the end, within `patience`.
  bool AnythingWithin(absl::Duration patience);
  void Close() { fd_.reset(); }

 private:
  UniqueFd fd_;
  std::deque<ReceivedFrame> frames_;
};

// Listens where a server's seqpacket socket would be.
class RawServer {
 public:
  // `target` is an endpoint. Fails the test where it cannot be bound.
  explicit RawServer(const std::string& target);

  // The next client; none, and a failed test, after 20 s.
  RawServerConnection Accept();
  // Whether no client waits to be accepted.
  bool NobodyWaits();

 private:
  UniqueFd fd_;
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_SUPPORT_RAW_SERVER_H_
