#ifndef UDSRPC_TESTS_SUPPORT_RAW_CLIENT_H_
#define UDSRPC_TESTS_SUPPORT_RAW_CLIENT_H_

#include <deque>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/src/wire/frame.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc::testing {

// A frame with its own bytes.
struct ReceivedFrame {
  wire::FrameHeader header;
  std::string bytes;

  wire::RawFrame raw() const;
};

// A client that speaks whatever a test wants over a seqpacket socket. A receive waits for 20 s at most.
class RawClient {
 public:
  // `target` is an endpoint. Fails the test where nobody listens.
  explicit RawClient(const std::string& target);

  // One packet; waits for room. False: the server has closed.
  bool Send(absl::string_view packet);
  // HELLO of this version.
  static std::string Hello();
  // A CALL of the Echo method, by path.
  static std::string EchoCall(uint32_t call, const std::string& text);

  // The next frame, out of however many packets; nothing at the end.
  std::optional<ReceivedFrame> Receive();
  // Whether the connection is at its end, nothing having come before.
  bool AtEnd();

  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
  std::deque<ReceivedFrame> frames_;
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_SUPPORT_RAW_CLIENT_H_
